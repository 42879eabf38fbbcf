"""What a worker that died or stands still holds: free within a minute where no write of it is begun, closed as long as one may come."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Iterator
from unittest import mock

import pytest
from faults.crew import SHORT, Crew
from faults.kinds import PAUSED, SENDING
from faults.worker import Job
from load_lab import Lab, lab
from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Side
from magodoo.ledger import checkpoints, leases
from magodoo.ledger.leases import Leases, Outcome, alive_seconds
from magodoo.timestamps import utc_now
from magodoo_airflow.pages import rows
from magodoo_airflow.pages.work_lists import CHANGES

ALIVE = 2  # seconds, in place of 60


@pytest.fixture
def made(staging_url: str) -> Iterator[Lab]:
    with lab(staging_url, lease_seconds=600) as made:
        yield made
    checkpoints.visit(None)


@pytest.fixture
def crew(made: Lab, staging_url: str) -> Crew:
    return Crew(made, staging_url, None, "", Counter())


def a_job(made: Lab, crew: Crew, orders: list[int], **more: object) -> Job:
    job = Job(
        crew.url, made.magento.url, made.magento.token, made.odoo.url, made.odoo_key, made.db.name,
        made.instance.model_dump(mode="json", exclude_unset=True), orders=tuple(map(str, orders)),
        timeout=120.0,  # the deadline of a call alone would end what a stopped worker has begun
    )  # fmt: skip
    return dataclasses.replace(job, **more)  # type: ignore[arg-type]


def claimed(made: Lab, seconds: int = ALIVE) -> list[leases.LeasedChange]:
    with made.engine.begin() as connection:
        return Leases(connection, made.instance).claim(Side.ODOO, 50, "another", seconds, now=utc_now())


def seconds_left(made: Lab) -> dict[str, float]:
    statement = "select order_key, extract(epoch from until - now()) as left from order_lease order by order_key"
    with made.engine.connect() as connection:
        return {row.order_key: float(row.left) for row in connection.execute(text(statement))}


def test_what_a_killed_worker_finished_or_never_began_to_write_is_free_within_its_sign_of_life(
    made: Lab, crew: Crew
) -> None:
    orders = [made.order(email=f"c{number}@example.com") for number in range(3)]
    invoices = [made.shop.invoice(order) for order in orders]
    made.read()
    made.plan(*[plan for pair in zip(orders, invoices, strict=True) for plan in made.whole_order(*pair)])
    crew.run([a_job(made, crew, orders, die_at="committed", alive_seconds=ALIVE)])
    assert sorted(made.states()) == ["done"] * 3 + ["leased"] * 3, "the imports are done, the invoices not begun"
    assert max(seconds_left(made).values()) <= ALIVE
    assert made.load()["applied"] == 0
    time.sleep(ALIVE)
    assert made.load()["applied"] == 3
    assert len(made.moves()) == 3


def test_what_a_killed_worker_began_to_write_stays_closed_until_its_lease_ends(made: Lab, crew: Crew) -> None:
    orders = [made.order({"A": 4}, email=f"c{number}@example.com") for number in range(3)]
    made.read()
    made.plan(*[made.shipped_one(order) for order in orders])
    crew.run([a_job(made, crew, orders, die_at="checked", die_after=2, alive_seconds=ALIVE)])
    left = seconds_left(made)
    assert [left[str(order)] > ALIVE for order in orders] == [True, True, False]
    time.sleep(ALIVE)
    assert made.load()["applied"] == 1, "the third, of which nothing was begun"
    with made.engine.begin() as connection:  # the lease of the others ends
        connection.execute(text("update change set lease_until = now() - interval '1 s' where state = 'leased'"))
        connection.execute(text("update order_lease set until = now() - interval '1 s'"))
    assert made.load()["applied"] == 2
    assert [len(list(made.shop.tables.shipments.of_order(order))) for order in orders] == [1, 1, 1]


def test_a_worker_that_lives_keeps_its_orders_however_long_a_step_takes(made: Lab) -> None:
    order = made.order()
    made.read()
    made.plan(*made.whole_order(order))
    taken: list[object] = []

    def linger(name: str) -> None:
        if name == "probed":
            time.sleep(1.5 * ALIVE)
            taken.extend(claimed(made))

    checkpoints.visit(linger)
    with mock.patch.object(leases, "ALIVE_SECONDS", ALIVE):
        assert made.load()["applied"] == 1
    assert taken == []


@pytest.mark.parametrize(
    ("at", "step", "wanted"), [("checked", "", 1), (SENDING, "", 1), ("checked", "fencing", 2), (SENDING, "fencing", 2)]
)
def test_a_worker_stopped_before_the_first_byte_of_a_write_sends_none_once_another_had_the_order(
    made: Lab, crew: Crew, at: str, step: str, wanted: int
) -> None:
    """Between the renewal and the socket only its own clock can tell it; without that the goods would leave twice."""
    order = made.order({"A": 4})
    made.read()
    made.plan(made.shipped_one(order))
    crew.pause(a_job(made, crew, [order], pause_at=at, pause_kind=ChangeKind.MAGENTO_SHIPMENT, mutation=step))
    assert (crew.faults[PAUSED], crew.problems) == (1, [])
    assert len(list(made.shop.tables.shipments.of_order(order))) == wanted


def test_a_worker_stopped_before_its_renewal_is_replaced_within_its_sign_of_life(made: Lab, crew: Crew) -> None:
    order = made.order({"A": 4})
    made.read()
    made.plan(made.shipped_one(order))
    sleep = time.sleep
    with (
        mock.patch.dict(SHORT, lease_seconds=600, settle_seconds=1),
        mock.patch("faults.crew.time.sleep", lambda seconds: sleep(min(seconds, ALIVE + 0.2))),
    ):
        stopped = a_job(made, crew, [order], pause_at="probed", pause_kind=ChangeKind.MAGENTO_SHIPMENT)
        crew.pause(dataclasses.replace(stopped, alive_seconds=ALIVE))
    assert (crew.faults[PAUSED], crew.problems) == (1, [])
    assert made.states() == ["done", "done"]
    with made.engine.connect() as connection:
        assert connection.scalar(text("select attempts from change where kind = 'magento_shipment'")) == 1, (
            "the first one was refused its renewal"
        )
    assert len(list(made.shop.tables.shipments.of_order(order))) == 1


def test_a_sign_of_life_prolongs_what_is_held_and_brings_nothing_back(made: Lab) -> None:
    order = made.order()
    made.read()
    made.plan(*made.whole_order(order))
    (change,) = claimed(made, seconds=30)
    with made.engine.begin() as connection:
        own = Leases(connection, made.instance)
        assert own.prolong({str(order): change.token + 1}, 60) == 0
        assert own.prolong({str(order): change.token}, 10) == 1, "nothing is shortened"
        assert 29 < seconds_in(connection) <= 30
        assert own.prolong({str(order): change.token}, 60) == 1
        assert 59 < seconds_in(connection) <= 60
        connection.execute(text("update change set lease_until = now() - interval '1 s'"))
        connection.execute(text("update order_lease set until = now() - interval '1 s'"))
        assert own.prolong({str(order): change.token}, 60) == 0
        assert seconds_in(connection) < 0


def test_the_changes_page_says_who_holds_what_until_when(made: Lab) -> None:
    order = made.order()
    invoice = made.shop.invoice(order)
    made.read()
    made.plan(*made.whole_order(order, invoice))
    leased, uncertain = claimed(made, seconds=30)
    with made.engine.begin() as connection:
        Leases(connection, made.instance).uncertain(uncertain, "no answer", 900)
        listed = rows.page(connection, CHANGES, rows.Wanted(["us"], {}, tab="held_by_worker")).rows
        ends = dict(connection.execute(text("select id, coalesce(lease_until, not_before) from change")).all())
    shown = {row["id"]: (row["leased_by"], row["closed_until"]) for row in listed}
    assert shown == {leased.id: ("another", ends[leased.id]), uncertain.id: (None, ends[uncertain.id])}


def seconds_in(connection: leases.Connection) -> float:
    """Seconds that are left of the only order's lease, and of its only change's."""
    statement = "select extract(epoch from least(until, lease_until) - now()) from order_lease join change using (instance, order_key)"
    return float(connection.scalar(text(statement)) or 0)


def test_an_order_whose_last_begun_write_has_ended_is_held_by_signs_of_life_again(made: Lab) -> None:
    order = made.order()
    invoices = [made.shop.invoice(order)]
    made.read()
    made.plan(*made.whole_order(order, *invoices))
    first, second = claimed(made)
    with made.engine.begin() as connection:
        Leases(connection, made.instance).renew([first, second], made.instance.lease_seconds)
    with made.engine.begin() as connection:
        Leases(connection, made.instance).done({first: Outcome("1")}, utc_now())
    assert seconds_left(made)[str(order)] > 500, "the other write may still come"
    with made.engine.begin() as connection:
        Leases(connection, made.instance).put_back(second, None)
    assert seconds_left(made)[str(order)] <= alive_seconds(made.instance)
