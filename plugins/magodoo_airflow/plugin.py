"""What Airflow loads by the entry point `airflow.plugins`: the sales pages and the links. Light: every Airflow process imports it."""

from airflow.plugins_manager import AirflowPlugin

from magodoo_airflow.links import DataDocsLink, SalesPageLink
from magodoo_airflow.pages.navigation import external_views, fastapi_apps


class MagodooPlugin(AirflowPlugin):
    """The sales pages, their entries in the menu, and the links of operators."""

    name = "magodoo"
    fastapi_apps = fastapi_apps()
    external_views = external_views()
    operator_extra_links = [SalesPageLink(), DataDocsLink()]  # noqa: RUF012 - Airflow's own interface
