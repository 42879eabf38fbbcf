"""The window of a backfill: validate it, cut it into chunks, and record its progress in table run chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text

from magodoo.domain.vocabulary import MATCHED_KINDS
from magodoo.errors import BadSettings
from magodoo.pipeline.window import Window, from_conf
from magodoo.settings import Settings
from magodoo.staging import runs
from magodoo.timestamps import utc_now

WIDEST = timedelta(days=3700)
MOST_CHUNKS = 1000  # Airflow maps a task at most 1024 times by default ([core] max_map_length)
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
    """Return the window [start, end) in UTC as chunks of `hours`: `[{"from": iso, "to": iso, "documents": [...]}, ...]`, oldest first.

    Times after `now` are left out. Raises BadSettings, naming the error, for an unknown instance or kind of document, a time that
    cannot be parsed, an end before its start, a window in the future or wider than ten years, and more than MOST_CHUNKS chunks.
    """
    if instance not in settings.instances:
        raise BadSettings(
            f"there is no instance {instance!r}", hint=f"choose one of {', '.join(sorted(settings.instances))}"
        )
    unknown = sorted(set(documents) - set(DOCUMENTS))
    if unknown or not documents:
        message = f"unknown documents: {', '.join(unknown)}" if unknown else "no documents are chosen"
        raise BadSettings(message, hint=f"choose some of {', '.join(DOCUMENTS)}")
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


@contextmanager
def begun(engine: Engine, instance: str, dag_run: str, window: Window) -> Iterator[dict[str, Any]]:
    """Record that a backfill began, or continued after it was cleared; set `chunks` in the yielded dict to their number."""
    with runs.recorded(engine, instance, _WHOLE, dag_run, utc_now, (window.begin, window.end)) as counts:
        yield counts


def chunk_done(engine: Engine, instance: str, dag_run: str, window: Window) -> dict[str, int]:
    """Record that a chunk was read on both sides and reconciled. Returns, and stores with it, the progress of the backfill."""
    with (
        runs.recorded(engine, instance, _CHUNK, dag_run, utc_now, (window.begin, window.end)) as counts,
        engine.connect() as connection,
    ):
        counts.update(progress(connection, instance, dag_run))
    return counts


def progress(connection: Connection, instance: str, dag_run: str) -> dict[str, int]:
    """Return the progress of a backfill from table run: chunks, documents of finished chunks, findings, changes.

    A chunk that was read repeatedly counts once: its last reading gives the documents read, all readings together those changed. Findings and
    changes are all of the instance since the backfill first began, those of scheduled runs included.
    """
    mine = {"instance": instance, "dag_run": dag_run}
    since, chunks = connection.execute(text(_BEGAN), mine).one()
    done = connection.execute(text(_DONE), mine).scalar_one()
    read: dict[tuple[Any, ...], int] = {}
    changed = 0
    for stage, begin, counts in connection.execute(text(_EXTRACTS), mine | {"since": since}):
        kinds = [counts.get(kind) or {} for kind in (*DOCUMENTS, "return")]
        read[stage, begin] = sum(kind.get("read", 0) for kind in kinds)
        changed += sum(kind.get("changed", 0) for kind in kinds)
    counts = {"chunks": chunks, "chunks_done": done, "documents_read": sum(read.values()), "documents_changed": changed}
    for name, statement in _SINCE.items():
        counts[name] = connection.execute(text(statement), {"instance": instance, "since": since}).scalar_one()
    return counts


def latest(connection: Connection, instance: str) -> tuple[str, dict[str, int]] | None:
    """Return the DAG run of the instance's last backfill and its progress after the last finished chunk; None when there was none."""
    found = connection.execute(text(_LATEST), {"instance": instance}).one_or_none()
    return (found.dag_run, found.counts) if found else None


# The stages of these records in table run.
_WHOLE, _CHUNK = "backfill", "backfill_chunk"

_BEGAN = f"""select min(started_at), (array_agg((counts ->> 'chunks')::int order by id desc))[1]
    from run where instance = :instance and stage = '{_WHOLE}' and dag_run = :dag_run and ok"""
# A chunk whose record is still open (`ok` is null) counts as done: `chunk_done` reads the progress inside it.
_WINDOWS = f"""select distinct window_from, window_to from run
    where instance = :instance and stage = '{_CHUNK}' and dag_run = :dag_run and ok is distinct from false"""
# After a restart the last chunk may end later than before, since `now` is later.
_DONE = f"select count(distinct window_from) from ({_WINDOWS}) done"
_EXTRACTS = f"""select e.stage, e.window_from, e.counts from run e join ({_WINDOWS}) done using (window_from, window_to)
    where e.instance = :instance and e.stage in ('magento_extract', 'odoo_extract') and e.ok and e.started_at >= :since order by e.id"""
_LATEST = f"""select b.dag_run, coalesce(c.counts, b.counts) as counts from run b left join lateral (
        select counts from run where instance = b.instance and stage = '{_CHUNK}' and dag_run = b.dag_run and ok
        order by started_at desc limit 1) c on true
    where b.instance = :instance and b.stage = '{_WHOLE}' and b.ok order by b.started_at desc limit 1"""
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
