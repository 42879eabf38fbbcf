"""Changes for tests of the ledger: planned, recorded and released."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.ledger import changes, decisions
from magodoo.ledger import changes as ledger
from magodoo.ledger.planned import PlannedChange, Prepared
from magodoo.settings import Instance
from magodoo.settings.model import Limits, Mode, Modes
from magodoo.timestamps import utc_now

INVOICE = ChangeKind.ODOO_INVOICE


def an_instance(**changes: Any) -> Instance:
    values = {
        "id": "us", "magento_connection": "m", "odoo_connection": "o", "mode": Modes(default=Mode.APPLY),
        "limits": Limits(first_writes=0),
    }  # fmt: skip
    return Instance(**{**values, **changes})


def a_change(
    kind: ChangeKind = INVOICE, order: str = "1", source: str = "11", amount: int = 500_000, **request: Any
) -> Prepared:
    planned = PlannedChange(kind, order, f"00{order}", Kind.INVOICE, source, f"0{source}", amount, "USD", amount)
    return Prepared(planned, {"source": source, **request})


def recorded(
    connection: Connection, *changes: Prepared, instance: Instance | None = None, release: bool = True
) -> changes.Recorded:
    outcome = ledger.record(connection, instance or an_instance(), changes, "run", now=utc_now())
    if release:
        decisions.release(connection, [(row.id, row.request_hash) for row in decisions.unchecked(connection, "us")])
    connection.commit()
    return outcome
