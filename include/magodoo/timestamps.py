"""The one form in which both systems write a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def utc(text: object) -> datetime:
    """The aware UTC time of `YYYY-MM-DD HH:MM:SS`. Raises ValueError for anything else, the year 0 among it."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
