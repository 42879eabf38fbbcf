"""`sales_load__<instance>`: write released changes to Odoo and Magento, effectively once, and read them back."""

from airflow.sdk import DAG, Param, PartitionedAssetTimetable
from airflow.sdk.bases.operator import chain

from magodoo.domain.kinds import ChangeKind
from magodoo_airflow.operators.chain import SendMailsOperator
from magodoo_airflow.operators.changes import BY_KIND
from magodoo_airflow.operators.due_changes import DueChangesOperator
from magodoo_airflow.operators.summary import LoadedOperator
from magodoo_airflow.schedule import asset, dag_defaults, instances

DOC = """
### Load, instance `{instance}`

One task per kind of change, in the order in which an order's changes are carried out. Each carries out what stands released in
the change ledger, and nothing else: triggering or clearing this DAG by hand can never write an unchecked change, nor one twice.

`dry_run` shows the exact calls in the logs and writes nothing.
"""

for instance in instances():
    with DAG(
        dag_id=f"sales_load__{instance.id}",
        schedule=PartitionedAssetTimetable(assets=asset(instance, "checked")),
        doc_md=DOC.format(instance=instance.id),
        params={"dry_run": Param(False, type="boolean", description="show the calls, write nothing")},
        render_template_as_native_obj=True,
        **dag_defaults(instance, "load"),
    ) as dag:
        due = DueChangesOperator(task_id="due_changes", instance=instance.id)
        writers = [
            BY_KIND[kind](
                task_id=kind.value,
                instance=instance.id,
                dry="{{ params.dry_run }}",
                trigger_rule="all_done",
            )
            for kind in ChangeKind
        ]
        done = LoadedOperator(
            task_id="loaded",
            instance=instance.id,
            counts=[writer.output for writer in writers],
            trigger_rule="none_failed",
        )
        due >> [*writers, done, SendMailsOperator(task_id="mail", instance=instance.id)]
        chain(*writers, done)
    globals()[dag.dag_id] = dag
