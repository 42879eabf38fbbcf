"""A quality run: check the staged data, release or hold the changes, queue emails."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from magodoo.context import Context
from magodoo.notifications import alerts
from magodoo.quality import gate, suites
from magodoo.staging import runs


def run(context: Context) -> dict[str, Any]:
    """Run every check, build the Data Docs, write the gate's verdicts, queue the emails.

    Returns `{"failed_checks": [line, ...], "held_sides": [...], "released": n, "held": n, "mails": n, "docs": folder}`.
    """
    with runs.recorded(context.engine, context.instance.id, "quality", context.dag_run) as counts:
        found = _check(context)
        counts.update(
            {name: found[name] for name in ("released", "held", "mails")}, failed_checks=len(found["failed_checks"])
        )
    return found


def _check(context: Context) -> dict[str, Any]:
    docs = docs_folder(context.instance.id, context.dag_run)
    failures = suites.run(context.engine, context.instance, docs)
    lines = [failure.line for failure in failures]
    with context.engine.begin() as connection:
        judged = gate.judge(connection, context.instance, failures)
        mails = alerts.queue_findings(connection, context.instance, context.settings.ui_url, context.now())
        mails += alerts.queue_changes(connection, context.instance, context.settings.ui_url, context.now())
        if judged.held_sides:
            mails += alerts.queue_held(connection, context.instance, context.settings.ui_url, judged.held_sides, lines)
        else:
            alerts.held_is_over(connection, context.instance)
    oldest = context.now() - timedelta(days=context.instance.quality.data_docs_days)
    suites.prune(docs_root() / context.instance.id, oldest)
    return {
        "failed_checks": lines,
        "held_sides": list(judged.held_sides),
        "released": judged.released,
        "held": judged.held,
        "mails": mails,
        "docs": str(docs.relative_to(docs_root())),
    }


def docs_root() -> Path:
    """Return the folder with the Data Docs of all instances and runs, shared by all workers (`MAGODOO_DATA_DOCS`)."""
    return Path(
        os.environ.get("MAGODOO_DATA_DOCS") or Path(os.environ.get("MAGODOO_VAR", "var")) / "data_docs"
    ).absolute()


def docs_folder(instance: str, dag_run: str) -> Path:
    """Create and return the folder of one run: `<root>/<instance>/<run id>`, with characters unsafe in a path replaced."""
    folder = docs_root() / instance / re.sub(r"[^A-Za-z0-9_.+-]", "_", dag_run)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
