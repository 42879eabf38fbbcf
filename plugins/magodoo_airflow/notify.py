"""Send queued emails through Airflow's SMTP connection, and report failed tasks by email."""

from __future__ import annotations

import logging
import smtplib
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from magodoo.timestamps import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine


log = logging.getLogger(__name__)


class TaskFailed(BaseNotifier):
    """Email to IT that a task failed for good, with the error's message; for `on_failure_callback`.

    One email per DAG run, however many of its tasks fail and however often. It is queued in the outbox, so that it is sent later when the
    mail server is unavailable; when the staging database is unavailable, it is sent at once without the outbox.

    :param instance: id of the instance in the settings file; empty for a DAG of all instances
    """

    def __init__(self, *, instance: str = "") -> None:
        super().__init__()
        self.instance = instance

    def notify(self, context: Any) -> None:
        """Queue the email about the task in `context` and send all unsent ones."""
        from sqlalchemy.exc import OperationalError

        from magodoo.notifications import alerts
        from magodoo.notifications.email import as_message
        from magodoo.settings.read import read_with_problems
        from magodoo_airflow.hooks.context import staging_engine
        from magodoo_airflow.hooks.smtp import smtp_client

        settings = read_with_problems().settings
        instance = settings.instances.get(self.instance) or next(iter(settings.instances.values()), None)
        if instance is None:
            log.error("no instance is set up: nobody can be notified that %s failed", context["ti"].task_id)
            return
        if not self.instance:
            instance = instance.model_copy(update={"id": "all", "title": "all"})
        task: Any = context["ti"]
        failure = {
            "dag": task.dag_id, "run": str(context["run_id"]), "task": task.task_id, "error": str(context.get("exception") or ""),
            "log_url": str(getattr(task, "log_url", "")),
        }  # fmt: skip
        try:
            engine = staging_engine(settings)
            with engine.begin() as connection:
                alerts.queue_failed_run(connection, instance, settings.ui_url, utc_now(), **failure)
            send_waiting(instance.id)
        except OperationalError as problem:
            log.error("the staging database is unavailable, the mail is sent without the outbox: %s", problem)
            mail = alerts.failed_run_mail(instance, settings.ui_url, utc_now(), topic="run_failed", **failure)
            with smtp_client(settings.smtp.connection) as (client, hook):
                client.send_message(as_message(mail, hook.from_email or settings.smtp.sender))


def send_waiting(instance: str | None) -> dict[str, int]:
    """Send the unsent emails of an instance (None: of all) and return the counts `sent` and `kept`.

    An email that cannot be sent never fails the run that queued it: it is kept and tried again, also while Airflow's SMTP connection is
    missing. The reason is logged and shown on the overview.
    """
    from airflow.sdk.exceptions import AirflowException

    from magodoo.notifications import outbox
    from magodoo.settings.read import read_with_problems
    from magodoo_airflow.hooks.context import staging_engine
    from magodoo_airflow.hooks.smtp import smtp_client

    settings = read_with_problems().settings  # a broken instance does not keep the emails of others
    engine = staging_engine(settings)
    ids = _waiting(engine, instance)
    counts = {"sent": 0, "kept": 0}
    if not ids:
        return counts
    try:
        with smtp_client(settings.smtp.connection) as (client, hook):
            for mail_id in ids:
                outcome = _send(client, engine, mail_id, hook.from_email or settings.smtp.sender)
                if outcome:
                    counts[outcome] += 1
    except (
        AirflowException,
        OSError,
        smtplib.SMTPException,
    ) as problem:
        counts["kept"] = len(ids) - counts["sent"]
        why = f"Airflow's connection {settings.smtp.connection} cannot be used: {problem}"
        log.error("%d mails wait. %s", counts["kept"], why)
        with engine.begin() as connection:
            outbox.kept(connection, ids, why)
    return counts


def _waiting(engine: Engine, instance: str | None) -> list[int]:
    from magodoo.notifications import outbox

    with engine.connect() as connection:
        return outbox.waiting_ids(connection, instance)


def _send(client: smtplib.SMTP, engine: Engine, mail_id: int, sender: str) -> str:
    """Send one email. Returns `sent`, `kept`, or "" when another sender has it."""
    from magodoo.notifications import outbox
    from magodoo.notifications.email import as_message

    with engine.begin() as connection:
        mail = outbox.take(connection, mail_id)
        if mail is None:
            return ""
        try:
            client.send_message(as_message(mail, sender))
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as problem:
            log.error("mail %d was refused and waits: %s", mail.id, problem)
            outbox.failed(connection, mail, str(problem))
            return "kept"
        outbox.sent(connection, mail, utc_now())
        return "sent"
