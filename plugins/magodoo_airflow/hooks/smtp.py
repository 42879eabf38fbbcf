"""Airflow's SMTP connection as a client of smtplib: the provider's own hook sends no inline images and no plain-text part."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
