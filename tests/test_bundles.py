"""What an order says of its bundles, in the form of each Magento version, and which goods a shipment of them moves.

Orders are drawn and placed in the sandbox, which shows them as 2.4.7 does, or with the bundle's price on the parts as from 2.4.8.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reconcile_sales import Sales
from staged import instance

from magodoo.connectors.magento.bundles import is_priced_by_parts
from magodoo.connectors.magento.items import Role, by_parts, order_items, shipped_goods
from magodoo.extract import magento_documents
from magodoo.flows.magento_credit_memo import predicted_credit_memo
from magodoo.flows.magento_invoice import predicted_invoice
from magodoo.money import to_units
from magodoo_sandbox.magento import Line, MagentoShop, render
from magodoo_sandbox.magento.pricing import Coupon

Row = dict[str, Any]
NOW = datetime(2026, 11, 20, tzinfo=UTC)
INSTANCE = instance()
CALCULATED_BY_PARTS, CALCULATED_BY_BUNDLE = 0, 1


@st.composite
def orders(draw: st.DrawFn) -> tuple[MagentoShop, int]:
    """An order of one to three bundles, of either price and way of shipping, with free and virtual parts, beside another article."""
    shop = MagentoShop()
    shop.add_tax_rate("US", draw(st.sampled_from(("0", "8.25", "19"))))
    store = "default"
    if draw(st.booleans()):
        shop.add_store("eu", currency="EUR", rate="0.9137")
        store = "eu"
    kinds = st.sampled_from(("simple", "simple", "virtual"))
    prices = st.decimals("0", "99", places=2)
    lines = [Line("OTHER", draw(st.integers(1, 3)))]
    shop.add_product("OTHER", price=draw(prices))
    for number in range(draw(st.integers(1, 3))):
        parts = []
        for place in range(draw(st.integers(1, 3))):
            sku = f"PART-{number}-{place}"
            shop.add_product(sku, price=draw(prices), product_type="simple" if not place else draw(kinds))
            parts.append((sku, draw(st.integers(1, 3))))
        shop.add_product(
            f"BUNDLE-{number}", price=draw(prices), product_type="bundle", children=parts, dynamic=draw(st.booleans()),
            ships_separately=draw(st.booleans()),
        )  # fmt: skip
        lines.append(Line(f"BUNDLE-{number}", draw(st.integers(1, 4))))
    coupon = draw(st.sampled_from((None, Coupon("TEN", percent=Decimal(10)), Coupon("ALL", percent=Decimal(100)))))
    return shop, shop.place_order(lines, store=store, coupon=coupon, shipping_amount=5)


def shown(shop: MagentoShop, order: int, *, upgraded: bool) -> Row:
    """The order over REST, in the form of 2.4.7 or of a newer version."""
    row: Row = shop.order(order) | {"_parts_show_bundle_price": upgraded}
    return dict(json.loads(render.to_json(render.order(row)), parse_float=Decimal))


def priced_by_parts(shop: MagentoShop, order: int) -> set[int]:
    return {item["item_id"] for item in shop.order(order)["items"] if item.get("_dynamic")}


def is_free(shop: MagentoShop, order: int) -> bool:
    """Whether a bundle that its parts price costs nothing: nothing in the order distinguishes it from one of fixed price."""
    rows = shop.order(order)["items"]
    return any(item.get("_dynamic") and not item["price"] for item in rows)


@settings(max_examples=25)
@given(orders())
def test_an_upgrade_of_magento_changes_nothing_of_an_order(placed: tuple[MagentoShop, int]) -> None:
    shop, order = placed
    read = [magento_documents.read(INSTANCE, "order", shown(shop, order, upgraded=new), NOW) for new in (False, True)]
    before, after = ({**asdict(document), "payload": None} for document in read)
    assert before == after
    assert read[1].sound
    roles = [order_items(shown(shop, order, upgraded=new)) for new in (False, True)]
    assert roles[0] == roles[1]


@settings(max_examples=25)
@given(orders())
def test_the_price_is_where_the_order_says(placed: tuple[MagentoShop, int]) -> None:
    shop, order = placed
    row = shown(shop, order, upgraded=True)
    if is_free(shop, order):
        return
    dynamic = {number for number, item in order_items(row).items() if item.role is Role.DYNAMIC_BUNDLE}
    assert dynamic == priced_by_parts(shop, order)
    document = magento_documents.read(INSTANCE, "order", row, NOW)
    money = {int(line.item_key or 0) for line in document.lines if line.role == "item" and line.is_money}
    items = {item["item_id"]: item.get("parent_item_id") for item in row["items"]}
    assert money == {
        item for item, parent in items.items() if parent in dynamic or (not parent and item not in dynamic)
    }


@settings(max_examples=15)
@given(orders(), st.booleans())
def test_an_invoice_and_a_refund_of_bundles_are_predicted_to_the_cent(
    placed: tuple[MagentoShop, int], upgraded: bool
) -> None:
    shop, order = placed
    tops = [item for item in shop.order(order)["items"] if not item.get("parent_item_id")]
    half = {item["item_id"]: max(int(item["qty_ordered"]) // 2, 1) for item in tops}
    expected = predicted_invoice(
        shown(shop, order, upgraded=upgraded), [[item, quantity * 10_000] for item, quantity in half.items()]
    )
    invoice = shop.tables.invoices[shop.invoice(order, dict(half))]
    assert expected == pytest.approx(to_units(invoice["grand_total"]), abs=100 * len(shop.order(order)["items"])), (
        "a cent a row"
    )
    dynamic = priced_by_parts(shop, order)
    items = shop.order(order)["items"]
    refunded = {
        item["item_id"]: item["qty_invoiced"]
        for item in items
        if item["item_id"] not in dynamic and (not item.get("parent_item_id") or item["parent_item_id"] in dynamic)
    }
    request: Any = SimpleNamespace(
        items=[(item, to_units(quantity)) for item, quantity in refunded.items()],
        shipping_amount=0, adjustment_positive=0, adjustment_negative=0,
    )  # fmt: skip
    memo = predicted_credit_memo(shown(shop, order, upgraded=upgraded), request)
    made = shop.tables.creditmemos[shop.refund(order, refunded, shipping=0)]
    assert memo == pytest.approx(to_units(made["grand_total"]), abs=100 * len(items))


@pytest.mark.parametrize("form", [dict, json.dumps])
def test_a_declared_price_mode_takes_precedence_over_the_figures(form: Any) -> None:
    """`product_calculations` is in the item's options: an extension may show them."""
    fixed = {"item_id": 1, "product_type": "bundle", "product_options": form({"product_calculations": 1})}
    dynamic = fixed | {"product_options": form({"product_calculations": 0})}
    shows_prices, shows_none = [{"base_price": 5, "row_total": 5}], [{"base_price": 0, "row_total": 0}]
    assert not is_priced_by_parts(fixed, shows_prices)
    assert is_priced_by_parts(dynamic, shows_none)
    for damaged in ("{", "[]", "null", None, {"product_calculations": "x"}):
        assert is_priced_by_parts(fixed | {"product_options": damaged}, shows_prices)


@settings(max_examples=25)
@given(orders(), st.data())
def test_parcels_move_the_shipped_goods_whichever_line_names_them(
    placed: tuple[MagentoShop, int], data: st.DataObject
) -> None:
    """The sandbox ships as `ShipmentFactory` does; the sum of all parcels is the order without what is virtual."""
    shop, order = placed
    moved: dict[int, Decimal] = {}
    for _ in range(6):
        row = shown(shop, order, upgraded=False)
        open_ = {item: left for item, left in open_to_ship(shop, order).items() if left}
        if not open_:
            break
        chosen = data.draw(st.lists(st.sampled_from(sorted(open_)), unique=True, min_size=1))
        asked: dict[int | None, Any] = {item: data.draw(st.integers(1, int(open_[item]))) for item in chosen}
        shipment = shop.tables.shipments[shop.ship(order, asked)]
        goods = shipped_goods(row, [(line["order_item_id"], Decimal(line["qty"])) for line in shipment["items"]])
        assert goods == shipped_goods(row, [(item or 0, Decimal(quantity)) for item, quantity in asked.items()])
        for item, quantity in goods.items():
            moved[item] = moved.get(item, Decimal(0)) + quantity
    rows = {item["item_id"]: item for item in shop.order(order)["items"]}
    assert all(quantity <= rows[item]["qty_ordered"] for item, quantity in moved.items())
    assert not any(rows[item]["is_virtual"] for item in moved)


def open_to_ship(shop: MagentoShop, order: int) -> dict[int, Decimal]:
    """Open quantities by the items that Magento ships: parts of what ships separately, bundles that ship together."""
    rows = {item["item_id"]: item for item in shop.order(order)["items"]}
    separate = {number for number, item in rows.items() if item.get("_ships_separately")}
    return {
        number: item["qty_ordered"] - item["qty_shipped"]
        for number, item in rows.items()
        if not item["is_virtual"]
        and (item["parent_item_id"] in separate if item.get("parent_item_id") else number not in separate)
    }


@settings(max_examples=15)
@given(orders())
def test_whole_bundles_by_their_parts_are_the_same_goods(placed: tuple[MagentoShop, int]) -> None:
    shop, order = placed
    row = shown(shop, order, upgraded=False)
    tops = [(item["item_id"], Decimal(1)) for item in row["items"] if not item.get("parent_item_id")]
    bundles = [item["item_id"] for item in row["items"] if item["product_type"] == "bundle"]
    named = by_parts(row, tops, bundles)
    assert not {item for item, _ in named} & set(bundles)
    assert shipped_goods(row, named) == shipped_goods(row, tops)


@st.composite
def parcels(draw: st.DrawFn) -> list[dict[int, int]]:
    """How 4 of item 11 and 2 of item 12, the parts of two bundles 10, and 3 of item 20 leave in some parcels."""
    left = {11: 4, 12: 2, 20: 3}
    made = []
    while any(left.values()):
        parcel = {item: draw(st.integers(0, units)) for item, units in left.items()}
        parcel = {item: units for item, units in parcel.items() if units} or {
            item: units for item, units in left.items() if units
        }
        for item, units in parcel.items():
            left[item] -= units
        if {11, 12} & parcel.keys() or draw(st.booleans()):
            parcel[10] = 1
        made.append(parcel)
    return made


def sold(*, priced_by_parts: bool) -> Sales:
    """Two bundles 10 of twice item 11 and once item 12, and three of item 20."""
    sales = Sales()
    sales.order(1, items={10: 2, 11: 4, 12: 2, 20: 3}, total=90)
    for line in sales.lines:
        if line["item_key"] in ("11", "12"):
            line |= {"product_type": "simple", "parent_item_key": "10", "is_money": priced_by_parts}
        elif line["item_key"] == "10":
            line |= {"product_type": "bundle", "is_money": not priced_by_parts}
    items = {11: 4, 12: 2, 20: 3} if priced_by_parts else {10: 2, 20: 3}
    sales.odoo_order(1, items=items)
    return sales


def shipments(sales: Sales, parcels: list[dict[int, int]]) -> list[int]:
    """The parcels as Magento writes them: the label is not in `total_qty`."""
    return [
        sales.shipment(1, parcel, quantity=to_units(sum(units for item, units in parcel.items() if item != 10)))
        for parcel in parcels
    ]


@settings(max_examples=50)
@given(parcels())
def test_each_parcel_of_a_separately_shipped_bundle_delivers_its_parts(drawn: list[dict[int, int]]) -> None:
    sales = sold(priced_by_parts=True)
    shipments(sales, drawn)
    planned = [change.intent.items for change in sales.reconcile().result.changes if change.kind == "odoo_delivery"]
    expected = [{item: units for item, units in parcel.items() if item != 10} for parcel in drawn]
    assert [{int(item): units // 10_000 for item, units in items} for items in planned] == expected


@settings(max_examples=50)
@given(parcels())
def test_the_last_part_of_a_separately_shipped_fixed_bundle_delivers_it(drawn: list[dict[int, int]]) -> None:
    sales = sold(priced_by_parts=False)
    numbers = shipments(sales, drawn)
    found = sales.reconcile()
    planned = {int(change.source_id): dict(change.intent.items) for change in found.result.changes}
    out: dict[int, int] = {11: 0, 12: 0}
    done = 0
    for number, parcel in zip(numbers, drawn, strict=True):
        out = {item: units + parcel.get(item, 0) for item, units in out.items()}
        whole = min(out[11] // 2, out[12])
        expected = {item: units for item, units in ((10, whole - done), (20, parcel.get(20, 0))) if units}
        done = whole
        assert {int(item): units // 10_000 for item, units in planned.get(number, {}).items()} == expected
    assert done == 2
    assert found.names.count("missing_in_odoo") == len(planned), "a parcel whose parts left with a later one is no lack"
