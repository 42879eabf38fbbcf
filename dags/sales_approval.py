"""`sales_approval__<instance>`: ask a person to approve or reject the changes beyond the limits."""

from airflow.sdk import DAG, CronTriggerTimetable

from magodoo_airflow.operators.approval import ApproveChangesOperator, DecideChangesOperator, WaitingChangesOperator
from magodoo_airflow.schedule import dag_defaults, instances

DOC = """
### Approval, instance `{instance}`

Hourly, the changes that wait for a person with their sums, under *Required Actions*; the answer is kept in the change ledger with
the name of who gave it. Nothing waits for this DAG: what is within the limits goes on, and the page *Changes* decides just the same,
change by change. A change that is planned anew after it was shown needs an answer of its own. A rejection needs a reason and stays.
"""

for instance in instances():
    with DAG(
        dag_id=f"sales_approval__{instance.id}",
        schedule=CronTriggerTimetable("5 * * * *", timezone="UTC"),
        doc_md=DOC.format(instance=instance.id),
        **(dag_defaults(instance, "approval") | {"deadline": None}),  # a run that waits for an answer is not late
    ) as dag:
        waiting = WaitingChangesOperator(task_id="waiting", instance=instance.id)
        answer = ApproveChangesOperator(task_id="approve", changes=waiting.output)
        DecideChangesOperator(task_id="decide", instance=instance.id, changes=waiting.output, answer=answer.output)
    globals()[dag.dag_id] = dag
