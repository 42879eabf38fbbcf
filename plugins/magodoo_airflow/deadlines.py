"""Report a late run of the chain (Airflow's DeadlineAlert): an email to IT, a metric, a log line. Light to import."""

from __future__ import annotations

import html
import logging
from typing import Any

log = logging.getLogger(__name__)


def late_window(instance: str, minutes: int, context: Any = None, **_: Any) -> None:
    """Queue one email per run and send the unsent ones; runs in an executor, with the connections of a task."""
    from magodoo.notifications import outbox
    from magodoo.settings.read import read_with_problems
    from magodoo_airflow import metrics
    from magodoo_airflow.hooks.context import staging_engine
    from magodoo_airflow.notify import send_waiting

    run = (context or {}).get("dag_run") or {}
    dag_id, run_id, window = (str(run.get(name) or "") for name in ("dag_id", "dag_run_id", "partition_key"))
    log.error(
        "[%s] %s %s (window %s) has not ended within %d minutes", instance, dag_id, run_id, window or "none", minutes
    )
    metrics.of_late_window(instance, dag_id)
    settings = read_with_problems().settings
    message = f"{dag_id}, run {run_id}, window {window or 'from the watermark on'}: not ended within {minutes} minutes."
    plain = f"{message}\n\nNothing is lost: the next run goes on where this one stands. Look at it here: {settings.ui_url}/dags/{dag_id}\n"
    engine = staging_engine(settings)
    with engine.begin() as connection:
        if instance in settings.instances and not outbox.was_queued(connection, instance, "late", plain):
            mail = outbox.Mail(
                topic="late", instance=instance, recipients=tuple(settings.instances[instance].recipients.it),
                subject=f"[{instance}] late: {dag_id}", html=f"<p>{html.escape(plain)}</p>", plain=plain,
            )  # fmt: skip
            outbox.queue(connection, mail)
    engine.dispose()
    send_waiting(instance)
