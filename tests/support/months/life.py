"""One life of a month: events at their times, the chain every few hours as its DAGs would run it, under a clock of ours."""

from __future__ import annotations

import heapq
import itertools
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from histories.history import CHAIN, Step, Told
from histories.people import People
from permit import permit
from shop_and_books import ShopAndBooks

from magodoo import staging
from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.documents import Documents
from magodoo.context import Context
from magodoo.errors import MagodooError
from magodoo.pipeline import extract, load, reconcile, refresh
from magodoo.pipeline.window import Window
from magodoo.settings import Settings
from magodoo_sandbox.magento.refusals import Refusal
from magodoo_sandbox.odoo.errors import OdooError
from months.plans import HOUR, Plan
from months.trouble import Troubles

PAGE = 5  # rows: pages end within one second
MOST_ROUNDS = 12


class Clock:
    """The month's time. Each look is a little later than the one before, as two moments never are the same."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._looks = itertools.count(1)

    def look(self, *_: Any) -> datetime:
        return self.now + timedelta(microseconds=next(self._looks) % 900_000)


class Month(ShopAndBooks):
    """A shop and its Odoo at the clock's time; `watch` is a second staging database into which nothing but extracts write."""

    def __init__(self, *arguments: Any, clock: Clock, watch: str, **policy: Any) -> None:
        self.clock = clock
        super().__init__(*arguments, **policy)
        self.watch = staging.connect(watch)

    def at(self, days_ago: float) -> None:
        moment = self.clock.now.replace(microsecond=0) - days_ago * timedelta(days=1)
        self.shop.now = self.odoo.db.now = moment

    def context(self) -> Context:
        permit(self.engine, self.instance)
        magento = MagentoConnection(self.magento.url, BearerToken(self.magento.token), page_size=PAGE, attempts=1)
        odoo = OdooConnection(self.odoo.url, self.odoo.db.name, "sync-key", 1, attempts=1)
        return Context(
            Settings(instances={"us": self.instance}), self.instance, self.engine,
            MagentoClient(magento, sleep=lambda seconds: None), _in_small_pages(odoo), f"month__{next(self._runs)}", self.clock.look,
        )  # fmt: skip


class SmallPages(Documents):
    """Reads Odoo in small pages."""

    def changed(self, kind: str, since: datetime, until: datetime | None = None, **_: Any) -> Iterator[Any]:  # type: ignore[override]
        return super().changed(kind, since, until, page_size=PAGE)


def _in_small_pages(connection: OdooConnection) -> OdooClient:
    client = OdooClient.connect(connection)
    client.documents = SmallPages(client.rpc)
    return client


@contextmanager
def clocked(clock: Clock) -> Iterator[None]:
    """The clients note the clock's time as the moment at which a request began."""

    class Now(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return clock.look()

    with ExitStack() as patches:
        for module in (
            "magodoo.connectors.http",
            "magodoo.connectors.magento.pagination",
            "magodoo.connectors.odoo.documents",
        ):
            patches.enter_context(mock.patch(f"{module}.datetime", Now))
        yield


class Life:
    """Lives the plans under the troubles. `counts` says what happened: runs, failures by stage, rows that came late."""

    def __init__(self, month: Month, plans: list[Plan], troubles: Troubles, end: datetime, every: timedelta) -> None:
        self.month, self.clock, self.troubles, self.end, self.every = month, month.clock, troubles, end, every
        self.plans = plans
        self.people: dict[str, People] = {}
        self.left: dict[str, list[tuple[datetime, Step]]] = {}
        self.counts: Counter[str] = Counter()
        self._ties = itertools.count()
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []

    def live(self) -> None:
        """The month, then peace until everything that people meant to do is done and the chain finds nothing more to do."""
        start = self.clock.now
        for plan in self.plans:
            self._plan(plan.at, lambda plan=plan: self._place(plan))  # type: ignore[misc]
        run = start + self.every
        while run <= self.end:
            self._plan(run, self._run)
            run += self.every
        night = start.replace(hour=2, minute=17) + timedelta(days=1)
        while night <= self.end:
            self._plan(night, self._refresh)
            night += timedelta(days=1)
        while self._agenda:
            moment, _, do = heapq.heappop(self._agenda)
            self.clock.now = max(self.clock.now, moment)
            self.month.at(0)
            do()
        self._run_to_the_end()
        self.counts["orders"] = len(self.people)

    def _plan(self, moment: datetime, do: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._ties), do))

    # People

    def _place(self, plan: Plan) -> None:
        self.month.teller = plan.name
        self.people[plan.name] = People(self.month, Told(plan.cart, (Step(CHAIN),)), plan.name)
        self.left[plan.name] = [(plan.at + hours * HOUR, step) for hours, step in plan.steps]
        for moment, _ in self.left[plan.name]:
            if not self._is_slow(plan.name):
                self._plan(moment, lambda: self._act(plan.name))

    def _act(self, name: str) -> None:
        """What is due of an order, in turn; what is not possible yet is tried again at every run."""
        while self.left[name] and self.left[name][0][0] <= self.clock.now:
            person, step = self.people[name], self.left[name][0][1]
            self.month.teller = name
            try:
                if getattr(person, step.do)(step):
                    return
            except (Refusal, OdooError):
                return
            person.done.append(str(step))
            del self.left[name][0]

    def _is_slow(self, name: str) -> bool:
        """Whether the steps of an order are slow transactions: they wait for the next run, and some end after it."""
        return bool(self.troubles.late) and zlib.crc32(name.encode()) % 2 == 0 and not name.startswith("clocks")

    def _act_all(self) -> None:
        for name in self.left:
            self._act(name)

    # The chain

    def _run(self) -> None:
        number = self.counts["runs"] + self.counts["runs_that_did_not_happen"]
        if self.troubles.is_off(self.clock.now):
            self.counts["runs_that_did_not_happen"] += 1
            self._act_all()
            return
        self.counts["runs"] += 1
        late = self.troubles.late and number % self.troubles.late == 0
        if late:
            self._touch(20)
        else:
            self._act_all()
        with self._faults(number):
            self._chain()
            if self.troubles.at_once and number % self.troubles.at_once == 0:
                with ThreadPoolExecutor(2) as both:
                    list(both.map(lambda _: self._chain(), range(2)))
            if self.troubles.twice and number % self.troubles.twice == 0:
                self._window_again()
                self._chain()
        if late:
            self._show_late()

    def _show_late(self) -> None:
        """Transactions that began before the run end after it: what they wrote bears the earlier stamp."""
        before = sum(map(len, self.left.values()))
        now, self.clock.now = self.clock.now, self.clock.now + timedelta(seconds=10)
        self.month.shop.now = now - timedelta(seconds=40)
        self.month.odoo.db.now = now - timedelta(minutes=5)
        self._act_all()
        self.counts["late"] += before - sum(map(len, self.left.values()))
        self.month.at(0)

    def _touch(self, seconds: int) -> None:
        """Somebody writes on records of both sides shortly before the run, so that the watermarks pass what is not visible yet."""
        moment = self.clock.now.replace(microsecond=0) - timedelta(seconds=seconds)
        self.month.odoo.db.now = moment
        for model in ("sale.order", "account.move", "stock.picking"):
            for row in list(self.month.odoo.db.tables[model].values())[:1]:
                self.month.call(
                    model, "write", [row["id"]], vals={"narration" if model == "account.move" else "note": "touched"}
                )
        tables = self.month.shop.tables
        for rows in (tables.orders, tables.invoices, tables.shipments):
            for row in list(rows.values())[:1]:
                row["updated_at"] = f"{moment:%Y-%m-%d %H:%M:%S}"
        self.month.at(0)

    @contextmanager
    def _faults(self, number: int) -> Iterator[None]:
        sides = {"magento": self.month.magento.faults, "odoo": self.month.odoo.faults}
        for side, faults in sides.items():
            if self.troubles.away(side, self.clock.now):
                faults.add("cut_before")
        breaking = self.troubles.breaking(number)
        if breaking:
            side, kind, options = breaking
            sides[side].add(kind, **options)
        yield
        for faults in sides.values():
            self.counts["faults_that_struck"] += sum(rule.struck > 0 for rule in faults.rules)
            faults.clear()

    def _chain(self) -> None:
        """What the DAGs do: reconcile is woken by both extracts, quality by reconcile, load by quality."""
        context = self.month.context()
        read = [
            self._try(f"extract {side}", lambda side=side: extract.run(context, side)) for side in ("magento", "odoo")
        ]  # type: ignore[misc]
        watching = replace(context, engine=self.month.watch)
        for side in ("magento", "odoo"):
            self._try("watching", lambda side=side: extract.run(watching, side))  # type: ignore[misc]
        if all(read) and self._try("reconcile", lambda: reconcile.run(context)):
            self.month.release()
            self._try("load", lambda: load.run(context))

    def _window_again(self) -> None:
        """A backfill of the last day beside the schedule."""
        window = Window(self.clock.now - timedelta(days=1), self.clock.now)
        context = self.month.context()
        for side in ("magento", "odoo"):
            self._try("backfill", lambda side=side: extract.run(context, side, window))  # type: ignore[misc]

    def _refresh(self) -> None:
        if self.troubles.is_off(self.clock.now):
            return
        with self._faults(0):
            self._try("refresh", lambda: refresh.run(self.month.context()))

    def _try(self, stage: str, tell: Callable[[], Any]) -> bool:
        try:
            tell()
        except MagodooError:
            self.counts[f"failed: {stage}"] += 1
            return False
        return True

    def _run_to_the_end(self) -> None:
        self.troubles = Troubles()
        for turn in range(MOST_ROUNDS):
            self.clock.now += self.every
            self.month.at(0)
            self._act_all()
            self._chain()
            if turn == 0:
                self._refresh()
            if not any(self.left.values()) and not self.month.find_more_to_do():
                break
        self.counts["rounds_to_settle"] = turn + 1
