"""Amounts that are in a total and in no part, by their nature; and documents of 0.00 (docs/business-rules.md#taxes and #credit-memos).

What came of it is read in Odoo's own accounts: revenue, tax, receivable and liability.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError
from shop_and_books import ShopAndBooks
from staged import instance
from stories import Story, run_chain, story
from totals import GIFT, Row, booked, extend, gift_journal, number, raise_total, tender

from magodoo_sandbox.magento.pricing import Coupon

FEE = {"product": "FEE"}
TENDERED = {
    "gift_card": "gift_cards_amount",
    "store_credit": "customer_balance_amount",
    "reward_points": "reward_currency_amount",
}


def fixed_tax(pair: ShopAndBooks, order: int, a_piece: str, *documents: Row, inside: bool = False) -> None:
    """Fixed product tax on every item of the order, in the totals of the documents, beside the subtotal or in it."""
    row = pair.shop.order(order)
    for item in row["items"]:
        whole = Decimal(a_piece) * number(item["qty_ordered"])
        item.update(
            weee_tax_applied_amount=Decimal(a_piece), weee_tax_applied_row_amount=whole,
            base_weee_tax_applied_amount=Decimal(a_piece), base_weee_tax_applied_row_amnt=whole,
        )  # fmt: skip
    for document in documents:
        pieces = sum(number(item.get("qty", item.get("qty_ordered"))) for item in document["items"])
        for prefix in ("", "base_"):
            for total in ("grand_total", *(["subtotal"] if inside else [])):
                document[f"{prefix}{total}"] = number(document[f"{prefix}{total}"]) + Decimal(a_piece) * pieces


# Fixed product tax, fees, wrapping


@story(extra_totals={"fixed_product_tax": {"nature": "levy", "in_tax_base": False, **FEE}})
@pytest.mark.parametrize("inside", [False, True])
def test_fixed_product_tax_is_a_line_of_its_own_on_every_document(pair: ShopAndBooks, inside: bool) -> Story:
    order = pair.order({"SKU-001": 2, "SKU-002": 3})
    pair.shop.invoice(order, {pair.items(order)["SKU-001"]: 1})
    pair.shop.invoice(order)
    fixed_tax(pair, order, "1.50", pair.shop.order(order), *pair.invoices(order), inside=inside)
    yield run_chain()
    (sale,) = pair.sales(order)
    assert number(sale["amount_total"]) == number(pair.shop.order(order)["grand_total"])
    wanted = sorted(number(row["grand_total"]) for row in pair.invoices(order))
    assert sorted(number(row["amount_total"]) for row in pair.moves(order)) == wanted
    domain = [["order_id", "=", sale["id"]], ["name", "=", "fixed product tax"]]
    lines = pair.rows("sale.order.line", domain, "price_subtotal price_tax qty_invoiced")
    named = [[number(line[name]) for name in ("price_subtotal", "price_tax", "qty_invoiced")] for line in lines]
    assert named == [[Decimal("3.00"), 0, 2], [Decimal("4.50"), 0, 3]]
    assert pair.to_invoice(order) == 0
    assert pair.findings(order) == set()


@story(
    extra_totals={"fixed_product_tax": {"nature": "levy", "in_tax_base": False, **FEE}}, invoices={"to_magento": "when_posted"},
    credit_memos={"to_magento": "when_paid"},
)  # fmt: skip
def test_fixed_product_tax_goes_both_ways_and_is_refunded_by_the_piece(pair: ShopAndBooks) -> Story:
    order, back = (pair.order({"SKU-001": 2, "SKU-002": 3}, "cashondelivery") for _ in range(2))
    for each in (order, back):
        pair.shop.charge_fixed_tax(each, "1.07")
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 1})
    yield run_chain()
    pair.bill(back)
    yield run_chain()
    for each in (order, back):
        totals = [number(row["grand_total"]) for row in pair.invoices(each)]
        assert [number(row["amount_total"]) for row in pair.moves(each)] == totals
        assert totals == [number(pair.shop.order(each)["grand_total"])]
    (memo,), (note,) = pair.memos(order), pair.notes(order)
    assert number(note["amount_total"]) == number(memo["grand_total"])
    assert booked(pair, order)["income"] + booked(pair, order)["tax"] == -(
        number(pair.invoices(order)[0]["grand_total"]) - number(memo["grand_total"])
    )
    assert pair.findings(order) == pair.findings(back) == set()


@story()
def test_fixed_product_tax_without_a_nature_is_unmapped_and_named(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    fixed_tax(pair, order, "1.50", pair.shop.order(order), *pair.invoices(order))
    yield run_chain()
    (finding,) = pair.reported(order, type="unmapped")
    assert finding["part"] == "total:fixed_product_tax"
    assert "3.00 USD of fixed product tax (items[].weee_tax_applied_row_amount)" in finding["message"]
    assert pair.sales(order) == [] and pair.reported(order, type="arithmetic") == []


@story(
    extra_totals={
        "cod_fee": {
            "nature": "charge",
            "fields": ["extension_attributes.cod_fee"],
            "tax_fields": ["extension_attributes.cod_tax"],
            **FEE,
        }
    }
)
def test_a_fee_with_its_tax_is_revenue_and_tax(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        raise_total(pair, document, "20.00", "1.65")
        extend(document, cod_fee=20, cod_tax=Decimal("1.65"))
    yield run_chain()
    (entry,) = pair.moves(order)
    assert number(entry["amount_total"]) == number(pair.invoices(order)[0]["grand_total"])
    assert booked(pair, order)["tax"] == -number(pair.invoices(order)[0]["tax_amount"])
    assert pair.findings(order) == set()


@story(extra_totals={"gift_wrapping": {"nature": "charge", **FEE}})
def test_gift_wrapping_is_found_by_itself(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 1})
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        raise_total(pair, document, "4.00", "0.33")
        extend(document, gw_price=Decimal("4.00"), gw_tax_amount=Decimal("0.33"))
    yield run_chain()
    assert [number(row["amount_total"]) for row in pair.moves(order)] == [
        number(pair.invoices(order)[0]["grand_total"])
    ]
    assert pair.findings(order) == set()


@story(extra_totals={"loyalty": {"nature": "discount", "fields": ["extension_attributes.loyalty"], **FEE}})
def test_a_discount_of_an_extension_lowers_revenue(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        raise_total(pair, document, "-2.00")
        extend(document, loyalty=2)
    yield run_chain()
    assert [number(row["amount_total"]) for row in pair.moves(order)] == [
        number(pair.invoices(order)[0]["grand_total"])
    ]


@story()
def test_a_remainder_is_named_with_every_field_that_holds_it(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        raise_total(pair, document, "7.77")
        extend(document, fees=[{"code": "pack", "value": Decimal("7.77")}], other_fee=Decimal("7.77"))
    yield run_chain()
    (finding,) = pair.reported(order, type="unmapped")
    for part in ("7.77 USD", "extension_attributes.fees[].value", "extension_attributes.other_fee"):
        assert part in finding["message"]
    assert pair.sales(order) == []


@story(
    extra_totals={
        "cod_fee": {"nature": "charge", "remainder": {"payment_method": "cashondelivery", "amount": "5.33"}, **FEE},
    }
)
@pytest.mark.parametrize(("amount", "payment", "known"), [("5.33", "cashondelivery", True), ("5.34", "cashondelivery", False), ("5.33", "purchaseorder", False)])  # fmt: skip
def test_a_remainder_that_no_field_holds_is_mapped_by_method_and_exact_amount(
    pair: ShopAndBooks, amount: str, payment: str, known: bool
) -> Story:
    order = pair.order({"SKU-001": 2}, payment)
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        raise_total(pair, document, amount)
    yield run_chain()
    if known:
        assert [number(row["amount_total"]) for row in pair.moves(order)] == [
            number(pair.invoices(order)[0]["grand_total"])
        ]
        assert pair.findings(order) == set()
    else:
        assert pair.sales(order) == []
        (finding,) = pair.reported(order, type="unmapped")
        assert (
            f"{amount} USD of the total are in no part of the order; no field of the order holds it"
            in finding["message"]
        )


@story(extra_totals={"cod_fee": {"nature": "charge", "fields": ["extension_attributes.cod_fee"], **FEE}})
@pytest.mark.parametrize("shares", [("2.00", "2.00"), ("1.33", "1.33", "1.34"), ("4.00", "0"), ("0", "4.00")])
def test_a_fee_that_an_extension_spreads_over_the_invoices_is_invoiced_by_each(
    pair: ShopAndBooks, shares: tuple[str, ...]
) -> Story:
    order = pair.order({"SKU-001": len(shares)})
    raise_total(pair, pair.shop.order(order), "4.00")
    extend(pair.shop.order(order), cod_fee=4)
    for share in shares:
        pair.shop.invoice(order, {pair.items(order)["SKU-001"]: 1})
        raise_total(pair, pair.invoices(order)[-1], share)
    yield run_chain()
    wanted = [number(row["grand_total"]) for row in pair.invoices(order)]
    assert [(row["state"], number(row["amount_total"])) for row in pair.moves(order)] == [
        ("posted", total) for total in wanted
    ]
    assert (pair.to_invoice(order), pair.findings(order)) == (0, set())


@story(extra_totals={"cod_fee": {"nature": "charge", "fields": ["extension_attributes.cod_fee"], **FEE}})
@pytest.mark.parametrize("share", ["0", "1.50"])
def test_a_fee_that_no_invoice_ever_holds_is_named_with_its_amount_and_fields(pair: ShopAndBooks, share: str) -> Story:
    order = pair.order({"SKU-001": 2})
    raise_total(pair, pair.shop.order(order), "4.00")
    extend(pair.shop.order(order), cod_fee=4)
    pair.shop.invoice(order, {pair.items(order)["SKU-001"]: 1})
    yield run_chain()
    assert pair.findings(order) == set(), "another invoice may hold it"
    pair.shop.invoice(order)
    raise_total(pair, pair.invoices(order)[-1], share)
    pair.touch(order)
    yield run_chain()
    (told,) = pair.reported(order)
    assert (told["type"], told["kind"]) == ("not_invoiced", "order")
    left = Decimal("4.00") - Decimal(share)
    assert f"{left} USD of the total stand on no invoice" in told["message"]
    assert "extension_attributes.cod_fee" in told["message"]
    assert "_id" not in told["message"], "an id may have the same figure"
    assert sorted(number(row["amount_total"]) for row in pair.moves(order)) == sorted(
        number(row["grand_total"]) for row in pair.invoices(order)
    )


@story(
    extra_totals={
        "fee": {"nature": "charge", "fields": ["extension_attributes.fee"], "including_tax": True, "tax_percent": "8.25", **FEE},
        "wrap": {
            "nature": "charge", "fields": ["extension_attributes.wrap"], "tax_fields": ["extension_attributes.wrap_tax"],
            "including_tax": True, **FEE,
        },
    }
)  # fmt: skip
@pytest.mark.parametrize("shown", [{"fee": Decimal("21.65")}, {"wrap": Decimal("21.65"), "wrap_tax": Decimal("1.65")}])
def test_a_fee_that_is_shown_with_its_tax_is_taken_apart(pair: ShopAndBooks, shown: dict[str, Decimal]) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        raise_total(pair, document, "20.00", "1.65")
        extend(document, **shown)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert number(entry["amount_total"]) == number(pair.invoices(order)[0]["grand_total"])
    assert booked(pair, order)["tax"] == -number(pair.invoices(order)[0]["tax_amount"])
    assert pair.findings(order) == set()


@story()
def test_a_field_that_holds_an_amount_with_its_tax_is_named(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    raise_total(pair, pair.shop.order(order), "20.00", "1.65")
    extend(pair.shop.order(order), fee=Decimal("21.65"))
    pair.shop.invoice(order)
    yield run_chain()
    (finding,) = pair.reported(order, type="unmapped")
    assert "with its tax (`including_tax`): extension_attributes.fee" in finding["message"]


@story(
    extra_totals={"cod_fee": {"nature": "charge", "fields": ["extension_attributes.cod_fee"], **FEE}, "gift_card": GIFT},
    invoices={"to_magento": "when_posted"}, credit_memos={"to_magento": "when_paid"},
)  # fmt: skip
def test_amounts_decided_by_an_extension_or_a_gift_card_are_not_written_to_magento(pair: ShopAndBooks) -> Story:
    """The invoice of the goods alone would have been made with the fee in it, and a refund would fill the card again."""
    gift_journal(pair)
    whole, goods = (pair.order({"SKU-001": 2}, "cashondelivery") for _ in range(2))
    for order in (whole, goods):
        raise_total(pair, pair.shop.order(order), "4.00")
        extend(pair.shop.order(order), cod_fee=4)
    card = pair.order({"SKU-001": 2})
    pair.shop.invoice(card)
    for document in (pair.shop.order(card), *pair.invoices(card)):
        tender(document, "gift_cards_amount", 20)
    yield run_chain()
    pair.bill(whole)
    pair.bill(goods, {"SKU-001": 2})
    (invoice,) = pair.moves(card)
    pair.pay(card, invoice["id"])
    note = pair.reverse(invoice["id"])
    pair.pay(card, note, outbound=True)
    yield run_chain()
    for order in (whole, goods):
        (finding,) = pair.reported(order, type="missing_in_magento")
        assert (
            "4.00 USD of the order's total are in no part of it (extension_attributes.cod_fee)"
            in finding["no_change_reason"]
        )
        assert pair.invoices(order) == []
    (finding,) = pair.reported(card, type="missing_in_magento")
    assert "20.00 USD of the order were paid by gift card" in finding["no_change_reason"]
    assert pair.memos(card) == []


# What is tendered


@story(extra_totals=dict.fromkeys(TENDERED, GIFT))
@pytest.mark.parametrize("name", TENDERED)
def test_a_gift_card_payment_settles_its_liability_and_does_not_reduce_revenue_or_tax(
    pair: ShopAndBooks, name: str
) -> Story:
    gift_journal(pair)
    plain, order, whole = (pair.order({"SKU-001": 2}, payment) for payment in ("banktransfer", "banktransfer", "free"))
    for each in (plain, order, whole):
        pair.shop.invoice(each)
    total = number(pair.shop.order(whole)["grand_total"])
    for document in (pair.shop.order(order), *pair.invoices(order)):
        tender(document, TENDERED[name], 20)
    for document in (pair.shop.order(whole), *pair.invoices(whole)):
        extend(document, **{TENDERED[name]: total, f"base_{TENDERED[name]}": total})
        document["grand_total"] = document["base_grand_total"] = 0
    yield run_chain()
    without = booked(pair, plain)
    for each, tendered in ((order, Decimal(20)), (whole, total)):
        told = booked(pair, each)
        assert (told["income"], told["tax"]) == (without["income"], without["tax"]), "revenue and tax stay whole"
        assert told["liability_current"] == tendered
        assert told.get("asset_receivable", 0) == total - tendered
        (entry,) = pair.moves(each)
        assert number(entry["amount_residual"]) == total - tendered
        assert pair.findings(each) == set()


@story(extra_totals={"gift_card": GIFT})
def test_a_card_takes_what_the_gift_card_leaves(pair: ShopAndBooks) -> Story:
    gift_journal(pair)
    order = pair.order({"SKU-001": 2}, "card")
    pair.shop.invoice(order)
    for document in (pair.shop.order(order), *pair.invoices(order)):
        tender(document, "gift_cards_amount", 20)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert sorted((number(row["amount"]), row["journal_id"][1]) for row in pair.payments(entry)) == [
        (Decimal(20), "Gift cards and credit"), (number(entry["amount_total"]) - 20, "Card payments"),
    ]  # fmt: skip
    assert (number(entry["amount_residual"]), pair.findings(order)) == (0, set())


@story(extra_totals={"gift_card": GIFT})
def test_a_refund_to_a_gift_card_gives_the_liability_back(pair: ShopAndBooks) -> Story:
    gift_journal(pair)
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    pair.shop.ship(order)
    pair.shop.refund(order)
    for document in (pair.shop.order(order), *pair.invoices(order), *pair.memos(order)):
        tender(document, "gift_cards_amount", 20)
    yield run_chain()
    assert booked(pair, order).keys() <= {"asset_receivable"}, "nothing is left of it but what payment matching settles"
    assert pair.findings(order) == set()


@pytest.mark.parametrize(
    ("name", "setting", "complaint"),
    [
        ("gift_card", {"nature": "charge", "product": "FEE"}, "gift_card is tendered"),
        ("gift_card", {"nature": "payment_part", "product": "FEE"}, "name its `journal`, no product"),
        (
            "points",
            {"nature": "discount", "product": "FEE", "fields": ["extension_attributes.reward_currency_amount"]},
            "is tendered",
        ),
        (
            "cards",
            {"nature": "charge", "product": "FEE", "fields": ["extension_attributes.am_gift_cards_amount"]},
            "is tendered",
        ),
        ("credit", {"nature": "payment_part", "fields": ["extension_attributes.credit"]}, "needs the `journal`"),
        ("fee", {"nature": "charge", "product": "FEE"}, "name the `fields` that hold it"),
        ("fee", {"nature": "charge", "fields": ["fee"]}, "needs the Odoo `product`"),
        ("fixed_product_tax", {"nature": "payment_part", "journal": "GIFT"}, "charged, not tendered"),
        (
            "cards",
            {**GIFT, "fields": ["extension_attributes.gift_cards_amount"]},
            "would count twice: name it `gift_card`",
        ),
        (
            "fee",
            {"nature": "charge", "product": "FEE", "fields": ["fee"], "including_tax": True},
            "needs their `tax_fields`",
        ),
    ],
)
def test_a_tendered_part_is_never_sold_as_a_product(name: str, setting: Row, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        instance(extra_totals={name: setting})


# Gift cards sold


def card_sold(pair: ShopAndBooks, sku: str, tax_class: str) -> int:
    """An order of a gift card and something else; the card's own product and one on the liability are in Odoo."""
    pair.shop.add_product(sku, name="Gift card", price=Decimal(50), product_type="virtual", tax_class=tax_class)
    if not pair.rows("product.product", [["default_code", "=", sku]], "name"):
        fields = {
            "default_code": sku,
            "name": "Gift card",
            "type": "service",
            "invoice_policy": "order",
            "taxes_id": [],
        }
        pair.call("product.product", "create", vals_list=[fields])
    order = pair.order({sku: 1, "SKU-001": 1})
    item = next(item for item in pair.shop.order(order)["items"] if item["sku"] == sku)
    item["product_type"] = "giftcard"
    pair.shop.invoice(order)
    return order


@story()
def test_the_sale_of_a_gift_card_is_named_while_its_purpose_is_not_set(pair: ShopAndBooks) -> Story:
    order = card_sold(pair, "CARD-UNSET", "none")
    yield run_chain()
    assert ("unmapped", "order", "gift_card:CARD-UNSET") in pair.findings(order)
    assert pair.sales(order) == []


@story(gift_cards_sold={"purpose": "multi_purpose", "product": "GIFTCARDS"})
def test_a_gift_card_for_anything_is_sold_to_the_liability_without_tax(pair: ShopAndBooks) -> Story:
    gift_journal(pair)
    if not pair.rows("product.product", [["default_code", "=", "GIFTCARDS"]], "name"):
        (liability,) = pair.rows("account.account", [["code", "=", "219900"]], "code")
        fields = {
            "default_code": "GIFTCARDS",
            "name": "Gift cards",
            "type": "service",
            "invoice_policy": "order",
            "taxes_id": [],
        }
        pair.call("product.product", "create", vals_list=[{**fields, "property_account_income_id": liability["id"]}])
    order, taxed = card_sold(pair, "CARD-ANY", "none"), card_sold(pair, "CARD-TAXED", "goods")
    yield run_chain()
    told = booked(pair, order)
    assert (told["liability_current"], told["income"]) == (-50, -(number("24.99")))
    assert pair.findings(order) == set()
    pair.shop.refund(order, {pair.items(order)["CARD-ANY"]: 1}, shipping=0)
    yield run_chain()
    assert booked(pair, order).get("liability_current", 0) == 0, "a card that is taken back is owed no more"
    assert pair.findings(order) == set()
    assert ("unmapped", "order", "gift_card:CARD-TAXED") in pair.findings(taxed)


@story(gift_cards_sold={"purpose": "single_purpose"})
def test_a_gift_card_for_one_thing_is_taxed_when_it_is_sold(pair: ShopAndBooks) -> Story:
    order = card_sold(pair, "CARD-ONE", "goods")
    yield run_chain()
    assert booked(pair, order)["tax"] == -number(pair.shop.order(order)["tax_amount"])
    assert pair.findings(order) == set()


# Documents of 0.00


def given_away(pair: ShopAndBooks) -> int:
    order = pair.order({"SKU-001": 2}, "free", shipping_amount=0, coupon=Coupon("ALL", percent=Decimal(100)))
    pair.shop.invoice(order)
    pair.shop.ship(order)
    return order


@story(shipments={"returns": "shipped_items"})
@pytest.mark.parametrize("part", [True, False])
def test_a_memo_of_zero_is_posted_where_its_invoice_is_and_its_goods_return(pair: ShopAndBooks, part: bool) -> Story:
    order = given_away(pair)
    pair.shop.refund(order, {pair.items(order)["SKU-001"]: 1} if part else None)
    yield run_chain()
    (note,) = pair.notes(order)
    assert (note["state"], number(note["amount_total"]), pair.payments(note)) == ("posted", 0, [])
    assert [pair.moved(row) for row in pair.pickings(order, "incoming")] == [{"SKU-001": 1 if part else 2}]
    assert [row["type"] for row in pair.reported(order)] == []


@story(shipments={"returns": "shipped_items"}, zero_documents="information")
def test_a_document_of_zero_takes_no_number_where_the_settings_say_so(pair: ShopAndBooks) -> Story:
    order = given_away(pair)
    pair.shop.refund(order)
    yield run_chain()
    assert pair.moves(order) == pair.notes(order) == []
    assert [pair.moved(row) for row in pair.pickings(order, "incoming")] == [{"SKU-001": 2}]
    assert {(row["type"], row["severity"], row["kind"]) for row in pair.reported(order)} == {
        ("nothing_to_book", "info", "invoice"), ("nothing_to_book", "info", "credit_memo"),
    }  # fmt: skip
