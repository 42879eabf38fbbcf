"""The mail that an API key of Odoo will expire, before it does: to IT, once for a key and a threshold.

Odoo 19 gives a key of an ordinary user three months at most; the day after, every call is refused with 401.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, text

from magodoo.quality import alerts, outbox
from magodoo.settings import Instance

THRESHOLDS = (30, 14, 7, 3, 1)
"""Days before the expiry at which a person is told, each once."""


def queue_key_expiry(connection: Connection, instance: Instance, ui_url: str, expires: date | None, today: date) -> int:
    """Queues the mail when the earliest key of the connection's user has come nearer than the next threshold.

    Instances that share a connection share its mails. `expires` and `today` are UTC days. Returns the number of mails.
    """
    days = (expires - today).days if expires else None
    reached = [threshold for threshold in THRESHOLDS if days is not None and days <= threshold]
    if not reached:
        return 0
    topic = f"key_expiry {instance.odoo_connection} {expires} {min(reached)}"
    connection.execute(text("select pg_advisory_xact_lock(hashtext(:topic))"), {"topic": topic})
    known = connection.execute(text("select exists (select 1 from mail where topic = :topic)"), {"topic": topic})
    if known.scalar_one():
        return 0
    when = "today" if days == 0 else "tomorrow" if days == 1 else f"in {days} days"
    subject = f"[{instance.id}] the API key of {instance.odoo_connection} expires on {expires}, {when}"
    mail = alerts.compose(
        instance,
        topic,
        "key_expiry.html",
        subject,
        alerts.recipients_of(instance, "it"),
        ui_url,
        expires=expires,
        when=when,
    )
    return bool(outbox.queue(connection, mail))
