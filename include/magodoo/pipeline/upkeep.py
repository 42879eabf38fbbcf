"""The daily upkeep: digest emails, retention, old Data Docs."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from magodoo.ledger import changes
from magodoo.notifications import alerts, outbox
from magodoo.pipeline import erasure
from magodoo.pipeline.quality import docs_root
from magodoo.settings import Settings
from magodoo.staging import documents, quarantine, runs


def run(engine: Engine, settings: Settings, now: datetime) -> dict[str, int]:
    """Queue the digests; delete data older than `payload_days`, personal data older than `personal_days`, and old Data Docs.

    Returns counts: digests, payloads, quarantined, requests, mails, runs, docs, forgotten (orders).
    """
    counts = {"digests": 0, "docs": 0}
    before = now - timedelta(days=settings.payload_days)
    with engine.begin() as connection:
        for instance in settings.instances.values():
            counts["digests"] += alerts.queue_digest(connection, instance, settings.ui_url)
        counts["payloads"] = documents.forget(connection, before)
        counts["quarantined"] = quarantine.forget(connection, before)
        counts["requests"] = changes.forget(connection, before)
        counts["mails"] = outbox.forget(connection, before)
        counts["runs"] = runs.forget(connection, before)
    counts["forgotten"] = erasure.forget_old(engine, settings, now)
    from magodoo.quality.suites import prune  # Great Expectations takes seconds to import

    for instance in settings.instances.values():
        counts["docs"] += prune(docs_root() / instance.id, now - timedelta(days=instance.quality.data_docs_days))
    return counts
