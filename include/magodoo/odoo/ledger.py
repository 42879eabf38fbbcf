"""Sums of Odoo's journal items, by day, document, account and tax: what a statement is compared with.

Odoo 19 groups with `formatted_read_group`; before, with `read_group`, which 19 still answers (facts odoo-19.0 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magodoo.errors import Unreadable
from magodoo.money import to_units
from magodoo.odoo.caller import expect_rows
from magodoo.odoo.master_data import MasterData
from magodoo.odoo.trees import Row

FORMATTED_SINCE = 19
ITEMS = "account.move.line"
POSTED: tuple[Any, ...] = ("parent_state", "=", "posted")
AMOUNTS = ("amount_currency", "balance")


class Ledger(MasterData):
    """Adds sums over journal items to the documents. Every sum is of posted items of our company, in units."""

    def item_sums(self, domain: Sequence[Any], by: Sequence[str], sums: Sequence[str] = AMOUNTS) -> list[Row]:
        """One row per combination of `by` (many2one and many2many: id or None, a text or a date: itself or None).

        A row has the names of `by`, of `sums` (units, debit positive), and `count`. An item with two taxes counts for both.
        """
        full = [*self.company_domain(ITEMS), list(POSTED), *domain]
        rows = self._grouped(full, list(by), list(sums))
        return [
            {
                **{name: _key(row[name]) for name in by},
                **{name: to_units(row[name]) for name in sums},
                "count": row["__count"],
            }
            for row in rows
        ]

    def _grouped(self, domain: list[Any], by: list[str], sums: list[str]) -> list[Row]:
        asked = [f"{name}:sum" for name in sums]
        if self.version.major >= FORMATTED_SINCE:
            answer = self.call(ITEMS, "formatted_read_group", domain=domain, groupby=by, aggregates=[*asked, "__count"])
            rows = expect_rows(answer, f"{ITEMS}.formatted_read_group")
            return [{**row, **{name: row.get(f"{name}:sum") for name in sums}} for row in rows]
        answer = self.call(ITEMS, "read_group", domain=domain, fields=asked, groupby=by, lazy=False)
        return expect_rows(answer, f"{ITEMS}.read_group")

    def items(self, domain: Sequence[Any], fields: Sequence[str], limit: int | None = None) -> list[Row]:
        """Posted journal items of our company, by date and id."""
        full = [*self.company_domain(ITEMS), list(POSTED), *domain]
        answer = self.call(ITEMS, "search_read", domain=full, fields=list(fields), order="date, id", limit=limit)
        return expect_rows(answer, f"{ITEMS}.search_read")

    def item_count(self, domain: Sequence[Any]) -> int:
        full = [*self.company_domain(ITEMS), list(POSTED), *domain]
        return int(self.call(ITEMS, "search_count", domain=full))

    def accounts(self, ids: Sequence[int]) -> dict[int, Row]:
        """Accounts by id: code, name, account_type."""
        return self._accounts(list(ids))

    def move_rows(self, ids: Sequence[int]) -> dict[int, Row]:
        """Journal entries by id: name, ref, move_type, date, company_id."""
        if not ids:
            return {}
        domain = [*self.company_domain("account.move"), ["id", "in", sorted(set(ids))]]
        fields = ["name", "ref", "move_type", "date", "journal_id"]
        rows = self.call("account.move", "search_read", domain=domain, fields=fields, order="id")
        return {row["id"]: row for row in expect_rows(rows, "account.move.search_read")}


def _key(value: Any) -> Any:
    """`[7, "a name"]` is 7; empty is None."""
    if isinstance(value, list):
        if not value:
            raise Unreadable("an empty group", system="odoo", call=ITEMS)
        return value[0]
    return None if value is False else value
