"""Shipments that the two sides cut differently: what has left is compared in sum, and is never written a second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reconcile_sales import Found, Sales, bundle

from magodoo.money import to_units

Parcel = dict[int, int]
ITEMS = (11, 12, 13)
ORDERED = dict.fromkeys(ITEMS, 40)
PARCEL = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 3), min_size=1)


@st.composite
def cut(draw: st.DrawFn, goods: Counter[int]) -> list[Parcel]:
    """The same pieces in parcels of any number."""
    parcels: list[Parcel] = [{} for _ in range(draw(st.integers(1, 4)))]
    for item in goods.elements():
        parcel = draw(st.sampled_from(parcels))
        parcel[item] = parcel.get(item, 0) + 1
    return [parcel for parcel in parcels if parcel]


def total(parcels: Sequence[Parcel]) -> Counter[int]:
    return sum((Counter(parcel) for parcel in parcels), Counter[int]())


def recorded(magento: Sequence[Parcel], odoo: Sequence[Parcel], ordered: Parcel = ORDERED) -> Sales:
    sales = Sales()
    sales.order(1, items=ordered, shipped=total(magento))
    sales.odoo_order(1)
    for parcel in magento:
        sales.shipment(1, parcel)
    for parcel in odoo:
        sales.delivery(1, parcel)
    return sales


def planned(found: Found, kind: str) -> Counter[int]:
    """Pieces by item that the changes of a kind would move."""
    pieces: Counter[int] = Counter()
    for change in found.result.changes:
        if change.kind == kind:
            pieces.update({int(item): units // to_units(1) for item, units in change.intent.items})
    return pieces


def carry_out(sales: Sales, found: Found) -> None:
    """What was planned is on the other side, with our reference."""
    for change in found.result.changes:
        goods = {int(item): units // to_units(1) for item, units in change.intent.items}
        if change.kind == "odoo_delivery":
            sales.delivery(1, goods, of=int(change.source_id))
        elif change.kind == "magento_shipment":
            sales.shipment(1, goods, reference=f"magodoo:us:db:stock.picking:{change.source_id}")


FEW = settings(max_examples=40, deadline=None)


@FEW
@given(st.data(), st.lists(PARCEL, min_size=1, max_size=4), st.sampled_from(["whole", "partial"]))
def test_the_same_goods_in_other_parcels_are_no_difference(
    data: st.DataObject, magento: list[Parcel], ordered: str
) -> None:
    odoo = data.draw(cut(total(magento)))
    found = recorded(magento, odoo, ORDERED if ordered == "partial" else total(magento)).reconcile()
    assert (found.changes, found.types) == ([], [])


@FEW
@given(st.lists(PARCEL, max_size=4), st.lists(PARCEL, max_size=4), st.data())
def test_shipped_goods_are_not_written_a_second_time(
    magento: list[Parcel], odoo: list[Parcel], data: st.DataObject
) -> None:
    if data.draw(st.booleans()):
        odoo = [*odoo, *data.draw(cut(total(magento)))] if magento else odoo
    sales = recorded(magento, odoo)
    found = sales.reconcile()
    here, there = total(magento), total(odoo)
    assert not planned(found, "odoo_delivery") - (here - there)
    assert not planned(found, "magento_shipment") - (there - here)
    carry_out(sales, found)
    assert sales.reconcile().changes == [], "a second run has nothing to do"


@FEW
@given(st.lists(PARCEL, min_size=1, max_size=3), PARCEL, st.data())
def test_a_parcel_that_one_side_alone_has_is_planned_once(
    first: list[Parcel], more: Parcel, data: st.DataObject
) -> None:
    """Beside parcels that both sides cut differently, when these were seen before or at once with it.

    Where it equals a parcel of the other side, it is matched with that one, and the goods are planned as the other parcels are cut.
    """
    odoo = data.draw(cut(total(first)))
    sales = recorded(first, odoo)
    assume(sales.reconcile().types == [])
    late = sales.shipment(1, more)
    found = sales.reconcile()
    assert planned(found, "odoo_delivery") == Counter(more) or "quantity_mismatch" in found.names
    assert planned(found, "odoo_delivery").total() <= sum(more.values())
    carry_out(sales, found)
    again = sales.reconcile()
    assert again.changes == []
    assert late


@FEW
@given(st.integers(1, 4), st.integers(1, 4), PARCEL)
def test_equal_parcels_are_counted_and_not_matched_one_by_one(here: int, there: int, parcel: Parcel) -> None:
    """What one side has more of is written to the other, as often as it is missing."""
    sales = recorded([parcel] * here, [parcel] * there)
    found = sales.reconcile()
    kinds = ["odoo_delivery"] * (here - there) + ["magento_shipment"] * (there - here)
    assert [change.kind.value for change in found.result.changes] == kinds
    assert len(found.names) == len(kinds)
    carry_out(sales, found)
    again = sales.reconcile()
    assert (again.changes, again.types) == ([], [])


def test_numbers_of_equal_parcels_that_differ_on_both_sides_are_for_a_person() -> None:
    sales = Sales().sold(items={11: 9})
    for number in "AB":
        sales.shipment(1, {11: 1}, tracking=[number])
        sales.delivery(1, {11: 1}, tracking=[f"X{number}"])
    found = sales.reconcile()
    assert (found.changes, found.names) == ([], ["tracking_mismatch"])
    assert "nobody but a person knows" in (found.one("tracking_mismatch").no_change_reason or "")


@pytest.mark.parametrize("tracks", [[], ["A", "B"]])
def test_one_shipment_that_odoo_delivered_in_two(tracks: list[str]) -> None:
    """Of an order of which more is open: neither is written again, after the first delivery or the second."""
    sales = Sales().sold(items={11: 4})
    sales.shipment(1, {11: 2}, tracking=tracks)
    sales.delivery(1, {11: 1}, tracking=tracks[:1])
    found = sales.reconcile()
    assert (found.changes, [name for name in found.names if name != "tracking_mismatch"]) == ([], ["quantity_mismatch"])
    sales.delivery(1, {11: 1}, tracking=tracks[1:])
    found = sales.reconcile()
    assert (found.changes, found.types) == ([], [])
    more = sales.shipment(1, {11: 1})
    assert sales.reconcile().changes == [f"odoo_delivery {more}"]
    sales.delivery(1, {11: 1}, of=more)
    assert (sales.reconcile().changes, sales.reconcile().types) == ([], [])


def test_documents_of_an_existing_match_count_with_the_others() -> None:
    """The earlier match of a first half stays, also one of our own reference."""
    sales = Sales().sold(items={11: 4})
    shipment = sales.shipment(1, {11: 2})
    first = sales.delivery(1, {11: 1}, of=shipment)
    assert sales.reconcile().types == [f"quantity_mismatch shipment M-shipment-{shipment}"]
    sales.delivery(1, {11: 1})
    found = sales.reconcile()
    assert (found.changes, found.types) == ([], [])
    assert ("shipment", shipment, first) in {pair[:3] for pair in found.pairs}


def test_a_difference_is_one_finding_that_names_all_documents() -> None:
    sales = Sales().sold(items={11: 9, 12: 9})
    one, two = sales.shipment(1, {11: 2, 12: 1}), sales.shipment(1, {11: 3})
    three = sales.delivery(1, {11: 4})
    found = sales.reconcile()
    assert found.changes == []
    assert found.types == [f"quantity_mismatch shipment M-shipment-{one}"]
    finding = found.one("quantity_mismatch")
    assert (finding.magento_value, finding.odoo_value) == ("SKU11 x 5, SKU12 x 1", "SKU11 x 4, SKU12 x 0")
    assert all(number in finding.detail for number in (f"M-shipment-{one}, M-shipment-{two}", f"O-shipment-{three}"))
    assert "never written a second time" in (finding.no_change_reason or "")


def test_goods_that_only_one_side_has_are_written_beside_parcels_that_differ() -> None:
    sales = Sales().sold(items={11: 4, 12: 2})
    sales.shipment(1, {11: 2})
    sales.delivery(1, {11: 1})
    other = sales.shipment(1, {12: 1})
    assert sales.reconcile().changes == [f"odoo_delivery {other}"]


@pytest.mark.parametrize("whole", [2, 1])
def test_a_bundle_shipped_together_that_odoo_delivered_part_by_part(whole: int) -> None:
    sales = bundle()
    sales.shipment(1, {10: whole})
    sales.delivery(1, {11: 2 * whole})
    assert sales.reconcile().changes == []
    sales.delivery(1, {12: whole})
    found = sales.reconcile()
    assert ([change for change in found.changes if "ship" in change or "deliver" in change], found.types) == ([], [])


@pytest.mark.parametrize(
    ("magento", "odoo", "expected"),
    [
        ([[]], [["A"], ["B"]], [("magento_tracking", ["A", "B"])]),
        ([["A"]], [["A"], ["B"]], [("magento_tracking", ["B"])]),
        ([["A"], ["B"]], [[]], [("odoo_tracking", ["A", "B"])]),
        ([["A, B"]], [["a"], ["b"]], []),
        ([["A", "B"]], [[], []], []),
    ],
)
def test_numbers_go_to_the_only_document_of_the_other_side(
    magento: list[list[str]], odoo: list[list[str]], expected: list[tuple[str, list[str]]]
) -> None:
    sales = Sales().sold(items={11: 9})
    for tracks in magento:
        sales.shipment(1, {11: 2 // len(magento)}, tracking=tracks)
    for tracks in odoo:
        sales.delivery(1, {11: 2 // len(odoo)}, tracking=tracks)
    found = sales.reconcile()
    assert [(change.kind.value, list(change.intent.tracks)) for change in found.result.changes] == expected
    assert found.names == ["tracking_mismatch"] * len(expected)
