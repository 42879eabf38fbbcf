"""`preflight`: check whether an instance may write. Triggered by hand, and before the first `apply`."""

from airflow.sdk import DAG, Param

from magodoo_airflow.operators.preflight import ALL, ChosenInstancesOperator, PreflightOperator
from magodoo_airflow.schedule import dag_defaults, instances

DOC = """
### Preflight

Looks at the connections, rights, versions, clocks, mappings, journals, warehouses, delivery methods, lock dates, other connectors,
mails and the staging schema of an instance, and says in the log of `check`, line by line, what was found and what to do. Nothing is
written to Magento or Odoo.

A red task means: errors. While an instance has errors, the load writes nothing for it; it examines the instance again by itself
when the last preflight failed, or was made for other kinds of change or other settings than those of today. Warnings stop nothing.
"""

with DAG(
    dag_id="preflight",
    schedule=None,
    doc_md=DOC,
    params={
        "instance": Param(
            ALL, type="string", enum=[ALL, *(instance.id for instance in instances())], description="Instance"
        )
    },
    **(dag_defaults(None, "preflight") | {"is_paused_upon_creation": False}),
) as dag:
    chosen = ChosenInstancesOperator(task_id="instances", instance="{{ params.instance }}")
    PreflightOperator.partial(task_id="check", map_index_template="{{ task.instance }}").expand(instance=chosen.output)
