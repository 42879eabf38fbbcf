"""A real SMTP server on loopback that keeps each mail as a file: `python -m magodoo_devstack.mail --help`."""

from __future__ import annotations

import argparse
import os
import signal
import ssl
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


class Keeper:
    """Writes every accepted mail to `<folder>/<UTC time>-<number>.eml`, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.numbers = count(1)

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        """Store one mail, with the envelope's recipients prepended: blind copies are in no header."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{next(self.numbers):04d}"
        recipients = ", ".join(envelope.rcpt_tos)
        content = envelope.original_content or b""
        draft = self.folder / f".{name}"
        draft.write_bytes(f"X-RcptTo: {recipients}\r\n".encode() + content)
        draft.replace(self.folder / f"{name}.eml")
        return f"250 kept as {name}"


class Logins:
    """Accepts one login name with one password."""

    def __init__(self, user: str, password: str) -> None:
        self.expected = LoginPassword(user.encode(), password.encode())

    def __call__(self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data == self.expected, handled=False)


def serve(
    folder: Path,
    port: int,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    user: str = "",
    password: str = "",
) -> Controller:
    """Start the server in a thread and return it; `stop()` ends it.

    With a certificate STARTTLS is required; with a user, a login is.
    """
    options: dict[str, Any] = {}
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        options |= {"tls_context": context, "require_starttls": True}
    if user:
        options |= {
            "authenticator": Logins(user, password),
            "auth_required": True,
            "auth_require_tls": certificate is not None,
        }
    controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port, **options)
    controller.start()
    return controller


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="magodoo_devstack.mail", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--certificate", type=Path, help="PEM file; STARTTLS is then required")
    parser.add_argument("--key", type=Path)
    parser.add_argument(
        "--user", default="", help="a login name; its password is in the variable MAGODOO_MAIL_PASSWORD"
    )
    given = parser.parse_args(words)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    controller = serve(
        given.folder,
        given.port,
        certificate=given.certificate,
        key=given.key,
        user=given.user,
        password=os.environ.get("MAGODOO_MAIL_PASSWORD", ""),
    )
    print(f"mail: 127.0.0.1:{given.port}, kept in {given.folder}")
    over.wait()
    controller.stop()


if __name__ == "__main__":
    main()
