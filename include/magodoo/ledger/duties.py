"""Keep duties apart: who changed limits, taxes, accounts or mode last does not approve or release what follows.

The settings file says who changed it last (`changed_by`), and the decisions' log keeps each change. `separate_duties: false` switches the
rule off (docs/how-to/give-rights.md#duties).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from magodoo import decision_log
from magodoo.decision_log import Decision, Entry
from magodoo.settings import Instance
from magodoo.settings.changes import concerns_duties, different, flat

_SETTINGS = "settings"
UNKNOWN = "unknown"  # the settings file does not say who changed it


def record_settings(connection: Connection, instance: Instance, changed_by: str) -> None:
    """Add what changed in the settings of an instance since they were last recorded; `changed_by` is "" where the file does not say who."""
    connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended('settings ' || :instance, 0))"), {"instance": instance.id}
    )
    before, after = different(_recorded(connection, instance.id), flat(instance))
    if before:
        entry = Entry(instance.id, _SETTINGS, instance.id, instance.id, before, after)
        decision_log.record(connection, Decision.SETTINGS, changed_by or UNKNOWN, [entry])


def _recorded(connection: Connection, instance: str) -> dict[str, str]:
    """Return the settings as the log has them: every change applied to nothing."""
    found: dict[str, str] = {}
    statement = "select after from decision where instance = :instance and decision = 'settings' order by id"
    for (after,) in connection.execute(text(statement), {"instance": instance}):
        for key, value in after.items():
            found.pop(key, None)
            if value is not None:
                found[key] = value
    return found


@dataclass(frozen=True)
class Change:
    """The last change of what duties depend on: when it was noticed, by whom it was made, and its keys."""

    at: datetime
    who: str
    keys: tuple[str, ...]


def last_change(connection: Connection, instance: str) -> Change | None:
    """Return the last change of limits, taxes, accounts or mode of an instance; None where none is recorded."""
    statement = (
        "select at, who, after from decision where instance = :instance and decision = 'settings' order by id desc"
    )
    for at, who, after in connection.execute(text(statement), {"instance": instance}):
        keys = tuple(sorted(key for key in after if concerns_duties(key)))
        if keys:
            return Change(at, who, keys)
    return None


def why_not_decide(connection: Connection, instance: Instance, change_ids: Collection[int], who: str) -> str | None:
    """Return why a person may not approve or release these planned changes of an instance; None when they may."""
    change = last_change(connection, instance.id) if instance.separate_duties else None
    if change is None or change.who != who:
        return None
    statement = "select count(*) from change where instance = :instance and id = any(:ids) and planned_at >= :at"
    following = connection.execute(
        text(statement), {"instance": instance.id, "ids": list(change_ids), "at": change.at}
    ).scalar_one()
    if not following:
        return None
    named = ", ".join(sorted({key.split(".")[0] for key in change.keys}))
    return (
        f"You changed {named} of {instance.id} last ({change.at:%Y-%m-%d}): another person decides on what was planned since, or"
        " `separate_duties: false` says that the house has one person."
    )
