"""Amounts beside the parts, drawn over the recorded orders: written whole and to the last unit by their nature, or named and not written."""

from __future__ import annotations

import copy
import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import example, given, settings
from hypothesis import strategies as st
from request_sources import NOW, an_instance, sources

from magodoo.extract import magento_documents, magento_totals
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.extra_amounts import extra_lines, parts_of
from magodoo.flows.line_amounts import money_lines
from magodoo.flows.sources import Record
from magodoo.settings import Instance

Row = dict[str, Any]
ORDERS = [
    row
    for kind, row in recorded.magento()
    if kind == "order" and row["items"] and row["order_currency_code"] == row["base_currency_code"]
]
INVOICES = {
    order["entity_id"]: found[0]
    for order in ORDERS
    if len(
        found := [
            row for kind, row in recorded.magento() if kind == "invoice" and row["order_id"] == order["entity_id"]
        ]
    )
    == 1
    and found[0].get("grand_total") == order["grand_total"]
}
NATURES = {
    "fixed_product_tax": {"nature": "levy", "in_tax_base": False, "product": "FEE"},
    "payment_fee": {"nature": "charge", "product": "FEE", "fields": ["extension_attributes.fee"]},
    "loyalty": {"nature": "discount", "product": "FEE", "fields": ["extension_attributes.loyalty"]},
    "gift_card": {"nature": "payment_part", "journal": "GIFT"},
    "cod_fee": {"nature": "charge", "product": "FEE", "remainder": {"payment_method": "checkmo", "amount": "5.33"}},
}
CENTS = st.decimals("0.05", 40, places=2)
EXTRAS = st.fixed_dictionaries(
    {}, optional={"fixed_product_tax": CENTS, "payment_fee": CENTS, "loyalty": CENTS, "gift_card": CENTS, "cod_fee": st.just(Decimal("5.33"))}
).filter(bool)  # fmt: skip
SOURCES = sources()
SOURCES.master.records["product.product", "FEE"].append(Record(9000, True, {}))


def number(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def cents(units: int) -> int:
    """An amount in units (1/10000), rounded to cents."""
    return int((Decimal(units) / 100).to_integral_value(ROUND_HALF_UP)) * 100


def money_items(order: Row) -> list[Row]:
    document = magento_documents.read(an_instance(), "order", order, NOW)
    money = {line.item_key for line in document.lines if line.role == "item" and line.is_money}
    return [item for item in order["items"] if str(item["item_id"]) in money]


def with_extras(order: Row, documents: list[Row], extras: dict[str, Decimal]) -> None:
    """Lay amounts over an order and documents that hold all of it."""
    sums = {"payment_fee": 1, "cod_fee": 1, "loyalty": -1, "gift_card": -1}
    total = sum((sums[name] * amount for name, amount in extras.items() if name in sums), Decimal(0))
    piece = extras.get("fixed_product_tax")
    for item in money_items(order) if piece else ():
        row = (piece * number(item["qty_ordered"])).quantize(Decimal("0.01"), ROUND_HALF_UP)
        total += row
        item["row_total_incl_tax"] = number(item["row_total_incl_tax"]) + row
        item["base_row_total_incl_tax"] = number(item["base_row_total_incl_tax"]) + piece
        item |= {
            "weee_tax_applied_amount": piece, "weee_tax_applied_row_amount": row, "base_weee_tax_applied_amount": piece,
            "base_weee_tax_applied_row_amnt": row, "weee_tax_applied": json.dumps([{"title": "Eco", "row_amount": str(row)}]),
        }  # fmt: skip
    shown = {
        "fee": extras.get("payment_fee"),
        "loyalty": extras.get("loyalty"),
        "gift_cards_amount": extras.get("gift_card"),
    }
    for document in (order, *documents):
        for prefix in ("", "base_"):
            document[f"{prefix}grand_total"] = number(document[f"{prefix}grand_total"]) + total
        given = {name: amount for name, amount in shown.items() if amount}
        if "gift_cards_amount" in given:
            given["base_gift_cards_amount"] = given["gift_cards_amount"]
        document["extension_attributes"] = {**(document.get("extension_attributes") or {}), **given}


def read(instance: Instance, kind: str, row: Row) -> CanonicalDocument:
    document = magento_documents.read(instance, kind, row, NOW)
    for line in document.lines:  # as staging completes it
        line.product_type = line.product_type or "simple"
    return document


CANCELLED = {"payment_fee": Decimal("0.05"), "loyalty": Decimal("0.05")}


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(ORDERS), EXTRAS, st.sets(st.sampled_from(sorted(NATURES))))
@example(ORDERS[0], CANCELLED, {"loyalty"})
@example(ORDERS[0], CANCELLED, {"payment_fee"})
@example(ORDERS[0], CANCELLED, {"loyalty", "payment_fee"})
@example(next(row for row in ORDERS if row["entity_id"] in INVOICES), CANCELLED, {"loyalty", "payment_fee"})
@example(ORDERS[0], {"fixed_product_tax": Decimal("0.05"), "loyalty": Decimal("0.05")}, {"loyalty"})
@example(ORDERS[0], {"fixed_product_tax": Decimal("0.05"), **CANCELLED}, {"fixed_product_tax", "loyalty"})
def test_an_amount_is_written_to_the_last_unit_or_named(
    original: Row, extras: dict[str, Decimal], set_: set[str]
) -> None:
    order = copy.deepcopy(original)
    order["payment"]["method"] = "checkmo"
    invoice = copy.deepcopy(INVOICES.get(order["entity_id"]))
    documents = [invoice] if invoice else []
    with_extras(order, documents, extras)
    instance = an_instance(extra_totals={name: NATURES[name] for name in NATURES if name in set_})
    SOURCES.instance = instance
    ordered = read(instance, "order", order)
    lines = money_lines(SOURCES, ordered, ordered)
    beside = set(extras) - {"gift_card"}
    if "cod_fee" in set_:  # no field shows it: what cancels it exactly, and has no setting, cannot be seen
        beside -= {name for name in beside - set_ if extras[name] == Decimal("5.33")}
    unnamed = beside - set_
    net = sum(-amount if name == "loyalty" else amount for name, amount in extras.items() if name in unnamed)
    problems = [problem for problem in lines.problems if problem.part.startswith("total:")]
    if net:
        assert problems, (extras, set_)
    if not problems:
        written = {
            line.source.line_id.removeprefix("extra:").split(".")[0]
            for line in lines.lines
            if line.source.role == "extra"
        }
        assert written >= {name for name in beside & set_ if extras[name] != 0}, (
            "nothing is left out because it cancels another"
        )
        assert not [problem for problem in lines.problems if problem.part == "arithmetic"]
        total = cents(ordered.grand_total)  # Magento keeps parts of a cent of a decimal quantity; Odoo has none
        assert lines.total == total, "what was paid by gift card is sold all the same"
    assert parts_of(ordered) == ({"gift_card": int(extras["gift_card"] * 10_000)} if "gift_card" in extras else {})
    if invoice and not problems:
        billed = read(instance, "invoice", invoice)
        of_invoice, unknown = extra_lines(SOURCES, ordered, billed)
        assert unknown == []
        assert sum(line.untaxed for line in of_invoice) == sum(
            line.untaxed for line in billed.lines if line.role == "extra"
        )


@pytest.mark.parametrize(
    ("path", "units"),
    [("fee", 10_000), ("ext.fee", 25_000), ("items[].deposit", 30_000), ("ext.absent.deep", 0), ("absent[].fee", 0)],
)
def test_an_amount_is_found_by_its_path(path: str, units: int) -> None:
    row = {"fee": 1, "ext": {"fee": Decimal("2.50")}, "items": [{"deposit": 1}, {"deposit": 2}, {}]}
    assert magento_totals.amount(row, path) == units


def test_every_field_that_holds_an_amount_is_named() -> None:
    row = {
        "fee": Decimal("3.00"),
        "other": 4,
        "ext": {"totals": [{"value": -3}], "name": "3"},
        "items": [{"d": 1}, {"d": 2}],
        "flag": True,
    }
    assert magento_totals.holding(row, 30_000) == ["ext.totals[].value", "fee", "items[].d"]
