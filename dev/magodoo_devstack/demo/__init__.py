"""The demo: a seeded shop, the whole chain on a real Airflow, and what was found beside what was planted."""
