"""The window of a backfill: checked, and cut into chunks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from magodoo.errors import BadSettings
from magodoo.settings import Settings

WIDEST = timedelta(days=3700)
KINDS = ("order", "invoice", "shipment", "credit_memo")


def chunks(
    settings: Settings, instance: str, start: str, end: str, *, hours: int, now: datetime
) -> list[dict[str, str]]:
    """The window [start, end) in UTC as chunks of so many hours: `[{"from": iso, "to": iso}, ...]`, oldest first.

    Raises BadSettings, naming what is wrong, for an unknown instance, a time that cannot be read, an end before its start,
    a window in the future or wider than ten years.
    """
    if instance not in settings.instances:
        raise BadSettings(
            f"there is no instance {instance!r}", hint=f"choose one of {', '.join(sorted(settings.instances))}"
        )
    first, last = _moment("from", start), _moment("to", end)
    if first >= last:
        raise BadSettings(f"the window ends at {last:%Y-%m-%d %H:%M}, before it starts", hint="swap `from` and `to`")
    if first >= now:
        raise BadSettings("the window lies in the future", hint="documents of the future are not there yet")
    if last - first > WIDEST:
        raise BadSettings("the window is wider than ten years", hint="start several backfills")
    if not 1 <= hours <= 24 * 366:
        raise BadSettings(f"chunks of {hours} hours are not possible", hint="use 1 hour to one year")
    last = min(last, now)
    step, cut = timedelta(hours=hours), []
    while first < last:
        cut.append({"from": first.isoformat(), "to": min(first + step, last).isoformat()})
        first += step
    return cut


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        raise BadSettings(f"`{name}` is no date-time: {text!r}", hint="write it as 2026-11-22T00:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
