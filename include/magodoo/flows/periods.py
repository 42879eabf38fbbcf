"""Check closed periods and chronological numbering: when a document is planned, and once more right before the write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from magodoo.domain.numbering import Numbering, last_posted
from magodoo.domain.vocabulary import Kind
from magodoo.errors import MagodooError
from magodoo.flows.order_plan import OrderPlan
from magodoo.ledger.behaviour import SourceChanged
from magodoo.ledger.changes import LeasedChange
from magodoo.reconcile import series
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import records
from magodoo.reconcile.rows import Document
from magodoo.settings.country_policies import policy

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.flows.entries import EntryRequest


def closed_period(order: OrderPlan, finding: Finding, row: Document) -> list[Finding]:
    """Return the finding that a document is inside a closed period, which is added to the plan; [] outside."""
    lock = lock_around(order, row)
    if lock is None:
        return []
    found = records.closed(finding, row, lock)
    order.added.append(found)
    return [found]


def lock_around(order: OrderPlan, row: Document) -> date | None:
    """Return the lock date on or before which a document is dated; None if it is dated later."""
    lock = order.facts.lock
    return lock if lock and row.document_date and row.document_date <= lock else None


def payment_held(order: OrderPlan, row: Document) -> str | None:
    """Return why a payment dated inside a closed period is held; None when it is not."""
    lock = lock_around(order, row)
    if lock is None or order.instance.closed_period != "hold":
        return None
    return f"Dated {row.document_date}, closed up to {lock}: the setting `closed_period` is `hold`"


def in_closed_period(day: str, locked: date | None, *, planned: bool) -> MagodooError | None:
    """Return a refusal for a date inside a closed period, unless it was planned there, so that a person approved it; else None.

    Odoo does not refuse inside a lock date but moves the accounting date (docs/facts/pair.md#10), so the date is checked
    before. A payment is treated as its document.
    """
    if planned or locked is None or not day or date.fromisoformat(day) > locked:
        return None
    return SourceChanged(f"its date {day} lies in a period that is closed up to {locked}")


def before_the_series(order: OrderPlan, finding: Finding, row: Document) -> list[Finding]:
    """Return the finding of a document dated before the last posted one of its journal, where the numbering is chronological; else [].

    The finding's reason is set where the settings hold such a document.
    """
    day = row.document_date
    last = series.last_day(order.facts.situation.view.frames.master, Kind(row.kind), day)
    if order.facts.series == "off" or day is None or last is None or day >= last:
        return []
    found = records.out_of_series(finding, row, last)
    order.added.append(found)
    if order.facts.series != "date_today":
        finding.no_change_reason = f"{found.detail}: the setting `chronological_series` holds it"
    elif last > order.facts.today:
        finding.no_change_reason = f"{found.detail}, which lies in the future"
    return [found]


def day_of(context: Context, change: LeasedChange[EntryRequest]) -> str:
    """Return the ISO date on which a document is posted: its own, or today where the numbering of its journal has passed it; "" for none."""
    if change.request.dated_today:
        return context.now().astimezone(context.instance.zone).date().isoformat()
    return change.request.date


def numberings_now(context: Context, changes: Sequence[LeasedChange[EntryRequest]]) -> dict[str, list[Numbering]]:
    """Return the numberings of the journal by move type, read now, where its numbering is chronological; {} elsewhere."""
    days = [date.fromisoformat(day) for change in changes if (day := day_of(context, change)) and change.request.post]
    setting = context.instance.chronological_series
    if not days or setting == "off":
        return {}
    if setting == "by_country" and policy(context.instance, context.odoo.company.fiscal_country()) == "off":
        return {}
    return context.odoo.company.last_posted(context.instance.odoo.sales_journal, date(min(days).year - 1, 1, 1))


def out_of_series(change: LeasedChange[EntryRequest], numberings: Sequence[Numbering], day: str) -> MagodooError | None:
    """Return `SourceChanged` when somebody posted a later date since the plan: the number would no longer follow the dates."""
    if not day or not change.request.post:
        return None
    before = last_posted(numberings, date.fromisoformat(day))
    if before is None or date.fromisoformat(day) >= before:
        return None
    return SourceChanged(f"dated {day}, and a document of {before} is posted in its journal already")
