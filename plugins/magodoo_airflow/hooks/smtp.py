"""Airflow's SMTP connection as a client of smtplib: the provider's own hook sends no inline images and no plain-text part."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr
from functools import partial

from airflow.providers.smtp.hooks.smtp import SmtpHook, build_xoauth2_string
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt


@contextmanager
def smtp_client(connection: str) -> Iterator[tuple[smtplib.SMTP, SmtpHook]]:
    """Yield a client with the TLS and login of an SMTP connection of Airflow, and the hook that holds the connection's fields.

    Raises AirflowException for a connection that is missing or incomplete, OSError and smtplib.SMTPException for what the server answers.
    """
    hook = SmtpHook(smtp_conn_id=connection)
    try:
        hook.smtp_connection = hook.get_connection(connection)
    except AirflowNotFoundException:
        raise AirflowException("SMTP connection is not found.") from None
    if hook.auth_type == "oauth2" and not hook.access_token:
        with hook:  # its own login fetches the token
            pass
    context = None if hook.ssl_context == "none" else ssl.create_default_context()
    with closing(_connected(hook, context)) as client:
        if hook.smtp_starttls:
            client.starttls(context=context)
            client.ehlo()
        if hook.auth_type == "oauth2":
            user = hook.smtp_user or hook.from_email
            if user is None:
                raise AirflowException("smtp_user or from_email must be set for OAuth2 authentication")
            client.auth("XOAUTH2", lambda _=None: build_xoauth2_string(user, str(hook.access_token)))
        elif hook.smtp_user and hook.smtp_password:
            client.login(hook.smtp_user, hook.smtp_password)
        client.ehlo_or_helo_if_needed()
        yield client, hook


def _connected(hook: SmtpHook, context: ssl.SSLContext | None) -> smtplib.SMTP:
    connect = partial(smtplib.SMTP_SSL, context=context) if hook.use_ssl else smtplib.SMTP
    again = Retrying(
        retry=retry_if_exception_type(smtplib.SMTPServerDisconnected),
        stop=stop_after_attempt(hook.smtp_retry_limit + 1),
        reraise=True,
    )
    try:
        return again(connect, hook.host, hook.port or 0, timeout=hook.timeout)
    except smtplib.SMTPServerDisconnected:
        raise AirflowException("Unable to connect to smtp server") from None


@dataclass
class Delivery:
    """What became of a message, by recipient: accepted, or the reason why not. `unknown`: it was sent whole, and no answer came."""

    accepted: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


def unreadable(client: smtplib.SMTP, recipients: Collection[str]) -> list[str]:
    """Return the recipients whose address needs SMTPUTF8, where the server does not have it."""
    return [] if client.has_extn("smtputf8") else [each for each in recipients if not parseaddr(each)[1].isascii()]


def deliver(
    client: smtplib.SMTP,
    sender: str,
    recipients: Sequence[str],
    message: EmailMessage,
    begin: Callable[[Sequence[str]], Collection[str]],
) -> Delivery:
    """Hand a message over to the server and return what it answered for each recipient.

    smtplib's own `send_message` cannot tell a message that was certainly not accepted from one whose answer was lost. The client is closed
    (`client.sock` is None) when it cannot be used for the next message.

    :param begin: is called with the recipients accepted so far, before the server gets the text; returns to whom it may be sent
    """
    done = Delivery()
    begun: list[str] = []
    try:
        content, options = _serialized(client, sender, message)
        _require(client.mail(sender, options), 250)
        for recipient in recipients:
            code, answer = client.rcpt(recipient)
            if code in (250, 251):
                begun.append(recipient)
            else:
                done.refused[recipient] = _words(code, answer)
            if code == 421:
                raise smtplib.SMTPServerDisconnected(_words(code, answer))
        if begun and set(begin(begun)) != set(begun):  # another sender has one of them
            return Delivery(refused=done.refused)
        if begun:
            _require(client.docmd("DATA"), 354)
            client.send(content)
    except (OSError, ValueError, LookupError, smtplib.SMTPException) as problem:
        done.refused.update({each: _of(problem) for each in recipients if each not in done.refused})
        return done
    else:
        if begun:
            _answered(client, begun, done)
        return done
    finally:
        if not done.accepted:  # what was accepted is recorded at once
            _reset(client)


def _serialized(client: smtplib.SMTP, sender: str, message: EmailMessage) -> tuple[bytes, list[str]]:
    """Return the bytes to send after DATA, and the options of MAIL."""
    addresses = [sender, *(each.addr_spec for each in message["To"].addresses)]
    options = []
    policy = SMTP
    if not all(address.isascii() for address in addresses):
        if not client.has_extn("smtputf8"):
            raise smtplib.SMTPNotSupportedError("an address needs SMTPUTF8, which the server does not have")
        policy, options = SMTPUTF8, ["SMTPUTF8", "BODY=8BITMIME"]
    content = message.as_bytes(policy=policy)
    lines = re.sub(rb"(?m)^\.", b"..", re.sub(rb"\r\n|\r|\n", b"\r\n", content))
    if client.has_extn("size"):
        options.insert(0, f"size={len(content)}")
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n", options


def _answered(client: smtplib.SMTP, recipients: Sequence[str], done: Delivery) -> None:
    """Record the server's answer to the whole message."""
    try:
        code, answer = client.getreply()
    except (OSError, smtplib.SMTPException) as problem:
        code, answer = -1, _of(problem).encode()
    if 200 <= code < 300:
        done.accepted += recipients
    elif 400 <= code < 600:
        done.refused.update(dict.fromkeys(recipients, _words(code, answer)))
    else:
        client.close()
        why = (
            f"the server may have accepted the mail and did not say so, so it is not sent again: {_words(code, answer)}"
        )
        done.unknown.update(dict.fromkeys(recipients, why))


def _require(reply: tuple[int, bytes], code: int) -> None:
    if reply[0] != code:
        raise smtplib.SMTPResponseException(*reply)


def _words(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(f"{code if code > 0 else ''} {text}".split())


def _of(problem: Exception) -> str:
    if isinstance(problem, smtplib.SMTPResponseException):
        return _words(problem.smtp_code, problem.smtp_error)
    return f"{type(problem).__name__}: {problem}"


def _reset(client: smtplib.SMTP) -> None:
    """Make the client ready for the next message, or close it: after an answer 421, too, the server closes the connection."""
    try:
        if client.sock is not None and client.rset()[0] != 250:
            client.close()
    except (OSError, smtplib.SMTPException):
        client.close()
