"""The results of preflights, and whether the last one lets an instance write. Owner of table preflight."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from magodoo.domain.kinds import ChangeKind
from magodoo.money import dump_json
from magodoo.preflight.lines import CheckLine, has_errors
from magodoo.preflight.subject import applied_kinds
from magodoo.settings import Instance, drafted_by_default

_WITHOUT_EFFECT = {
    "title",
    "mode",
    "schedule",
    "recipients",
    "quality",
    "limits",
    "exclude",
    "magento_admin_url",
    "odoo_url",
}
"""Settings that no check depends on: changing them does not ask for a new preflight."""


def record(
    connection: Connection, instance: Instance, kinds: frozenset[ChangeKind], lines: Sequence[CheckLine], at: datetime
) -> bool:
    """Keep a preflight's result, judged for these kinds of change; returns whether it has no error."""
    ok = not has_errors(lines)
    connection.execute(
        text("""insert into preflight (instance, checked_at, ok, kinds, settings_hash, lines)
            values (:instance, :at, :ok, :kinds, :hash, cast(:lines as jsonb))"""),
        {
            "instance": instance.id,
            "at": at,
            "ok": ok,
            "kinds": sorted(kind.value for kind in kinds),
            "hash": settings_hash(instance),
            "lines": dump_json([line.as_json() for line in lines]).replace("\\u0000", ""),
        },
    )
    return ok


def passed(connection: Connection, instance: Instance) -> bool:
    """Whether the instance may write: its last preflight had no error, and nothing that it looked at was changed since."""
    return why_not(connection, instance) is None


def why_not(connection: Connection, instance: Instance) -> str | None:
    """Why the instance may not write, in words for a person; None when it may. An instance that only observes may not fail."""
    row = connection.execute(
        text("""select checked_at, ok, kinds, settings_hash from preflight
            where instance = :instance order by id desc limit 1"""),
        {"instance": instance.id},
    ).one_or_none()
    if row is None:
        return "no preflight was run: trigger the DAG `preflight`"
    if not row.ok:
        return f"the preflight of {row.checked_at:%Y-%m-%d %H:%M} UTC found errors: mend them and run it again"
    added = sorted({kind.value for kind in applied_kinds(instance)} - set(row.kinds))
    if added:
        return f"{', '.join(added)} was switched on after the preflight of {row.checked_at:%Y-%m-%d %H:%M} UTC: run it again"
    if row.settings_hash != settings_hash(instance):
        return f"the settings were changed after the preflight of {row.checked_at:%Y-%m-%d %H:%M} UTC: run it again"
    return None


def settings_hash(instance: Instance) -> str:
    """A hash of the settings that checks depend on, in whatever order they stand; with e-invoicing an unwritten policy means another one."""
    meanings = (instance, drafted_by_default(instance))
    said = json.dumps([each.model_dump(mode="json", exclude=_WITHOUT_EFFECT) for each in meanings], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
