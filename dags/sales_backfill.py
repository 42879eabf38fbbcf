"""`sales_backfill__<instance>`: run the whole chain over a past window, triggered by hand."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task_group

from magodoo.domain.vocabulary import MATCHED_KINDS
from magodoo_airflow.operators.backfill import BackfillChunksOperator, BackfillProgressOperator, BackfillReportOperator
from magodoo_airflow.retries import STEP_RETRIES, WAITING_RETRIES
from magodoo_airflow.schedule import Instance, dag_defaults, instances

DOC = """
### Backfill, instance `{instance}`

Fill in the form: the window [from, to) in UTC is cut into chunks. Each chunk is read on both sides and reconciled; its task
*progress* is then named by how far the backfill has come (chunks, documents, findings, changes). After the last one all is checked and
loaded at once, so that the limits of a run hold for the whole. With *dry run* nothing is loaded: the planned changes and their
exact calls stand on the page Changes. No watermark moves. Run it again, or clear a task, as often as you like: the end state is
the same. Stop it with *Mark as failed*, go on with *Clear* on the run (what had not begun is skipped then, not red).

A window that ends before it starts, lies in the future, is wider than ten years or gives more than 1,000 chunks fails at the first
task, which says what is wrong. The instance's own DAGs must be switched on: a paused one fails its task at once. One chunk is read at
a time on each side, so that the scheduled runs get their turn between two chunks.
"""

documents = [kind.value for kind in MATCHED_KINDS]


def backfill(instance: Instance) -> DAG:
    """Return the DAG of one instance."""
    with DAG(
        dag_id=f"sales_backfill__{instance.id}",
        schedule=None,
        doc_md=DOC.format(instance=instance.id),
        params={
            "from": Param(type="string", format="date-time", description="Start of the window, UTC"),
            "to": Param(type="string", format="date-time", description="End of the window, UTC, excluded"),
            "documents": Param(
                documents,
                type="array",
                items={"type": "string", "enum": documents},
                minItems=1,
                examples=documents,
                description="What is read; whole orders are reconciled in any case",
            ),
            "hours": Param(24, type="integer", minimum=1, maximum=8784, description="Length of a chunk in hours"),
            "dry_run": Param(True, type="boolean", description="Show what would be written, write nothing"),
        },
        render_template_as_native_obj=True,
        **(dag_defaults(instance, "backfill") | {"deadline": None, "is_paused_upon_creation": False}),
    ) as dag:
        chunks = BackfillChunksOperator(
            task_id="chunks",
            instance=instance.id,
            start="{{ params['from'] }}",
            end="{{ params['to'] }}",
            hours="{{ params.hours }}",
            documents="{{ params.documents }}",
        )
        # A run without a logical date has no partition key either: it triggers no other DAG by itself.
        wait = {
            "wait_for_completion": True,
            "deferrable": True,
            "poke_interval": 5,
            "logical_date": None,
            "fail_when_dag_is_paused": True,
            **WAITING_RETRIES,
        }

        one_at_a_time = {"max_active_tis_per_dagrun": 1}  # deferred tasks count too

        def stage(task_id: str, triggered: str, conf: dict[str, object], **options: object) -> TriggerDagRunOperator:
            """Return a task that triggers a DAG of the instance and waits for its run."""
            return TriggerDagRunOperator(
                task_id=task_id, trigger_dag_id=f"{triggered}__{instance.id}", conf=conf, **wait, **options
            )

        @task_group(group_id="chunk")
        def chunk(window: dict[str, object]) -> None:
            """Read one chunk on each side, reconcile it while the next one is being read, and report the progress of all."""
            named = {
                "map_index_template": "{{ task.conf['from'][:16] }} to {{ task.conf['to'][:16] }}",
                **one_at_a_time,
            }
            (
                [stage(side, f"{side}_extract", window, **named) for side in ("magento", "odoo")]
                >> stage("reconcile", "sales_reconcile", window, **named)
                >> BackfillProgressOperator(
                    task_id="progress",
                    instance=instance.id,
                    chunk=window,
                    **STEP_RETRIES,
                    map_index_template="{{ task.label }}",
                    **one_at_a_time,
                )
            )

        (
            chunk.expand(window=chunks.output)
            >> stage("quality", "sales_quality", {})
            >> stage("load", "sales_load", {"dry_run": "{{ params.dry_run }}"})
            >> BackfillReportOperator(task_id="report", instance=instance.id)
        )
    return dag


for instance in instances():
    made = backfill(instance)
    globals()[made.dag_id] = made
