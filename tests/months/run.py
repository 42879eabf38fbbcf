"""Two lives of one month, and what came of them."""

from __future__ import annotations

import tempfile
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


def compare(span: Span, new_staging: Callable[[], str]) -> Outcome:
    """Live the span in peace and in trouble."""
    with _month(span, new_staging) as month:
        peace = _live(month, span, trouble.peace())
        wanted, complaints = verdict.end_state(peace), [f"in peace: {line}" for line in verdict.complaints(peace)]
    with _month(span, new_staging) as month:
        troubled = _live(month, span, trouble.all_of_them(span.start, span.days, span.away))
        complaints += [f"in trouble: {line}" for line in verdict.complaints(troubled)]
        lost = verdict.rows_lost(month, new_staging())
        differences = verdict.differences(wanted, verdict.end_state(troubled))
    counts = {"peace": dict(peace.counts), "trouble": dict(troubled.counts)}
    return Outcome(differences, complaints, lost, counts)


def lost_rows(span: Span, new_staging: Callable[[], str], **policy: Any) -> list[str]:
    """Live the span in trouble only, under other settings; the rows that extracts alone did not bring."""
    with _month(span, new_staging, **policy) as month:
        _live(month, span, trouble.all_of_them(span.start, span.days, span.away))
        return verdict.rows_lost(month, new_staging())


@contextmanager
def _month(span: Span, new_staging: Callable[[], str], **policy: Any) -> Iterator[Month]:
    clock = Clock(span.start)
    usual = {
        "time_zone": ZONE, "books_from": f"{span.start - timedelta(days=1):%Y-%m-%d %H:%M:%S}", "magento_overlap_seconds": 60,
        "odoo_overlap_seconds": 600,
    }  # fmt: skip
    make = partial(Month, clock=clock, watch=new_staging())
    with (
        tempfile.TemporaryDirectory() as docs,
        clocked(clock),
        shop_and_books(new_staging(), Path(docs), make, **{**usual, **policy}) as month,
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
