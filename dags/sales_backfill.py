"""`sales_backfill`: the whole chain over a past window, by hand."""

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, TriggerRule, task_group

from magodoo_airflow.operators.upkeep import BackfillChunksOperator
from magodoo_airflow.schedule import dag_defaults, instances

DOC = """
### Backfill

Fill in the form: the window [from, to) in UTC is cut into chunks, each side is read for each chunk, then what was staged is
reconciled, checked and loaded. With *dry run* nothing is loaded: the planned changes and their exact calls stand on the page
Changes. No watermark moves. Run it again, or clear a task, as often as you like: the end state is the same. Stop it with
*Mark as failed*, go on with *Clear* on what is red.
"""

known = [instance.id for instance in instances()] or ["none"]

with DAG(
    dag_id="sales_backfill",
    schedule=None,
    doc_md=DOC,
    params={
        "instance": Param(known[0], type="string", enum=known, description="Instance"),
        "from": Param(
            "2026-01-01T00:00:00Z", type="string", format="date-time", description="Start of the window, UTC"
        ),
        "to": Param(
            "2026-01-02T00:00:00Z", type="string", format="date-time", description="End of the window, UTC, excluded"
        ),
        "hours": Param(24, type="integer", minimum=1, maximum=8784, description="Length of a chunk in hours"),
        "dry_run": Param(True, type="boolean", description="Show what would be written, write nothing"),
    },
    render_template_as_native_obj=True,
    **(dag_defaults(None, "backfill") | {"max_active_runs": 4}),
) as dag:
    chunks = BackfillChunksOperator(
        task_id="chunks",
        instance="{{ params.instance }}",
        start="{{ params['from'] }}",
        end="{{ params['to'] }}",
        hours="{{ params.hours }}",
    )
    wait = {"wait_for_completion": True, "deferrable": True, "poke_interval": 5, "logical_date": None}

    @task_group(group_id="extract")
    def extract(conf: dict[str, str]) -> None:
        for side in ("magento", "odoo"):
            TriggerDagRunOperator(
                task_id=side,
                trigger_dag_id=f"{side}_extract__{{{{ params.instance }}}}",
                conf=conf,  # type: ignore[arg-type]
                max_active_tis_per_dagrun=4,
                **wait,
            )

    def stage(name: str, **more: object) -> TriggerDagRunOperator:
        return TriggerDagRunOperator(
            task_id=name, trigger_dag_id=f"sales_{name}__{{{{ params.instance }}}}", **wait, **more
        )

    (
        extract.expand(conf=chunks.output)
        >> stage("reconcile", conf={}, trigger_rule=TriggerRule.NONE_FAILED)
        >> stage("quality", conf={})
        >> stage("load", conf={"dry_run": "{{ params.dry_run }}"})
    )
