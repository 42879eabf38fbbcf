"""An Odoo that may send what is posted to an authority: documents arrive as drafts, unless the settings say otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story

POSTED: dict[str, Any] = {"invoices": {"to_odoo": "post"}, "credit_memos": {"to_odoo": "post"}}


@pytest.fixture(scope="module", autouse=True)
def italian_company(pair: ShopAndBooks, request: pytest.FixtureRequest) -> None:
    """The user of the connection may not list modules; it sees the field that this one gives an invoice."""
    (model,) = pair.call("ir.model", "search", domain=[["model", "=", "account.move"]])
    field = {"name": "l10n_it_edi_state", "field_description": "SDI State", "ttype": "char", "model_id": model}
    pair.call("ir.model.fields", "create", vals_list=[field])
    request.getfixturevalue("telling")


@story()
def test_with_e_invoicing_documents_arrive_as_drafts_and_are_paid_once_a_person_posts_them(
    pair: ShopAndBooks,
) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["state"], pair.payments(entry)) == ("draft", [])
    assert pair.findings(order) == set()
    pair.call("account.move", "action_post", [entry["id"]])
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["state"], entry["payment_state"]) == ("posted", "paid")
    pair.shop.refund(order)
    yield run_chain()
    (note,) = pair.notes(order)
    assert note["state"] == "draft"


@story(**POSTED)
def test_with_e_invoicing_documents_are_posted_if_the_settings_say_so(pair: ShopAndBooks) -> Story:
    order = pair.order(payment="card")
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund(order)
    yield run_chain()
    assert [entry["state"] for entry in (*pair.moves(order), *pair.notes(order))] == ["posted", "posted"]


@story(**POSTED)
def test_a_rejected_electronic_invoice_is_critical_until_it_is_accepted(pair: ShopAndBooks) -> Story:
    order, by_hand = pair.order(payment="card"), pair.order(payment="cashondelivery")
    pair.shop.invoice(order)
    yield run_chain()
    moves = [pair.moves(order)[0]["id"], pair.bill(by_hand)]
    pair.authority_answers(moves, "rejected")
    yield run_chain()
    for each in (order, by_hand):
        (found,) = pair.reported(each, type="einvoice_rejected")
        assert (found["severity"], found["who"], found["odoo_number"]) == (
            "critical", "accounting", pair.moves(each)[0]["name"],
        )  # fmt: skip
        assert "rejected" in found["message"]
    pair.authority_answers(moves, "forwarded")
    yield run_chain()
    assert [row for each in (order, by_hand) for row in pair.reported(each, type="einvoice_rejected")] == []
