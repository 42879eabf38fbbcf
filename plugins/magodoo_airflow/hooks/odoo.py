"""Hook for Airflow connections of type *Odoo*."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from magodoo_airflow.hooks.address import base_url

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient


class OdooHook(BaseHook):
    """Connect to a company in Odoo. Host: the server's address; schema: the database; password: the API key; extra `company_id`.

    :param odoo_conn_id: id of the Airflow connection
    """

    conn_name_attr = "odoo_conn_id"
    default_conn_name = "odoo_default"
    conn_type = "odoo"
    hook_name = "Odoo"

    def __init__(self, odoo_conn_id: str = default_conn_name, **options: Any) -> None:
        super().__init__()
        self.odoo_conn_id = odoo_conn_id
        self.options = options  # further fields of OdooConnection

    def get_conn(self, **names: Any) -> OdooClient:
        """Return a client; nothing is requested yet. Raises BadSettings that names a missing field.

        :param names: `number_fields` and `delivery_key` of OdooClient, where the settings give other fields than usual
        """
        from magodoo.connectors.odoo.client import OdooClient
        from magodoo.connectors.odoo.connection import OdooConnection

        return OdooClient.connect(OdooConnection.from_mapping({**self.fields(), **self.options}), **names)

    def fields(self) -> dict[str, Any]:
        """Return the Airflow connection's fields under the names of OdooConnection."""
        connection = self.get_connection(self.odoo_conn_id)
        return {
            "company_id": 1,
            **connection.extra_dejson,
            "url": base_url(connection),
            "database": connection.schema,
            "api_key": connection.password,
            "login": connection.login or "",
        }

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the connection works, and the text for the Test button of the connection form."""
        from magodoo.errors import MagodooError

        try:
            report = self.get_conn().test_connection()
        except MagodooError as problem:
            return False, str(problem)
        return report.ok, str(report)
