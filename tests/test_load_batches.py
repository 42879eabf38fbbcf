"""Batches: the calls of a run do not grow with its documents where one call serves them all, and nothing is lost between two commits."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from interruptions import at, die
from lab_orders import delivered, paid_orders
from load_lab import Died, Lab
from sqlalchemy import text

from magodoo.connectors.odoo.rpc import Rpc
from magodoo.domain.vocabulary import Side
from magodoo.ledger import checkpoints
from magodoo.ledger.leases import Leases


def reads_of(made: Lab, count: int) -> int:
    """How many reads of Odoo a run takes for so many orders with invoice and payment."""
    paid_orders(made, count)
    made.context = made.a_context()
    with mock.patch.object(Rpc, "call", autospec=True, side_effect=Rpc.call) as read:
        assert made.load()["applied"] == 3 * count
    return read.call_count


def test_a_run_reads_as_often_for_many_documents_as_for_few(made: Lab) -> None:
    reads_of(made, 1)  # from now on there are documents of the same totals, which are compared
    assert reads_of(made, 2) == reads_of(made, 7)


def shipments(made: Lab, orders: list[int]) -> list[int]:
    return [len(list(made.shop.tables.shipments.of_order(order))) for order in orders]


@pytest.mark.parametrize("point", ["checked", "written", "read_back"])
def test_documents_of_a_group_written_by_a_dead_worker_are_found_and_not_written_again(made: Lab, point: str) -> None:
    orders = delivered(made, 3)
    at(point, 1 if point == "read_back" else 2, die)
    with pytest.raises(Died), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Leases, "release", lambda *_: None)
        made.load(targets=[Side.MAGENTO])
    assert sum(shipments(made, orders)) == {"checked": 1, "written": 2, "read_back": 3}[point]
    checkpoints.visit(None)
    with made.engine.begin() as connection:
        moved = {"by": timedelta(hours=1)}
        connection.execute(text("update change set lease_until = lease_until - :by"), moved)
        connection.execute(text("update order_lease set until = until - cast(:by as interval)"), moved)
    made.load()
    assert shipments(made, orders) == [1, 1, 1]
    assert set(made.states()) == {"done"}


def test_the_orders_of_a_group_are_read_once_for_its_check_and_its_writes(made: Lab) -> None:
    orders = delivered(made, 3)
    known = len(made.magento.app.log)
    made.load(targets=[Side.MAGENTO])
    asked = [f"{entry['method']} {entry['path']}" for entry in made.magento.app.log[known:]]
    assert sum(each.endswith("/V1/orders") for each in asked) == 1, asked
    assert shipments(made, orders) == [1, 1, 1]


def test_a_lost_answer_in_the_middle_of_a_group_leaves_the_others_done(made: Lab) -> None:
    orders = delivered(made, 3)
    made.magento.faults.add("cut_after", path=rf"/order/{orders[1]}/ship", times=1)
    counts = made.load(targets=[Side.MAGENTO])
    assert (counts["applied"], counts["uncertain"]) == (2, 1)
    assert shipments(made, orders) == [1, 1, 1]


def test_a_key_that_is_withdrawn_in_the_middle_of_a_group_leaves_what_was_written_done(made: Lab) -> None:
    orders = delivered(made, 3)
    made.magento.faults.add("status", status=401, path=rf"/order/{orders[1]}/ship", probability=1.0)
    made.load(targets=[Side.MAGENTO])
    assert shipments(made, orders)[:2] == [1, 0]
    made.magento.faults.clear()
    with made.engine.begin() as connection:
        connection.execute(text("update change set not_before = null"))
    made.load()
    assert shipments(made, orders) == [1, 1, 1]
    assert set(made.states()) == {"done"}


def test_an_external_id_is_resolved_by_odoo_and_not_by_a_stored_value(made: Lab) -> None:
    paid_orders(made, 2)
    made.load()
    client = made.context.odoo_client
    assert client is not None
    names = [made.instance.external_id("order", order) for order in ("1", "2")]
    known = client.external_ids.find(names)
    wrong = {name: ("sale.order", known[other]) for name, other in zip(names, reversed(names), strict=True)}
    gone = {names[0]: ("sale.order", 999_999)}
    assert len(set(known.values())) == 2
    assert client.external_ids.find(names, {name: ("sale.order", id) for name, id in known.items()}) == known
    assert client.external_ids.find(names, wrong) == client.external_ids.find(names, gone) == known
