"""Which document is whose counterpart: each situation has one defined outcome."""

from __future__ import annotations

import pytest
from reconcile_sales import Sales


def test_our_external_id_pairs_whatever_the_amounts_say() -> None:
    sales = Sales().sold()
    invoice = sales.invoice(1)
    move = sales.odoo_invoice(1, total=999, of=invoice)
    assert ("invoice", invoice, move, "external_id") in sales.reconcile().pairs


def test_the_marker_in_a_magento_comment_pairs() -> None:
    sales = Sales().sold()
    move = sales.odoo_invoice(1)
    invoice = sales.invoice(1, reference=f"magodoo:us:uuid-1:account.move:{move}")
    assert ("invoice", invoice, move, "marker") in sales.reconcile().pairs


def test_a_marker_of_another_odoo_database_says_nothing() -> None:
    sales = Sales().sold()
    move = sales.odoo_invoice(1, total=5)
    sales.invoice(1, reference=f"magodoo:us:uuid-1:account.move:{move}")
    sales.master.append({"model": "ir.config_parameter", "key": "database.uuid", "data": {"value": "uuid-2"}})
    assert {pair[0] for pair in sales.reconcile().pairs} == {"order"}


def test_another_instances_marker_says_nothing() -> None:
    sales = Sales().sold()
    move = sales.odoo_invoice(1, total=5)
    sales.invoice(1, reference=f"magodoo:de:uuid-1:account.move:{move}")
    assert {pair[0] for pair in sales.reconcile().pairs} == {"order"}


def test_the_delivery_key_pairs_a_done_picking_and_not_an_open_one() -> None:
    sales = Sales().sold()
    shipment = sales.shipment(1)
    sales.delivery(1, of=shipment, state="assigned")
    done = sales.delivery(1, of=shipment)
    assert ("shipment", shipment, done, "delivery_key") in sales.reconcile().pairs


def test_an_open_picking_that_carries_the_delivery_key_is_no_delivery_yet() -> None:
    sales = Sales().sold()
    shipment = sales.shipment(1)
    sales.delivery(1, of=shipment, state="assigned", active=False)
    assert {pair[0] for pair in sales.reconcile().pairs} == {"order"}


def test_an_order_found_by_its_number_pairs_by_reference() -> None:
    sales = Sales()
    sales.order(1)
    order = sales.odoo_order(1, ours=False)
    assert sales.reconcile().pairs == {("order", 1, order, "reference")}


def test_two_odoo_orders_with_the_same_reference_are_ambiguous() -> None:
    sales = Sales()
    sales.order(1)
    both = sales.odoo_order(1, ours=False), sales.odoo_order(1, ours=False)
    found = sales.reconcile()
    assert found.pairs == set()
    assert found.types == ["ambiguous order M-order-1"]
    assert found.one("ambiguous").detail == f"It could be {', '.join(f'S{each:05}' for each in both)}"
    assert found.changes == []


def test_of_two_odoo_orders_the_one_that_is_not_cancelled_is_matched() -> None:
    sales = Sales()
    sales.order(1)
    sales.odoo_order(1, ours=False, state="cancel")
    standing = sales.odoo_order(1, ours=False)
    assert sales.reconcile().pairs == {("order", 1, standing, "reference")}


def test_a_second_odoo_order_beside_ours_is_a_duplicate() -> None:
    sales = Sales().sold()
    sales.odoo_order(1, ours=False)
    assert sales.reconcile().names == ["duplicate"]


def test_equal_documents_without_reference_pair_by_assignment() -> None:
    sales = Sales().sold()
    invoice, move = sales.invoice(1), sales.odoo_invoice(1)
    shipment, picking = sales.shipment(1), sales.delivery(1)
    pairs = sales.reconcile().pairs
    assert {("invoice", invoice, move, "assignment"), ("shipment", shipment, picking, "assignment")} <= pairs


def test_partial_invoices_pair_by_their_quantities() -> None:
    sales = Sales().sold(items={11: 2, 12: 1})
    first, second = sales.invoice(1, {11: 1}), sales.invoice(1, {11: 1, 12: 1})
    late, early = sales.odoo_invoice(1, {11: 1, 12: 1}), sales.odoo_invoice(1, {11: 1})
    found = sales.reconcile()
    assert {("invoice", first, early, "assignment"), ("invoice", second, late, "assignment")} <= found.pairs
    assert found.types == []


def test_equal_totals_on_one_order_are_distinguished_by_their_lines() -> None:
    sales = Sales().sold(items={11: 1, 12: 1})
    of_11, of_12 = sales.invoice(1, {11: 1}), sales.invoice(1, {12: 1})
    move_12, move_11 = sales.odoo_invoice(1, {12: 1}), sales.odoo_invoice(1, {11: 1})
    pairs = sales.reconcile().pairs
    assert {("invoice", of_11, move_11, "assignment"), ("invoice", of_12, move_12, "assignment")} <= pairs


def test_two_lines_of_one_sku_stay_two_lines() -> None:
    sales = Sales().sold(items={11: 1, 12: 1})
    sales.set_line("order", 1, sku="SAME")
    invoice = sales.invoice(1, {12: 1})
    sales.set_line("invoice", invoice, sku="SAME")
    move = sales.odoo_invoice(1, {12: 1})
    assert ("invoice", invoice, move, "assignment") in sales.reconcile().pairs


def test_a_tie_is_a_finding_and_never_a_guess() -> None:
    sales = Sales().sold(items={11: 4})
    invoice = sales.invoice(1, {11: 2})
    moves = sales.odoo_invoice(1, {11: 2}), sales.odoo_invoice(1, {11: 2})
    found = sales.reconcile()
    assert found.types == [f"ambiguous invoice M-invoice-{invoice}"]
    assert found.one("ambiguous").detail == f"It could be O-invoice-{moves[0]}, O-invoice-{moves[1]}"
    assert found.one("ambiguous").no_change_reason == "Nothing is written while the match is open"


def test_two_equal_documents_on_both_sides_are_a_tie_each() -> None:
    sales = Sales().sold(items={11: 4})
    first, second = sales.invoice(1, {11: 2}), sales.invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2})
    assert sales.reconcile().types == [f"ambiguous invoice M-invoice-{each}" for each in (first, second)]


def test_two_equal_credit_memos_are_distinguished_by_odoos_reference() -> None:
    sales = Sales().sold(items={11: 4})
    first, second = sales.memo(1, {11: 1}), sales.memo(1, {11: 1})
    of_second = sales.odoo_note(1, {11: 1}, other_references=f"M-credit_memo-{second}")
    other = sales.odoo_note(1, {11: 1})
    pairs = sales.reconcile().pairs
    assert ("credit_memo", second, of_second, "reference") in pairs
    assert ("credit_memo", first, other, "assignment") in pairs


def test_a_reference_decides_nothing_when_the_total_is_another_or_the_number_is_the_order_s() -> None:
    sales = Sales().sold(items={11: 4})
    sales.invoice(1, {11: 1}, number="000000007")
    sales.invoice(1, {11: 1}, number="M-order-1")
    sales.odoo_invoice(1, {11: 1}, other_references="M-order-1")
    sales.odoo_invoice(1, {11: 1}, other_references="M-order-1")
    assert sales.reconcile().types == ["ambiguous invoice 000000007", "ambiguous invoice M-order-1"]
    other = Sales().sold(items={11: 4})
    memo = other.memo(1, {11: 2})
    note = other.odoo_note(1, {11: 1}, other_references=f"M-credit_memo-{memo}")
    assert ("credit_memo", memo, note, "reference") not in other.reconcile().pairs


def test_a_tie_in_one_place_leaves_the_rest_of_the_order_matched() -> None:
    sales = Sales().sold(items={11: 4, 12: 1})
    sales.invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2})
    sales.odoo_invoice(1, {11: 2})
    clear, move = sales.invoice(1, {12: 1}), sales.odoo_invoice(1, {12: 1})
    assert ("invoice", clear, move, "assignment") in sales.reconcile().pairs


def test_a_person_resolves_a_tie() -> None:
    sales = Sales().sold(items={11: 2})
    invoice = sales.invoice(1)
    extra, right = sales.odoo_invoice(1), sales.odoo_invoice(1)
    sales.pair("invoice", 1, invoice, right)
    found = sales.reconcile()
    assert ("invoice", invoice, right, "confirmed") in found.pairs
    assert found.types == [f"duplicate invoice O-invoice-{extra}"]


def test_an_existing_match_is_kept_when_an_equal_document_arrives_later() -> None:
    sales = Sales().sold()
    invoice, move = sales.invoice(1), sales.odoo_invoice(1)
    sales.pair("invoice", 1, invoice, move, rule="assignment")
    sales.odoo_invoice(1)
    assert ("invoice", invoice, move, "assignment") in sales.reconcile().pairs


def test_shipments_pair_by_tracking_number_first() -> None:
    sales = Sales().sold(items={11: 2})
    one, two = sales.shipment(1, {11: 1}, tracking=["A"]), sales.shipment(1, {11: 1}, tracking=["B"])
    of_two, of_one = sales.delivery(1, {11: 1}, tracking=["b "]), sales.delivery(1, {11: 1}, tracking=["A"])
    pairs = sales.reconcile().pairs
    assert {("shipment", one, of_one, "tracking"), ("shipment", two, of_two, "tracking")} <= pairs


def test_a_dynamic_bundle_shipped_by_its_parent_equals_its_children() -> None:
    sales = Sales()
    sales.order(1, items={10: 2, 11: 4, 12: 2}, total=60)
    for line in sales.lines:
        parent = line["item_key"] == "10"
        line.update(product_type="bundle" if parent else "simple", is_money=not parent)
        line.update({} if parent else {"parent_item_key": "10"})
    sales.odoo_order(1, items={11: 4, 12: 2})
    shipment, picking = sales.shipment(1, {10: 1}), sales.delivery(1, {11: 2, 12: 1})
    assert ("shipment", shipment, picking, "assignment") in sales.reconcile().pairs
    assert sales.reconcile().types == []


def test_a_configurables_child_row_does_not_count() -> None:
    sales = Sales().sold()
    invoice, move = sales.invoice(1), sales.odoo_invoice(1)
    child = {**sales.lines[-2], "item_key": "99", "is_money": False}
    sales.lines.append(child)
    assert ("invoice", invoice, move, "assignment") in sales.reconcile().pairs


def test_an_invoice_split_in_two_in_odoo_is_reported_and_nothing_is_written() -> None:
    sales = Sales().sold(items={11: 2})
    invoice = sales.invoice(1, {11: 2})
    halves = [sales.odoo_invoice(1, {11: 1}), sales.odoo_invoice(1, {11: 1})]
    found = sales.reconcile()
    assert found.types == [
        *(f"missing_in_magento invoice O-invoice-{half}" for half in halves),
        f"missing_in_odoo invoice M-invoice-{invoice}",
    ]
    assert found.changes == []
    why = found.one("missing_in_odoo").no_change_reason or ""
    assert all(f"O-invoice-{half} (matched with nothing in Magento)" in why for half in halves)


def test_the_only_mutually_exclusive_documents_are_matched() -> None:
    sales = Sales().sold(items={11: 2})
    shipment, picking = sales.shipment(1, {11: 1}), sales.delivery(1, {11: 2})
    found = sales.reconcile()
    assert ("shipment", shipment, picking, "assignment") in found.pairs
    assert found.types == [f"quantity_mismatch shipment M-shipment-{shipment}"]


def test_documents_that_are_both_possible_are_counted_as_two() -> None:
    sales = Sales().sold(items={11: 3})
    sales.shipment(1, {11: 1}, tracking=["A"])
    sales.delivery(1, {11: 2}, tracking=["B"])
    assert sales.reconcile().changes == ["odoo_delivery 102", "magento_shipment 103"]


def test_equal_totals_of_other_items_are_other_documents() -> None:
    sales = Sales().sold(items={11: 1, 12: 1})
    sales.invoice(1, {11: 1})
    sales.odoo_invoice(1, {12: 1}, status="paid", captured=10)
    assert sales.reconcile().changes == ["odoo_invoice 102", "magento_invoice 103"]


def test_credit_memos_round_their_four_decimals_to_the_currency() -> None:
    sales = Sales().sold()
    memo, note = sales.memo(1, total="11.4190"), sales.odoo_note(1, total="11.42")
    found = sales.reconcile()
    assert ("credit_memo", memo, note, "assignment") in found.pairs
    assert "total_mismatch" not in found.names and "rounding" not in found.names


def test_a_document_of_another_order_is_no_candidate() -> None:
    sales = Sales().sold(1).sold(2)
    sales.invoice(1, {11: 2})
    sales.odoo_invoice(2, {11: 2})
    assert {pair[0] for pair in sales.reconcile().pairs} == {"order"}


@pytest.mark.parametrize("kind", ["invoice", "credit_memo"])
def test_two_magento_documents_with_the_same_marker_pair_once(kind: str) -> None:
    sales = Sales().sold()
    move = (sales.odoo_invoice if kind == "invoice" else sales.odoo_note)(1)
    make = sales.invoice if kind == "invoice" else sales.memo
    first, second = (make(1, reference=f"magodoo:us:u:account.move:{move}") for _ in range(2))
    found = sales.reconcile()
    assert (kind, first, move, "marker") in found.pairs
    assert second not in {pair[1] for pair in found.pairs if pair[0] == kind}
    assert f"duplicate {kind} M-{kind}-{second}" in found.types


def consolidated(**share: object) -> tuple[Sales, list[int]]:
    """One Odoo invoice over orders 1 and 2."""
    sales = Sales().sold(1).sold(2)
    invoices = [sales.invoice(1), sales.invoice(2)]
    move = sales.odoo_invoice(1, {11: 2, 21: 2}, consolidated=True)
    sales.set_line("invoice", move, **share)
    return sales, [*invoices, move]


def test_a_consolidated_invoice_matches_by_its_share_per_order() -> None:
    sales, _ = consolidated()
    assert sales.reconcile().types == []


def test_a_share_that_differs_is_reported_on_both_sides_and_nothing_is_written() -> None:
    sales, (first, second, move) = consolidated(untaxed=190_000)
    found = sales.reconcile()
    assert found.types == [
        f"missing_in_odoo invoice M-invoice-{first}",
        f"missing_in_odoo invoice M-invoice-{second}",
        f"not_representable invoice O-invoice-{move}",
    ]
    assert found.changes == []


def test_a_share_is_found_through_the_order_line_that_it_invoices() -> None:
    sales, (_, _, move) = consolidated()
    for line in sales.lines:
        if line["side"] == "odoo" and line["kind"] in ("order", "invoice"):
            line["own_item_id"] = f"9{line['item_key']}"
        if line["source_id"] == str(move) and line["item_key"] == "21":
            line.update(item_key=None, role="other")
    assert sales.reconcile().types == []


def test_a_gift_that_was_added_by_hand_makes_no_share_another_one() -> None:
    sales, (*_, move) = consolidated()
    gift = {
        "item_key": None,
        "own_item_id": "991",
        "sku": "GIFT",
        "role": "other",
        "quantity": 10_000,
        "gross": 0,
        "untaxed": 0,
    }
    order = next(line for line in sales.lines if line["side"] == "odoo" and line["kind"] == "order")
    invoice = next(line for line in sales.lines if line["source_id"] == str(move))
    sales.lines += [{**order, **gift}, {**invoice, **gift}]
    assert [name for name in sales.reconcile().types if "invoice" in name] == []


def test_an_order_of_a_consolidated_invoice_that_magento_has_not_invoiced_is_not_representable() -> None:
    sales = Sales().sold(1).sold(2)
    sales.invoice(1)
    move = sales.odoo_invoice(1, {11: 2, 21: 2}, consolidated=True, status="paid", captured=40)
    found = sales.reconcile()
    assert found.types == [f"not_representable invoice O-invoice-{move}"]
    assert found.changes == []


def test_a_consolidated_invoice_that_was_cancelled_covers_no_invoice_of_its_orders() -> None:
    sales = Sales().sold(1).sold(2)
    invoices = [sales.invoice(1), sales.invoice(2)]
    sales.odoo_invoice(1, {11: 2, 21: 2}, consolidated=True, state="cancel")
    found = sales.reconcile()
    assert found.types == [f"missing_in_odoo invoice M-invoice-{invoice}" for invoice in invoices]
    assert len(found.changes) == 2


def test_invoices_of_shipping_alone_pair_by_their_total() -> None:
    sales = Sales().sold()
    invoice, move = sales.invoice(1, {}, total=5), sales.odoo_invoice(1, {}, total=5)
    assert ("invoice", invoice, move, "assignment") in sales.reconcile().pairs


def test_a_pair_that_lost_a_document_pairs_nothing_when_that_is_back() -> None:
    sales = Sales().sold(items={11: 1, 12: 1})
    invoice, move = sales.invoice(1, {11: 1}), sales.odoo_invoice(1, {12: 1}, total=99)
    sales.pair("invoice", 1, invoice, move, rule="assignment", ended=True)
    assert {pair[0] for pair in sales.reconcile().pairs} == {"order"}
    sales.pair("invoice", 1, invoice, move)
    assert ("invoice", invoice, move, "confirmed") in sales.reconcile().pairs


def test_a_pair_whose_document_is_gone_is_no_pair() -> None:
    sales = Sales().sold()
    invoice, move = sales.invoice(1), sales.odoo_invoice(1, deleted_at="2026-11-21")
    sales.pair("invoice", 1, invoice, move)
    assert {pair[0] for pair in sales.reconcile().pairs} == {"order"}
