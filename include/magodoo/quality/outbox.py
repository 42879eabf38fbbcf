"""The mails that wait: the only owner of table `mail`. A mail is queued with the data it tells of, and kept until it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

MAX_ATTEMPTS = 50


@dataclass(frozen=True)
class Mail:
    """One mail. `csv` is attached under `csv_name`; `picture` is a PNG that the HTML shows as `cid:picture`."""

    topic: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    plain: str
    instance: str | None = None
    csv_name: str | None = None
    csv: str | None = None
    picture: bytes | None = None
    id: int = field(default=0, compare=False)


def queue(connection: Connection, mail: Mail) -> int:
    """Queues a mail and returns its id; without recipients nothing is queued (0)."""
    if not mail.recipients:
        return 0
    return int(
        connection.execute(
            text(
                "insert into mail (instance, topic, recipients, subject, html, plain, csv_name, csv, picture) values"
                " (:instance, :topic, :recipients, :subject, :html, :plain, :csv_name, :csv, :picture) returning id"
            ),
            {
                "instance": mail.instance,
                "topic": mail.topic,
                "recipients": list(mail.recipients),
                "subject": mail.subject,
                "html": mail.html,
                "plain": mail.plain,
                "csv_name": mail.csv_name,
                "csv": mail.csv,
                "picture": mail.picture,
            },
        ).scalar_one()
    )


def waiting(connection: Connection, instance: str | None = None) -> Iterator[Mail]:
    """The unsent mails, oldest first, locked against a second sender."""
    rows = connection.execute(
        text(
            "select id, instance, topic, recipients, subject, html, plain, csv_name, csv, picture from mail where sent_at is null"
            " and attempts < :most and (cast(:instance as text) is null or instance = :instance) order by queued_at"
            " for update skip locked"
        ),
        {"instance": instance, "most": MAX_ATTEMPTS},
    )
    for row in rows.mappings():
        picture = None if row["picture"] is None else bytes(row["picture"])
        yield Mail(**{**row, "recipients": tuple(row["recipients"]), "picture": picture})


def is_waiting(connection: Connection, instance: str) -> bool:
    """Whether any mail of the instance is to be sent."""
    query = text(
        "select exists (select 1 from mail where sent_at is null and attempts < :most and instance = :instance)"
    )
    return bool(connection.execute(query, {"instance": instance, "most": MAX_ATTEMPTS}).scalar_one())


def sent(connection: Connection, mail: Mail) -> None:
    connection.execute(
        text("update mail set sent_at = now(), attempts = attempts + 1, last_error = null where id = :id"),
        {"id": mail.id},
    )


def failed(connection: Connection, mail: Mail, error: str) -> None:
    """It stays in the outbox and is tried again."""
    connection.execute(
        text("update mail set attempts = attempts + 1, last_error = :error where id = :id"),
        {"id": mail.id, "error": error[:500]},
    )


def was_told(connection: Connection, instance: str, topic: str, plain: str) -> bool:
    """Whether a mail of exactly these words was queued before."""
    query = text("select exists (select 1 from mail where instance = :instance and topic = :topic and plain = :plain)")
    return bool(connection.execute(query, {"instance": instance, "topic": topic, "plain": plain}).scalar_one())
