"""The sales pages in the Airflow UI: lists, documents, findings, changes. Server-rendered; every route needs Airflow's login."""
