"""Tracking numbers both ways: whatever a clerk types into a field, nothing of it is lost, and what we wrote is no difference."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import given
from hypothesis import strategies as st
from reconcile_sales import Sales
from staged import NOON, instance

from magodoo.domain.tracking import joined, missing_numbers, numbers_of, parts
from magodoo.extract import magento_documents, odoo_documents

WORDS = st.text("aBcZ019-/", min_size=1, max_size=6)
BETWEEN = st.sampled_from(["", " ", ",", ", ", " , ", "; ", "  ", ",,", "\n"])
TYPED = st.lists(st.tuples(BETWEEN, WORDS, BETWEEN), min_size=1, max_size=4).map(
    lambda pieces: "".join(piece for parts in pieces for piece in parts)
)
SHIPMENTS = [row for kind, row in recorded.magento() if kind == "shipment"]
PICKING = recorded.odoo_row("shipment")


def of_magento(shipment: dict[str, Any], numbers: list[Any]) -> list[str]:
    """The numbers that are read of a recorded shipment whose tracks carry these."""
    row = copy.deepcopy(shipment)
    row["tracks"] = [{"entity_id": 9, "parent_id": 1, "title": "UPS", "track_number": number} for number in numbers]
    return list(magento_documents.read(instance(), "shipment", row, NOON).tracking)


def of_odoo(field: str, provider: str = "fixed") -> list[str]:
    carrier = {"id": 1, "name": "UPS", "delivery_type": provider}
    row = {**PICKING, "carrier_tracking_ref": field, "carrier_id": carrier if provider else False}
    return list(odoo_documents.read(instance(), "shipment", row, NOON).tracking)


def planned(magento: list[str], odoo: list[str]) -> list[tuple[str, list[str]]]:
    sales = Sales().sold()
    sales.delivery(1, of=sales.shipment(1, tracking=magento), tracking=odoo)
    found = sales.reconcile()
    return [(change.kind.value, list(change.intent.tracks)) for change in found.result.changes]


@given(st.sampled_from(SHIPMENTS), st.lists(TYPED, max_size=4), st.one_of(st.just(""), TYPED))
def test_tracking_numbers_written_to_odoo_are_no_difference(
    shipment: dict[str, Any], numbers: list[str], before: str
) -> None:
    magento = of_magento(shipment, numbers)
    assert magento == list(dict.fromkeys(stripped for each in numbers if (stripped := each.strip())))
    field = joined(before, magento)
    assert before.strip().rstrip(",") in field, "what stood there is left as it was typed"
    assert missing_numbers(magento, of_odoo(field)) == []
    assert parts(of_odoo(field)) == parts([before, *magento])
    assert joined(field, magento) == field.strip().rstrip(","), "written again it changes nothing"


@given(st.lists(TYPED, max_size=4))
def test_a_number_is_written_to_odoo_as_it_was_typed(numbers: list[str]) -> None:
    field = joined("", numbers)
    assert all(number in field for number in numbers if parts([number]))


@given(TYPED, st.sampled_from(["", "fixed", "base_on_rule", "ups_rest"]))
def test_tracking_numbers_written_to_magento_are_no_difference(field: str, provider: str) -> None:
    numbers = of_odoo(field, provider)
    there = of_magento(SHIPMENTS[0], numbers)
    assert (there, parts(there)) == (numbers, parts([field]))
    assert joined(field, there) == field.strip().rstrip(","), "and back again it changes nothing"


@given(TYPED, st.sampled_from(["", "fixed", "base_on_rule"]))
def test_a_tracking_number_typed_in_odoo_is_one_number_as_typed(field: str, provider: str) -> None:
    assert of_odoo(field, provider) == ([field.strip()] if parts([field]) else [])


@pytest.mark.parametrize("field", ["1Z1,1Z2", "1Z1+1Z2", "1Z1 + 1Z2", "1Z1;1Z2;"])
def test_tracking_numbers_joined_by_a_carrier_connector_are_split_by_parcel(field: str) -> None:
    assert of_odoo(field, "ups_rest") == ["1Z1", "1Z2"]


def test_only_the_new_one_of_several_tracking_numbers_is_written() -> None:
    assert planned(["A", "B"], ["A, B, c 3"]) == [("magento_tracking", ["c 3"])]
    assert planned(["A,B,c 3"], ["A", "B"]) == [("odoo_tracking", ["c 3"])]


@given(st.lists(TYPED, max_size=3), st.lists(TYPED, max_size=3))
def test_no_tracking_change_is_empty_and_a_written_one_leaves_no_other(magento: list[str], odoo: list[str]) -> None:
    changes = planned(magento, odoo)
    assert all(parts(tracks) for _, tracks in changes)
    for kind, tracks in changes:
        written = (
            (magento, numbers_of(joined(",".join(odoo), tracks), ""))
            if kind == "odoo_tracking"
            else (magento + tracks, odoo)
        )
        assert planned(*map(list, written)) == []


@pytest.mark.parametrize(
    ("magento", "odoo"),
    [
        (["1Z1, 1Z2"], "1Z1, 1Z2"),
        (["1Z1, 1Z2"], "1Z1,1Z2"),
        (["1Z1", "1Z2"], "1Z1 1Z2"),
        (["RR 123 DE"], "RR 123 DE"),
        (["jd0001-b"], "JD0001-B"),
        ([","], ""),
        (["1Z1;1Z2"], "1Z2, 1Z1"),
    ],
)
def test_tracking_numbers_that_differ_only_in_form_are_equal(magento: list[str], odoo: str) -> None:
    sales = Sales().sold()
    sales.delivery(1, of=sales.shipment(1, tracking=magento), tracking=of_odoo(odoo))
    assert sales.reconcile().types == []


def test_a_new_number_is_carried_over_with_its_case_its_commas_and_blanks() -> None:
    assert planned(["jd 1,b", "A"], ["a"]) == [("odoo_tracking", ["jd 1,b"])]
    assert planned(["a"], ["jd 1", "A"]) == [("magento_tracking", ["jd 1"])]


def test_the_country_at_the_end_of_two_numbers_is_no_number_in_common() -> None:
    sales = Sales().sold()
    one, two = sales.shipment(1, {11: 1}, tracking=["RR1 DE"]), sales.shipment(1, {11: 1}, tracking=["RR2 DE"])
    of_two, of_one = sales.delivery(1, {11: 1}, tracking=["RR2 DE"]), sales.delivery(1, {11: 1}, tracking=["RR1 DE"])
    pairs = {(pair.magento_id, pair.odoo_id) for pair in sales.reconcile().result.pairs.itertuples()}
    assert {(one, of_one), (two, of_two)} <= pairs
