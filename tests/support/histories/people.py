"""Who does what a history says: customers and clerks in the shop, bookkeepers and the warehouse in Odoo.

Each does what the system lets them do at that moment; what it refuses did not happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Any

from accountant import bank_line, due, unmatch
from shop_and_books import ShopAndBooks

from histories.history import OF_OTHERS, Cart, Step, Told
from magodoo_sandbox.magento import Coupon, Line
from magodoo_sandbox.magento.refusals import Refusal
from magodoo_sandbox.odoo.errors import OdooError
from magodoo_sandbox.seed.shop import CARD

COUPONS = {
    "percent": Coupon("TEN", percent=Decimal(10)),
    "amount": Coupon("THREE", amount=Decimal(3)),
    "with shipping": Coupon("ALL", percent=Decimal(20), applies_to_shipping=True),
    "given away": Coupon("FREE", percent=Decimal(100)),
}
ADJUSTED = {"": (0, 0), "more": ("2.50", 0), "less": (0, "0.50"), "below zero": (1, 20)}
TOGETHER = {"all": Decimal(0), "half": Decimal("-0.50"), "one": Decimal("5.00"), "last": Decimal("-20.00")}
EUR_PER_USD = Decimal("0.92")
CENT = Decimal("0.01")
QUIET = {"skip_backorder": True, "skip_sms": True}
Rows = list[dict[str, Any]]


class People:
    """All who have to do with one order; `orders` are it and what it was edited into."""

    def __init__(self, pair: ShopAndBooks, told: Told, name: str) -> None:
        self.pair, self.told = pair, told
        pair.teller = name
        self.orders = [self._place(told.cart)]
        self.done: list[str] = []

    @property
    def order(self) -> int:
        return self.orders[-1]

    def act(self, steps: Sequence[Step]) -> None:
        """Take some steps, and note which were possible."""
        for step in steps:
            try:
                happened = getattr(self, step.do)(step)
            except (Refusal, OdooError) as refusal:
                happened = f"refused: {refusal}"
            self.done.append(f"{step} ({happened})" if happened else str(step))

    def _place(self, cart: Cart, **more: Any) -> int:
        lines = [Line(sku, pieces, child="SHIRT-RED" if sku == "SHIRT" else "") for sku, pieces in cart.lines]
        options = {"coupon": COUPONS.get(cart.coupon), "store": cart.store, **more}
        payment = cart.payment
        if cart.coupon == "given away" and not cart.fixed_tax:  # Magento takes no other method where nothing is to pay
            payment, options = "free", {"shipping_amount": 0, **options}
        order = self.pair.order(lines, payment, days_ago=40 if cart.early else 0, **options)
        if cart.fixed_tax:
            self.pair.shop.charge_fixed_tax(order, "1.07")
        return order

    # The shop

    def magento_invoice(self, step: Step) -> None:
        self.pair.shop.invoice(self.order, self._open_items(step, "qty_invoiced"))

    def magento_ship(self, step: Step) -> None:
        number = f"M-{self.order}-{len(self.done)}"
        tracks = [{"track_number": number, "title": "UPS", "carrier_code": "ups"}] if step.extra else []
        self.pair.shop.ship(self.order, self._to_ship(step), tracks=tracks)

    def magento_track(self, step: Step) -> str | None:
        shipment = _pick(self.pair.shipments(self.order), step)
        if shipment is None:
            return "nothing was shipped"
        self.pair.shop.add_track(shipment["entity_id"], f"ML-{self.order}-{len(self.done)}", "UPS", "ups")
        return None

    def magento_refund(self, step: Step) -> None:
        shop, order = self.pair.shop, self.order
        plus, minus = (Decimal(each) for each in ADJUSTED[step.adjustment])
        amounts: dict[str, Any] = {"adjustment_positive": plus, "adjustment_negative": minus}
        if not step.extra:
            amounts["shipping"] = Decimal(0)
        items = self._open_items(step, "qty_refunded", of="qty_invoiced")
        items = items and {
            item["item_id"]: items.get(item["item_id"], Decimal(0)) for item in self.pair.desk.top_items(order)
        }
        invoice = _pick(self.pair.invoices(order), step)
        if self.told.cart.payment == CARD and invoice is not None:
            shop.refund_invoice(invoice["entity_id"], items, online=True, **amounts)
        else:
            shop.refund(order, items, **amounts)

    def magento_cancel(self, step: Step) -> str | None:
        return None if self.pair.shop.cancel(self.order) else "nothing to cancel"

    def magento_hold(self, step: Step) -> None:
        self.pair.shop.hold(self.order)

    def magento_unhold(self, step: Step) -> None:
        self.pair.shop.unhold(self.order)

    def magento_edit(self, step: Step) -> str | None:
        """The shop edits an order that is not invoiced yet: it is cancelled, and another takes its place."""
        row = self.pair.shop.order(self.order)
        if row["state"] not in ("new", "processing") or any(item.get("qty_invoiced") for item in row["items"]):
            return "it cannot be edited"
        self.orders.append(self._place(self.told.cart, edit_of=self.order))
        return None

    def _open_items(
        self, step: Step, done: str, *, of: str = "qty_ordered", goods: bool = False
    ) -> dict[int | None, Decimal] | None:
        """A part of what is open; None is all of it."""
        if step.part == "all":
            return None
        items = self.pair.desk.top_items(self.order)
        left = {
            item["item_id"]: _number(item.get(of)) - _number(item.get(done)) - _number(item.get("qty_canceled") if of == "qty_ordered" else 0)
            for item in items if not (goods and item.get("is_virtual"))
        }  # fmt: skip
        return {item: quantity for item, quantity in _part(left, step.part).items() if quantity > 0} or None

    def _to_ship(self, step: Step) -> dict[int | None, Decimal] | None:
        """A part of what is open to ship; None is all of it.

        Of a bundle that ships separately part of each part, as it comes, or of one with a fixed price so many bundles.
        """
        if step.part == "all":
            return None
        items = {item["item_id"]: item for item in self.pair.shop.order(self.order)["items"]}
        left: dict[Any, Decimal] = {}
        for number, item in items.items():
            parent = items.get(item.get("parent_item_id"), {})
            by_itself = not parent or (parent.get("_ships_separately") and parent.get("_dynamic"))
            if (
                by_itself
                and not item.get("is_virtual")
                and not (item.get("_ships_separately") and item.get("_dynamic"))
            ):
                left[number] = _number(item["qty_ordered"]) - self._shipped(item) - _number(item.get("qty_canceled"))
        wanted = {item: quantity for item, quantity in _part(left, step.part).items() if quantity > 0}
        return self.pair.desk.shipped_by(self.order, wanted) or None

    def _shipped(self, item: Any) -> Decimal:
        """How many have left; of a bundle of fixed price that ships separately, by its parts."""
        if not item.get("_ships_separately"):
            return _number(item.get("qty_shipped"))
        items = self.pair.shop.order(self.order)["items"]
        parts = [part for part in items if part.get("parent_item_id") == item["item_id"]]
        share = [_number(part.get("qty_shipped")) / _number(part["qty_ordered"]) for part in parts]
        return Decimal(int(min(share) * _number(item["qty_ordered"])))

    # Odoo

    def odoo_enter(self, step: Step) -> str | None:
        """A clerk enters the order by hand, with its number; `extra`: what makes quarters of a dozen in dozens."""
        if self.pair.sales(self.order):
            return "it is there"
        self.pair.enter_order(self.order, linked=False, confirmed=not step.extra)
        if step.extra:
            self._count_in_dozens()
        return None

    def _count_in_dozens(self) -> None:
        (sale,) = self.pair.sales(self.order)
        (dozen,) = self.pair.rows("uom.uom", [["name", "=", "Dozens"], ["active", "in", [True, False]]], "name")
        fields = "product_uom_qty price_unit is_delivery tax_ids product_id"
        for line in self.pair.rows("sale.order.line", [["order_id", "=", sale["id"]]], fields):
            if line["is_delivery"] or not line["product_id"] or _number(line["product_uom_qty"]) % 3:
                continue
            vals = {
                "product_uom_id": dozen["id"],
                "product_uom_qty": line["product_uom_qty"] / 12,
                "price_unit": line["price_unit"] * 12,
                "tax_ids": [[6, 0, line["tax_ids"]]],
            }
            self.pair.call("sale.order.line", "write", [line["id"]], vals=vals)
        self.pair.call("sale.order", "action_confirm", [sale["id"]])

    def odoo_bill(self, step: Step) -> str | None:
        if self._sale() is None:
            return "no sales order"
        move = self.pair.books.invoice_of_order(self.pair.of(self.order), post=False)
        lines = self.pair.rows(
            "account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]], "quantity"
        )
        wanted = _part({line["id"]: _number(line["quantity"]) for line in lines}, step.part)
        for line, quantity in wanted.items():
            if quantity:
                self.pair.call("account.move.line", "write", [line], vals={"quantity": float(quantity)})
            else:
                self.pair.call("account.move.line", "unlink", [line])
        if not step.extra or step.part != "all":
            self.pair.call("account.move", "action_post", [move])
        return None

    def odoo_pay(self, step: Step) -> str | None:
        posted = [move for move in self.pair.moves(self.order) if move["state"] == "posted" and move["amount_residual"]]
        move = _pick(posted, step)
        if move is None:
            return "nothing to pay"
        residual = _number(move["amount_residual"])
        half = (residual / 2).quantize(Decimal("0.01"))
        self.pair.pay(self.order, move["id"], half if step.part == "half" else residual)
        return None

    def odoo_bank(self, step: Step) -> str | None:
        """A line of the bank statement is matched with an invoice or a credit note: for all, or half of what is open."""
        move = _pick(self._open_moves(), step)
        if move is None:
            return "nothing to match"
        residual = _number(move["amount_residual"])
        if step.part != "half":
            charges = (residual / 40).quantize(Decimal("0.01")) if step.extra and move["currency_id"][1] == "USD" else 0
            bank_line(self.pair, [move["id"]], charges=Decimal(charges))
            return None
        sign = 1 if move["id"] in {each["id"] for each in self.pair.moves(self.order)} else -1
        bank_line(self.pair, [move["id"]], sign * (residual / 2).quantize(Decimal("0.01")))
        return None

    def odoo_bank_together(self, step: Step) -> str | None:
        """One line of the bank statement pays this order's invoice and another one's of the same currency: what is owed, 0.50 less,
        more than that (`part`); `extra`: by a transfer in euro.
        """
        mine = _pick([row for row in self._open_moves() if row in self.pair.moves(self.order)], step)
        theirs = _pick(self._open_invoices_of_others(mine), step) if mine else None
        if mine is None or theirs is None:
            return "nothing to pay together"
        moves = [mine["id"], theirs["id"]]
        owed = sum(_number(due(self.pair, move)["amount_residual"]) for move in moves)  # in the company's currency
        came = owed + TOGETHER[step.part]
        if came <= 0:
            return "nothing is left of it"
        foreign = ("EUR", (came * EUR_PER_USD).quantize(CENT)) if step.extra else None
        bank_line(self.pair, moves, came.quantize(CENT), foreign=foreign)
        return None

    def _open_invoices_of_others(self, mine: dict[str, Any]) -> Rows:
        """Posted invoices with something open in the same currency, of whichever other orders there are."""
        own = {row["id"] for order in self.orders for row in self.pair.moves(order)}
        domain = [
            ["move_type", "=", "out_invoice"],
            ["state", "=", "posted"],
            ["amount_residual", ">", 0],
            ["currency_id", "=", mine["currency_id"][0]],
            ["company_id", "=", 1],
        ]
        rows = self.pair.rows("account.move", domain, "amount_residual currency_id")
        return [row for row in rows if row["id"] not in own]

    def odoo_write_off(self, step: Step) -> str | None:
        """The accountant gives up on what is open of an invoice."""
        move = _pick([row for row in self._open_moves() if row in self.pair.moves(self.order)], step)
        if move is None:
            return "nothing to write off"
        self.pair.write_off(move["id"])
        return None

    def odoo_unmatch(self, step: Step) -> str | None:
        """What settled an invoice or a credit note is taken off it."""
        moves = [*self.pair.moves(self.order), *self.pair.notes(self.order)]
        settled = [row for row in moves if row["state"] == "posted" and row["amount_residual"] != row["amount_total"]]
        move = _pick(settled, step)
        if move is None:
            return "nothing to take off"
        unmatch(self.pair, move["id"])
        return None

    def _open_moves(self) -> Rows:
        moves = [*self.pair.moves(self.order), *self.pair.notes(self.order)]
        return [move for move in moves if move["state"] == "posted" and move["amount_residual"]]

    def odoo_reverse(self, step: Step) -> str | None:
        move = _pick([move for move in self.pair.moves(self.order) if move["state"] == "posted"], step)
        if move is None:
            return "nothing to reverse"
        self.pair.reverse(move["id"])
        return None

    def odoo_undo(self, step: Step) -> str | None:
        """A bookkeeper takes an entry back: draft, then cancelled."""
        move = _pick([move for move in self.pair.moves(self.order) if move["state"] == "posted"], step)
        if move is None:
            return "nothing to undo"
        self.pair.call("account.move", "button_draft", [move["id"]])
        self.pair.call("account.move", "button_cancel", [move["id"]])
        return None

    def odoo_deliver(self, step: Step) -> str | None:
        sales = [row["id"] for row in self.pair.sales(self.order)]
        with_its_goods = [["move_ids.sale_line_id.order_id", "in", sales], ["picking_type_code", "=", "outgoing"]]
        open_ = [["state", "not in", ["done", "cancel"]], *with_its_goods]
        picking = _pick(self.pair.rows("stock.picking", open_, "name"), step)
        if picking is None:
            return "nothing to deliver"
        moves = self.pair.rows(
            "stock.move", [["picking_id", "=", picking["id"]], ["state", "!=", "cancel"]], "product_uom_qty"
        )
        wanted = _part({move["id"]: _number(move["product_uom_qty"]) for move in moves}, step.part)
        for move, quantity in wanted.items():
            self.pair.call("stock.move", "write", [move], vals={"quantity": float(quantity), "picked": bool(quantity)})
        if step.extra:
            values = {"carrier_tracking_ref": f"O-{picking['id']}"}
            self.pair.call("stock.picking", "write", [picking["id"]], vals=values)
        self.pair.call("stock.picking", "button_validate", [picking["id"]], context=QUIET)
        return None

    def odoo_merge(self, step: Step) -> str | None:
        """The warehouse puts the goods of another order, which is not the shop's, into the order's open transfer."""
        sale = self._sale()
        open_ = [row for row in self.pair.pickings(self.order) if row["state"] not in ("done", "cancel")]
        picking = _pick(open_, step)
        if sale is None or picking is None:
            return "nothing to put together"
        (mine,) = self.pair.rows("sale.order", [["id", "=", sale]], "partner_id")
        line = {"product_id": self.pair.books.names.products[OF_OTHERS], "product_uom_qty": 2}
        values = {"partner_id": mine["partner_id"][0], "order_line": [[0, 0, line]]}
        (other,) = self.pair.call("sale.order", "create", vals_list=[values])
        self.pair.call("sale.order", "action_confirm", [other])
        (theirs,) = self.pair.rows("stock.picking", [["sale_id", "=", other]], "move_ids")
        self.pair.call("stock.move", "write", theirs["move_ids"], vals={"picking_id": picking["id"]})
        self.pair.call("stock.picking", "unlink", [theirs["id"]])
        return None

    def odoo_merge_orders(self, step: Step) -> str | None:
        """The warehouse puts this order's open goods into the open transfer of another of the shop's orders."""
        mine = _pick([row for row in self.pair.pickings(self.order) if row["state"] not in ("done", "cancel")], step)
        own = {sale["id"] for order in self.orders for sale in self.pair.sales(order)}
        domain = [
            ["picking_type_code", "=", "outgoing"],
            ["state", "not in", ["done", "cancel"]],
            ["sale_id", "!=", False],
            ["company_id", "=", 1],
        ]
        theirs = [row for row in self.pair.rows("stock.picking", domain, "sale_id") if row["sale_id"][0] not in own]
        picking = _pick(theirs, step)
        if mine is None or picking is None or picking["id"] == mine["id"]:
            return "nothing to put together"
        lines = self.pair.rows("stock.move.line", [["move_id", "in", mine["move_ids"]]], "picking_id")
        self.pair.call("stock.move", "write", mine["move_ids"], vals={"picking_id": picking["id"]})
        self.pair.call("stock.move.line", "write", [row["id"] for row in lines], vals={"picking_id": picking["id"]})
        self.pair.call("stock.picking", "unlink", [mine["id"]])
        return None

    def odoo_return(self, step: Step) -> str | None:
        picking = _pick([row for row in self.pair.pickings(self.order) if row["state"] == "done"], step)
        if picking is None:
            return "nothing was delivered"
        self.pair.books.give_back(picking["id"], None if step.part == "all" else Decimal(1))
        return None

    def odoo_cancel(self, step: Step) -> str | None:
        sale = self._sale()
        if sale is None:
            return "no sales order"
        self.pair.call("sale.order", "action_cancel", [sale])
        return None

    def odoo_track(self, step: Step) -> str | None:
        picking = _pick([row for row in self.pair.pickings(self.order) if row["state"] == "done"], step)
        if picking is None:
            return "nothing was delivered"
        self.pair.call("stock.picking", "write", [picking["id"]], vals={"carrier_tracking_ref": f"OL-{picking['id']}"})
        return None

    def _sale(self) -> int | None:
        sales = [row["id"] for row in self.pair.sales(self.order) if row["state"] == "sale"]
        if sales:
            self.pair.books.orders[self.order] = sales[0]
        return sales[0] if sales else None


def _part(left: dict[int, Decimal], part: str) -> dict[int, Decimal]:
    """What of the open quantities is taken; 0 for the lines that are left out."""
    if part == "half":
        return {key: (quantity / 2).to_integral_value(ROUND_CEILING) for key, quantity in left.items()}
    if part in ("one", "last") and left:
        keys = [key for key, quantity in left.items() if quantity > 0] or list(left)
        taken = {keys[0]: min(left[keys[0]], Decimal(1))} if part == "one" else {keys[-1]: left[keys[-1]]}
        return dict.fromkeys(left, Decimal(0)) | taken
    return dict(left)


def _pick(rows: Rows, step: Step) -> dict[str, Any] | None:
    return rows[min(step.which, len(rows) - 1)] if rows else None


def _number(value: Any) -> Decimal:
    return Decimal(str(value or 0))
