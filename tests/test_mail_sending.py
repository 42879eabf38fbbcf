"""The mails that wait are sent through Airflow's SMTP connection, with TLS and login, and none is lost when that fails."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult
from certificates import self_signed
from sqlalchemy import Engine, text

from magodoo.notifications import outbox
from magodoo.staging import connect
from magodoo.timestamps import utc_now
from magodoo_airflow import notify
from magodoo_devstack import mail as mail_server
from magodoo_devstack import ports

SETTINGS = """\
ui_url: https://airflow.example.com
instances:
  us: {magento_connection: shop, odoo_connection: books, recipients: {it: [it@example.com]}}
"""


@pytest.fixture
def engine(staging_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    (tmp_path / "magodoo.yaml").write_text(SETTINGS)
    monkeypatch.setenv("MAGODOO_SETTINGS", str(tmp_path / "magodoo.yaml"))
    monkeypatch.setenv("AIRFLOW_CONN_MAGODOO_STAGING", staging_url.replace("+psycopg2", ""))
    made = connect(staging_url)
    yield made
    made.dispose()


@pytest.fixture
def smtp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """A function that starts a mail server, points Airflow's connection at it, and gives the folder of its mails."""
    servers = []

    def serve(extra: dict[str, Any] | None = None, login: tuple[str, str] = ("", ""), **options: Any) -> Path:
        folder, port = tmp_path / "mail", ports.any_free()
        servers.append(mail_server.serve(folder, port, **options))
        point_at(monkeypatch, port, extra, *login)
        return folder

    yield serve
    for server in servers:
        server.stop()


def point_at(
    monkeypatch: pytest.MonkeyPatch, port: int, extra: dict[str, Any] | None = None, login: str = "", password: str = ""
) -> None:
    values = {
        "conn_type": "smtp", "host": "127.0.0.1", "port": port, "login": login, "password": password,
        "extra": {"from_email": "magodoo@example.com", "disable_ssl": True, "disable_tls": True, "retry_limit": 1, **(extra or {})},
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(values))


def queue(engine: Engine, subject: str, to: str = "books@example.com") -> None:
    with engine.begin() as connection:
        outbox.queue(connection, outbox.Mail("t", (to,), subject, "<p>h</p>", "p", instance="us"), utc_now())


def test_a_queued_mail_is_sent_once(engine: Engine, smtp: Callable[..., Path]) -> None:
    folder = smtp()
    queue(engine, "one")
    queue(engine, "two")
    assert notify.send_waiting("us") == {"sent": 2, "kept": 0}
    assert notify.send_waiting("us") == {"sent": 0, "kept": 0}
    assert len(list(folder.glob("*.eml"))) == 2


def test_mail_is_sent_with_tls_and_login(
    engine: Engine, smtp: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    folder = smtp(
        {"disable_tls": False}, ("magodoo", "right"), certificate=certificate, user="magodoo", password="right"
    )
    queue(engine, "encrypted")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    assert len(list(folder.glob("*.eml"))) == 1


def test_mail_is_sent_with_an_oauth2_token(
    engine: Engine, smtp: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def accept(self: Any, server: Any, words: list[str]) -> AuthResult:
        asked.append(base64.b64decode(words[1]))
        return AuthResult(success=True)

    monkeypatch.setattr(mail_server.Keeper, "auth_XOAUTH2", accept, raising=False)
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    oauth = {"disable_tls": False, "auth_type": "oauth2", "access_token": "token"}
    folder = smtp(oauth, certificate=certificate, user="magodoo", password="unused")
    queue(engine, "with a token")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    assert asked == [b"user=magodoo@example.com\x01auth=Bearer token\x01\x01"]
    assert len(list(folder.glob("*.eml"))) == 1


def test_an_untrusted_certificate_is_refused_and_the_mail_waits(
    engine: Engine, smtp: Callable[..., Path], tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    folder = smtp(
        {"disable_tls": False}, ("magodoo", "right"), certificate=certificate, user="magodoo", password="right"
    )
    queue(engine, "not sent")
    assert notify.send_waiting("us") == {"sent": 0, "kept": 1}
    assert not list(folder.glob("*.eml"))


def test_a_wrong_password_keeps_the_mail_until_it_is_right(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = smtp(None, ("magodoo", "wrong"), user="magodoo", password="right")
    queue(engine, "later")
    assert notify.send_waiting("us") == {"sent": 0, "kept": 1}
    values = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
    point_at(monkeypatch, values["port"], None, "magodoo", "right")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    assert len(list(folder.glob("*.eml"))) == 1


def test_a_server_that_is_away_loses_nothing(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, ports.any_free())
    queue(engine, "later")
    assert notify.send_waiting("us") == {"sent": 0, "kept": 1}
    smtp()
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}


def test_a_connection_that_is_missing_keeps_the_mails_until_it_is_there(
    engine: Engine, smtp: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    queue(engine, "later")
    queue(engine, "later still")
    assert notify.send_waiting("us") == {"sent": 0, "kept": 2}
    assert "2 mails wait" in caplog.text and "smtp_default" in caplog.text
    with engine.connect() as connection:
        waiting = outbox.unsent(connection, "us")
    assert waiting.count == 2 and waiting.since is not None and "smtp_default" in waiting.why
    folder = smtp()
    assert notify.send_waiting("us") == {"sent": 2, "kept": 0}
    assert len(list(folder.glob("*.eml"))) == 2
    with engine.connect() as connection:
        assert outbox.unsent(connection, "us") == outbox.Unsent(0, None, "")


def test_a_refused_recipient_does_not_keep_the_other_mails(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: Any, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith("gone@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    monkeypatch.setattr(mail_server.Keeper, "handle_RCPT", refuse, raising=False)
    folder = smtp()
    queue(engine, "refused", "gone@example.com")
    queue(engine, "sent")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 1}
    assert len(list(folder.glob("*.eml"))) == 1
    with engine.connect() as connection:
        error = connection.execute(text("select last_error from mail where sent_at is null")).scalar_one()
    assert "no such mailbox" in error


def failure(task: str = "extract") -> dict[str, Any]:
    instance = SimpleNamespace(dag_id="magento_extract__us", task_id=task, log_url="https://airflow.example.com/log")
    return {"ti": instance, "run_id": "scheduled__1", "exception": ValueError("[us] magento answers 401")}


def test_a_failed_task_is_mailed_to_it_operations_once_for_a_run(engine: Engine, smtp: Callable[..., Path]) -> None:
    folder = smtp()
    notify.TaskFailed(instance="us")(failure())
    notify.TaskFailed(instance="us")(failure("another"))
    (file,) = folder.glob("*.eml")
    assert b"it@example.com" in file.read_bytes() and b"magento answers 401" in file.read_bytes()


def test_a_failed_task_is_mailed_also_when_the_staging_database_is_away(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = smtp()
    monkeypatch.setenv("AIRFLOW_CONN_MAGODOO_STAGING", f"postgresql://nobody:x@127.0.0.1:{ports.any_free()}/none")
    notify.TaskFailed(instance="us")(failure())
    (file,) = folder.glob("*.eml")
    assert b"magento answers 401" in file.read_bytes()
