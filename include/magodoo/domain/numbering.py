"""Number sequences of an Odoo journal: the prefix of a number determines the dates that its sequence covers (docs/facts/invoice-dates.md)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

# A year of four or two digits with no digit before it, the second year of a fiscal year, and a month after it.
_YEAR = re.compile(r"(?<!\d)(?P<year>(?:19|20|21)\d\d|\d\d(?=\D))(?=(?:\D(?P<end>(?:19|20|21)\d\d|\d\d)(?:\D|$))?)")
_MONTH = re.compile(r"\D*(0[1-9]|1[0-2])(?=\D|$)")


@dataclass(frozen=True)
class Numbering:
    """One number sequence: the first and last date that it covers, both included, and the latest date posted in it."""

    first: date
    last: date
    posted: date

    @classmethod
    def of(cls, prefix: str, day: date, posted: date, year_end: tuple[int, int] = (12, 31)) -> Numbering:
        """Return the sequence of a prefix (`INV/2026/03/`) that has a document dated `day`.

        The prefix determines when the sequence restarts, as in Odoo: each month, each year, each fiscal year (which ends on month and day
        `year_end`), or never.
        """
        first, last = _span(prefix, day, year_end)
        return cls(first, last, posted)


def last_posted(numberings: Iterable[Numbering], day: date) -> date | None:
    """Return the latest date posted in the sequence that covers `day`, or None where `day` starts a new sequence."""
    return max((each.posted for each in numberings if each.first <= day <= each.last), default=None)


def _span(prefix: str, day: date, year_end: tuple[int, int]) -> tuple[date, date]:
    found = next((each for each in _YEAR.finditer(prefix) if _is_of(each, day)), None)
    if found is None:
        return date.min, date.max
    is_range = found["end"] is not None and _follows(found["year"], found["end"])
    after = prefix[found.end("end" if is_range else "year") :]
    month = _MONTH.match(after)
    if month and int(month[1]) == day.month:
        return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
    if is_range:
        return _fiscal_year(day, year_end)
    return date(day.year, 1, 1), date(day.year, 12, 31)


def _is_of(found: re.Match[str], day: date) -> bool:
    """Return whether a match is the year of `day`, or a fiscal year around it: `F3/26-27/` has no year at `F3`."""
    years = [found["year"], found["end"]] if found["end"] and _follows(found["year"], found["end"]) else [found["year"]]
    return any(int(each) == day.year % 10 ** len(each) for each in years)


def _follows(year: str, end: str) -> bool:
    return (int(year) + 1) % 10 ** len(end) == int(end) and len(year) >= len(end)


def _fiscal_year(day: date, year_end: tuple[int, int]) -> tuple[date, date]:
    end = _end_of_year(day.year, year_end)
    if day > end:
        end = _end_of_year(day.year + 1, year_end)
    return _end_of_year(end.year - 1, year_end) + timedelta(days=1), end


def _end_of_year(year: int, year_end: tuple[int, int]) -> date:
    month, day = year_end
    return date(year, month, min(day, monthrange(year, month)[1]))
