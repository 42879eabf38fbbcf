"""`magento_extract__<instance>` and `odoo_extract__<instance>`: stage what changed on one side."""

from airflow.sdk import DAG, CronPartitionTimetable, Param

from magodoo_airflow.operators.chain import ExtractOperator
from magodoo_airflow.schedule import KEY_FORMAT, asset, dag_defaults, instances

DOC = """
### {side} extract, instance `{instance}`

Reads orders, invoices, shipments and credit memos that changed since the committed watermark, with an overlap, into the
staging tables; heals itself after any outage. The watermark is committed with the rows.

* **Trigger without anything**: reads from the watermark on, whatever the partition key says. Without a partition key nothing
  downstream is woken; what was staged is reconciled by the next run that is.
* **Backfill** (tab *Backfill*, or `airflow backfill create`): each partition reads exactly its own interval and moves no watermark.
* **Trigger with `from` and `to`** (UTC): reads exactly that window.
"""

for instance in instances():
    for side in ("magento", "odoo"):
        with DAG(
            dag_id=f"{side}_extract__{instance.id}",
            schedule=CronPartitionTimetable(instance.schedule, timezone="UTC", run_offset=-1, key_format=KEY_FORMAT),
            doc_md=DOC.format(side=side.title(), instance=instance.id),
            params={
                "from": Param(None, type=["null", "string"], format="date-time", description="start of a window, UTC"),
                "to": Param(
                    None, type=["null", "string"], format="date-time", description="end of the window, UTC, excluded"
                ),
            },
            **dag_defaults(instance, "extract", side),
        ) as dag:
            ExtractOperator(
                task_id="extract",
                instance=instance.id,
                side=side,
                pool=f"magodoo_{side}",
                outlets=[asset(instance, f"{side}_staged")],
            )
        globals()[dag.dag_id] = dag
