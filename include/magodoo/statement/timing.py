"""The roll-forward of what one system has booked and the other has not yet: opening, new, cleared, closing.

An amount that Magento has and Odoo has not is positive, one that only Odoo has is negative. The closing of a month is the opening of
the next as long as no document of the past changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import compress
from typing import Any

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import FindingType, Side
from magodoo.settings import Instance
from magodoo.statement.documents import MONEY_KINDS
from magodoo.statement.periods import Month

Row = dict[str, Any]
PARTS = ("opening", "new", "cleared", "closing")
# A document without a counterpart is a matter of time as long as one of these is open about it; any other finding is an error.
WAITING = (
    FindingType.MISSING_IN_ODOO, FindingType.MISSING_IN_MAGENTO, FindingType.CLOSED_PERIOD, FindingType.DRAFT_WAITING, FindingType.CAPTURE_NEEDED,
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One document that was, for some days, in one system only.

    Attributes:
        side: The system that had it first.
        amount: Its total in that system, in units of 1/10000.
        since: The local day from which the first system has it.
        until: The day from which the other has it too; None: it still has not.
    """

    side: str
    kind: str
    number: str
    order_number: str
    currency: str
    amount: int
    since: date
    until: date | None

    @property
    def signed(self) -> int:
        """Return the amount: positive as long as Odoo lacks it, negative as long as Magento does."""
        return self.amount if self.side == Side.MAGENTO.value else -self.amount

    def is_open_on(self, day: date) -> bool:
        """Return whether one system lacked it at the end of a day."""
        return self.since <= day and (self.until is None or self.until > day)


# Magento's local day and Odoo's accounting date of each matched pair whose days are in different months, and of each document that waits.
# A draft has no accounting date: Odoo has not booked it.
_ITEMS = """
    with magento as (
        select d.*, (d.created_at at time zone :zone)::date as local_day from document d
        where d.instance = :instance and d.side = 'magento' and d.kind = any(:kinds) and d.active and d.deleted_at is null),
    odoo as (
        select d.* from document d
        where d.instance = :instance and d.side = 'odoo' and d.kind = any(:kinds) and d.active and d.deleted_at is null),
    paired as (
        select m.kind, m.number as magento_number, m.order_key, m.currency, m.grand_total as amount, m.local_day, o.accounting_date
        from pair p join magento m on m.kind = p.kind and m.source_id = p.magento_id
        join odoo o on o.kind = p.kind and o.source_id = p.odoo_id
        where p.instance = :instance and p.ended_at is null
            and date_trunc('month', m.local_day) is distinct from date_trunc('month', o.accounting_date)),
    waiting as (
        select distinct on (f.kind, f.magento_id, f.odoo_id) f.kind, f.magento_id, f.odoo_id from finding f
        where f.instance = :instance and f.resolved_at is null and f.kind = any(:kinds) and f.type = any(:waiting)),
    items as (
        select case when accounting_date < local_day then 'odoo' else 'magento' end as side, kind, magento_number as number, order_key, currency,
            amount, least(local_day, accounting_date) as since,
            case when accounting_date is not null then greatest(local_day, accounting_date) end as until
        from paired
        union all
        select 'magento', m.kind, m.number, m.order_key, m.currency, m.grand_total, m.local_day, null
        from waiting w join magento m on m.kind = w.kind and m.source_id = w.magento_id
        where not exists (select 1 from pair p where p.instance = :instance and p.ended_at is null and p.kind = m.kind and p.magento_id = m.source_id)
        union all
        select 'odoo', o.kind, o.number, o.order_key, o.currency, o.grand_total, o.accounting_date, null
        from waiting w join odoo o on o.kind = w.kind and o.source_id = w.odoo_id
        where o.accounting_date is not null
            and not exists (select 1 from pair p where p.instance = :instance and p.ended_at is null and p.kind = o.kind and p.odoo_id = o.source_id))
    select i.side, i.kind, i.number, coalesce(r.number, '') as order_number, i.currency, i.amount, i.since, i.until
    from items i
    left join document r on r.instance = :instance and r.side = 'magento' and r.kind = 'order' and r.source_id = i.order_key
    left join order_work w on w.instance = :instance and w.order_key = i.order_key
    where coalesce(w.scope, 'in_scope') = 'in_scope' and i.since <= :last and (i.until is null or i.until >= :first)
        and (cast(:books_from as timestamptz) is null or r.created_at is null or r.created_at >= :books_from)
    order by i.since, i.kind, i.number, i.side"""


def read(connection: Connection, instance: Instance, month: Month) -> list[Item]:
    """Return the documents that one system lacked on a day of the month, or at the end of the month before, oldest first."""
    values = {
        "instance": instance.id, "zone": instance.time_zone, "kinds": list(MONEY_KINDS), "waiting": [one.value for one in WAITING],
        "first": month.first, "last": month.last, "books_from": instance.books_from_utc,
    }  # fmt: skip
    return [Item(**row) for row in connection.execute(text(_ITEMS), values).mappings()]


def roll_forward(items: Iterable[Item], month: Month) -> list[Row]:
    """Return one row per currency, kind and system that came first: opening, new, cleared and closing, counts and units of 1/10000.

    Opening plus new less cleared is closing. An item that came and went within the month is in none of them.
    """
    opened, closed = month.before.last, month.last
    found: dict[tuple[str, str, str], Row] = {}
    for one in items:
        before, after = one.is_open_on(opened), one.is_open_on(closed)
        if not before and not after:
            continue
        row = found.setdefault((one.currency, one.kind, one.side), _nothing(one))
        for name in compress(PARTS, (before, not before, not after, after)):
            row[name] += one.signed
            row[f"{name}_count"] += 1
    return [found[place] for place in sorted(found)]


def _nothing(one: Item) -> Row:
    amounts = {name: 0 for part in PARTS for name in (part, f"{part}_count")}
    return {"currency": one.currency, "kind": one.kind, "side": one.side, **amounts}


def lasting(items: Sequence[Item], month: Month) -> list[Row]:
    """Return the items that were open before the month and are at its end: none of them is younger than the month, oldest first."""
    return [
        {
            "side": one.side, "kind": one.kind, "number": one.number, "order_number": one.order_number, "day": f"{one.since}",
            "total": one.signed, "currency": one.currency, "until": f"{one.until}" if one.until else None,
        }
        for one in items if one.is_open_on(month.before.last) and one.is_open_on(month.last)
    ]  # fmt: skip
