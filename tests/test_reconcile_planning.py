"""What is planned, in which order, and why the rest is not."""

from __future__ import annotations

import pytest
from reconcile_sales import Sales, bundle

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.flows.magento_invoice import MagentoInvoiceIntent
from magodoo.flows.odoo_cancellation import CancellationIntent
from magodoo.flows.odoo_delivery import DeliveryIntent
from magodoo.flows.odoo_invoice import InvoiceIntent
from magodoo.flows.odoo_order import OrderIntent
from magodoo.flows.odoo_payment import PaymentIntent
from magodoo.flows.order_plan import Item
from magodoo.flows.planner import waiting_for, without_problems
from magodoo.ledger.planned import PlannedChange, RequestProblem

TROUBLE = RequestProblem("sku:SKU11", "SKU11 is no product in Odoo")


def test_changes_of_an_order_are_planned_in_an_executable_sequence() -> None:
    sales = Sales(shipments={"returns": "shipped_items"})
    sales.order(1, payment_method="card", shipped={11: 2}, refunded={11: 1})
    invoice = sales.invoice(1, captured=20, transaction_id="T1")
    shipment = sales.shipment(1, tracking=["A"], carrier="ups")
    memo = sales.memo(1, {11: 1}, transaction_id="T2")
    assert sales.reconcile().changes == [
        "odoo_order_import 1",
        f"odoo_invoice {invoice}",
        f"odoo_payment {invoice}",
        f"odoo_delivery {shipment}",
        f"odoo_credit_note {memo}",
        f"odoo_refund_payment {memo}",
        f"odoo_stock_return {memo}",
    ]


def test_intents_are_small_and_canonical() -> None:
    sales = Sales()
    sales.order(1, payment_method="card")
    invoice = sales.invoice(1, captured=20, transaction_id="T1")
    sales.shipment(1, tracking=["b", "A"], carrier="ups", source_code="east")
    sales.memo(1, {11: 1})
    found = sales.reconcile()
    assert found.change("odoo_order_import").intent == OrderIntent(confirm=True, replaces=None)
    assert found.change("odoo_invoice").intent == InvoiceIntent(post=True, closed_period=False)
    assert found.change("odoo_payment").intent == PaymentIntent(method="card", transaction_id="T1")
    assert found.change("odoo_delivery").intent == DeliveryIntent((Item("11", 20_000),), ("A", "b"))
    assert found.change("odoo_credit_note").intent.invoice == invoice
    assert found.change("odoo_invoice").settles == (f"missing_in_odoo|invoice|1|{invoice}||",)


def test_a_pending_order_of_such_a_method_is_imported_as_a_quotation_and_its_documents_wait() -> None:
    sales = Sales()
    sales.order(1, state="new", payment_method="prepaid")
    sales.invoice(1)
    found = sales.reconcile()
    assert found.changes == ["odoo_order_import 1"]
    assert found.change("odoo_order_import").intent.confirm is False


def test_our_quotation_is_confirmed_once_the_order_goes_on() -> None:
    sales = Sales()
    sales.order(1, payment_method="prepaid")
    sales.odoo_order(1, state="draft")
    found = sales.reconcile()
    assert found.types == ["status_mismatch order M-order-1 draft"]
    assert found.change("odoo_order_import").intent.confirm is True


def test_a_quotation_made_by_hand_is_not_confirmed() -> None:
    sales = Sales()
    sales.order(1)
    sales.odoo_order(1, ours=False, state="draft")
    sales.invoice(1)
    found = sales.reconcile()
    assert found.changes == []
    assert found.one("missing_in_odoo").no_change_reason == "The order is a quotation in Odoo"


# payments


def captured(method: str = "card", **odoo: object) -> Sales:
    sales = Sales().sold(payment_method=method)
    invoice = sales.invoice(1, captured=20, transaction_id="T1")
    sales.odoo_invoice(1, of=invoice, **odoo)  # type: ignore[arg-type]
    return sales


def test_a_captured_invoice_gets_its_payment() -> None:
    found = captured().reconcile()
    assert found.changes == ["odoo_payment 102"]
    assert found.change("odoo_payment").intent == PaymentIntent(method="card", transaction_id="T1")


@pytest.mark.parametrize("method", ["checkmo", "unheard"])
def test_no_payment_for_a_method_that_no_provider_captures(method: str) -> None:
    found = captured(method).reconcile()
    assert found.changes == []
    assert method in (found.one("status_mismatch").no_change_reason or "")


def test_an_unlisted_method_that_captured_is_unmapped_once_per_order() -> None:
    sales = captured("unheard")
    sales.invoice(1, {}, total=0, captured=1)
    assert [each for each in sales.reconcile().types if "unmapped" in each] == [
        "unmapped order M-order-1 payment:unheard"
    ]


@pytest.mark.parametrize("status", ["paid", "in_payment", "reversed"])
def test_an_invoice_settled_in_odoo_gets_no_payment(status: str) -> None:
    assert captured(status=status).reconcile().types == []


def test_a_partial_payment_is_left_to_a_person() -> None:
    found = captured(status="partial").reconcile()
    assert found.changes == []
    assert "partially paid" in (found.one("status_mismatch").no_change_reason or "")


def test_a_differing_total_blocks_the_payment() -> None:
    found = captured(total=19).reconcile()
    assert found.changes == []
    assert "Totals differ" in (found.one("status_mismatch").no_change_reason or "")


@pytest.mark.parametrize("run", range(3))
def test_when_posted_never_makes_a_payment_of_an_invoice_that_we_wrote(run: int) -> None:
    """docs/business-rules.md#payments: `when_posted` with an unpaid Odoo invoice, three runs, no payment."""
    sales = Sales(invoices={"to_magento": "when_posted"}).sold(payment_method="card")
    move = sales.odoo_invoice(1)
    if run:
        sales.invoice(1, reference=f"magodoo:us:u:account.move:{move}", captured=20, transaction_id="T")
        assert sales.reconcile().types == []
    else:
        assert sales.reconcile().changes == [f"magento_invoice {move}"]


def test_a_method_mapped_as_invoice_means_paid_needs_no_evidence() -> None:
    methods = {"checkmo": {"invoice_means_paid": True, "journal": "BNK"}}
    sales = Sales(payment_methods=methods).sold()
    invoice = sales.invoice(1)
    sales.odoo_invoice(1, of=invoice)
    assert sales.reconcile().changes == [f"odoo_payment {invoice}"]


def test_an_offline_refund_is_posted_and_left_open() -> None:
    sales = Sales().sold(payment_method="card")
    invoice = sales.invoice(1)
    sales.odoo_invoice(1, of=invoice, status="paid")
    memo = sales.memo(1, {11: 1})
    assert sales.reconcile().changes == [f"odoo_credit_note {memo}"]


# Odoo to Magento


def paid_in_odoo(**settings: object) -> Sales:
    sales = Sales(**settings).sold()
    sales.odoo_invoice(1, status="paid", captured=20)
    return sales


def test_a_paid_odoo_invoice_is_written_to_magento() -> None:
    found = paid_in_odoo().reconcile()
    assert found.change("magento_invoice").intent == MagentoInvoiceIntent((Item("11", 20_000),), shipping=0)


@pytest.mark.parametrize(
    "move",
    [
        {"status": "not_paid"},
        {"status": "partial", "captured": 10, "open": 10},
        {"status": "reversed"},
        {"status": "in_payment", "captured": 20},
        {"status": "paid", "captured": 5},
    ],
)
def test_an_invoice_not_settled_by_payments_writes_nothing(move: dict) -> None:
    sales = Sales().sold()
    sales.odoo_invoice(1, **move)
    found = sales.reconcile()
    assert found.changes == []
    said = "only in payment" if move["status"] == "in_payment" else "settled by payments"
    assert said in (found.one("missing_in_magento").no_change_reason or "")


def test_in_payment_counts_by_setting() -> None:
    sales = Sales(invoices={"in_payment_counts": True}).sold()
    sales.odoo_invoice(1, status="in_payment", captured=20)
    assert sales.reconcile().changes == ["magento_invoice 102"]


@pytest.mark.parametrize("state", ["holded", "canceled", "closed", "payment_review"])
def test_nothing_is_written_onto_an_order_that_magento_has_closed(state: str) -> None:
    sales = Sales()
    sales.order(1, state=state)
    sales.odoo_order(1)
    sales.odoo_invoice(1, status="paid", captured=20)
    assert "magento_invoice" not in str(sales.reconcile().changes)


@pytest.mark.parametrize(
    "order", [{"state": "holded"}, {"state": "payment_review"}, {"state": "processing", "status": "fraud"}]
)
def test_nothing_is_written_onto_an_imported_order_that_magento_holds_since(order: dict[str, str]) -> None:
    sales = Sales().sold(**order)
    sales.invoice(1)
    sales.shipment(1)
    found = sales.reconcile()
    assert found.changes == []
    reasons = {each.no_change_reason for each in found.result.findings if each.type == FindingType.MISSING_IN_ODOO}
    assert reasons == {f"The order is {order.get('status', order['state'])} in Magento"}


def test_refunds_above_the_invoices_hold_back_further_ones_in_both_directions() -> None:
    sales = Sales(credit_memos={"to_magento": "when_paid"}).sold(items={11: 4})
    sales.invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2})
    sales.memo(1, {11: 2})
    sales.memo(1, {11: 1})
    sales.odoo_note(1, {11: 1}, total=5, status="paid", captured=5)
    found = sales.reconcile()
    assert not [change for change in found.changes if "credit" in change]
    missing = (FindingType.MISSING_IN_ODOO, FindingType.MISSING_IN_MAGENTO)
    reasons = {each.no_change_reason for each in found.result.findings if each.type in missing}
    assert reasons == {"The refunds of the order exceed its invoices in Magento"}


def test_planned_refunds_count_against_odoo_s_invoices() -> None:
    sales = Sales(invoices={"to_odoo": "off"}).sold(items={11: 4})
    first, _ = sales.invoice(1, {11: 2}), sales.invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2}, of=first)
    memos = sales.memo(1, {11: 2}), sales.memo(1, {11: 2})
    found = sales.reconcile()
    assert found.changes == [f"odoo_credit_note {memos[0]}"]
    waiting = next(each for each in found.result.findings if each.magento_id == str(memos[1]))
    assert (waiting.no_change_reason or "").startswith("The refunds would exceed what is invoiced in Odoo: ")


def test_all_shipping_goes_with_the_first_magento_invoice() -> None:
    sales = Sales()
    sales.order(1, total=25, shipping=5)
    sales.odoo_order(1, total=25, shipping=5)
    without = sales.odoo_invoice(1, {11: 1}, status="paid", captured=10)
    with_it = sales.odoo_invoice(1, {11: 1}, total=15, shipping=5, status="paid", captured=15)
    assert sales.reconcile().changes == [f"magento_invoice {with_it}", f"magento_invoice {without}"]


def test_an_invoice_without_the_shipping_cannot_be_the_first() -> None:
    sales = Sales()
    sales.order(1, total=25, shipping=5)
    sales.odoo_order(1, total=25, shipping=5)
    sales.odoo_invoice(1, {11: 1}, status="paid", captured=10)
    found = sales.reconcile()
    assert found.changes == []
    assert "first invoice" in (found.one("missing_in_magento").no_change_reason or "")


def test_a_dynamic_bundle_is_invoiced_and_shipped_by_its_parent() -> None:
    sales = bundle()
    sales.odoo_invoice(1, {11: 2, 12: 1}, status="paid", captured=30)
    sales.delivery(1, {11: 2, 12: 1})
    found = sales.reconcile()
    assert found.change("magento_invoice").intent.items == (("10", 10_000),)
    assert found.change("magento_shipment").intent.items == (("10", 10_000),)


def test_part_of_a_bundle_is_shipped_by_its_part_until_a_shipment_shows_that_the_bundle_ships_together() -> None:
    sales = bundle()
    sales.delivery(1, {11: 1})
    assert sales.reconcile().change("magento_shipment").intent.items == (("11", 10_000),)
    whole = sales.shipment(1, {10: 1})
    sales.delivery(1, {11: 2, 12: 1}, of=whole)
    found = sales.reconcile()
    assert [change for change in found.changes if change.startswith("magento_shipment")] == []
    assert "ships the bundle" in (found.one("missing_in_magento").no_change_reason or "")


def test_part_of_a_bundle_is_not_invoiced() -> None:
    sales = bundle()
    sales.odoo_invoice(1, {11: 1, 12: 1}, status="paid", captured=20)
    found = sales.reconcile()
    assert found.changes == []
    assert "invoices the bundle" in (found.one("missing_in_magento").no_change_reason or "")


@pytest.mark.parametrize("parcels", [[{10: 1, 11: 4}, {10: 1, 12: 2}], [{10: 1, 11: 2, 12: 1}, {10: 1, 11: 2, 12: 1}]])
def test_the_own_line_of_a_bundle_that_ships_separately_delivers_nothing(parcels: list[dict[int, int]]) -> None:
    sales = bundle()
    for parcel in parcels:
        sales.shipment(1, parcel)
    planned = [change.intent.items for change in sales.reconcile().result.changes if change.kind == "odoo_delivery"]
    assert planned == [
        tuple((str(item), units * 10_000) for item, units in parcel.items() if item != 10) for parcel in parcels
    ]


def test_a_dynamic_bundle_is_refunded_by_its_children() -> None:
    sales = bundle()
    sales.instance = Sales(credit_memos={"to_magento": "when_paid"}).instance
    invoice = sales.invoice(1, {11: 4, 12: 2})
    sales.odoo_invoice(1, {11: 4, 12: 2}, of=invoice)
    sales.odoo_note(1, {11: 2, 12: 1}, status="paid", captured=30)
    assert sales.reconcile().change("magento_credit_memo").intent.items == (("11", 20_000), ("12", 10_000))


def test_a_dynamic_bundle_shipped_in_magento_is_delivered_by_its_children() -> None:
    sales = bundle()
    sales.shipment(1, {10: 1})
    assert sales.reconcile().change("odoo_delivery").intent.items == (("11", 20_000), ("12", 10_000))


# policies


@pytest.mark.parametrize(
    ("note_of", "refunded_on", "planned"),
    [("ours", "2026-11-20", True), ("a person", "2026-11-20", False), ("a person", "2026-10-01", True)],
)
def test_goods_come_back_with_our_credit_note_and_beside_a_person_s_only_when_they_are_overdue(
    note_of: str, refunded_on: str, planned: bool
) -> None:
    sales = Sales(shipments={"returns": "shipped_items", "tracking": "to_odoo"})
    sales.sold(shipped={11: 2}, refunded={11: 1})
    sales.odoo_invoice(1, of=sales.invoice(1))
    sales.delivery(1, of=sales.shipment(1, tracking=["A"]))  # the missing track is a finding that a write resolves
    memo = sales.memo(1, {11: 1}, created=f"{refunded_on} 10:00")
    sales.odoo_note(1, {11: 1}, of=memo if note_of == "ours" else 0)
    changes = sales.reconcile().changes
    assert [change for change in changes if "return" in change] == ([f"odoo_stock_return {memo}"] if planned else [])
    assert len(changes) == 1 + planned, "the track is planned in every case"


@pytest.mark.parametrize(
    ("settings", "make"),
    [
        ({"invoices": {"to_odoo": "off"}}, lambda sales: sales.invoice(1)),
        ({"invoices": {"to_magento": "off"}}, lambda sales: sales.odoo_invoice(1, status="paid", captured=20)),
        ({"shipments": {"to_odoo": False}}, lambda sales: sales.shipment(1)),
        ({"shipments": {"to_magento": False}}, lambda sales: sales.delivery(1)),
        ({"credit_memos": {"to_odoo": "off"}}, lambda sales: sales.memo(1)),
        ({"credit_memos": {"to_magento": "off"}}, lambda sales: sales.odoo_note(1, status="paid", captured=20)),
    ],
)
def test_a_change_forbidden_by_policy_stays_a_finding(settings: dict, make) -> None:
    sales = Sales(**settings).sold()
    make(sales)
    found = sales.reconcile()
    assert found.changes == []
    assert any("The setting" in (each.no_change_reason or "") for each in found.result.findings)


def test_draft_invoices_get_no_payment() -> None:
    sales = Sales(invoices={"to_odoo": "draft"}).sold(payment_method="card")
    invoice = sales.invoice(1, captured=20, transaction_id="T")
    assert sales.reconcile().changes == [f"odoo_invoice {invoice}"]


def with_e_invoicing(sales: Sales) -> Sales:
    sales.master.append({"model": "res.company", "key": "e_invoicing", "data": {"found": ["l10n_it_edi"]}})
    return sales


@pytest.mark.parametrize("settings", [{}, {"invoices": {"to_magento": "off"}}])
def test_with_e_invoicing_invoices_and_credit_notes_become_drafts_unless_the_settings_say_otherwise(
    settings: dict,
) -> None:
    sales = with_e_invoicing(Sales(**settings).sold(payment_method="card"))
    invoice = sales.invoice(1, captured=20, transaction_id="T")
    found = sales.reconcile()
    assert found.changes == [f"odoo_invoice {invoice}"]
    assert found.change("odoo_invoice").intent.post is False
    posted = with_e_invoicing(Sales(invoices={"to_odoo": "post"}).sold())
    posted.invoice(1)
    assert posted.reconcile().change("odoo_invoice").intent.post is True


def test_with_e_invoicing_a_credit_note_becomes_a_draft_unless_the_settings_say_otherwise() -> None:
    for settings, wanted in (({}, "draft"), ({"credit_memos": {"to_odoo": "post"}}, "post")):
        sales = with_e_invoicing(Sales(**settings).sold())
        sales.odoo_invoice(1, of=sales.invoice(1))
        sales.memo(1)
        assert sales.reconcile().change("odoo_credit_note").intent.post is (wanted == "post")


def test_with_e_invoicing_a_draft_waits_for_a_person_and_is_no_finding() -> None:
    for electronic, names in ((False, ["status_mismatch"]), (True, [])):
        sales = Sales().sold()
        sales = with_e_invoicing(sales) if electronic else sales
        sales.odoo_invoice(1, of=sales.invoice(1), state="draft")
        assert sales.reconcile().names == names


@pytest.mark.parametrize(
    ("policy", "magento", "odoo", "changes"),
    [
        ("both", ["A"], [], ["odoo_tracking 102"]),
        ("both", [], ["A"], ["magento_tracking 103"]),
        ("both", ["A", "B"], ["A"], ["odoo_tracking 102"]),
        ("both", ["A"], ["B"], []),
        ("to_magento", ["A"], [], []),
        ("off", [], ["A"], []),
    ],
)
def test_tracking_numbers_are_written_to_the_side_where_they_are_missing(
    policy: str, magento: list, odoo: list, changes: list
) -> None:
    sales = Sales(shipments={"tracking": policy}).sold()
    shipment = sales.shipment(1, tracking=magento)
    sales.delivery(1, of=shipment, tracking=odoo)
    assert sales.reconcile().changes == changes


def test_an_order_cancelled_in_magento_is_cancelled_in_odoo() -> None:
    sales = Sales()
    sales.order(1, state="canceled")
    order = sales.odoo_order(1)
    found = sales.reconcile()
    assert found.change("odoo_order_cancel").intent == CancellationIntent(order)


@pytest.mark.parametrize("begun", ["invoice", "delivery", "lines"])
def test_an_order_on_which_something_is_done_is_not_cancelled(begun: str) -> None:
    sales = Sales()
    sales.order(1, state="canceled")
    order = sales.odoo_order(1)
    if begun == "invoice":
        sales.odoo_invoice(1)
    elif begun == "delivery":
        sales.delivery(1)
    else:
        sales.set_line("order", order, qty_invoiced=10_000)
    found = sales.reconcile()
    assert found.changes == []
    assert "a person decides" in (found.one("status_mismatch").no_change_reason or "")


def test_an_edited_order_waits_while_the_one_it_replaces_is_delivered() -> None:
    sales = Sales().sold(1, state="canceled")
    sales.delivery(1)
    sales.order(2, edit_of=1)
    found = sales.reconcile()
    assert "odoo_order_import 2" not in found.changes


def test_an_edited_order_is_imported_after_the_cancellation_of_the_old_one() -> None:
    sales = Sales().sold(1, state="canceled")
    sales.order(2, edit_of=1)
    found = sales.reconcile()
    assert found.changes == ["odoo_order_cancel 1", "odoo_order_import 2"]
    assert found.change("odoo_order_import").intent.replaces == 1


@pytest.mark.parametrize(
    ("settings", "old", "why"),
    [
        ({"orders": {"cancel": False}}, {"state": "canceled"}, "the setting `orders.cancel` is off"),
        ({}, {"state": "canceled", "created": "2026-01-01 10:00"}, "not cancelled automatically"),
        ({}, {"state": "processing"}, "not cancelled automatically"),
    ],
)
def test_an_edited_order_is_left_to_a_person_if_nothing_cancels_the_one_it_replaces(
    settings: dict, old: dict, why: str
) -> None:
    sales = Sales(books_from="2026-06-01 00:00:00", **settings).sold(1, **old)
    sales.order(2, edit_of=1)
    sales.shipment(2)
    found = sales.reconcile()
    reasons = {each.kind: each.no_change_reason or "" for each in found.result.findings if each.order_key == "2"}
    assert found.changes == []
    assert why in reasons[Kind.ORDER]
    assert reasons[Kind.SHIPMENT] == reasons[Kind.ORDER]


def test_the_later_of_two_documents_waits_when_only_one_fits() -> None:
    sales = Sales()
    sales.order(1, items={11: 2})
    sales.odoo_order(1)
    first, second = sales.invoice(1, {11: 2}), sales.invoice(1, {11: 1})
    found = sales.reconcile()
    assert found.changes == [f"odoo_invoice {first}"]
    reasons = {each.magento_id: each.no_change_reason or "" for each in found.result.findings}
    assert "after the earlier documents" in reasons[str(second)]


def test_a_refund_waits_for_its_invoice() -> None:
    sales = Sales(invoices={"to_odoo": "off"}).sold()
    sales.invoice(1)
    sales.memo(1, {11: 1})
    found = sales.reconcile()
    assert found.changes == []


@pytest.mark.parametrize(("status", "named"), [("paid", True), ("not_paid", False)])
def test_the_refunded_invoice_is_named_only_when_certain(status: str, named: bool) -> None:
    sales = Sales().sold(items={11: 1, 12: 1})
    first, second = sales.invoice(1, {11: 1}), sales.invoice(1, {12: 1})
    for each, item in ((first, 11), (second, 12)):
        sales.odoo_invoice(1, {item: 1}, of=each, status=status)
    sales.memo(1, {12: 1})
    assert sales.reconcile().change("odoo_credit_note").intent.invoice == (second if named else None)


def test_a_second_refund_of_an_item_is_of_the_next_invoice_that_still_holds_it() -> None:
    sales = Sales().sold(items={11: 2})
    first, second = sales.invoice(1, {11: 1}), sales.invoice(1, {11: 1})
    for each in (first, second):
        sales.odoo_invoice(1, {11: 1}, of=each, status="paid")
    memos = [sales.memo(1, {11: 1}), sales.memo(1, {11: 1})]
    planned = {change.source_id: change.intent.invoice for change in sales.reconcile().result.changes}
    assert planned == {str(memos[0]): first, str(memos[1]): second}


def test_a_refund_of_which_magento_names_the_invoice_is_of_that_one_whatever_is_paid() -> None:
    sales = Sales().sold(items={11: 2})
    first, second = sales.invoice(1, {11: 1}), sales.invoice(1, {11: 1})
    for each in (first, second):
        sales.odoo_invoice(1, {11: 1}, of=each, status="not_paid")
    sales.memo(1, {11: 1}, parent_id=str(second))
    assert sales.reconcile().change("odoo_credit_note").intent.invoice == second


def test_a_document_that_odoo_made_is_never_written_back() -> None:
    sales = Sales().sold()
    sales.invoice(1, reference="magodoo:us:u:account.move:999")
    found = sales.reconcile()
    assert found.changes == []
    assert "written from Odoo" in (found.one("missing_in_odoo").no_change_reason or "")


# what a request cannot be built for


def test_problems_become_findings_and_dependent_changes_wait() -> None:
    sales = Sales()
    sales.order(1, payment_method="card")
    sales.invoice(1, captured=20, transaction_id="T")
    sales.shipment(1)
    result = sales.reconcile().result
    problem = TROUBLE
    import_key = ("odoo_order_import", "1")
    out = without_problems(result.changes, {import_key: [problem]}, [import_key], result.findings)
    assert out == {change.key for change in result.changes}
    unmapped = [each for each in result.findings if each.type is FindingType.UNMAPPED]
    assert [(each.part, each.kind, each.document) for each in unmapped] == [("sku:SKU11", Kind.ORDER, "M-order-1")]
    assert all(each.change is None and each.no_change_reason for each in result.findings)


def test_a_waiting_change_holds_back_its_dependants() -> None:
    """No return of goods, and no money back, for a credit note that cannot be made because its invoice was refused."""
    kinds = (
        *(ChangeKind.ODOO_INVOICE, ChangeKind.ODOO_CREDIT_NOTE, ChangeKind.ODOO_REFUND_PAYMENT),
        ChangeKind.ODOO_STOCK_RETURN,
    )
    invoice, *others = (
        PlannedChange(
            kind, "1", "1", Kind.INVOICE, "10" if kind is ChangeKind.ODOO_INVOICE else "20", "", 0, "USD", 0, None
        )
        for kind in kinds
    )
    assert waiting_for([invoice, *others], {invoice.key}).keys() == {change.key for change in others}


def test_a_warning_blocks_nothing() -> None:
    sales = Sales().sold()
    sales.shipment(1)
    result = sales.reconcile().result
    key = result.changes[0].key
    assert without_problems(result.changes, {key: [TROUBLE]}, [], result.findings) == set()
    assert [each.type for each in result.findings if each.change is None] == [FindingType.UNMAPPED]


def test_a_planned_change_is_the_same_by_kind_and_source() -> None:
    words = dict(order_key="1", order_number="1", document_kind=Kind.ORDER, source_number="1", amount=0, currency="USD")
    change = PlannedChange(ChangeKind.ORDER_IMPORT, source_id="1", company_amount=0, intent=None, **words)  # type: ignore[arg-type]
    assert change.key == ("odoo_order_import", "1")
