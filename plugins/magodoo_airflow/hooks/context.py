"""Open what a step needs: settings, the staging database, the clients of the instance's two systems."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook

from magodoo.errors import BadSettings
from magodoo.settings import Instance, Settings
from magodoo.settings.read import read_with_problems
from magodoo_airflow.hooks.magento import MagentoHook
from magodoo_airflow.hooks.odoo import OdooHook

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.context import Context


@contextmanager
def open_context(instance: str, *, needs: Sequence[str], dag_run: str) -> Iterator[Context]:
    """Open the Context of one step. Raises BadSettings, naming the line, when the instance is unknown or its entry is broken.

    `needs` names the systems whose clients are opened: "magento", "odoo".
    """
    from magodoo.context import Context

    reading = read_with_problems()
    settings = reading.settings
    if instance not in settings.instances:
        problems = "; ".join(str(problem) for problem in reading.problems if problem.instance in (instance, None))
        raise BadSettings(
            f"there is no usable instance {instance!r} in the settings",
            hint=problems or f"known: {sorted(settings.instances)}",
        )
    wanted = settings.instances[instance]
    engine = staging_engine(settings)
    try:
        yield Context(
            settings=settings,
            instance=wanted,
            engine=engine,
            magento_client=MagentoHook(wanted.magento_connection).get_conn() if "magento" in needs else None,
            odoo_client=_odoo(wanted) if "odoo" in needs else None,
            dag_run=dag_run,
        )
    finally:
        engine.dispose()


def _odoo(instance: Instance) -> OdooClient:
    names = instance.odoo
    hook = OdooHook(instance.odoo_connection, company_id=names.company_id)
    return hook.get_conn(number_fields=names.reference_fields, delivery_key=names.delivery_key_field)


def staging_engine(settings: Settings) -> Engine:
    """Return an engine of the staging database, from its Airflow connection."""
    from magodoo.staging import connect

    connection = BaseHook.get_connection(settings.staging_connection)
    return connect(connection.get_uri())
