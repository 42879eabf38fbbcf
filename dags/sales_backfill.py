"""`sales_backfill`: the whole chain over a past window, by hand."""

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, task_group

from magodoo.vocabulary import MATCHED_KINDS
from magodoo_airflow.operators.backfill import BackfillChunksOperator, BackfillReportOperator
from magodoo_airflow.schedule import dag_defaults, instances

DOC = """
### Backfill

Fill in the form: the window [from, to) in UTC is cut into chunks, each side is read for each chunk, then what was staged is
reconciled, checked and loaded. With *dry run* nothing is loaded: the planned changes and their exact calls stand on the page
Changes. No watermark moves. Run it again, or clear a task, as often as you like: the end state is the same. Stop it with
*Mark as failed*, go on with *Clear* on the run (what had not begun is skipped then, not red).

A window that ends before it starts, lies in the future, is wider than ten years or gives more than 1,000 chunks fails at the first
task, which says what is wrong. The instance's own DAGs must be switched on: a paused one fails its task at once. One chunk is read at
a time on each side, so that the scheduled runs get their turn between two chunks.
"""

known = [instance.id for instance in instances()] or ["none"]
documents = [kind.value for kind in MATCHED_KINDS]

with DAG(
    dag_id="sales_backfill",
    schedule=None,
    doc_md=DOC,
    params={
        "instance": Param(known[0], type="string", enum=known, description="Instance"),
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
    **(
        dag_defaults(None, "backfill")
        | {"max_active_runs": 4, "dagrun_timeout": timedelta(days=14), "is_paused_upon_creation": False}
    ),
) as dag:
    chunks = BackfillChunksOperator(
        task_id="chunks",
        instance="{{ params.instance }}",
        start="{{ params['from'] }}",
        end="{{ params['to'] }}",
        hours="{{ params.hours }}",
        documents="{{ params.documents }}",
    )
    # A run without logical date carries no partition key either: it wakes nothing by itself.
    wait = {
        "wait_for_completion": True,
        "deferrable": True,
        "poke_interval": 5,
        "logical_date": None,
        "fail_when_dag_is_paused": True,
    }

    @task_group(group_id="extract")
    def extract(conf: dict[str, object]) -> None:
        for side in ("magento", "odoo"):
            TriggerDagRunOperator(
                task_id=side,
                trigger_dag_id=f"{side}_extract__{{{{ params.instance }}}}",
                conf=conf,  # type: ignore[arg-type]
                max_active_tis_per_dagrun=1,  # a deferred task counts: one chunk at a time, however many there are
                map_index_template="{{ task.conf['from'][:16] }} to {{ task.conf['to'][:16] }}",
                **wait,
            )

    def stage(name: str, **conf: object) -> TriggerDagRunOperator:
        return TriggerDagRunOperator(
            task_id=name, trigger_dag_id=f"sales_{name}__{{{{ params.instance }}}}", conf=conf, **wait
        )

    (
        extract.expand(conf=chunks.output)
        >> stage("reconcile")
        >> stage("quality")
        >> stage("load", dry_run="{{ params.dry_run }}")
        >> BackfillReportOperator(task_id="report", instance="{{ params.instance }}", chunks=chunks.output)
    )
