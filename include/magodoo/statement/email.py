"""Queue the email that sends a statement to accounting: the figures in short, PDF and CSV attached."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from magodoo.notifications import alerts
from magodoo.settings import Instance
from magodoo.statement import csv_export, pdf, store, summary, wording


def queue(connection: Connection, instance: Instance, kept: store.Kept, ui_url: str, now: datetime) -> int:
    """Queue the email unless these figures were mailed or signed already. Returns the number of emails."""
    frozen = store.signed(connection, kept.instance, kept.month)
    known = {kept.mailed_hash, frozen.figures_hash if frozen else None}
    if kept.figures_hash in known:
        return 0
    body = kept.body
    name = f"statement-{instance.id}-{body['month']}"
    changed = store.moved_lines(frozen.body, body) if frozen else []
    subject = f"[{instance.id}] statement of {body['month']}: " + (
        "changes after sign-off" if frozen else summary.verdict(body)
    )
    attached = {
        "csv": csv_export.statement(body), "csv_name": f"{name}.csv", "pdf": pdf.pdf(kept), "pdf_name": f"{name}.pdf",
    }  # fmt: skip
    queued = alerts.queue_statement(
        connection, instance, ui_url, now, subject, attached, body=body, kept=kept, frozen=frozen, changed=changed,
        rows=[(row, list(wording.lines(row))) for row in body["rows"]], amount=wording.amount, label=wording.label, kinds=wording.KINDS, short=summary,
    )  # fmt: skip
    if queued:
        store.mailed(connection, kept.id)
    return queued
