"""`sales_refresh__<instance>`: nightly, read open and recently closed orders again, whatever their timestamps."""

from airflow.sdk import DAG, CronPartitionTimetable

from magodoo_airflow.operators.chain import RefreshOperator
from magodoo_airflow.schedule import KEY_FORMAT, dag_defaults, instances

DOC = """
### Refresh, instance `{instance}`

Late tracks and comments move no timestamp in Magento, deletions leave no trace in Odoo: this DAG re-reads the orders that are open
or were closed lately, on both sides, and marks what is gone. The next reconcile compares what changed, and every order with a finding
that no change settles: the mapping, product or policy that it waits for may have come.
"""

for instance in instances():
    with DAG(
        dag_id=f"sales_refresh__{instance.id}",
        schedule=CronPartitionTimetable("17 2 * * *", timezone=instance.time_zone, key_format=KEY_FORMAT),
        doc_md=DOC.format(instance=instance.id),
        **dag_defaults(instance, "refresh"),
    ) as dag:
        RefreshOperator(task_id="refresh", instance=instance.id)
    globals()[dag.dag_id] = dag
