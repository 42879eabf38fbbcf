"""The integration into Airflow: hooks, operators, notifier, the sales pages. The logic itself is in `magodoo`."""
