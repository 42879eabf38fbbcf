"""Make a monthly statement: read the month on both sides and the general ledger, explain it, store it, email it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from magodoo.domain.vocabulary import Side
from magodoo.statement import (
    cash_basis,
    clearing_accounts,
    deposits,
    documents,
    email,
    explanation,
    general_ledger,
    schedules,
    statement,
    store,
    tax_tables,
    zero_rated,
)
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.context import Context

LOOKED_BACK = 3  # months before the last one whose signed statements are made again, to find later changes


def run(context: Context, month: str | None = None) -> dict[str, Any]:
    """Make the statement of a month (`2026-10`), or of the last month and of those signed recently. Returns counts.

    An email is queued when a statement has figures that were not mailed yet.
    """
    counts = {"statements": 0, "unexplained": 0, "mails": 0}
    for one in [Month.read(month, context.instance.zone)] if month else due_months(context):
        context.go_on()
        kept = make(context, one)
        with context.engine.begin() as connection:
            counts["mails"] += email.queue(connection, context.instance, kept, context.settings.ui_url, context.now())
        counts["statements"] += 1
        counts["unexplained"] += kept.unexplained
    return counts


def due_months(context: Context) -> list[Month]:
    """Return the last month and those signed recently; none that was over before the cut-over, as nothing of it is ours."""
    last = Month.of(context.now(), context.instance.zone).before
    earliest = last
    for _ in range(LOOKED_BACK):
        earliest = earliest.before
    with context.engine.connect() as connection:
        signed = store.signed_since(connection, context.instance.id, earliest.first)
    start = context.instance.books_from_utc
    due = {last, *(Month(first, last.zone) for first in signed)}
    return sorted(month for month in due if start is None or month.next.begins > start)


def make(context: Context, month: Month) -> store.Kept:
    """Make and store the statement of a month from the present data of both sides."""
    instance, now = context.instance, context.now()
    with context.engine.connect() as connection:
        sales = documents.read(connection, instance, month, now)
    own = sales.in_month(Side.ODOO)
    ledger = general_ledger.read(context.odoo, instance, month, {one.journal for one in own if one.journal})
    cleared = clearing_accounts.read(context.odoo, instance, month)
    still_open = schedules.still_open(context.odoo, month)
    moved = schedules.moved_payments(context.odoo, instance, month)
    received = deposits.in_odoo(context.odoo, instance, month)

    def countries(ids: Sequence[int]) -> Mapping[int, str]:
        with context.engine.connect() as connection:
            return documents.countries(connection, instance.id, ids)

    by_country = tax_tables.read(context.odoo, instance, month, ledger.journals, countries, ledger.company_currency)
    not_due = cash_basis.read(context.odoo, month, ledger.journals, ledger.company_currency)
    free = zero_rated.read(context.odoo, month, ledger.journals)
    with context.engine.connect() as connection:
        evidence = zero_rated.evidence(connection, instance.id, [one.id for one in free])
    without_tax = zero_rated.tables(free, evidence, context.odoo.company.fiscal_country(), ledger.company_currency)
    with context.engine.connect() as connection:
        late = schedules.cut_off(connection, instance, month)
    late = schedules.valued(context.odoo, late, ledger.company_currency)
    instances = context.settings.instances.values()
    unread = schedules.unread_stores(context.magento, instances, instance, month)
    homeless = schedules.without_store(context.magento, instances, instance, month)
    with context.engine.connect() as connection:
        steps = general_ledger.compare(connection, context.odoo, instance, _siblings(context), ledger, own)
        sources = statement.Sources(
            instance=instance, sales=sales, explanation=explanation.explain(sales, instance), ledger=ledger,
            ledger_steps=steps,
            by_rate=general_ledger.by_rate(connection, instance.id, ledger, own), clearing=cleared,
            gaps=schedules.number_gaps(connection, instance, month, ledger.numbers), over=month.is_over(now),
            schedules={
                **schedules.read(connection, instance, month, now, still_open, moved), **by_country, **without_tax, "cash_basis": not_due, "cut_off": late,
                "deposits": [*received, *deposits.captured(connection, instance, month)],
                "critical": schedules.critical(connection, instance.id, sales, now),
            },
            unread_stores=unread,
            without_store=homeless, unreadable=schedules.unreadable(connection, instance.id),
        )  # fmt: skip
    made = statement.statement(sources)
    with context.engine.begin() as connection:
        statement_id = store.keep(connection, instance.id, month.first, made, now, context.dag_run)
        kept = store.by_id(connection, statement_id)
    assert kept is not None
    return kept


def _siblings(context: Context) -> list[str]:
    """Return other instances that post to the same company of the same Odoo."""
    own = context.instance
    return [
        one.id for one in context.settings.instances.values()
        if one.id != own.id and (one.odoo_connection, one.odoo.company_id) == (own.odoo_connection, own.odoo.company_id)
    ]  # fmt: skip
