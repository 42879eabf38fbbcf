"""Send queued emails through Airflow's SMTP connection, and report failed tasks by email."""

from __future__ import annotations

import logging
import smtplib
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from magodoo.timestamps import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from magodoo.notifications.outbox import DeadLetter, Mail
    from magodoo_airflow.hooks.smtp import Delivery


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
            "dag": task.dag_id, "run": str(context["run_id"]), "task": task.task_id, "log_url": str(getattr(task, "log_url", "")),
            **dict(zip(("error", "next_step"), what_failed(context), strict=True)),
        }  # fmt: skip
        try:
            engine = staging_engine(settings)
            with engine.begin() as connection:
                alerts.queue_failed_run(connection, instance, settings.ui_url, utc_now(), **failure)
        except OperationalError as problem:
            log.error("the staging database is unavailable, the mail is sent without the outbox: %s", problem)
            mail = alerts.failed_run_mail(instance, settings.ui_url, utc_now(), topic="run_failed", **failure)
            with smtp_client(settings.smtp.connection) as (client, hook):
                done = hand_over(client, mail, hook.from_email or settings.smtp.sender, mail.recipients)
                log.info("accepted for %s, refused: %s, unknown: %s", done.accepted, done.refused, done.unknown)
            return
        try:
            send_waiting(instance.id)
        except OperationalError as problem:
            log.error("the mail is queued, and sent with the next ones: %s", problem)


def what_failed(context: Any) -> tuple[str, str]:
    """Return what failed in one sentence, and the next step. Of an error that is not ours only the first line: the others may quote customers."""
    from airflow.sdk.exceptions import AirflowException

    from magodoo.errors import MagodooError, OutcomeUnknown, TransientError
    from magodoo_airflow.retries import REFUSALS

    problem, tries = context.get("exception"), context["ti"].try_number
    tried = f"once, at try {tries}" if tries == 1 else f"{tries} times"
    if problem is None:
        return (
            f"its process ended without a result, at try {tries}: it was killed, ran out of memory, or could not reach Airflow's execution API",
            "Read the logs of scheduler, worker and api-server at that time; the task's own log may be empty. Then clear the task, or wait for the next run.",
        )
    if isinstance(problem, MagodooError):
        if problem.hint:
            step = problem.hint
        elif isinstance(problem, REFUSALS):
            step = (
                "Resolve what the message names, then clear the task: until then every run fails for the same reason."
            )
        elif isinstance(problem, (TransientError, OutcomeUnknown)):
            step = f"It was tried {tried}. Find out why {problem.system or 'the system'} does not answer; the next run tries again."
        else:
            step = "Read the log of the task, then clear it."
        return problem.without_hint(), step
    if isinstance(problem, AirflowException):
        return str(problem), "Resolve what the message names, then clear the task, or wait for the next run."
    said = next(iter(str(problem).splitlines()), "")[:300]
    return (
        f"{type(problem).__name__}: {said}" if said else type(problem).__name__,
        f"It was tried {tried}. Read the log of the task. If the next run fails for the same reason, report it with this log.",
    )


def send_waiting(instance: str | None) -> dict[str, int]:
    """Send the unsent emails of an instance (None: of all) and return the counts `sent` and `kept`.

    An email that cannot be sent never fails the run that queued it, nor keeps others from being sent: it is tried again for the recipients
    whom it did not reach, and given up in the end. While there is no connection to a server, all are kept and no attempt is counted. The
    reason is logged and shown on the overview.
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
    waiting = deque(ids)
    while waiting:
        try:
            with smtp_client(settings.smtp.connection) as (client, hook):
                while waiting and client.sock is not None:
                    outcome = _send(client, engine, waiting.popleft(), hook.from_email or settings.smtp.sender)
                    if outcome:
                        counts[outcome] += 1
        except (AirflowException, OSError, smtplib.SMTPException) as problem:
            counts["kept"] += len(waiting)
            why = f"Airflow's connection {settings.smtp.connection} cannot be used: {problem}"
            log.error("%d mails wait. %s", counts["kept"], why)
            with engine.begin() as connection:
                outbox.kept(connection, waiting, why)
            break
    return counts


def _waiting(engine: Engine, instance: str | None) -> list[int]:
    from magodoo.notifications import outbox

    with engine.connect() as connection:
        return outbox.waiting_ids(connection, instance)


def _send(client: smtplib.SMTP, engine: Engine, mail_id: int, sender: str) -> str:
    """Send one email to the recipients who wait for it, and record what became of it for each.

    Returns `sent` when the server accepted it for all of them, else `kept`; "" when another sender has it. The email's lock is held by one connection
    while another commits each state: the attempt before it is made, the recipients before the server gets the text, and the answer.
    """
    from magodoo.notifications import outbox
    from magodoo.notifications.email import NAMED

    with engine.begin() as lock:
        mail = outbox.take(lock, mail_id)
        if mail is None:
            return ""
        with engine.begin() as connection:
            recipients = outbox.begin(connection, mail, utc_now())
            letters = outbox.dead_letters(connection, mail.instance, unreported=True)[:NAMED]
        if not recipients:
            return ""

        def begin(accepted: Sequence[str]) -> list[str]:
            with engine.begin() as connection:
                return outbox.handing_over(connection, mail, accepted, utc_now())

        done = hand_over(client, mail, sender, recipients, letters, begin)
        with engine.begin() as connection:
            outbox.sent(connection, mail, utc_now(), done.accepted)
            given_up = outbox.failed(connection, mail, done.refused, utc_now())
            outbox.unknown(connection, mail, done.unknown, utc_now())
            if done.accepted:
                outbox.reported(connection, letters, utc_now())
    for recipient, why in {**done.refused, **done.unknown}.items():
        lost = recipient in given_up or recipient in done.unknown
        log.error("mail %d to %s %s: %s", mail.id, recipient, "is given up" if lost else "waits", why)
    return "kept" if done.refused or done.unknown else "sent" if done.accepted else ""


def hand_over(
    client: smtplib.SMTP,
    mail: Mail,
    sender: str,
    recipients: Sequence[str],
    letters: Sequence[DeadLetter] = (),
    begin: Callable[[Sequence[str]], Collection[str]] = tuple,
) -> Delivery:
    """Hand an email over to those of its recipients whose address the server can read. What fails is in the answer, never raised."""
    from magodoo.notifications.email import as_message
    from magodoo_airflow.hooks.smtp import Delivery, deliver, unreadable

    left_out = unreadable(client, mail.recipients)
    refused = {
        each: "the address needs SMTPUTF8, which the server does not have" for each in recipients if each in left_out
    }
    able = [each for each in recipients if each not in left_out]
    if not able:
        return Delivery(refused=refused)
    try:
        message = as_message(mail, sender, dead_letters=letters, leave_out=left_out)
    except Exception as problem:  # whatever text it is that cannot be a message: the other mails are sent
        log.exception("mail %d cannot be composed", mail.id)
        return Delivery(
            refused=refused | dict.fromkeys(able, f"it cannot be composed: {type(problem).__name__}: {problem}")
        )
    done = deliver(client, sender, able, message, begin)
    done.refused.update(refused)
    return done
