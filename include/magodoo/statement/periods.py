"""A calendar month of a statement: local days of the instance's time zone, and the UTC times that bound them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from magodoo.errors import FixConfiguration

MONTH, QUARTER, WEEKS = "month", "quarter_to_date", "4-4-5"
_LENGTHS = (4, 4, 5) * 4  # the 53rd week of a year is in its last period
_YEAR = 52


class Span(NamedTuple):
    """Some days of a statement's table: MONTH, QUARTER or WEEKS, the first and the last day."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in the time zone `zone`; `first` is its first day."""

    first: date
    zone: ZoneInfo

    @classmethod
    def read(cls, text: str, zone: ZoneInfo) -> Self:
        """Parse `2026-10`. Raises FixConfiguration for anything else, and outside 2000 to 2199."""
        found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text.strip())
        if not found or not 2000 <= int(found[1]) <= 2199:
            raise FixConfiguration(f"not a month: {text[:20]!r}", hint="write year and month, such as 2026-10")
        return cls(date(int(found[1]), int(found[2]), 1), zone)

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> Self:
        """Return the month that contains an aware time."""
        return cls(moment.astimezone(zone).date().replace(day=1), zone)

    @property
    def next(self) -> Month:
        """Return the following month."""
        return Month((self.first + timedelta(days=31)).replace(day=1), self.zone)

    @property
    def before(self) -> Month:
        """Return the preceding month."""
        return Month((self.first - timedelta(days=1)).replace(day=1), self.zone)

    @cached_property
    def last(self) -> date:
        """Return the last day."""
        return self.next.first - timedelta(days=1)

    @property
    def begins(self) -> datetime:
        """Return the UTC time at which the month begins; that of `next` is its end."""
        return datetime.combine(self.first, time.min, self.zone).astimezone(UTC)

    def holds(self, day: date | None) -> bool:
        """Return whether the day is in the month; False for None."""
        return day is not None and self.first <= day <= self.last

    def is_over(self, now: datetime) -> bool:
        """Return whether the month has ended at `now` (aware)."""
        return now >= self.next.begins

    @property
    def days(self) -> list[date]:
        """Return every day of the month, in order."""
        return [self.first + timedelta(days=number) for number in range((self.next.first - self.first).days)]

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


def spans(month: Month, years: Sequence[date] = ()) -> list[Span]:
    """Return the month, its calendar quarter up to its end, and every 4-4-5 period that ends in it.

    `years` are the first days of fiscal years in weeks.
    """
    quarter = month.first.replace(month=(month.first.month - 1) // 3 * 3 + 1)
    weeks = [Span(WEEKS, first, last) for first, last in _weeks(years, month.last) if month.holds(last)]
    return [Span(MONTH, month.first, month.last), Span(QUARTER, quarter, month.last), *weeks]


def _weeks(years: Sequence[date], until: date) -> Iterator[tuple[date, date]]:
    """Yield first and last day of the 4-4-5 periods that begin up to a day, in order."""
    starts = sorted(years)
    while starts and starts[-1] <= until:
        starts.append(starts[-1] + timedelta(weeks=_YEAR))
    for start, end in pairwise(starts):
        first = start
        for length in (*_LENGTHS[:-1], 0):
            following = first + timedelta(weeks=length) if length else end
            yield first, following - timedelta(days=1)
            first = following
