"""Read what master data hold of the company's invoice numbering: its country, and the last posted dates by series."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from magodoo.domain.numbering import Numbering, last_posted
from magodoo.domain.vocabulary import Kind


def country_of(master: pd.DataFrame) -> str:
    """Return the code of the company's fiscal country, "" if it was not read."""
    return str(_fact(master, "series").get("country") or "")


def last_day(master: pd.DataFrame, kind: Kind, day: date | None) -> date | None:
    """Return the date of the last posted document of a kind in the numbering that `day` belongs to.

    Returns None without `day` or if master data were not read.
    """
    if day is None:
        return None
    numberings = [Numbering(*map(date.fromisoformat, each)) for each in _fact(master, "series").get(kind.value) or ()]
    return last_posted(numberings, day)


def _fact(master: pd.DataFrame, key: str) -> Mapping[str, Any]:
    found = [data for data in master.loc[master["key"] == key, "data"] if isinstance(data, Mapping)]
    return found[-1] if found else {}
