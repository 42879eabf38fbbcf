"""Sends the mails that wait, through Airflow's SMTP connection."""

from __future__ import annotations

import logging
import smtplib
from typing import Any, cast

from airflow.providers.smtp.hooks.smtp import SmtpHook

from magodoo.quality import outbox
from magodoo.quality.letters import letter
from magodoo.settings.read import read_with_problems
from magodoo_airflow.hooks.context import staging_engine

log = logging.getLogger(__name__)


def send_waiting(instance: str | None) -> dict[str, int]:
    """Counts of sent and kept mails. A mail that cannot be sent never fails the run that queued it: it is kept and tried again."""
    settings = read_with_problems().settings  # a broken instance keeps no mail of the others
    counts = {"sent": 0, "kept": 0}
    engine = staging_engine(settings)
    with engine.begin() as connection:
        waiting = list(outbox.waiting(connection, instance))
        if not waiting:
            return counts
        try:
            with SmtpHook(smtp_conn_id=settings.smtp.connection) as hook:
                for mail in waiting:
                    counts[_send(hook, connection, mail, settings.smtp.sender)] += 1
        except (OSError, smtplib.SMTPException) as problem:
            log.error("the mail server cannot be reached, %d mails wait: %s", len(waiting), problem)
            counts["kept"] = len(waiting) - counts["sent"]
    return counts


def _send(hook: SmtpHook, connection: Any, mail: outbox.Mail, sender: str) -> str:
    # The hook opens the connection with the TLS and login of the Airflow connection; its own message builder has no inline picture.
    client = cast("smtplib.SMTP", hook._smtp_client)
    try:
        client.send_message(letter(mail, hook.from_email or sender))
    except smtplib.SMTPResponseException as problem:
        log.error("mail %d was refused and waits: %s", mail.id, problem)
        outbox.failed(connection, mail, str(problem))
        return "kept"
    except smtplib.SMTPRecipientsRefused as problem:
        log.error("mail %d: all recipients were refused, it waits: %s", mail.id, problem)
        outbox.failed(connection, mail, str(problem))
        return "kept"
    outbox.sent(connection, mail)
    return "sent"
