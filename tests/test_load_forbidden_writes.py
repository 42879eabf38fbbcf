"""docs/business-rules.md#never-written-automatically: what the pipeline may call at all, and what it refuses to touch."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from load_lab import Lab
from sqlalchemy import text

import magodoo
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import FixConfiguration, InvariantError
from magodoo.preflight.results import CheckLine, Status, applied_kinds, record

# Every writing method that the pipeline may call in Odoo. None of them resets, cancels a move, deletes, unreconciles or merges.
ALLOWED_IN_ODOO = {
    "res.partner/load", "sale.order/load", "sale.order/action_confirm", "sale.order/action_cancel", "account.move/load",
    "account.move/action_post", "account.payment/load", "account.payment/action_post", "account.move.line/reconcile",
    "stock.move/load", "stock.picking/load", "stock.picking/button_validate", "stock.return.picking/create",
    "stock.return.picking/write", "stock.return.picking/action_create_returns",
}  # fmt: skip
READS = {
    "search", "search_read", "search_count", "web_search_read", "read", "web_read", "fields_get", "get_external_id",
    "check_object_reference", "context_get", "has_group", "has_access", "formatted_read_group", "read_group",
}  # fmt: skip
ALLOWED_IN_MAGENTO = re.compile(r"/V1/(order/\d+/(invoice|ship|refund)|shipment/track)$")


def everything_to_odoo(made: Lab) -> int:
    """An order with everything that can come from Magento."""
    order = made.order({"A": 2}, payment="card")
    item = str(made.items(order)["A"])
    invoice, shipment = made.shop.invoice(order), made.shop.ship(order)
    memo = made.shop.refund(order, {int(item): 1})
    made.read()
    made.plan(
        *made.whole_order(order, invoice, paid=True),
        made.planned(ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=[[item, 20_000]], tracks=["T"]),
        made.planned(ChangeKind.ODOO_CREDIT_NOTE, memo, Kind.CREDIT_MEMO, order, post=True),
        made.planned(ChangeKind.ODOO_REFUND_PAYMENT, memo, Kind.CREDIT_MEMO, order, method="card"),
        made.planned(ChangeKind.ODOO_STOCK_RETURN, memo, Kind.CREDIT_MEMO, order, items=[[item, 10_000]]),
    )
    assert made.load()["applied"] == 7
    return order


def the_rest_to_odoo(made: Lab) -> None:
    """What a standing order may get later: a tracking number, a cancellation."""
    (picking,) = made.records("stock.picking", "id", [["picking_type_code", "=", "outgoing"]])
    shipment = next(iter(made.shop.tables.shipments))
    cancelled = made.order({"B": 1})
    made.read()
    made.plan(*made.whole_order(cancelled))
    made.load()
    made.shop.cancel(cancelled)
    made.read()
    made.plan(
        made.planned(ChangeKind.ODOO_TRACKING, shipment, Kind.SHIPMENT, 1, odoo_id=picking["id"], tracks=["LATE"]),
        made.planned(ChangeKind.ORDER_CANCEL, cancelled, Kind.ORDER, cancelled),
    )
    assert made.load()["applied"] == 2


def test_no_other_call_of_odoo_is_ever_made(made: Lab) -> None:
    everything_to_odoo(made)
    the_rest_to_odoo(made)
    assert done_kinds(made) == {kind for kind in ChangeKind if kind.target is Side.ODOO}
    calls = {"/".join(entry["path"].rsplit("/", 2)[-2:]) for entry in made.odoo.app.log if entry["method"] == "POST"}
    writes = {call for call in calls if call.rsplit("/", 1)[1] not in READS}
    assert "account.move/action_post" in writes
    assert writes <= ALLOWED_IN_ODOO


def odoo_leads(made: Lab) -> tuple[int, int, int]:
    """An order that Odoo invoiced and delivered; Magento learns it."""
    order = made.order({"A": 1})
    made.read()
    made.plan(*made.whole_order(order))
    made.load()
    (sale,) = made.records("sale.order", "id picking_ids")
    values = {
        "sale_order_ids": [[6, 0, [sale["id"]]]],
        "advance_payment_method": "delivered",
        "consolidated_billing": False,
    }
    (wizard,) = made.db.call("sale.advance.payment.inv", "create", vals_list=[values])
    move = int(made.db.call("sale.advance.payment.inv", "create_invoices", ids=[wizard])["res_id"])
    made.db.call("account.move", "action_post", ids=[move])
    made.db.call("stock.picking", "button_validate", ids=sale["picking_ids"], context={"skip_sms": True})
    made.read()
    item = [[str(made.items(order)["A"]), 10_000]]
    made.plan(
        made.planned(ChangeKind.MAGENTO_INVOICE, move, Kind.INVOICE, order, items=item, shipping=50_000),
        made.planned(
            ChangeKind.MAGENTO_SHIPMENT, sale["picking_ids"][0], Kind.SHIPMENT, order, items=item, tracks=["T"]
        ),
    )
    assert made.load()["applied"] == 2
    return order, move, sale["picking_ids"][0]


def the_rest_to_magento(made: Lab, order: int, move: int, picking: int) -> None:
    """A tracking number later, and a credit memo of what Odoo credited."""
    note = made.reverse(move)
    made.read()
    (shipment,) = (row["entity_id"] for row in made.shop.tables.shipments.of_order(order))
    item = [[str(made.items(order)["A"]), 10_000]]
    made.plan(
        made.planned(ChangeKind.MAGENTO_TRACKING, picking, Kind.SHIPMENT, order, magento_id=shipment, tracks=["LATE"]),
        made.planned(ChangeKind.MAGENTO_CREDIT_MEMO, note, Kind.CREDIT_MEMO, order, items=item, shipping=50_000),
    )
    assert made.load()["applied"] == 2


def done_kinds(made: Lab) -> set[str]:
    with made.engine.connect() as connection:
        return set(connection.scalars(text("select kind from change where state = 'done'")))


def test_no_other_call_of_magento_is_ever_made_and_none_mails_or_captures(made: Lab) -> None:
    the_rest_to_magento(made, *odoo_leads(made))
    assert {kind for kind in ChangeKind if kind.target is Side.MAGENTO} <= done_kinds(made)
    posts = [entry for entry in made.magento.app.log if entry["method"] != "GET"]
    assert posts
    assert all(ALLOWED_IN_MAGENTO.search(entry["path"]) for entry in posts)
    with made.engine.connect() as connection:
        calls = connection.scalars(text("select call ->> 'body' from change_body, jsonb_array_elements(calls) as call"))
        bodies = [body for body in calls if body and "notify" in body]
    assert bodies
    assert all('"notify": false' in body and '"capture": true' not in body for body in bodies)


def test_a_capture_is_refused_by_the_client_itself(made: Lab) -> None:
    with pytest.raises(InvariantError):
        made.context.magento.create_invoice(1, [(1, Decimal(1))], "mark", capture=True)


def test_when_posted_with_an_unpaid_invoice_never_makes_a_payment_in_three_runs(made: Lab) -> None:
    odoo_leads(made)
    for _ in range(3):
        made.read()
        made.load()
    assert made.records("account.payment", "id") == []
    assert [move["payment_state"] for move in made.moves()] == ["not_paid"]


def test_a_posted_document_of_ours_is_not_touched_when_its_source_changes(made: Lab) -> None:
    order = everything_to_odoo(made)
    before = made.records("account.move", "write_date name amount_total state", [["move_type", "=", "out_invoice"]])
    invoice = next(iter(made.shop.tables.invoices.of_order(order)))
    invoice["grand_total"] = Decimal(invoice["grand_total"]) + 1
    made.read()
    with pytest.raises(AssertionError, match="arithmetic"):
        made.plan(made.planned(ChangeKind.ODOO_INVOICE, invoice["entity_id"], Kind.INVOICE, order, post=True))
    made.load()
    assert (
        made.records("account.move", "write_date name amount_total state", [["move_type", "=", "out_invoice"]])
        == before
    )


def test_a_payment_of_an_unlisted_method_has_no_default_journal(made: Lab) -> None:
    order = made.order(payment="card")
    invoice = made.shop.invoice(order)
    made.read()
    for method in ("checkmo", "never-heard-of"):
        with pytest.raises(AssertionError, match=f"payment:{method}"):
            made.plan(made.planned(ChangeKind.ODOO_PAYMENT, invoice, Kind.INVOICE, order, method=method))


# What each rule forbids, as the calls by which it would be broken. Odoo: model/method; Magento: the path.
NEVER = {
    "reset to draft": ("account.move/button_draft", "account.payment/action_draft", "sale.order/action_draft"),
    "cancel or delete a posted entry": (
        "account.move/button_cancel", "account.move/button_request_cancel", "account.move/unlink", "account.move/reverse_moves",
        "account.move.reversal/create",
    ),
    "edit a posted entry": ("account.move/write", "account.move.line/write", "account.move.line/create", "account.move.line/unlink"),
    "unreconcile": ("account.move.line/remove_move_reconcile", "account.partial.reconcile/unlink", "account.full.reconcile/unlink"),
    "write off": ("account.payment.register/create", "account.reconcile.wizard/create"),
    "cancel a payment": ("account.payment/action_cancel", "account.payment/action_reject", "account.payment/unlink"),
    "un-deliver": ("stock.picking/action_cancel", "stock.picking/unlink", "stock.move/unlink", "stock.scrap/create"),
    "merge or overwrite a partner": (
        "base.partner.merge.automatic.wizard/create", "res.partner/write", "res.partner/unlink", "res.partner/action_archive",
    ),
    "change taxes, accounts, rates": (
        "account.tax/write", "account.tax/load", "account.tax/create", "account.account/write", "account.account/create",
        "res.currency.rate/create", "res.currency.rate/load", "res.currency.rate/write",
    ),
    "mail a customer from Odoo": ("account.move.send.wizard/create", "mail.compose.message/create", "sale.order/action_quotation_send"),
    "capture": ("/V1/invoices/1/capture",),
    "void": ("/V1/invoices/1/void",),
    "refund online": ("/V1/invoice/1/refund", "/V1/creditmemo/refund"),
    "cancel, hold or change the status of a Magento order": (
        "/V1/orders/1/cancel", "/V1/orders/1/hold", "/V1/orders/1/unhold", "/V1/orders/1/comments", "/V1/orders", "/V1/orders/create",
        "/V1/creditmemo/1",
    ),
    "mail a customer from Magento": (
        "/V1/orders/1/emails", "/V1/invoices/1/emails", "/V1/shipment/1/emails", "/V1/creditmemo/1/emails",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", NEVER)
def test_the_allowed_calls_exclude_what_is_never_written(rule: str) -> None:
    """The two tests above hold every kind of change to these calls; here each rule is held against them."""
    for call in NEVER[rule]:
        assert call not in ALLOWED_IN_ODOO
        assert not ALLOWED_IN_MAGENTO.search(call)


@pytest.mark.parametrize("rule", NEVER)
def test_the_engine_contains_no_call_that_breaks_a_rule(rule: str) -> None:
    """Methods that have no other use are nowhere in the code that writes."""
    engine = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("load", "pipeline", "odoo")
        for path in sorted((Path(magodoo.__file__).parent / folder).rglob("*.py"))
    )
    ambiguous = {"create", "write", "load", "unlink", "action_cancel"}  # of a sale order
    methods = {call.rsplit("/", 1)[1] for call in NEVER[rule] if not call.startswith("/")} - ambiguous
    models = {call.split("/")[0] for call in NEVER[rule] if "wizard" in call or "register" in call or "compose" in call}
    known = {word for word in methods | models if f'"{word}"' in engine}
    assert known == set()
    assert not re.search(r"\.(cancel_order|comment_order|set_transaction_reference)\(", engine)


def test_an_existing_partner_is_neither_overwritten_nor_attached_to(made: Lab) -> None:
    company = {"name": "Acme", "email": "guest@example.com", "is_company": True, "vat": "X1"}
    made.db.call("res.partner", "create", vals_list=[company])
    order = made.order()
    made.read()
    made.plan(*made.whole_order(order))
    made.load()
    (sale,) = made.records("sale.order", "partner_id")
    partners = made.records(
        "res.partner", "name vat is_company", [["email", "=", "guest@example.com"], ["parent_id", "=", False]]
    )
    assert sale["partner_id"][1] != "Acme"
    assert [(row["name"], row["vat"]) for row in partners] == [("Acme", "X1"), ("Guest Doe", False)]


@pytest.mark.parametrize("failing", ["no preflight", "errors", "settings changed since"])
def test_a_writer_that_is_called_alone_writes_nothing_without_a_preflight_that_passed(made: Lab, failing: str) -> None:
    order = made.order({"A": 1})
    made.read()
    made.plan(*made.whole_order(order))
    with made.engine.begin() as connection:
        if failing == "no preflight":
            connection.execute(text("delete from preflight"))
        elif failing == "errors":
            wrong = CheckLine("us", "Odoo: rights", Status.ERROR, "may not post", "give the right")
            record(connection, made.instance, applied_kinds(made.instance), [wrong], datetime.now(UTC))
        else:
            connection.execute(text("update preflight set settings_hash = 'of other settings'"))
    with pytest.raises(FixConfiguration, match=r"nothing is written: .*preflight"):
        made.load()
    assert made.states() == ["planned"]
    assert made.load(dry_run=True)["would_write"] == 1
    made.a_context()  # notes a preflight that passed
    assert made.load()["applied"] == 1
