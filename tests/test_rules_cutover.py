"""docs/business-rules.md#cut-over, and the first writes of each kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo.pipeline import extract, load, refresh
from magodoo.pipeline.window import Window

APPROVED_FIRST: dict[str, Any] = {"limits": {"first_writes": 1}}
PREFIXED: dict[str, Any] = {"odoo": {"reference_prefixes": ("M2-",)}}
BEFORE, AFTER = 40.0, 3.0  # days ago; the cut-over is 25 days ago


def early(pair: ShopAndBooks, payment: str = "banktransfer", lines: dict[str, int] | None = None) -> int:
    """Placed, invoiced and shipped in part before the cut-over."""
    order = pair.order(lines or {"SKU-001": 4}, payment, days_ago=BEFORE)
    item = pair.items(order)["SKU-001"]
    pair.at(BEFORE - 1)
    pair.shop.invoice(order, {item: 1})
    pair.shop.ship(order, {item: 1})
    pair.at(0)
    return order


def test_backfill_and_refresh_write_nothing_that_lies_before(pair: ShopAndBooks) -> None:
    order = early(pair)
    context = pair.context()
    window = Window(datetime.now(UTC) - timedelta(days=60), datetime.now(UTC))
    extract.run(context, "magento", window)
    pair.chain()
    refresh.run(context)
    pair.touch(order)
    pair.chain()
    assert (pair.sales(order), pair.moves(order)) == ([], [])
    assert {found[:2] for found in pair.findings(order)} == {
        ("missing_in_odoo", kind) for kind in ("order", "invoice", "shipment")
    }
    assert all(row["no_change_reason"] for row in pair.reported(order))


@story()
def test_a_later_document_on_an_earlier_order_straddles_the_cut_over(pair: ShopAndBooks) -> Story:
    order = early(pair)
    pair.shop.invoice(order)
    yield run_chain()
    assert (pair.sales(order), pair.moves(order)) == ([], [])
    late = pair.invoices(order)[-1]["increment_id"]
    assert [row["type"] for row in pair.reported(order) if row["magento_number"] == late] == ["straddles_books_from"]


@story()
def test_a_later_document_is_written_when_its_earlier_order_is_matched(pair: ShopAndBooks) -> Story:
    order = early(pair)
    pair.at(BEFORE - 1)
    pair.enter_order(order, linked=False)
    pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"], linked=False)
    pair.at(0)
    pair.shop.invoice(order)
    yield run_chain()
    entries = pair.moves(order)
    assert [amount(entry["amount_total"]) for entry in entries] == [
        amount(row["grand_total"]) for row in pair.invoices(order)
    ]
    assert entries[1]["ref"] == pair.invoices(order)[1]["increment_id"]
    assert not any(row["state"] == "done" for row in pair.pickings(order)), "the early shipment is not written"


@story()
def test_an_early_invoice_is_never_paid(pair: ShopAndBooks) -> Story:
    order = early(pair, "card")
    pair.at(BEFORE - 1)
    pair.enter_order(order, linked=False)
    pair.books.invoice(pair.histories[order], pair.invoices(order)[0]["entity_id"], linked=False)
    pair.at(0)
    pair.touch(order)
    yield run_chain()
    (entry,) = pair.moves(order)
    assert (entry["payment_state"], pair.payments(entry)) == ("not_paid", [])


@story()
def test_an_odoo_invoice_that_only_resembles_an_order_s_invoice_is_not_matched(pair: ShopAndBooks) -> Story:
    """Its reference is the number of an order, but customer and total are others'."""
    order = pair.order({"SKU-001": 1}, "cashondelivery")
    (stranger,) = pair.call("res.partner", "create", vals_list=[{"name": "Walk-in", "email": "walkin@example.com"}])
    line = {"product_id": pair.books.names.products["SKU-012"], "quantity": 1, "price_unit": 3}
    values = {
        "move_type": "out_invoice", "partner_id": stranger, "ref": pair.shop.order(order)["increment_id"],
        "invoice_line_ids": [[0, 0, line]],
    }  # fmt: skip
    (move,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [move])
    yield run_chain()
    assert pair.findings(order) == set()
    assert pair.invoices(order) == []


@story()
def test_an_adopted_order_goes_on_as_if_we_had_made_it(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2, "SKU-002": 1})
    pair.enter_order(order, linked=False)
    pair.shop.invoice(order)
    pair.shop.ship(order)
    yield run_chain()
    assert (len(pair.sales(order)), len(pair.moves(order))) == (1, 1)
    assert [row["state"] for row in pair.pickings(order)] == ["done"]
    assert (pair.to_invoice(order), pair.findings(order)) == (0, set())


@pytest.mark.parametrize("module", ["by_hand", "other_connector"])
def test_an_order_that_others_enter_after_it_was_planned_is_adopted(
    pair: ShopAndBooks, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of imports and of other connectors carry external ids, too: those are not ours."""
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    pair.look()
    pair.release()
    monkeypatch.setattr(pair.books, "module", module)
    sale = pair.enter_order(order, linked=False)
    load.run(pair.context())
    assert [row["id"] for row in pair.sales(order)] == [sale]
    pair.chain()
    assert ([row["id"] for row in pair.sales(order)], len(pair.moves(order))) == ([sale], 1)


def test_an_order_that_others_enter_without_its_number_is_never_made_again(pair: ShopAndBooks) -> None:
    """Entered after it was planned: the search right before the write finds the same customer and total."""
    order, other = pair.order({"SKU-001": 3}), pair.order({"SKU-001": 3})
    twins = [pair.order({"SKU-001": 3}, email="twin@example.com") for _ in range(2)]
    for each in (order, other, *twins):
        pair.shop.invoice(each)
    pair.look()
    pair.release()
    sale = pair.enter_order(order, linked=False)
    pair.call("sale.order", "write", [sale], vals={"client_order_ref": False, "origin": False})
    pair.enter_order(twins[0], linked=False)
    load.run(pair.context())
    assert (pair.sales(order), len(pair.sales(other))) == ([], 1), "another customer's equal order is no duplicate"
    assert [len(pair.sales(twin)) for twin in twins] == [1, 1], "what names another order is that order's affair"
    assert any("possible duplicate" in why for kind, _, why in pair.unfinished(order) if kind == "odoo_order_import")
    pair.chain()
    assert pair.sales(order) == []
    assert ("possible_duplicate", "order", "") in pair.findings(order)


@pytest.mark.parametrize("number", ["of an order that was never read", "000099999"])
def test_a_number_of_an_order_that_is_not_staged_is_looked_up_in_magento(pair: ShopAndBooks, number: str) -> None:
    """Of a customer who buys one basket again and again; a slip of the pen names no order, and a person decides."""
    email = f"again{number[-3:]}@example.com"
    order = pair.order({"SKU-001": 3}, email=email)
    pair.shop.invoice(order)
    pair.look()
    pair.release()
    other = pair.order({"SKU-001": 3}, email=email)
    sale = pair.enter_order(other, linked=False)
    if number.isdecimal():
        pair.call("sale.order", "write", [sale], vals={"client_order_ref": number, "origin": False})
    load.run(pair.context())
    assert len(pair.sales(order)) == (not number.isdecimal())


@pytest.mark.parametrize("planned_before", [True, False])
def test_a_number_in_another_connector_s_own_field_is_found(pair: ShopAndBooks, planned_before: bool) -> None:
    fields = {name: f"x_shop_number_{name.replace('.', '_')}" for name in ("sale.order", "account.move")}
    for model, field in fields.items():
        if field not in pair.call(model, "fields_get", attributes=["type"]):
            (described,) = pair.rows("ir.model", [["model", "=", model]], "model")
            values = {"name": field, "field_description": "Shop number", "model_id": described["id"], "ttype": "char"}
            pair.call("ir.model.fields", "create", vals_list=[{**values, "state": "manual"}])
    order = pair.order({"SKU-002": 5})
    pair.shop.invoice(order)
    number = pair.shop.order(order)["increment_id"]
    with pair.policy(odoo={"reference_fields": (*pair.instance.odoo.reference_fields, *fields.values())}):
        if planned_before:
            pair.look()
            pair.release()
        sale = pair.enter_order(order, linked=False)
        pair.call("sale.order", "write", [sale], vals={"client_order_ref": False, fields["sale.order"]: number})
        if planned_before:
            load.run(pair.context())
        pair.chain()
        pair.chain()
        made = pair.rows("sale.order", [["id", "=", sale]], "partner_id")[0]["partner_id"][0]
        domain = [["partner_id.email", "=", pair.rows("res.partner", [["id", "=", made]], "email")[0]["email"]]]
        assert [row["id"] for row in pair.rows("sale.order", domain, "name")] == [sale], "adopted, not made again"
        (entry,) = pair.rows("account.move", [["invoice_origin", "=", number]], "state")
        assert (entry["state"], pair.findings(order)) == ("posted", set())


@story(**PREFIXED)
def test_numbers_behind_another_connector_s_prefix_are_found(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-001": 2})
    pair.shop.invoice(order)
    sale = pair.enter_order(order, linked=False)
    pair.call("sale.order", "write", [sale], vals={"client_order_ref": f"M2-{pair.shop.order(order)['increment_id']}"})
    yield run_chain()
    found = pair.rows("account.move", [["invoice_origin", "=", pair.shop.order(order)["increment_id"]]], "name state")
    assert (pair.sales(order), [row["state"] for row in found]) == ([], ["posted"]), "the order was adopted, not made"
    assert pair.findings(order) == set()


@story(**APPROVED_FIRST)
def test_the_first_writes_of_each_kind_need_approval(pair: ShopAndBooks) -> Story:
    """One is enough here: an import was made under other limits, so it is the purchase of this kind that waits."""
    order = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.deliver(order)
    yield run_chain()
    assert pair.shipments(order) == [], "the first shipment waits"
    pair.approve(order)
    yield run_chain()
    assert len(pair.shipments(order)) == 1
    other = pair.order(payment="cashondelivery")
    yield run_chain()
    pair.deliver(other)
    yield run_chain()
    assert len(pair.shipments(other)) == 1, "the next goes by itself"


@story(limits={"document_amount": 50, "refund_amount": 10})
def test_a_change_beyond_its_limits_waits_for_approval_and_the_others_continue(pair: ShopAndBooks) -> Story:
    large, small = pair.order({"SKU-007": 1}), pair.order({"SKU-006": 1})
    pair.shop.invoice(large)
    pair.shop.invoice(small)
    yield run_chain()
    assert (pair.sales(large), len(pair.moves(small))) == ([], 1)
    pair.shop.refund(small, dict.fromkeys(pair.items(small).values(), 0), shipping=0, adjustment_positive=3)
    pair.approve(large)
    yield run_chain()
    assert (len(pair.sales(large)), len(pair.moves(large))) == (1, 1)
    assert len(pair.notes(small)) == 1
