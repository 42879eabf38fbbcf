"""The workers of a campaign: one or two at once, in processes of their own, killed, paused, or without their database."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

from load_lab import Lab
from permit import permit
from sqlalchemy import text

from faults import kinds
from faults.worker import FAILED, Job, work
from magodoo.domain.kinds import ChangeKind
from magodoo.ledger import checkpoints
from magodoo.settings import Instance
from magodoo_devstack.postgres import Cluster

QUIET = 300  # seconds without running or waiting for a processor, which no answer takes: it hangs
SPENT = 300  # seconds of processor time after which it turns in circles: a run needs some
SHORT = {"settle_seconds": 3, "lease_seconds": 4}  # of a worker that is paused
PRELOADED = (
    "faults.worker", "magodoo.reconcile.orders", "magodoo.reconcile.repository", "magodoo.flows.planner",
    "sqlalchemy.dialects.postgresql.psycopg2", "magodoo.flows.planner", "magodoo.notifications.alerts",
)  # fmt: skip


class Crew:
    """Draws jobs and runs them; counts what struck in `faults`, and keeps a line for each worker that did not end well."""

    def __init__(
        self, lab: Lab, staging_url: str, cluster: Cluster | None, mutation: str, faults: Counter[str]
    ) -> None:
        self.lab, self.url, self.cluster, self.mutation, self.faults = lab, staging_url, cluster, mutation, faults
        self.problems: list[str] = []
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(list(PRELOADED))

    def work(self, dice: random.Random, late: bool, chain: bool, orders: Sequence[str]) -> Job:
        """One worker or two at once; it may die at a step, at a random moment, be paused beyond its lease, or lose its database.

        chain: each runs everything, from extraction on; else the load only. Returns the (first) job.
        """
        jobs = [self.job(dice, late, chain, orders) for _ in range(2 if dice.random() < 0.25 else 1)]
        drawn = dice.random()
        if not late and len(jobs) == 1 and dice.random() < 0.5:
            kind = self._kind_to_pause(dice, orders)
            before_it = kind is kinds.TAKEN_TWICE and dice.random() < 0.8
            step = dice.choice(kinds.BEFORE_A_WRITE if before_it else kinds.PAUSES)
            paused = dataclasses.replace(
                jobs[0], die_at="", pause_at=step, pause_kind=None if step == "claimed" else kind
            )
            self.pause(paused)
            return jobs[0]
        self.note(kinds.TWO_CHAINS if chain else kinds.TWO_WORKERS, len(jobs) == 2)
        if not late and not jobs[0].die_at and drawn < 0.25:
            self.run(jobs, kill_after=dice.uniform(0.05, 0.8))
        else:
            self.run(jobs, restart_after=dice.uniform(0.05, 0.5) if drawn > 0.95 else None)
        return jobs[0]

    def run(self, jobs: Sequence[Job], kill_after: float | None = None, restart_after: float | None = None) -> None:
        """These at once, until all have ended; after some seconds the first is killed, or PostgreSQL is."""
        running = [self._start(job) for job in jobs]
        if kill_after is not None:
            time.sleep(kill_after)
            running[0].kill()
        if restart_after is not None and self.cluster is not None:
            time.sleep(restart_after)
            self.cluster.stop()
            self.cluster.start()
            self.note(kinds.RESTART)
        for job, process in zip(jobs, running, strict=True):
            self._end(job, process)

    def note(self, fault: str, happened: bool = True) -> None:
        if happened:
            self.faults[fault] += 1

    def pause(self, job: Job) -> None:
        """A worker is stopped at a step until its lease has ended and another worker has been through; then it goes on.

        Its lease is short, just longer than its settle time, and ends by the clock: that it must not write any more, only its
        own clock can tell it.
        """
        short = dataclasses.replace(job, instance={**job.instance, **SHORT})
        permit(self.lab.engine, Instance.model_validate(short.instance))
        process = self._start(short)
        stopped = _stopped(process)
        permit(self.lab.engine, self.lab.instance)
        if stopped:
            time.sleep(SHORT["lease_seconds"] + 0.2)
            self.run([dataclasses.replace(job, pause_at="", chain=False)])
            os.kill(process.pid or 0, signal.SIGCONT)
            self.note(kinds.PAUSED)
        self._end(short, process)

    def _kind_to_pause(self, dice: random.Random, orders: Sequence[str]) -> ChangeKind:
        """One that is planned, mostly that of which a late write makes a second document; that one too where there is none."""
        statement = (
            "select distinct kind from change where order_key = any(:orders) and state in ('planned', 'approved')"
        )
        with self.lab.engine.connect() as connection:
            found = set(connection.scalars(text(statement), {"orders": list(orders)}))
        planned = [kind for kind in ChangeKind if kind.value in found]
        likely = kinds.TAKEN_TWICE in planned and dice.random() < 0.8
        return kinds.TAKEN_TWICE if likely or not planned else dice.choice(planned)

    def _start(self, job: Job) -> BaseProcess:
        process = self._processes.Process(target=work, args=(job,))
        process.start()
        return process

    def _end(self, job: Job, process: BaseProcess) -> None:
        why = hung(process)
        if why:
            process.kill()
            self.problems.append(f"a worker hung at orders {', '.join(job.orders)}: {why}")
        elif process.exitcode == -signal.SIGKILL:
            self.note(kinds.KILLED[job.die_at] if job.die_at else kinds.KILLED_ANYWHERE)
        elif process.exitcode not in (0, FAILED):
            self.problems.append(f"a worker at orders {', '.join(job.orders)} ended with {process.exitcode}")

    def job(self, dice: random.Random, late: bool, chain: bool, orders: Sequence[str]) -> Job:
        steps = kinds.STEPS if chain else [step for step in kinds.STEPS if step not in checkpoints.PLANNING]
        die_at = dice.choice(steps) if dice.random() < 0.4 else ""
        once = die_at == "planned"
        lab = self.lab
        return Job(
            self.url, lab.magento.url, lab.magento.token, lab.odoo.url, lab.odoo_key, lab.db.name, lab.instance.model_dump(mode="json", exclude_unset=True),
            die_at, 1 if once else dice.randint(1, 3), self.mutation, timeout=1.0 if late else 10.0,
            odoo_timeout=self._odoo_timeout(dice, late), orders=tuple(orders), chain=chain,
        )  # fmt: skip

    def _odoo_timeout(self, dice: random.Random, late: bool) -> float:
        """Seconds that a worker waits for Odoo's answer; a live server is given up on while it works."""
        if self.lab.odoo.faults is not None:
            return 1.0 if late else 10.0
        self.note(kinds.GIVEN_UP, late)
        return dice.uniform(0.1, 0.5) if late else 120.0


class Watch:
    """Whether a worker lives: one that waits for a processor is starved, and does not hang."""

    def __init__(self, process: BaseProcess) -> None:
        self._process, self._lived, self._since = process, 0, time.monotonic()

    def complaint(self) -> str:
        """Why it is not waited for any more; "" as long as it is."""
        ran, waited = self._scheduled()
        if ran > SPENT * 10**9:
            return f"it ran for {SPENT} s"
        if ran + waited != self._lived:
            self._lived, self._since = ran + waited, time.monotonic()
        return f"it did nothing for {QUIET} s" if time.monotonic() - self._since > QUIET else ""

    def _scheduled(self) -> tuple[int, int]:
        """Nanoseconds that its threads ran, and that they were ready and waited for a processor."""
        ran = waited = 0
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended in this moment
            for task in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"):
                of_task = task.read_text(encoding="ascii").split()
                ran, waited = ran + int(of_task[0]), waited + int(of_task[1])
        return ran, waited


def hung(process: BaseProcess) -> str:
    """Waits for its end; why that does not come, "" once it came."""
    watch = Watch(process)
    while process.is_alive():
        process.join(1)
        if complaint := watch.complaint():
            return complaint
    return ""


def _stopped(process: BaseProcess) -> bool:
    """Waits until it has stopped at its step; False when it ended without coming there."""
    watch = Watch(process)
    while process.is_alive() and not watch.complaint():
        try:
            stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):  # it ended in this moment
            return False
        if stat.rsplit(")", 1)[1].split()[0] == "T":
            return True
        time.sleep(0.02)
    return False
