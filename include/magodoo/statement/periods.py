"""A calendar month of a statement: local days of the instance's time zone, and the UTC times that bound them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Self
from zoneinfo import ZoneInfo

from magodoo.errors import FixConfiguration


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
