"""One clock: what lapses with time follows the context's clock, and the database's clock does not matter for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mailed import US, found, planned
from sqlalchemy import Engine, text

from magodoo.context import Context
from magodoo.notifications import outbox
from magodoo.pipeline import quality, upkeep
from magodoo.reconcile import repository
from magodoo.settings import Settings
from magodoo.settings.model import Modes
from magodoo.staging import connect
from magodoo.timestamps import utc_now

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Clock:
    """A context's clock; `quality` and `upkeep` are the steps that ask it."""

    def __init__(self, engine: Engine) -> None:
        instance = US.model_copy(update={"mode": Modes(default="apply")})
        self.at = utc_now()
        self.context = Context(Settings(instances={"us": instance}), instance, engine, now=lambda: self.at)

    def pass_by(self, time: timedelta) -> None:
        self.at += time

    def mails(self) -> int:
        return int(quality.run(self.context)["mails"])

    def upkeep(self) -> dict[str, int]:
        return upkeep.run(self.context.engine, self.context.settings, self.context.now())


@pytest.fixture
def clock(staging_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    monkeypatch.setenv("MAGODOO_DATA_DOCS", str(tmp_path))
    monkeypatch.setattr("magodoo.quality.suites.run", lambda *_: [])
    engine = connect(staging_url)
    yield Clock(engine)
    engine.dispose()


def test_a_mute_lapses(clock: Clock) -> None:
    finding = found(clock.context.engine)
    with clock.context.engine.begin() as connection:
        repository.mute(connection, finding, "ann", "the customer pays in May", clock.at + 7 * DAY)
    clock.pass_by(6 * DAY)
    assert clock.mails() == 0
    clock.pass_by(2 * DAY)
    assert clock.mails() == 1


def test_the_grace_of_a_mail_ends(clock: Clock) -> None:
    change = planned(clock.context.engine, verdict="unchecked", approval="not_needed")
    found(clock.context.engine, "missing_in_odoo", change_id=change)
    grace = clock.context.instance.quality.grace_minutes
    clock.pass_by((grace - 1) * MINUTE)
    assert clock.mails() == 0
    clock.pass_by(2 * MINUTE)
    assert clock.mails() == 1


def test_retention_acts(clock: Clock) -> None:
    engine, days = clock.context.engine, clock.context.settings.payload_days
    with engine.begin() as connection:
        mail = outbox.Mail("t", ("a@example.com",), "s", "<p>h</p>", "p", instance="us")
        outbox.queue(connection, mail, clock.at)
        for waiting in outbox.waiting(connection):
            outbox.sent(connection, waiting, clock.at)
    clock.pass_by(days * DAY - HOUR)
    assert clock.upkeep()["mails"] == 0
    clock.pass_by(2 * HOUR)
    assert clock.upkeep()["mails"] == 1
    with engine.connect() as connection:
        assert connection.execute(text("select count(*) from mail where topic = 't'")).scalar_one() == 0
