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

from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.errors import Unreadable

ITEMS, ORDER_LINES = "account.move.line", "sale.order.line"
CONTRASTED = ("invoice_lines", "move_ids")
"""Lists of an order line that are not read with it. They reveal documents that are completely hidden."""
BALANCED = Decimal("0.0005")
"""Half of the smallest currency unit in Odoo, whose sums are floats."""


class Witness(NamedTuple):
    """A model whose records name a list's owner (`owner`, a path) and its content (`child`, a field).

    `back` is the path from the owner, through the model, to the child.
    """

    model: str
    owner: str
    child: str
    back: str


WITNESSES: Mapping[tuple[str, str], Witness] = {
    ("stock.picking", "move_ids"): Witness("stock.move.line", "picking_id", "move_id", "move_line_ids.move_id"),
    ("sale.order", "picking_ids"): Witness(
        "stock.move", "sale_line_id.order_id", "picking_id", "order_line.move_ids.picking_id"
    ),
}


class Witnesses:
    """Finds evidence of hidden records."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def placed(self, model: str, field: str, owners: Iterable[int], known: Iterable[int]) -> set[int]:
        """Return ids, besides the known ones, that other records show to be in this list of the owners, readable or hidden."""
        witness = WITNESSES.get((model, field))
        if witness is None or not self._rpc.has_field(witness.model, witness.child):
            return set()
        domain: list[Any] = [[witness.owner, "in", sorted(owners)], [witness.child, "not in", sorted(known)]]
        domain.append([witness.child, "!=", False])
        rows = self._rpc.search_read(witness.model, domain, [witness.child], context=ARCHIVED_TOO)
        return {_named(row, witness.child, f"{witness.model}.search_read") for row in rows}

    def owners(self, model: str, field: str, owners: Iterable[int], child: int) -> list[int]:
        """Return those of the owners in whose list other records place the child: goods may be in a transfer of another order."""
        domain = [["id", "in", sorted(owners)], [WITNESSES[model, field].back, "in", [child]]]
        return list(self._rpc.call(model, "search", domain=domain, context=ARCHIVED_TOO))

    def unbalanced(self, moves: Sequence[int]) -> dict[int, str]:
        """Return, by id, the reason for entries whose readable journal items do not balance."""
        rows = self._rpc.grouped(ITEMS, [["move_id", "in", sorted(moves)]], ["move_id"], ["balance:sum"])
        call = f"{ITEMS} by entry"
        unequal = [
            _named(row, "move_id", call)
            for row in rows
            if row.get("move_id") and abs(_sum(row, "balance:sum", call)) >= BALANCED
        ]
        return {
            move: f"account.move {move}: the journal items that may be read do not balance: a record rule hides one of them"
            " from the user of the connection"
            for move in unequal
        }

    def unseen_documents(self, orders: Sequence[int]) -> dict[int, str]:
        """Return, by order id, the reason for orders with a line whose invoice lines or stock moves exist but are all unreadable."""
        wanted = [field for field in CONTRASTED if self._rpc.has_field(ORDER_LINES, field)]
        hidden = {line: field for field in wanted for line in self._lines_without(field, orders)}
        if not hidden:
            return {}
        call = f"{ORDER_LINES}.read"
        rows = self._rpc.read(ORDER_LINES, sorted(hidden), ["order_id"])
        if not all(row.get("id") in hidden for row in rows):
            raise Unreadable("a record came back that was not asked for", system="odoo", call=call)
        line_of = {_named(row, "order_id", call): row["id"] for row in rows}
        return {
            order: f"{ORDER_LINES} {line}: what is in {hidden[line]} may not be read: a record rule hides it from the user of"
            " the connection, or it belongs to another company"
            for order, line in line_of.items()
        }

    def _lines_without(self, field: str, orders: Sequence[int]) -> set[int]:
        """Return the orders' lines whose list is not empty and of which nothing may be read."""
        of_orders: list[Any] = [["order_id", "in", sorted(orders)], [field, "!=", False]]
        filled = set(self._rpc.call(ORDER_LINES, "search", domain=of_orders, context=ARCHIVED_TOO))
        if not filled:
            return set()
        seen = [["id", "in", sorted(filled)], [f"{field}.id", ">", 0]]
        return filled - set(self._rpc.call(ORDER_LINES, "search", domain=seen, context=ARCHIVED_TOO))


def _named(row: Row, field: str, call: str) -> int:
    """Return the id in `[id, name]`, as Odoo names a record of another model. Raises Unreadable for anything else."""
    value = row.get(field)
    if not isinstance(value, list) or not value or type(value[0]) is not int:
        raise Unreadable(f"{field} names no record", system="odoo", call=call)
    return value[0]


def _sum(row: Row, field: str, call: str) -> Decimal:
    """Return a sum of Odoo's, of which nothing is 0. Raises Unreadable for what is no number."""
    value = row.get(field)
    if value is None or value is False:
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not Decimal(value).is_finite():
        raise Unreadable(f"{field} is no number", system="odoo", call=call)
    return Decimal(value)
