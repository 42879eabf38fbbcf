"""When each type of finding arises, about which document, with which amounts."""

from __future__ import annotations

from datetime import date

import pytest
from reconcile_sales import Sales

from magodoo.domain.vocabulary import FindingType
from magodoo.money import to_units
from magodoo.reconcile import catalogue

CUT_OVER = {"books_from": "2026-11-01T00:00:00"}
BEFORE, AFTER = "2026-10-20 10:00", "2026-11-10 10:00"


def pair_of_invoices(sales: Sales, **odoo: object) -> tuple[int, int]:
    invoice = sales.invoice(1)
    return invoice, sales.odoo_invoice(1, of=invoice, **odoo)  # type: ignore[arg-type]


def test_equal_documents_leave_no_finding() -> None:
    sales = Sales().sold()
    pair_of_invoices(sales)
    shipment = sales.shipment(1)
    sales.delivery(1, of=shipment)
    assert sales.reconcile().types == []


# amounts


def test_a_total_mismatch_names_both_numbers_the_difference_and_the_part() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=25, shipping=5)
    sales.odoo_invoice(1, total=24, shipping=4, of=invoice)
    found = sales.reconcile().one("total_mismatch")
    assert (found.part, found.magento_amount, found.odoo_amount) == ("shipping", 250_000, 240_000)
    assert found.difference == -10_000
    for words in ("25.00", "24.00", "-1.00", "USD", f"M-invoice-{invoice}", "M-order-1", "receivable"):
        assert words in found.message
    assert found.severity == "critical"


def test_several_differing_parts_are_a_difference_of_the_grand_total() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=25, shipping=5, tax=2)
    sales.odoo_invoice(1, total=22, shipping=4, tax=0, of=invoice)
    found = sales.reconcile().one("total_mismatch")
    assert found.part == "grand_total"
    assert "shipping -1.00" in found.detail and "tax -2.00" in found.detail


def test_a_discount_folded_into_odoos_prices_is_no_part() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=20, shipping=5, discount=-5)
    sales.odoo_invoice(1, total=19, shipping=4, of=invoice)
    assert sales.reconcile().one("total_mismatch").part == "shipping"


@pytest.mark.parametrize("cents", ["0.01", "0.02"])
def test_a_difference_within_the_tolerance_is_rounding(cents: str) -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total="20.00")
    sales.odoo_invoice(1, total=f"20.0{cents[-1]}", of=invoice)
    found = sales.reconcile()
    assert found.names == ["rounding"]
    assert found.one("rounding").difference == to_units(cents)
    assert found.one("rounding").severity == "info"


def test_the_tolerance_is_a_setting_per_currency() -> None:
    sales = Sales(tolerance={"default": "0.02", "CHF": "0.05"}).sold(currency="CHF")
    invoice = sales.invoice(1, total="20.00", currency="CHF")
    sales.odoo_invoice(1, total="20.05", of=invoice, currency="CHF")
    assert "total_mismatch" not in sales.reconcile().names


def test_the_right_sum_with_the_wrong_tax_is_a_tax_mismatch() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=20, tax=2)
    sales.odoo_invoice(1, total=20, tax=1, of=invoice)
    found = sales.reconcile()
    assert found.names == ["tax_mismatch"]
    assert (found.one("tax_mismatch").magento_amount, found.one("tax_mismatch").odoo_amount) == (20_000, 10_000)


def test_amounts_in_different_currencies_are_not_compared_further() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, total=20)
    sales.odoo_invoice(1, total=99, currency="EUR", of=invoice)
    assert sales.reconcile().names == ["currency_mismatch"]


def test_a_currency_without_cents_is_rounded_to_whole_units() -> None:
    sales = Sales().sold(currency="JPY")
    sales.odoo_order(1)
    invoice = sales.invoice(1, total="1000.4", currency="JPY")
    sales.odoo_invoice(1, total="1000", currency="JPY", of=invoice)
    assert {"total_mismatch", "rounding"}.isdisjoint(sales.reconcile().names)


def test_quantities_per_item_are_compared_once_per_pair() -> None:
    sales = Sales().sold(items={11: 2, 12: 1})
    shipment = sales.shipment(1, {11: 2, 12: 1})
    sales.delivery(1, {11: 1}, of=shipment)
    found = sales.reconcile().one("quantity_mismatch")
    assert found.magento_value == "SKU11 x 2, SKU12 x 1"
    assert found.odoo_value == "SKU11 x 1, SKU12 x 0"


def test_an_odoo_order_reduced_by_what_magento_cancelled_is_equal() -> None:
    sales = Sales()
    sales.order(1, items={11: 3}, canceled={11: 1}, total=20)
    sales.odoo_order(1, items={11: 2})
    assert sales.reconcile().types == []


# states


def test_captured_in_magento_and_unpaid_in_odoo_is_a_finding() -> None:
    sales = Sales().sold(payment_method="card")
    pair = sales.invoice(1, captured=20, transaction_id="T1")
    sales.odoo_invoice(1, of=pair)
    found = sales.reconcile().one("status_mismatch")
    assert found.part == "payment"
    assert found.odoo_value == "posted, Not Paid"


def test_paid_without_evidence_is_no_mismatch() -> None:
    """Every invoice over Magento's REST is state 2: that is not money."""
    sales = Sales().sold()
    pair_of_invoices(sales)
    assert sales.reconcile().types == []


@pytest.mark.parametrize(
    ("magento", "odoo", "part"),
    [
        ({"state": "3", "active": False}, {}, ""),
        ({}, {"state": "draft"}, "draft"),
        ({}, {"state": "cancel"}, "cancelled"),
    ],
)
def test_contradicting_invoice_states_are_a_finding(magento: dict, odoo: dict, part: str) -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, **magento)
    sales.odoo_invoice(1, of=invoice, **odoo)
    found = sales.reconcile()
    assert found.names == ["status_mismatch"]
    assert found.one("status_mismatch").part == part


def test_a_draft_of_ours_is_right_where_the_policy_is_draft() -> None:
    sales = Sales(invoices={"to_odoo": "draft"}).sold()
    pair_of_invoices(sales, state="draft")
    assert sales.reconcile().types == []


def test_cancelled_in_magento_and_confirmed_in_odoo_is_a_finding() -> None:
    sales = Sales().sold(state="canceled")
    assert sales.reconcile().one("status_mismatch").part == "order"


def test_cancelled_only_in_odoo_is_a_finding() -> None:
    sales = Sales()
    sales.order(1)
    sales.odoo_order(1, state="cancel")
    assert sales.reconcile().types == ["cancelled_in_odoo order M-order-1"]


def test_differing_tracking_numbers_are_a_finding() -> None:
    sales = Sales().sold()
    shipment = sales.shipment(1, tracking=["A", "B"])
    sales.delivery(1, of=shipment, tracking=["b"])
    found = sales.reconcile().one("tracking_mismatch")
    assert (found.magento_value, found.odoo_value) == ("A, B", "b")


# missing, and what stands instead


def test_every_document_without_counterpart_is_missing_once() -> None:
    sales = Sales()
    sales.order(1)
    sales.invoice(1)
    sales.shipment(1)
    sales.memo(1, {11: 1})
    found = sales.reconcile()
    assert found.names == ["missing_in_odoo"] * 4
    assert found.result.findings[0].severity == "info", "a planned change settles it"


@pytest.mark.parametrize("state", ["new", "pending_payment", "payment_review", "holded", "canceled"])
def test_orders_that_are_not_expected_in_odoo(state: str) -> None:
    sales = Sales()
    sales.order(1, state=state)
    assert sales.reconcile().types == []


@pytest.mark.parametrize("state", ["new", "holded", "canceled"])
def test_a_document_of_an_order_that_is_not_imported_is_missing_all_the_same(state: str) -> None:
    sales = Sales()
    sales.order(1, state=state)
    sales.invoice(1)
    found = sales.reconcile()
    # The other states say themselves what holds the order.
    order = ["missing_in_odoo order M-order-1"] if state == "new" else []
    assert found.types == ["missing_in_odoo invoice M-invoice-101", *order]
    assert found.result.findings[0].change is None


def test_an_order_marked_as_fraud_is_not_expected_in_odoo() -> None:
    sales = Sales()
    sales.order(1, status="fraud")
    assert sales.reconcile().types == []


def test_a_method_may_import_pending_orders() -> None:
    sales = Sales()
    sales.order(1, state="new", payment_method="prepaid")
    assert sales.reconcile().types == ["missing_in_odoo order M-order-1"]


@pytest.mark.parametrize(
    ("order", "exclude"),
    [
        ({"store_id": 7}, {"stores": [7]}),
        ({"customer_group": 3}, {"customer_groups": [3]}),
        ({"customer_email": "Bot@Test.example"}, {"email_patterns": ["*@test.example"]}),
        ({"payment_method": "card"}, {"payment_methods": ["card"]}),
        ({}, {"skus": ["SKU11"]}),
    ],
)
def test_excluded_orders_are_only_counted(order: dict, exclude: dict) -> None:
    sales = Sales(exclude=exclude)
    sales.order(1, **order)
    sales.invoice(1)
    found = sales.reconcile()
    assert found.types == []
    assert found.result.counts["excluded"] == 2


def test_a_document_missing_in_magento_is_a_finding() -> None:
    sales = Sales().sold(items={11: 3})
    invoice, picking, note = (
        sales.odoo_invoice(1, {11: 1}),
        sales.delivery(1, {11: 1}),
        sales.odoo_note(1, {11: 1}, total=7),
    )
    assert sales.reconcile().types == [
        f"missing_in_magento credit_memo O-credit_memo-{note}",
        f"missing_in_magento invoice O-invoice-{invoice}",
        f"missing_in_magento shipment O-shipment-{picking}",
    ]


def test_a_delivery_without_quantity_is_nothing() -> None:
    sales = Sales().sold()
    sales.delivery(1, {})
    assert sales.reconcile().types == []


def test_a_duplicate_equals_a_matched_document_and_finds_nothing_open() -> None:
    sales = Sales().sold()
    pair_of_invoices(sales)
    extra = sales.odoo_invoice(1)
    found = sales.reconcile()
    assert found.types == [f"duplicate invoice O-invoice-{extra}"]
    assert found.one("duplicate").odoo_amount == 200_000


def test_a_second_equal_partial_invoice_is_missing_while_quantity_is_open() -> None:
    sales = Sales().sold(items={11: 4})
    invoice = sales.invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2}, of=invoice)
    sales.odoo_invoice(1, {11: 2})
    assert sales.reconcile().names == ["missing_in_magento"]


def test_four_equal_refunds_of_one_invoice() -> None:
    """invoice/:id/refund is not locked: four parallel calls made four memos (docs/facts/magento-2.4.7.md#7)."""
    sales = Sales().sold(refunded={11: 2})
    pair_of_invoices(sales)
    memos = [sales.memo(1) for _ in range(4)]
    sales.odoo_note(1, of=memos[0])
    found = sales.reconcile()
    assert found.names == ["duplicate"] * 3 + ["over_refunded"]
    assert found.one("over_refunded").magento_amount == 800_000
    assert found.changes == []


def test_a_possible_duplicate_is_refused() -> None:
    sales = Sales()
    sales.order(1, customer_email="Ann@Example.com")
    move = sales.foreign("order", 20, customer_email="ann@example.com", created="2026-11-01 10:00")
    found = sales.reconcile()
    assert found.names == ["possible_duplicate"]
    assert found.one("possible_duplicate").odoo_id == str(move)
    assert found.changes == []


@pytest.mark.parametrize(
    "other",
    [
        {"customer_email": "bob@example.com"},
        {"customer_email": "ann@example.com", "currency": "EUR"},
        {"customer_email": "ann@example.com", "created": "2026-09-01 10:00"},
    ],
)
def test_another_customer_currency_or_time_is_no_possible_duplicate(other: dict) -> None:
    sales = Sales()
    sales.order(1, customer_email="ann@example.com")
    sales.foreign("order", 20, **other)
    assert sales.reconcile().names == ["missing_in_odoo"]


def test_a_draft_made_by_hand_waits() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1)
    sales.odoo_invoice(1, state="draft")
    found = sales.reconcile()
    assert found.types == [f"draft_waiting invoice M-invoice-{invoice}"]
    assert found.one("draft_waiting").odoo_amount == 200_000
    assert found.changes == []


@pytest.mark.parametrize(
    ("country", "days", "said"),
    [
        ("IT", None, "2026-12-02 (in 10 days)"),
        ("PL", None, "2026-12-15 (in 23 days)"),
        ("PT", None, "2026-11-27 (in 5 days)"),
        ("DE", None, ""),
        ("US", None, ""),
        ("US", 1, "2026-11-21 (1 day ago)"),
    ],
)
@pytest.mark.parametrize("by_hand", [True, False])
def test_a_draft_that_waits_says_by_when_it_must_be_issued(
    country: str, days: int | None, said: str, by_hand: bool
) -> None:
    sales = Sales(invoices={"to_odoo": "draft", "issue_within_days": days}).sold()
    sales.master = [{"key": "series", "data": {"country": country}}]
    invoice = sales.invoice(1, document_date=date(2026, 11, 20))
    sales.odoo_invoice(1, of=0 if by_hand else invoice, state="draft")
    found = sales.reconcile()
    if not said and not by_hand:
        assert found.types == []
        return
    words = found.one("draft_waiting").message
    assert f"It must be issued by {said}" in words if said else "must be issued" not in words


def test_cash_rounding_is_information_and_anything_beside_it_a_difference() -> None:
    sales = Sales().sold()
    pair_of_invoices(sales, total=20.03, cash_rounding=300)
    found = sales.reconcile()
    assert found.names == ["cash_rounding"]
    assert found.one("cash_rounding").severity == "info"
    other = Sales().sold()
    pair_of_invoices(other, total=20.53, cash_rounding=300)
    assert other.reconcile().names == ["total_mismatch"]


def test_an_invoice_whose_payment_term_lowers_its_tax_is_not_representable() -> None:
    sales = Sales().sold()
    move = sales.odoo_invoice(1, status="paid", captured=20, discounted_tax="2/10 net 30")
    found = sales.reconcile()
    assert found.types == [f"not_representable invoice O-invoice-{move}"]
    assert "payment term 2/10 net 30 lowers its tax" in found.one("not_representable").message


def test_a_magento_document_without_money_lines_is_not_representable() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1, {}, total=0)
    assert sales.reconcile().types == [f"not_representable invoice M-invoice-{invoice}"]


@pytest.mark.parametrize("line", [{"role": "other"}, {"item_key": None}, {"untaxed": 150_000}])
def test_an_odoo_invoice_with_a_foreign_line_is_not_representable(line: dict) -> None:
    sales = Sales().sold()
    move = sales.odoo_invoice(1, status="paid", captured=20)
    sales.set_line("invoice", move, **line)
    assert sales.reconcile().types == [f"not_representable invoice O-invoice-{move}"]


def test_capture_needed_instead_of_an_invoice() -> None:
    sales = Sales(invoices={"to_magento": "when_posted"}).sold(payment_method="card", amount_authorized=20)
    move = sales.odoo_invoice(1)
    found = sales.reconcile()
    assert found.types == [f"capture_needed invoice O-invoice-{move}"]
    assert found.changes == []


def test_an_invoice_reversed_before_the_push_is_information_and_writes_nothing() -> None:
    sales = Sales(payment_methods={"card": {}}).sold()
    move = sales.odoo_invoice(1, status="reversed")
    sales.odoo_note(1, parent_id=move)
    found = sales.reconcile()
    assert found.types == [f"reversed_before_push invoice O-invoice-{move}"]
    assert (found.one("reversed_before_push").severity, found.changes) == ("info", [])


@pytest.mark.parametrize("policy", ["when_paid", "when_posted"])
@pytest.mark.parametrize("linked", [True, False])
def test_of_a_reversed_invoice_and_a_new_one_only_the_new_one_is_written(policy: str, linked: bool) -> None:
    sales = Sales(invoices={"to_magento": policy}, credit_memos={"to_magento": "when_paid"}).sold()
    move = sales.odoo_invoice(1, status="reversed")
    note = sales.odoo_note(1, parent_id=move if linked else 0)
    new = sales.odoo_invoice(1, status="paid", captured=20)
    found = sales.reconcile()
    assert found.types == [
        f"missing_in_magento invoice O-invoice-{new}",
        f"reversed_before_push invoice O-invoice-{move}",
    ]
    assert found.changes == [f"magento_invoice {new}"], note


def test_under_when_posted_a_reversed_invoice_goes_first_and_its_note_after_it_while_nothing_is_open_to_ship() -> None:
    posted = {"invoices": {"to_magento": "when_posted"}, "credit_memos": {"to_magento": "when_paid"}}
    sales = Sales(**posted).sold()
    move = sales.odoo_invoice(1, status="reversed")
    sales.odoo_note(1, parent_id=move)
    found = sales.reconcile()
    assert found.changes == [f"magento_invoice {move}"]
    open_ = Sales(**posted)
    open_.order(1)
    open_.odoo_order(1, open_={11: 2})
    move = open_.odoo_invoice(1, status="reversed")
    open_.odoo_note(1, parent_id=move)
    found = open_.reconcile()
    assert found.types == [f"reversed_before_push invoice O-invoice-{move}"]
    assert "still open to ship" in (found.one("reversed_before_push").no_change_reason or "")


def test_a_correction_in_odoo_is_information() -> None:
    sales = Sales().sold()
    pair_of_invoices(sales, status="reversed")
    note = sales.odoo_note(1)
    sales.odoo_invoice(1)
    found = sales.reconcile()
    assert found.types == [f"corrected_in_odoo credit_memo O-credit_memo-{note}"]
    assert found.one("corrected_in_odoo").severity == "info"


def test_a_later_document_on_an_earlier_order_straddles_the_cut_over() -> None:
    sales = Sales(**CUT_OVER)
    sales.order(1, created=BEFORE)
    invoice = sales.invoice(1, created=AFTER)
    found = sales.reconcile()
    assert f"straddles_books_from invoice M-invoice-{invoice}" in found.types
    assert found.changes == []


def test_documents_from_before_the_cut_over_are_reported_and_never_written() -> None:
    sales = Sales(**CUT_OVER)
    sales.order(1, created=BEFORE)
    sales.invoice(1, created=BEFORE)
    found = sales.reconcile()
    assert found.names == ["missing_in_odoo"] * 2
    assert found.changes == []
    assert all("cut-over" in (each.no_change_reason or "") for each in found.result.findings)


def test_a_later_document_is_written_when_its_earlier_order_is_matched() -> None:
    sales = Sales(**CUT_OVER).sold(created=BEFORE)
    invoice = sales.invoice(1, created=AFTER)
    assert sales.reconcile().changes == [f"odoo_invoice {invoice}"]


def test_a_closed_period_holds_or_posts_in_the_open_one() -> None:
    for policy, changes in (("hold", 0), ("post_in_open_period", 1)):
        sales = Sales(closed_period=policy).sold()
        sales.invoice(1)
        sales.master.append({"model": "res.company", "key": "lock_dates", "data": {"sale_lock_date": "2026-11-30"}})
        found = sales.reconcile()
        assert found.names == ["closed_period", "missing_in_odoo"]
        assert len(found.changes) == changes
        if changes:
            assert found.change("odoo_invoice").intent.closed_period is True


# goods and refunds


def test_will_ship_too_much_counts_refunds_of_the_unshipped() -> None:
    sales = Sales()
    sales.order(1, items={11: 3}, refunded={11: 1})
    sales.odoo_order(1, open_={11: 3})
    found = sales.reconcile().one("will_ship_too_much")
    assert (found.magento_value, found.odoo_value) == ("still to ship SKU11 x 2", "open to deliver SKU11 x 3")
    assert found.severity == "critical"


def test_goods_shipped_only_in_magento_may_still_be_delivered() -> None:
    sales = Sales()
    sales.order(1, items={11: 3}, shipped={11: 2})
    sales.odoo_order(1, open_={11: 3})
    sales.shipment(1, {11: 2})
    assert "will_ship_too_much" not in sales.reconcile().names


def test_goods_delivered_only_in_odoo_count_as_shipped() -> None:
    sales = Sales()
    sales.order(1, items={11: 3})
    sales.odoo_order(1, open_={11: 2})
    sales.delivery(1, {11: 2})
    assert "will_ship_too_much" in sales.reconcile().names


def test_a_cancelled_order_is_compared_by_state_only() -> None:
    sales = Sales()
    sales.order(1, state="canceled", canceled={11: 2})
    sales.odoo_order(1, open_={11: 2})
    assert sales.reconcile().names == ["status_mismatch"]


def test_a_refund_below_zero_is_critical_and_never_written() -> None:
    sales = Sales().sold()
    pair_of_invoices(sales)
    memo = sales.memo(1, {11: 1}, total="-9995.68")
    found = sales.reconcile()
    assert found.types == [
        f"missing_in_odoo credit_memo M-credit_memo-{memo}",
        f"over_refunded credit_memo M-credit_memo-{memo}",
    ]
    assert found.changes == []


@pytest.mark.parametrize("total", ["0", "-0.0027"])
def test_a_refund_of_exactly_zero_is_written_where_its_invoice_is(total: str) -> None:
    sales = Sales().sold()
    pair_of_invoices(sales)
    memo = sales.memo(1, {11: 1}, total=total)
    found = sales.reconcile()
    assert found.types == [f"missing_in_odoo credit_memo M-credit_memo-{memo}"]
    assert [str(change) for change in found.changes] == [f"odoo_credit_note {memo}"]


def test_a_refund_of_zero_without_an_invoice_in_odoo_is_information() -> None:
    sales = Sales()
    sales.order(1, refunded={11: 1}, invoiced={11: 1})
    sales.odoo_order(1)
    memo = sales.memo(1, {11: 1}, total="0")
    found = sales.reconcile()
    assert found.types == [f"nothing_to_book credit_memo M-credit_memo-{memo}"]
    assert found.changes == []


def test_goods_returned_and_not_refunded_are_a_finding() -> None:
    sales = Sales().sold(refunded={11: 1})
    memo = sales.memo(1, {11: 1})
    sales.odoo_note(1, {11: 1}, of=memo)
    pair_of_invoices(sales)
    early = sales.returned(1, {11: 1}, created="2026-10-01 10:00")
    late = sales.returned(1, {11: 1}, created="2026-10-02 10:00")
    found = sales.reconcile().one("returned_not_refunded")
    assert found.odoo_id == str(late) != str(early)
    assert found.odoo_value == "returned SKU11 x 1"


def test_a_fresh_return_waits() -> None:
    sales = Sales().sold()
    sales.returned(1, {11: 1}, created="2026-11-20 10:00")
    assert sales.reconcile().types == []


def refunded_after_shipping(**settings: object) -> Sales:
    sales = Sales(**settings).sold(shipped={11: 2}, refunded={11: 1})
    pair_of_invoices(sales)
    shipment = sales.shipment(1)
    sales.delivery(1, of=shipment)
    memo = sales.memo(1, {11: 1}, created="2026-10-01 10:00")
    sales.odoo_note(1, {11: 1}, of=memo)
    return sales


def test_refunded_and_not_returned_is_a_finding() -> None:
    found = refunded_after_shipping().reconcile()
    assert found.names == ["refunded_not_returned"]
    assert found.changes == []


def test_a_return_resolves_the_refund_finding() -> None:
    sales = refunded_after_shipping()
    sales.returned(1, {11: 1})
    assert sales.reconcile().types == []


def test_a_refund_of_what_was_not_shipped_needs_no_return() -> None:
    sales = Sales().sold(shipped={11: 1}, refunded={11: 1})
    pair_of_invoices(sales)
    shipment = sales.shipment(1, {11: 1})
    sales.delivery(1, {11: 1}, of=shipment)
    memo = sales.memo(1, {11: 1}, created="2026-10-01 10:00")
    sales.odoo_note(1, {11: 1}, of=memo)
    assert sales.reconcile().types == []


# records


@pytest.mark.parametrize("side", ["magento", "odoo"])
def test_a_document_that_does_not_add_up_blocks_its_own_changes(side: str) -> None:
    sales = Sales().sold(payment_method="card")
    invoice = sales.invoice(1, captured=20, transaction_id="T", sound=side != "magento")
    sales.odoo_invoice(1, of=invoice, sound=side != "odoo")
    found = sales.reconcile()
    assert found.names == ["arithmetic", "status_mismatch"]
    assert found.changes == []


def test_a_document_without_order_is_a_finding() -> None:
    sales = Sales()
    sales.documents.append(sales.row("magento", "invoice", 5, 77, 10, without_order=True))
    sales.documents.append({**sales.row("odoo", "invoice", 6, 0, 12), "order_key": "odoo-6", "without_order": True})
    found = sales.reconcile()
    assert found.types == ["without_order invoice M-invoice-5", "without_order invoice O-invoice-6"]
    assert [each.order_key for each in found.result.findings] == ["77", "odoo-6"]


def test_a_deleted_document_leaves_a_survivor_that_is_not_made_again() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1)
    sales.odoo_invoice(1, of=invoice, deleted_at="2026-11-21")
    found = sales.reconcile()
    assert found.names == ["deleted"]
    assert (found.one("deleted").magento_id, found.changes) == (str(invoice), [])


def test_a_deletion_is_remembered_through_the_ended_pair() -> None:
    sales = Sales().sold()
    invoice, move = sales.invoice(1), sales.odoo_invoice(1, deleted_at="2026-11-21")
    sales.pair("invoice", 1, invoice, move, rule="assignment", ended=True)
    assert sales.reconcile().names == ["deleted"]


def test_an_unreadable_document_is_a_finding() -> None:
    sales = Sales()
    sales.quarantine.append({"side": "magento", "kind": "invoice", "source_id": "17", "reason": "not an amount: 'x'"})
    found = sales.reconcile().one("quarantined")
    assert found.document == "17"
    assert "Not an amount: 'x'" in found.message


# all


def test_every_type_is_explained() -> None:
    assert set(catalogue.CATALOGUE) == set(FindingType)
    for entry in catalogue.CATALOGUE.values():
        assert set(entry.who.split(", ")) <= {"accounting", "warehouse", "it"}
        assert entry.effect in {"receivable", "revenue", "tax", "stock", "nothing"}
        assert all((entry.title, entry.meaning, entry.why, entry.cause, entry.remedy, entry.no_change))


def test_every_finding_carries_a_change_or_the_reason_for_none() -> None:
    sales = refunded_after_shipping()
    sales.order(2)
    sales.invoice(2)
    sales.foreign("order", 20)
    for each in sales.reconcile().result.findings:
        assert (each.change is None) != (each.no_change_reason is None)
