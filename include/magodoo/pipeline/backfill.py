"""The window of a backfill: checked, cut into chunks; and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from magodoo.errors import BadSettings
from magodoo.pipeline.window import Window, from_conf
from magodoo.settings import Settings
from magodoo.vocabulary import MATCHED_KINDS

WIDEST = timedelta(days=3700)
MOST_CHUNKS = 1000  # Airflow maps over at most 1024 by default
DOCUMENTS = tuple(kind.value for kind in MATCHED_KINDS)


def chunks(
    settings: Settings,
    instance: str,
    start: str,
    end: str,
    *,
    hours: int,
    now: datetime,
    documents: Sequence[str] = DOCUMENTS,
) -> list[dict[str, Any]]:
    """The window [start, end) in UTC as chunks of so many hours: `[{"from": iso, "to": iso, "documents": [...]}, ...]`, oldest first.

    What lies after `now` is left out. Raises BadSettings, naming what is wrong, for an unknown instance or kind of document, a
    time that cannot be read, an end before its start, a window in the future or wider than ten years, too many chunks.
    """
    if instance not in settings.instances:
        raise BadSettings(
            f"there is no instance {instance!r}", hint=f"choose one of {', '.join(sorted(settings.instances))}"
        )
    unknown = sorted(set(documents) - set(DOCUMENTS))
    if unknown or not documents:
        said = f"unknown documents: {', '.join(unknown)}" if unknown else "no documents are chosen"
        raise BadSettings(said, hint=f"choose some of {', '.join(DOCUMENTS)}")
    window = _cut_off(from_conf({"from": start, "to": end}), now)
    if not 1 <= hours <= 24 * 366:
        raise BadSettings(f"chunks of {hours} hours are not possible", hint="use 1 hour to one year")
    step = timedelta(hours=hours)
    if (window.end - window.begin) / step > MOST_CHUNKS:
        raise BadSettings(f"the window would be more than {MOST_CHUNKS} chunks", hint="use longer chunks")
    cut, first = [], window.begin
    while first < window.end:
        last = min(first + step, window.end)
        cut.append({"from": first.isoformat(), "to": last.isoformat(), "documents": list(documents)})
        first = last
    return cut


def report(connection: Connection, instance: str, chunks: Sequence[dict[str, Any]], since: datetime) -> dict[str, int]:
    """What a backfill that began at `since` did: documents read and changed in its chunks, findings and changes that are new.

    Findings and changes are those of the instance since then: a scheduled run at the same time counts too.
    """
    windows = {(from_conf(chunk).begin, from_conf(chunk).end) for chunk in chunks}
    rows = connection.execute(
        text("""select window_from, window_to, counts from run where instance = :instance and started_at >= :since
            and ok and stage in ('magento_extract', 'odoo_extract') and window_from is not null"""),
        {"instance": instance, "since": since},
    )
    done: Counter[str] = Counter(chunks=len(windows), extracts=0, documents_read=0, documents_changed=0)
    for begin, end, counts in rows:
        if (begin, end) in windows:
            kinds = [counts.get(kind) or {} for kind in (*DOCUMENTS, "return")]
            done["extracts"] += 1
            done["documents_read"] += sum(kind.get("read", 0) for kind in kinds)
            done["documents_changed"] += sum(kind.get("changed", 0) for kind in kinds)
    for name, statement in _SINCE.items():
        done[name] = connection.execute(text(statement), {"instance": instance, "since": since}).scalar_one()
    return dict(done)


_SINCE = {
    "findings_new": "select count(*) from finding where instance = :instance and first_seen >= :since",
    "findings_resolved": "select count(*) from finding where instance = :instance and resolved_at >= :since",
    "changes_planned": "select count(*) from change where instance = :instance and planned_at >= :since",
    "changes_done": "select count(*) from change where instance = :instance and state = 'done' and finished_at >= :since",
}


def _cut_off(window: Window, now: datetime) -> Window:
    if window.begin >= now:
        raise BadSettings("the window lies in the future", hint="documents of the future are not there yet")
    if window.end - window.begin > WIDEST:
        raise BadSettings("the window is wider than ten years", hint="start several backfills")
    return Window(window.begin, min(window.end, now))
