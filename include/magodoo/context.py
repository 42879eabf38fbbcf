"""What every function of the pipeline is given: settings, staging database, the clients of the instance's two systems, the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from magodoo.errors import InvariantError, TransientError
from magodoo.settings import Instance, Settings
from magodoo.timestamps import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from magodoo.connectors.magento.client import MagentoClient
    from magodoo.connectors.odoo.client import OdooClient


@dataclass
class Context:
    """One step of one instance. `magento` and `odoo` are None where the step does not talk to them."""

    settings: Settings
    instance: Instance
    engine: Engine
    magento_client: MagentoClient | None = None
    odoo_client: OdooClient | None = None
    dag_run: str = ""
    now: Callable[[], datetime] = utc_now
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Ask the run to end after the current call. Safe to call from a signal handler."""
        self.stopped.set()

    def go_on(self) -> None:
        """Raise TransientError when a stop was requested. What was committed is kept; the next run continues from there."""
        if self.stopped.is_set():
            raise TransientError("stopped on request", hint="run it again: it goes on where it was")

    @property
    def magento(self) -> MagentoClient:
        """Return the Magento client. Raises InvariantError when this step was opened without one."""
        if self.magento_client is None:
            raise InvariantError("this step was opened without Magento", system="magento")
        return self.magento_client

    @property
    def odoo(self) -> OdooClient:
        """Return the Odoo client. Raises InvariantError when this step was opened without one."""
        if self.odoo_client is None:
            raise InvariantError("this step was opened without Odoo", system="odoo")
        return self.odoo_client
