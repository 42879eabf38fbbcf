"""One fixed story of a small shop and its Odoo, in which changes of every kind are planned, each in several forms.

Nothing in it depends on the day, the machine or chance: both systems and the chain live on fixed days, the ids of a fresh pair
count from where they always do, the payment provider numbers its transactions, and Odoo's base records, whose creation stamps
are the identity of its database, were made on a fixed day. Nothing is masked.

    day 0   orders, invoices, shipments and refunds of Magento: everything that is written to Odoo
    day 1   what follows in Magento, and what people invoice, deliver and pay in Odoo
    day 2   tracks and refunds that follow in Odoo
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest import MonkeyPatch
from shop_and_books import ShopAndBooks, shop_and_books
from sqlalchemy import text
from totals import extend, gift_journal, number, raise_total, tender

from magodoo.context import Context
from magodoo.pipeline import load
from magodoo_sandbox.magento import Address, Line
from magodoo_sandbox.magento.pricing import Coupon, TaxSettings

Row = dict[str, Any]
FIRST_DAY = datetime(2025, 3, 10, 9, tzinfo=UTC)
LOCKED = "2025-03-05"
DAY = timedelta(days=1)
TRACK = {"track_number": "1Z999", "title": "United Parcel Service", "carrier_code": "ups"}
SECOND_TRACK = {"track_number": "JD 0001,b", "title": "Courier", "carrier_code": "custom"}
GIFT = {"nature": "payment_part", "journal": "GIFT"}
GOODS = {"SKU-001": 4, "SKU-002": 2}
YEAR = 365 * 24 * 3600  # everything is read again on each day: the fixed days are long past by the servers' clocks
POLICY: dict[str, Any] = {
    "books_from": "2020-01-01", "magento_overlap_seconds": YEAR, "odoo_overlap_seconds": YEAR,
    "invoices": {"to_magento": "when_posted"}, "credit_memos": {"to_magento": "when_paid"},
    "shipments": {"returns": "shipped_items"}, "closed_period": "post_in_open_period",
    "payment_methods": {"checkmo": {"import_as": "quotation", "import_states": ["new"]}}, "odoo": {"carriers": {"ups": "UPS Ground"}},
    "extra_totals": {
        "fixed_product_tax": {"nature": "levy", "in_tax_base": False, "product": "FEE"},
        "payment_fee": {"nature": "charge", "product": "FEE", "fields": ["extension_attributes.fee"]},
        "gift_card": GIFT, "store_credit": GIFT,
    },
}  # fmt: skip
GERMAN = Address("Jürgen", "Groß", ("Hauptstraße 5",), "Berlin", "10115", "DE", "+49301234", "jg@example.com")
COMPANY = replace(GERMAN, email="buero@example.com", company="Groß & Söhne GmbH", vat_id="DE123456788")
WAREHOUSE = replace(COMPANY, street=("Hafen 7", "Tor 3"), city="Hamburg", postcode="20457", email="lager@example.com")
BUNDLES = {
    "dynamic_bundle": "BUNDLE-DYN", "fixed_bundle": "BUNDLE-FIX",
    "dynamic_bundle_in_parts": "BUNDLE-SEP", "fixed_bundle_in_parts": "BUNDLE-BOX",
}  # fmt: skip
STATEMENT = """
    select c.order_key, c.kind, c.target, c.step, c.document_kind, c.source_id, c.source_number, c.order_number, c.amount, c.currency,
        c.company_amount, c.series_day::text as series_day, c.approval, c.approval_reason, c.request_hash,
        b.request::text as request, b.calls::text as calls
    from change c join change_body b on b.change_id = c.id where c.id > :after order by c.id"""


class FixedDays(ShopAndBooks):
    """A pair whose days are fixed; `forms` names the orders by what is special about them."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.today = FIRST_DAY
        self.forms: dict[str, int] = {}
        self.last = 0
        self.at(0)
        for model in ("res.company", "res.currency", "res.lang"):
            self.odoo.db.tables[model][1]["create_date"] = "2025-01-01 00:00:00"

    def context(self) -> Context:
        return replace(super().context(), now=lambda: self.today + timedelta(hours=6))

    def at(self, days_ago: float) -> None:
        self.shop.now = self.odoo.db.now = self.today - days_ago * DAY

    def place(self, form: str, lines: Mapping[str, int] | Sequence[Line] = GOODS, payment: str = "cashondelivery", **more: Any) -> int:  # fmt: skip
        self.forms[form] = self.order(lines, payment, **more)
        return self.forms[form]

    def planned(self) -> Iterator[Row]:
        """Reconcile, and read what that has put into the ledger: its columns, the texts of request and calls."""
        self.look()
        forms = {str(order): form for form, order in self.forms.items()}
        with self.engine.connect() as connection:
            rows = connection.execute(text(STATEMENT), {"after": self.last}).mappings().all()
            self.last = connection.scalar(text("select coalesce(max(id), 0) from change")) or 0
        for row in rows:
            yield {"form": forms[row["order_key"]], **row}

    def next_day(self) -> None:
        """Write what is planned; then the next day begins."""
        self.release()
        load.run(self.context())
        self.today += DAY
        self.at(0)


@contextmanager
def a_pair(staging_url: str, docs: Path) -> Iterator[FixedDays]:
    with shop_and_books(staging_url, docs, FixedDays) as pair, pair.policy(**POLICY), MonkeyPatch.context() as patch:
        assert isinstance(pair, FixedDays)
        for method, prefix in (("charge", "CAP"), ("give_back", "REF")):
            patch.setattr(pair.shop, method, _numbered(getattr(pair.shop, method), prefix))
        yield pair


def _numbered(move_money: Callable[..., str], prefix: str) -> Callable[..., str]:
    """The provider names a transaction by the document that it is of, instead of by chance."""
    return lambda order, document: move_money(order, document, f"{prefix}-{document['increment_id']}")


def plan_all(pair: FixedDays) -> list[Row]:
    """Live the three days; returns the rows of the ledger in the order in which they were planned."""
    gift_journal(pair)
    pair.call("res.company", "write", [1], vals={"sale_lock_date": LOCKED})
    _carts(pair)
    _totals(pair)
    _shipped(pair)
    _refunded(pair)
    _for_odoo(pair)
    rows = list(pair.planned())
    pair.next_day()
    _later_in_magento(pair)
    _in_odoo(pair)
    rows += pair.planned()
    pair.next_day()
    _later_in_odoo(pair)
    return [*rows, *pair.planned(), *_drafts(pair)]


# Day 0


def _carts(pair: FixedDays) -> None:
    """Orders that differ in what is bought, by whom, and at which prices; each invoiced whole."""
    _gross_store(pair)
    three = [Line("SKU-003", 3), Line("SKU-004", 1)]
    tenth = Coupon("SAVE10", percent=Decimal(10))
    everywhere = Coupon("ALL", percent=Decimal(20), applies_to_shipping=True)
    carts: dict[str, tuple[Any, Row]] = {
        "plain": (GOODS, {}),
        "discount": (three, {"coupon": tenth}),
        "shipping_discount": (three, {"coupon": everywhere}),
        "tax_included": (three, {"store": "gross", "billing": GERMAN}),
        "tax_included_discount": (three, {"store": "gross", "billing": GERMAN, "coupon": everywhere}),
        "euro": (three, {"store": "eu", "billing": GERMAN, "shipping_amount": Decimal("4.90")}),
        "company": (GOODS, {"billing": COMPANY, "shipping": WAREHOUSE, "po_number": "PO-7"}),
        "customer": (GOODS, {"customer": 1}),
        "configurable_and_virtual": ([Line("SHIRT", 2, child="SHIRT-RED"), Line("E-BOOK", 1)], {}),
    }
    for form, (lines, more) in carts.items():
        pair.shop.invoice(pair.place(form, lines, **more))
    for form, sku in BUNDLES.items():
        pair.shop.invoice(pair.place(form, [Line(sku, 2)]))
    pair.place("quotation", payment="checkmo")
    pair.place("cancelled")
    pair.place("to_be_edited")
    partly = pair.place("partial")
    pair.shop.invoice(partly, {pair.items(partly)["SKU-001"]: 1})
    closed = pair.place("closed_period", payment="card", days_ago=6)
    pair.at(6)
    pair.shop.invoice(closed)
    pair.at(0)


def _gross_store(pair: FixedDays) -> None:
    tax = TaxSettings("row", True, True, discount_includes_tax=True, shipping_class="shipping", country="DE")
    pair.shop.add_website("gross", "Prices with tax", tax)
    pair.shop.add_store("gross", "gross", name="Prices with tax")


def _totals(pair: FixedDays) -> None:
    """Amounts beside the parts, and what was paid in another way."""
    eco = pair.place("fixed_product_tax")
    pair.shop.charge_fixed_tax(eco, "1.50")
    pair.shop.invoice(eco)
    fee = pair.place("fee")
    pair.shop.invoice(fee)
    for document in (pair.shop.order(fee), *pair.invoices(fee)):
        raise_total(pair, document, "2.50")
        extend(document, fee=Decimal("2.50"))
    for form, field in (("gift_card", "gift_cards_amount"), ("credit_part", "customer_balance_amount")):
        order = pair.place(form, payment="card")
        pair.shop.invoice(order)
        for document in (pair.shop.order(order), *pair.invoices(order)):
            tender(document, field, 4)
    captured = pair.place("captured", payment="card")
    pair.shop.invoice(captured, {pair.items(captured)["SKU-001"]: 1})
    pair.shop.invoice(captured)
    euro = pair.place("captured_euro", payment="card", store="eu", billing=GERMAN)
    pair.shop.invoice(euro)


def _shipped(pair: FixedDays) -> None:
    pair.shop.ship(pair.place("shipped"))
    pair.shop.ship(pair.place("shipped_with_tracks"), tracks=[TRACK, SECOND_TRACK])
    partly = pair.place("shipped_in_part")
    pair.shop.ship(partly, {pair.items(partly)["SKU-001"]: 3}, tracks=[TRACK])
    pair.shop.ship(partly)
    for form, sku in BUNDLES.items():
        pair.shop.ship(pair.place(f"shipped_{form}", [Line(sku, 2)]))


def _refunded(pair: FixedDays) -> None:
    adjusted = pair.place("refunded_with_adjustment")
    pair.shop.invoice(adjusted)
    first = pair.items(adjusted)["SKU-001"]
    pair.shop.refund(adjusted, {first: 1}, shipping=0, adjustment_positive=Decimal("1.25"))
    pair.shop.refund(adjusted, {first: 1}, shipping=Decimal(2), adjustment_negative=Decimal("0.75"))
    shipping = pair.place("refunded_shipping")
    pair.shop.invoice(shipping)
    pair.shop.refund(shipping, {item: 0 for item in pair.items(shipping).values()}, shipping=5)
    for form, more in (("refunded_by_provider", {}), ("refunded_by_provider_euro", {"store": "eu", "billing": GERMAN})):
        online = pair.place(form, payment="card", **more)
        made = pair.shop.invoice(online)
        pair.shop.ship(online)
        pair.shop.refund_invoice(made, None, online=True)
    returned = pair.place("returned_in_part")
    pair.shop.invoice(returned)
    pair.shop.ship(returned, {pair.items(returned)["SKU-001"]: 3})
    pair.shop.refund(returned, {pair.items(returned)["SKU-001"]: 2}, shipping=0)
    for form in BUNDLES:
        bundle = pair.place(f"returned_{form}", [Line(BUNDLES[form], 2)])
        pair.shop.invoice(bundle)
        pair.shop.ship(bundle)
        pair.shop.refund(bundle)
    credit = pair.place("refunded_to_credit", payment="card")
    pair.shop.invoice(credit)
    pair.shop.refund(credit, {pair.items(credit)["SKU-001"]: 1}, shipping=0)
    total = number(pair.memos(credit)[0]["grand_total"])
    extend(pair.shop.order(credit), customer_balance_total_refunded=total, base_customer_balance_total_refunded=total)


def _for_odoo(pair: FixedDays) -> None:
    """Orders that people go on with in Odoo."""
    pair.place("odoo_whole")
    pair.place("odoo_in_part")
    pair.place("odoo_discount", coupon=Coupon("SAVE10", percent=Decimal(10)))
    pair.place("odoo_euro", store="eu", billing=GERMAN)
    pair.place("odoo_refunded")
    pair.place("odoo_refunded_in_part")
    pair.place("odoo_adjusted")
    for form, sku in BUNDLES.items():
        pair.place(f"odoo_{form}", [Line(sku, 2)])


# Day 1


def _later_in_magento(pair: FixedDays) -> None:
    pair.shop.cancel(pair.forms["cancelled"])
    pair.shop.invoice(pair.forms["partial"])
    for form, tracks in (("shipped", [TRACK]), ("shipped_in_part", [SECOND_TRACK, TRACK])):
        shipment = pair.shipments(pair.forms[form])[-1]
        for track in tracks:
            pair.shop.add_track(shipment["entity_id"], **track)
        pair.touch(pair.forms[form])
    pair.place("edited", {"SKU-003": 1}, edit_of=pair.forms["to_be_edited"])


def _in_odoo(pair: FixedDays) -> None:
    orders = pair.forms
    for form in ("odoo_whole", "odoo_discount", "odoo_euro", *(f"odoo_{bundle}" for bundle in BUNDLES)):
        pair.bill(orders[form])
        pair.deliver(orders[form], tracking=["1Z100", "1Z101"] if form == "odoo_euro" else ())
    pair.bill(orders["odoo_in_part"], {"SKU-001": 1})
    pair.deliver(orders["odoo_in_part"], {"SKU-001": 1}, ["1Z102"])
    for form, quantities in (
        ("odoo_refunded", None),
        ("odoo_refunded_in_part", {"SKU-001": 2}),
        ("odoo_adjusted", None),
    ):
        pair.pay(orders[form], pair.bill(orders[form], quantities))


# Day 2


def _later_in_odoo(pair: FixedDays) -> None:
    orders = pair.forms
    for form, numbers in (("odoo_whole", "O-1"), ("odoo_discount", "O-2,O-3")):
        (done,) = pair.pickings(orders[form])
        pair.call("stock.picking", "write", [done["id"]], vals={"carrier_tracking_ref": numbers})
    pair.deliver(orders["odoo_in_part"], {"SKU-001": 3, "SKU-002": 2})
    pair.bill(orders["odoo_in_part"])
    for form in ("odoo_refunded", "odoo_refunded_in_part"):
        (entry,) = pair.moves(orders[form])
        note = pair.reverse(entry["id"])
        pair.pay(orders[form], note, outbound=True)
    pair.pay(orders["odoo_adjusted"], _note_with_adjustment(pair, orders["odoo_adjusted"]), outbound=True)


def _note_with_adjustment(pair: FixedDays, order: int) -> int:
    """A credit note of the whole invoice, and 2.00 that a clerk keeps of it."""
    (entry,) = pair.moves(order)
    context = {"active_model": "account.move", "active_ids": [entry["id"]]}
    journal = pair.rows("account.move", [["id", "=", entry["id"]]], "journal_id")[0]["journal_id"][0]
    values = {"journal_id": journal, "reason": "opened"}
    (wizard,) = pair.call("account.move.reversal", "create", vals_list=[values], context=context)
    note = int(pair.call("account.move.reversal", "refund_moves", [wizard], context=context)["res_id"])
    (kept,) = pair.rows("product.product", [["default_code", "=", "ADJ-MINUS"]], "name")
    line = {"move_id": note, "product_id": kept["id"], "quantity": 1, "price_unit": -2, "tax_ids": [[6, 0, []]]}
    pair.call("account.move", "write", [note], vals={"invoice_line_ids": [[0, 0, line]]})
    pair.call("account.move", "action_post", [note])
    return note


def _drafts(pair: FixedDays) -> Iterator[Row]:
    """What the settings make a draft instead."""
    order = pair.place("draft")
    pair.shop.invoice(order)
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 1}, shipping=0)
    with pair.policy(invoices={"to_odoo": "draft"}, credit_memos={"to_odoo": "draft"}):
        yield from pair.planned()
