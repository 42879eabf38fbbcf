"""Writes of Odoo documents: one method per step of the verified sequence for a Magento document (docs/facts/pair.md#3 to #6).

Every step may be repeated: what is done already is detected and left alone. A batch that is refused is split until the refused record is
alone. Nothing of a refused call was done: one call is one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from magodoo.connectors.odoo.bulk_load import Loaded, Loading, Table
from magodoo.connectors.odoo.reads import plain_domain, stamp
from magodoo.connectors.odoo.record_kinds import CONTINUED, LOCATION, NAMED, PRODUCT, beyond, tree, with_key
from magodoo.connectors.odoo.record_trees import Row
from magodoo.connectors.odoo.rpc import expect_rows
from magodoo.connectors.odoo.validation import is_id
from magodoo.connectors.odoo.versions import name_of
from magodoo.domain.states import (
    CONFIRMED_IN_ODOO,
    PAYMENT_MADE,
    QUOTATION,
    TRANSFER_ENDED,
    TRANSFER_OPEN,
    OdooMoveState,
    OdooOrderState,
    OdooPaymentState,
    OdooTransferState,
)
from magodoo.errors import FixConfiguration, FixDocument, MagodooError, OutcomeUnknown

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
class Done:
    """Result of a batch by database id: the records that are in the wanted state now, and why the others are not."""

    ids: list[int] = field(default_factory=list)
    refused: dict[int, MagodooError] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """Values that a picking receives before it is validated."""

    tracking: str = ""
    key: str = ""
    carrier: int | None = None
    """Id of a delivery.carrier; None keeps the order's."""


class Writers(Loading):
    """Adds the writes to the reads."""

    def load_partners(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the customers that do not exist yet. See `load_records`."""
        return self.load_records("res.partner", fields, rows)

    def load_orders(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the sales orders that do not exist yet. See `load_records`."""
        return self.load_records("sale.order", fields, rows)

    def load_moves(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the draft invoices and credit notes that do not exist yet. See `load_records`."""
        return self.load_records("account.move", fields, rows)

    def load_payments(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the draft payments that do not exist yet. See `load_records`."""
        return self.load_records("account.payment", fields, rows)

    def confirm_orders(self, ids: Sequence[int]) -> Done:
        """Confirm orders. Odoo sets date_order to now; `set_date_order` restores it."""
        return self._advance("sale.order", "action_confirm", ids, pending=QUOTATION, wanted=CONFIRMED_IN_ODOO)

    def cancel_orders(self, ids: Sequence[int]) -> Done:
        """Cancel orders. Deliveries that are done stay; the others are cancelled."""
        context = {"disable_cancel_warning": True}
        return self._advance(
            "sale.order",
            "action_cancel",
            ids,
            pending=(*QUOTATION, OdooOrderState.SALE),
            wanted=(OdooOrderState.CANCEL,),
            context=context,
        )

    def set_date_order(self, dates: Mapping[int, datetime]) -> None:
        """Set the dates (UTC) of orders, by id. The currency rate of an order depends on its date."""
        rows = [(str(id), stamp(moment)) for id, moment in dates.items()]
        self.update_by_id("sale.order", (".id", "date_order"), rows)

    def force_taxes(self, move_id: int, taxes: Mapping[int, Decimal]) -> None:
        """Set the tax amounts of a draft, by tax id, in its currency: exact to the cent in versions without `extra_tax_data`.

        They are lost when the document is reset to draft (docs/facts/pair.md#2.1). Raises FixDocument unless each tax has exactly one line.
        """
        domain = [*self.company_domain("account.move.line"), ["move_id", "=", move_id], ["tax_line_id", "!=", False]]
        answer = self.call(
            "account.move.line", "search_read", domain=domain, fields=["tax_line_id", "amount_currency"], order="id"
        )
        lines = expect_rows(answer, "account.move.line.search_read")
        if sorted(line["tax_line_id"][0] for line in lines) != sorted(taxes):
            raise FixDocument(
                f"document {move_id} has other tax lines than expected", system="odoo", call="account.move.write"
            )
        move = self._one("account.move", move_id, ["move_type"])
        sign = 1 if move["move_type"] == "out_refund" else -1
        forced = [[1, line["id"], {"amount_currency": sign * taxes[line["tax_line_id"][0]]}] for line in lines]
        self.write_call("account.move", "write", ids=[move_id], vals={"line_ids": forced})

    def post_moves(self, ids: Sequence[int]) -> Done:
        """Post invoices and credit notes. A lock date does not refuse them but changes `date`: read it back (docs/facts/pair.md#10)."""
        return self._advance(
            "account.move", "action_post", ids, pending=(OdooMoveState.DRAFT,), wanted=(OdooMoveState.POSTED,)
        )

    def post_payments(self, ids: Sequence[int]) -> Done:
        """Post payments, each with its journal entry.

        A payment that Odoo posts without an entry (docs/facts/odoo-19.0.md#5, *Trap*) is returned as refused, with FixConfiguration.
        """
        done = self._advance(
            "account.payment", "action_post", ids, pending=(OdooPaymentState.DRAFT,), wanted=PAYMENT_MADE
        )
        for row in self._read("account.payment", done.ids, ["move_id"]):
            if not row["move_id"]:
                done.ids.remove(row["id"])
                done.refused[row["id"]] = FixConfiguration(
                    f"payment {row['id']} was posted without a journal entry", system="odoo",
                    call="account.payment.action_post", hint="set an outstanding account on the journal's method lines",
                )  # fmt: skip
        return done

    def open_pickings(self, order_ids: Sequence[int]) -> list[Row]:
        """Return the transfers to the customer with goods of these orders, neither done nor cancelled, with all their moves.

        A merged transfer also has moves of other orders. Each move has product_id, sale_line_id, product_uom_qty (open demand), quantity
        (reserved), state and has_tracking; quantities are in the product's unit.
        """
        domain = [
            *self.company_domain("stock.picking"),
            "|", ["move_ids.sale_line_id.order_id", "in", list(order_ids)], ["sale_id", "in", list(order_ids)],
            ["state", "not in", list(TRANSFER_ENDED)],
            *plain_domain(beyond("location_dest_id")),
        ]  # fmt: skip
        rows = self.read_whole("stock.picking", with_key(OPEN_PICKING, self.delivery_key), domain)
        self.name_rows(rows, (("move_ids.sale_line_id", "sale.order.line"),))
        self.count_in_product_units(rows)
        return rows

    def shared_transfers(self, order_ids: Sequence[int]) -> dict[int, list[str]]:
        """Return, by sales order, the names of open transfers that combine its goods with those of other orders."""
        tree_ = tree("", picking_id=NAMED, sale_line_id=tree("order_id"))
        domain = [
            *self.company_domain("stock.move"),
            ["picking_id.state", "not in", list(TRANSFER_ENDED)],
            ["state", "not in", list(TRANSFER_ENDED)],
            ["sale_line_id", "!=", False],
            ["picking_id.move_ids.sale_line_id.order_id", "in", list(order_ids)],
        ]
        carried: dict[str, set[int]] = {}
        for move in self.read_tree("stock.move", tree_, domain).rows:
            carried.setdefault(move["picking_id"]["name"], set()).add(_id_of(move["sale_line_id"]["order_id"]))
        shared = {name: orders for name, orders in carried.items() if len(orders) > 1}
        return {each: sorted(name for name, orders in shared.items() if each in orders) for each in order_ids}

    def sold_products(self, line_ids: Sequence[int]) -> dict[int, int]:
        """Return the product id that each of these sale order lines sells. The moves of a kit have other products."""
        if not line_ids:
            return {}
        domain = [*self.company_domain("sale.order.line"), ["id", "in", list(line_ids)]]
        answer = self.call("sale.order.line", "search_read", domain=domain, fields=["product_id"])
        rows = expect_rows(answer, "sale.order.line.search_read")
        return {row["id"]: row["product_id"][0] for row in rows if row["product_id"]}

    def note_transfers(self, notes: Mapping[int, str]) -> None:
        """Write notes (HTML), by sales order, on the open transfers of these orders, of every step to the customer.

        A transfer that already has a note keeps it.
        """
        domain = [
            *self.company_domain("stock.picking"),
            ["sale_id", "in", list(notes)],
            ["state", "not in", list(TRANSFER_ENDED)],
        ]
        answer = self.call("stock.picking", "search_read", domain=domain, fields=["sale_id", "note"], order="id")
        rows = expect_rows(answer, "stock.picking.search_read")
        fresh = [(str(row["id"]), notes[row["sale_id"][0]]) for row in rows if not _text_of(row["note"])]
        self.update_by_id("stock.picking", (".id", "note"), fresh)

    def set_quantities(self, quantities: Mapping[int, Decimal]) -> None:
        """Set the quantity that each stock move ships. A move of 0 is not picked and goes to the backorder."""
        fields = [str(name_of(self.version, "stock.move", "quantity"))]
        picked = name_of(self.version, "stock.move", "picked")
        rows = []
        for id, quantity in quantities.items():
            if quantity < 0:
                raise ValueError(f"stock move {id} cannot ship {quantity}")
            flag = ["1" if quantity else "0"] if picked else []
            rows.append([str(id), f"{quantity.normalize():f}" if quantity else "0", *flag])
        self.update_by_id("stock.move", [".id", *fields, *([picked] if picked else [])], rows)

    def set_tracking(self, deliveries: Mapping[int, Delivery]) -> None:
        """Set tracking number, delivery key and delivery method of pickings. An empty value leaves the field unchanged."""
        columns = (("carrier_tracking_ref", "tracking"), (self.delivery_key, "key"), ("carrier_id/.id", "carrier"))
        for name, attribute in columns:
            rows = [
                (str(id), str(value))
                for id, item in deliveries.items()
                if (value := getattr(item, attribute)) is not None
            ]
            self.update_by_id("stock.picking", (".id", name), [row for row in rows if row[1]])

    def set_delivery_dates(self, dates: Mapping[int, str]) -> None:
        """Set the delivery date (ISO) of invoices, drafts and posted ones, by id."""
        self.update_by_id("account.move", (".id", "delivery_date"), [(str(id), day) for id, day in dates.items()])

    def validate_pickings(self, ids: Sequence[int], *, backorder: bool = True) -> Done:
        """Validate pickings. What was not shipped goes to a backorder, or is cancelled without `backorder`.

        Odoo may answer with a wizard instead (200, nothing done): that counts as a refusal and is never confirmed.
        """
        context: dict[str, Any] = dict(NO_WIZARDS)
        if not backorder:
            context["picking_ids_not_to_backorder"] = list(ids)
        return self._advance(
            "stock.picking", "button_validate", ids, pending=TRANSFER_OPEN,
            wanted=(OdooTransferState.DONE,), context=context, expected=True,
        )  # fmt: skip

    def return_picking(
        self, picking_id: int, quantities: Mapping[int, Decimal], *, key: str = "", to_refund: bool = False
    ) -> int:
        """Create a return of a done picking, not validated, and return its id. `quantities` are by stock move.

        With `key` an existing return that carries it is returned instead. `to_refund` lets the return reduce the quantity to invoice: not wanted
        where a credit note does so (docs/business-rules.md#credit-memos).
        """
        if not quantities or any(quantity <= 0 for quantity in quantities.values()):
            raise ValueError("a return names at least one move, with quantities above zero")
        known = self._return_with(picking_id, key)
        if known:
            return known
        made_wizard = self.write_call("stock.return.picking", "create", vals_list=[{"picking_id": picking_id}])
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
        self.write_call("stock.return.picking", "write", ids=[wizard], vals={"product_return_moves": updates})
        action = self.write_call("stock.return.picking", "action_create_returns", ids=[wizard])
        made = action.get("res_id") if isinstance(action, dict) else None
        if not isinstance(made, int) or made < 1:
            raise OutcomeUnknown("the answer names no return", system="odoo", call="stock.return.picking")
        if key:
            self.set_tracking({made: Delivery(key=key)})
        return made

    def _return_with(self, picking_id: int, key: str) -> int:
        """Return the id of a picking's return that carries the delivery key, or 0."""
        if not key:
            return 0
        domain = [
            *self.company_domain("stock.picking"),
            [self.delivery_key, "=", key],
            ["move_ids.origin_returned_move_id.picking_id", "=", picking_id],
        ]
        found = self.call("stock.picking", "search", domain=domain, order="id", limit=1)
        return int(found[0]) if found else 0

    def _wizard_lines(self, wizard: int) -> list[Row]:
        domain = [["wizard_id", "=", wizard]]
        answer = self.call("stock.return.picking.line", "search_read", domain=domain, fields=["move_id", "quantity"])
        return expect_rows(answer, "stock.return.picking.line.search_read")

    def _advance(
        self,
        model: str,
        method: str,
        ids: Sequence[int],
        *,
        pending: tuple[str, ...],
        wanted: tuple[str, ...],
        context: dict[str, Any] | None = None,
        expected: Any = None,
    ) -> Done:
        """Call `method` on the records that are still `pending`, then read back which are in a `wanted` state.

        `expected` is the only answer that means success, where there is one. A refusal of several records is retried in halves; a refused single
        record is returned in `refused`, unless another writer has brought it to a wanted state.
        """
        before = self._states(model, ids)
        todo = [id for id in ids if before.get(id) in pending]
        refused: dict[int, MagodooError] = {}

        def act(part: list[int]) -> None:
            answer = self.write_call(model, method, ids=part, context=context)
            if expected is not None and answer is not expected:
                raise FixDocument(_question(answer), system="odoo", call=f"{model}.{method}")

        _in_halves(act, todo, refused)
        after = self._states(model, ids)
        ready = [id for id in ids if after.get(id) in wanted]
        for id in ids:
            if id in ready:
                refused.pop(id, None)
            elif id not in refused:
                state = f"is {after[id]}" if id in after else "does not exist"
                refused[id] = FixDocument(f"record {id} {state}", system="odoo", call=f"{model}.{method}")
        return Done(ready, refused)

    def _states(self, model: str, ids: Sequence[int]) -> dict[int, str]:
        return {row["id"]: str(row["state"]) for row in self._read(model, ids, ["state"])}

    def _one(self, model: str, id: int, fields: list[str]) -> Row:
        """Return fields of one record. Raises FixDocument where it does not exist in this company."""
        rows = [row for row in self._read(model, [id], fields) if row["id"] == id]
        if not rows:
            raise FixDocument(f"record {id} does not exist", system="odoo", call=f"{model}.search_read")
        return rows[0]

    def _read(self, model: str, ids: Sequence[int], fields: list[str]) -> list[Row]:
        """Return fields of these records. Records of another company and missing ones are left out."""
        if not ids:
            return []
        domain = [*self.company_domain(model), ["id", "in", list(ids)]]
        answer = self.call(
            model, "search_read", domain=domain, fields=fields, order="id", context={"active_test": False}
        )
        return expect_rows(answer, f"{model}.search_read")


def _id_of(value: Any) -> int:
    """Return the id of a many2one, read as a plain id, as [id, name] or as a dict."""
    return int(value["id"] if isinstance(value, Mapping) else value[0] if isinstance(value, list) else value)


def _text_of(note: Any) -> str:
    """Return the visible text of an HTML field."""
    return re.sub(r"<[^>]*>", "", str(note or "")).strip()


def _in_halves(act: Callable[[list[int]], None], part: list[int], refused: dict[int, MagodooError]) -> None:
    if not part:
        return
    try:
        act(part)
    except FixDocument as problem:
        if len(part) == 1:
            refused[part[0]] = problem
            return
        middle = len(part) // 2
        _in_halves(act, part[:middle], refused)
        _in_halves(act, part[middle:], refused)


def _question(answer: Any) -> str:
    asked = answer.get("res_model") if isinstance(answer, dict) else None
    return f"Odoo asks a question instead of doing it ({asked})" if asked else "Odoo did not say that it is done"
