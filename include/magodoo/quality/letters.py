"""Turns a Mail into the message that SMTP carries: HTML with a plain part, the picture inside, the CSV attached."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from magodoo.quality.outbox import Mail

_LONGEST_SUBJECT = 160


def letter(mail: Mail, sender: str) -> EmailMessage:
    """The message. Text from shops in the subject cannot make a header of its own: control characters become spaces."""
    message = EmailMessage()
    message["Subject"] = one_line(mail.subject)[:_LONGEST_SUBJECT]
    message["From"] = Address("magodoo", addr_spec=sender)
    message["To"] = ", ".join(one_line(recipient) for recipient in mail.recipients)
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(idstring=f"mail{mail.id}", domain=sender.rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Magodoo-Topic"] = mail.topic
    message.set_content(mail.plain)
    message.add_alternative(mail.html, subtype="html")
    if mail.picture:
        html_part = message.get_payload()[1]  # type: ignore[index]
        html_part.add_related(mail.picture, "image", "png", cid="<picture>", filename="picture.png")  # type: ignore[union-attr]
    if mail.csv is not None:
        message.add_attachment(mail.csv.encode("utf-8-sig"), "text", "csv", filename=mail.csv_name or "findings.csv")
    return message


def one_line(value: str) -> str:
    """Without anything that could start a new header."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", value).strip()
