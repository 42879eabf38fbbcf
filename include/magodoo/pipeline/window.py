"""The window of time that a run must read: from a partition key or from `from` and `to` of a form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from magodoo.errors import BadSettings


@dataclass(frozen=True)
class Window:
    """[begin, end) of updated_at / write_date, aware UTC. A run with a window moves no watermark."""

    begin: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.begin.tzinfo is None or self.end.tzinfo is None:
            raise BadSettings("a window needs times with a zone", hint="write them as 2026-11-22T00:00:00Z")
        if self.begin >= self.end:
            raise BadSettings(
                f"the window ends at {self.end:%Y-%m-%d %H:%M}, before it starts", hint="swap `from` and `to`"
            )

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S} UTC"


def from_conf(conf: Mapping[str, Any]) -> Window:
    """Return the window of `{"from": ..., "to": ...}`: ISO date-times, UTC where they have no zone. Raises BadSettings naming the error."""
    return Window(_moment("from", conf.get("from")), _moment("to", conf.get("to")))


def from_partition(key: str, schedule: str) -> Window:
    """Return the interval from a partition key to the schedule's next tick. Raises BadSettings for a key that is no time."""
    from croniter import croniter

    begin = _moment("partition key", key)
    return Window(begin, croniter(schedule, begin).get_next(datetime))


def _moment(name: str, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSettings(f"`{name}` is no date-time: {value!r}", hint="write it as 2026-11-22T00:00:00Z") from None
