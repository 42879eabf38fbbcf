"""Invoicing rules by country: drafts where e-invoicing applies, chronological series, days until a draft must be issued."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from magodoo.settings.model import Instance


def drafted_by_default(instance: Instance) -> Instance:
    """Return settings in which an unset `to_odoo` of invoices and credit memos means `draft` (docs/business-rules.md#periods-and-numbers)."""
    parts = {"invoices": instance.invoices, "credit_memos": instance.credit_memos}
    drafted = {
        name: part.model_copy(update={"to_odoo": "draft"})
        for name, part in parts.items()
        if "to_odoo" not in part.model_fields_set
    }
    return instance.model_copy(update=drafted)


CHRONOLOGICAL = frozenset({"AR", "BE", "ES", "FR", "PT"})
"""Numbers of a series must follow the dates."""

DAYS: Mapping[str, int] = {"ES": 0, "HU": 8, "IN": 29, "IT": 12, "MX": 1, "SA": 1, "TR": 7}
"""Days after the sale within which the invoice must be issued."""
SATURDAY = 5
WORKING_DAYS: Mapping[str, int] = {"PT": 5}
"""The same in days from Monday to Friday."""
MID_NEXT_MONTH = frozenset({"PL", "RO"})
"""To be issued by the 15th of the month after the sale."""


def policy(instance: Instance, country: str) -> str:
    """Return `off`, `hold` or `date_today`: the setting, or the default of the company's country (ISO code)."""
    if instance.chronological_series != "by_country":
        return instance.chronological_series
    return "hold" if country in CHRONOLOGICAL else "off"


def deadline(instance: Instance, country: str, day: date | None) -> date | None:
    """Return the last day on which the invoice of a sale of `day` may be issued, or None where no rule is known."""
    days = instance.invoices.issue_within_days
    if day is None:
        return None
    if days is not None:
        return day + timedelta(days=days)
    if country in WORKING_DAYS:
        return _working_days_after(day, WORKING_DAYS[country])
    if country in MID_NEXT_MONTH:
        return (day.replace(day=1) + timedelta(days=32)).replace(day=15)
    return day + timedelta(days=DAYS[country]) if country in DAYS else None


def _working_days_after(day: date, number: int) -> date:
    while number:
        day += timedelta(days=1)
        number -= day.weekday() < SATURDAY
    return day
