"""What was read of the company's series: its country, and the last posted dates of its sales journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from magodoo.vocabulary import Kind


def country_of(master: pd.DataFrame) -> str:
    """The code of the company's fiscal country, "" when it was not read."""
    return str(_fact(master, "series").get("country") or "")


def last_day(master: pd.DataFrame, kind: Kind, day: date | None) -> date | None:
    """The date of the last posted document of a kind, in the year of `day`, when master data were read."""
    years = _fact(master, "series").get(kind.value)
    found = years.get(str(day.year)) if isinstance(years, Mapping) and day is not None else None
    return date.fromisoformat(str(found)) if found else None


def _fact(master: pd.DataFrame, key: str) -> Mapping[str, Any]:
    found = [data for data in master.loc[master["key"] == key, "data"] if isinstance(data, Mapping)]
    return found[-1] if found else {}
