"""What is examined: one instance with its systems, and the kinds of change that it is to write."""

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
    """An instance to be examined. A system that could not even be opened is None, and `unopened` says why.

    `reach_smtp` opens Airflow's SMTP connection and returns what it reached; it raises MagodooError or OSError.
    `now` gives an aware UTC time.
    """

    settings: Settings
    instance: Instance
    engine: Engine
    magento: MagentoClient | None
    odoo: OdooClient | None
    reach_smtp: Callable[[], str]
    now: Callable[[], datetime]
    unopened: Mapping[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[ChangeKind]:
        """The kinds that it applies; while it only observes, all: it is judged as if everything were switched on."""
        return applied_kinds(self.instance) or frozenset(ChangeKind)

    def needs(self, need: Need) -> bool:
        """Return whether a kind that is to be written needs this."""
        return any(need in kind.entry.needs for kind in self.kinds)

    def writes_to(self, side: Side) -> bool:
        return any(kind.target is side for kind in self.kinds)

    @property
    def shop(self) -> MagentoClient:
        assert self.magento is not None, "checks of Magento run only when it was opened"
        return self.magento

    @property
    def books(self) -> OdooClient:
        assert self.odoo is not None, "checks of Odoo run only when it was opened"
        return self.odoo


Check = Callable[[Subject], Outcome]
