"""The subject of a preflight: one instance with its systems, and the kinds of change that it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.odoo.client import OdooClient
from magodoo.domain.kinds import ChangeKind, Need
from magodoo.domain.vocabulary import Side
from magodoo.preflight.results import Outcome, applied_kinds
from magodoo.settings import Instance, Settings


@dataclass(frozen=True)
class Subject:
    """An instance to be checked. A system whose connection could not be opened is None; `unopened` has the reason and what to do.

    `reach_smtp` opens Airflow's SMTP connection and returns its address; it raises MagodooError or OSError. `now` returns an aware UTC time.
    """

    settings: Settings
    instance: Instance
    engine: Engine
    magento_client: MagentoClient | None
    odoo_client: OdooClient | None
    reach_smtp: Callable[[], str]
    now: Callable[[], datetime]
    unopened: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[ChangeKind]:
        """Return the kinds of change that the instance applies; all of them while it only observes, to check what would be needed."""
        return applied_kinds(self.instance) or frozenset(ChangeKind)

    def needs(self, need: Need) -> bool:
        """Return whether any kind that is written needs this."""
        return any(need in kind.entry.needs for kind in self.kinds)

    def writes_to(self, side: Side) -> bool:
        """Return whether any kind is written to this side."""
        return any(kind.target is side for kind in self.kinds)

    @property
    def magento(self) -> MagentoClient:
        """Return the Magento client, which must have been opened."""
        assert self.magento_client is not None, "checks of Magento run only when it was opened"
        return self.magento_client

    @property
    def odoo(self) -> OdooClient:
        """Return the Odoo client, which must have been opened."""
        assert self.odoo_client is not None, "checks of Odoo run only when it was opened"
        return self.odoo_client


Check = Callable[[Subject], Outcome]
