"""The story of the outage test: the api-server is killed at a moment of a run, is away for minutes, and comes back; nobody does anything."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from faults import checker, history
from load_lab import Lab
from sqlalchemy import Engine, text

from magodoo_devstack import lifecycle, runner
from magodoo_devstack.airflow import Api
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State

CHECKOUT = Path(__file__).resolve().parents[2]
EVIDENCE = CHECKOUT / "docs" / "evidence" / "outages.md"
SERVER = "airflow-api-server"
EXTRACTS = ("magento_extract__us", "odoo_extract__us")
CHECKS = ("sales_reconcile__us", "sales_quality__us")
LOAD = "sales_load__us"
MOMENTS = ("queued", "start", "writing")
PATIENCE = 3600  # seconds of one step on a busy machine
MOST_ROUNDS = 8
PAUSE = 0.4  # seconds that Odoo takes for each call while the server is away at *writing*, so that documents are written all the time


@dataclass
class Outage:
    """What became of one outage."""

    moment: str
    seconds: float = 0.0  # that the server was away
    green_after: float = 0.0  # seconds from its return until every run had ended
    runs: dict[str, int] = field(default_factory=dict)  # of the whole test up to here, by state
    tries: dict[str, int] = field(default_factory=dict)  # of tasks that had more than one
    written: int = 0  # documents that were written while it was away
    rounds: int = 0  # of the chain, until nothing was open
    open: list[str] = field(default_factory=list)
    mails: int = 0  # about a failed run
    orders: int = 0
    duplicates: int = 0
    lost: int = 0
    wrong_amount: int = 0
    lines: list[str] = field(default_factory=list)


class Story:
    """A stack, both systems in this process, and what happens to them.

    Args:
        layout, state: The stack, which runs.
        made: Both systems, where the stack's connections lead.
        airflow: Airflow's own database: it is asked while the server is away.
        away: How long the server is away, in seconds.
        orders: New orders for each outage.
    """

    def __init__(self, layout: Layout, state: State, made: Lab, airflow: Engine, away: float, orders: int) -> None:
        self.layout, self.state, self.made, self.airflow = layout, state, made, airflow
        self.away, self.orders = away, orders
        self.api: Api = lifecycle.api(state)
        self.dice, self.histories = random.Random(26), list[history.History]()
        self._family: list[psutil.Process] = []

    def run(self, moment: str) -> Outage:
        """Let orders come in, kill the server at the moment, start it again after a time, and wait until nothing is left to do."""
        told = Outage(moment, orders=self.orders)
        self.histories += [history.led_by_magento(self.made, self.dice) for _ in range(self.orders)]
        self._family = self._of_server()
        before = {"queued": self._queued, "start": self._started, "writing": self._writing}[moment]()
        begun, done = time.monotonic(), self._done()
        time.sleep(self.away)
        told.written = self._done() - done
        runner.start_programs(self.state, (SERVER,))
        self.api.wait_healthy(PATIENCE)
        told.seconds, back = time.monotonic() - begun, time.monotonic()
        self.made.odoo.faults.clear()
        wait_until(lambda: not self._active(), PATIENCE, "the end of every run")
        told.green_after = time.monotonic() - back
        self._one_after_the_other(before)
        while told.rounds < MOST_ROUNDS and (told.rounds == 0 or self._open()):
            told.rounds += 1
            self._let_leases_end()
            self._one_after_the_other((*EXTRACTS, *CHECKS, LOAD))
        return self._judged(told)

    # The moments: each kills the server, and returns the DAGs that are yet to run once it is back.

    def _queued(self) -> tuple[str, ...]:
        """Both extracts are started, and handed to the executor, while the server takes requests and answers none."""
        self._freeze()
        for dag_id in EXTRACTS:
            subprocess.run(
                [self.layout.program("airflow"), "dags", "trigger", dag_id],
                env=environment(self.layout, self.state), cwd=self.layout.checkout, capture_output=True, check=True, timeout=PATIENCE,
            )  # fmt: skip
        wait_until(lambda: len(self._tasks("queued", EXTRACTS)) == len(EXTRACTS), PATIENCE, "two queued tasks")
        self._kill()
        return (*CHECKS, LOAD)

    def _started(self) -> tuple[str, ...]:
        """An extract's task has just been noted as running; whether its process got the answer is left to chance."""
        self.api.trigger(EXTRACTS[0])
        deadline = time.monotonic() + PATIENCE
        while not self._tasks("running", EXTRACTS[:1]):
            assert time.monotonic() < deadline, "no task was started"
        self._freeze()
        self._kill()
        return (EXTRACTS[1], *CHECKS, LOAD)

    def _writing(self) -> tuple[str, ...]:
        """A task of the load holds changes, and a quarter of the invoices is written; Odoo goes on slowly."""
        self._one_after_the_other((*EXTRACTS, *CHECKS))
        enough = self._invoices() + self.orders // 4
        self.made.odoo.faults.add("latency", seconds=PAUSE)
        self.api.trigger(LOAD)
        wait_until(lambda: self._invoices() > enough and self._leased() > 0, PATIENCE, "a task that writes invoices")
        self._freeze()
        self._kill()
        return ()

    # The server

    def _of_server(self) -> list[psutil.Process]:
        server = psutil.Process(runner.pid(self.state, SERVER))
        return [server, *server.children(recursive=True)]

    def _freeze(self) -> None:
        for process in self._family:
            process.suspend()

    def _kill(self) -> None:
        """Kill it as it stands, so that no request in flight is answered; the runner leaves it stopped."""
        runner.stop_programs(self.state, (SERVER,))
        for process in self._family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    # What is there

    def _one_after_the_other(self, dag_ids: Iterable[str]) -> None:
        for dag_id in dag_ids:
            self.api.wait(dag_id, run_id=self.api.trigger(dag_id), seconds=PATIENCE)

    def _tasks(self, state: str, dag_ids: Iterable[str]) -> list[str]:
        query = text("select id::text from task_instance where state = :state and dag_id = any(:dags)")
        with self.airflow.connect() as connection:
            return list(connection.scalars(query, {"state": state, "dags": list(dag_ids)}))

    def _active(self) -> list[str]:
        with self.airflow.connect() as connection:
            return list(connection.scalars(text("select run_id from dag_run where state in ('queued', 'running')")))

    def _invoices(self) -> int:
        return len(self.made.db.call("account.move", "search", domain=[["move_type", "=", "out_invoice"]]))

    def _leased(self) -> int:
        return self._count("select count(*) from change where state = 'leased'")

    def _done(self) -> int:
        return self._count("select count(*) from change where state = 'done'")

    def _count(self, query: str) -> int:
        with self.made.engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())

    def _open(self) -> list[str]:
        query = (
            "select kind || ' of order ' || order_number || ' is ' || state || ': ' || coalesce(reason, '') from change"
            " where state in ('planned', 'approved', 'leased', 'uncertain', 'failed')"
        )
        with self.made.engine.connect() as connection:
            return list(connection.scalars(text(query)))

    def _let_leases_end(self) -> None:
        """The test does not wait for the quarter of an hour after which an unknown outcome is looked up."""
        passed = "lease_until = now() - interval '1 s', not_before = least(not_before, now() - interval '1 s')"
        with self.made.engine.begin() as connection:
            connection.execute(text(f"update change set {passed} where state in ('leased', 'uncertain')"))
            connection.execute(text("update order_lease set until = now() - interval '1 s'"))

    def _judged(self, told: Outage) -> Outage:
        """Count in the two systems, and in Airflow's database."""
        count = checker.check(self.made, self.histories)
        told.duplicates, told.lost, told.wrong_amount = count.duplicates, count.lost, count.wrong_amount
        told.lines, told.open = count.lines, self._open()
        told.mails = self._count("select count(*) from mail where topic like 'run_failed%'")
        with self.airflow.connect() as connection:
            told.runs = dict(
                map(tuple, connection.execute(text("select state, count(*) from dag_run group by 1")).all())
            )
            many = "select dag_id || '.' || task_id, max(try_number) from task_instance where try_number > 1 group by 1 order by 1"
            told.tries = dict(map(tuple, connection.execute(text(many)).all()))
        return told


def wait_until(found: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return what `found` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.1)
    raise AssertionError(f"after {seconds:.0f} s there is not: {what}")


def page(outages: list[Outage], circumstances: str) -> str:
    """Return the page of evidence."""
    rows = [
        f"| {each.moment} | {each.orders} | {each.seconds:.0f} | {each.written} | {each.green_after:.0f} | {max(each.tries.values(), default=1)}"
        f" | {each.runs.get('success', 0)} | {sum(number for state, number in each.runs.items() if state != 'success')} | {each.mails}"
        f" | {each.duplicates} | {each.lost} | {each.wrong_amount} | {len(each.open)} |"
        for each in outages
    ]
    return "\n".join(
        [
            "# The api-server away for minutes: what was run",
            "",
            "What is tried again, and for how long: [Operations](../operations.md#retries). This page is written by `make test-outage`.",
            "",
            circumstances,
            "",
            "| killed when | new orders | away, s | documents written meanwhile | all runs ended after its return, s | most tries of a task | runs that"
            " succeeded | runs that did not | mails about a failed run | duplicates | lost | wrong amount | left open |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "*queued*: both extracts were handed to the executor. *start*: an extract had just been noted as running. *writing*: a task of the load had written a"
            " quarter of the invoices; Odoo went on slowly. The server is killed with SIGKILL while it does not answer, so that requests in flight are lost. Runs, tries"
            " and mails are counted from the beginning of the test, documents in the two systems. Nobody cleared or changed anything in between; the quarter of an"
            " hour for which an unknown outcome is left alone was cut short in the database.",
            "",
        ]
    )
