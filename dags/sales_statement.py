"""`sales_statement__<instance>`: the monthly statement, on the first days of each month for the last one, and by hand for any."""

from airflow.sdk import DAG, CronTriggerTimetable, Param

from magodoo_airflow.operators.chain import SendMailsOperator
from magodoo_airflow.operators.statement import StatementOperator
from magodoo_airflow.retries import STEP_RETRIES
from magodoo_airflow.schedule import dag_defaults, instances

DOC = """
### Monthly statement, instance `{instance}`

Shows how Magento's total of a month becomes Odoo's total and the balance of Odoo's revenue and tax accounts, per currency, kind,
country and tax rate, with its annexes. Runs on the 1st to the 3rd for the last month, and looks again at the signed months of the
last quarter; a mail with PDF and CSV goes to accounting whenever figures are new. By hand: choose a month.
It is read and signed on the page *Statement*. Nothing is written to Magento or Odoo.
"""

for instance in instances():
    with DAG(
        dag_id=f"sales_statement__{instance.id}",
        schedule=CronTriggerTimetable("0 6 1-3 * *", timezone="UTC"),
        doc_md=DOC.format(instance=instance.id),
        params={
            "month": Param(
                "",
                type="string",
                pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$",
                description="Month, such as 2026-10; empty: the last one",
            ),
        },
        **(dag_defaults(instance, "statement") | {"deadline": None}),
    ) as dag:
        made = StatementOperator(task_id="statement", instance=instance.id, month="{{ params.month }}", **STEP_RETRIES)
        made >> SendMailsOperator(task_id="mail", instance=instance.id, trigger_rule="all_done")
    globals()[dag.dag_id] = dag
