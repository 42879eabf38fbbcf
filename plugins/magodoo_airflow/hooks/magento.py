"""Hook for Airflow connections of type *Magento 2*."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from magodoo_airflow.hooks.address import base_url

if TYPE_CHECKING:
    from magodoo.connectors.magento.client import MagentoClient


class MagentoHook(BaseHook):
    """Connect to Magento.

    Host: Magento's address. Password and login by `auth` of the connection: `bearer` (password = integration token), `oauth1`
    (login and password = consumer key and secret, extra `access_token`, `access_token_secret`), `admin` (user and password).

    :param magento_conn_id: id of the Airflow connection
    """

    conn_name_attr = "magento_conn_id"
    default_conn_name = "magento_default"
    conn_type = "magento"
    hook_name = "Magento 2"

    def __init__(self, magento_conn_id: str = default_conn_name, **options: Any) -> None:
        super().__init__()
        self.magento_conn_id = magento_conn_id
        self.options = options  # further fields of MagentoConnection

    def get_conn(self) -> MagentoClient:
        """Return a client; nothing is requested yet. Raises BadSettings that names a missing field."""
        from magodoo.connectors.magento.client import MagentoClient
        from magodoo.connectors.magento.connection import MagentoConnection

        return MagentoClient(MagentoConnection.from_mapping({**self.fields(), **self.options}))

    def fields(self) -> dict[str, Any]:
        """Return the Airflow connection's fields under the names of MagentoConnection."""
        connection = self.get_connection(self.magento_conn_id)
        extra = dict(connection.extra_dejson)
        auth = extra.pop("auth", None) or ("oauth1" if extra.get("access_token_secret") else "bearer")
        if auth == "oauth1":
            login = {"consumer_key": connection.login, "consumer_secret": connection.password}
        elif auth == "admin":
            login = {"username": connection.login, "password": connection.password}
        else:
            login = {"token": connection.password}
        return {**extra, **login, "base_url": base_url(connection)}

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the connection works, and the text for the Test button of the connection form."""
        from magodoo.errors import MagodooError

        try:
            report = self.get_conn().test_connection()
        except MagodooError as problem:
            return False, str(problem)
        return report.ok, str(report)
