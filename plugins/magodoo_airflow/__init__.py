"""The face of magodoo in Airflow: hooks, operators, notifier, the sales pages. Logic stands in `magodoo`."""
