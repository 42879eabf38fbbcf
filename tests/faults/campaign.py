"""Schedules: a random history, random faults, workers that die, a database that restarts; then the chain, then the count."""

from __future__ import annotations

import dataclasses
import multiprocessing
import random
import signal
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from load_lab import Lab
from sqlalchemy import text

from faults import checker, history, kinds
from faults.history import History
from faults.mutations import mutated
from faults.worker import FAILED, Job, chain, work
from magodoo.load import checkpoints
from magodoo.pipeline import load, master_data
from magodoo.sandbox.faults import Rule
from magodoo.stack.postgres import Cluster

ODOO_WRITES = (
    "res.partner/load", "sale.order/load", "sale.order/action_confirm", "account.move/load", "account.move/action_post",
    "account.payment/load", "account.payment/action_post", "account.move.line/reconcile", "stock.move/load",
    "stock.picking/load", "stock.picking/button_validate",
)  # fmt: skip
MAGENTO_WRITES = (r"/order/\d+/invoice$", r"/order/\d+/ship$", r"/order/\d+/refund$", r"/shipment/track$")
CONFLICTS = ("conflict", "conflict_after", "database_down")
ANSWERS = ("cut_before", "cut_after", "truncate", "status", "status_after")
LATE = 2.5  # seconds by which an effect comes after the client gave up
MOST_ROUNDS = 8


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


class Campaign:
    """Schedules on one lab, one after the other; each has orders of its own."""

    def __init__(self, lab: Lab, staging_url: str, cluster: Cluster | None = None, mutation: str = "") -> None:
        self.lab, self.url, self.cluster, self.mutation = lab, staging_url, cluster, mutation
        self.totals = Totals(faults=Counter(dict.fromkeys(kinds.everything(lab.odoo.faults is None), 0)))
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload(["faults.worker", "magodoo.reconcile.orders"])
        master_data.refresh(lab.context)

    def run(self, seeds: Iterable[int]) -> Totals:
        """These schedules; of a mutated protocol only up to the first that shows it."""
        with mutated(self.mutation):
            for seed in seeds:
                self._schedule(seed)
                if self.mutation and self.totals.failures:
                    break
        return self.totals

    def _schedule(self, seed: int) -> None:
        dice = random.Random(seed)
        histories = self._histories(dice)
        rules = self._break(dice, any(each.leads == "odoo" for each in histories))
        late = self.late(rules)
        for number in range(dice.randint(1, 3)):
            orders = self._prepare(dice, histories, first=not number)
            came_late = self._struck_late(rules)
            jobs = self._workers(dice, late, orders)
            if late:
                jobs = self._workers(dice, late, orders)  # comes before the effect does
            if dice.random() < 0.25:
                self._note(kinds.RUN_AGAIN)
                self._run([dataclasses.replace(jobs[0], die_at="")])
            self._pass_time(late and (self.lab.odoo.faults is None or self._struck_late(rules) > came_late))
        for system, rule in rules:
            self.totals.faults[kinds.of_rule(system, rule)] += rule.struck
        if self.lab.odoo.faults is not None:
            self.lab.odoo.faults.clear()
        self.lab.magento.faults.clear()
        self._judge(seed, histories, self._finish(histories))

    def _judge(self, seed: int, histories: list[History], stuck: list[str]) -> None:
        count = checker.check(self.lab, histories)
        totals = self.totals
        totals.schedules += 1
        totals.duplicates += count.duplicates
        totals.lost += count.lost
        totals.wrong_amount += count.wrong_amount
        totals.stuck += len(stuck)
        totals.lines += [f"seed {seed}: {line}" for line in [*count.lines, *stuck]]

    def _prepare(self, dice: random.Random, histories: list[History], first: bool) -> tuple[str, ...]:
        """Plan, and let somebody act between plan and write; or leave planning to the workers: returns their orders."""
        if not first and dice.random() < 0.4:
            self._note(happened := history.go_on(self.lab, dice.choice(histories), dice), bool(happened))
        if dice.random() < 0.4:
            return tuple(str(each.order) for each in histories)
        if first or dice.random() < 0.3:
            self._reconcile(histories)
        if first and dice.random() < 0.4:
            meddled = history.meddle(self.lab, dice.choice(histories), dice)
            self._note(meddled, bool(meddled))
        return ()

    def _histories(self, dice: random.Random) -> list[History]:
        """One to three orders; what Odoo leads is imported while all is well."""
        histories = [
            (history.led_by_odoo if dice.random() < 0.45 else history.led_by_magento)(self.lab, dice)
            for _ in range(dice.randint(1, 3))
        ]
        led = [each for each in histories if each.leads == "odoo"]
        if led:
            self._reconcile(led)
            load.run(self.lab.context)
            for each in led:
                history.go_on_in_odoo(self.lab, each, dice)
        credited = [each for each in led if each.invoices and dice.random() < 0.3]
        if credited:
            self._reconcile(credited)
            load.run(self.lab.context)
            for each in credited:
                history.credit_in_odoo(self.lab, each)
        return histories

    def _break(self, dice: random.Random, into_magento: bool) -> list[tuple[str, Rule]]:
        """One to three rules, most where this schedule writes; either all make an effect come later than the client waits, or none."""
        late = dice.random() < (0.4 if self.lab.odoo.faults is None else 0.25 if into_magento else 0.1)
        rules = []
        for _ in range(dice.randint(1, 3)):
            share = (0.2 if late else 0.4) if into_magento else 0.9
            into_odoo = dice.random() < share and self.lab.odoo.faults is not None
            faults = self.lab.odoo.faults if into_odoo else self.lab.magento.faults
            path = dice.choice(ODOO_WRITES if into_odoo else MAGENTO_WRITES)
            kind = dice.choice(("latency",) if late else (*ANSWERS, *CONFLICTS) if into_odoo else ANSWERS)
            options: dict[str, Any] = {"nth": dice.randint(1, 2), "times": dice.randint(1, 2)}
            if not late and dice.random() < 0.3:
                path, options = ".*", {"probability": 0.05, "seed": dice.randrange(10**6), "times": 3}
            if kind == "latency":
                options = {"seconds": 1.0 + LATE, "times": 1}
            if kind.startswith("status"):
                options["status"] = dice.choice((429, 500, 502, 503, 504))
            rules.append(("odoo" if into_odoo else "magento", faults.add(kind, path=path, **options)))
        return rules

    def late(self, rules: list[tuple[str, Rule]]) -> bool:
        return any(rule.kind == "latency" for _, rule in rules)

    def _struck_late(self, rules: list[tuple[str, Rule]]) -> int:
        return sum(rule.struck for _, rule in rules if rule.kind == "latency")

    def _workers(self, dice: random.Random, late: bool, orders: tuple[str, ...]) -> list[Job]:
        """One worker or two at once; it may die at a step, at a random moment, or lose its database."""
        jobs = [self._job(dice, late, orders) for _ in range(2 if dice.random() < 0.25 else 1)]
        self._note(kinds.TWO_CHAINS if orders else kinds.TWO_WORKERS, len(jobs) == 2)
        drawn = dice.random()
        if not late and not jobs[0].die_at and drawn < 0.25:
            self._run(jobs, kill_after=dice.uniform(0.05, 0.8))
        else:
            self._run(jobs, restart_after=dice.uniform(0.05, 0.5) if drawn > 0.95 else None)
        return jobs

    def _run(self, jobs: list[Job], kill_after: float | None = None, restart_after: float | None = None) -> None:
        """These at once, until all have ended; after some seconds the first is killed, or PostgreSQL is."""
        running = [self.processes.Process(target=work, args=(job,)) for job in jobs]
        for process in running:
            process.start()
        if kill_after is not None:
            time.sleep(kill_after)
            running[0].kill()
        if restart_after is not None and self.cluster is not None:
            time.sleep(restart_after)
            self.cluster.stop()
            self.cluster.start()
            self._note(kinds.RESTART)
        for job, process in zip(jobs, running, strict=True):
            process.join(120)
            if process.exitcode is None:
                process.kill()
                self.totals.lines.append("a worker hung")
                self.totals.stuck += 1
            elif process.exitcode == -signal.SIGKILL:
                self._note(kinds.KILLED[job.die_at] if job.die_at else kinds.KILLED_ANYWHERE)
            elif process.exitcode not in (0, FAILED):
                self.totals.lines.append(f"a worker ended with {process.exitcode}")
                self.totals.stuck += 1

    def _job(self, dice: random.Random, late: bool, orders: tuple[str, ...]) -> Job:
        steps = kinds.STEPS if orders else [step for step in kinds.STEPS if step not in checkpoints.PLANNING]
        die_at = dice.choice(steps) if dice.random() < 0.4 else ""
        once = die_at in checkpoints.PLANNING
        lab = self.lab
        return Job(
            self.url, lab.magento.url, lab.magento.token, lab.odoo.url, lab.odoo_key, lab.db.name, lab.instance.model_dump(mode="json"),
            die_at, 1 if once else dice.randint(1, 3), self.mutation, timeout=1.0 if late else 10.0,
            odoo_timeout=self._patience(dice, late), orders=orders,
        )  # fmt: skip

    def _patience(self, dice: random.Random, late: bool) -> float:
        """Seconds that a worker waits for Odoo's answer; a live server is given up on while it works."""
        if self.lab.odoo.faults is not None:
            return 1.0 if late else 10.0
        self._note(kinds.GIVEN_UP, late)
        return dice.uniform(0.1, 0.5) if late else 120.0

    def _note(self, fault: str, happened: bool = True) -> None:
        if happened:
            self.totals.faults[fault] += 1

    def _reconcile(self, histories: list[History]) -> None:
        chain(self.lab.context, [str(each.order) for each in histories])

    def _pass_time(self, late: bool) -> None:
        """Leases and settle times run out; where effects come late, they run out by waiting."""
        if late:
            time.sleep(LATE + self.lab.instance.settle_seconds)
        with self.lab.engine.begin() as connection:
            ended = "lease_until = lease_until - interval '1 hour'" + (
                "" if late else ", not_before = not_before - interval '1 hour'"
            )
            connection.execute(
                text(f"update change set {ended} where state in ('planned', 'approved', 'leased', 'uncertain')")
            )
            connection.execute(text("update order_lease set until = until - interval '1 hour'"))

    def _finish(self, histories: list[History]) -> list[str]:
        """The chain without faults, until nothing is open; returns what stays open."""
        open_ones: list[str] = []
        for _ in range(MOST_ROUNDS):
            self._pass_time(False)
            self._reconcile(histories)
            counts = load.run(self.lab.context)
            open_ones = self._open()
            if (
                not open_ones and not counts.get("changed") and not counts["refused"]
            ):  # those wait for a plan, not for a load
                break
        return open_ones

    def _open(self) -> list[str]:
        statement = (
            "select kind || ' of order ' || order_number || ' is ' || state || ': ' || coalesce(reason, '') from change"
            " where state in ('planned', 'approved', 'leased', 'uncertain', 'failed')"
        )
        with self.lab.engine.connect() as connection:
            return list(connection.scalars(text(statement)))
