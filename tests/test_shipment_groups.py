"""Shipments that are compared in sum: lists, the order's page, `explain` and the checks call them what they are, and nobody is asked."""

from __future__ import annotations

from typing import Any

from shop_and_books import ShopAndBooks
from sqlalchemy import text
from stories import Story, run_chain, story

from magodoo.pipeline import sales_lists
from magodoo.quality import suites
from magodoo.quality.catalogue import RESULT_CHECKS
from magodoo.reconcile.explain import explain
from magodoo.timestamps import utc_now

THREE = {"SKU-001": 3}


def listed(pair: ShopAndBooks, order: int) -> list[tuple[Any, ...]]:
    """(match, Magento number, Odoo number, status) of the lines of an order's shipments."""
    sales_lists.run(pair.context())
    statement = "select match, magento_number, odoo_number, status from listed where kind = 'shipment' and order_key = :order order by 2, 3"
    with pair.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), {"order": str(order)})]


def explained(pair: ShopAndBooks, order: int) -> str:
    with pair.engine.connect() as connection:
        return explain(connection, pair.instance.id, str(pair.shop.order(order)["increment_id"]))


def unanswered(pair: ShopAndBooks) -> list[str]:
    """The documents of which the quality checks find neither a match nor an explanation."""
    checks = [check for check in RESULT_CHECKS if check.name == "every_document_answered"]
    failures = suites.run(pair.engine, pair.instance, None, utc_now(), checks)
    return [str(failure) for failure in failures]


@story()
def test_goods_delivered_in_two_parts_before_the_match_are_no_difference(pair: ShopAndBooks) -> Story:
    order = pair.order(THREE, "cashondelivery")
    pair.enter_order(order, linked=False)
    deliveries = [pair.deliver(order, {"SKU-001": pieces}) for pieces in (2, 1)]
    pair.shop.ship(order)
    yield run_chain()
    assert pair.findings(order) == set()
    assert (len(pair.shipments(order)), len(pair.pickings(order))) == (1, 2)
    own, first, second = (
        pair.shipments(order)[0]["increment_id"],
        *(pair.rows("stock.picking", [["id", "=", each]], "name")[0]["name"] for each in deliveries),
    )
    both = f"{first}, {second}"
    assert sorted(listed(pair, order)) == sorted(("matched", own, other, "done") for other in (both, first, second))
    told = explained(pair, order)
    assert f"<->  the same goods in sum as {both} in Odoo, in whichever parcels" in told
    assert told.count(f"<->  the same goods in sum as {own} in Magento") == 2
    assert "nothing in" not in told
    assert unanswered(pair) == []


@story()
def test_indistinguishable_parcels_need_no_decision_and_a_third_is_written_once(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(THREE, "cashondelivery")
    pair.enter_order(order, linked=False)
    item = pair.items(order)["SKU-001"]
    for _ in range(2):
        pair.deliver(order, {"SKU-001": 1})
        pair.shop.ship(order, {item: 1})
    yield run_chain()
    assert pair.findings(order) == set()
    assert {line[0] for line in listed(pair, order)} == {"matched"}
    pair.shop.ship(order, {item: 1})
    yield run_chain()
    assert pair.findings(order) == set()
    done = [row for row in pair.pickings(order) if row["state"] == "done"]
    assert (len(pair.shipments(order)), len(done)) == (3, 3)
    assert unanswered(pair) == []


@story()
def test_parcels_that_differ_in_sum_are_all_marked_different(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 9}, "cashondelivery")
    pair.enter_order(order, linked=False)
    item = pair.items(order)["SKU-001"]
    pair.deliver(order, {"SKU-001": 4})
    for pieces in (2, 3):
        pair.shop.ship(order, {item: pieces})
    yield run_chain()
    assert [kind for kind, *_ in pair.findings(order)] == ["quantity_mismatch"]
    assert {line[0] for line in listed(pair, order)} == {"differs"}
    assert "compared in sum with" in explained(pair, order)
    assert unanswered(pair) == []
