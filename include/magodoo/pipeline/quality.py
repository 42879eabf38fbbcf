"""A quality run: check the staged data, release or hold the changes, queue emails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from magodoo.context import Context
from magodoo.notifications import alerts
from magodoo.pipeline import data_docs
from magodoo.quality import gate, suites
from magodoo.staging import runs


def run(context: Context) -> dict[str, Any]:
    """Run every check, build the Data Docs, write the gate's verdicts, queue the emails.

    Returns `{"failed_checks": [line, ...], "held_sides": [...], "released": n, "held": n, "mails": n, "docs": folder}`.
    """
    with runs.recorded(context.engine, context.instance.id, "quality", context.dag_run, context.now) as counts:
        found = _check(context)
        counts.update(
            {name: found[name] for name in ("released", "held", "mails")}, failed_checks=len(found["failed_checks"])
        )
    return found


def _check(context: Context) -> dict[str, Any]:
    docs = data_docs.docs_folder(context.instance.id, context.dag_run)
    failures = suites.run(context.engine, context.instance, docs, context.now())
    lines = [failure.line for failure in failures]
    with context.engine.begin() as connection:
        judged = gate.judge(connection, context.instance, failures)
        mails = alerts.queue_findings(connection, context.instance, context.settings.ui_url, context.now())
        mails += alerts.queue_changes(connection, context.instance, context.settings.ui_url, context.now())
        if judged.held_sides:
            mails += alerts.queue_held(
                connection, context.instance, context.settings.ui_url, judged.held_sides, lines, context.now()
            )
        else:
            alerts.held_is_over(connection, context.instance)
    oldest = context.now() - timedelta(days=context.instance.quality.data_docs_days)
    data_docs.prune(data_docs.docs_root() / context.instance.id, oldest)
    return {
        "failed_checks": lines,
        "held_sides": list(judged.held_sides),
        "released": judged.released,
        "held": judged.held,
        "mails": mails,
        "docs": str(docs.relative_to(data_docs.docs_root())),
    }
