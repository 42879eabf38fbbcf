"""Workers that are held up beyond their lease, and what waits for a change that was not made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from faults.mutations import mutated
from load_lab import Lab, lab
from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.errors import TooLate
from magodoo.ledger import checkpoints, decisions
from magodoo.pipeline import reconcile
from magodoo.timestamps import utc_now


@pytest.fixture
def made(staging_url: str) -> Iterator[Lab]:
    with lab(staging_url, shipments={"returns": "shipped_items"}) as made:
        yield made
    checkpoints.visit(None)


def delivered_and_refunded(made: Lab) -> tuple[int, int, list[int]]:
    """An order whose goods were shipped and partly refunded: its id, its shipment's, and the planned changes."""
    order = made.order({"A": 2})
    item = str(made.items(order)["A"])
    invoice, shipment = made.shop.invoice(order), made.shop.ship(order)
    memo = made.shop.refund(order, {int(item): 1})
    made.read()
    changes = made.plan(
        *made.whole_order(order, invoice),
        made.planned(ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=[[item, 20_000]], tracks=[]),
        made.planned(ChangeKind.ODOO_CREDIT_NOTE, memo, Kind.CREDIT_MEMO, order, post=True),
        made.planned(ChangeKind.ODOO_STOCK_RETURN, memo, Kind.CREDIT_MEMO, order, items=[[item, 10_000]]),
    )
    return order, shipment, changes


def done_pickings(made: Lab) -> list[str]:
    rows = made.records("stock.picking", "state picking_type_code", [["state", "=", "done"]])
    return sorted(row["picking_type_code"] for row in rows)


@pytest.mark.parametrize("by_task", [True, False])
def test_a_change_waiting_for_a_dropped_one_is_planned_again_and_not_refused(made: Lab, by_task: bool) -> None:
    """Found by the fault campaign (seed 44): a return whose delivery had to be planned anew was refused, and stayed so."""
    order, shipment, changes = delivered_and_refunded(made)
    made.shop.add_track(shipment, "T1", "UPS", "ups")
    for kinds in [[kind] for kind in ChangeKind] if by_task else [None, None]:
        made.load(kinds=kinds)
    assert [made.state(change)[0] for change in changes] == ["done", "done", "superseded", "done", "superseded"]
    reconcile.run(made.context, [str(order)])
    made.release()
    made.load()
    assert done_pickings(made) == ["incoming", "outgoing"]


def test_a_change_waiting_for_a_refused_one_is_planned_again(made: Lab) -> None:
    _, _, changes = delivered_and_refunded(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    (sale,) = made.records("sale.order", "id")
    made.db.call("sale.order", "action_cancel", ids=[sale["id"]])
    made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert [made.state(change)[0] for change in changes] == ["done", "refused", "planned", "superseded", "superseded"]
    assert "odoo_invoice" in made.state(changes[3])[1]


def test_a_dependent_change_is_not_tried_before_its_prerequisite(made: Lab) -> None:
    order = made.order({"A": 2})
    invoice = made.shop.invoice(order)
    memo = made.shop.refund(order, {made.items(order)["A"]: 1})
    made.read()
    changes = made.plan(
        made.whole_order(order, invoice)[1],  # its order is not in Odoo, and no import of it is planned
        made.planned(ChangeKind.ODOO_CREDIT_NOTE, memo, Kind.CREDIT_MEMO, order, post=True),
    )
    assert made.load()["put_back"] == 2
    reasons = ["the order is not in Odoo yet", "an earlier change of the order is not done yet"]
    assert [made.state(change)[:2] for change in changes] == [("planned", reason) for reason in reasons]


def test_a_return_as_the_last_change_of_an_order_stays_planned(made: Lab) -> None:
    """A worker that died before the return left it planned; with nothing else to resolve, the next plan took it out of the ledger."""
    order, _, changes = delivered_and_refunded(made)
    made.load(kinds=[kind for kind in ChangeKind if kind is not ChangeKind.ODOO_STOCK_RETURN])
    reconcile.run(made.context, [str(order)])
    assert [made.state(change)[0] for change in changes] == ["done", "done", "done", "done", "planned"]
    made.load()
    assert done_pickings(made) == ["incoming", "outgoing"]
    reconcile.run(made.context, [str(order)])
    assert made.states() == ["done"] * 5


def test_a_change_depending_on_a_rejected_one_is_planned_again_without_it(made: Lab) -> None:
    order, _, changes = delivered_and_refunded(made)
    with made.engine.begin() as connection:
        assert decisions.reject(connection, [changes[2]], "Ann", "the parcel came back", utc_now()) == 1
    made.load()
    assert [made.state(change)[0] for change in changes] == ["done", "done", "refused", "done", "superseded"]
    reconcile.run(made.context)
    made.release()
    made.load()
    assert done_pickings(made) == []
    with made.engine.begin() as connection:
        assert decisions.reopen(connection, [changes[2]], "Ann") == 1
        assert decisions.approve(connection, [changes[2]], "Ann", "", utc_now()) == 1
    made.release()
    made.load()
    reconcile.run(made.context, [str(order)])
    made.release()
    made.load()
    assert done_pickings(made) == ["incoming", "outgoing"]


def test_a_worker_that_wakes_up_when_its_lease_is_about_to_end_sends_no_write(made: Lab) -> None:
    """Between the last check of the lease and the call nothing but the worker's own clock can show that it was held up."""
    made.with_policy(lease_seconds=2, settle_seconds=1)
    order = made.order({"A": 2})
    made.read()
    made.plan(*made.whole_order(order))
    checkpoints.visit(lambda name: time.sleep(1.1) if name == "checked" else None)
    counts = made.load()
    assert (counts["applied"], counts["uncertain"]) == (0, 1)  # of several calls: it is probed before it goes on
    assert made.records("sale.order", "id") == made.records("res.partner", "id", [["email", "like", "guest"]]) == []
    checkpoints.visit(None)
    time.sleep(1.1)
    assert made.load()["applied"] == 1


@pytest.mark.parametrize("side", ["magento", "odoo"])
def test_a_client_sends_no_write_after_the_moment_that_it_was_given(made: Lab, side: str) -> None:
    order = made.order({"A": 2})
    now = time.monotonic()
    with pytest.raises(TooLate, match="not sent"):
        if side == "magento":
            made.context.magento.until(now).create_shipment(order, [(made.items(order)["A"], Decimal(1))], [], "mark")
        else:
            made.context.odoo.until(now).rpc.write_call("res.partner", "create", vals_list=[{"name": "late"}])
    assert list(made.shop.tables.shipments.of_order(order)) == []
    assert made.records("res.partner", "id", [["name", "=", "late"]]) == []


@pytest.mark.parametrize(("step", "wanted"), [("", 1), ("fencing", 2)])
def test_a_worker_that_was_away_while_another_shipped_ships_nothing(made: Lab, step: str, wanted: int) -> None:
    """And without the token it would be there twice: Magento takes a second equal shipment while goods are open."""
    order = made.order({"A": 4})
    made.read()
    made.plan(made.shipped_one(order))

    def another_comes(name: str) -> None:
        if name == "probed":
            checkpoints.visit(None)
            with made.engine.begin() as connection:
                connection.execute(
                    text("update change set lease_until = now() - interval '1 s' where state = 'leased'")
                )
                connection.execute(text("update order_lease set until = now() - interval '1 s'"))
            assert made.load()["applied"] == 1

    checkpoints.visit(another_comes)
    with mutated(step):
        made.load()
    assert len(list(made.shop.tables.shipments.of_order(order))) == wanted
