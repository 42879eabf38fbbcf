"""Read transfers of a company whose warehouse ships for ours (`odoo.warehouse_companies`) as shipments of our own sales orders.

Goods that the mirror of an order brings to the customer are the order's shipment. Where our company buys what the
mirror sells and has a drop shipment for it, that is the same goods a second time and counts as none. Goods that the
mirror brings to us are no shipment either: our own delivery follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from magodoo.connectors.odoo.documents import LONGEST_RAW, Page, Quarantined
from magodoo.connectors.odoo.intercompany import Mirror, MirrorCompany, lines_of
from magodoo.domain.states import OdooTransferState
from magodoo.errors import Unreadable
from magodoo.extract import fields
from magodoo.extract import odoo_fields as odoo
from magodoo.extract.fields import Row
from magodoo.extract.odoo_transfers import CUSTOMER, TRANSIT, moves_of, order_of, place
from magodoo.money import dump_json

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

Lines = Mapping[int, Mapping[int, int]]
_OUTSIDE = ("supplier", TRANSIT)


@dataclass(frozen=True)
class Warehouses:
    """Read the companies that ship for ours."""

    client: OdooClient
    companies: tuple[int, ...]

    @cached_property
    def views(self) -> list[MirrorCompany]:
        """Return the companies."""
        return [MirrorCompany(self.client.rpc, company) for company in self.companies]

    def by_ids(self, kind: str, ids: Collection[int]) -> list[Page]:
        """Return the transfers with these ids, as ours; those of mirrors first."""
        pages, rest = [], set(ids)
        for view in self.views:
            if mine := view.documents.existing_ids(kind, sorted(rest)):
                pages.append(self.as_ours(view, view.documents.by_ids(kind, sorted(mine))))
                rest -= mine
        return [*pages, self.without_mirrored(self.client.documents.by_ids(kind, sorted(rest)))]

    def by_orders(self, kind: str, orders: Sequence[int]) -> list[Page]:
        """Return the transfers of these sales orders of ours, and of their mirrors."""
        pages = [self.without_mirrored(self.client.documents.by_order_ids(kind, orders))]
        for view in self.views:
            if found := view.mirrors_of(orders):
                pages.append(self.as_ours(view, view.documents.by_order_ids(kind, sorted(found))))
        return pages

    def as_ours(self, view: MirrorCompany, page: Page) -> Page:
        """Return a page of another company's transfers as transfers of the orders of ours that they are for.

        Goods that go elsewhere than to or from a customer are left out, and so are transfers that name no order of
        ours. A transfer that names several, or does not show which of their lines it brings, is quarantined.
        """
        mirrors = view.mirrors({int(sale) for row in page.rows if (sale := odoo.link_id(row, "sale_id"))})
        lines = lines_of(self.client.rpc, {order for mirror in mirrors.values() for order in mirror.orders})
        rows: list[dict[str, Any]] = []
        bad = list(page.quarantined)
        for row in page.rows:
            mirror = mirrors.get(int(odoo.link_id(row, "sale_id") or 0))
            try:
                rows += _ours(row, mirror, lines) if mirror else []
            except Unreadable as problem:
                naming = _naming(row, mirror.orders if mirror else ())
                bad.append(Quarantined(row["id"], dump_json(row)[:LONGEST_RAW], str(problem), naming))
        self.client.external_ids.add(rows, (("move_ids.sale_line_id", "sale.order.line"),))
        return Page(rows, page.request_began_at, page.total_count, bad)

    def without_mirrored(self, page: Page) -> Page:
        """Return a page of our own transfers without drop shipments of goods that a mirror sends: they become cancelled or smaller."""
        outside = [row for row in page.rows if any(map(_comes_from_outside, moves_of(row)))]
        orders = {int(found) for row in outside for move in moves_of(row) if (found := order_of(move))}
        sold: dict[int, set[int]] = {}
        for view in self.views if orders else ():
            for mirror in view.mirrors_of(orders).values():
                for order in mirror.orders:
                    sold.setdefault(order, set()).update(mirror.sold.values())
        concerned = {row["id"] for row in outside} if sold else set()
        rows = [_own_part(row, sold) if row["id"] in concerned else row for row in page.rows]
        return Page(rows, page.request_began_at, page.total_count, page.quarantined)

    def names(self, orders: Collection[int]) -> dict[int, str]:
        """Return the name of the mirror of each of these sales orders of ours that has one."""
        found = [mirror for view in self.views for mirror in view.mirrors_of(orders).values()]
        return {order: mirror.name for mirror in found for order in mirror.orders}


def _ours(row: Row, mirror: Mirror, lines: Lines) -> list[dict[str, Any]]:
    """Return a transfer of a mirror as one of the order that it mirrors; [] where it brings a customer nothing.

    Raises:
        Unreadable: The mirror names several orders.
    """
    moves = [move for move in fields.rows(row, "move_ids") if CUSTOMER in _ends(move)]
    if not moves or not mirror.orders:
        return []
    if len(mirror.orders) > 1:
        raise Unreadable(
            f"{mirror.name} mirrors {len(mirror.orders)} orders of this company, and nothing says whose goods it sends: ship them in"
            " Magento by hand, or let each mirror name one order"
        )
    (order,) = mirror.orders
    made = [{**move, "sale_line_id": _our_line(move, mirror, lines.get(order, {}), order)} for move in moves]
    return [{**row, "sale_id": {"id": order}, "move_ids": made}]


def _naming(row: Row, orders: Collection[int]) -> dict[str, Any]:
    """Return a quarantined transfer with the orders of ours that it names in the place of its own."""
    return {
        **row,
        "sale_id": False,
        "move_ids": [{"sale_line_id": {"id": 0, "order_id": {"id": order}}} for order in orders],
    }


def _our_line(move: Row, mirror: Mirror, lines: Mapping[int, int], order: int) -> Row | bool:
    """Return the line of our order whose goods a move of its mirror brings; False for goods that our order does not have.

    Raises:
        Unreadable: The goods are components of a kit, or the lines cannot be distinguished.
    """
    their_line = int(odoo.link_id(move, "sale_line_id") or 0)
    product = mirror.sold.get(their_line)
    if product is not None and odoo.link_id(move, "product_id") != str(product):
        raise Unreadable(f"{mirror.name} sends the components of a kit: a person ships it in Magento")
    theirs = [line for line, each in sorted(mirror.sold.items()) if each == product]
    ours = [line for line, each in sorted(lines.items()) if each == product]
    if product is None or not ours:
        return False
    if len(ours) > 1 and len(ours) != len(theirs):
        raise Unreadable(
            f"{mirror.name} has {len(theirs)} lines of a product of which the order has {len(ours)}: nobody says which it sends"
        )
    return {"id": ours[min(theirs.index(their_line), len(ours) - 1)], "order_id": {"id": order}}


def _own_part(row: Row, sold: Mapping[int, Collection[int]]) -> dict[str, Any]:
    """Return what of an own transfer no mirror sends; one of which nothing is left counts as cancelled."""
    left = [move for move in moves_of(row) if not _is_mirrored(move, sold)]
    return (
        {**row, "move_ids": left} if left else {**row, "state": OdooTransferState.CANCEL.value}
    )  # text, as Odoo sends it


def _is_mirrored(move: Row, sold: Mapping[int, Collection[int]]) -> bool:
    order, product = order_of(move), odoo.link_id(move, "product_id")
    return bool(order and product) and _comes_from_outside(move) and int(product or 0) in sold.get(int(order or 0), ())


def _comes_from_outside(move: Row) -> bool:
    """Return whether goods go between a customer and somebody who is not this company: a drop shipment, or its return."""
    ends = _ends(move)
    return CUSTOMER in ends and bool(set(ends).intersection(_OUTSIDE))


def _ends(move: Row) -> tuple[str, str]:
    return place(move, "location_id"), place(move, "location_dest_id")
