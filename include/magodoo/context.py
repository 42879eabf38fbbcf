"""What every function of the pipeline is given: settings, staging database, the clients of the instance's two systems, the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from magodoo.errors import Retry, Stop
from magodoo.settings import Instance, Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from magodoo.connectors.magento.client import MagentoClient
    from magodoo.connectors.odoo.client import OdooClient


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass
class Context:
    """One step of one instance. `magento` and `odoo` are None where the step does not talk to them."""

    settings: Settings
    instance: Instance
    engine: Engine
    magento: MagentoClient | None = None
    odoo: OdooClient | None = None
    dag_run: str = ""
    now: Callable[[], datetime] = utc_now
    stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        if self.odoo is not None:
            self.odoo.number_fields = self.instance.odoo.reference_fields
            self.odoo.delivery_key = self.instance.odoo.delivery_key_field

    def stop(self) -> None:
        """Ask the run to end after the current call. Safe to call from a signal handler."""
        self.stopped.set()

    def go_on(self) -> None:
        """Raise Retry when a stop was requested. What was committed is kept; the next run continues from there."""
        if self.stopped.is_set():
            raise Retry("stopped on request", hint="run it again: it goes on where it was")

    @property
    def shop(self) -> MagentoClient:
        """Return the Magento client. Raises Stop when this step was opened without one."""
        if self.magento is None:
            raise Stop("this step was opened without Magento", system="magento")
        return self.magento

    @property
    def books(self) -> OdooClient:
        """Return the Odoo client. Raises Stop when this step was opened without one."""
        if self.odoo is None:
            raise Stop("this step was opened without Odoo", system="odoo")
        return self.odoo
