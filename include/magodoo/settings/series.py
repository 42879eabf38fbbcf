"""What countries ask of the numbers and dates of invoices: series that follow the dates, and days until a draft must be issued.

Countries are those of the company's taxes. Both are defaults that the settings override; they are no legal advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from magodoo.settings.model import Instance

CHRONOLOGICAL = frozenset(
    {"AR", "BE", "BR", "CL", "EC", "ES", "FR", "GR", "HU", "IN", "IT", "MX", "PE", "PT", "RO", "RS", "SA", "TR"}
)
"""Numbers of a series must follow the dates, or the authority refuses a date before the last one."""

DAYS: Mapping[str, int] = {"HU": 8, "IN": 30, "IT": 12, "MX": 3, "PT": 5, "RO": 5, "SA": 1, "TR": 7}
"""Days after the sale within which the invoice must be issued."""
MID_NEXT_MONTH = frozenset({"ES", "PL"})
"""To be issued by the 15th of the month after the sale."""


def policy(instance: Instance, country: str) -> str:
    """`off`, `hold` or `date_today`: the setting, or what the company's country asks for."""
    if instance.chronological_series != "by_country":
        return instance.chronological_series
    return "hold" if country in CHRONOLOGICAL else "off"


def deadline(instance: Instance, country: str, day: date | None) -> date | None:
    """The last day on which an invoice of a sale of `day` may be issued; None where nothing is known."""
    days = instance.invoices.issue_within_days
    days = DAYS.get(country) if days is None else days
    if day is None:
        return None
    if days is not None:
        return day + timedelta(days=days)
    return (day.replace(day=1) + timedelta(days=32)).replace(day=15) if country in MID_NEXT_MONTH else None
