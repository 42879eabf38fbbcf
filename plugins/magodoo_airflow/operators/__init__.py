"""One operator per step of the chain and one per kind of change; each is usable on its own in a user's DAG."""
