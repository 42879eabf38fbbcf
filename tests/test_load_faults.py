"""A small, seeded part of the fault campaign; `make faults` runs it a thousand times over."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
from faults import crew, kinds, rules
from faults.campaign import Campaign
from faults.mutations import NAMES, mutated
from faults.stage import POLICY
from faults.worker import chain
from load_lab import lab

from magodoo.domain.kinds import ChangeKind
from magodoo_devstack.postgres import Cluster


@pytest.fixture
def campaign(new_staging: Callable[[], str], postgres: Cluster) -> Iterator[Callable[[str], Any]]:
    """Campaigns on the session's PostgreSQL, which is not restarted here."""
    url = new_staging()
    with lab(url, **POLICY) as made:
        yield lambda mutation: Campaign(made, url, None, mutation)
    postgres.drop_database(url.rsplit("/", 1)[1])


def test_no_fault_leaves_a_document_doubled_lost_wrong_or_stuck(campaign: Callable[[str], Campaign]) -> None:
    totals = campaign("").run(range(1, 7))
    assert totals.failures == 0, totals.lines
    assert totals.schedules == 6
    assert sum(totals.faults.values()) > 6


@pytest.fixture
def unshipped(campaign: Callable[[str], Campaign]) -> Callable[[Campaign], str]:
    """An order of which Odoo has delivered one piece of four, and whose shipment is planned."""

    def planned(made: Campaign) -> str:
        order, lab = str(made.lab.order({"A": 4})), made.lab
        chain(lab.context, [order])
        lab.load(order_keys=[order])
        (picking,) = lab.records("stock.picking", "id move_ids")
        lab.db.call("stock.move", "write", ids=picking["move_ids"], vals={"quantity": 1, "picked": True})
        quiet = {"skip_sms": True, "skip_backorder": True}
        lab.db.call("stock.picking", "button_validate", ids=[picking["id"]], context=quiet)
        chain(lab.context, [order])
        return order

    return planned


@pytest.mark.parametrize(("step", "shipments"), [("", 1), ("fencing", 2)])
def test_without_fencing_a_worker_that_pauses_before_it_ships_is_noticed(
    campaign: Callable[[str], Campaign], unshipped: Callable[[Campaign], str], step: str, shipments: int
) -> None:
    """Whenever a pause falls there, as the campaign mostly draws it: the goods that are open take a second shipment."""
    made = campaign(step)
    order = unshipped(made)
    job = made.crew.job(random.Random(1), late=False, chain=False, orders=[order])
    made.crew.pause(dataclasses.replace(job, die_at="", pause_at="probed", pause_kind=ChangeKind.MAGENTO_SHIPMENT))
    assert (made.crew.faults[kinds.PAUSED], made.crew.problems) == (1, [])
    assert len(list(made.lab.shop.tables.shipments.of_order(int(order)))) == shipments


@pytest.mark.parametrize(("step", "shipments"), [("", 1), ("settle-time", 2)])
def test_without_the_waiting_time_a_worker_that_arrives_during_a_write_is_noticed(
    campaign: Callable[[str], Campaign], unshipped: Callable[[Campaign], str], step: str, shipments: int
) -> None:
    made = campaign(step)
    order = unshipped(made)
    rule = made.lab.magento.faults.add("latency", path=r"/ship$", seconds=rules.HELD, times=1)
    job = made.crew.job(random.Random(1), late=True, chain=False, orders=[order])
    for _ in range(2):
        made.crew.run([dataclasses.replace(job, die_at="")])
    rules.let_go([("magento", rule)])
    assert (rule.struck, made.crew.problems) == (1, [])
    assert len(list(made.lab.shop.tables.shipments.of_order(int(order)))) == shipments


def test_removing_any_protocol_step_goes_unnoticed_without_faults(campaign: Callable[[str], Campaign]) -> None:
    """What a mutation replaces must take what the step takes: one that ends in an error of its own would count as noticed."""
    made = campaign("").lab
    for name in NAMES:
        order = made.order({"A": 2}, payment="card")
        made.shop.invoice(order)
        with mutated(name):
            chain(made.context, [str(order)])
            made.load(order_keys=[str(order)])
        number = made.shop.order(order)["increment_id"]
        assert len(made.records("sale.order", "id", [["client_order_ref", "=", number]])) == 1, name


def test_the_summary_names_every_kind_of_fault_including_those_that_never_occurred(
    campaign: Callable[[str], Campaign],
) -> None:
    faults = campaign("").totals.faults
    assert set(kinds.everything(live=False)) == set(faults)
    assert {step for step in kinds.STEPS if kinds.KILLED[step] in faults} == set(kinds.STEPS)


@pytest.fixture
def spinning() -> Iterator[BaseProcess]:
    """A worker that never ends and works all the time."""
    process = multiprocessing.get_context("forkserver").Process(target=_spin, daemon=True)
    process.start()
    yield process
    process.kill()
    process.join()


def _spin() -> None:
    while True:
        pass


def test_a_worker_that_neither_runs_nor_waits_for_a_processor_hangs(
    spinning: BaseProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "QUIET", 2)
    os.kill(spinning.pid or 0, signal.SIGSTOP)
    assert crew.hung(spinning) == "it did nothing for 2 s"


def test_a_worker_that_lives_is_waited_for_until_it_has_worked_too_long(
    spinning: BaseProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little of a processor it gets: what counts is what it ran, and waiting for its turn is no standing still."""
    monkeypatch.setattr(crew, "QUIET", 2)
    monkeypatch.setattr(crew, "SPENT", 4)
    began = time.monotonic()
    assert crew.hung(spinning) == "it ran for 4 s"
    assert time.monotonic() - began >= 4


def test_a_worker_that_ends_did_not_hang(spinning: BaseProcess) -> None:
    spinning.kill()
    assert crew.hung(spinning) == ""
