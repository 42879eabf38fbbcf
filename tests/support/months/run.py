"""Two lives of one month, and what came of them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from shop_and_books import shop_and_books

from months import trouble, verdict
from months.life import Clock, Life, Month, clocked
from months.plans import plans

ZONE = "America/New_York"
Urls = tuple[str, str, str]  # fresh staging databases: of the chain, of extracts alone, of a reading of everything


@dataclass(frozen=True)
class Span:
    """A stretch of time: its first moment, its days, the moments (UTC) at which clocks change in it, the pace of orders and runs."""

    start: datetime
    days: int
    changes: tuple[datetime, ...]
    per_day: int
    every: timedelta
    away: timedelta

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=self.days)


AUTUMN = Span(
    datetime(2026, 10, 15, 5, tzinfo=UTC), 31, (datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)), 4,
    timedelta(hours=8), timedelta(hours=27),
)  # fmt: skip
SPRING = Span(
    datetime(2026, 3, 1, 5, tzinfo=UTC), 31, (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)), 4,
    timedelta(hours=8), timedelta(hours=27),
)  # fmt: skip
SHORT = Span(
    datetime(2026, 10, 31, 5, tzinfo=UTC), 2, (datetime(2026, 11, 1, 6, tzinfo=UTC),), 16, timedelta(hours=6), timedelta(hours=5)
)  # fmt: skip


@dataclass
class Outcome:
    """differences: between the lives; complaints: about either; lost: rows that extracts alone did not bring in trouble."""

    differences: list[str]
    complaints: list[str]
    lost: list[str]
    counts: dict[str, dict[str, int]]

    @property
    def wrong(self) -> list[str]:
        return [*self.differences, *self.complaints, *(f"lost: {row}" for row in self.lost)]


@dataclass
class Lived:
    """One life as it ended: the end state by order, complaints, rows that were lost, counts of what happened."""

    state: dict[str, dict[str, Any]]
    complaints: list[str]
    lost: list[str]
    counts: dict[str, int]


def in_peace(span: Span, urls: Urls) -> Lived:
    with _month(span, urls) as month:
        life = _live(month, span, trouble.peace())
        return _ended(life, "in peace", [])


def in_trouble(span: Span, urls: Urls, **policy: Any) -> Lived:
    with _month(span, urls, **policy) as month:
        life = _live(month, span, trouble.all_of_them(span.start, span.days, span.away))
        return _ended(life, "in trouble", verdict.rows_lost(month, urls[2]))


def timed(live: Callable[..., Lived], *arguments: Any, **policy: Any) -> tuple[Lived, int]:
    """A life and the seconds that it took."""
    began = time.monotonic()
    return live(*arguments, **policy), round(time.monotonic() - began)


def _ended(life: Life, how: str, lost: list[str]) -> Lived:
    complaints = [f"{how}: {line}" for line in verdict.complaints(life)]
    return Lived(verdict.end_state(life), complaints, lost, dict(life.counts))


def outcome(peace: Lived, troubled: Lived) -> Outcome:
    return Outcome(
        verdict.differences(peace.state, troubled.state),
        [*peace.complaints, *troubled.complaints],
        troubled.lost,
        {"peace": peace.counts, "trouble": troubled.counts},
    )


@contextmanager
def _month(span: Span, urls: Urls, **policy: Any) -> Iterator[Month]:
    clock = Clock(span.start)
    usual = {
        "time_zone": ZONE, "books_from": f"{span.start - timedelta(days=1):%Y-%m-%d %H:%M:%S}", "magento_overlap_seconds": 60,
        "odoo_overlap_seconds": 600,
    }  # fmt: skip
    make = partial(Month, clock=clock, watch=urls[1])
    with (
        tempfile.TemporaryDirectory() as docs,
        clocked(clock),
        shop_and_books(urls[0], Path(docs), make, **{**usual, **policy}) as month,
    ):
        assert isinstance(month, Month)
        month.at(0)
        month.shop.add_product("SKU-UNKNOWN", name="Odoo has none", price=Decimal("21.50"), stock=1000)
        yield month
        month.watch.dispose()


def _live(month: Month, span: Span, troubles: trouble.Troubles) -> Life:
    made = plans(span.start, span.days, span.per_day, list(span.changes))
    every = span.every if troubles.airflow_off else 2 * span.every
    life = Life(month, made, troubles, span.end, every)
    life.live()
    return life
