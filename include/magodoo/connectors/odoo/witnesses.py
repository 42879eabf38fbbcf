"""Evidence of records that are hidden from a list, however far their ids are from the others.

Three kinds, measured on 19:

- Records of another model that name both the list's owner and its content: a detailed operation names its transfer and its move.
- Sums: the journal items of an entry balance; where the readable ones do not, one is missing.
- Contrast: Odoo's search `!= False` on a list ignores the rules of its content, a search by a field behind it applies them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from magodoo.connectors.odoo.record_trees import Row
from magodoo.connectors.odoo.rpc import expect_rows
from magodoo.connectors.odoo.units import Units

FORMATTED_SINCE = 19
ITEMS, ORDER_LINES = "account.move.line", "sale.order.line"
ARCHIVED_TOO = {"active_test": False}
CONTRASTED = ("invoice_lines", "move_ids")
"""Lists of an order line that are not read with it. They reveal documents that are completely hidden."""
BALANCED = Decimal("0.0005")
"""Half of the smallest currency unit in Odoo, whose sums are floats."""


class Witness(NamedTuple):
    """A model whose records name a list's owner (`owner`, a path) and its content (`child`, a field)."""

    model: str
    owner: str
    child: str


WITNESSES: Mapping[tuple[str, str], Witness] = {
    ("stock.picking", "move_ids"): Witness("stock.move.line", "picking_id", "move_id"),
    ("sale.order", "picking_ids"): Witness("stock.move", "sale_line_id.order_id", "picking_id"),
}


class Witnesses(Units):
    """Adds evidence of hidden records to the reads."""

    def witnessed(self, model: str, field: str, owners: Iterable[int], known: Iterable[int]) -> set[int]:
        """Return ids, besides the known ones, that other records show to be in this list of the owners, readable or hidden."""
        witness = WITNESSES.get((model, field))
        if witness is None or not self.has_field(witness.model, witness.child):
            return set()
        domain: list[Any] = [[witness.owner, "in", sorted(owners)], [witness.child, "not in", sorted(known)]]
        domain.append([witness.child, "!=", False])
        answer = self.call(witness.model, "search_read", domain=domain, fields=[witness.child], context=ARCHIVED_TOO)
        return {row[witness.child][0] for row in expect_rows(answer, f"{witness.model}.search_read")}

    def unbalanced(self, moves: Sequence[int]) -> dict[int, str]:
        """Return, by id, the reason for entries whose readable journal items do not balance."""
        rows = self.grouped(ITEMS, [["move_id", "in", sorted(moves)]], ["move_id"], ["balance:sum"])
        return {
            row["move_id"][
                0
            ]: f"account.move {row['move_id'][0]}: the journal items that may be read do not balance: a record rule"
            " hides one of them from the user of the connection"
            for row in rows
            if row["move_id"] and abs(Decimal(row["balance:sum"] or 0)) >= BALANCED
        }

    def unseen_documents(self, orders: Sequence[int]) -> dict[int, str]:
        """Return, by order id, the reason for orders with a line whose invoice lines or stock moves exist but are all unreadable."""
        wanted = [field for field in CONTRASTED if self.has_field(ORDER_LINES, field)]
        hidden = {line: field for field in wanted for line in self._lines_without(field, orders)}
        if not hidden:
            return {}
        rows = expect_rows(
            self.call(ORDER_LINES, "read", ids=sorted(hidden), fields=["order_id"]), f"{ORDER_LINES}.read"
        )
        return {
            row["order_id"][
                0
            ]: f"{ORDER_LINES} {row['id']}: what is in {hidden[row['id']]} may not be read: a record rule hides it from"
            " the user of the connection, or it belongs to another company"
            for row in rows
        }

    def grouped(self, model: str, domain: list[Any], by: list[str], aggregates: list[str]) -> list[Row]:
        """Return aggregates (`amount:sum`) of a domain grouped by the fields `by`, with `__count`, in every version of Odoo."""
        if self.version.major >= FORMATTED_SINCE:
            answer = self.call(
                model, "formatted_read_group", domain=domain, groupby=by, aggregates=[*aggregates, "__count"]
            )
            return expect_rows(answer, f"{model}.formatted_read_group")
        answer = self.call(model, "read_group", domain=domain, fields=aggregates, groupby=by, lazy=False)
        rows = expect_rows(answer, f"{model}.read_group")
        return [{**row, **{each: row.get(each.partition(":")[0]) for each in aggregates}} for row in rows]

    def _lines_without(self, field: str, orders: Sequence[int]) -> set[int]:
        """Return the orders' lines whose list is not empty and of which nothing may be read."""
        of_orders: list[Any] = [["order_id", "in", sorted(orders)], [field, "!=", False]]
        filled = set(self.call(ORDER_LINES, "search", domain=of_orders, context=ARCHIVED_TOO))
        if not filled:
            return set()
        seen = [["id", "in", sorted(filled)], [f"{field}.id", ">", 0]]
        return filled - set(self.call(ORDER_LINES, "search", domain=seen, context=ARCHIVED_TOO))
