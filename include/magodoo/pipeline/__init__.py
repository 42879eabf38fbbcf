"""The stories of the pipeline, one module each; a DAG task tells one of them."""
