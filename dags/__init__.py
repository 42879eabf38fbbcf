"""Every DAG, by one import: a DAG file with the line `from magodoo_airflow.dags import *` offers them all.

A single DAG is offered by its own module: `from magodoo_airflow.dags.sales_load import *`.
"""

from airflow.sdk import DAG

from magodoo_airflow.dags import (
    extract,
    preflight,
    sales_approval,
    sales_backfill,
    sales_load,
    sales_quality,
    sales_reconcile,
    sales_refresh,
    sales_statement,
    sales_upkeep,
)

_modules = (
    extract, sales_reconcile, sales_quality, sales_load, sales_refresh, sales_approval,
    sales_backfill, sales_statement, sales_upkeep, preflight,
)  # fmt: skip
_dags = {value.dag_id: value for module in _modules for value in vars(module).values() if isinstance(value, DAG)}
globals().update(_dags)
__all__ = list(_dags)
