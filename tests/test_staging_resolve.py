"""Which Magento order an Odoo document belongs to, and which item a line is of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from staged import (
    NOON,
    emptied,
    instance,
    item,
    key_of,
    magento_document,
    magento_order,
    odoo_document,
    odoo_order,
    put,
    rows,
    value,
    versions,
)

from magodoo.staging import deletion
from magodoo.staging.order_linking import mark_without_order
from magodoo.staging.work_queue import WorkQueue
from magodoo.timestamps import utc_now


@pytest.fixture
def engine(module_staging_url: str) -> Iterator[Engine]:
    with emptied(module_staging_url) as engine:
        yield engine


LATER = NOON + timedelta(minutes=5)
SAME = {"currency": "USD", "grand_total": 50_000}
STRANGER = {"customer_email": "bob@example.com", "grand_total": 990000}


def test_our_external_id_decides_whatever_the_references_say(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), magento_order(8, "000000008"))
    put(engine, odoo_order(1, "000000008", reference="magodoo.order_us_7", **STRANGER))
    assert key_of(engine, "order", 1) == "7"


@pytest.mark.parametrize("agreeing", [{"customer_email": "bob@example.com"}, {"grand_total": 10_000}, {}])
def test_a_reference_counts_when_customer_or_total_agrees(engine: Engine, agreeing: dict[str, object]) -> None:
    put(engine, magento_order(7, "000000007"))
    put(engine, odoo_order(1, "Magento #000000007", "000000007", **agreeing))
    assert key_of(engine, "order", 1) == "7"


def test_a_reference_without_agreement_is_not_believed(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"))
    put(engine, odoo_order(1, "000000007", **STRANGER))
    assert key_of(engine, "order", 1) == "odoo-1"


def test_a_number_of_two_stores_that_both_agree_is_no_order(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), magento_order(8, "000000007", store_id=2))
    put(engine, odoo_order(1, "000000007"))
    assert key_of(engine, "order", 1) == "odoo-1"


def test_overlapping_numbers_need_the_instances_prefix(engine: Engine) -> None:
    prefixed = instance(odoo={"order_number_prefix": "US-"})
    put(engine, magento_order(7, "000000007"), of=prefixed)
    put(engine, odoo_order(1, "000000007"), odoo_order(2, "US-000000007"), of=prefixed)
    assert (key_of(engine, "order", 1), key_of(engine, "order", 2)) == (None, "7")


def test_an_invoice_s_number_names_its_own_order_though_another_order_has_that_number(engine: Engine) -> None:
    """Orders and invoices are numbered apart: order 000000008 has an invoice of the same total, too."""
    put(engine, magento_order(7, "000000007"), magento_order(8, "000000008", customer_email="bob@example.com"))
    put(
        engine,
        magento_document("invoice", 70, 7, number="000000008", **SAME),
        magento_document("invoice", 80, 8, **SAME),
    )
    put(engine, odoo_document("invoice", 1, other_references=("000000008",), customer_email="ann@example.com", **SAME))
    assert key_of(engine, "invoice", 1) == "7"


def test_a_number_of_an_order_and_of_another_order_s_invoice_resolves_to_neither_without_further_evidence(
    engine: Engine,
) -> None:
    put(engine, magento_order(7, "000000007"), magento_order(8, "000000008"))
    put(
        engine,
        magento_document("invoice", 70, 7, number="000000008", **SAME),
        magento_document("invoice", 80, 8, **SAME),
    )
    put(engine, odoo_document("invoice", 1, other_references=("000000008",), customer_email="x@example.com", **SAME))
    assert key_of(engine, "invoice", 1) == "odoo-1"


def test_an_invoice_entered_by_hand_is_found_when_its_magento_invoice_comes_later(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"))
    put(engine, odoo_document("invoice", 1, other_references=("000000123",), customer_email="x@example.com", **SAME))
    put(engine, magento_document("invoice", 70, 7, number="000000123", **SAME))
    assert key_of(engine, "invoice", 1) == "7"


def test_orders_of_the_wholesale_business_are_not_magento(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"))
    put(engine, odoo_order(1, "S00001", "PO 4711", "4711"), odoo_document("invoice", 2, 1), odoo_document("invoice", 3))
    assert [key_of(engine, "order", 1), key_of(engine, "invoice", 2), key_of(engine, "invoice", 3)] == [
        None,
        None,
        None,
    ]
    with engine.connect() as connection:
        assert versions(connection).keys() == {"7"}


def test_an_odoo_order_waits_for_its_magento_order(engine: Engine) -> None:
    put(engine, odoo_order(1, "000000007", lines=[item(11, "A")]), odoo_document("invoice", 2, 1))
    assert key_of(engine, "order", 1) is None
    put(engine, magento_order(7, "000000007", lines=[item(70, "A")]))
    assert (key_of(engine, "order", 1), key_of(engine, "invoice", 2)) == ("7", "7")
    assert value(engine, "select item_key from line where side = 'odoo'") == "70"


def test_documents_inherit_the_key_of_their_order(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"))
    put(
        engine, odoo_document("invoice", 2, 1), odoo_document("shipment", 3, 1), odoo_document("return", 4, parent_id="3"),
        odoo_document("credit_memo", 5, parent_id="2"), odoo_order(1, "000000007"),
    )  # fmt: skip
    kinds = [("invoice", 2), ("shipment", 3), ("return", 4), ("credit_memo", 5)]
    assert [key_of(engine, *each) for each in kinds[:2]] == ["7", "7"]
    put(
        engine,
        *[
            odoo_document(kind, id, parent_id=parent, state="done", request_began_at=LATER)
            for kind, id, parent in (("return", 4, "3"), ("credit_memo", 5, "2"))
        ],
    )
    assert [key_of(engine, *each) for each in kinds] == ["7"] * 4


def test_an_order_that_moves_takes_its_documents_along_and_both_orders_are_due(engine: Engine) -> None:
    put(
        engine,
        magento_order(7, "000000007"),
        magento_order(8, "000000008"),
        odoo_order(1, "000000007"),
        odoo_document("invoice", 2, 1),
    )
    with engine.begin() as connection:
        WorkQueue(connection, "us").reconciled(versions(connection))
    put(engine, odoo_order(1, "000000008", request_began_at=LATER))
    assert (key_of(engine, "order", 1), key_of(engine, "invoice", 2)) == ("8", "8")
    with engine.connect() as connection:
        assert sorted(WorkQueue(connection, "us").due()) == ["7", "8"]


def test_an_invoice_without_an_order_resolves_by_its_own_reference(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), magento_document("invoice", 70, 7, grand_total=55_000, currency="USD"))
    put(engine, odoo_document("invoice", 1, other_references=("000000007",), grand_total=55_000, currency="USD"))
    put(engine, odoo_document("invoice", 2, reference="magodoo.inv_us_70"))
    assert (key_of(engine, "invoice", 1), key_of(engine, "invoice", 2)) == ("7", "7")


def test_an_invoice_whose_sales_order_nobody_touched_since_the_cut_over_resolves_by_its_own_reference(
    engine: Engine,
) -> None:
    put(engine, magento_order(7, "000000007"))
    invoice = {"other_references": ("000000009",), "customer_email": "ann@example.com", **SAME}
    put(engine, odoo_document("invoice", 2, 1, **invoice), odoo_document("invoice", 3, 1))
    assert (key_of(engine, "invoice", 2), key_of(engine, "invoice", 3)) == ("odoo-2", None), "the number is looked up"
    put(engine, magento_order(9, "000000009"))
    assert key_of(engine, "invoice", 2) == "9"
    put(engine, odoo_order(1, "000000009"))
    assert (key_of(engine, "invoice", 2), key_of(engine, "invoice", 3)) == ("9", "9")


def test_a_delivery_is_found_by_its_key_when_its_shipment_comes_later(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), odoo_document("shipment", 3, reference="ship_us_70"))
    assert key_of(engine, "shipment", 3) == "odoo-3"
    put(engine, magento_document("shipment", 70, 7))
    assert key_of(engine, "shipment", 3) == "7"


def test_a_claim_without_its_order_is_marked_until_the_order_is_there(engine: Engine) -> None:
    put(
        engine,
        magento_order(7, "000000007"),
        odoo_order(1, "000000099"),
        odoo_order(2, reference="magodoo.order_us_99"),
    )
    assert (key_of(engine, "order", 1), key_of(engine, "order", 2)) == ("odoo-1", "99")
    with engine.begin() as connection:
        assert mark_without_order(connection, instance(), ["odoo-1", "99", "7"]) == 2
        assert mark_without_order(connection, instance(), ["odoo-1", "99", "7"]) == 0
    put(engine, magento_order(99, "000000099"))
    assert (key_of(engine, "order", 1), key_of(engine, "order", 2)) == ("99", "99")
    assert rows(engine, "select 1 from document where details ? 'without_order'") == []


@pytest.mark.parametrize(("corrected", "key"), [("000000007", "7"), ("by phone", None)])
def test_a_document_whose_order_no_longer_claims_a_missing_one_is_not_without_order(
    engine: Engine, corrected: str, key: str | None
) -> None:
    put(engine, magento_order(7, "000000007"), odoo_order(1, "000000099"), odoo_document("invoice", 5, 1))
    with engine.begin() as connection:
        assert mark_without_order(connection, instance(), ["odoo-1"]) == 1
    put(engine, odoo_order(1, corrected, request_began_at=LATER))
    assert (key_of(engine, "order", 1), key_of(engine, "invoice", 5)) == (key, key)
    assert rows(engine, "select 1 from document where details ? 'without_order'") == []
    with engine.connect() as connection:
        assert WorkQueue(connection, "us").may_change(LATER) == ["7"]


def test_a_magento_document_without_its_order_is_marked_too(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), magento_document("invoice", 70, 99))
    with engine.begin() as connection:
        assert mark_without_order(connection, instance(), ["99"]) == 1
    assert value(engine, "select order_key from document where details ? 'without_order'") == "99"


def test_two_lines_of_one_sku_stay_two(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007", lines=[item(70, "A", 1), item(71, "A", 2), item(72, "B")]))
    put(engine, odoo_order(1, "000000007", lines=[item(10, "B"), item(11, "A", 1), item(12, "A", 2), item(13, "C")]))
    found = rows(engine, "select line_id, item_key from line where side = 'odoo' order by line_id")
    assert found == [("10", "72"), ("11", "70"), ("12", "71"), ("13", None)]


def test_an_item_that_our_external_id_took_is_not_given_again(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007", lines=[item(70, "A"), item(71, "A")]))
    put(engine, odoo_order(1, "000000007", lines=[item(11, "A"), item(12, "A", item_key="70")]))
    assert rows(engine, "select item_key from line where side = 'odoo' order by line_id") == [("71",), ("70",)]


def test_invoice_lines_go_through_their_order_line(engine: Engine) -> None:
    put(
        engine,
        magento_order(7, "000000007", lines=[item(70, "A"), item(71, "A")]),
        odoo_order(1, "000000007", lines=[item(11, "A"), item(12, "A")]),
    )
    put(engine, odoo_document("invoice", 2, 1, lines=[item(21, "other sku", own_item_id="12"), item(22, "A")]))
    found = rows(engine, "select line_id, item_key from line where kind = 'invoice' order by line_id")
    assert found == [("21", "71"), ("22", "70")]


def test_the_quantity_to_deliver_is_that_of_the_open_pickings(engine: Engine) -> None:
    ordered = item(11, "A", 3, qty_open=30_000)
    put(engine, magento_order(7, "000000007", lines=[item(70, "A", 3)]), odoo_order(1, "000000007", lines=[ordered]))
    sql = "select qty_open from line where side = 'odoo' and kind = 'order'"
    assert value(engine, sql) == 30_000

    done, waiting = item(31, "A", 1, own_item_id="11"), item(41, "A", 2, own_item_id="11", qty_open=20_000)
    put(
        engine,
        odoo_document("shipment", 3, 1, state="done", lines=[done]),
        odoo_document("shipment", 4, 1, state="assigned", lines=[waiting]),
    )
    assert value(engine, sql) == 20_000

    with engine.begin() as connection:
        deletion.mark_deleted(connection, instance(), "odoo", "shipment", ["4"], LATER, utc_now())
    assert value(engine, sql) == 0


def test_magento_documents_take_from_their_order_what_they_do_not_say(engine: Engine) -> None:
    child = item(71, "A-RED", is_money=False, product_type="simple", parent_item_key="70")
    put(engine, magento_document("invoice", 700, 7, lines=[item(1, "A-RED", item_key="71")], currency=""))
    put(
        engine,
        magento_order(
            7, "000000007", payment_method="card", customer_name="Ann Lee", country="US", lines=[item(70, "A", product_type="configurable"), child],
            details={"payment": {"last_trans_id": "CAP-1", "base_amount_paid": 266400, "base_amount_paid_online": 266400}},
        ),
    )  # fmt: skip
    found = rows(
        engine,
        "select currency, customer_name, payment_method, country, captured_amount = grand_total from document where kind = 'invoice'",
    )
    assert found == [("USD", "Ann Lee", "card", "US", True)]
    assert rows(engine, "select is_money, product_type, parent_item_key from line where kind = 'invoice'") == [
        (False, "simple", "70")
    ]
