"""`preflight__<instance>`: check whether an instance may write. Triggered by hand, and before the first `apply`."""

from airflow.sdk import DAG

from magodoo_airflow.operators.preflight import PreflightOperator
from magodoo_airflow.schedule import dag_defaults, names

DOC = """
### Preflight, instance `{instance}`

Looks at the connections, rights, versions, clocks, mappings, journals, warehouses, delivery methods, lock dates, other connectors,
mails and the staging schema of an instance, and says in the log of `check`, line by line, what was found and what to do. Nothing is
written to Magento or Odoo.

A red task means: errors. While an instance has errors, the load writes nothing for it; it examines the instance again by itself
when the last preflight failed, or was made for other kinds of change or other settings than those of today. Warnings stop nothing.
"""

for instance in names():
    with DAG(
        dag_id=f"preflight__{instance}",
        schedule=None,
        doc_md=DOC.format(instance=instance),
        **(dag_defaults(None, "preflight", instance) | {"is_paused_upon_creation": False}),
    ) as dag:
        PreflightOperator(task_id="check", instance=instance)
    globals()[dag.dag_id] = dag
