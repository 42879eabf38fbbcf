"""`sales_reconcile__<instance>`: match and compare the orders of both sides, document by document."""

from airflow.sdk import DAG, Param, PartitionedAssetTimetable

from magodoo_airflow.operators.chain import DueOrdersOperator, ReconcileOperator
from magodoo_airflow.operators.summary import SummaryOperator
from magodoo_airflow.retries import STEP_RETRIES
from magodoo_airflow.schedule import asset, dag_defaults, instances

DOC = """
### Reconcile, instance `{instance}`

Takes every order whose staged version is newer than its reconciled one, fetches what staging lacks of the other side,
matches and compares the documents and writes pairs, findings and planned changes. Woken by both extracts; what it works on
stands in the work list, so a run may come late, twice or be cleared: the end state is the same.

Trigger with `orders` (a list of Magento order entity ids) to look at certain orders again.
"""

for instance in instances():
    with DAG(
        dag_id=f"sales_reconcile__{instance.id}",
        schedule=PartitionedAssetTimetable(assets=asset(instance, "magento_staged") & asset(instance, "odoo_staged")),
        doc_md=DOC.format(instance=instance.id),
        params={
            "orders": Param(
                [], type="array", items={"type": "string"}, description="Magento order entity ids; empty: what is due"
            )
        },
        **dag_defaults(instance, "reconcile"),
    ) as dag:
        due = DueOrdersOperator(task_id="due_orders", instance=instance.id)
        reconciled = ReconcileOperator.partial(
            task_id="reconcile",
            instance=instance.id,
            map_index_template="{{ task.orders | length }} orders{{ ' from ' ~ task.orders[0] if task.orders else '' }}",
            **STEP_RETRIES,
        ).expand(orders=due.output)
        reconciled >> SummaryOperator(
            task_id="reconciled",
            instance=instance.id,
            counts=reconciled.output,
            outlets=[asset(instance, "reconciled")],
            trigger_rule="none_failed",
        )
    globals()[dag.dag_id] = dag
