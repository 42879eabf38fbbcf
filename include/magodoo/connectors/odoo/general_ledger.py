"""Sums of Odoo's journal items by day, document, account and tax, and the items open on a day: what the statement is reconciled with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from magodoo.connectors.odoo.record_kinds import tree
from magodoo.connectors.odoo.record_trees import TreeReader
from magodoo.connectors.odoo.rpc import Row, Rpc
from magodoo.connectors.odoo.witnesses import ITEMS
from magodoo.domain.states import OdooMoveState
from magodoo.errors import Unreadable
from magodoo.money import to_units

POSTED: tuple[Any, ...] = ("parent_state", "=", OdooMoveState.POSTED)
AMOUNTS = ("amount_currency", "balance")
PAGE = 1000
# A matching is effective from the later date of its two items (`max_date`), as in Odoo's aged receivable.
_OPEN_ITEM = tree(
    "date move_id move_name ref amount_currency amount_residual_currency",
    currency_id=tree("name"),
    matched_debit_ids=tree("max_date credit_amount_currency"),
    matched_credit_ids=tree("max_date debit_amount_currency"),
)


class GeneralLedger:
    """Reads posted journal items of the company. Every sum is in units (1/10000)."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._trees = rpc, TreeReader(rpc)

    def sums(self, domain: Sequence[Any], by: Sequence[str], sums: Sequence[str] = AMOUNTS) -> list[Row]:
        """Return one row per combination of `by` (many2one and many2many: id or None; text or date: value or None).

        A row has the names of `by`, of `sums` (units, debit positive), and `count`. An item with two taxes counts for both.
        """
        full = [*self._rpc.company_domain(ITEMS), list(POSTED), *domain]
        rows = self._rpc.grouped(ITEMS, full, list(by), [f"{name}:sum" for name in sums])
        return [
            {
                **{name: _key(row[name]) for name in by},
                **{name: to_units(row[f"{name}:sum"]) for name in sums},
                "count": row["__count"],
            }
            for row in rows
        ]

    def items(self, domain: Sequence[Any], fields: Sequence[str], limit: int | None = None) -> list[Row]:
        """Return posted journal items of the company, by date and id."""
        full = [*self._rpc.company_domain(ITEMS), list(POSTED), *domain]
        return self._rpc.search_read(ITEMS, full, list(fields), order="date, id", limit=limit)

    def open_items(self, domain: Sequence[Any], day: date, page: int = PAGE) -> list[Row]:
        """Return the posted items of a domain, dated up to `day`, that were open at its end: open now, or matched later.

        A row has id, move_id, day (ISO text), number, reference, currency (code), amount and open (units, debit positive). An item and its
        matchings are read in one call, so that a payment in the meantime is counted once. Odoo keeps no trace of a matching that was undone
        since: its items count as open.
        """
        open_then = [
            "|", "|", ["amount_residual_currency", "!=", 0], ["matched_debit_ids.max_date", ">", f"{day}"],
            ["matched_credit_ids.max_date", ">", f"{day}"],
        ]  # fmt: skip
        found: list[Row] = []
        last = 0
        while True:
            after = [["id", ">", last], ["date", "<=", f"{day}"]]
            full = [*self._rpc.company_domain(ITEMS), list(POSTED), *domain, *after, *open_then]
            read = self._trees.read(ITEMS, _OPEN_ITEM, full, limit=page)
            if read.flawed:
                raise Unreadable(read.flawed[0][1], system="odoo", call=ITEMS)
            found += [_open_item(row, f"{day}") for row in read.rows]
            if len(read.rows) < page:
                return [row for row in found if row["open"]]
            last = read.rows[-1]["id"]

    def entries(self, ids: Sequence[int]) -> dict[int, Row]:
        """Return journal entries by id: name, ref, move_type, date, journal_id."""
        if not ids:
            return {}
        domain = [*self._rpc.company_domain("account.move"), ["id", "in", sorted(set(ids))]]
        fields = ["name", "ref", "move_type", "date", "journal_id"]
        return {row["id"]: row for row in self._rpc.search_read("account.move", domain, fields, order="id")}


def _key(value: Any) -> Any:
    """Return the id of `[7, "a name"]`, None for an empty value, else the value."""
    if isinstance(value, list):
        if not value:
            raise Unreadable("an empty group", system="odoo", call=ITEMS)
        return value[0]
    return None if value is False else value


def _open_item(row: Row, day: str) -> Row:
    """Return the row of an item; `open` is its residual now and what was matched after the day."""
    rest = to_units(row["amount_residual_currency"])
    for name, amount, sign in (
        ("matched_credit_ids", "debit_amount_currency", 1),
        ("matched_debit_ids", "credit_amount_currency", -1),
    ):
        rest += sign * sum(to_units(part[amount]) for part in row[name] if part["max_date"] > day)
    return {
        "id": row["id"], "move_id": row["move_id"], "day": row["date"], "number": str(row["move_name"] or ""),
        "reference": str(row["ref"] or ""), "currency": row["currency_id"]["name"], "amount": to_units(row["amount_currency"]), "open": rest,
    }  # fmt: skip
