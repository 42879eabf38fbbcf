"""Mails: quiet when nothing is new, readable when something is, harmless whatever a shop writes into its names."""

from __future__ import annotations

import email
import email.policy
import smtplib
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, text

from magodoo.quality import alerts, outbox
from magodoo.quality.letters import letter
from magodoo.quality.tables import neutral, to_csv
from magodoo.settings import Instance
from magodoo.stack import ports
from magodoo.staging import connect

US = Instance(
    id="us",
    magento_connection="m",
    odoo_connection="o",
    recipients={"accounting": ("books@example.com",), "warehouse": ("stock@example.com",)},
    magento_admin_url="https://shop.example.com/admin",
    odoo_url="https://odoo.example.com",
)
UI = "https://airflow.example.com"


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    made = connect(staging_url)
    yield made
    made.dispose()


def _find(engine: Engine, type_: str = "total_mismatch", **more: object) -> int:
    values = {
        "instance": "us", "type": type_, "severity": "critical", "kind": "invoice", "order_key": "1", "order_number": "000000001", "magento_id": "7",
        "magento_number": "000000007", "odoo_id": "70", "odoo_number": "INV/2026/00007", "magento_amount": 1_000_000, "odoo_amount": 1_412_000,
        "difference": 412_000, "currency": "USD", "message": "Totals differ.", "who": "accounting", "next_step": "Compare.",
    } | more  # fmt: skip
    columns = ", ".join(values)
    with engine.begin() as connection:
        return int(
            connection.execute(
                text(
                    f"insert into finding ({columns}) values ({', '.join(':' + name for name in values)}) returning id"
                ),
                values,
            ).scalar_one()
        )


def _queue(engine: Engine, instance: Instance = US) -> list[outbox.Mail]:
    with engine.begin() as connection:
        alerts.queue_findings(connection, instance, UI)
    with engine.begin() as connection:
        mails = list(outbox.waiting(connection))
        for mail in mails:
            outbox.sent(connection, mail)
    return mails


def test_nothing_is_mailed_when_nothing_is_new(engine: Engine) -> None:
    assert _queue(engine) == []
    _find(engine)
    assert len(_queue(engine)) == 1
    assert _queue(engine) == []


def test_information_is_never_mailed(engine: Engine) -> None:
    _find(engine, "rounding", severity="info")
    assert _queue(engine) == []


def test_a_muted_finding_is_not_mailed(engine: Engine) -> None:
    _find(engine, muted_until="2999-01-01T00:00:00Z")
    assert _queue(engine) == []


def test_a_reopened_finding_is_mailed_again(engine: Engine) -> None:
    found = _find(engine)
    _queue(engine)
    with engine.begin() as connection:
        connection.execute(
            text("update finding set reopened_at = now() + interval '1 second', reopened = 1 where id = :id"),
            {"id": found},
        )
    assert len(_queue(engine)) == 1


def test_a_finding_that_a_change_will_settle_waits_for_the_grace_time(engine: Engine) -> None:
    with engine.begin() as connection:
        change = connection.execute(
            text(
                "insert into change (instance, kind, target, step, order_key, source_id, document_kind, request_hash) values"
                " ('us', 'odoo_invoice', 'odoo', 2, '1', '7', 'invoice', 'h') returning id"
            )
        ).scalar_one()
    found = _find(engine, "missing_in_odoo", change_id=change)
    applying = US.model_copy(update={"mode": type(US.mode)(default="apply")})
    assert _queue(engine, applying) == []
    with engine.begin() as connection:
        connection.execute(
            text("update finding set first_seen = now() - interval '3 hours' where id = :id"), {"id": found}
        )
    assert len(_queue(engine, applying)) == 1


def test_what_will_be_shipped_too_much_goes_to_the_warehouse_at_once(engine: Engine) -> None:
    _find(
        engine,
        "will_ship_too_much",
        kind="order",
        who="warehouse",
        magento_amount=None,
        odoo_amount=None,
        difference=None,
    )
    assert [mail.recipients for mail in _queue(engine)] == [("stock@example.com",)]


def test_the_subject_says_it_all(engine: Engine) -> None:
    _find(engine)
    _find(engine, magento_id="8", magento_number="000000008", difference=-12_000)
    _find(
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


def test_who_must_approve_is_told_once_with_the_sums(engine: Engine) -> None:
    values = "'us', 'odoo_invoice', 'odoo', 2, '1', '000000001', 'invoice', 'h', 'released', 'waiting', 'the first writes', 'USD'"
    for number, amount in ((7, 1_000_000), (8, 2_500_000)):
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "insert into change (instance, kind, target, step, order_key, order_number, document_kind, request_hash, verdict, approval,"
                f" approval_reason, currency, source_id, amount) values ({values}, '{number}', {amount})"
            )
    for mails in (1, 0):
        with engine.begin() as connection:
            assert alerts.queue_changes(connection, US, UI) == mails
    with engine.begin() as connection:
        (mail,) = outbox.waiting(connection)
    assert mail.subject == "[us] 2 changes wait for approval: 2 odoo invoice (350.00 USD)"
    assert "the first writes" in mail.plain and "/magento/change/" in mail.html


def test_currencies_are_never_added(engine: Engine) -> None:
    _find(engine)
    _find(engine, magento_id="8", currency="EUR")
    assert "41.20 EUR, 41.20 USD" in _queue(engine)[0].subject


def test_many_findings_are_one_summary_with_all_of_them_as_csv(engine: Engine) -> None:
    for number in range(60):
        _find(engine, magento_id=str(number), magento_number=f"{number:09d}")
    (mail,) = _queue(engine)
    assert mail.csv is not None and mail.csv.count("\n") == 61
    assert "40 more" in mail.plain


def test_hostile_text_is_text(engine: Engine) -> None:
    _find(engine, message="<script>alert(1)</script>\r\nBcc: all@example.com", magento_number="=1+1")
    (mail,) = _queue(engine)
    assert "<script>" not in mail.html
    assert mail.csv is not None and "'=1+1" in mail.csv
    message = letter(outbox.Mail("t", ("a@example.com",), "x\r\nBcc: all@example.com", "h", "p"), "from@example.com")
    assert message["Bcc"] is None and "\n" not in str(message["Subject"])


@pytest.mark.parametrize("cell", ["=1", "+1", "@SUM(A1)", "-cmd", "\t=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert neutral(cell).startswith("'")


def test_a_negative_amount_stays_a_number() -> None:
    assert to_csv([{"difference": -12_300}], ("difference",)).splitlines()[1] == "-1.23"


def test_a_real_server_receives_html_plain_text_picture_and_csv(engine: Engine) -> None:
    _find(engine)
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
            client.send_message(letter(mail, "magodoo@example.com"))
    finally:
        server.stop()
    message = email.message_from_bytes(received[0], policy=email.policy.default)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "text/csv",
    ]  # fmt: skip
    assert message["To"] == "books@example.com"
