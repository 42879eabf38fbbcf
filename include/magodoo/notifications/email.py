"""Build the SMTP message of a queued email: HTML with a plain-text part, the chart inline, CSV and PDF attached."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Collection, Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate

from magodoo.characters import escaped
from magodoo.notifications.outbox import DeadLetter, Mail

_LONGEST_SUBJECT = 160
NAMED = 20  # dead letters that one email names


def as_message(
    mail: Mail, sender: str, *, dead_letters: Sequence[DeadLetter] = (), leave_out: Collection[str] = ()
) -> EmailMessage:
    """Return the message. Control characters in subject, recipients and topic become spaces, so that no text can inject a header.

    :param dead_letters: named at the end of the text, at most NAMED
    :param leave_out: recipients whose address the server cannot read in a header
    """
    message = EmailMessage()
    message["Subject"] = one_line(mail.subject)[:_LONGEST_SUBJECT]
    message["From"] = Address("magodoo", addr_spec=sender)
    message["To"] = ", ".join(one_line(recipient) for recipient in mail.recipients if recipient not in leave_out)
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = message_id(mail, sender)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Magodoo-Topic"] = one_line(mail.topic)
    lines = [
        f"{letter.queued_at:%Y-%m-%d %H:%M} UTC, to {one_line(letter.recipient)}: {one_line(letter.subject)} ({one_line(letter.why)})"
        for letter in dead_letters[:NAMED]
    ]
    message.set_content(_with_plain(mail.plain, lines))
    message.add_alternative(_with_html(mail.html, lines), subtype="html")
    if mail.picture:
        html_part = message.get_payload()[1]  # type: ignore[index]
        html_part.add_related(mail.picture, "image", "png", cid="<picture>", filename="picture.png")  # type: ignore[union-attr]
    if mail.csv is not None:
        message.add_attachment(mail.csv.encode("utf-8-sig"), "text", "csv", filename=mail.csv_name or "findings.csv")
    if mail.pdf is not None:
        message.add_attachment(mail.pdf, "application", "pdf", filename=mail.pdf_name or "statement.pdf")
    return message


_HEADING = "Earlier emails that were not delivered, and are not sent again:"


def _with_plain(plain: str, lines: Sequence[str]) -> str:
    return plain + "\n".join(("\n\n" + _HEADING, *(f"- {line}" for line in lines), "")) if lines else plain


def _with_html(page: str, lines: Sequence[str]) -> str:
    if not lines:
        return page
    listed = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    body, end, rest = page.rpartition("</body>")
    return f"{body if end else page}<p>{_HEADING}</p><ul>{listed}</ul>{end}{rest if end else ''}"


def message_id(mail: Mail, sender: str) -> str:
    """Return a Message-ID that is the same for the same email: most mailboxes show a repeated delivery only once."""
    content = "\x1f".join((str(mail.id), mail.topic, *mail.recipients, mail.subject, mail.plain))
    domain = sender.rpartition("@")[2] or "localhost"
    return f"<mail{mail.id}.{hashlib.blake2b(content.encode(), digest_size=12).hexdigest()}@{domain}>"


def one_line(value: str) -> str:
    """Return the text with every run of control characters replaced by a space, and escapes for others that nobody sees."""
    return escaped(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", value)).strip()
