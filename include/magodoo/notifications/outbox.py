"""The outbox: the only module that writes the tables `mail` and `mail_recipient`.

An email is queued with the data it reports, and kept until each recipient was sent it or is given up. The state is one of each recipient,
and is committed while the email is handed over: `take`, `begin`, `handing_over`, then `sent`, `failed` or `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from magodoo.erasing import erase_words

MAX_ATTEMPTS = 50
ENDED = "the sender ended while it handed the mail over; the server may have accepted it, so it is not sent again"


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
    mail_id = int(
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
                "subject": _storable(mail.subject),
                "html": _storable(mail.html),
                "plain": _storable(mail.plain),
                "csv_name": mail.csv_name,
                "csv": None if mail.csv is None else _storable(mail.csv),
                "picture": mail.picture,
                "pdf_name": mail.pdf_name,
                "pdf": mail.pdf,
                "now": now,
            },
        ).scalar_one()
    )
    connection.execute(
        text("insert into mail_recipient (mail_id, recipient) select :id, unnest(cast(:recipients as text[]))"),
        {"id": mail_id, "recipients": list(dict.fromkeys(mail.recipients))},
    )
    return mail_id


_COLUMNS = "id, instance, topic, recipients, subject, html, plain, csv_name, csv, picture, pdf_name, pdf"
_OPEN = "r.sent_at is null and r.given_up_at is null"


def waiting_ids(connection: Connection, instance: str | None = None) -> list[int]:
    """Return the ids of the emails that wait for a recipient; of all instances when `instance` is None.

    Those with the fewest attempts come first, then the oldest, so that one that never succeeds does not hold up the others.
    """
    query = text(
        f"select m.id from mail m join mail_recipient r on r.mail_id = m.id where {_OPEN}"
        " and (cast(:instance as text) is null or m.instance = :instance) group by m.id"
        " order by max(r.attempts), m.queued_at, m.id"
    )
    return list(connection.execute(query, {"instance": instance}).scalars())


def take(connection: Connection, mail_id: int) -> Mail | None:
    """Return the email, locked until the transaction ends; None when another sender holds the lock, or it is gone.

    Its states are written through other connections meanwhile, and outlive this one.
    """
    query = text(f"select {_COLUMNS} from mail where id = :id for update skip locked")
    row = connection.execute(query, {"id": mail_id}).mappings().one_or_none()
    return None if row is None else _mail(row)


def waiting(connection: Connection, instance: str | None = None) -> list[Mail]:
    """Return the emails that wait for a recipient, oldest first; of all instances when `instance` is None."""
    query = text(f"select {_COLUMNS} from mail where id = any(:ids) order by queued_at, id")
    return [_mail(row) for row in connection.execute(query, {"ids": waiting_ids(connection, instance)}).mappings()]


def _mail(row: RowMapping) -> Mail:
    files = {name: None if row[name] is None else bytes(row[name]) for name in ("picture", "pdf")}
    return Mail(**{**row, "recipients": tuple(row["recipients"]), **files})


def is_waiting(connection: Connection, instance: str) -> bool:
    """Return whether an email of the instance waits for a recipient."""
    query = text(
        "select exists (select 1 from mail m join mail_recipient r on r.mail_id = m.id"
        f" where m.instance = :instance and {_OPEN})"
    )
    return bool(connection.execute(query, {"instance": instance}).scalar_one())


def begin(connection: Connection, mail: Mail, now: datetime) -> list[str]:
    """Count an attempt for every recipient who waits, and return them; for a caller that holds the email's lock.

    The attempt is counted first, so that also one that ends the process is. A recipient to whom an earlier sender began to hand it over,
    and never recorded the end, is given up: he may have it.
    """
    values = {"id": mail.id, "now": now, "most": MAX_ATTEMPTS, "ended": ENDED}
    connection.execute(
        text(
            "update mail_recipient r set given_up_at = :now, last_error = case when r.begun_at is null then"
            " coalesce(r.last_error, 'every attempt ended the process that sent it') else :ended end"
            f" where r.mail_id = :id and {_OPEN} and (r.begun_at is not null or r.attempts >= :most)"
        ),
        values,
    )
    query = text(
        f"update mail_recipient r set attempts = r.attempts + 1 where r.mail_id = :id and {_OPEN} returning r.recipient"
    )
    return sorted(connection.execute(query, values).scalars(), key=mail.recipients.index)


def handing_over(connection: Connection, mail: Mail, recipients: Sequence[str], now: datetime) -> list[str]:
    """Record, before the server gets the text, that these recipients may have the email from now on; return those who waited until now."""
    query = text(
        f"update mail_recipient r set begun_at = :now where r.mail_id = :id and r.recipient = any(:recipients) and {_OPEN}"
        " and r.begun_at is null returning r.recipient"
    )
    return list(connection.execute(query, {"id": mail.id, "recipients": list(recipients), "now": now}).scalars())


def sent(connection: Connection, mail: Mail, now: datetime, recipients: Sequence[str] | None = None) -> None:
    """Record that the server accepted the email for these recipients; for all of them when `recipients` is None."""
    connection.execute(
        text(
            "update mail_recipient set sent_at = :now, given_up_at = null, last_error = null"
            " where mail_id = :id and recipient = any(:recipients)"
        ),
        {"id": mail.id, "recipients": list(mail.recipients if recipients is None else recipients), "now": now},
    )


def failed(connection: Connection, mail: Mail, errors: Mapping[str, str], now: datetime) -> list[str]:
    """Record by recipient why the email was certainly not accepted (the first 500 characters).

    Returns those who are given up, after MAX_ATTEMPTS attempts; the others wait for the next one.
    """
    query = text(
        "update mail_recipient r set begun_at = null, last_error = :error,"
        " given_up_at = case when r.attempts >= :most then cast(:now as timestamptz) end"
        f" where r.mail_id = :id and r.recipient = :recipient and {_OPEN} returning r.given_up_at"
    )
    values = {"id": mail.id, "most": MAX_ATTEMPTS, "now": now}
    return [
        recipient
        for recipient, error in errors.items()
        if connection.execute(query, {**values, "recipient": recipient, "error": _stored(error)}).scalar()
    ]


def unknown(connection: Connection, mail: Mail, errors: Mapping[str, str], now: datetime) -> None:
    """Record by recipient that the server got the whole email and did not answer: given up, as a second one might be a duplicate."""
    for recipient, error in errors.items():
        connection.execute(
            text(
                "update mail_recipient r set given_up_at = :now, last_error = :error"
                f" where r.mail_id = :id and r.recipient = :recipient and {_OPEN}"
            ),
            {"id": mail.id, "recipient": recipient, "error": _stored(error), "now": now},
        )


def kept(connection: Connection, mail_ids: Sequence[int], why: str) -> None:
    """Record why none of these emails could be handed over, for instance no SMTP connection. Their attempts are not counted."""
    connection.execute(
        text(f"update mail_recipient r set last_error = :why where r.mail_id = any(:ids) and {_OPEN}"),
        {"ids": list(mail_ids), "why": _stored(why)},
    )


def _stored(error: str) -> str:
    return _storable(error)[:500]


def _storable(value: str) -> str:
    """Return the text without what PostgreSQL refuses in one: NUL and lone surrogates."""
    return value.replace("\0", " ").encode("utf-8", "replace").decode()


@dataclass(frozen=True)
class Unsent:
    """The emails of an instance that wait: their number, the oldest one's time, and the last error ("": no attempt was made)."""

    count: int
    since: datetime | None
    why: str


def unsent(connection: Connection, instance: str) -> Unsent:
    """Return a summary of the emails that wait for a recipient; those given up are `dead_letters`."""
    query = text(
        "select count(distinct m.id), min(m.queued_at), coalesce((array_agg(r.last_error order by m.id desc)"
        " filter (where r.last_error is not null))[1], '') from mail m join mail_recipient r on r.mail_id = m.id"
        f" where {_OPEN} and m.instance = :instance"
    )
    return Unsent(*connection.execute(query, {"instance": instance}).one())


@dataclass(frozen=True)
class DeadLetter:
    """A recipient whom an email did not reach, as far as is known, and to whom it is not sent again."""

    mail_id: int
    subject: str
    recipient: str
    queued_at: datetime
    why: str


def dead_letters(connection: Connection, instance: str | None, *, unreported: bool = False) -> list[DeadLetter]:
    """Return the dead letters of an instance, newest first; with `unreported`, those that no later email has named."""
    query = text(
        "select m.id, m.subject, r.recipient, m.queued_at, coalesce(r.last_error, '') from mail m"
        " join mail_recipient r on r.mail_id = m.id where r.given_up_at is not null and m.instance is not distinct from :instance"
        " and (not :unreported or r.reported_at is null) order by r.given_up_at desc, m.id desc, r.recipient"
    )
    values = {"instance": instance, "unreported": unreported}
    return [DeadLetter(*row) for row in connection.execute(query, values)]


def reported(connection: Connection, letters: Sequence[DeadLetter], now: datetime) -> None:
    """Record that an email which was accepted names these dead letters."""
    for letter in letters:
        connection.execute(
            text("update mail_recipient set reported_at = :now where mail_id = :id and recipient = :recipient"),
            {"now": now, "id": letter.mail_id, "recipient": letter.recipient},
        )


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
    """Delete the emails for which every recipient was sent it, or given up, before this time; return how many."""
    query = text(
        "delete from mail m where m.queued_at < :before and not exists (select 1 from mail_recipient r where r.mail_id = m.id"
        " and coalesce(greatest(r.sent_at, r.given_up_at), 'infinity') >= :before)"
    )
    return connection.execute(query, {"before": before}).rowcount
