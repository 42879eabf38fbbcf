"""The fields of a document: what is read, what is refused, and that the refusal names the field."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import recorded_documents as recorded
from staged import NOON, instance

from magodoo.errors import Unreadable
from magodoo.extract import fields, magento_documents, odoo_documents, odoo_fields
from magodoo.extract.canonical import CanonicalLine
from magodoo.extract.odoo_totals import gross_of


def small(row: fields.Row, name: str) -> int | None:
    return fields.small(row, name)


def number(row: fields.Row, name: str) -> Decimal | None:
    return fields.number(row, name, 1000)


@pytest.mark.parametrize(
    ("read", "value", "problem"),
    [
        (number, True, "not an exact number"),
        (number, 0.1, "not an exact number"),
        (number, "a lot", "not a number"),
        (number, [], "not a number"),
        (number, Decimal("NaN"), "not a number of this kind"),
        (number, "1000", "not a number of this kind"),
        (small, True, "not a number of this kind"),
        (small, -1, "not a number of this kind"),
        (small, "12345678901", "not a number of this kind"),
        (fields.words, {"a": 1}, "not a text"),
        (fields.words, True, "not a text"),
        (fields.key, "x" * (fields.LONGEST_KEY + 1), "longer than"),
        (fields.required_key, " ", "is missing"),
        (fields.flag, "maybe", "neither yes nor no"),
        (fields.moment, "yesterday", "not a time"),
        (fields.moment, 20260131, "not a time"),
        (fields.moment, "1066-10-14 09:00:00", "not a time of a shop"),
        (fields.day, "2026-02-30", "not a date"),
        (fields.day, 20260131, "not a date"),
        (fields.day, "1492-10-12", "not a date of a shop"),
        (fields.units, "much", "amount"),
    ],
)
def test_a_value_that_magento_never_sends_is_refused_by_name(
    read: Callable[[fields.Row, str], Any], value: Any, problem: str
) -> None:
    name = "amount" if read is fields.units else "field"
    with pytest.raises(Unreadable, match=f"{name}.*{problem}" if problem != name else name):
        read({name: value}, name)


@pytest.mark.parametrize("read", [number, small, fields.words, fields.key, fields.moment, fields.day, odoo_fields.ids])
@pytest.mark.parametrize("row", [{}, {"field": None}, {"field": False}])
def test_an_absent_field_is_none(read: Callable[[fields.Row, str], Any], row: fields.Row) -> None:
    assert read(row, "field") in (None, [])


def test_a_present_field_is_read() -> None:
    row = {"rate": "8.2500", "group": "3", "store": 2, "name": "  Zoé ", "number": 17, "yes": "1", "no": 0,
           "at": "2026-01-31 23:59:59.123", "on": "2026-01-31", "share": "8.25", "ids": [1, "2"]}  # fmt: skip
    assert (number(row, "rate"), fields.percent(row, "share")) == (Decimal("8.25"), Decimal("8.2500"))
    assert (small(row, "group"), small(row, "store")) == (3, 2)
    assert (fields.words(row, "name"), fields.words(row, "number"), fields.words(row, "name", 2)) == ("Zoé", "17", "Zo")
    assert (fields.flag(row, "yes"), fields.flag(row, "no"), fields.flag(row, "nothing")) == (True, False, False)
    moment = fields.moment(row, "at")
    assert moment == datetime.fromisoformat("2026-01-31T23:59:59+00:00") and moment is not None and moment.tzinfo
    assert fields.day(row, "on") == date(2026, 1, 31)
    assert odoo_fields.ids(row, "ids") == [1, 2]
    assert fields.rate(row, "nothing") == 1


@pytest.mark.parametrize("value", [{"id": 1}, 7, "1,2", [None], [0]])
def test_a_list_of_ids_is_a_list_of_ids(value: Any) -> None:
    with pytest.raises(Unreadable, match="field"):
        odoo_fields.ids({"field": value}, "field")


@pytest.mark.parametrize("row", [None, 7, "a document", ["one"]])
def test_a_document_that_is_no_object_is_refused(row: Any) -> None:
    for read in (magento_documents.read, odoo_documents.read):
        with pytest.raises(Unreadable, match="not an object"):
            read(instance(), "invoice", row, NOON)


def test_an_item_listed_twice_in_an_order_is_refused() -> None:
    row = copy.deepcopy(next(row for kind, row in recorded.magento() if kind == "order"))
    row["items"].append(copy.deepcopy(row["items"][0]))
    with pytest.raises(Unreadable, match="stands twice"):
        magento_documents.read(instance(), "order", row, NOON)


def test_an_item_that_is_given_free_of_charge_keeps_its_gross_value() -> None:
    """Magento stores `row_total` 0 for an item that a discount pays in full: its gross is what the parts add up to."""
    row = copy.deepcopy(next(row for kind, row in recorded.magento() if kind == "order" and len(row["items"]) == 1))
    item, gross = row["items"][0], Decimal(str(row["subtotal"]))
    item |= {"row_total": 0, "row_total_incl_tax": gross, "tax_amount": 0, "discount_tax_compensation_amount": 0, "discount_amount": 0}  # fmt: skip
    read = magento_documents.read(instance(), "order", row, NOON)
    assert [line.gross for line in read.lines if line.is_money and line.role == "item"] == [int(gross * 10_000)]


def test_a_word_too_long_for_a_number_is_no_reference() -> None:
    row = {"client_order_ref": f"000000001 {'x' * (fields.LONGEST_KEY + 1)}"}
    found = odoo_fields.references(instance(), row)
    assert "000000001" in found and all(len(word) <= fields.LONGEST_KEY for word in found)


@pytest.mark.parametrize(
    ("price", "quantity", "percent", "untaxed", "gross"),
    [
        ("100", "2", "0", "200", "200"),
        ("100", "2", "25", "150", "200"),  # the discount leads from price * quantity to the net amount
        ("119", "1", "10", "90", "100"),  # the price includes 19 % of tax: back from the net amount
        ("100", "2", "100", "0", "200"),
    ],
)
def test_a_line_s_gross_is_what_it_was_before_its_discount(
    price: str, quantity: str, percent: str, untaxed: str, gross: str
) -> None:
    def units(value: str) -> int:
        return int(Decimal(value) * 10_000)

    line = CanonicalLine(line_id="1", discount_percent=Decimal(percent), untaxed=units(untaxed))
    line.price, line.quantity = units(price), units(quantity)
    assert gross_of(line) == units(gross)
