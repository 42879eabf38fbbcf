"""The daily upkeep: digest emails, retention, old Data Docs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text

from magodoo.notifications import alerts
from magodoo.pipeline import erasure
from magodoo.pipeline.quality import docs_root
from magodoo.settings import Settings


def run(engine: Engine, settings: Settings) -> dict[str, int]:
    """Queue the digests; delete data older than `payload_days`, personal data older than `personal_days`, and old Data Docs.

    Returns counts: digests, payloads, quarantined, requests, mails, runs, docs, forgotten (orders).
    """
    counts = {"digests": 0, "docs": 0}
    with engine.begin() as connection:
        for instance in settings.instances.values():
            counts["digests"] += alerts.queue_digest(connection, instance, settings.ui_url)
        for name, statement in _RETENTION.items():
            counts[name] = connection.execute(text(statement), {"days": settings.payload_days}).rowcount
    counts["forgotten"] = erasure.forget_old(engine, settings)
    from magodoo.quality.suites import prune  # Great Expectations takes seconds to import

    for instance in settings.instances.values():
        counts["docs"] += prune(docs_root() / instance.id, timedelta(days=instance.quality.data_docs_days))
    return counts


_RETENTION = {
    "payloads": "update payload set payload = null where payload is not null and request_began_at < now() - make_interval(days => :days)",
    "quarantined": "update quarantine set payload = null where payload is not null and last_seen < now() - make_interval(days => :days)",
    "requests": "update change_body b set request = null, calls = null, before = null, after = null from change c where c.id = b.change_id"
    " and c.finished_at < now() - make_interval(days => :days) and c.state not in ('planned', 'approved', 'leased', 'uncertain')"
    " and coalesce(request, calls, before, after) is not null",
    "mails": "delete from mail where sent_at < now() - make_interval(days => :days)",
    "runs": "delete from run where started_at < now() - make_interval(days => :days)",
}
