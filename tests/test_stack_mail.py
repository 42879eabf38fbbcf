"""The mail server of the stack keeps what it accepts, and can ask for TLS and a login."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from certificates import self_signed

from magodoo_devstack import mail, ports


@contextmanager
def serving(folder: Path, **options: object) -> Iterator[smtplib.SMTP]:
    port = ports.any_free()
    controller = mail.serve(folder, port, **options)  # type: ignore[arg-type]
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            yield client
    finally:
        controller.stop()


def an_email(subject: str = "3 findings – Zoë") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "magodoo@example.com", "books@example.com", subject
    message.set_content("see the attachment")
    message.add_attachment("a;b\n1;2\n", filename="findings.csv", subtype="csv")
    return message


def test_a_mail_is_kept_whole_with_its_blind_copies(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.send_message(an_email(), to_addrs=["books@example.com", "blind@example.com"])
    (file,) = tmp_path.glob("*.eml")
    kept = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert kept["Subject"] == "3 findings – Zoë"
    assert kept["X-RcptTo"] == "books@example.com, blind@example.com"
    assert [part.get_filename() for part in kept.iter_attachments()] == ["findings.csv"]


def test_every_mail_has_a_file_of_its_own(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        for number in range(5):
            client.send_message(an_email(f"mail {number}"))
    assert len(list(tmp_path.glob("*.eml"))) == 5


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, user="magodoo", password="right") as client:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("magodoo", "wrong")
        with pytest.raises(smtplib.SMTPSenderRefused):
            client.send_message(an_email())
    assert not list(tmp_path.glob("*.eml"))


def test_with_a_certificate_mails_travel_encrypted_only(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with serving(tmp_path / "mail", certificate=certificate, user="magodoo", password="right") as client:
        with pytest.raises(smtplib.SMTPException):
            client.send_message(an_email())
        client.rset()
        client.starttls(context=ssl.create_default_context(cafile=str(certificate)))
        client.login("magodoo", "right")
        client.send_message(an_email())
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
