"""The story of the daily upkeep: the digest, what retention takes away, old Data Docs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine, text

from magodoo.pipeline.quality import docs_root
from magodoo.quality import alerts
from magodoo.settings import Settings


def run(engine: Engine, settings: Settings) -> dict[str, int]:
    """Queues the digests, blanks payloads that are older than `payload_days`, forgets runs and mails long done.

    Returns counts: digests, payloads, mails, runs, docs.
    """
    counts = {"digests": 0, "docs": 0}
    with engine.begin() as connection:
        for instance in settings.instances.values():
            counts["digests"] += alerts.queue_digest(connection, instance, settings.ui_url)
        for name, statement in _RETENTION.items():
            counts[name] = connection.execute(text(statement), {"days": settings.payload_days}).rowcount
    from magodoo.quality.suites import prune  # Great Expectations takes seconds to import

    for instance in settings.instances.values():
        counts["docs"] += prune(docs_root() / instance.id, timedelta(days=instance.quality.data_docs_days))
    return counts


_RETENTION = {
    "payloads": "update payload set payload = null where payload is not null and request_began_at < now() - make_interval(days => :days)",
    "mails": "delete from mail where sent_at < now() - make_interval(days => :days)",
    "runs": "delete from run where started_at < now() - make_interval(days => :days)",
}
