"""`sales_upkeep`: daily digest email, unsent emails, retention, pruning."""

from airflow.sdk import DAG, CronTriggerTimetable

from magodoo_airflow.operators.chain import SendMailsOperator
from magodoo_airflow.operators.upkeep import UpkeepOperator
from magodoo_airflow.schedule import dag_defaults

DOC = """
### Digest and upkeep

Queues the daily digest of every instance, sends the mails that wait, blanks payloads that are older than the settings allow and
prunes old Data Docs.
"""

with DAG(
    dag_id="sales_upkeep",
    schedule=CronTriggerTimetable("30 5 * * *", timezone="UTC"),
    doc_md=DOC,
    **dag_defaults(None, "upkeep"),
) as dag:
    UpkeepOperator(task_id="upkeep") >> SendMailsOperator(task_id="mail")
