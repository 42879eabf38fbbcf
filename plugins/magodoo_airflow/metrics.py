"""Metrics through Airflow's own StatsD or OpenTelemetry, as configured in `[metrics]` of airflow.cfg; none are sent where it is off.

Names begin with `magodoo.`; the tags are `instance`, and where it applies `stage`, `side`, `kind`, `type`, `system`. Where the StatsD
server knows no tags, `[metrics] statsd_influxdb_enabled` or `statsd_datadog_enabled` decides how they are written. A metric that
cannot be sent never fails a task.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from magodoo.context import Context

log = logging.getLogger(__name__)


def of_step(pipeline: Context, stage: str, counts: Any, seconds: float) -> None:
    """Record the counts and the duration of one task: `counts` as the pipeline's function returned them, `seconds` its duration."""
    from airflow.sdk.observability import stats

    tags = {"instance": pipeline.instance.id, "stage": stage}
    stats.timing("magodoo.step", seconds * 1000, tags=tags)
    for name, number in _flat(counts):
        stats.incr(f"magodoo.{name}", number, tags=tags)
    for system, client in (("magento", pipeline.magento_client), ("odoo", pipeline.odoo_client)):
        if client is not None:
            _of_client(stats, client.stats, {"instance": pipeline.instance.id, "system": system})
    with pipeline.engine.connect() as connection:
        of_state(connection, pipeline.instance.id, pipeline.now())


def of_failure(instance: str, stage: str, problem: BaseException) -> None:
    """Count a task that ended with an error, by the class of the error."""
    from airflow.sdk.observability import stats

    stats.incr("magodoo.failures", 1, tags={"instance": instance, "stage": stage, "type": type(problem).__name__})


def of_late_window(instance: str, dag_id: str) -> None:
    """Count a run that did not end within its time."""
    from airflow.sdk.observability import stats

    stats.incr("magodoo.late_windows", 1, tags={"instance": instance, "dag": dag_id.partition("__")[0]})


def of_state(connection: Connection, instance: str, now: datetime) -> None:
    """Set the gauges from the staging database: documents, open findings, changes by state, lag of the watermarks."""
    from airflow.sdk.observability import stats

    for name, statement in GAUGES.items():
        for row in connection.execute(text(statement), {"instance": instance, "now": now}).mappings():
            tags = {key: str(value) for key, value in row.items() if key != "value"}
            stats.gauge(f"magodoo.{name}", float(row["value"]), tags={"instance": instance, **tags})


def _of_client(stats: Any, client: Any, tags: Mapping[str, str]) -> None:
    """Count the requests of a client since it was opened, which is the beginning of this task."""
    counted = {
        "requests": client.requests, "requests_repeated": client.retries, "request_milliseconds": round(client.seconds * 1000),
    }  # fmt: skip
    for name, number in counted.items():
        if number:
            stats.incr(f"magodoo.{name}", number, tags=dict(tags))


def _flat(counts: Any, prefix: str = "") -> list[tuple[str, int]]:
    """Return `{"invoice": {"read": 3}}` as `("invoice_read", 3)`; lists, texts and zeros are left out."""
    found: list[tuple[str, int]] = []
    for name, value in counts.items() if isinstance(counts, Mapping) else ():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}_")
        elif isinstance(value, int) and not isinstance(value, bool) and value:
            found.append((f"{prefix}{name}", value))
    return found


GAUGES = {
    "documents": "select side, kind, count(*) as value from document where instance = :instance and deleted_at is null group by side, kind",
    # A gauge keeps its value until it is set again: types whose findings are all resolved are set to 0.
    "findings": """select type, severity, count(*) filter (where resolved_at is null) as value from finding where instance = :instance
        group by type, severity""",
    "findings_open": """select s.severity, count(f.id) as value from (values ('critical'), ('warning'), ('info')) s (severity)
        left join finding f on f.instance = :instance and f.severity = s.severity and f.resolved_at is null group by s.severity""",
    "changes": """select s.state, count(c.id) as value from (values ('planned'), ('approved'), ('leased'), ('uncertain'), ('failed'),
        ('refused'), ('done')) s (state) left join change c on c.instance = :instance and c.state = s.state group by s.state""",
    "changes_waiting_approval": """select count(*) as value from change where instance = :instance and state = 'planned'
        and approval = 'waiting'""",
    "orders_due": "select count(*) as value from order_work where instance = :instance and staged_version > reconciled_version",
    "watermark_lag_seconds": """select side, kind, extract(epoch from cast(:now as timestamptz) - last_success_at) as value from watermark
        where instance = :instance and last_success_at > '-infinity'""",
    "quarantined": "select count(*) as value from quarantine where instance = :instance and resolved_at is null",
    "mails_waiting": """select count(distinct m.id) as value from mail m join mail_recipient r on r.mail_id = m.id where r.sent_at is null
        and r.given_up_at is null and (m.instance is null or m.instance = :instance)""",
    "mails_given_up": """select count(*) as value from mail m join mail_recipient r on r.mail_id = m.id where r.given_up_at is not null
        and (m.instance is null or m.instance = :instance)""",
}
