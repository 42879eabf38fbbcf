"""Order states of every kind: what keeps an order out names the state, and the advice about it can be followed."""

from __future__ import annotations

from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import given
from hypothesis import strategies as st
from reconcile_sales import Found, Sales
from staged import NOON, instance

from magodoo.connectors.magento.needed import SHAPES
from magodoo.connectors.magento.schema import sound
from magodoo.domain.states import MAGENTO_ORDER_STATES, NEVER_IMPORTED
from magodoo.domain.vocabulary import Kind
from magodoo.extract import magento_documents

ORDERS = [row for kind, row in recorded.magento() if kind == "order"]
OWN = st.one_of(
    st.sampled_from(["partially_shipped", "geist_state", "7"]), st.text("abc_", min_size=1, max_size=12)
).filter(lambda state: state not in MAGENTO_ORDER_STATES)
KEEPING_OUT = st.one_of(st.just(""), OWN, st.just("new"))
METHODS = st.sampled_from(["checkmo", "card", "unlisted"])
DOCUMENTS = st.lists(st.sampled_from(["invoice", "shipment", "memo"]), min_size=1, max_size=3)


def sold(state: str, method: str, documents: list[str], **settings: Any) -> Found:
    sales = Sales(**settings)
    sales.order(1, state=state, status="processing", payment_method=method)
    for name in documents:
        getattr(sales, name)(1)
    return sales.reconcile()


@given(st.sampled_from(ORDERS), st.one_of(st.none(), OWN, st.sampled_from(MAGENTO_ORDER_STATES), st.just([5])))
def test_an_order_is_read_whatever_its_state_says(row: dict[str, Any], state: Any) -> None:
    document = magento_documents.read(instance(), "order", sound(SHAPES[Kind.ORDER], {**row, "state": state}), NOON)
    assert document.state == (state if isinstance(state, str) else "")


@given(KEEPING_OUT, METHODS, DOCUMENTS)
def test_the_order_and_its_documents_say_which_state_keeps_them_out_and_what_to_do(
    state: str, method: str, documents: list[str]
) -> None:
    found = sold(state, method, documents)
    assert found.changes == []
    missing = [finding for finding in found.result.findings if finding.type == "missing_in_odoo"]
    assert sorted({finding.kind.value for finding in missing}) == sorted(
        {"order", *(name.replace("memo", "credit_memo") for name in documents)}
    )
    for finding in missing:
        named = f"`{state}`" if state else "no state"
        assert named in (finding.no_change_reason or "")
        assert "by hand" in finding.advice and "must not" in finding.advice
        assert "planned change" not in finding.advice
    assert found.result.not_expected == []


@given(st.one_of(OWN, st.just("new")), METHODS, DOCUMENTS)
def test_the_advice_can_be_followed(state: str, method: str, documents: list[str]) -> None:
    states = ["processing", "complete", "closed", state]
    found = sold(state, method, documents, orders={"import_states": states})
    assert found.changes[0] == "odoo_order_import 1"
    assert [
        finding.change
        for finding in found.result.findings
        if finding.kind == "order" and finding.type == "missing_in_odoo"
    ] != [None]


@pytest.mark.parametrize("state", ["new", *sorted(NEVER_IMPORTED), "canceled"])
def test_an_order_to_which_nothing_happened_is_not_reported_for_a_state_of_magento_s_own(state: str) -> None:
    assert sold(state, "checkmo", []).names == []


def test_an_order_of_an_unknown_state_is_reported_though_nothing_happened_to_it() -> None:
    assert sold("geist_state", "checkmo", []).types == ["missing_in_odoo order M-order-1"]


def test_the_setting_that_is_named_is_the_one_of_the_payment_method() -> None:
    found = sold("complete", "prepaid", ["invoice"])
    (reason,) = {finding.no_change_reason for finding in found.result.findings}
    assert reason == (
        "The order's state in Magento is `complete` (status `processing`), and `payment_methods.prepaid.import_states` imports only"
        " new, processing"
    )


def test_a_quotation_is_confirmed_in_an_extension_s_state_that_is_imported() -> None:
    sales = Sales(orders={"import_states": ["processing", "partially_shipped"]})
    sales.order(1, state="partially_shipped")
    sales.odoo_order(1, state="draft")
    assert sales.reconcile().changes == ["odoo_order_import 1"]


def test_documents_name_the_finding_that_holds_their_order_back() -> None:
    sales = Sales()
    sales.order(1, customer_email="kim@example.com")
    sales.invoice(1)
    sales.foreign("order", 20, customer_email="kim@example.com", state="sale")
    (reason,) = [each.no_change_reason for each in sales.reconcile().result.findings if each.kind == "invoice"]
    assert reason == "The order itself is not in Odoo: it is held back by the finding *Possible duplicate*"


def test_no_advice_mentions_releasing_a_change_that_does_not_exist() -> None:
    sales = Sales().sold()
    sales.invoice(1)
    sales.shipment(1)
    planned = sales.reconcile().result.findings
    assert all(finding.change and "the planned change" in finding.advice for finding in planned)
    off = Sales(invoices={"to_odoo": "off"}, shipments={"to_odoo": False}).sold()
    off.invoice(1)
    off.shipment(1)
    assert all(
        not finding.change and "release" not in finding.advice.lower() for finding in off.reconcile().result.findings
    )
