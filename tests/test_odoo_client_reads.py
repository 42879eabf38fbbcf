"""Reading pages of documents: nothing lost, nothing twice, and what is corrupted is quarantined."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odoo_table import RECORDED, Table, client_of

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.documents import stamp
from magodoo.connectors.odoo.record_kinds import READINGS
from magodoo.connectors.odoo.versions import Version
from magodoo.errors import FixConfiguration, OutcomeUnknown, Unavailable, Unreadable

EVER = datetime(2020, 1, 1, tzinfo=UTC)


def order(id: int, second: int, fraction: int = 0) -> dict[str, Any]:
    row = copy.deepcopy(RECORDED["rows"]["order"][0])
    at = f"2026-11-22 10:{second // 60:02d}:{second % 60:02d}"
    return {**row, "id": id, "write_date": at, "exact": f"{at}.{fraction:06d}"}


@pytest.mark.parametrize("kind", READINGS)
def test_a_recorded_document_is_sound_and_named(kind: str) -> None:
    page = client_of(Table(copy.deepcopy(RECORDED["rows"][kind]))).documents.by_ids(kind, [1, 2, 3])
    assert page.quarantined == []
    assert all("external_id" in row or READINGS[kind].model == "stock.picking" for row in page.rows)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=40), st.integers(1, 7))
def test_pages_of_any_size_give_every_row_once_whatever_the_order_within_a_second(
    stamps: list[tuple[int, int]], size: int
) -> None:
    rows = [order(id, second, fraction) for id, (second, fraction) in enumerate(stamps, 1)]
    pages = list(client_of(Table(rows)).documents.changed("order", EVER, page_size=size))
    read = [row["id"] for page in pages for row in page.rows]
    assert sorted(read) == list(range(1, len(rows) + 1))
    assert pages[0].total_count == len(rows)


def test_names_cost_one_call_per_model_and_page() -> None:
    table = Table([order(id, id) for id in range(1, 9)])
    list(client_of(table).documents.changed("order", EVER, page_size=100))
    named = [model for model, method, _ in table.calls if method == "get_external_id"]
    assert sorted(named) == ["res.partner", "sale.order", "sale.order.line"]


def test_every_search_names_the_company() -> None:
    table = Table([order(1, 1)])
    client = client_of(table)
    list(client.documents.changed("order", EVER))
    client.documents.by_order_ids("order", [1])
    client.documents.existing_ids("order", [1])
    domains = [arguments["domain"] for _, method, arguments in table.calls if "domain" in arguments]
    assert len(domains) == 3
    assert all(["company_id", "=", 1] in domain for domain in domains)


def test_unreadable_records_are_isolated_and_the_rest_is_read() -> None:
    rows = [order(id, id) for id in range(1, 41)]
    pages = list(client_of(Table(rows, {7, 8, 23})).documents.changed("order", EVER, page_size=10))
    assert sorted(row["id"] for page in pages for row in page.rows) == [
        id for id in range(1, 41) if id not in (7, 8, 23)
    ]
    assert sorted(bad.source_id or 0 for page in pages for bad in page.quarantined) == [7, 8, 23]


def test_a_list_that_fails_for_most_records_is_a_failure_of_the_server() -> None:
    rows = [order(id, id) for id in range(1, 61)]
    with pytest.raises(FixConfiguration, match="cannot be read"):
        list(client_of(Table(rows, set(range(1, 61)))).documents.changed("order", EVER))


def test_the_same_page_again_is_noticed() -> None:
    table = Table([])
    rows = [order(id, 1) for id in range(1, 4)]
    table.answers["web_search_read"] = lambda **_: {"length": 9, "records": copy.deepcopy(rows)}
    with pytest.raises(Unavailable, match="twice"):
        list(client_of(table).documents.changed("order", EVER, page_size=3))


@pytest.mark.parametrize("answer", [None, [], {}, {"records": None}, {"records": [1]}, "text", {"length": 1}])
def test_an_answer_of_another_shape_is_unreadable(answer: Any) -> None:
    table = Table([])
    table.answers["web_search_read"] = lambda **_: answer
    with pytest.raises(Unreadable):
        list(client_of(table).documents.changed("order", EVER))


DAMAGE: list[Any] = [None, True, "", "0000-00-00 00:00:00", "12.50", -1, [], {}, [[1]], "x" * 500]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a recorded row can be damaged."""
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [found for key, item in value.items() for found in _paths(item, (*path, key))]
    elif isinstance(value, list):
        inner = [found for index, item in enumerate(value) for found in _paths(item, (*path, index))]
    return ([path] if path else []) + inner


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_document_neither_crashes_the_run_nor_loses_another(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(READINGS)))
    good = copy.deepcopy(RECORDED["rows"][kind][0])
    good["id"] = 999
    bad = copy.deepcopy(RECORDED["rows"][kind][0])
    path = data.draw(st.sampled_from(_paths(bad)))
    holder: Any = bad
    for step in path[:-1]:
        holder = holder[step]
    if data.draw(st.booleans()) and isinstance(holder, dict):
        del holder[path[-1]]
    else:
        holder[path[-1]] = data.draw(st.sampled_from(DAMAGE))
    table = Table([])
    table.answers["web_search_read"] = lambda **_: {"length": 2, "records": [bad, good]}
    page = client_of(table).documents.by_ids(kind, [1])
    assert 999 in [row["id"] for row in page.rows]
    assert len(page.rows) + len(page.quarantined) == 2


def test_numbers_as_text_and_impossible_dates_are_quarantined() -> None:
    for field, value in (("amount_total", "12.50"), ("date_order", "0000-01-01 00:00:00"), ("order_line", [{"id": 1}])):
        row = {**order(1, 1), field: value}
        (page,) = client_of(Table([row, order(2, 2)])).documents.changed("order", EVER)
        assert [good["id"] for good in page.rows] == [2]
        assert page.quarantined[0].source_id == 1
        assert field in page.quarantined[0].reason


def test_a_time_without_a_zone_is_refused_and_others_become_utc() -> None:
    with pytest.raises(ValueError, match="zone"):
        stamp(datetime(2026, 1, 1))  # noqa: DTZ001
    assert stamp(datetime.fromisoformat("2026-01-01T01:00:00.9+01:00")) == "2026-01-01 00:00:00"


# load()


def loading(answers: list[Any]) -> tuple[OdooClient, Table]:
    table = Table([])
    table.answers["load"] = lambda **_: answers.pop(0) if len(answers) > 1 else answers[0]
    return client_of(table), table


def refused(message: str, row: int | None) -> dict[str, Any]:
    rows = {} if row is None else {"rows": {"from": row, "to": row}}
    return {"ids": False, "messages": [{"type": "error", "message": message, **rows}], "nextrow": 0}


ROWS = [["m.a", "1"], ["", "2"], ["m.b", "3"], ["m.c", "4"]]


def test_a_conflict_is_sent_again_because_nothing_was_saved() -> None:
    conflict = refused("could not serialize access due to concurrent update\n", 0)
    client, table = loading([conflict, conflict, {"ids": [5, 6, 7], "messages": []}])
    assert client.invoices.create(["id", "x"], ROWS).ids == {"m.a": 5, "m.b": 6, "m.c": 7}
    assert len(table.calls) == 3


def test_a_conflict_that_stays_is_unavailable() -> None:
    client, _ = loading([refused("could not serialize access", 0)])
    with pytest.raises(Unavailable):
        client.invoices.create(["id", "x"], ROWS)


def test_the_refused_record_is_taken_out_by_its_row() -> None:
    answers = [refused("No matching record", 2), refused("No matching record", 0), {"ids": [5, 7], "messages": []}]
    client, table = loading(answers)
    loaded = client.invoices.create(["id", "x"], ROWS)
    assert loaded.ids == {"m.a": 5, "m.c": 7}
    assert list(loaded.refused) == ["m.b"]
    sent = [[row[0] for row in call[2]["data"]] for call in table.calls]
    assert sent[1:] == [["m.b"], ["m.a", "", "m.c"]], "alone before it counts as refused"


def test_a_refusal_that_names_no_row_is_found_by_bisection() -> None:
    table = Table([])

    def load(data: list[list[str]], **_: Any) -> Any:
        names = [row[0] for row in data if row[0]]
        return refused("no", None) if "m.b" in names else {"ids": list(range(1, len(names) + 1)), "messages": []}

    table.answers["load"] = load
    loaded = client_of(table).invoices.create(["id", "x"], ROWS)
    assert sorted(loaded.ids) == ["m.a", "m.c"]
    assert list(loaded.refused) == ["m.b"]


@pytest.mark.parametrize(
    "answer", [None, [], {"messages": []}, {"ids": True}, {"ids": ["1"]}, {"ids": [1], "messages": []}]
)
def test_an_answer_that_does_not_say_what_was_saved_is_unknown(answer: Any) -> None:
    client, _ = loading([answer])
    with pytest.raises(OutcomeUnknown):
        client.invoices.create(["id", "x"], ROWS)


@pytest.mark.parametrize("rows", [[["m.a", 1]], [["m.a"]], [["", "x"]]])
def test_rows_that_odoo_would_misread_are_never_sent(rows: Any) -> None:
    client, table = loading([{"ids": [1], "messages": []}])
    with pytest.raises(ValueError):
        client.invoices.create(["id", "x"], rows)
    assert table.calls == []


def test_quantities_are_sent_as_text_and_negative_ones_never() -> None:
    client, table = loading([{"ids": [1, 2], "messages": []}])
    client.deliveries.set_quantities({1: Decimal("2.500"), 2: Decimal(0)})
    assert table.calls[-1][2]["data"] == [["1", "2.5", "1"], ["2", "0", "0"]]
    with pytest.raises(ValueError, match="cannot ship"):
        client.deliveries.set_quantities({1: Decimal(-1)})


def test_validating_a_done_picking_again_sends_nothing() -> None:
    table = Table([])
    table.answers["search_read"] = lambda **_: [{"id": 3, "state": "done"}]
    assert client_of(table).deliveries.validate([3]).ids == [3]
    assert [method for _, method, _ in table.calls if method == "button_validate"] == []


def test_a_record_of_another_company_is_refused_unseen() -> None:
    table = Table([])
    table.answers["search_read"] = lambda **_: []
    done = client_of(table).invoices.post([3])
    assert done.ids == []
    assert "does not exist" in str(done.refused[3])


def test_fields_of_an_older_version_come_back_under_the_names_of_19() -> None:
    row = order(1, 1)
    for line in row["order_line"]:
        line["tax_id"] = line.pop("tax_ids")
    table = Table([row])
    table.version = Version(18)
    lines = dict(RECORDED["fields"]["sale.order.line"])
    lines["tax_id"] = lines.pop("tax_ids")
    table.fields = {**RECORDED["fields"], "sale.order.line": lines}
    client = client_of(table)
    (page,) = client.documents.changed("order", EVER)
    assert page.quarantined == []
    assert page.rows[0]["order_line"][0]["tax_ids"][0]["amount"] == Decimal("8.25")
    assert "tax_id" not in page.rows[0]["order_line"][0]
    assert "order_line.tax_ids" not in client.documents.missing_fields("order")
    assert "invoice_line_ids.tax_ids" not in client.documents.missing_fields("invoice")
