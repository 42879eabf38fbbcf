"""`sales_quality__<instance>`: expectations, Data Docs, the gate, alert emails."""

from airflow.sdk import DAG, PartitionedAssetTimetable

from magodoo_airflow.operators.chain import GateOperator, QualityOperator, SendMailsOperator
from magodoo_airflow.schedule import asset, dag_defaults, instances

DOC = """
### Quality, instance `{instance}`

Runs the data-quality checks on the staged tables and on the reconciliation's result, builds the Data Docs, writes a verdict on
every unchecked change and mails what a person must look at. A failing check on a document holds that document's changes
(green); a failing check on a whole side holds the side (the task `gate` fails, after the mail is queued).
"""

for instance in instances():
    with DAG(
        dag_id=f"sales_quality__{instance.id}",
        schedule=PartitionedAssetTimetable(assets=asset(instance, "reconciled")),
        doc_md=DOC.format(instance=instance.id),
        **dag_defaults(instance, "quality"),
    ) as dag:
        checked = QualityOperator(task_id="check", instance=instance.id, outlets=[asset(instance, "checked")])
        GateOperator(task_id="gate", instance=instance.id, checked=checked.output)
        checked >> SendMailsOperator(task_id="mail", instance=instance.id, trigger_rule="all_done")
    globals()[dag.dag_id] = dag
