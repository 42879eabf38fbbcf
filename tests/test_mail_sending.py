"""The mails that wait are sent through Airflow's SMTP connection, with TLS and login, and none is lost when that fails."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from aiosmtpd.smtp import AuthResult
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time import task_runner
from certificates import self_signed
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError
from tries import state_after

from magodoo.errors import Forbidden, MagodooError, OutcomeUnknown, Unauthorized, Unavailable
from magodoo.notifications import email, outbox
from magodoo.staging import connect
from magodoo.timestamps import utc_now
from magodoo_airflow import notify
from magodoo_airflow.operators.chain import ExtractOperator
from magodoo_airflow.schedule import dag_defaults, instances
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


def queue(engine: Engine, subject: str, *to: str) -> None:
    mail = outbox.Mail("t", to or ("books@example.com",), subject, "<p>h</p>", "p", instance="us")
    with engine.begin() as connection:
        outbox.queue(connection, mail, utc_now())


def states(engine: Engine) -> dict[str, tuple[str, int]]:
    """By recipient: sent, given up or waiting, and the attempts."""
    state = "case when sent_at is not null then 'sent' when given_up_at is not null then 'given up' else 'waiting' end"
    with engine.connect() as connection:
        rows = connection.execute(text(f"select recipient, {state}, attempts from mail_recipient")).all()
    return {recipient: (state, attempts) for recipient, state, attempts in rows}


def dead(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {letter.recipient: letter.why for letter in outbox.dead_letters(connection, "us")}


def received(folder: Path) -> list[tuple[str, str]]:
    """Envelope recipients and subject of each mail that the server kept, oldest first."""
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in sorted(folder.glob("*.eml"))]
    return [(str(mail["X-RcptTo"]), str(mail["Subject"])) for mail in mails]


def answers(monkeypatch: pytest.MonkeyPatch, **of_recipients: str) -> dict[str, str]:
    """The server's answer to RCPT by the local part of the address; "" ends the connection."""

    async def answer(self: Any, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        said = of_recipients.get(address.partition("@")[0], "250 OK")
        if not said:
            server.transport.abort()
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    monkeypatch.setattr(mail_server.Keeper, "handle_RCPT", answer, raising=False)
    return of_recipients


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
    answers(monkeypatch, gone="550 no such mailbox")
    folder = smtp()
    queue(engine, "refused", "gone@example.com")
    queue(engine, "sent")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 1}
    assert len(list(folder.glob("*.eml"))) == 1
    with engine.connect() as connection:
        error = connection.execute(text("select last_error from mail_recipient where sent_at is null")).scalar_one()
    assert "no such mailbox" in error


@pytest.mark.parametrize("answer", ["550 no such mailbox", "451 greylisted"])
def test_a_mail_is_sent_again_only_to_the_recipient_whom_it_did_not_reach(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    server = answers(monkeypatch, late=answer)
    folder = smtp()
    queue(engine, "to both", "here@example.com", "late@example.com")
    assert notify.send_waiting("us") == {"sent": 0, "kept": 1}
    assert states(engine) == {"here@example.com": ("sent", 1), "late@example.com": ("waiting", 1)}
    with engine.connect() as connection:
        assert answer in outbox.unsent(connection, "us").why
    server["late"] = "250 OK"
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    assert notify.send_waiting("us") == {"sent": 0, "kept": 0}
    assert [to for to, _ in received(folder)] == ["here@example.com", "late@example.com"]


def test_the_last_attempt_makes_a_dead_letter_that_the_next_mail_names_once(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 2)
    answers(monkeypatch, gone="550 no <such> mailbox")
    folder = smtp()
    queue(engine, "to both", "here@example.com", "gone@example.com")
    for _ in range(3):
        notify.send_waiting("us")
    assert states(engine) == {"here@example.com": ("sent", 1), "gone@example.com": ("given up", 2)}
    assert dead(engine) == {"gone@example.com": "550 no <such> mailbox"}
    queue(engine, "next")
    queue(engine, "after that")
    assert notify.send_waiting("us") == {"sent": 2, "kept": 0}
    _, following, last = (file.read_text() for file in sorted(folder.glob("*.eml")))
    following = following.replace("=\n", "")
    assert (
        "to gone@example.com: to both (550 no <such> mailbox)" in following and "no &lt;such&gt; mailbox" in following
    )
    assert "gone@" not in last
    assert dead(engine), "preflight and the overview go on naming it"


def test_a_dead_letter_is_named_again_when_the_mail_that_named_it_did_not_arrive(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    answers(monkeypatch, gone="550 no such mailbox")
    folder = smtp()
    for subject, to in (("one", "gone@example.com"), ("two", "gone@example.com"), ("three", "here@example.com")):
        queue(engine, subject, to)
        notify.send_waiting("us")
    (file,) = folder.glob("*.eml")
    words = file.read_text().replace("=\n", "")
    assert "gone@example.com: one" in words and "gone@example.com: two" in words


def test_a_mail_for_which_the_server_ends_the_connection_is_counted_and_the_others_are_sent(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 2)
    answers(monkeypatch, poison="", closing="421 closing")
    folder = smtp()
    queue(engine, "poison", "poison@example.com")
    queue(engine, "sent")
    queue(engine, "closing", "closing@example.com")
    queue(engine, "sent too")
    assert notify.send_waiting("us") == {"sent": 2, "kept": 2}
    assert [subject for _, subject in received(folder)] == ["sent", "sent too"]
    queue(engine, "a new one")
    with engine.connect() as connection:
        first = outbox.waiting_ids(connection, "us")[0]
        assert (
            connection.execute(text("select subject from mail where id = :id"), {"id": first}).scalar() == "a new one"
        )
    assert notify.send_waiting("us") == {"sent": 1, "kept": 2}
    assert notify.send_waiting("us") == {"sent": 0, "kept": 0}
    assert {"poison@example.com", "closing@example.com"} == dead(engine).keys()


def test_an_address_that_needs_smtputf8_does_not_keep_the_mail_from_the_others(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_server, "Controller", partial(mail_server.Controller, enable_SMTPUTF8=False))
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 1)
    folder = smtp()
    queue(engine, "to both", "jörg@example.com", "here@example.com")
    queue(engine, "to one", "Jörg <joerg@example.com>")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 1}
    assert [to for to, _ in received(folder)] == ["here@example.com", "joerg@example.com"]
    assert "SMTPUTF8" in dead(engine)["jörg@example.com"]


def test_a_server_with_smtputf8_gets_such_an_address(engine: Engine, smtp: Callable[..., Path]) -> None:
    folder = smtp()
    queue(engine, "to both", "jörg@example.com", "here@example.com")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    (file,) = folder.glob("*.eml")
    assert "jörg@example.com, here@example.com" in file.read_text(encoding="utf-8")


def test_no_character_in_a_subject_keeps_a_mail(engine: Engine, smtp: Callable[..., Path]) -> None:
    folder = smtp()
    characters = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xD800]
    for code in characters:
        queue(engine, f"before{chr(code)}Bcc: after")
    assert notify.send_waiting("us") == {"sent": len(characters), "kept": 0}
    for file in folder.glob("*.eml"):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert message["Subject"] in {"before Bcc: after", "before?Bcc: after"} and message["Bcc"] is None


def test_a_mail_that_cannot_be_composed_is_counted_and_the_others_are_sent(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    composed = email.as_message

    def broken(mail: outbox.Mail, *words: Any, **more: Any) -> Any:
        if mail.subject == "broken":
            raise IndexError("no text")
        return composed(mail, *words, **more)

    monkeypatch.setattr(email, "as_message", broken)
    smtp()
    queue(engine, "broken", "broken@example.com")
    queue(engine, "sent")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 1}
    assert states(engine)["broken@example.com"] == ("waiting", 1)


def test_lines_arrive_as_they_were_written(engine: Engine, smtp: Callable[..., Path]) -> None:
    folder = smtp()
    lines = ".first\n..second\n.\n\u0085last \u2028 äöü " + "x" * 2000 + "\n"
    with engine.begin() as connection:
        outbox.queue(connection, outbox.Mail("t", ("a@example.com",), "s", "h", lines, instance="us"), utc_now())
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    (file,) = folder.glob("*.eml")
    part = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
    assert part is not None and "".join(part.get_content().split()) == "".join(lines.split())
    assert part.get_content().startswith(".first\r\n..second\r\n.\r\n")


def no_answer(monkeypatch: pytest.MonkeyPatch, first: str = "") -> None:
    """The server keeps the mail and ends the connection before it says so, or says `first`."""
    kept = mail_server.Keeper.handle_DATA

    async def keep(self: Any, server: Any, session: Any, envelope: Any) -> str:
        said = await kept(self, server, session, envelope)
        if "poison@example.com" not in envelope.rcpt_tos:
            return said
        if not first:
            server.transport.abort()
        return first

    monkeypatch.setattr(mail_server.Keeper, "handle_DATA", keep)


@pytest.mark.parametrize("said", ["", "garbage"])
def test_a_mail_that_may_have_been_accepted_is_not_sent_twice(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    no_answer(monkeypatch, said)
    server = answers(monkeypatch, late="451 greylisted")
    folder = smtp()
    queue(engine, "three", "poison@example.com", "here@example.com", "late@example.com")
    queue(engine, "next")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 1}
    server["late"] = "250 OK"
    notify.send_waiting("us")
    notify.send_waiting("us")
    assert [to for to, _ in received(folder)] == [
        "poison@example.com, here@example.com",
        "books@example.com",
        "late@example.com",
    ]
    assert dead(engine).keys() == {"poison@example.com", "here@example.com"}
    assert "may have accepted" in dead(engine)["here@example.com"]


@pytest.mark.parametrize("answer", ["452 full", "554 not this text"])
def test_a_text_that_the_server_refuses_is_sent_again(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    no_answer(monkeypatch, answer)
    smtp()
    queue(engine, "refused", "poison@example.com")
    queue(engine, "next")
    assert notify.send_waiting("us") == {"sent": 1, "kept": 1}
    assert states(engine)["poison@example.com"] == ("waiting", 1)
    assert notify.send_waiting("us") == {"sent": 0, "kept": 1}


class Killed(BaseException):
    """The process ends here."""


DEATHS = ["take", "begin", "begin, after", "handing_over", "handing_over, after", "sent", "sent, after", "reported"]


@pytest.mark.parametrize("line", DEATHS)
def test_a_sender_that_dies_at_any_line_loses_nothing_and_sends_nothing_twice(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    folder = smtp()
    queue(engine, "mail", "one@example.com", "two@example.com")
    name, _, after = line.partition(",")
    real = getattr(outbox, name)

    def die(*words: Any, **more: Any) -> Any:
        if after:  # what was written is committed
            with engine.begin() as own:
                real(own, *words[1:], **more)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(outbox, name, die)
        with pytest.raises(Killed):
            notify.send_waiting("us")
    notify.send_waiting("us")
    notify.send_waiting("us")
    got = [to for to, _ in received(folder)]
    assert got.count("one@example.com, two@example.com") == len(got) <= 1, "never twice"
    ended = {state for state, _ in states(engine).values()}
    assert ended == ({"sent"} if not dead(engine) else {"given up"}), "and never forgotten"
    assert got or dead(engine)
    if name in {"take", "begin"} or line in {"handing_over", "sent, after"}:
        assert got and not dead(engine), "what certainly was not accepted is sent, what certainly was is no dead letter"


def test_a_mail_that_ends_its_process_every_time_is_given_up(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 2)
    smtp()
    queue(engine, "kills")
    with monkeypatch.context() as patch:
        patch.setattr(notify, "hand_over", lambda *_: (_ for _ in ()).throw(Killed()))
        for _ in range(2):
            with pytest.raises(Killed):
                notify.send_waiting("us")
    assert notify.send_waiting("us") == {"sent": 0, "kept": 0}
    assert "ended the process" in dead(engine)["books@example.com"]


def test_two_senders_at_once_send_each_mail_once(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = smtp()
    queue(engine, "mail")
    hand_over = notify.hand_over

    def meanwhile(*words: Any) -> Any:
        monkeypatch.setattr(notify, "hand_over", hand_over)
        assert notify.send_waiting("us") == {"sent": 0, "kept": 0}, "the lock is held"
        return hand_over(*words)

    monkeypatch.setattr(notify, "hand_over", meanwhile)
    assert notify.send_waiting("us") == {"sent": 1, "kept": 0}
    assert len(received(folder)) == 1


def test_a_lost_lock_does_not_send_a_mail_twice(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = smtp()
    queue(engine, "mail")
    handing_over = outbox.handing_over

    def meanwhile(connection: Any, mail: Any, recipients: Any, now: Any) -> list[str]:
        with engine.begin() as other:
            handing_over(other, mail, recipients, now)  # another sender, after the database dropped this one's lock
        return handing_over(connection, mail, recipients, now)

    monkeypatch.setattr(outbox, "handing_over", meanwhile)
    assert notify.send_waiting("us") == {"sent": 0, "kept": 0}
    assert not received(folder)


def test_mails_are_deleted_once_every_recipient_is_sent_or_given_up(engine: Engine) -> None:
    queue(engine, "mail", "one@example.com", "two@example.com", "three@example.com")
    with engine.begin() as connection:
        (mail,) = outbox.waiting(connection)
        later = utc_now() + timedelta(days=1)
        outbox.sent(connection, mail, utc_now(), ["one@example.com"])
        outbox.unknown(connection, mail, {"two@example.com": "no answer"}, utc_now())
        assert outbox.forget(connection, later) == 0
        outbox.sent(connection, mail, later, ["three@example.com"])
        assert outbox.forget(connection, later) == 0
        assert outbox.forget(connection, later + timedelta(seconds=1)) == 1


def failure(task: str = "extract") -> dict[str, Any]:
    instance = SimpleNamespace(
        dag_id="magento_extract__us", task_id=task, try_number=1, log_url="https://airflow.example.com/log"
    )
    return {"ti": instance, "run_id": "scheduled__1", "exception": Unauthorized("magento answers 401")}


@pytest.mark.parametrize(
    ("problem", "said", "next_step"),
    [
        (Unauthorized("Magento answers 401", system="magento", hint="set the token"), "Magento answers 401", "set the token"),
        (Forbidden("may not post"), "may not post", "Resolve what the message names, then clear the task"),
        (Unavailable("503", system="odoo"), "503", "It was tried 8 times. Find out why odoo does not answer"),
        (OutcomeUnknown("no answer to create", system="odoo"), "no answer to create", "It was tried 8 times"),
        (MagodooError("odd"), "odd", "Read the log of the task"),
        (AirflowFailException("the side is held"), "the side is held", "Resolve what the message names"),
        (KeyError("sku"), "KeyError: 'sku'", "report it with this log"),
        (None, "its process ended without a result, at try 8", "Read the logs of scheduler, worker and api-server"),
    ],
)  # fmt: skip
def test_the_mail_names_instance_task_error_and_next_step(
    engine: Engine, smtp: Callable[..., Path], problem: Exception | None, said: str, next_step: str
) -> None:
    folder, failed = smtp(), failure()
    failed["ti"].try_number = 8
    notify.TaskFailed(instance="us")(failed | {"exception": problem})
    (file,) = folder.glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    plain = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mail["subject"].startswith(f"[us] magento_extract__us failed in extract: {said}")
    assert plain.startswith("us: the task extract of magento_extract__us failed")
    assert said in plain.split("Next step:")[0] and next_step in plain.split("Next step:")[1]


def test_the_mail_quotes_no_values_of_an_error_that_is_not_ours() -> None:
    problem = IntegrityError(
        "insert", {"email": "ann@example.com"}, Exception("duplicate key\nDETAIL: Key (email)=(ann@example.com)")
    )
    assert (
        notify.what_failed(failure() | {"exception": problem})[0]
        == "IntegrityError: (builtins.Exception) duplicate key"
    )


def test_no_mail_is_sent_for_a_try_that_is_followed_by_another(engine: Engine, smtp: Callable[..., Path]) -> None:
    """As Airflow's own task runner ends a task: seven tries that are followed by another, and the last."""
    folder, problem, log = smtp(), Unavailable("503", system="magento"), structlog.get_logger()
    (instance,) = instances()
    with DAG("magento_extract__us", schedule=None, **dag_defaults(instance, "extract")):
        task = ExtractOperator(task_id="extract", instance="us", side="magento")
    mails = []
    for lost in range(task.retries + 1):
        ti: Any = SimpleNamespace(
            task=task, dag_id="magento_extract__us", task_id="extract", try_number=lost + 1, start_date=None, end_date=None, log_url=""
        )  # fmt: skip
        context: Any = {"ti": ti, "run_id": "scheduled__1", "exception": problem, "outlet_events": {}}
        state = state_after(task, problem, lost)
        task_runner.finalize(ti, state, context, log, problem)
        mails.append((state, len(list(folder.glob("*.eml")))))
    assert mails == [("up_for_retry", 0)] * 7 + [("failed", 1)]


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


def test_a_failed_task_that_is_queued_is_not_mailed_a_second_time_past_the_outbox(
    engine: Engine, smtp: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = smtp()
    real = outbox.sent

    def lost(*_: Any) -> None:
        raise OperationalError("update", {}, Exception("the server closed the connection"))

    monkeypatch.setattr(outbox, "sent", lost)
    notify.TaskFailed(instance="us")(failure())
    monkeypatch.setattr(outbox, "sent", real)
    notify.send_waiting("us")
    assert len(list(folder.glob("*.eml"))) == 1
