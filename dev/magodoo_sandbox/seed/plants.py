"""Differences planted on purpose: every type of finding at least once, each on an order of its own.

A plant is a function of the Garden; its name is the finding's type. Most start from an order that is in both systems and
then damage one thing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from magodoo_sandbox.magento.placing import Line
from magodoo_sandbox.magento.pricing import Coupon
from magodoo_sandbox.seed.books import HAND, Books
from magodoo_sandbox.seed.entries import Entry
from magodoo_sandbox.seed.manifest import Manifest
from magodoo_sandbox.seed.ordinary import Ordinary
from magodoo_sandbox.seed.shop import CARD, History, Shop

EXCLUDED_EMAIL = "tester@test.example.com"
ONE = Decimal(1)


class Garden:
    """The state and helpers of a plant."""

    def __init__(
        self,
        shop: Shop,
        books: Books,
        manifest: Manifest,
        ordinary: Ordinary,
        clock: Callable[[datetime], None],
        until: datetime,
    ) -> None:
        self.shop, self.books, self.manifest, self.ordinary, self.clock, self.until = (
            shop,
            books,
            manifest,
            ordinary,
            clock,
            until,
        )
        self._hour = 0

    def days_ago(self, days: float) -> datetime:
        self._hour += 1
        return self.until - timedelta(days=days, minutes=self._hour)

    def placed(self, days: float = 8, payment: str = CARD, lines: list[Line] | None = None, **more: Any) -> History:
        """Return an order of two plain lines, authorised when a card pays; of a guest whom no other plant shares.

        All these orders have one total: one customer's would be taken for each other's duplicates.
        """
        moment = self.days_ago(days)
        more = {"email": f"planted{self._hour}@example.com", "name": ("Planted", f"Difference {self._hour}")} | more
        history = self.shop.place(moment, payment, lines=lines or [Line("SKU-001", 3), Line("SKU-005", 2)], **more)
        if payment == CARD:
            self.shop.magento.authorize(history.order)
        return history

    def invoiced(self, days: float = 8, payment: str = CARD, **more: Any) -> History:
        """Placed and invoiced in Magento; in Odoo only the order."""
        history = self.placed(days, payment, **more)
        self.shop.invoice(history)
        self.clock(history.placed + timedelta(hours=1))
        self.books.order(history)
        return history

    def grown(self, days: float = 8, **more: Any) -> History:
        """Placed, invoiced, shipped, and all of it in Odoo too."""
        history = self.placed(days, **more)
        self.shop.invoice(history)
        self.shop.ship(history)
        self.ordinary.enter(history)
        return history

    def order_number(self, history: History) -> str:
        return str(self.shop.row("order", history.order)["increment_id"])

    def entered(
        self, history: History, change: Callable[[list[Entry]], None] | None = None, *, paid: bool = True, **more: Any
    ) -> tuple[Any, int, Decimal]:
        """Return the order's first invoice in Odoo, damaged by `change`, paid by its own total: (Magento row, move, total)."""
        invoice = history.invoices[0]
        row = self.shop.row("invoice", invoice)
        self.clock(history.placed + timedelta(hours=3))
        move = self.books.invoice(history, invoice, change=change, **more)
        total = self.books.total(move)
        if paid and history.payment == CARD:
            self.books.pay(history, f"inv_{invoice}", total, more.get("currency") or row["order_currency_code"])
        return row, move, total


def total_mismatch(garden: Garden) -> None:
    """Odoo's shipping is 1.00 too high; the discount of another invoice was forgotten."""

    def dearer(entries: list[Entry]) -> None:
        shipping = next(entry for entry in entries if entry.sku == "SHIPPING")
        shipping.price += ONE
        shipping.net += ONE
        shipping.base_net += ONE

    row, _, total = garden.entered(garden.invoiced(), dearer)
    garden.manifest.add("total_mismatch", "invoice", row["increment_id"], row["grand_total"], total)


def tax_mismatch(garden: Garden) -> None:
    """The sum is right, one unit of it is untaxed amount instead of tax."""

    def shifted(entries: list[Entry]) -> None:
        line = entries[0]
        line.tax, line.base_tax, line.net, line.base_net = (
            line.tax - ONE,
            line.base_tax - ONE,
            line.net + ONE,
            line.base_net + ONE,
        )

    row, _, _ = garden.entered(garden.invoiced(), shifted)
    garden.manifest.add(
        "tax_mismatch", "invoice", row["increment_id"], row["tax_amount"], Decimal(str(row["tax_amount"])) - ONE
    )


def rounding(garden: Garden) -> None:
    def cent(entries: list[Entry]) -> None:
        entries[0].tax += Decimal("0.01")
        entries[0].base_tax += Decimal("0.01")

    row, _, total = garden.entered(garden.invoiced(), cent)
    garden.manifest.add("rounding", "invoice", row["increment_id"], row["grand_total"], total)


def status_mismatch(garden: Garden) -> None:
    """The provider has the money, Odoo's invoice is open; and an order that Magento cancelled is still confirmed in Odoo."""
    row, _, total = garden.entered(garden.invoiced(), paid=False)
    garden.manifest.add("status_mismatch", "invoice", row["increment_id"], row["grand_total"], total)
    history = garden.placed(payment="cashondelivery")
    garden.clock(history.placed + timedelta(hours=1))
    garden.books.order(history)
    garden.shop.magento.now = history.placed + timedelta(hours=5)
    garden.shop.magento.cancel(history.order)
    order = garden.shop.row("order", history.order)
    garden.manifest.add("status_mismatch", "order", order["increment_id"], order["grand_total"], order["grand_total"])


def quantity_mismatch(garden: Garden) -> None:
    """Half as many pieces at twice the price: the sums agree."""

    def fewer(entries: list[Entry]) -> None:
        entries[1].quantity /= 2
        entries[1].price *= 2

    row, _, _ = garden.entered(garden.invoiced(), fewer)
    garden.manifest.add("quantity_mismatch", "invoice", row["increment_id"])


def will_ship_too_much(garden: Garden) -> None:
    """Two pieces were refunded before they were shipped; Odoo still means to ship all of them."""
    history = garden.invoiced()
    garden.entered(history)
    items = garden.shop.top_items(history.order)
    memo = garden.shop.refund(
        history,
        {items[0]["item_id"]: Decimal(2)} | {item["item_id"]: Decimal(0) for item in items[1:]},
        shipping=Decimal(0),
    )
    garden.books.credit_note(history, memo)
    garden.manifest.add("will_ship_too_much", "order", garden.order_number(history))


def tracking_mismatch(garden: Garden) -> None:
    history = garden.invoiced()
    garden.entered(history)
    shipment = garden.shop.ship(history)
    garden.books.delivery_of(history, shipment, tracking=[])
    garden.manifest.add("tracking_mismatch", "shipment", garden.shop.row("shipment", shipment)["increment_id"])


def currency_mismatch(garden: Garden) -> None:
    """A EUR invoice was entered in USD."""
    row, _, total = garden.entered(garden.invoiced(store="eu"), _in_company_currency, currency="USD")
    garden.manifest.add("currency_mismatch", "invoice", row["increment_id"], row["grand_total"], total)


def duplicate(garden: Garden) -> None:
    """A clerk entered an invoice once more by hand."""
    history = garden.invoiced()
    garden.entered(history)
    move = garden.books.invoice(history, history.invoices[0], linked=False)
    garden.manifest.add(
        "duplicate", "invoice", garden.books.number("account.move", move), odoo=garden.books.total(move)
    )


def possible_duplicate(garden: Garden) -> None:
    """An invoice by hand that names nothing, for the same customer with the same total."""
    history = garden.invoiced()
    row = garden.shop.row("invoice", history.invoices[0])
    move = garden.books.invoice(history, history.invoices[0], linked=False, ref="", with_order=False)
    garden.manifest.add(
        "possible_duplicate", "invoice", row["increment_id"], row["grand_total"], garden.books.total(move)
    )


def ambiguous(garden: Garden) -> None:
    """Two equal invoices by hand for one Magento invoice, neither naming it."""
    history = garden.invoiced()
    row = garden.shop.row("invoice", history.invoices[0])
    for _ in range(2):
        garden.books.invoice(history, history.invoices[0], linked=False, ref="")
    garden.manifest.add("ambiguous", "invoice", row["increment_id"], row["grand_total"])


def without_order(garden: Garden) -> None:
    """A Magento invoice whose order is gone."""
    history = garden.placed()
    invoice = garden.shop.invoice(history)
    table = garden.shop.magento.tables.invoices
    orphan = copy.deepcopy(table[invoice]) | {"entity_id": 990_001, "increment_id": "000990001", "order_id": 990_000}
    for item in orphan["items"]:
        item |= {"parent_id": 990_001, "order_item_id": item["order_item_id"] + 990_000}
    table[990_001] = orphan
    garden.manifest.add("without_order", "invoice", "000990001", orphan["grand_total"])
    garden.ordinary.enter(history)


def unmapped(garden: Garden) -> None:
    """A product that Odoo does not have."""
    history = garden.placed(lines=[Line("SKU-NEW", 1), Line("SKU-002", 2)])
    garden.shop.invoice(history)
    garden.ordinary.note_missing(history)
    garden.manifest.add("unmapped", "order", garden.order_number(history))


def arithmetic(garden: Garden) -> None:
    """A module changed an invoice's grand total in Magento's database."""
    history = garden.invoiced()
    row = garden.shop.row("invoice", history.invoices[0])
    row["grand_total"] = row["grand_total"] + 5
    garden.manifest.add("arithmetic", "invoice", row["increment_id"], row["grand_total"])
    garden.manifest.add("missing_in_odoo", "invoice", row["increment_id"], row["grand_total"])


def fixed_tax_without_nature(garden: Garden) -> None:
    """Fixed product tax that the settings do not name: it is in the total and in no part."""
    history = garden.placed(lines=[Line("SKU-001", 1), Line("SKU-002", 2)])
    garden.shop.magento.charge_fixed_tax(history.order, "1.50")
    garden.shop.invoice(history)
    garden.ordinary.note_missing(history)
    garden.manifest.add("unmapped", "order", garden.order_number(history))


def memo_of_nothing(garden: Garden) -> None:
    """A refund of goods that had cost nothing: Odoo has the order and its invoice of 0.00, not the credit memo."""
    history = garden.grown(payment="free", coupon=Coupon("GIVEN", percent=Decimal(100)), shipping_amount=Decimal(0))
    memo = garden.shop.refund(history)
    row = garden.shop.row("credit_memo", memo)
    garden.manifest.add("missing_in_odoo", "credit_memo", row["increment_id"], row["grand_total"])


def over_refunded(garden: Garden) -> None:
    """Magento does not check a negative adjustment: a credit memo below zero."""
    history = garden.grown()
    nothing = {item["item_id"]: Decimal(0) for item in garden.shop.top_items(history.order)}
    memo = garden.shop.refund(
        history, nothing, shipping=Decimal(0), adjustment_positive=Decimal(1), adjustment_negative=Decimal(20)
    )
    row = garden.shop.row("credit_memo", memo)
    garden.manifest.add("over_refunded", "credit_memo", row["increment_id"], row["grand_total"])
    garden.manifest.add("missing_in_odoo", "credit_memo", row["increment_id"], row["grand_total"])


def returned_not_refunded(garden: Garden) -> None:
    """Goods came back long ago and Magento has no record of it."""
    history = garden.grown(21)
    garden.clock(history.placed + timedelta(days=3))
    returned = garden.books.give_back(garden.books.pickings[history.shipments[0]], ONE)
    garden.manifest.add("returned_not_refunded", "return", garden.books.number("stock.picking", returned))


def refunded_not_returned(garden: Garden) -> None:
    """Shipped goods were refunded long ago and never came back."""
    history = garden.grown(22)
    history.last = history.placed + timedelta(days=1, hours=12)
    items = garden.shop.top_items(history.order)
    memo = garden.shop.refund(
        history, {items[0]["item_id"]: ONE} | {item["item_id"]: Decimal(0) for item in items[1:]}, shipping=Decimal(0)
    )
    garden.clock(history.last)
    garden.books.credit_note(history, memo)
    row = garden.shop.row("credit_memo", memo)
    garden.manifest.add("refunded_not_returned", "credit_memo", row["increment_id"], row["grand_total"])


def capture_needed(garden: Garden) -> None:
    """Odoo's invoice is paid, Magento's payment only authorised."""
    history = garden.placed()
    garden.clock(history.placed + timedelta(hours=2))
    garden.books.order(history)
    number, total = garden.ordinary.invoice_in_odoo(history)
    garden.books.pay(history, HAND, total, "USD")
    garden.manifest.add("capture_needed", "invoice", number, odoo=total)


def draft_waiting(garden: Garden) -> None:
    history = garden.invoiced()
    row = garden.shop.row("invoice", history.invoices[0])
    move = garden.books.invoice(history, history.invoices[0], linked=False, post=False)
    garden.manifest.add("draft_waiting", "invoice", row["increment_id"], row["grand_total"], garden.books.total(move))


def not_representable(garden: Garden) -> None:
    """An Odoo invoice with a line that no Magento item corresponds to."""
    history = garden.placed(payment="banktransfer")
    garden.clock(history.placed + timedelta(hours=2))
    garden.books.order(history)
    move = garden.books.invoice_of_order(history, post=False)
    fee = {
        "product_id": garden.books.names.products["FEE"],
        "quantity": 1,
        "price_unit": 12.0,
        "tax_ids": [[6, 0, []]],
        "name": "Engraving",
    }
    garden.books.call("account.move", "write", [move], vals={"invoice_line_ids": [[0, 0, fee]]})
    garden.books.call("account.move", "action_post", [move])
    garden.manifest.add(
        "not_representable", "invoice", garden.books.number("account.move", move), odoo=garden.books.total(move)
    )


def corrected_in_odoo(garden: Garden) -> None:
    """The bookkeeper reversed an invoice and wrote a new one of the same total."""
    history = garden.invoiced(payment="banktransfer")
    garden.entered(history)
    invoice = history.invoices[0]
    note = garden.books.reverse(history, invoice)
    garden.books.invoice(history, invoice, linked=False, ref="corrected")
    garden.manifest.add(
        "corrected_in_odoo", "credit_memo", garden.books.number("account.move", note), odoo=garden.books.total(note)
    )


def cancelled_in_odoo(garden: Garden) -> None:
    history = garden.placed()
    garden.clock(history.placed + timedelta(hours=2))
    order = garden.books.order(history)
    garden.books.call("sale.order", "action_cancel", [order])
    row = garden.shop.row("order", history.order)
    garden.manifest.add("cancelled_in_odoo", "order", row["increment_id"], row["grand_total"], row["grand_total"])
    garden.manifest.add("capture_needed", "order", row["increment_id"], row["grand_total"])


def straddles_books_from(garden: Garden) -> None:
    """An order of before the cut-over that nobody entered is invoiced after it."""
    history = garden.placed(29)
    history.last = garden.until - timedelta(days=5)
    garden.shop.invoice(history)
    order, invoice = garden.shop.row("order", history.order), garden.shop.row("invoice", history.invoices[0])
    garden.manifest.add("missing_in_odoo", "order", order["increment_id"], order["grand_total"])
    garden.manifest.add("straddles_books_from", "invoice", invoice["increment_id"], invoice["grand_total"])


def closed_period(garden: Garden) -> None:
    """The invoice's day is closed in Odoo."""
    history = garden.placed(24.5)
    garden.shop.invoice(history, after=timedelta(minutes=10))
    garden.clock(history.placed + timedelta(hours=1))
    garden.books.order(history)
    row = garden.shop.row("invoice", history.invoices[0])
    garden.manifest.add("missing_in_odoo", "invoice", row["increment_id"], row["grand_total"])
    garden.manifest.add("closed_period", "invoice", row["increment_id"], row["grand_total"])


def deleted(garden: Garden) -> None:
    """Somebody deletes, between the first and the second reconcile run, a shipment in Magento and a credit note in Odoo."""
    history = garden.grown()
    row = garden.shop.row("shipment", history.shipments[0])
    garden.manifest.deletions.append({"side": "magento", "kind": "shipment", "id": history.shipments[0]})
    garden.manifest.add("deleted", "shipment", row["increment_id"], later=True)


def payment_reversed(garden: Garden) -> None:
    """Between the first and the second reconcile run the provider reverses the payment of an order: its goods are not shipped yet."""
    row, move, total = garden.entered(garden.invoiced())
    garden.manifest.unmatched.append(move)
    garden.manifest.add("payment_reversed", "invoice", row["increment_id"], odoo=total, later=True)


def quarantined(garden: Garden) -> None:
    """An invoice that Magento serves with a word where the amount should be."""
    history = garden.invoiced()
    garden.shop.row("invoice", history.invoices[0])["grand_total"] = "abc"
    garden.manifest.add("quarantined", "invoice", garden.shop.row("invoice", history.invoices[0])["increment_id"])


def excluded(garden: Garden) -> None:
    """A test order of the merchant's own staff: counted, never a finding."""
    history = garden.placed(email=EXCLUDED_EMAIL)
    garden.shop.invoice(history)


PLANTS: tuple[Callable[[Garden], None], ...] = (
    total_mismatch, tax_mismatch, rounding, status_mismatch, quantity_mismatch, will_ship_too_much, tracking_mismatch, currency_mismatch,
    duplicate, possible_duplicate, ambiguous, without_order, unmapped, arithmetic, fixed_tax_without_nature, over_refunded,
    memo_of_nothing, returned_not_refunded,
    refunded_not_returned, capture_needed, draft_waiting, not_representable, corrected_in_odoo, cancelled_in_odoo, straddles_books_from,
    closed_period, deleted, payment_reversed, quarantined, excluded,
)  # fmt: skip


def _in_company_currency(entries: list[Entry]) -> None:
    for entry in entries:
        entry.base_net, entry.base_tax = entry.net, entry.tax
