"""Validation asks only for what is used: whatever is in other fields, a document is read as if it were not there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import given
from hypothesis import strategies as st
from staged import NOON, instance

from magodoo.connectors.magento.items import Role, check_lines, complete_types, order_items
from magodoo.connectors.magento.needed import SHAPES
from magodoo.connectors.magento.schema import Fate, Shape, sound
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument
from magodoo.extract import magento_documents
from magodoo.extract.canonical import CanonicalDocument

Path = tuple[Any, ...]
DOCUMENTS = list(recorded.magento())
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=30),
    st.sampled_from([0, "0", -1, 2**63, 10**40, Decimal("1e300"), "", "\0", "\ud800", "x" * 5000, [], {}, [[]], [None], {"id": []}]),
)  # fmt: skip
MISSING = object()


def unread(shape: Shape, value: Any, at: Path = ()) -> Iterator[Path]:
    """Every field of a document that the table does not name, whatever lies below it."""
    for name, inner in value.items():
        known = shape.fields.get(name)
        if known is None:
            yield (*at, name)
        elif known.inner and isinstance(inner, dict):
            yield from unread(known.inner, inner, (*at, name))
        elif known.inner and isinstance(inner, list):
            for index, row in enumerate(inner):
                yield from unread(known.inner, row, (*at, name, index))


def spared(shape: Shape, value: Any, at: Path = ()) -> Iterator[tuple[Path, bool]]:
    """Every field of a document that it can do without, and whether its absence is reported."""
    for name, known in shape.fields.items():
        inner = value.get(name)
        if known.unsound is Fate.NOTED:
            yield (*at, name), known.missing is Fate.NOTED
        elif known.inner and isinstance(inner, dict):
            yield from spared(known.inner, inner, (*at, name))
        elif known.inner and isinstance(inner, list):
            for index, row in enumerate(inner):
                yield from spared(known.inner, row, (*at, name, index))


def put(row: Any, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(row)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    if value is MISSING:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return changed


def read(kind: str, row: Any) -> CanonicalDocument:
    document = magento_documents.read(instance(), kind, sound(SHAPES[Kind(kind)], row), NOON)
    return replace(document, payload={})


@st.composite
def with_junk(draw: st.DrawFn) -> tuple[str, Any, Any]:
    """A recorded document, and the same with something else in one to four fields that nothing reads."""
    kind, row = draw(st.sampled_from(DOCUMENTS))
    changed = row
    for path in draw(
        st.lists(st.sampled_from(list(unread(SHAPES[Kind(kind)], row))), min_size=1, max_size=4, unique=True)
    ):
        changed = put(changed, path, draw(st.one_of(JUNK, st.just(MISSING))))
    for name in draw(st.lists(st.sampled_from(["coupon_code", "x_extension", "shipping_address_id"]), max_size=1)):
        changed = put(changed, (name,), draw(JUNK))
    return kind, row, changed


@given(with_junk())
def test_a_field_that_is_not_read_changes_nothing(document: tuple[str, Any, Any]) -> None:
    kind, row, changed = document
    assert read(kind, changed) == read(kind, row)


@st.composite
def without_what_it_can_spare(draw: st.DrawFn) -> tuple[str, Any, Any, bool]:
    kind, row = draw(st.sampled_from(DOCUMENTS))
    path, is_reported = draw(st.sampled_from(list(spared(SHAPES[Kind(kind)], row))))
    other = [[5], "text"] if path[-1] == "extension_attributes" else [[5], {"a": 1}, {"a": {"b": []}}]
    value = draw(st.sampled_from([MISSING, None, *other]))
    known = value is MISSING or value is None
    return kind, row, put(row, path, value), is_reported if known else True


@given(without_what_it_can_spare())
def test_an_unreadable_optional_field_is_dropped_alone_and_reported(document: tuple[str, Any, Any, bool]) -> None:
    kind, row, changed, is_reported = document
    whole, part = read(kind, row), read(kind, changed)
    assert bool(part.details.get("set_aside")) is is_reported
    money = (
        "number",
        "order_key",
        "subtotal",
        "shipping",
        "discount",
        "adjustment",
        "tax",
        "grand_total",
        "sound",
        "store_id",
    )
    assert [getattr(part, name) for name in money] == [getattr(whole, name) for name in money]
    if _is_untyped_parent(kind, changed):
        return  # which rows carry its money is not known: the order is `unmapped` (tests/test_rules_unusual_documents.py)
    assert [(line.item_key, line.untaxed, line.tax, line.is_money) for line in part.lines] == [
        (line.item_key, line.untaxed, line.tax, line.is_money) for line in whole.lines
    ]


def _is_untyped_parent(kind: str, row: Any) -> bool:
    """Whether an order has an item with parts of which nothing says whether it is a bundle."""
    items = sound(SHAPES[Kind(kind)], row)["items"] if kind == "order" else []
    parents = {item.get("parent_item_id") for item in items}
    return any(not item.get("product_type") and item["item_id"] in parents for item in items)


@pytest.mark.parametrize("kind", list(SHAPES))
def test_every_field_says_what_it_is_needed_for(kind: Kind) -> None:
    def uses(shape: Shape) -> Iterator[str]:
        for known in shape.fields.values():
            yield known.use
            if known.inner:
                yield from uses(known.inner)

    assert all(len(use) > 8 for use in uses(SHAPES[kind]))


# The product type


def of_order(order_id: int) -> Any:
    return copy.deepcopy(recorded.magento_row("order", order_id))


@pytest.mark.parametrize("order_id", [4, 5, 6, 7])
def test_a_missing_product_type_is_taken_from_another_field(order_id: int) -> None:
    row = of_order(order_id)
    row.setdefault("extension_attributes", {})["shipping_assignments"] = [{"items": copy.deepcopy(row["items"])}]
    for item in row["items"]:
        del item["product_type"]
    assert read("order", row).lines == read("order", of_order(order_id)).lines


def test_a_missing_product_type_follows_from_the_options_or_stays_unknown() -> None:
    bundle = {"item_id": 1, "product_option": {"extension_attributes": {"bundle_options": [{}]}}}
    order = {"items": [bundle, {"item_id": 2}, {"item_id": 3, "product_type": ""}], "extension_attributes": "none"}
    complete_types(order)
    assert [item["product_type"] for item in order["items"]] == ["bundle", None, None]


def test_nothing_is_written_to_magento_for_a_row_of_unknown_product_type() -> None:
    order = of_order(6)
    for item in order["items"]:
        item["product_type"] = None
    (parent,) = [
        item["item_id"] for item in order["items"] if not item.get("parent_item_id") and has_parts(order, item)
    ]
    assert order_items(order)[parent].role is Role.UNTOLD
    with pytest.raises(FixDocument, match="does not say whether it is a bundle"):
        check_lines(Kind.SHIPMENT, order, [(parent, Decimal(1))])


def has_parts(order: Any, item: Any) -> bool:
    return any(row.get("parent_item_id") == item["item_id"] for row in order["items"])
