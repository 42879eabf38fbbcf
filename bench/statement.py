"""`statement`: what the monthly statement of a large month costs, and that nothing of it is left unexplained.

Stages so many orders, made within October 2026, with their documents on both sides by SQL: some missing in Odoo, some a cent apart, as in
`pages`. Odoo's ledger is answered in this process from what is staged: the time is that of reading staging, explaining, the schedules,
the canonical text, storing it, and comparing what changed since it was signed; Odoo's own time for its sums is not included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any

from bench import contest
from bench.clock import Took
from bench.contest import WrongResult, median
from bench.databases import databases
from bench.entry import Entry, write

SIZES = {"quick": 500, "full": 20_000}
INTO_OCTOBER = (
    "update finding set resolved_at = null",  # every third is resolved there, though its document is still missing
    """update document set created_at = timestamptz '2026-10-01 00:01+00' + (order_key::int % 20000) * interval '2 minutes',
    document_date = (timestamptz '2026-10-01 00:01+00' + (order_key::int % 20000) * interval '2 minutes')::date,
    accounting_date = case side when 'odoo' then (timestamptz '2026-10-01 00:01+00' + (order_key::int % 20000) * interval '2 minutes')::date end""",
    """insert into line (instance, side, kind, source_id, line_id, item_key, role, sku, quantity, untaxed, tax, tax_percent, qty_ordered)
    select instance, side, kind, source_id, l.id, order_key || l.id, l.role, 'SKU', 20000, l.net, case l.role when 'item' then d.tax else 0 end,
        case l.role when 'item' then 10 end, 20000
    from document d cross join lateral (values ('1', 'item', d.untaxed - d.shipping), ('2', 'shipping', d.shipping)) as l (id, role, net)""",
)


def measure(orders: int, runs: int) -> Entry:
    """`orders` of one month; the figures are medians, the memory is the largest peak."""
    from bench.pages import fill

    with databases() as server:
        url = server.staged()
        fill(url, orders)
        into_october(url)
        runs_made = [contest.run("bench.statement:made", {"url": url}) for _ in range(runs)]
    if any(one["result"]["unexplained"] for one in runs_made):
        raise WrongResult(f"part of the month is unexplained: {runs_made[0]['result']}")
    ours = {
        "seconds": median([one["seconds"] for one in runs_made]), "changes_seconds": median([one["more"]["changes"] for one in runs_made]),
        "peak_mb": max(one["peak_mb"] for one in runs_made), **runs_made[0]["result"],
    }  # fmt: skip
    return Entry(None, None, ours, {}, orders, runs)


def into_october(url: str) -> None:
    from sqlalchemy import text

    from magodoo import staging

    engine = staging.connect(url)
    with engine.begin() as connection:
        for statement in INTO_OCTOBER:
            connection.execute(text(statement))
        connection.exec_driver_sql("analyze")
    engine.dispose()


def made(url: str) -> Took:
    """One statement, signed, and what changed since."""
    from magodoo import staging
    from magodoo.context import Context
    from magodoo.pipeline import statement
    from magodoo.settings import Instance, Settings
    from magodoo.statement import store
    from magodoo.statement.periods import Month

    engine = staging.connect(url)
    instance = Instance(id="us", magento_connection="m", odoo_connection="o")
    month = Month(date(2026, 10, 1), instance.zone)
    books, shop = Ledger(engine), NoStores()
    context = Context(
        Settings(instances={"us": instance}), instance, engine, shop, books, "bench", lambda: datetime.now(UTC)
    )  # type: ignore[arg-type]
    began, cpu = time.monotonic(), time.process_time()
    kept = statement.make(context, month)
    took, cpu = time.monotonic() - began, time.process_time() - cpu
    with engine.connect() as connection:
        began = time.monotonic()
        changes = store.changes(connection, kept, month)
        looked = time.monotonic() - began
    count = kept.body["documents"]["count"]
    if changes or not count:
        raise WrongResult(f"{len(changes)} changes of {count} documents right after it was made")
    result = {"documents": count, "unexplained": kept.unexplained, "left": len(kept.body["unexplained"])}
    return Took(took, cpu, result, {"changes": looked})


class NoStores:
    """A Magento of which every store is read."""

    def store_views(self) -> list[dict[str, Any]]:
        return []


class Ledger:
    """Odoo's ledger as it would be if it held what is staged: revenue on account 1, tax on account 2, all in journal 1."""

    def __init__(self, engine: Any) -> None:
        from sqlalchemy import text

        statement = """select source_id, kind, currency, accounting_date, grand_total - tax as net, tax, open_amount from document
            where side = 'odoo' and kind in ('invoice', 'credit_memo') and active and deleted_at is null and accounting_date is not null"""
        with engine.connect() as connection:
            self.rows = connection.execute(text(statement)).all()
        self.rpc = self.master_data = self.company = self.deliveries = self
        self.general_ledger = JournalItems(self)

    def journals(self) -> list[dict[str, Any]]:
        return [{"id": 1, "code": "INV", "type": "sale", "method_lines": []}]

    def fiscal_country(self) -> str:
        return "US"

    def currencies(self) -> list[dict[str, Any]]:
        return [{"id": 1, "name": "USD"}, {"id": 2, "name": "EUR"}]

    def row(self) -> dict[str, Any]:
        return {"currency_id": [1, "USD"]}

    def accounts(self, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        return {id_: {"code": f"{id_}", "name": f"account {id_}"} for id_ in ids}

    def taxes(self) -> list[dict[str, Any]]:
        return []

    def company_domain(self, model: str) -> list[Any]:
        return []

    def call(self, model: str, method: str, **arguments: Any) -> list[int]:
        """No payment was moved by a lock date."""
        return []

    def costs(self, skus: Iterable[str]) -> dict[str, Any]:
        return {}

    def values(self, ids: Iterable[int]) -> dict[int, Any]:
        """No stock move has a value."""
        return {}

    def entries(self, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        return {}

    def in_parallel(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [work(item) for item in items]

    def open_items(self, domain: list[Any], day: date) -> list[dict[str, Any]]:
        kind, sign = ("invoice", 1) if domain[1][2] == "out_invoice" else ("credit_memo", -1)
        return [
            {"move_id": row.source_id, "open": sign * row.open_amount}
            for row in self.rows
            if row.kind == kind and row.open_amount
        ]

    def sums(self, domain: list[Any], by: list[str], sums: Any = ()) -> list[dict[str, Any]]:
        """Return sums as Odoo would group them, credit negative; in company currency the rows of the bench have no amounts."""
        if {"tax_ids", "tax_tag_ids"} & {*by}:
            return []
        if {"account_id", "journal_id"} & {*by}:
            return [
                {"account_id": n, "tax_line_id": n - 1 or None, "journal_id": 1, "balance": 0, "count": 0}
                for n in (1, 2)
            ]
        conditions = {leaf[0] + leaf[1]: leaf[2] for leaf in domain}
        day, kind = (
            conditions.get("date="),
            conditions.get("move_id.move_type="),
        )
        found: dict[tuple[Any, ...], int] = {}
        for row in self.rows:
            if (day and f"{row.accounting_date}" != day) or (kind == "out_refund" and row.kind != "credit_memo"):
                continue
            if conditions.get("move_id.move_type!=") and row.kind == "credit_memo":
                continue
            sign = 1 if row.kind == "credit_memo" else -1
            for tax, units in ((None, row.net), (5, row.tax)):
                if tax is None and "tax_line_id!=" in conditions:
                    continue
                place = (row.source_id if "move_id" in by else None, 1 if row.currency == "USD" else 2, tax)
                found[place] = found.get(place, 0) + sign * units
        return [
            {"move_id": move, "currency_id": currency, "tax_line_id": tax, "amount_currency": units, "balance": 0, "count": 0}
            for (move, currency, tax), units in found.items()
        ]  # fmt: skip


class JournalItems:
    """The journal items of that ledger; none has a tax of its own, so that the tables of taxes have nothing to add up."""

    def __init__(self, ledger: Ledger) -> None:
        self.sums, self.open_items, self.entries = ledger.sums, ledger.open_items, ledger.entries

    def taxes(self) -> dict[int, Any]:
        return {}

    def countries(self) -> dict[int, str]:
        return {}

    def has_inverted_tags(self) -> bool:
        return False


def main(size: str, runs: int, documents: int | None) -> None:
    write("statement", measure(documents or SIZES[size], runs))
