"""The roll-forward of timing: for any days of booking, a month's closing is the next one's opening, and its change is the statement's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from magodoo.settings import Instance
from magodoo.statement import documents, explanation, timing
from magodoo.statement.periods import Month

INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o", time_zone="America/New_York")
MARCH = Month.read("2026-03", INSTANCE.zone)
MONTHS = (MARCH.before, MARCH, MARCH.next, MARCH.next.next)
NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = st.dates(date(2026, 1, 20), date(2026, 5, 20))


class Booked(NamedTuple):
    """One document: its total in units, when Magento made it (UTC), when Odoo booked it, and what Odoo has of it."""

    kind: str
    total: int
    made: datetime
    day: date
    there: str  # posted, draft, missing


BOOKED = st.builds(
    Booked,
    st.sampled_from(["invoice", "credit_memo"]),
    st.integers(1, 10**9),
    st.builds(lambda day, hour: datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC), DAYS, st.integers(0, 23)),
    DAYS,
    st.sampled_from(["posted", "posted", "posted", "draft", "missing"]),
)
INSERT = text(
    "insert into document (instance, side, kind, source_id, order_key, number, state, currency, grand_total, created_at, accounting_date,"
    " request_began_at, version) values ('us', :side, :kind, :id, :id, :number, :state, 'USD', :total, :made, :day, now(), 1)"
)
PAIR = text(
    "insert into pair (instance, kind, order_key, magento_id, odoo_id, rule, created_at) values ('us', :kind, :id, :id, :id, 'external_id', now())"
)
FINDING = text(
    "insert into finding (instance, type, severity, kind, order_key, magento_id, magento_amount, message, who, next_step, first_seen)"
    " values ('us', 'missing_in_odoo', 'warning', :kind, :id, :id, :total, '', 'accounting', '', now())"
)


def stage(connection: Connection, all_of_it: Sequence[Booked]) -> None:
    for table in ("document", "pair", "finding"):
        connection.execute(text(f"delete from {table}"))
    for number, one in enumerate(all_of_it):
        row = {"kind": one.kind, "id": f"{number}", "number": f"N{number}", "total": one.total, "made": one.made}
        connection.execute(INSERT, {**row, "side": "magento", "state": "2", "day": None})
        if one.there == "missing":
            connection.execute(FINDING, row)
            continue
        day = one.day if one.there == "posted" else None
        connection.execute(INSERT, {**row, "side": "odoo", "state": one.there, "day": day})
        connection.execute(PAIR, row)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(BOOKED, max_size=12))
def test_a_closing_is_the_next_opening_and_its_change_is_that_of_the_statement(
    connection: Connection, all_of_it: list[Booked]
) -> None:
    stage(connection, all_of_it)
    known: dict[tuple[str, str, str], int] = {}
    for month in MONTHS:
        items = timing.read(connection, INSTANCE, month)
        rows = timing.roll_forward(items, month)
        for row in rows:
            assert row["opening"] + row["new"] - row["cleared"] == row["closing"]
        opening = {(row["currency"], row["kind"], row["side"]): row["opening"] for row in rows if row["opening_count"]}
        if month is not MONTHS[0]:
            assert opening == known
        known = {(row["currency"], row["kind"], row["side"]): row["closing"] for row in rows if row["closing_count"]}
        steps = explanation.explain(documents.read(connection, INSTANCE, month, NOW), INSTANCE).steps
        for kind in ("invoice", "credit_memo"):
            moved = sum(row["closing"] - row["opening"] for row in rows if row["kind"] == kind)
            assert moved == -sum(step.figures.total for step in steps if step.kind == kind)
        assert all(one["day"] < f"{month.first}" for one in timing.lasting(items, month))


def test_a_document_that_waits_is_named_from_the_second_month_on(connection: Connection) -> None:
    made = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)  # still February in New York
    stage(
        connection,
        [
            Booked("invoice", 1_000_000, made, date(2026, 4, 2), "posted"),
            Booked("invoice", 5, made, date(2026, 2, 28), "posted"),
        ],
    )
    february, march, april = (timing.read(connection, INSTANCE, month) for month in MONTHS[:3])
    assert [row["new"] for row in timing.roll_forward(february, MONTHS[0])] == [1_000_000]
    assert timing.lasting(february, MONTHS[0]) == []
    assert timing.lasting(march, MONTHS[1]) == [
        {
            "side": "magento", "kind": "invoice", "number": "N0", "order_number": "", "day": "2026-02-28", "total": 1_000_000,
            "currency": "USD", "until": "2026-04-02",
        }
    ]  # fmt: skip
    (row,) = timing.roll_forward(april, MONTHS[2])
    assert (row["opening"], row["cleared"], row["closing"]) == (1_000_000, 1_000_000, 0)
    assert timing.lasting(april, MONTHS[2]) == []


def test_what_only_odoo_has_is_negative(connection: Connection) -> None:
    made = datetime(2026, 4, 3, tzinfo=UTC) + timedelta(hours=12)
    stage(connection, [Booked("credit_memo", 700, made, date(2026, 3, 31), "posted")])
    (row,) = timing.roll_forward(timing.read(connection, INSTANCE, MARCH), MARCH)
    assert (row["side"], row["new"], row["closing"], row["closing_count"]) == ("odoo", -700, -700, 1)
