"""Mails: quiet when nothing is new, readable when something is, harmless whatever a shop writes into its names."""

from __future__ import annotations

import email
import email.policy
import smtplib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiosmtpd.controller import Controller
from mailed import UI, US, found, planned
from sqlalchemy import Engine, text

from magodoo.notifications import alerts, outbox
from magodoo.notifications.csv_export import neutral, to_csv
from magodoo.notifications.email import as_message
from magodoo.quality.catalogue import ALL_CHECKS
from magodoo.quality.checks import Holds
from magodoo.settings import Instance
from magodoo.settings.model import Recipients
from magodoo.staging import connect
from magodoo.timestamps import utc_now
from magodoo_devstack import ports


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    made = connect(staging_url)
    yield made
    made.dispose()


def _queue(engine: Engine, instance: Instance = US) -> list[outbox.Mail]:
    with engine.begin() as connection:
        alerts.queue_findings(connection, instance, UI, utc_now())
    with engine.begin() as connection:
        mails = list(outbox.waiting(connection))
        for mail in mails:
            outbox.sent(connection, mail, utc_now())
    return mails


def _changes(engine: Engine) -> list[outbox.Mail]:
    with engine.begin() as connection:
        alerts.queue_changes(connection, US, UI, utc_now())
        mails = outbox.waiting(connection)
        for mail in mails:
            outbox.sent(connection, mail, utc_now())
    return mails


def _topics(engine: Engine) -> list[str]:
    return [mail.topic for mail in _changes(engine)]


def _become(engine: Engine, change: int, **values: str) -> None:
    columns = ", ".join(f"{name} = :{name}" for name in values)
    with engine.begin() as connection:
        connection.execute(text(f"update change set {columns} where id = :id"), {"id": change, **values})


def test_nothing_is_mailed_when_nothing_is_new(engine: Engine) -> None:
    assert _queue(engine) == []
    found(engine)
    assert len(_queue(engine)) == 1
    assert _queue(engine) == []


def test_information_is_never_mailed(engine: Engine) -> None:
    found(engine, "rounding", severity="info")
    assert _queue(engine) == []


def test_a_muted_finding_is_not_mailed(engine: Engine) -> None:
    found(engine, muted_until="2999-01-01T00:00:00Z")
    assert _queue(engine) == []


def test_a_reopened_finding_is_mailed_again(engine: Engine) -> None:
    finding = found(engine)
    _queue(engine)
    with engine.begin() as connection:
        connection.execute(
            text("update finding set reopened_at = now() + interval '1 second', reopened = 1 where id = :id"),
            {"id": finding},
        )
    assert len(_queue(engine)) == 1


def test_a_finding_that_a_change_will_resolve_is_mailed_only_after_the_grace_time(engine: Engine) -> None:
    change = planned(engine, verdict="unchecked", approval="not_needed")
    finding = found(engine, "missing_in_odoo", change_id=change)
    applying = US.model_copy(update={"mode": type(US.mode)(default="apply")})
    assert _queue(engine, applying) == []
    with engine.begin() as connection:
        connection.execute(
            text("update finding set first_seen = now() - interval '3 hours' where id = :id"), {"id": finding}
        )
    assert len(_queue(engine, applying)) == 1


def test_an_order_that_will_ship_too_much_is_mailed_to_the_warehouse_at_once(engine: Engine) -> None:
    found(
        engine,
        "will_ship_too_much",
        kind="order",
        who="warehouse",
        magento_amount=None,
        odoo_amount=None,
        difference=None,
    )
    assert [mail.recipients for mail in _queue(engine)] == [("stock@example.com",)]


def test_a_mail_row_has_finding_age_effect_owner_and_next_step(engine: Engine) -> None:
    found(engine, effect="receivable and revenue")
    (mail,) = _queue(engine)
    with engine.connect() as connection:
        since = connection.execute(text("select first_seen from finding")).scalar_one()
    row = (
        "Totals differ.",
        "effect: receivable and revenue",
        "who: accounting",
        "Next: Compare.",
        f"Since {since:%Y-%m-%d}",
    )
    assert [said for said in row if said not in mail.html] == []


def test_accounting_warehouse_and_it_get_separate_mails(engine: Engine) -> None:
    all_three = {"accounting": ("books@example.com",), "warehouse": ("stock@example.com",), "it": ("it@example.com",)}
    for number, who in enumerate(all_three):
        found(engine, who=who, magento_id=str(number), magento_number=f"00000010{number}")
    mails = _queue(engine, US.model_copy(update={"recipients": Recipients(**all_three)}))
    told = {mail.recipients: [number for number in range(3) if f"00000010{number}" in mail.html] for mail in mails}
    assert told == {recipients: [number] for number, recipients in enumerate(all_three.values())}


def test_the_subject_names_instance_counts_and_severity(engine: Engine) -> None:
    found(engine)
    found(engine, magento_id="8", magento_number="000000008", difference=-12_000)
    found(
        engine,
        "missing_in_magento",
        kind="shipment",
        severity="warning",
        magento_id=None,
        magento_number=None,
        magento_amount=None,
        odoo_amount=None,
        difference=None,
    )
    assert _queue(engine)[0].subject == "[us] 2 invoices differ by 42.40 USD (net 40.00), 1 shipment missing in Magento"


def test_approvers_are_mailed_once_with_the_sums(engine: Engine) -> None:
    for number, amount in ((7, 1_000_000), (8, 2_500_000)):
        planned(engine, source_id=str(number), amount=amount)
    for mails in (1, 0):
        with engine.begin() as connection:
            assert alerts.queue_changes(connection, US, UI, utc_now()) == mails
    with engine.begin() as connection:
        (mail,) = outbox.waiting(connection)
    assert mail.subject == "[us] 2 changes wait for approval: 2 Odoo invoice (350.00 USD)"
    assert "the first writes" in mail.plain and "/magento/change/" in mail.html


def test_a_change_that_waited_and_then_failed_is_mailed_again(engine: Engine) -> None:
    change = planned(engine)
    assert _topics(engine) == ["changes_waiting"]
    _become(engine, change, state="failed", approval="approved", reason="Odoo refused it: period closed")
    assert _topics(engine) == ["changes_failed"]
    assert _topics(engine) == []


def test_a_refused_change_is_mailed_once_and_a_rejected_one_is_not(engine: Engine) -> None:
    planned(engine, state="refused", approval="not_needed", reason="possible duplicate: RINV/2026/00001")
    planned(engine, source_id="8", state="refused", approval="rejected", reason="rejected by Ada: not ours")
    (mail,) = _changes(engine)
    assert mail.subject == "[us] 1 change refused: 1 Odoo invoice (100.00 USD)"
    assert "RINV/2026/00001" in mail.plain and "not ours" not in mail.plain
    assert mail.recipients == ("books@example.com",)


def test_documents_held_by_a_check_are_mailed_once(engine: Engine) -> None:
    held = {"verdict": "held", "approval": "not_needed"}
    documents = next(check.name for check in ALL_CHECKS if check.holds is Holds.DOCUMENT)
    sides = next(check.name for check in ALL_CHECKS if check.holds is Holds.SIDE)
    planned(engine, **held, held_by=documents)
    planned(engine, source_id="8", **held, held_by=sides)
    (mail,) = _changes(engine)
    assert mail.subject.startswith("[us] 1 change held by a check") and documents in mail.plain
    assert _topics(engine) == []


def test_a_held_system_is_mailed_when_the_hold_begins_and_not_at_every_run(engine: Engine) -> None:
    def hold() -> int:
        with engine.begin() as connection:
            return alerts.queue_held(connection, US, UI, ("magento",), ("the last extract is 3 hours old",), utc_now())

    assert [hold(), hold()] == [1, 0]
    with engine.begin() as connection:
        alerts.held_is_over(connection, US)
    assert hold() == 1


def test_a_failed_run_is_mailed_once_however_many_tasks_fail(engine: Engine) -> None:
    def fail(run: str, task: str) -> int:
        with engine.begin() as connection:
            return alerts.queue_failed_run(
                connection, US, UI, dag="magento_extract__us", run=run, task=task,
                error="magento answers 401: the token is wrong", next_step="set the connection `shop`", log_url=f"{UI}/log", now=utc_now())  # fmt: skip

    assert [fail("r1", "a"), fail("r1", "b"), fail("r2", "a")] == [1, 0, 1]
    with engine.begin() as connection:
        mail = outbox.waiting(connection)[0]
    assert mail.subject == "[us] magento_extract__us failed in a: magento answers 401: the token is wrong"
    assert "set the connection" in mail.plain and f"{UI}/log" in mail.html


def test_the_digest_lists_open_and_resolved_findings(engine: Engine) -> None:
    found(engine)
    found(engine, magento_number="000000009", magento_id="9", resolved_at=datetime.now(UTC))
    with engine.begin() as connection:
        assert alerts.queue_digest(connection, US, UI, utc_now()) == 1
        (mail,) = outbox.waiting(connection)
    assert mail.subject == "[us] digest: 1 open, 1 resolved since yesterday"
    assert "000000009" in mail.html.split("Resolved since yesterday")[1]


def test_a_day_on_which_nothing_is_open_or_resolved_has_no_digest(engine: Engine) -> None:
    with engine.begin() as connection:
        assert alerts.queue_digest(connection, US, UI, utc_now()) == 0
        assert not list(outbox.waiting(connection))


def test_a_mail_to_nobody_is_not_queued(engine: Engine) -> None:
    with engine.begin() as connection:
        assert outbox.queue(connection, outbox.Mail("t", (), "s", "h", "p"), utc_now()) == 0
        assert not list(outbox.waiting(connection))


def test_a_statement_is_attached_as_pdf_under_its_name(engine: Engine) -> None:
    mail = outbox.Mail("t", ("a@example.com",), "s", "h", "p", pdf=b"%PDF-1.4", pdf_name="us-2026-10.pdf")
    (part,) = as_message(mail, "m@example.com").iter_attachments()
    assert (part.get_content_type(), part.get_filename(), part.get_content()) == (
        "application/pdf",
        "us-2026-10.pdf",
        b"%PDF-1.4",
    )


def test_a_mail_that_is_sent_twice_has_the_same_message_id(engine: Engine) -> None:
    mail = outbox.Mail("t", ("a@example.com",), "s", "h", "p", id=3)
    first, second = as_message(mail, "m@example.com"), as_message(mail, "m@example.com")
    assert first["Message-ID"] == second["Message-ID"]
    other = as_message(replace(mail, plain="q"), "m@example.com")
    assert other["Message-ID"] != first["Message-ID"]


def test_currencies_are_never_added(engine: Engine) -> None:
    found(engine)
    found(engine, magento_id="8", currency="EUR")
    assert "41.20 EUR, 41.20 USD" in _queue(engine)[0].subject


def test_many_findings_are_one_summary_with_all_of_them_as_csv(engine: Engine) -> None:
    for number in range(60):
        found(engine, magento_id=str(number), magento_number=f"{number:09d}")
    (mail,) = _queue(engine)
    assert mail.csv is not None and mail.csv.count("\n") == 61
    assert "40 more" in mail.plain


def test_hostile_text_is_escaped(engine: Engine) -> None:
    found(engine, message="<script>alert(1)</script>\r\nBcc: all@example.com", magento_number="=1+1")
    (mail,) = _queue(engine)
    assert "<script>" not in mail.html
    assert mail.csv is not None and "'=1+1" in mail.csv
    message = as_message(
        outbox.Mail("t", ("a@example.com",), "x\r\nBcc: all@example.com", "h", "p"), "from@example.com"
    )
    assert message["Bcc"] is None and "\n" not in str(message["Subject"])


@pytest.mark.parametrize("cell", ["=1", "+1", "@SUM(A1)", "-cmd", "\t=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert neutral(cell).startswith("'")


def test_a_negative_amount_stays_a_number() -> None:
    assert to_csv([{"difference": -12_300}], ("difference",)).splitlines()[1] == "-1.23"


def test_a_real_mail_server_receives_html_plain_text_chart_and_csv(engine: Engine) -> None:
    found(engine)
    (mail,) = _queue(engine)
    received: list[bytes] = []

    class Keep:
        async def handle_DATA(self, server, session, envelope):
            received.append(envelope.content)
            return "250 OK"

    server = Controller(Keep(), hostname="127.0.0.1", port=ports.any_free())
    server.start()
    try:
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.send_message(as_message(mail, "magodoo@example.com"))
    finally:
        server.stop()
    message = email.message_from_bytes(received[0], policy=email.policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "text/csv",
    ]  # fmt: skip
    assert message["To"] == "books@example.com"
