"""Rounds: new orders, the chain, disturbances at random moments of it; then the chain until everything is in place, and the verdict."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from faults import history
from faults.history import History

from chaos import disturbances
from chaos.stage import Stage
from chaos.verdict import ZERO, Verdict, judge

CALM = 3  # after so many rounds the chain runs undisturbed until everything is in place; until then a round finishes what the last one left
MOST_RUNS = 8  # of the chain, after the disturbances have ended
LATEST = 45  # seconds into a run of the chain
MOST_WRITES = 12


@dataclass
class Totals:
    """What a campaign found, so far."""

    rounds: int = 0
    orders: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    failed_runs: int = 0
    runs: int = 0
    backups: int = 0
    calls: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    def as_json(self) -> dict[str, Any]:
        """Return the counts by name."""
        names = (*disturbances.DURING, *disturbances.BEFORE)
        return {
            "rounds": self.rounds, "orders": self.orders, "runs of the chain": self.runs, "of these failed": self.failed_runs,
            "backups": self.backups, "calls that write": self.calls,
            "disturbances": {name: self.struck[name] for name in names},
            **{name: getattr(self.verdict, name) for name in ZERO}, "lines": self.verdict.lines,
        }  # fmt: skip


class Campaign:
    """Rounds on one stage; the orders of all are judged again at the end."""

    def __init__(self, stage: Stage, seed: int, report: Callable[[str], None] = print) -> None:
        self.stage, self.dice, self.report = stage, random.Random(seed), report
        self.totals = Totals()
        self.orders: list[History] = []
        self._fresh: list[History] = []  # led by Odoo, not imported yet when last looked at
        self._invoiced: list[History] = []  # and invoiced there, the last time

    def run(self, rounds: int) -> Iterator[Totals]:
        """Yield what was found after each round, and once more when everything was judged again."""
        for number, (before, during) in enumerate(disturbances.plan(rounds, self.dice), 1):
            self._round(number, before, during, calm=number % CALM == 0)
            yield self.totals
        self._last()
        yield self.totals

    def _round(self, number: int, before: str, during: list[str], calm: bool) -> None:
        began, first = time.monotonic(), self.totals.orders
        self._go_on()
        if before:
            struck = disturbances.BEFORE[before](self.stage, self.dice, self._live)
            (self.totals.struck if struck else self.totals.missed)[before] += 1
        self._live()
        failed = self._disturbed(during)
        ended = time.monotonic()
        self.stage.mend()
        found = self._until_in_place() if calm else f"left: {len(judge(self.stage.made, self.orders).lines)}"
        self.totals.rounds = number
        self.report(
            f"round {number}: {self.totals.orders - first} orders; {', '.join([*[before] * bool(before), *during])}"
            f"{f'; failed: {failed}' if failed else ''}; {ended - began:.0f} + {time.monotonic() - ended:.0f} s; {found}"
        )

    # People

    def _live(self) -> None:
        """New orders; those that Odoo leads go on there when they have been imported."""
        made = self.stage.made
        new = [history.led_by_magento(made, self.dice) for _ in range(self.dice.randint(2, 4))]
        led = [history.led_by_odoo(made, self.dice) for _ in range(self.dice.randint(1, 2))]
        self.orders += [*new, *led]
        self.totals.orders += len(new) + len(led)
        self._fresh += led

    def _go_on(self) -> None:
        """What Odoo leads is invoiced and delivered when it has been imported, or credited later."""
        made = self.stage.made
        for each in self._judged(self._invoiced):
            if each.invoices and self.dice.random() < 0.3:
                history.credit_in_odoo(made, each)
        fresh = self._judged(self._fresh)
        self._invoiced = [
            each for each in fresh if [sale["state"] for sale in history.sales_of(made, each)] == ["sale"]
        ]
        for each in self._invoiced:
            history.go_on_in_odoo(made, each, self.dice)
        self._fresh = [each for each in fresh if each not in self._invoiced]

    # The stack

    def _disturbed(self, during: list[str]) -> str:
        """One run of the chain, everything at its moment of it, a backup at another one. Returns why the run failed, or ""."""
        before = len(self.stage.writes())
        troubles: list[BaseException] = []

        def at_its_moment(name: str, moment: Callable[[], None], dice: random.Random) -> None:
            try:
                moment()
                struck = disturbances.DURING[name](self.stage, dice)
                (self.totals.struck if struck else self.totals.missed)[name] += 1
            except BaseException as error:  # it is the campaign's, and is raised below
                troubles.append(error)

        threads = [
            threading.Thread(target=at_its_moment, args=(name, self._moment(before), random.Random(self.dice.random())))
            for name in during
        ]
        moment = self._moment(before)
        threads.append(threading.Thread(target=lambda: (moment(), disturbances.back_up(self.stage))))
        for each in threads:
            each.start()
        failed = self._run_chain()
        for each in threads:
            each.join()
        if troubles:
            raise troubles[0]
        self.totals.backups = len(self.stage.backups)
        return failed

    def _moment(self, before: int) -> Callable[[], None]:
        """Some seconds into the run, or when so many calls have written, and a little later."""
        delay, writes, later = (
            self.dice.uniform(0, LATEST),
            self.dice.randint(1, MOST_WRITES),
            self.dice.uniform(0, 0.7),
        )
        by_time = self.dice.random() < 0.3

        def wait() -> None:
            deadline = time.monotonic() + (delay if by_time else 2 * LATEST)
            while time.monotonic() < deadline:
                if not by_time and len(self.stage.writes()) >= before + writes:
                    time.sleep(later)
                    return
                time.sleep(0.02)

        return wait

    def _run_chain(self) -> str:
        failed = self.stage.run_chain()
        self.totals.runs += 1
        self.totals.failed_runs += bool(failed)
        return failed

    def _until_in_place(self) -> str:
        """The chain, undisturbed, until the two systems agree on all orders. Returns what they still disagree on, and after how many runs.

        What is wrong by then is counted, once: its order is judged no more.
        """
        runs = 0
        while (verdict := judge(self.stage.made, self.orders)).lines and runs < MOST_RUNS:
            self._run_chain()
            runs += 1
        self.totals.verdict += verdict
        if verdict.lines:
            self.orders = [each for each in self.orders if not judge(self.stage.made, [each]).lines]
        return f"{verdict} after {runs} more runs"

    def _judged(self, orders: list[History]) -> list[History]:
        return [each for each in orders if each in self.orders]

    def _last(self) -> None:
        """What was invoiced last goes on, too; then nothing may be left to do: a last run of the chain calls no method that writes."""
        self._go_on()
        self._run_chain()
        self._until_in_place()
        for _ in range(MOST_RUNS):
            before = Counter(self.stage.writes())
            failed = self._run_chain()
            more = Counter(self.stage.writes()) - before
            if not failed and not more:
                break
        else:
            left = f"after {MOST_RUNS} runs the chain still fails or writes: {failed or ', '.join(sorted(more))}"
            self.totals.verdict += Verdict(stuck=1, lines=[left])
        self.totals.verdict += judge(self.stage.made, self.orders)
        self.totals.calls = len(self.stage.writes())
        self.report(f"at the end: {self.totals.verdict}")
