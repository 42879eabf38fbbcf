"""The first day: connected on a Tuesday noon, observed, read back ten years, then applied kind by kind while shop and clerks go on."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from shop_and_books import NO_LIMITS, ShopAndBooks
from sqlalchemy import text

from cutover.checker import Watch, check
from cutover.history import YEARS, Fate, OldShop, Way
from magodoo.domain.kinds import ChangeKind
from magodoo.ledger import decisions
from magodoo.pipeline import backfill, extract, load, refresh
from magodoo.pipeline.window import Window, from_conf
from magodoo.settings import Settings
from magodoo.settings.model import Mode
from magodoo.timestamps import utc_now

HOUR = timedelta(hours=1)
LIMITS = {**NO_LIMITS, "first_writes": 20}
STAGES = (
    ("odoo_order_import",),
    ("odoo_invoice",),
    ("odoo_payment",),
    ("odoo_delivery", "odoo_tracking"),
    ("odoo_credit_note", "odoo_refund_payment"),
    ("magento_shipment",),
)
NEW_WAYS = (
    Way.ABSENT, Way.CONNECTOR, Way.ABSENT, Way.ORDER_NUMBER, Way.INVOICE_ONLY, Way.ABSENT, Way.NO_NUMBER, Way.DRAFT_OR_OPENING,
)  # fmt: skip


@dataclass
class Day:
    """What a day was: orders and documents on both sides, what became of them, and what is wrong (nothing)."""

    shop: Counter[str] = field(default_factory=Counter)
    books: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)
    writes: Counter[str] = field(default_factory=Counter)
    approved: int = 0
    wrong: list[str] = field(default_factory=list)


def last_tuesday_noon(now: datetime) -> datetime:
    """The latest Tuesday noon (UTC) that lies at least a day back."""
    noon = (now - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)
    noon -= timedelta(days=(noon.weekday() - 1) % 7)
    return noon if noon <= now - timedelta(days=1) else noon - timedelta(days=7)


class FirstDay:
    """A pair that nothing was ever read from, its past, and the stages of its first day."""

    def __init__(self, pair: ShopAndBooks, orders: int, seed: int = 7) -> None:
        self.pair, self.day = pair, Day()
        self.cut_over = last_tuesday_noon(datetime.now(UTC))
        self.old = OldShop(pair, self.cut_over, orders, seed)
        self.watch = Watch(pair)
        self.new = max(16, orders // 25)
        self.policy: dict[str, Any] = {
            "books_from": self.cut_over.replace(tzinfo=None),
            "mode": {"default": "observe"},
            "limits": LIMITS,
            "odoo": {"reference_prefixes": ("M2-",)},
            "refresh_days": 45,
        }

    def run(self) -> Day:
        self._timed("the ten years are entered", self.old.fill)
        self._count()
        with self.pair.policy(**self.policy):
            self._timed("observe", self.observe)
            self._timed("backfill of ten years", self.read_the_past)
        applied: list[str] = []
        for kinds in STAGES:
            applied += kinds
            policy = {**self.policy, "mode": {"default": "observe", "kinds": dict.fromkeys(applied, "apply")}}
            with self.pair.policy(**policy):
                self._timed(f"apply {', '.join(kinds)}", self.apply)
        with self.pair.policy(**policy):
            self._timed("refresh, backfill and a last round", self.once_more)
        self._timed("checked", self._check)
        return self.day

    # Stages

    def observe(self) -> None:
        """The afternoon: old orders go on, new ones come, people and the other connector enter some of them."""
        self._afternoon()
        with self.watch.pipeline():
            for _ in range(2):
                self.pair.chain()

    def read_the_past(self) -> None:
        with self.watch.pipeline():
            self._backfill()
            self.pair.chain()
            refresh.run(self.pair.context())
            self.pair.chain()

    def apply(self) -> None:
        """One more kind: somebody enters an order between the plan and the writing; the first twenty of the kind are approved."""
        self._somebody_was_faster()
        if self.pair.instance.mode.of(ChangeKind.MAGENTO_SHIPMENT) is Mode.APPLY:
            self._delivered_in_odoo()
        self._rounds()

    def _rounds(self) -> None:
        with self.watch.pipeline():
            self.pair.chain()
            self._approve()
            self.pair.chain()

    def once_more(self) -> None:
        with self.watch.pipeline():
            refresh.run(self.pair.context())
            self._backfill()
            self.pair.chain()
            self._approve()
            self.pair.chain()
            self.pair.look()

    def _backfill(self) -> None:
        begin = self.cut_over - (YEARS * 365 + 5) * timedelta(days=1)
        for chunk in backfill.chunks(
            Settings(instances={"us": self.pair.instance}), "us", begin.isoformat(), self.cut_over.isoformat(),
            hours=24 * 366, now=datetime.now(UTC),
        ):  # fmt: skip
            window = from_conf(chunk)
            for side in ("magento", "odoo"):
                extract.run(self.pair.context(), side, Window(window.begin, window.end))

    def _approve(self) -> None:
        with self.pair.engine.begin() as connection:
            waiting = connection.scalars(text("select id from change where approval = 'waiting' and state = 'planned'"))
            self.day.approved += decisions.approve(connection, list(waiting), "accountant", "", utc_now())

    # What people do

    def _afternoon(self) -> None:
        pair, old, book = self.pair, self.old, self.old.ledger
        moment = self.cut_over + 0.5 * HOUR
        for way in (Way.CONNECTOR, Way.ORDER_NUMBER, Way.ABSENT):
            for order in old.partial[way]:
                matched = way is not Way.ABSENT
                moment += timedelta(seconds=30)
                old.at(moment)
                invoice, shipment = pair.shop.invoice(order), pair.shop.ship(order)
                for kind, number in (("invoice", invoice), ("shipment", shipment)):
                    if matched:
                        book.note(kind, number, order, Fate.WRITTEN)
                    else:
                        book.note(kind, number, order, Fate.REPORTED, None, "straddles_books_from")
                book.live |= {order} if matched else set()
            for order in old.complete[way][-6:]:
                moment += timedelta(seconds=30)
                old.at(moment)
                nothing = dict.fromkeys(pair.items(order).values(), 0)
                memo = pair.shop.refund(order, nothing, shipping=0, adjustment_positive=4)
                if way is Way.ABSENT:
                    book.note("credit_memo", memo, order, Fate.REPORTED, None, "straddles_books_from")
                else:
                    book.note("credit_memo", memo, order, Fate.WRITTEN)
                    book.live.add(order)
        for number in range(self.new):
            moment += timedelta(minutes=2)
            self._new_order(moment, NEW_WAYS[number % len(NEW_WAYS)])
        pair.at(0)

    def _new_order(self, at: datetime, way: Way) -> int:
        order = self.old.sell(at, way)
        self.old.ledger.live.add(order)
        self.old.enter(order, at - 0.5 * HOUR, late=True)
        return order

    def _somebody_was_faster(self) -> None:
        """The chain has planned an order when a clerk enters it; the chain learns of it only by the read before the write."""
        ways = (Way.ORDER_NUMBER, Way.NO_NUMBER)
        orders = [self.old.sell(datetime.now(UTC), way, pace=timedelta(0)) for way in ways]
        self.old.ledger.live |= set(orders)
        self.pair.at(0)
        with self.watch.pipeline():
            self.pair.look()
            self.pair.release()
        for order in orders:
            self.old.enter(order, datetime.now(UTC) - HOUR, late=True)
        self.pair.at(0)
        with self.watch.pipeline():
            load.run(self.pair.context())

    def _delivered_in_odoo(self) -> None:
        """Cash-on-delivery orders that the chain imports and the warehouse delivers in Odoo."""
        book = self.old.ledger
        orders = [self.old.place(datetime.now(UTC), {"SKU-001": 2}, "cashondelivery") for _ in range(3)]
        for order in orders:
            book.ways[order] = Way.ABSENT
            book.live.add(order)
            book.note("order", order, order, Fate.WRITTEN)
        self.pair.at(0)
        self._rounds()
        for order in orders:
            book.note("shipment", order, order, Fate.PUSHED, self.pair.deliver(order, tracking=[f"COD{order}"]))

    # Counting

    def _timed(self, what: str, act: Any) -> None:
        began = time.monotonic()
        act()
        self.day.seconds[what] = round(time.monotonic() - began, 1)

    def _count(self) -> None:
        for each in self.old.ledger.documents:
            self.day.shop[each.kind] += 1
        tables = self.pair.odoo.db.tables
        for model in ("sale.order", "account.move", "stock.picking"):
            self.day.books[model] = len(tables[model])
        self.day.ways = Counter(self.old.ledger.ways[order].name.lower() for order in self.old.ledger.ways)

    def _check(self) -> None:
        self.day.met, self.day.wrong = check(self.pair, self.old.ledger, self.watch)
        for table, made in self.watch.made.items():
            self.day.writes[table] = len(made)
