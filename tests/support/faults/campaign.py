"""Schedules: a random history, random faults, workers that die, a database that restarts; then the chain, then the count.

Schedules run in waves: their orders are made and planned together, each then has its own faults and its own workers, who write
nothing but its orders; when the faults of all have stopped, one chain finishes what they left, and each is counted. A plan of
forty orders costs about what a plan of one does.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from load_lab import Lab
from sqlalchemy import text

from faults import checker, history, kinds, rules
from faults.crew import Crew
from faults.history import History
from faults.mutations import mutated
from faults.worker import chain, release
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Side
from magodoo.pipeline import extract, load, master_data, order_completion, reconcile
from magodoo_devstack.postgres import Cluster

MOST_ROUNDS = 8
LIVE_PATIENCE = 8  # seconds after which a live Odoo has ended what a client gave up on


@dataclass
class Totals:
    """What a campaign found."""

    schedules: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    lost: int = 0
    wrong_amount: int = 0
    stuck: int = 0
    lines: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "schedules": self.schedules, "faults": dict(self.faults), "duplicates": self.duplicates,
            "lost": self.lost, "wrong_amount": self.wrong_amount, "stuck": self.stuck,
        }  # fmt: skip

    @property
    def failures(self) -> int:
        return self.duplicates + self.lost + self.wrong_amount + self.stuck


@dataclass
class Schedule:
    """One seed: its dice, its orders, and whether they are planned before its workers come."""

    seed: int
    dice: random.Random
    histories: list[History]
    planned: bool

    @property
    def orders(self) -> list[str]:
        return [str(each.order) for each in self.histories]


class Campaign:
    """Schedules on one lab; each has orders of its own."""

    def __init__(
        self, lab: Lab, staging_url: str, cluster: Cluster | None = None, mutation: str = "", wave: int = 10
    ) -> None:
        self.lab, self.mutation, self.wave = lab, mutation, wave
        self.totals = Totals(faults=Counter(dict.fromkeys(kinds.everything(lab.odoo.faults is None), 0)))
        self.crew = Crew(lab, staging_url, cluster, mutation, self.totals.faults)
        master_data.refresh(lab.context)
        self._extract()

    def run(self, seeds: Iterable[int]) -> Totals:
        """These schedules; of a mutated protocol only up to the first wave that shows it."""
        for _ in self.waves(seeds):
            pass
        return self.totals

    def waves(self, seeds: Iterable[int]) -> Iterator[Totals]:
        """The same, with the totals so far after every wave."""
        for some in _cut(seeds, self.wave):
            schedules = self._prepared(some)  # by the whole protocol, whatever is taken away afterwards
            with mutated(self.mutation):
                self._wave(schedules)
            yield self.totals
            if self.mutation and self.totals.failures:
                break

    def _wave(self, schedules: Sequence[Schedule]) -> None:
        for schedule in schedules:
            self._break(schedule)
        self._pass_time()
        stuck = self._finish(schedules)
        for schedule in schedules:
            self._judge(schedule, [line for order, line in stuck if order in schedule.orders])
        self.totals.stuck += len(self.crew.problems)
        self.totals.lines += self.crew.problems
        self.crew.problems.clear()

    # Before anything goes wrong

    def _prepared(self, seeds: Sequence[int]) -> list[Schedule]:
        """Their orders, with what happened in Odoo so far, planned where they are; then somebody acts between plan and write."""
        schedules = []
        for seed in seeds:
            dice = random.Random(seed)
            histories = [
                (history.led_by_odoo if dice.random() < 0.45 else history.led_by_magento)(self.lab, dice)
                for _ in range(dice.randint(1, 3))
            ]
            schedules.append(Schedule(seed, dice, histories, planned=dice.random() < 0.6))
        self._in_odoo(schedules)
        self._plan([order for schedule in schedules if schedule.planned for order in schedule.orders])
        self._meddle([schedule for schedule in schedules if schedule.planned])
        return schedules

    def _in_odoo(self, schedules: Sequence[Schedule]) -> None:
        """What Odoo leads is imported while all is well, and goes on there."""
        led = [(each, schedule.dice) for schedule in schedules for each in schedule.histories if each.leads == "odoo"]
        self._plan([str(each.order) for each, _ in led], and_load=True)
        for each, dice in led:
            history.go_on_in_odoo(self.lab, each, dice)
        credited = [each for each, dice in led if each.invoices and dice.random() < 0.3]
        self._plan([str(each.order) for each in credited], and_load=True)
        for each in credited:
            history.credit_in_odoo(self.lab, each)

    def _plan(self, orders: list[str], and_load: bool = False) -> None:
        if orders:
            chain(self.lab.context, orders)
        if orders and and_load:
            load.run(self.lab.context, order_keys=orders)

    def _meddle(self, schedules: Sequence[Schedule]) -> None:
        """Between plan and write: the source or the target is changed, or a clerk makes the payment that is planned."""
        by_clerk = [
            each for schedule in schedules for each in schedule.histories
            if each.payment == "card" and each.invoices and schedule.dice.random() < 0.25
        ]  # fmt: skip
        if by_clerk:
            kinds_before = (ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE)
            load.run(self.lab.context, kinds=kinds_before, order_keys=[str(each.order) for each in by_clerk])
        for each in by_clerk:
            self.crew.note(history.pay_by_hand(self.lab, each))
        for schedule in schedules:
            if schedule.dice.random() < 0.4:
                each = schedule.dice.choice(schedule.histories)
                meddled = "" if each in by_clerk else history.meddle(self.lab, each)
                self.crew.note(meddled, bool(meddled))

    # While things go wrong

    def _break(self, schedule: Schedule) -> None:
        """One to three rounds of workers under the faults of this schedule."""
        dice, orders = schedule.dice, schedule.orders
        drawn = rules.draw(self.lab, dice, any(each.leads == "odoo" for each in schedule.histories))
        late = rules.are_late(drawn)
        for number in range(dice.randint(1, 3)):
            if number and dice.random() < 0.4:
                happened = history.go_on(self.lab, dice.choice(schedule.histories), dice)
                self.crew.note(happened, bool(happened))
            everything = dice.random() < 0.4 if schedule.planned or number else True
            job = self.crew.work(dice, late, everything, orders)
            if late:
                self.crew.work(dice, late, everything, orders)  # comes while the server still works on it
            if dice.random() < 0.25:
                self.crew.note(kinds.RUN_AGAIN)
                self.crew.run([dataclasses.replace(job, die_at="")])
            rules.let_go(drawn)
            if late and self.lab.odoo.faults is None:
                time.sleep(LIVE_PATIENCE)
            self._pass_time()
        for system, rule in drawn:
            self.totals.faults[kinds.of_rule(system, rule)] += rule.struck
        rules.clear(self.lab)

    def _pass_time(self) -> None:
        """Leases and waiting times run out: whatever a server still worked on has had its effect."""
        ended = "lease_until = lease_until - interval '2 hours', not_before = not_before - interval '2 hours'"
        with self.lab.engine.begin() as connection:
            connection.execute(
                text(f"update change set {ended} where state in ('planned', 'approved', 'leased', 'uncertain')")
            )
            connection.execute(text("update order_lease set until = until - interval '2 hours'"))

    # Afterwards

    def _finish(self, schedules: Sequence[Schedule]) -> list[tuple[str, str]]:
        """The chain without faults, until a whole plan of these orders finds nothing more to do; returns (order, what stays open).

        What was written stands in staging without being read again: whatever is done and planned again by a plan that reads nothing
        was not read back. Only then comes extraction: what one that died has left out is read now, or lost.
        """
        orders = [order for schedule in schedules for order in schedule.orders]
        chain(self.lab.context, orders, known_only=True)
        again = self._again()
        self._extract()
        late_tracks = [each.order for schedule in schedules for each in schedule.histories if each.unseen]
        order_completion.read(
            self.lab.context, Side.MAGENTO, [str(order) for order in late_tracks]
        )  # as the nightly refresh does
        reconcile.run(self.lab.context)
        release(self.lab.context)
        stuck: list[tuple[str, str]] = []
        for _ in range(MOST_ROUNDS):
            counts = load.run(self.lab.context)
            self._pass_time()
            chain(self.lab.context, orders, known_only=True)
            stuck = [(order, line) for order, line, _ in self._unfinished()]
            again += self._again()
            if not stuck and not counts.get("changed") and not counts["refused"]:
                break
        return list(dict.fromkeys([*stuck, *again, *self._done_twice(orders)]))

    def _extract(self) -> None:
        """Both sides. What an order is before that is read again by the plan that follows; after it a plan trusts staging."""
        for side in Side:
            extract.run(self.lab.context, side)

    def _again(self) -> list[tuple[str, str]]:
        """What was done and is planned all the same."""
        return [(order, line) for order, line, repeated in self._unfinished() if repeated]

    def _done_twice(self, orders: list[str]) -> list[tuple[str, str]]:
        """What was done, planned again, and done once more: the probe kept it from being doubled, and nothing else did."""
        statement = (
            "select order_key, kind || ' of order ' || order_number || ' was done ' || count(*) || ' times' as line from change"
            " where state = 'done' and order_key = any(:orders)"
            " group by order_key, order_number, kind, source_id, request_hash having count(*) > 1 order by 1, 2"
        )
        with self.lab.engine.connect() as connection:
            return [(row.order_key, row.line) for row in connection.execute(text(statement), {"orders": orders})]

    def _unfinished(self) -> list[tuple[str, str, bool]]:
        """(order, what, whether the same was done before) of every change that is open or failed."""
        statement = (
            "select order_key, kind || ' of order ' || order_number || ' is ' || state || ': ' || coalesce(reason, '') as line,"
            " exists (select 1 from change done where done.instance = change.instance and done.kind = change.kind"
            " and done.source_id = change.source_id and done.request_hash = change.request_hash and done.state = 'done')"
            " as repeated from change where state in ('planned', 'approved', 'leased', 'uncertain', 'failed') order by id"
        )
        with self.lab.engine.connect() as connection:
            rows = connection.execute(text(statement)).all()
        return [(row.order_key, row.line + (" (it was done)" if row.repeated else ""), row.repeated) for row in rows]

    def _judge(self, schedule: Schedule, stuck: list[str]) -> None:
        count = checker.check(self.lab, schedule.histories)
        totals = self.totals
        totals.schedules += 1
        totals.duplicates += count.duplicates
        totals.lost += count.lost + count.unfinished
        totals.wrong_amount += count.wrong_amount
        totals.stuck += len(stuck)
        totals.lines += [f"seed {schedule.seed}: {line}" for line in [*count.lines, *stuck]]


def _cut(seeds: Iterable[int], size: int) -> Iterator[list[int]]:
    remaining = iter(seeds)
    while some := list(itertools.islice(remaining, size)):
        yield some
