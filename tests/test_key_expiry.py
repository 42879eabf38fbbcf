"""An API key of Odoo that will expire is reported by mail before it expires: once for a key and a threshold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from mailed import UI, US
from pair import seeded_pair
from sqlalchemy import Engine

from magodoo.notifications import outbox
from magodoo.notifications.alerts import THRESHOLDS, queue_key_expiry
from magodoo.pipeline import refresh
from magodoo.staging import connect

DAY = date(2026, 12, 31)
IT = US.model_copy(update={"recipients": US.recipients.model_copy(update={"it": ("it@example.com",)})})


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    made = connect(staging_url)
    yield made
    made.dispose()


def told(
    engine: Engine, days: int, expires: date | None = DAY, connection: str = "odoo_us", instance: str = "us"
) -> int:
    """How many mails are queued by an instance that checks so many days before DAY."""
    who = IT.model_copy(update={"odoo_connection": connection, "id": instance})
    with engine.begin() as opened:
        return queue_key_expiry(opened, who, UI, expires, datetime.combine(DAY - timedelta(days=days), time(12), UTC))


def waiting(engine: Engine) -> list[outbox.Mail]:
    with engine.begin() as opened:
        return outbox.waiting(opened)


def test_an_expiring_key_is_mailed_once_at_each_threshold(engine: Engine) -> None:
    days = [day for day in range(40, -1, -1) for _ in range(2) if told(engine, day)]
    assert days == [*THRESHOLDS]


def test_a_missed_night_does_not_lose_a_warning(engine: Engine) -> None:
    assert [day for day in (40, 20, 19, 2, 0) if told(engine, day)] == [20, 2, 0]


def test_a_key_without_an_expiry_is_not_mailed(engine: Engine) -> None:
    assert told(engine, 1, expires=None) == 0


def test_a_new_key_is_mailed_again_and_instances_share_the_mail_of_a_connection(engine: Engine) -> None:
    assert told(engine, 10) == 1
    assert told(engine, 10, instance="eu") == 0
    assert told(engine, 10, connection="odoo_eu", instance="eu") == 1
    assert told(engine, 10, expires=DAY - timedelta(days=1)) == 1


def test_the_mail_says_what_stops_and_what_to_do(engine: Engine) -> None:
    told(engine, 14)
    (mail,) = waiting(engine)
    assert mail.recipients == ("it@example.com",)
    assert mail.subject == "[us] the API key of odoo_us expires on 2026-12-31, in 14 days"
    for part in (mail.plain, mail.html):
        assert "New API Key" in part and "Airflow connection" in part and "odoo_us" in part


def test_the_nightly_refresh_warns_of_an_expiring_key(engine: Engine, staging_url: str, tmp_path: Path) -> None:
    with seeded_pair(tmp_path, staging_url, orders=2) as pair:
        context, users = pair.context(), pair.books.db.uid_of("sync")
        keys = [row for row in pair.books.db.tables["res.users.apikeys"].values() if row["user_id"] == users]
        assert refresh.run(context)["key_warnings"] == 0
        for days, expected in ((31, 0), (5, 1), (5, 0)):
            for key in keys:
                key["expiration_date"] = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d %H:%M:%S}"
            assert refresh.run(context)["key_warnings"] == expected, days
    (mail,) = waiting(engine)
    assert mail.topic.startswith(f"key_expiry {context.instance.odoo_connection} ")
