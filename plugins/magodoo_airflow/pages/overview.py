"""The figures of the overview: agreement of both sides and its course, amounts at stake, what waits, last and next runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import Connection, select, text

from magodoo.domain.vocabulary import MATCHED_KINDS
from magodoo.notifications import outbox
from magodoo.pipeline import backfill

DAYS = 30
BACKFILL = "sales_backfill__"  # and the instance
_STAGES = ("magento_extract", "odoo_extract", "sales_reconcile", "sales_quality", "sales_load", "sales_refresh")


@dataclass(frozen=True)
class Agreement:
    """Counts of one kind of document on one day: matched, differing, missing."""

    day: date
    matched: int
    differing: int
    missing_in_odoo: int
    missing_in_magento: int

    @property
    def all(self) -> int:
        """Return the sum of the counts."""
        return self.matched + self.differing + self.missing_in_odoo + self.missing_in_magento

    @property
    def share(self) -> float:
        """Return the percentage that is matched; 100 for no documents, never 100 while one differs."""
        share = 100 * self.matched / self.all if self.all else 100.0
        return min(share, 99.99) if self.matched < self.all else share


@dataclass(frozen=True)
class Run:
    """A DAG of the instance: its last run in Airflow, the counts of that run, and the next run (None: when there is work)."""

    dag_id: str
    paused: bool
    next_at: datetime | None
    state: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    counts: dict[str, Any] | None = None


@dataclass(frozen=True)
class Overview:
    """The figures of one instance. `course`: by kind the days with data, oldest first."""

    instance: str
    course: dict[str, list[Agreement]]
    counted_at: datetime | None
    open_by_day: list[tuple[date, int]]
    findings: list[dict[str, Any]]
    stakes: list[dict[str, Any]]
    oldest: dict[str, Any] | None
    changes: dict[str, int]
    quarantined: int
    mails: outbox.Unsent
    dead_letters: list[outbox.DeadLetter]
    runs: list[Run]


def overview(connection: Connection, instance: str, now: datetime) -> Overview:
    """Return the figures of one instance for the DAYS days up to `now`."""
    since = now.date() - timedelta(days=DAYS - 1)
    values = {"instance": instance, "since": since, "now": now}

    def rows(statement: str) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(text(statement), values).mappings()]

    agreement = rows("select * from agreement where instance = :instance and day >= :since order by day")
    course: dict[str, list[Agreement]] = {}
    for kind in MATCHED_KINDS:
        days = [row for row in agreement if row["kind"] == kind.value]
        if days:
            names = ("day", "matched", "differing", "missing_in_odoo", "missing_in_magento")
            course[kind.value] = [Agreement(*(row[name] for name in names)) for row in days]
    oldest = rows(f"select * from finding where {_OPEN} order by first_seen, id limit 1")
    counts = {f"{_dag(row['stage'])}__{instance}": row["counts"] for row in rows(_RUNS)}
    filled = backfill.latest(connection, instance)
    runs = dag_runs(instance)
    if filled:
        counts[BACKFILL + instance] = filled[1]
        runs += backfill_runs(BACKFILL + instance, filled[0])
    return Overview(
        instance, course,
        max((row["counted_at"] for row in agreement), default=None),
        _open_by_day(rows(_COURSE_OF_FINDINGS), since, now.date()),
        rows(f"select type, severity, count(*) as n, min(first_seen) as oldest from finding where {_OPEN} group by 1, 2"
             " order by severity, n desc, type"),
        rows(_STAKES),
        oldest[0] if oldest else None,
        rows(_CHANGES)[0],
        rows("select count(*) as n from quarantine where instance = :instance and resolved_at is null")[0]["n"],
        outbox.unsent(connection, instance),
        outbox.dead_letters(connection, instance),
        [replace(run, counts=counts.get(run.dag_id)) for run in runs],
    )  # fmt: skip


_OPEN = "instance = :instance and resolved_at is null and severity <> 'info' and coalesce(muted_until, :now) <= :now"
_STAKES = f"""select currency, count(*) as n, sum(coalesce(difference, odoo_amount, -magento_amount)) as net,
        sum(abs(coalesce(difference, odoo_amount, magento_amount))) as absolute
    from finding where {_OPEN} and currency is not null and coalesce(difference, odoo_amount, magento_amount) is not null
    group by 1 having sum(abs(coalesce(difference, odoo_amount, magento_amount))) <> 0 order by 1"""
_COURSE_OF_FINDINGS = """select day, sum(n) as n from (
        select greatest(first_seen::date, :since) as day, count(*) as n from finding where instance = :instance and severity <> 'info'
            and (resolved_at is null or resolved_at >= :since) group by 1
        union all
        select resolved_at::date, -count(*) from finding where instance = :instance and severity <> 'info' and resolved_at >= :since group by 1
    ) moves group by 1 order by 1"""
_CHANGES = """select
        count(*) filter (where state = 'planned' and approval = 'waiting') as waiting,
        count(*) filter (where state in ('planned', 'approved') and verdict = 'held') as held,
        count(*) filter (where state in ('uncertain', 'failed', 'refused')) as stuck,
        count(*) filter (where state in ('planned', 'approved')) as planned
    from change where instance = :instance and state in ('planned', 'approved', 'uncertain', 'failed', 'refused')"""
_RUNS = """select latest.* from (select distinct stage from run where instance = :instance
        and started_at > cast(:now as timestamptz) - interval '60 days') stages
    cross join lateral (select * from run where instance = :instance and stage = stages.stage order by started_at desc limit 1) latest
"""


def _dag(stage: str) -> str:
    """Return the DAG's name without instance: extracts have the stage's name, all others the prefix `sales_`."""
    return stage if stage.endswith("_extract") else f"sales_{stage}"


def _open_by_day(moves: list[dict[str, Any]], first: date, last: date) -> list[tuple[date, int]]:
    """Return the number of open findings at the end of each day, from what was opened and resolved."""
    by_day = {row["day"]: int(row["n"]) for row in moves}
    course, level = [], 0
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        level += by_day.get(day, 0)
        course.append((day, level))
    return course


def dag_runs(instance: str) -> list[Run]:
    """Return the last and next run of the instance's DAGs from Airflow's own tables, which the api-server can read."""
    ids = [f"{stage}__{instance}" for stage in _STAGES]
    with create_session() as session:
        known = session.execute(
            select(DagModel.dag_id, DagModel.is_paused, DagModel.next_dagrun_create_after).where(
                DagModel.dag_id.in_(ids)
            )
        ).all()
        runs = []
        for dag_id, paused, next_at in sorted(known, key=lambda row: ids.index(row[0])):
            last = session.execute(
                select(DagRun.state, DagRun.start_date, DagRun.end_date)
                .where(DagRun.dag_id == dag_id, DagRun.start_date.is_not(None))
                .order_by(DagRun.start_date.desc())
                .limit(1)
            ).first()
            runs.append(Run(dag_id, paused, next_at, *(last or ())))
    return runs


def backfill_runs(dag_id: str, run_id: str) -> list[Run]:
    """Return the backfill with this DAG run id, if Airflow still has it."""
    with create_session() as session:
        found = session.execute(
            select(DagModel.is_paused, DagRun.state, DagRun.start_date, DagRun.end_date)
            .join(DagRun, DagRun.dag_id == DagModel.dag_id)
            .where(DagModel.dag_id == dag_id, DagRun.run_id == run_id)
        ).all()
    return [Run(dag_id, paused, None, *run) for paused, *run in found]
