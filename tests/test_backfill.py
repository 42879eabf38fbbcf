"""A backfill: its form and chunks, and how far it has come after each of them, counted in the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from magodoo.errors import BadSettings
from magodoo.pipeline import backfill
from magodoo.settings import Instance, Settings
from magodoo.staging import connect

SETTINGS = """\
instances:
  us: {magento_connection: shop, odoo_connection: books}
  broken: {magento_connection: shop, odo_connection: books}
"""
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KNOWN = Settings(instances={"us": Instance(id="us", magento_connection="m", odoo_connection="o")})


def chunks(start: str, end: str, *, instance: str = "us", hours: int = 24, **more: Any) -> list[dict[str, Any]]:
    return backfill.chunks(KNOWN, instance, start, end, hours=hours, now=NOW, **more)


def test_chunks_cover_the_window_once_and_in_order() -> None:
    cut = chunks("2026-10-20T00:00:00Z", "2026-10-31T06:00:00Z")
    assert cut[0]["from"] == "2026-10-20T00:00:00+00:00"
    assert cut[-1]["to"] == "2026-10-31T06:00:00+00:00"
    assert all(earlier["to"] == later["from"] for earlier, later in pairwise(cut))
    assert len(cut) == 12
    assert all(chunk["documents"] == list(backfill.DOCUMENTS) for chunk in cut)


def test_chunks_end_at_the_present() -> None:
    assert chunks("2026-11-22T00:00:00Z", "2026-12-24T00:00:00Z")[-1]["to"] == NOW.isoformat()


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"start": "2026-11-02T00:00:00Z", "end": "2026-11-01T00:00:00Z"}, "before it starts"),
        ({"start": "2026-11-02T00:00:00Z", "end": "2026-11-02T00:00:00Z"}, "before it starts"),
        ({"start": "2026-11-23T00:00:00Z", "end": "2026-11-24T00:00:00Z"}, "future"),
        ({"start": "2010-01-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}, "ten years"),
        ({"start": "2026-01-01T00:00:00Z", "end": "2026-11-01T00:00:00Z", "hours": 1}, "longer chunks"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "hours": 0}, "0 hours"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "instance": "fr"}, "no instance 'fr'"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "documents": ["quote"]}, "quote"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "documents": []}, "no documents"),
        ({"start": "last week", "end": "2026-11-02T00:00:00Z"}, "no date-time"),
    ],
)
def test_a_bad_form_is_refused_and_says_why(form: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        chunks(**form)


class Backfill:
    """A backfill of two chunks over one day, under a DAG run's id, in an Airflow whose staging connection is `url`."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "magodoo.yaml").write_text(SETTINGS)
        monkeypatch.setenv("MAGODOO_SETTINGS", str(folder / "magodoo.yaml"))
        monkeypatch.setenv("AIRFLOW_CONN_MAGODOO_STAGING", url.replace("postgresql+psycopg2", "postgres"))
        self.engine = connect(url)

    def begin(self, run_id: str = "one", instance: str = "us") -> list[dict[str, Any]]:
        from magodoo_airflow.operators.backfill import BackfillChunksOperator

        form = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z", "hours": 12, "documents": ["order"]}
        return BackfillChunksOperator(task_id="chunks", instance=instance, **form).execute({"run_id": run_id})

    def read(self, chunk: dict[str, Any], changed: int, *, ok: bool = True) -> None:
        """Both sides are read: three invoices each."""
        with self.engine.begin() as connection:
            for side in ("magento", "odoo"):
                connection.execute(
                    text("""insert into run (instance, stage, window_from, window_to, started_at, ok, counts)
                        values ('us', :stage, :begin, :end, clock_timestamp(), :ok, cast(:counts as jsonb))"""),
                    {
                        "stage": f"{side}_extract", "begin": chunk["from"], "end": chunk["to"], "ok": ok,
                        "counts": json.dumps({"invoice": {"read": 3, "changed": changed}}),
                    },
                )  # fmt: skip

    def find(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                text("""insert into finding (instance, type, severity, kind, order_key, magento_id, message, first_seen)
                    select 'us', 'missing_in_odoo', 'warning', 'invoice', n, n, 'missing', clock_timestamp()
                    from (select (count(*) + 1)::text as n from finding) f""")
            )

    def done(self, chunk: dict[str, Any], run_id: str = "one") -> tuple[tuple[int, ...], str]:
        """The chunk is noted as done: chunks, done, documents read, changed, new findings; and the name of the mapped task."""
        from magodoo_airflow.operators.backfill import BackfillProgressOperator

        operator = BackfillProgressOperator(task_id="progress", instance="us", chunk=chunk)
        counts = operator.execute({"run_id": run_id})
        return self._reported(counts), operator.label

    def report(self, run_id: str = "one") -> tuple[int, ...]:
        from magodoo_airflow.operators.backfill import BackfillReportOperator

        return self._reported(BackfillReportOperator(task_id="report", instance="us").execute({"run_id": run_id}))

    def latest(self) -> tuple[str, int] | None:
        """The DAG run of the last backfill, and how many chunks were done."""
        with self.engine.connect() as connection:
            found = backfill.latest(connection, "us")
        return (found[0], found[1].get("chunks_done", 0)) if found else None

    @staticmethod
    def _reported(counts: dict[str, int]) -> tuple[int, ...]:
        names = ("chunks", "chunks_done", "documents_read", "documents_changed", "findings_new")
        return tuple(counts[name] for name in names)


@pytest.fixture
def backfilling(staging_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backfill]:
    made = Backfill(staging_url, tmp_path, monkeypatch)
    yield made
    made.engine.dispose()


def test_a_bad_form_fails_its_task_without_a_retry(backfilling: Backfill) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    assert len(backfilling.begin()) == 2
    with pytest.raises(AirflowFailException, match="no instance 'broken'"):
        backfilling.begin(instance="broken")


def test_a_backfill_reports_its_progress_after_each_chunk(backfilling: Backfill) -> None:
    backfilling.read({"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T12:00:00Z"}, 3)  # before it began
    first, second = backfilling.begin()
    backfilling.read(first, 1)
    backfilling.read(second, 1)  # read already, but not reconciled yet
    backfilling.find()
    told, name = backfilling.done(first)
    assert told == (2, 1, 6, 2, 1)
    assert name == "2026-11-01T00:00 to 2026-11-01T12:00: 1 of 2 chunks, 6 documents, 1 findings, 0 changes"
    backfilling.find()
    assert backfilling.done(second)[0] == (2, 2, 12, 4, 2)
    assert backfilling.report() == (2, 2, 12, 4, 2)


def test_a_resumed_backfill_keeps_its_count_of_finished_chunks(backfilling: Backfill) -> None:
    first, second = backfilling.begin()
    backfilling.read(first, 1)
    backfilling.find()
    backfilling.done(first)
    backfilling.read(second, 1, ok=False)
    backfilling.begin()  # cleared: all of it is done again
    assert backfilling.latest() == ("one", 1)
    backfilling.read(first, 0)
    assert backfilling.done(first)[0] == (2, 1, 6, 2, 1)
    backfilling.read(second, 1)
    assert backfilling.done(second)[0] == (2, 2, 12, 4, 1)
    assert backfilling.report() == (2, 2, 12, 4, 1)


def test_a_new_backfill_of_the_same_window_starts_its_count_at_zero(backfilling: Backfill) -> None:
    assert backfilling.latest() is None
    for chunk in backfilling.begin():
        backfilling.read(chunk, 1)
        backfilling.done(chunk)
    first, _ = backfilling.begin("another")
    assert backfilling.latest() == ("another", 0)
    backfilling.read(first, 0)
    assert backfilling.done(first, "another")[0] == (2, 1, 6, 0, 0)
