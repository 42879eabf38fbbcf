"""Ordinary orders: most are in both systems, some are missing in Odoo, some progressed in Odoo only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from magodoo_sandbox.magento.pricing import Coupon
from magodoo_sandbox.seed.books import HAND, Books
from magodoo_sandbox.seed.manifest import Manifest
from magodoo_sandbox.seed.shop import CARD, OFFLINE, History, Shop

IMPORTED_STATES = {"processing", "complete", "closed"}
COD_STATES = IMPORTED_STATES | {"new"}


class Ordinary:
    """Fill Magento and Odoo with ordinary orders; what is missing on a side is noted in the manifest."""

    def __init__(
        self, shop: Shop, books: Books, manifest: Manifest, clock: Callable[[datetime], None], books_from: datetime
    ) -> None:
        self.shop, self.books, self.manifest, self.clock, self.books_from = shop, books, manifest, clock, books_from
        self.random = shop.random

    def order(self, at: datetime) -> History:
        """Return an order with a random course: invoices, shipments, credit memos, or nothing yet."""
        store = "eu" if self.random.random() < 0.2 else "default"
        payment = CARD if self.random.random() < 0.55 else self.random.choice(OFFLINE)
        history = self.shop.place(at, payment, store=store, coupon=self._coupon())
        if payment == CARD:
            self.shop.magento.authorize(history.order)
        course = self.random.random()
        if course < 0.06:
            self._cancel(history)
        elif course < 0.10 and payment != CARD:
            self.shop.magento.now = at + timedelta(hours=2)
            self.shop.magento.hold(history.order)
        elif course < 0.18:
            if payment == CARD and at >= self.books_from:  # nothing yet: the money is only authorised
                row = self.shop.row("order", history.order)
                self.manifest.add("capture_needed", "order", row["increment_id"], row["grand_total"])
            return history
        elif course < 0.30:
            self._in_parts(history)
        else:
            self._in_full(history)
        return history

    def _coupon(self) -> Coupon | None:
        drawn = self.random.random()
        if drawn < 0.18:
            return Coupon("SAVE10", percent=Decimal(10))
        if drawn < 0.22:
            return Coupon("FIVE", amount=Decimal(5))
        return None

    def _cancel(self, history: History) -> None:
        self.shop.magento.now = history.placed + timedelta(hours=3)
        self.shop.magento.cancel(history.order)

    def _in_full(self, history: History) -> None:
        self.shop.invoice(history)
        if not self.shop.row("order", history.order)["is_virtual"] and self.random.random() < 0.85:
            self.shop.ship(history, tracked=self.random.random() < 0.8)
        drawn = self.random.random()
        if drawn < 0.05:
            self._refund_money(history)

    def _in_parts(self, history: History) -> None:
        half = self.shop.half(history.order)
        self.shop.invoice(history, half)
        if not self.shop.row("order", history.order)["is_virtual"]:
            self.shop.ship(history, self._shippable(history, half), tracked=True)
        if self.random.random() < 0.6 and self.shop.magento.is_open(history.order):
            rest = {
                item["item_id"]: Decimal(str(item["qty_ordered"])) - half.get(item["item_id"], 0)
                for item in self.shop.top_items(history.order)
            }
            rest = {item: quantity for item, quantity in rest.items() if quantity > 0}
            if rest:
                self.shop.invoice(history, rest)

    def _shippable(self, history: History, wanted: dict[int | None, Decimal]) -> dict[int | None, Decimal] | None:
        items = {item["item_id"]: item for item in self.shop.top_items(history.order)}
        some: dict[int | None, Decimal] = {
            item: quantity for item, quantity in wanted.items() if item and not items[item].get("is_virtual")
        }
        return some or None

    def _refund_money(self, history: History) -> None:
        """A goodwill refund: every item with quantity 0, an adjustment, perhaps some shipping."""
        nothing = {item["item_id"]: Decimal(0) for item in self.shop.money_items(history.order)}
        order = self.shop.row("order", history.order)
        paid = Decimal(str(order.get("base_shipping_amount") or 0))
        shipping = paid if self.random.random() < 0.5 else Decimal(0)
        self.shop.refund(
            history,
            nothing,
            shipping=shipping,
            adjustment_positive=Decimal("2.50"),
            adjustment_negative=Decimal("0.50"),
        )

    # Into Odoo

    def enter(self, history: History, *, linked: bool = True) -> None:
        """Everything that Magento has, in Odoo too, equal."""
        if not self.expected(history):
            return
        self.clock(history.placed + timedelta(minutes=10))
        self.books.order(history, linked=linked)
        for invoice in history.invoices:
            self.enter_invoice(history, invoice, linked=linked)
        for shipment in history.shipments:
            self.clock(self._stamp("shipment", shipment))
            self.books.delivery_of(history, shipment, linked=linked)
        for memo in history.memos:
            self.clock(self._stamp("credit_memo", memo))
            self.books.credit_note(history, memo, linked=linked)

    def enter_invoice(self, history: History, invoice: int, *, linked: bool = True) -> None:
        row = self.shop.row("invoice", invoice)
        self.clock(self._stamp("invoice", invoice))
        self.books.invoice(history, invoice, linked=linked)
        if history.payment == CARD:
            total, currency = Decimal(str(row["grand_total"])), row["order_currency_code"]
            self.books.pay(history, f"inv_{invoice}", total, currency, memo=row.get("transaction_id") or "")

    def expected(self, history: History) -> bool:
        """Whether Odoo should have the order: the demo imports COD orders at once, others when they are processed."""
        state = self.shop.row("order", history.order)["state"]
        return state in (COD_STATES if history.payment == "cashondelivery" else IMPORTED_STATES)

    def note_missing(self, history: History) -> None:
        """The whole order is missing in Odoo: one finding per document. Orders unchanged since the cut-over are never read."""
        order = self.shop.row("order", history.order)
        if not self.expected(history) or history.last is None or history.last < self.books_from:
            return
        self.manifest.add("missing_in_odoo", "order", order["increment_id"], order["grand_total"])
        documents = (("invoice", history.invoices), ("shipment", history.shipments), ("credit_memo", history.memos))
        for kind, ids in documents:
            for document in ids:
                row = self.shop.row(kind, document)
                amount = None if kind == "shipment" else row["grand_total"]
                straddles = history.placed < self.books_from <= self._stamp(kind, document)
                found = "straddles_books_from" if straddles else "missing_in_odoo"
                self.manifest.add(found, kind, row["increment_id"], amount)

    def odoo_ahead(self, at: datetime) -> None:
        """A bank transfer whose order went on in Odoo only: invoiced there (most of them paid), delivered there."""
        history = self.shop.place(at, "banktransfer", guest=False)
        self.clock(at + timedelta(minutes=10))
        self.books.order(history)
        self.clock(at + timedelta(days=1))
        number, total = self.invoice_in_odoo(history)
        if self.random.random() < 0.7:
            self.books.pay(history, HAND, total, "USD")
        self.manifest.add("missing_in_magento", "invoice", number, odoo=total)
        items = self.shop.money_items(history.order)
        shippable = {item["item_id"]: Decimal(str(item["qty_ordered"])) for item in items if not item.get("is_virtual")}
        if shippable:
            self.clock(at + timedelta(days=1, hours=3))
            picking = self.books.deliver(history, shippable, tracking=[f"ODOO{history.order:06d}"])
            self.manifest.add("missing_in_magento", "shipment", self.books.number("stock.picking", picking))

    def invoice_in_odoo(self, history: History) -> tuple[str, Decimal]:
        """Return an invoice that Odoo itself makes of the whole order; number and total. Its key is HAND."""
        move = self.books.invoice_of_order(history)
        self.books.moves[HAND] = move
        return self.books.number("account.move", move), self.books.total(move)

    def _stamp(self, kind: str, number: int) -> datetime:
        return datetime.fromisoformat(f"{self.shop.row(kind, number)['created_at']}+00:00")
