"""A shop of ten years, and an Odoo that holds half of it, made in six ways before anything was connected.

Every document is written down with what must become of it (Expected): the checker goes by that and by the two systems, never by
what the pipeline notes about its own writes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shop_and_books import ShopAndBooks

YEARS = 10
DAY = timedelta(days=1)
SKUS = [f"SKU-{number:03d}" for number in range(1, 13)]


class Way(StrEnum):
    """How a document came into Odoo, or that it did not."""

    CONNECTOR = "another connector: its own external ids, M2- before the numbers"
    ORDER_NUMBER = "by hand: the order's number as customer reference"
    INVOICE_ONLY = "by hand: an invoice without sales order, Magento's number in its reference"
    NO_NUMBER = "by hand: an invoice without sales order and without any number of Magento's"
    CONSOLIDATED = "by hand: one invoice of several orders"
    DRAFT_OR_OPENING = "by hand: a draft on the order, or an opening balance"
    ABSENT = "not in Odoo"


WAYS = [way for way in Way if way is not Way.ABSENT]


class Fate(StrEnum):
    """What must become of a Magento document."""

    ADOPTED = "matched with the Odoo document that exists, none is made"
    COVERED = "part of an Odoo invoice of several orders, none is made"
    REPORTED = "reported, none is made"
    WRITTEN = "made in Odoo once, equal"
    PUSHED = "an Odoo delivery that is made in Magento once"


@dataclass
class Expected:
    """One document: kind and Magento id, how it came into Odoo, what must become of it, the Odoo id where there is one.

    findings: of the types of which one must stand open about it (REPORTED); nothing where it may stay unread.
    """

    kind: str
    magento_id: int
    order: int
    way: Way
    fate: Fate
    odoo_id: int | None = None
    findings: tuple[str, ...] = ()


@dataclass
class Ledger:
    """Every document of the shop, and the Odoo ids of the orders whose Odoo records may be touched at all."""

    documents: list[Expected] = field(default_factory=list)
    ways: dict[int, Way] = field(default_factory=dict)
    live: set[int] = field(default_factory=set)

    def note(self, kind: str, number: int, order: int, fate: Fate, odoo: int | None = None, *findings: str) -> None:
        self.documents.append(Expected(kind, number, order, self.ways[order], fate, odoo, findings))

    def of(self, order: int, kind: str) -> list[Expected]:
        return [each for each in self.documents if each.order == order and each.kind == kind]


MISSING = "missing_in_odoo"


class OldShop:
    """Fills both sides up to the cut-over; the same seed gives the same shop."""

    def __init__(self, pair: ShopAndBooks, cut_over: datetime, orders: int, seed: int) -> None:
        self.pair, self.cut_over, self.orders = pair, cut_over, orders
        self.random = random.Random(seed)
        self.ledger = Ledger()
        self.partial: dict[Way, list[int]] = {way: [] for way in Way}
        self.complete: dict[Way, list[int]] = {way: [] for way in Way}

    def fill(self) -> None:
        """Half of the orders in Odoo, a sixth of that half by each way; a tenth of all is from the last month and half done."""
        turn = 0
        while len(self.ledger.ways) < self.orders:
            share = len(self.ledger.ways) / self.orders
            at = self.cut_over - YEARS * 365 * DAY * (1 - share) - timedelta(hours=2)
            way = WAYS[turn // 2 % len(WAYS)] if turn % 2 else Way.ABSENT
            turn += 1
            if turn % 20 == 0:
                self._wholesale(at, turn)
            if way is Way.CONSOLIDATED:
                self._consolidated(at)
            else:
                self.enter(self.sell(at, way, half=turn % 5 < 2 and share > 0.9), at)
        self.pair.at(0)

    # In the shop

    def at(self, moment: datetime) -> None:
        self.pair.shop.now = self.pair.odoo.db.now = moment.replace(microsecond=0)

    def sell(self, at: datetime, way: Way, *, half: bool = False, email: str = "", payment: str = "",
             pace: timedelta = timedelta(minutes=20)) -> int:  # fmt: skip
        """An order that Magento invoiced and shipped after `pace`, in full or by half; some are refunded in part later."""
        draw = self.random
        lines = {sku: draw.randint(3, 5) for sku in draw.sample(SKUS, draw.randint(1, 3))}
        order = self.place(at, lines, payment or draw.choice(("banktransfer", "checkmo", "card")), email)
        self.ledger.ways[order] = way
        items = {item: 1 for item in self.pair.items(order).values()} if half else None
        self.at(at + pace)
        self.pair.shop.invoice(order, items)
        self.pair.shop.ship(order, items)
        if not half and way in (Way.CONNECTOR, Way.ORDER_NUMBER, Way.ABSENT) and draw.random() < 0.1:
            self.at(at + 2 * pace)
            nothing = dict.fromkeys(self.pair.items(order).values(), 0)
            self.pair.shop.refund(order, nothing, shipping=0, adjustment_positive=draw.randint(1, 3))
        (self.partial if half else self.complete)[way].append(order)
        return order

    def place(self, at: datetime, lines: dict[str, int], payment: str, email: str = "") -> int:
        """An order of a customer of its own."""
        pair = self.pair
        order = pair.order(lines, payment, email=email, days_ago=(datetime.now(UTC) - at) / DAY)
        pair.histories[order].placed = pair.histories[order].last = at
        return order

    # In Odoo

    def enter(self, order: int, at: datetime, *, late: bool = False) -> None:
        """What people or the other connector made of an order in Odoo, and what must become of each document."""
        way = self.ledger.ways[order]
        self.at(at + timedelta(hours=1))
        entering = {
            Way.CONNECTOR: self._by_connector,
            Way.ORDER_NUMBER: self._with_order,
            Way.INVOICE_ONLY: self._invoice_only,
            Way.NO_NUMBER: self._invoice_only,
            Way.DRAFT_OR_OPENING: self._draft_or_opening,
            Way.ABSENT: self._absent,
        }
        entering[way](order, Fate.WRITTEN if late else Fate.REPORTED)

    def _ids(self, order: int) -> tuple[list[int], list[int], list[int]]:
        pair = self.pair
        return tuple(  # type: ignore[return-value]
            [row["entity_id"] for row in rows]
            for rows in (pair.invoices(order), pair.shipments(order), pair.memos(order))
        )

    def _with_order(self, order: int, rest: Fate, prefix: str = "") -> None:
        pair, history = self.pair, self.pair.histories[order]
        sale = pair.enter_order(order, linked=False)
        self.ledger.note("order", order, order, Fate.ADOPTED, sale)
        invoices, shipments, memos = self._ids(order)
        for number in invoices:
            ref = f"{prefix}{pair.shop_row('invoice', number)['increment_id']}"
            move = pair.books.invoice(history, number, linked=False, ref=ref)
            self.ledger.note("invoice", number, order, Fate.ADOPTED, move)
        for number in shipments:
            picking = pair.books.delivery_of(history, number, linked=False)
            self.ledger.note("shipment", number, order, Fate.ADOPTED, picking)
        for number in memos:
            note = pair.books.credit_note(history, number, linked=False)
            self.ledger.note("credit_memo", number, order, Fate.ADOPTED, note)
        if prefix:
            number = f"{prefix}{pair.shop.order(order)['increment_id']}"
            pair.call("sale.order", "write", [sale], vals={"client_order_ref": number, "origin": f"Shop {number}"})
        del rest

    def _by_connector(self, order: int, rest: Fate) -> None:
        books, usual = self.pair.books, self.pair.books.module
        books.module = "other_connector"
        try:
            self._with_order(order, rest, prefix="M2-")
        finally:
            books.module = usual

    def _invoice_only(self, order: int, rest: Fate) -> None:
        """Only the invoice exists; order and delivery are missing. Which number people wrote changes from one to the next."""
        pair, way = self.pair, self.ledger.ways[order]
        invoices, shipments, memos = self._ids(order)
        self._note_rest("order", [order], order, rest)
        for number in invoices:
            order_number, own = pair.shop.order(order)["increment_id"], pair.shop_row("invoice", number)["increment_id"]
            written = f"order {order_number}" if order % 4 < 2 else own
            ref = written if way is Way.INVOICE_ONLY else f"PAPER-{order}"
            move = pair.books.invoice(pair.histories[order], number, linked=False, with_order=False, ref=ref)
            if way is Way.INVOICE_ONLY:
                self.ledger.note("invoice", number, order, Fate.ADOPTED, move)
            else:
                self.ledger.note("invoice", number, order, Fate.REPORTED, move, "possible_duplicate")
        self._note_rest("shipment", shipments, order, rest)
        self._note_rest("credit_memo", memos, order, rest)

    def _draft_or_opening(self, order: int, rest: Fate) -> None:
        pair, history = self.pair, self.pair.histories[order]
        invoices, shipments, memos = self._ids(order)
        if order % 2:
            self._note_rest("order", [order], order, rest)
            self._opening_balance(order)
            self._note_rest("invoice", invoices, order, rest)
        else:
            self.ledger.note("order", order, order, Fate.ADOPTED, pair.enter_order(order, linked=False))
            for number in invoices:
                move = pair.books.invoice(history, number, linked=False, post=False)
                self.ledger.note("invoice", number, order, Fate.REPORTED, move, "draft_waiting")
        self._note_rest("shipment", shipments, order, rest)
        self._note_rest("credit_memo", memos, order, rest)

    def _opening_balance(self, order: int) -> int:
        """What the customer owed when Odoo was introduced: one line, dated the first of the year, no number of Magento's."""
        pair = self.pair
        total = Decimal(str(pair.shop.order(order)["grand_total"]))
        line = {
            "product_id": pair.books.names.products["FEE"],
            "quantity": 1,
            "price_unit": float(total),
            "tax_ids": [[6, 0, []]],
        }
        (partner,) = pair.call("res.partner", "create", vals_list=[{"name": f"Opening {order}"}])
        values = {
            "move_type": "out_invoice", "partner_id": partner, "ref": "Opening balance",
            "invoice_date": f"{pair.histories[order].placed.year}-01-01", "invoice_line_ids": [[0, 0, line]],
        }  # fmt: skip
        (move,) = pair.call("account.move", "create", vals_list=[values])
        pair.call("account.move", "action_post", [move])
        return int(move)

    def _absent(self, order: int, rest: Fate) -> None:
        self._note_rest("order", [order], order, rest)
        for kind, ids in zip(("invoice", "shipment", "credit_memo"), self._ids(order), strict=True):
            self._note_rest(kind, ids, order, rest)

    def _note_rest(self, kind: str, ids: list[int], order: int, rest: Fate) -> None:
        for number in ids:
            self.ledger.note(kind, number, order, rest, None, *((MISSING,) if rest is Fate.REPORTED else ()))

    def _wholesale(self, at: datetime, number: int) -> None:
        """An order and invoice that have nothing to do with the shop: nobody may touch them."""
        pair = self.pair
        self.at(at)
        (partner,) = pair.call("res.partner", "create", vals_list=[{"name": f"Wholesale {number}", "is_company": True}])
        product = pair.books.names.products["SKU-001"]
        line = {"product_id": product, "quantity": number, "price_unit": 9, "tax_ids": [[6, 0, []]]}
        values = {
            "move_type": "out_invoice",
            "partner_id": partner,
            "ref": f"PO {number}",
            "invoice_line_ids": [[0, 0, line]],
        }
        (move,) = pair.call("account.move", "create", vals_list=[values])
        pair.call("account.move", "action_post", [move])
        sold = {"product_id": product, "product_uom_qty": number, "price_unit": 9}
        order = {"partner_id": partner, "client_order_ref": f"PO {number}", "order_line": [[0, 0, sold]]}
        pair.call("sale.order", "create", vals_list=[order])

    def _consolidated(self, at: datetime) -> None:
        """Two orders of a company in one invoice, delivered each."""
        pair, email = self.pair, f"company{len(self.complete[Way.CONSOLIDATED])}@example.com"
        orders = [
            self.sell(at + timedelta(minutes=minute), Way.CONSOLIDATED, email=email, payment="banktransfer")
            for minute in (0, 5)
        ]
        self.at(at + timedelta(hours=1))
        sales = [pair.enter_order(order, linked=False) for order in orders]
        for order, sale in zip(orders, sales, strict=True):
            self.ledger.note("order", order, order, Fate.ADOPTED, sale)
            for number in self._ids(order)[1]:
                picking = pair.books.delivery_of(pair.histories[order], number, linked=False)
                self.ledger.note("shipment", number, order, Fate.ADOPTED, picking)
        values: dict[str, Any] = {
            "sale_order_ids": [[6, 0, sales]], "advance_payment_method": "delivered", "consolidated_billing": True,
        }  # fmt: skip
        (wizard,) = pair.call("sale.advance.payment.inv", "create", vals_list=[values])
        move = int(pair.call("sale.advance.payment.inv", "create_invoices", [wizard])["res_id"])
        pair.call("account.move", "action_post", [move])
        for order in orders:
            for number in self._ids(order)[0]:
                self.ledger.note("invoice", number, order, Fate.COVERED, move)
