"""The local stack: PostgreSQL, Airflow, the sandbox systems and a mail server on one machine, without containers."""
