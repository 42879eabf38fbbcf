"""What gives away a record that is hidden from a list, however far its id is from the others. Three kinds of evidence, measured on 19:

- Records of another model that name both the list's owner and what is in it: a detailed operation names its transfer and its move.
- Sums: the journal items of an entry balance; where those that may be read do not, one is missing.
- Contrast: Odoo's search `!= False` behind a list does not know the rules of what is in it, its search by a field behind it does.
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
"""Lists of an order line that are not read with it: documents that are wholly hidden are known by them."""
BALANCED = Decimal("0.0005")
"""Half of the smallest part of a currency that Odoo knows: sums are floats there."""


class Witness(NamedTuple):
    """A model whose records name a list's owner (`owner`, a path) and what is in the list (`child`, a field)."""

    model: str
    owner: str
    child: str


WITNESSES: Mapping[tuple[str, str], Witness] = {
    ("stock.picking", "move_ids"): Witness("stock.move.line", "picking_id", "move_id"),
    ("sale.order", "picking_ids"): Witness("stock.move", "sale_line_id.order_id", "picking_id"),
}


class Witnesses(Units):
    """Adds evidence of what lists do not show."""

    def witnessed(self, model: str, field: str, owners: Iterable[int], known: Iterable[int]) -> set[int]:
        """Ids beyond the known ones that other records place in this list of the owners; they may be seen there or hidden."""
        witness = WITNESSES.get((model, field))
        if witness is None or not self.has_field(witness.model, witness.child):
            return set()
        domain: list[Any] = [[witness.owner, "in", sorted(owners)], [witness.child, "not in", sorted(known)]]
        domain.append([witness.child, "!=", False])
        answer = self.call(witness.model, "search_read", domain=domain, fields=[witness.child], context=ARCHIVED_TOO)
        return {row[witness.child][0] for row in expect_rows(answer, f"{witness.model}.search_read")}

    def unbalanced(self, moves: Sequence[int]) -> dict[int, str]:
        """Entries whose journal items, as far as they may be read, do not balance: why, by id."""
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
        """Orders with a line whose invoice lines or stock moves exist and may all not be read: why, by the order's id."""
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
        """Aggregates (`amount:sum`) of the records of a domain by the fields `by`, with `__count`, in every version of Odoo."""
        if self.version.major >= FORMATTED_SINCE:
            answer = self.call(
                model, "formatted_read_group", domain=domain, groupby=by, aggregates=[*aggregates, "__count"]
            )
            return expect_rows(answer, f"{model}.formatted_read_group")
        answer = self.call(model, "read_group", domain=domain, fields=aggregates, groupby=by, lazy=False)
        rows = expect_rows(answer, f"{model}.read_group")
        return [{**row, **{each: row.get(each.partition(":")[0]) for each in aggregates}} for row in rows]

    def _lines_without(self, field: str, orders: Sequence[int]) -> set[int]:
        """Lines of the orders with something in the list, of which nothing may be read."""
        of_orders: list[Any] = [["order_id", "in", sorted(orders)], [field, "!=", False]]
        filled = set(self.call(ORDER_LINES, "search", domain=of_orders, context=ARCHIVED_TOO))
        if not filled:
            return set()
        seen = [["id", "in", sorted(filled)], [f"{field}.id", ">", 0]]
        return filled - set(self.call(ORDER_LINES, "search", domain=seen, context=ARCHIVED_TOO))
