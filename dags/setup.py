"""`setup`: draft the settings of a new instance from both systems, triggered by hand."""

from airflow.sdk import DAG, Param

from magodoo_airflow.operators.setup import SetupOperator
from magodoo_airflow.schedule import dag_defaults

DOC = """
### Draft the settings of an instance

Fill in the form: the permanent id, the two connections (create them in *Admin*, *Connections*, and press *Test* first), the cut-over and
the time zone. Both systems are only read: stores, the payment methods and tax rates of the last 90 days, carriers, warehouses, extra totals on
one side; taxes, journals, pricelists, delivery methods, products on the other.

The draft is in the log of `draft`, in its return value, and in a file beside the settings, `magodoo.<id>.yaml`. Lines that only a person can
decide are comments which name their candidates. Where the settings have the instance already, the task says what both systems have that
they do not, and changes nothing. `make init` does the same in a shell, and asks for keys where there is no connection.

Who may trigger this DAG reads through any connection of these two types that the form names.
"""

with DAG(
    dag_id="setup",
    schedule=None,
    doc_md=DOC,
    params={
        "id": Param("us", type="string", pattern="^[a-z][a-z0-9]{0,15}$", description="Id of the instance, permanent"),
        "magento_connection": Param(
            "magento_us", type="string", minLength=1, description="Connection of type Magento 2"
        ),
        "odoo_connection": Param("odoo_us", type="string", minLength=1, description="Connection of type Odoo"),
        "books_from": Param(
            type="string", format="date", description="Cut-over: the first day of orders that magodoo keeps"
        ),
        "time_zone": Param("UTC", type="string", minLength=1, description="IANA name, such as Europe/Berlin"),
    },
    **(dag_defaults(None, "setup") | {"is_paused_upon_creation": False}),
):
    SetupOperator(
        task_id="draft",
        instance="{{ params.id }}",
        magento_connection="{{ params.magento_connection }}",
        odoo_connection="{{ params.odoo_connection }}",
        books_from="{{ params.books_from }}",
        time_zone="{{ params.time_zone }}",
    )
