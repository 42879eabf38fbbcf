"""The clock, and the timestamp format that both systems use."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def utc_now() -> datetime:
    """Return the current time, aware, in UTC: the only function that reads the system clock. Code with a context uses `context.now()`."""
    return datetime.now(UTC)


def uptime() -> float:
    """Return the seconds since this machine started, those that it slept included: a lease ends for a machine that sleeps too.

    `time.monotonic()` stands still while Linux is suspended; where there is no other clock (macOS), it does not.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def utc(text: object) -> datetime:
    """Return the aware UTC time of `YYYY-MM-DD HH:MM:SS`. Raises ValueError for anything else, including year 0."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
