"""The outbox: the only module that reads and writes table `mail`. An email is queued with the data it reports, and kept until it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from magodoo.erasing import erase_words

MAX_ATTEMPTS = 50


@dataclass(frozen=True)
class Mail:
    """One email. `csv` and `pdf` are attached under their names; `picture` is the chart, a PNG that the HTML embeds as `cid:picture`."""

    topic: str
    recipients: tuple[str, ...]
    subject: str
    html: str
    plain: str
    instance: str | None = None
    csv_name: str | None = None
    csv: str | None = None
    picture: bytes | None = None
    pdf_name: str | None = None
    pdf: bytes | None = None
    id: int = field(default=0, compare=False)


def queue(connection: Connection, mail: Mail, now: datetime) -> int:
    """Queue an email and return its id; 0 when it has no recipients, which queues nothing."""
    if not mail.recipients:
        return 0
    return int(
        connection.execute(
            text(
                "insert into mail (instance, topic, recipients, subject, html, plain, csv_name, csv, picture, pdf_name,"
                " pdf, queued_at) values"
                " (:instance, :topic, :recipients, :subject, :html, :plain, :csv_name, :csv, :picture,"
                " :pdf_name, :pdf, :now) returning id"
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
                "pdf_name": mail.pdf_name,
                "pdf": mail.pdf,
                "now": now,
            },
        ).scalar_one()
    )


_COLUMNS = "id, instance, topic, recipients, subject, html, plain, csv_name, csv, picture, pdf_name, pdf"


def waiting_ids(connection: Connection, instance: str | None = None) -> list[int]:
    """Return the ids of the unsent emails, oldest first; of all instances when `instance` is None.

    Emails with MAX_ATTEMPTS failed attempts are left out.
    """
    query = text(
        "select id from mail where sent_at is null and attempts < :most"
        " and (cast(:instance as text) is null or instance = :instance) order by queued_at, id"
    )
    return list(connection.execute(query, {"instance": instance, "most": MAX_ATTEMPTS}).scalars())


def take(connection: Connection, mail_id: int) -> Mail | None:
    """Return the email if it is unsent, locked until the transaction ends; None when another sender holds the lock or sent it."""
    query = text(f"select {_COLUMNS} from mail where id = :id and sent_at is null for update skip locked")
    row = connection.execute(query, {"id": mail_id}).mappings().one_or_none()
    return None if row is None else _mail(row)


def waiting(connection: Connection, instance: str | None = None) -> list[Mail]:
    """Return the unsent emails, oldest first; of all instances when `instance` is None."""
    query = text(f"select {_COLUMNS} from mail where id = any(:ids) order by queued_at, id")
    return [_mail(row) for row in connection.execute(query, {"ids": waiting_ids(connection, instance)}).mappings()]


def _mail(row: RowMapping) -> Mail:
    files = {name: None if row[name] is None else bytes(row[name]) for name in ("picture", "pdf")}
    return Mail(**{**row, "recipients": tuple(row["recipients"]), **files})


def is_waiting(connection: Connection, instance: str) -> bool:
    """Return whether the instance has an unsent email with fewer than MAX_ATTEMPTS failed attempts."""
    query = text(
        "select exists (select 1 from mail where sent_at is null and attempts < :most and instance = :instance)"
    )
    return bool(connection.execute(query, {"instance": instance, "most": MAX_ATTEMPTS}).scalar_one())


def sent(connection: Connection, mail: Mail, now: datetime) -> None:
    """Record that the email was sent."""
    connection.execute(
        text("update mail set sent_at = :now, attempts = attempts + 1, last_error = null where id = :id"),
        {"id": mail.id, "now": now},
    )


def failed(connection: Connection, mail: Mail, error: str) -> None:
    """Record a failed attempt and its error (the first 500 characters); the email stays in the outbox."""
    connection.execute(
        text("update mail set attempts = attempts + 1, last_error = :error where id = :id"),
        {"id": mail.id, "error": error[:500]},
    )


def kept(connection: Connection, mail_ids: Sequence[int], why: str) -> None:
    """Record why none of these emails could be handed over, for instance no SMTP connection. Their attempts are not counted."""
    connection.execute(
        text("update mail set last_error = :why where id = any(:ids) and sent_at is null"),
        {"ids": list(mail_ids), "why": why[:500]},
    )


@dataclass(frozen=True)
class Unsent:
    """The unsent emails of an instance: their number, the oldest one's time, and the last error ("": no attempt was made)."""

    count: int
    since: datetime | None
    why: str


def unsent(connection: Connection, instance: str) -> Unsent:
    """Return a summary of the unsent emails, those given up after MAX_ATTEMPTS attempts included."""
    query = text(
        "select count(*), min(queued_at), coalesce((array_agg(last_error order by id desc) filter (where last_error is not"
        " null))[1], '') from mail where sent_at is null and instance = :instance"
    )
    return Unsent(*connection.execute(query, {"instance": instance}).one())


def was_queued(connection: Connection, instance: str, topic: str, plain: str) -> bool:
    """Return whether an email of exactly this topic and plain text was queued before."""
    query = text("select exists (select 1 from mail where instance = :instance and topic = :topic and plain = :plain)")
    return bool(connection.execute(query, {"instance": instance, "topic": topic, "plain": plain}).scalar_one())


def rename_topic(connection: Connection, instance: str, topic: str, new: str) -> None:
    """Give the emails of a topic another one, so that the next email of that topic counts as the first."""
    connection.execute(
        text("update mail set topic = :new where instance = :instance and topic = :topic"),
        {"instance": instance, "topic": topic, "new": new},
    )


def erase(connection: Connection, words: Sequence[str]) -> int:
    """Blank the words in every email; return how many rows changed."""
    return erase_words(connection, "mail", ("subject", "html", "plain", "csv"), words)


def forget(connection: Connection, before: datetime) -> int:
    """Delete the emails sent before this time; return how many."""
    return connection.execute(text("delete from mail where sent_at < :before"), {"before": before}).rowcount
