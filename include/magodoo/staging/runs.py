"""Record what each run of a stage did. Owner of table run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from magodoo.erasing import erase_words
from magodoo.money import dump_json


@contextmanager
def recorded(
    engine: Engine, instance: str, stage: str, dag_run: str, window: tuple[datetime, datetime] | None = None
) -> Iterator[dict[str, Any]]:
    """Record a run before it starts and how it ended. The caller fills the yielded dict with counts.

    Exceptions are recorded and re-raised. `window` is the interval that was read (UTC).
    """
    begin, end = window or (None, None)
    with engine.begin() as connection:
        run_id = connection.execute(
            text("""insert into run (instance, stage, dag_run, window_from, window_to)
                values (:instance, :stage, :dag_run, :begin, :end) returning id"""),
            {"instance": instance, "stage": stage, "dag_run": dag_run, "begin": begin, "end": end},
        ).scalar_one()
    counts: dict[str, Any] = {}
    try:
        yield counts
    except BaseException as problem:
        _finish(engine, run_id, counts, ok=False, message=f"{type(problem).__name__}: {problem}")
        raise
    _finish(engine, run_id, counts, ok=True, message=None)


def _finish(engine: Engine, run_id: int, counts: dict[str, Any], *, ok: bool, message: str | None) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""update run set finished_at = clock_timestamp(), ok = :ok, counts = cast(:counts as jsonb), message = :message
                where id = :id"""),
            {
                "id": run_id,
                "ok": ok,
                "counts": dump_json(counts),
                "message": message and message[:4000].replace("\0", ""),
            },
        )


def erase(connection: Connection, words: Sequence[str]) -> int:
    """Blank the words in the messages of runs; return how many rows changed."""
    return erase_words(connection, "run", ("message",), words)


def forget(connection: Connection, before: datetime) -> int:
    """Delete the runs that started before this time; return how many."""
    return connection.execute(text("delete from run where started_at < :before"), {"before": before}).rowcount
