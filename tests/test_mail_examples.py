"""docs/mails/ shows every kind of mail as it is today. After a wording changed: `MAGODOO_WRITE_EXAMPLES=1 pytest tests/test_mail_examples.py`.

With that variable, and a Chromium, the pictures are taken again too.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from chromium import chromium
from mailed import UI, US, found, planned
from sqlalchemy import Engine

from magodoo.notifications import alerts, outbox
from magodoo.notifications.alerts import queue_key_expiry
from magodoo.quality.catalogue import ALL_CHECKS
from magodoo.quality.checks import Holds
from magodoo.staging import connect
from magodoo.timestamps import utc_now

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "mails"
KINDS = (
    "findings",
    "digest",
    "changes_waiting",
    "changes_refused",
    "changes_held",
    "changes_failed",
    "held",
    "run_failed",
    "key_expiry",
)
SINCE = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
WRITE = bool(os.environ.get("MAGODOO_WRITE_EXAMPLES"))


@pytest.fixture(scope="module")
def mails(module_staging_url: str) -> Iterator[dict[str, outbox.Mail]]:
    """One mail of each kind, by its kind."""
    engine = connect(module_staging_url)
    fill(engine)
    with engine.begin() as connection:
        alerts.queue_findings(connection, US, UI, utc_now())
        alerts.queue_digest(connection, US, UI, utc_now())
        alerts.queue_changes(connection, US, UI, utc_now())
        failed = [f"extract_is_recent: {US.id} magento: the last extract ended 190 minutes ago"]
        alerts.queue_held(connection, US, UI, ("magento",), failed, utc_now())
        alerts.queue_failed_run(
            connection, US, UI, dag="magento_extract__us", run="scheduled__2026-11-02T09:15:00+00:00", task="extract",
            error="magento GET store/storeConfigs: Magento answers 401 to every request: the access token is unknown.",
            next_step="put the integration's token into the connection `magento_us`, then clear this task",
            log_url=f"{UI}/dags/magento_extract__us/runs/scheduled__2026-11-02T09:15:00+00:00/tasks/extract", now=utc_now())  # fmt: skip
        connected = US.model_copy(update={"odoo_connection": "odoo_us"})
        queue_key_expiry(connection, connected, UI, date(2026, 11, 16), datetime(2026, 11, 2, tzinfo=UTC))
        queued = outbox.waiting(connection)
    yield {mail.topic.split(" ")[0]: mail for mail in queued}
    engine.dispose()


def fill(engine: Engine) -> None:
    document = next(check.name for check in ALL_CHECKS if check.holds is Holds.DOCUMENT)
    since = {"first_seen": SINCE, "last_seen": SINCE, "effect": "receivable and revenue"}
    found(engine, **since, message="Grand total differs: 100.00 in Magento, 141.20 in Odoo; the shipping differs by 41.20.",
          next_step="Compare the shipping line with the order; correct the invoice in Odoo by a credit note.",
          no_change_reason="A posted document is never changed automatically")  # fmt: skip
    found(engine, "missing_in_magento", kind="shipment", severity="warning", order_key="2", order_number="000000002", magento_id=None,
          magento_number=None, odoo_id="81", odoo_number="WH/OUT/00081", magento_amount=None, odoo_amount=None, difference=None,
          message="The delivery WH/OUT/00081 was done in Odoo and has no shipment in Magento.", first_seen=SINCE, last_seen=SINCE,
          effect="stock", next_step="Nothing: it is written as soon as shipments are applied.")  # fmt: skip
    found(engine, "missing_in_odoo", order_key="3", order_number="000000003", magento_id="9", magento_number="000000009", odoo_id=None,
          odoo_number=None, magento_amount=595_000, odoo_amount=None, difference=None, currency="EUR", **since,
          message="The invoice 000000009 is not in Odoo.", next_step="Map the SKU NEW-1 to a product.",
          no_change_reason="Odoo has no active product with the reference 'NEW-1'")  # fmt: skip
    found(engine, "payment_reversed", severity="critical", order_key="5", order_number="000000005", magento_id="12", magento_number="000000012",
          odoo_id="57", odoo_number="INV/2026/00057", magento_amount=None, odoo_amount=1_292_400, difference=None, **since,
          message="Invoice 000000012 of order 000000005: it was paid in Odoo, Magento shows it as paid, and it is open again or was written off"
          " since. Open: Odoo 129.24 USD. Still to ship: 3 of SKU-001, 2 of SKU-005.",
          next_step="Hold what is still to ship. Match the payment again if that was a mistake; otherwise claim the money, or refund"
          " the order in Magento.",
          no_change_reason="A payment that was taken away in Odoo is never made or matched again automatically")  # fmt: skip
    found(engine, "rounding", order_number="000000004", magento_id="10", magento_number="000000010", severity="info",
          difference=100, resolved_at=datetime.now(UTC))  # fmt: skip
    planned(engine)
    planned(
        engine,
        source_id="8",
        source_number="000000008",
        amount=62_500_000,
        approval_reason="6,250.00 exceeds the limit of a document, 5,000.00",
    )
    planned(engine, source_id="11", source_number="000000011", state="refused", approval="not_needed",
            reason="possible duplicate: INV/2026/00031 in Odoo has the same customer, currency and total")  # fmt: skip
    planned(engine, source_id="12", source_number="000000012", verdict="held", held_by=document, approval="not_needed")
    planned(engine, source_id="13", source_number="000000013", state="failed", approval="approved",
            reason="Odoo refused it: the journal entry must balance")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_is_what_is_mailed_today(mails: dict[str, outbox.Mail], kind: str, tmp_path: Path) -> None:
    html, file = steady(mails[kind]), EXAMPLES / f"{kind}.html"
    if WRITE:
        EXAMPLES.mkdir(exist_ok=True)
        file.write_text(html, encoding="utf-8")
        take_screenshots(mails[kind], html, file, tmp_path)
    assert file.read_text(encoding="utf-8") == html


def test_every_kind_has_its_example(mails: dict[str, outbox.Mail]) -> None:
    assert set(mails) == set(KINDS)


def steady(mail: outbox.Mail) -> str:
    """Without what changes from day to day: when it was made, and when something was resolved."""
    return re.sub(
        r"(Instance us · |of order 000000004, )\d{4}-\d\d-\d\d \d\d:\d\d UTC", r"\g<1>2026-11-02 09:20 UTC", mail.html
    )


def take_screenshots(mail: outbox.Mail, html: str, file: Path, profile: Path) -> None:
    picture = base64.b64encode(mail.picture or b"").decode()
    shown = profile / "shown.html"
    shown.write_text(html.replace("cid:picture", f"data:image/png;base64,{picture}"), encoding="utf-8")
    with chromium(profile) as tab:
        for name, width in (("", 800), ("-phone", 390)):
            tab.window(width, 700)
            tab.open(shown.as_uri())
            tab.screenshot(file.with_name(f"{file.stem}{name}.png"))
