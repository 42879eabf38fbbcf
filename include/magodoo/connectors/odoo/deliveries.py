"""Transfers in Odoo: what is open of an order, deliveries with their tracking, returns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo.connectors.odoo.bulk_load import BulkLoad
from magodoo.connectors.odoo.document_steps import Done, advance
from magodoo.connectors.odoo.documents import plain_domain
from magodoo.connectors.odoo.external_ids import ExternalIds
from magodoo.connectors.odoo.record_kinds import (
    CONTINUED,
    DELIVERY_KEY,
    LOCATION,
    NAMED,
    PRODUCT,
    beyond,
    tree,
    with_key,
)
from magodoo.connectors.odoo.record_trees import TreeReader
from magodoo.connectors.odoo.rpc import Row, Rpc
from magodoo.connectors.odoo.units import Units
from magodoo.connectors.odoo.validation import is_id
from magodoo.connectors.odoo.versions import CAPABILITIES
from magodoo.connectors.odoo.visibility import Visibility
from magodoo.domain.states import TRANSFER_ENDED, TRANSFER_OPEN, OdooTransferState
from magodoo.errors import FixDocument, OutcomeUnknown

OPEN_PICKING = tree(
    "name state carrier_tracking_ref write_date",
    sale_id=NAMED,
    backorder_id=CONTINUED,
    return_id=CONTINUED,
    location_id=LOCATION,
    picking_type_id=tree("name create_backorder"),
    move_ids=tree(
        "product_uom_qty quantity picked state has_tracking product_uom origin_returned_move_id",
        product_id=PRODUCT,
        sale_line_id=tree("order_id", product_id=NAMED),
    ),
)
NO_WIZARDS = {"skip_backorder": True, "skip_sms": True}


@dataclass(frozen=True)
class Delivery:
    """Values that a picking receives before it is validated."""

    tracking: str = ""
    key: str = ""
    carrier: int | None = None
    """Id of a delivery.carrier; None keeps the order's."""


class Deliveries:
    """Reads open transfers and writes deliveries and returns (docs/facts/pair.md#5)."""

    def __init__(self, rpc: Rpc, delivery_key: str = DELIVERY_KEY) -> None:
        """Create a writer. `delivery_key` is the field of a transfer with the delivery key (`odoo.delivery_key_field`)."""
        self._rpc, self._delivery_key = rpc, delivery_key
        self._trees, self._visibility = TreeReader(rpc), Visibility(rpc)
        self._external_ids, self._units, self._bulk_load = ExternalIds(rpc), Units(rpc), BulkLoad(rpc)

    def open_transfers(self, order_ids: Sequence[int]) -> list[Row]:
        """Return the transfers to the customer with goods of these orders, neither done nor cancelled, with all their moves.

        A merged transfer also has moves of other orders. Each move has product_id, sale_line_id, product_uom_qty (open demand), quantity
        (reserved), state and has_tracking; quantities are in the product's unit.
        """
        domain = [
            *self._rpc.company_domain("stock.picking"),
            "|", ["move_ids.sale_line_id.order_id", "in", list(order_ids)], ["sale_id", "in", list(order_ids)],
            ["state", "not in", list(TRANSFER_ENDED)],
            *plain_domain(beyond("location_dest_id")),
        ]  # fmt: skip
        rows = self._visibility.read_whole("stock.picking", with_key(OPEN_PICKING, self._delivery_key), domain)
        self._external_ids.add(rows, (("move_ids.sale_line_id", "sale.order.line"),))
        self._units.convert(rows)
        return rows

    def combined(self, order_ids: Sequence[int]) -> dict[int, list[str]]:
        """Return, by sales order, the names of open transfers that combine its goods with those of other orders."""
        tree_ = tree("", picking_id=NAMED, sale_line_id=tree("order_id"))
        domain = [
            *self._rpc.company_domain("stock.move"),
            ["picking_id.state", "not in", list(TRANSFER_ENDED)],
            ["state", "not in", list(TRANSFER_ENDED)],
            ["sale_line_id", "!=", False],
            ["picking_id.move_ids.sale_line_id.order_id", "in", list(order_ids)],
        ]
        carried: dict[str, set[int]] = {}
        for move in self._trees.read("stock.move", tree_, domain).rows:
            carried.setdefault(move["picking_id"]["name"], set()).add(_id_of(move["sale_line_id"]["order_id"]))
        shared = {name: orders for name, orders in carried.items() if len(orders) > 1}
        return {each: sorted(name for name, orders in shared.items() if each in orders) for each in order_ids}

    def sold_products(self, line_ids: Sequence[int]) -> dict[int, int]:
        """Return the product id that each of these sale order lines sells. The moves of a kit have other products."""
        if not line_ids:
            return {}
        domain = [*self._rpc.company_domain("sale.order.line"), ["id", "in", list(line_ids)]]
        rows = self._rpc.search_read("sale.order.line", domain, ["product_id"])
        return {row["id"]: row["product_id"][0] for row in rows if row["product_id"]}

    def add_notes(self, notes: Mapping[int, str]) -> None:
        """Write notes (HTML), by sales order, on the open transfers of these orders, of every step to the customer.

        A transfer that already has a note keeps it.
        """
        domain = [
            *self._rpc.company_domain("stock.picking"),
            ["sale_id", "in", list(notes)],
            ["state", "not in", list(TRANSFER_ENDED)],
        ]
        rows = self._rpc.search_read("stock.picking", domain, ["sale_id", "note"], order="id")
        fresh = [(str(row["id"]), notes[row["sale_id"][0]]) for row in rows if not _text_of(row["note"])]
        self._bulk_load.update("stock.picking", (".id", "note"), fresh)

    def set_quantities(self, quantities: Mapping[int, Decimal]) -> None:
        """Set the quantity that each stock move ships. A move of 0 is not picked and goes to the backorder."""
        fields = [str(self._rpc.name_of("stock.move", "quantity"))]
        picked = self._rpc.name_of("stock.move", "picked")
        rows = []
        for id, quantity in quantities.items():
            if quantity < 0:
                raise ValueError(f"stock move {id} cannot ship {quantity}")
            flag = ["1" if quantity else "0"] if picked else []
            rows.append([str(id), f"{quantity.normalize():f}" if quantity else "0", *flag])
        self._bulk_load.update("stock.move", [".id", *fields, *([picked] if picked else [])], rows)

    def set_tracking(self, deliveries: Mapping[int, Delivery]) -> None:
        """Set tracking number, delivery key and delivery method of pickings. An empty value leaves the field unchanged."""
        columns = (("carrier_tracking_ref", "tracking"), (self._delivery_key, "key"), ("carrier_id/.id", "carrier"))
        for name, attribute in columns:
            rows = [
                (str(id), str(value))
                for id, item in deliveries.items()
                if (value := getattr(item, attribute)) is not None
            ]
            self._bulk_load.update("stock.picking", (".id", name), [row for row in rows if row[1]])

    def validate(self, ids: Sequence[int], *, backorder: bool = True) -> Done:
        """Validate pickings. What was not shipped goes to a backorder, or is cancelled without `backorder`.

        Odoo may answer with a wizard instead (200, nothing done): that counts as a refusal and is never confirmed.
        """
        context: dict[str, Any] = dict(NO_WIZARDS)
        if not backorder:
            context["picking_ids_not_to_backorder"] = list(ids)
        return advance(
            self._rpc, "stock.picking", "button_validate", ids, pending=TRANSFER_OPEN,
            wanted=(OdooTransferState.DONE,), context=context, expected=True,
        )  # fmt: skip

    def create_return(
        self, picking_id: int, quantities: Mapping[int, Decimal], *, key: str = "", to_refund: bool = False
    ) -> int:
        """Create a return of a done picking, not validated, and return its id. `quantities` are by stock move.

        With `key` an existing return that carries it is returned instead. `to_refund` lets the return reduce the quantity to invoice: not wanted
        where a credit note does so (docs/business-rules.md#credit-memos).
        """
        if impossible := self.no_returns():
            raise impossible
        if not quantities or any(quantity <= 0 for quantity in quantities.values()):
            raise ValueError("a return names at least one move, with quantities above zero")
        known = self._return_with(picking_id, key)
        if known:
            return known
        made_wizard = self._rpc.write_call("stock.return.picking", "create", vals_list=[{"picking_id": picking_id}])
        if not isinstance(made_wizard, list) or len(made_wizard) != 1 or not is_id(made_wizard[0]):
            raise OutcomeUnknown("the answer names no wizard", system="odoo", call="stock.return.picking.create")
        (wizard,) = made_wizard
        lines = self._wizard_lines(wizard)
        unknown = set(quantities) - {line["move_id"][0] for line in lines if line["move_id"]}
        if unknown:
            raise FixDocument(f"moves {sorted(unknown)} cannot be returned", system="odoo", call="stock.return.picking")
        updates = []
        for line in lines:
            quantity = quantities.get(line["move_id"][0] if line["move_id"] else 0, Decimal(0))
            updates.append([1, line["id"], {"quantity": quantity, "to_refund": to_refund}])
        self._rpc.write_call("stock.return.picking", "write", ids=[wizard], vals={"product_return_moves": updates})
        action = self._rpc.write_call("stock.return.picking", "action_create_returns", ids=[wizard])
        made = action.get("res_id") if isinstance(action, dict) else None
        if not isinstance(made, int) or made < 1:
            raise OutcomeUnknown("the answer names no return", system="odoo", call="stock.return.picking")
        if key:
            self.set_tracking({made: Delivery(key=key)})
        return made

    def no_returns(self) -> FixDocument | None:
        """Return why this version of Odoo cannot be made to create a return, or None where it can (docs/facts/odoo-20.md#1)."""
        if self._rpc.can("returns_by_wizard", "stock.return.picking"):
            return None
        why = f"Odoo {self._rpc.version}: {CAPABILITIES['returns_by_wizard'].lacking}"
        return FixDocument(why, system="odoo", call="stock.return.picking")

    def values(self, move_ids: Sequence[int]) -> dict[int, Decimal]:
        """Return the valuation of stock moves in company currency, always positive. Before 19 only managers may read it: empty."""
        name = self._rpc.name_of("stock.move", "value")
        if name is None or not self._rpc.has_field("stock.move", name):
            return {}
        rows = self._rpc.listed("stock.move", [name], [["id", "in", sorted(set(move_ids))]])
        return {row["id"]: abs(Decimal(str(row[name] or 0))) for row in rows}

    def _return_with(self, picking_id: int, key: str) -> int:
        """Return the id of a picking's return that carries the delivery key, or 0."""
        if not key:
            return 0
        domain = [
            *self._rpc.company_domain("stock.picking"),
            [self._delivery_key, "=", key],
            ["move_ids.origin_returned_move_id.picking_id", "=", picking_id],
        ]
        found = self._rpc.call("stock.picking", "search", domain=domain, order="id", limit=1)
        return int(found[0]) if found else 0

    def _wizard_lines(self, wizard: int) -> list[Row]:
        domain = [["wizard_id", "=", wizard]]
        return self._rpc.search_read("stock.return.picking.line", domain, ["move_id", "quantity"])


def _id_of(value: Any) -> int:
    """Return the id of a many2one, read as a plain id, as [id, name] or as a dict."""
    return int(value["id"] if isinstance(value, Mapping) else value[0] if isinstance(value, list) else value)


def _text_of(note: Any) -> str:
    """Return the visible text of an HTML field."""
    return re.sub(r"<[^>]*>", "", str(note or "")).strip()
