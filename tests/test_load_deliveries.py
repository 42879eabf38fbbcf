"""Deliveries whose key Odoo copies, whose worker dies half way, and the days that invoices get from them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from interruptions import at, die
from load_lab import Died, Lab

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.ledger import checkpoints
from magodoo.ledger.leases import Leases
from magodoo.ledger.planned import PlannedChange


def copy_keys(made: Lab) -> None:
    """As Odoo makes a field that an administrator adds by hand: *Copied* is on."""
    pickings: Any = made.db.models["stock.picking"]
    pickings.add_field(dataclasses.replace(pickings.fields["x_magento_key"], copy=True))


def delivery(made: Lab, order: int, shipment: int, items: list[list[Any]]) -> PlannedChange:
    return made.planned(ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=items, tracks=[])


def test_a_key_that_odoo_copied_to_the_backorder_delivers_nothing_twice_and_holds_nothing_back(made: Lab) -> None:
    copy_keys(made)
    order = made.order({"A": 3})
    item = made.items(order)["A"]
    first, second = made.shop.ship(order, {item: 1}), made.shop.ship(order, {item: 1})
    made.read()
    plans = [delivery(made, order, number, [[str(item), 10_000]]) for number in (first, second)]
    made.plan(*made.whole_order(order), plans[0])
    made.load()
    states = made.records("stock.picking", "state x_magento_key")
    key = f"ship_us_{first}"
    assert [(row["state"], row["x_magento_key"]) for row in states] == [("done", key), ("assigned", key)]
    made.plan(plans[0])
    made.load()
    (line,) = made.records("sale.order.line", "qty_delivered", [["is_delivery", "=", False]])
    assert line["qty_delivered"] == 1, "what was delivered already is found and not delivered again"
    made.plan(plans[1])
    made.load()
    assert set(made.states()) == {"done"}
    (line,) = made.records("sale.order.line", "qty_delivered", [["is_delivery", "=", False]])
    assert line["qty_delivered"] == 2
    made.read()
    with made.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "select reference from document where side = 'odoo' and kind = 'shipment' order by source_id::bigint"
        )
        assert list(found.scalars()) == [key, f"ship_us_{second}", None]


def return_of_delivered(made: Lab) -> PlannedChange[Any]:
    """The return of one of two pieces, which are delivered."""
    order = made.order({"A": 2})
    item = made.items(order)["A"]
    shipment = made.shop.ship(order)
    memo_of = made.shop.invoice(order)
    memo = made.shop.refund(order, {item: 1})
    made.read()
    back = made.planned(ChangeKind.ODOO_STOCK_RETURN, memo, Kind.CREDIT_MEMO, order, items=[[str(item), 10_000]])
    made.plan(*made.whole_order(order, memo_of), delivery(made, order, shipment, [[str(item), 20_000]]))
    made.load()
    return back


def test_goods_that_a_transfer_brought_back_do_not_carry_its_key(made: Lab) -> None:
    copy_keys(made)
    back = return_of_delivered(made)
    (picking,) = made.records("stock.picking", "id")
    (wizard,) = made.db.call("stock.return.picking", "create", vals_list=[{"picking_id": picking["id"]}])
    (line,) = made.records("stock.return.picking.line", "id", [["wizard_id", "=", wizard]])
    made.db.call("stock.return.picking.line", "write", ids=[line["id"]], vals={"quantity": 1})
    made.db.call("stock.return.picking", "action_create_returns", ids=[wizard])
    made.plan(back)
    made.load()
    (returned,) = made.records("stock.picking", "state", [["return_id", "=", picking["id"]]])
    assert returned["state"] == "done", "the clerk's return is the one, and no second one is made"


def test_a_return_is_refused_and_not_tried_where_odoo_has_no_wizard_for_it(made: Lab) -> None:
    made.db.series = 20
    back = return_of_delivered(made)
    (change,) = made.plan(back)
    made.load()
    state, reason = made.state(change)
    assert (state, "the wizard that makes them is gone" in reason) == ("refused", True)
    assert made.db.tables["stock.return.picking"] == {}
    assert [row["state"] for row in made.records("stock.picking", "state")] == ["done"]


def invoiced_and_shipped(made: Lab, days_ago: float) -> PlannedChange:
    """An order whose invoice is in Odoo; Magento shipped it days ago. Returns its delivery."""
    order = made.order({"A": 2})
    invoice = made.shop.invoice(order)
    made.shop.now = datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_ago)
    shipment = made.shop.ship(order)
    made.shop.now = None
    made.read()
    made.plan(*made.whole_order(order, invoice))
    made.load()
    made.read()
    return delivery(made, order, shipment, [[str(made.items(order)["A"]), 20_000]])


def day(days_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days_ago)).date().isoformat()


@pytest.mark.parametrize("point", ["written", "read_back"])
def test_a_worker_that_dies_after_the_delivery_is_followed_by_one_that_dates_the_invoice(made: Lab, point: str) -> None:
    made.plan(invoiced_and_shipped(made, 6))
    at(point, 1, die)
    with pytest.raises(Died), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Leases, "release", lambda *_: None)
        made.load()
    checkpoints.visit(None)
    assert [row["state"] for row in made.records("stock.picking", "state")] == ["done"]
    with made.engine.begin() as connection:
        connection.exec_driver_sql("update change set lease_until = lease_until - interval '1 hour'")
        connection.exec_driver_sql("update order_lease set until = until - interval '1 hour'")
    made.load()
    assert set(made.states()) == {"done"}
    assert [row["delivery_date"] for row in made.records("account.move", "delivery_date")] == [day(6)]


def test_odoo_that_goes_away_after_the_delivery_leaves_the_date_to_the_next_run(made: Lab) -> None:
    made.plan(invoiced_and_shipped(made, 6))
    made.odoo.faults.add("status", status=503, path="account.move", probability=1.0)
    made.load()
    assert set(made.states()) == {"done", "uncertain"}
    made.odoo.faults.clear()
    with made.engine.begin() as connection:
        connection.exec_driver_sql("update change set not_before = now() where state = 'uncertain'")
        connection.exec_driver_sql("update order_lease set until = until - interval '1 hour'")
    made.load()
    assert set(made.states()) == {"done"}
    assert [row["delivery_date"] for row in made.records("account.move", "delivery_date")] == [day(6)]
