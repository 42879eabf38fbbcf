"""A month of a country's shop: what customers, the warehouse and the accountant do, what the chain writes, and what must come of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from country_books import CountryPair
from country_shops import ABROAD, BOOK, BUSINESS, ENGRAVING, EXPORT, HOME, OTHER, SCARF
from shop_and_books import Row, amount, was_refunded_unshipped

from magodoo.pipeline import statement
from magodoo.statement import store
from magodoo_sandbox.magento import Line
from magodoo_sandbox.magento.pricing import Coupon
from magodoo_sandbox.seed.shop import CARD, History

PREPARED_BY, SIGNED_BY = "ada", "grace"


@dataclass
class CountryMonth:
    """The month of a pair. Orders are Magento's ids, by what they are about; `places` says where each went."""

    pair: CountryPair
    orders: dict[str, int] = field(default_factory=dict)
    places: dict[int, str] = field(default_factory=dict)

    def at(self, day: int, hour: int = 10) -> datetime:
        """A local moment; a day below 1 counts from the month's end: 0 is the last one."""
        first = self.pair.month.first if day > 0 else self.pair.month.next.first
        local = datetime.combine(first + timedelta(days=day - 1), time(hour), self.pair.month.zone)
        return local.astimezone(UTC)

    # The shop

    def order(
        self, about: str, day: int, place: str, cart: Mapping[str, int], payment: str = CARD, coupon: str = ""
    ) -> int:
        """A guest buys; a card's payment is authorised. Someone with a VAT number had it checked on that day."""
        pair, own = self.pair, self.pair.own
        to, moment = own.places[place], self.at(day, 9)
        pair.go_to(moment)
        lines = [Line(sku, quantity) for sku, quantity in cart.items()]
        order = pair.shop.place_order(
            lines, billing=to, payment=payment, shipping_amount=Decimal(own.shipping), coupon=Coupon(coupon, Decimal(10)) if coupon else None
        )  # fmt: skip
        if to.vat_id:
            row = pair.shop.order(order)
            for address in (row["billing_address"], row["_shipping_address"]):
                address |= {"vat_is_valid": 1, "vat_request_date": f"{moment.date()}", "vat_request_success": 1}
        if payment == CARD:
            pair.shop.authorize(order)
        self.orders[about], self.places[order] = order, place
        pair.tellers[str(order)] = about
        pair.histories[order] = History(order, moment, payment)
        pair.at(0)
        return order

    def invoice(self, order: int, day: int, quantities: Mapping[str, int] | None = None) -> None:
        pair = self.pair
        pair.go_to(self.at(day, 11))
        items = pair.items(order)
        pair.shop.invoice(order, {items[sku]: count for sku, count in quantities.items()} if quantities else None)
        pair.at(0)

    def refund(self, order: int, day: int, quantities: Mapping[str, int]) -> None:
        """A refund of goods without the shipping: by the provider what a card paid, else offline."""
        pair = self.pair
        pair.go_to(self.at(day, 15))
        items = {pair.items(order)[sku]: count for sku, count in quantities.items()}
        if pair.histories[order].payment == CARD:
            pair.shop.refund_invoice(pair.invoices(order)[0]["entity_id"], items, online=True, shipping=0)
        else:
            pair.shop.refund(order, items, shipping=0)
        pair.at(0)
        pair.touch(order)

    def ship(self, order: int, day: int, number: str = "") -> None:
        """Everything is shipped in Magento, with a tracking number or without."""
        pair = self.pair
        pair.go_to(self.at(day, 16))
        tracks = [{"track_number": number, "title": "DHL", "carrier_code": "dhl"}] if number else []
        pair.shop.ship(order, None, tracks=tracks)
        pair.at(0)

    # Odoo

    def deliver(self, order: int, day: int, quantities: Mapping[str, int] | None = None) -> None:
        """The warehouse delivers in Odoo, with a tracking number."""
        pair = self.pair
        pair.go_to(self.at(day, 14))
        picking = pair.deliver(order, quantities, (f"JJD{order:06d}",))
        pair.at(0)
        pair.call(
            "stock.picking", "write", [picking], vals={"carrier_tracking_ref": f"JJD{order:06d}"}
        )  # it is read again

    def pay(self, order: int, day: int) -> None:
        """The customer's bank transfer arrives."""
        pair = self.pair
        (move,) = pair.moves(order)
        pair.go_to(self.at(day, 12))
        pair.pay(order, move["id"])
        pair.at(0)
        pair.call(
            "account.move", "write", [move["id"]], vals={"narration": "paid by bank transfer"}
        )  # it is read again

    def pay_out(self, day: int, share: Decimal) -> None:
        """The provider pays out a part of what it has captured; an accountant books it from the clearing account to the bank."""
        pair = self.pair
        journals = {row["code"]: row for row in pair.rows("account.journal", [], "code default_account_id")}
        methods = pair.rows(
            "account.payment.method.line",
            [["journal_id", "=", journals["CARD"]["id"]]],
            "payment_account_id payment_type",
        )
        clearing = next(row["payment_account_id"][0] for row in methods if row["payment_type"] == "inbound")
        captured = sum(
            amount(row["amount"]) for row in pair.rows("account.payment", [["payment_type", "=", "inbound"]], "amount")
        )
        paid = float((captured * share).quantize(Decimal(1)))
        lines = [
            [0, 0, {"account_id": journals["BNK1"]["default_account_id"][0], "debit": paid, "name": "Payout"}],
            [0, 0, {"account_id": clearing, "credit": paid, "name": "Payout"}],
        ]
        entry = {
            "move_type": "entry", "journal_id": journals["MISC"]["id"], "date": f"{self.at(day).date()}", "ref": "Payout", "line_ids": lines,
        }  # fmt: skip
        pair.go_to(self.at(day))
        (move,) = pair.call("account.move", "create", vals_list=[entry])
        pair.call("account.move", "action_post", [move])
        pair.at(0)

    # What it is of

    def invoices_of_odoo(self, order: int) -> list[Row]:
        return self.pair.moves(order)


def sell(pair: CountryPair) -> CountryMonth:
    """Let the month happen, then its first days after. The chain runs after the month, as on the first day of a new instance."""
    month = CountryMonth(pair)
    order, invoice = month.order, month.invoice
    first = order("at home", 2, HOME, {SCARF: 2, BOOK: 1})
    invoice(first, 3)
    transfer = order("by bank transfer", 5, HOME, {SCARF: 1, BOOK: 3}, "banktransfer")
    invoice(transfer, 6)
    coupon = order("with a coupon", 8, HOME, {SCARF: 3, BOOK: 1}, coupon="TEN")
    invoice(coupon, 8)
    parts = order("in two invoices", 10, HOME, {SCARF: 2, BOOK: 2})
    invoice(parts, 11, {SCARF: 1, BOOK: 2})
    invoice(parts, 13, {SCARF: 1})
    month.refund(parts, 20, {BOOK: 1})
    service = order("with a service", 12, HOME, {SCARF: 1, ENGRAVING: 1}, "banktransfer")
    invoice(service, 12)
    export = order("export", 14, EXPORT, {SCARF: 2})
    invoice(export, 14)
    untracked = order("export without tracking", 15, EXPORT, {SCARF: 1})
    invoice(untracked, 15)
    month.ship(untracked, 16)
    elsewhere = [place for place in (ABROAD, BUSINESS, OTHER) if place in pair.own.places]
    for day, place in enumerate(elsewhere, 18):
        cart = {SCARF: 1, BOOK: 1} if place in (ABROAD, OTHER) else {SCARF: 4}
        invoice(order(f"to {place}", day, place, cart), day)
    delivered = order("cash on delivery", -5, HOME, {SCARF: 1}, "cashondelivery")
    waiting = order("open at the month's end", -1, HOME, {BOOK: 2}, "banktransfer")
    invoice(waiting, -1)
    late = order("shipped on the last day", -1, HOME, {SCARF: 1, BOOK: 1})
    invoice(late, -1)
    month.ship(late, 0, "JJD000LATE")
    pair.chain()
    pair.chain()
    month.deliver(parts, 13, {SCARF: 2, BOOK: 1})  # of the books one was refunded before it left
    for at, one in ((4, first), (7, transfer), (9, coupon), (13, service), (15, export), (-4, delivered)):
        month.deliver(one, at)
    for place in elsewhere:
        month.deliver(month.orders[f"to {place}"], 22)
    month.pay(transfer, 10)
    month.pay(service, 19)
    month.pay_out(-3, Decimal("0.6"))
    pair.chain_in_shop = month.at(-2, 18)
    pair.at(0)
    pair.chain()
    pair.chain_in_shop = None
    pair.at(0)
    month.refund(coupon, 20, {SCARF: 1})
    if ABROAD in elsewhere:
        month.refund(month.orders[f"to {ABROAD}"], 27, {SCARF: 1})
    pair.chain()
    pair.chain()
    return month


def made(month: CountryMonth) -> store.Kept:
    """Make the statement; one person prepares it, another signs it."""
    pair = month.pair
    context = pair.context()
    kept = statement.make(context, pair.month)
    with pair.engine.begin() as connection:
        store.prepare(connection, kept.id, kept.hash, PREPARED_BY, context.now())
        store.sign(connection, kept.id, kept.hash, SIGNED_BY, "", context.now(), {})
        signed = store.by_id(connection, kept.id)
    assert signed is not None
    return signed


# What must come of it


def differences(month: CountryMonth) -> list[str]:
    """Return what is not equal to the cent: orders, invoices and credit memos of Magento beside Odoo's."""
    pair, found = month.pair, []
    for about, order in month.orders.items():
        row = pair.shop.order(order)
        (sale,) = pair.sales(order)
        # What was refunded before it left is not ordered in Odoo.
        pairs = [] if was_refunded_unshipped(row) else [(_of_magento(row), _of_odoo(sale))]
        for mine, theirs in ((pair.invoices(order), pair.moves(order)), (pair.memos(order), pair.notes(order))):
            left, right = sorted(map(_of_magento, mine)), sorted(map(_of_odoo, theirs))
            pairs += zip(left, right, strict=False)
            found += [f"{about}: {len(left)} in Magento, {len(right)} in Odoo"] if len(left) != len(right) else []
            found += [f"{about}: {move['name']} is {move['state']}" for move in theirs if move["state"] != "posted"]
        found += [f"{about}: {one} and {two}" for one, two in pairs if one != two]
    return found


def _of_magento(row: Row) -> tuple[Decimal, Decimal, Decimal]:
    total, tax = amount(row["grand_total"]), amount(row["tax_amount"])
    return total - tax, tax, total


def _of_odoo(row: Row) -> tuple[Decimal, Decimal, Decimal]:
    return amount(row["amount_untaxed"]), amount(row["amount_tax"]), amount(row["amount_total"])


@dataclass
class Used:
    """What the invoices and credit notes of a month use, by tax: codes of accounts of revenue, of tax; and lines with another tax."""

    revenue: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    tax: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    other: list[str] = field(default_factory=list)


def used(month: CountryMonth) -> Used:
    """Read every journal item of the month's documents in Odoo."""
    pair, own, found = month.pair, month.pair.own, Used()
    names = {row["id"]: row["name"] for row in pair.rows("account.tax", [["type_tax_use", "=", "sale"]], "name")}
    codes = {row["id"]: row["code"] for row in pair.rows("account.account", [], "code")}
    skus = {product: sku for sku, product in pair.books.names.products.items()}
    for about, order in month.orders.items():
        moves = [move["id"] for move in (*pair.moves(order), *pair.notes(order))]
        items = pair.rows(
            "account.move.line", [["move_id", "in", moves], ["display_type", "in", ["product", "tax"]]],
            "product_id account_id tax_ids tax_line_id display_type",
        )  # fmt: skip
        for item in items:
            code = codes[item["account_id"][0]]
            if item["tax_line_id"]:
                found.tax[names[item["tax_line_id"][0]]].add(code)
                continue
            sku = skus[item["product_id"][0]]
            taxes = [names[tax] for tax in item["tax_ids"]]
            if taxes != [own.expected_tax(month.places[order], sku)]:
                found.other.append(f"{about}: {sku} has {taxes}")
            found.revenue[taxes[0] if taxes else ""].add(code)
    return found


def unsecured(month: CountryMonth) -> list[str]:
    """Return the posted documents without a hash; empty also where nothing is secured."""
    pair = month.pair
    moves = [move["id"] for order in month.orders.values() for move in (*pair.moves(order), *pair.notes(order))]
    rows = pair.rows("account.move", [["id", "in", moves]], "name inalterable_hash")
    return [row["name"] for row in rows if not row["inalterable_hash"]]


def counts(month: CountryMonth) -> dict[str, Any]:
    """Return how many documents the month has, as Magento and Odoo have them."""
    pair, orders = month.pair, month.orders.values()
    return {
        "orders": len(month.orders),
        "invoices": sum(len(pair.moves(order)) for order in orders),
        "credit notes": sum(len(pair.notes(order)) for order in orders),
        "deliveries": sum(row["state"] == "done" for order in orders for row in pair.pickings(order)),
    }
