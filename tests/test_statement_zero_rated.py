"""Sales without tax by reason: which reason a country, a VAT number and a tax give, and what an audit would find lacking."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from magodoo.money import dump_json
from magodoo.statement import zero_rated
from magodoo.statement.zero_rated import (
    AT_HOME,
    EXEMPT,
    EXPORT,
    NO_TAX,
    NOWHERE,
    REVERSE_CHARGE,
    WITHIN_UNION,
    ZERO_RATE,
    Evidence,
    Sale,
)

DAY = date(2026, 10, 15)
FREE = frozenset({("0 %", "")})
CHECKED = Evidence(has_vat=True, vat_checked=DAY, shipped=DAY, tracked=True)


def sale(country: str = "FR", **more: Any) -> Sale:
    return Sale(
        **{
            "id": 1,
            "number": "INV/1",
            "day": DAY,
            "is_refund": False,
            "country": country,
            "has_vat": True,
            "net": 1,
            "taxes": FREE,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("country", "home", "has_vat", "taxes", "why"),
    [
        ("CH", "DE", False, FREE, EXPORT),
        ("DE", "CH", True, FREE, EXPORT),
        ("GB", "DE", True, FREE, EXPORT),
        ("US", "US", False, FREE, AT_HOME),
        ("CA", "US", False, frozenset(), EXPORT),
        ("FR", "DE", True, FREE, REVERSE_CHARGE),
        ("FR", "DE", False, FREE, WITHIN_UNION),
        ("DE", "DE", True, FREE, AT_HOME),
        ("DE", "DE", True, frozenset({("Exempt", "E")}), EXEMPT),
        ("GB", "GB", True, frozenset({("Books", "Z")}), ZERO_RATE),
        ("DE", "DE", True, frozenset({("Waste", "AE")}), REVERSE_CHARGE),
        ("DE", "DE", True, frozenset(), NO_TAX),
        ("", "DE", True, FREE, NOWHERE),
    ],
)
def test_a_reason_follows_from_where_the_goods_went(
    country: str, home: str, has_vat: bool, taxes: Any, why: str
) -> None:
    assert zero_rated.reason(country, home, has_vat=has_vat, taxes=taxes) == why


@pytest.mark.parametrize(
    ("country", "evidence", "missing"),
    [
        ("FR", CHECKED, ""),
        ("FR", Evidence(has_vat=True, shipped=DAY, tracked=True), "check of the VAT number up to the invoice's day"),
        (
            "FR",
            Evidence(has_vat=True, vat_checked=date(2026, 10, 16), shipped=DAY, tracked=True),
            "check of the VAT number up to the invoice's day",
        ),
        ("FR", Evidence(has_vat=True, vat_checked=DAY), "shipment"),
        ("FR", Evidence(has_vat=True, vat_checked=DAY, is_virtual=True), ""),
        ("CH", Evidence(shipped=DAY), "tracking number"),
        ("CH", Evidence(shipped=DAY, tracked=True), ""),
        ("", Evidence(), "country of delivery"),
    ],
)
def test_evidence_that_is_lacking_is_named(country: str, evidence: Evidence, missing: str) -> None:
    found = zero_rated.tables([sale(country)], {1: evidence}, "DE", "EUR")
    assert [row["missing"] for row in found["zero_rated_lacking"]] == ([missing] if missing else [])
    (row,) = found["zero_rated"]
    assert (row["count"], row["lacking"], row["net"], row["without"]) == (1, bool(missing), 1, bool(missing))


def test_a_credit_note_needs_no_evidence_of_its_own() -> None:
    found = zero_rated.tables([sale("CH", is_refund=True, net=-5)], {}, "DE", "EUR")
    assert found["zero_rated_lacking"] == []
    assert found["zero_rated"][0]["net"] == -5


SALES = st.builds(
    sale,
    st.sampled_from(["", "DE", "FR", "CH"]),
    id=st.integers(1, 50),
    net=st.integers(-(10**9), 10**9),
    has_vat=st.booleans(),
    is_refund=st.booleans(),
    taxes=st.sampled_from([FREE, frozenset(), frozenset({("Exempt", "E")})]),
)


@given(st.lists(SALES, max_size=30))
def test_the_reasons_add_up_to_all_sales(sales: list[Sale]) -> None:
    found = zero_rated.tables(sales, {}, "DE", "EUR")
    assert sum(row["net"] for row in found["zero_rated"]) == sum(one.net for one in sales)
    assert sum(row["count"] for row in found["zero_rated"]) == len(sales)
    assert sum(row["without"] for row in found["zero_rated"]) == sum(row["net"] for row in found["zero_rated_lacking"])


DOCUMENT = text(
    "insert into document (instance, side, kind, source_id, order_key, number, state, country, vat, tracking, document_date, request_began_at, version)"
    " values ('us', :side, :kind, :id, '7', 'N', '2', :country, :vat, :tracking, :day, now(), 1)"
)


def stage(connection: Connection, address: dict[str, Any]) -> None:
    for table in ("document", "payload"):
        connection.execute(text(f"delete from {table}"))
    row = {"country": None, "vat": None, "tracking": [], "day": DAY, "id": "7"}
    connection.execute(DOCUMENT, {**row, "side": "magento", "kind": "order", "country": "FR", "vat": "FR123"})
    connection.execute(DOCUMENT, {**row, "side": "odoo", "kind": "invoice", "id": "70"})
    connection.execute(
        DOCUMENT, {**row, "side": "odoo", "kind": "shipment", "id": "71", "tracking": ["1Z"], "day": date(2026, 10, 17)}
    )
    payload = text("insert into payload values ('us', 'magento', 'order', '7', :payload, '', :now)")
    connection.execute(payload, {"payload": dump_json({"billing_address": address}), "now": datetime.now(UTC)})


@pytest.mark.parametrize(
    ("address", "checked"),
    [
        ({"vat_id": "FR123", "vat_is_valid": 1, "vat_request_date": "2026-10-14"}, date(2026, 10, 14)),
        ({"vat_id": "FR123", "vat_is_valid": 1, "vat_request_date": "2026-02-31"}, None),
        ({"vat_id": "FR123", "vat_is_valid": 0, "vat_request_date": "2026-10-14"}, None),
        ({"vat_id": "FR999", "vat_is_valid": 1, "vat_request_date": "2026-10-14"}, None),
        ({"vat_id": "FR123"}, None),
    ],
)
def test_the_check_of_a_number_is_that_of_its_own_address(
    connection: Connection, address: dict[str, Any], checked: date | None
) -> None:
    stage(connection, address)
    (found,) = zero_rated.evidence(connection, "us", [70]).values()
    assert found == Evidence("N", "FR", False, True, checked, date(2026, 10, 17), True)


def test_no_vat_number_is_kept(connection: Connection) -> None:
    stage(connection, {"vat_id": "FR123", "vat_is_valid": 1, "vat_request_date": "2026-10-16"})
    found = zero_rated.tables([sale(id=70)], zero_rated.evidence(connection, "us", [70]), "DE", "EUR")
    assert found["zero_rated_lacking"], "it was checked after the invoice"
    assert "FR123" not in dump_json(found)
