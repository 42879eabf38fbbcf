"""The measured route from Magento's documents to Odoo's, step by step and every step twice (docs/facts/pair.md#3 to #6)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from odoo_shop import LINES, MODULE, MOVE_FIELDS, Line, Shop
from sandbox_backend import SandboxBackend

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.deliveries import Delivery
from magodoo.errors import FixDocument, MagodooError
from magodoo.flows.load_tables import CompanyAmounts, Draft, Table, complete, unequal_in_company
from magodoo.money import dump_json, parse_json
from magodoo_devstack.live_odoo import LiveOdoo

Backend = LiveOdoo | SandboxBackend


def amounts(row: dict) -> tuple[Decimal, Decimal, Decimal]:
    return row["amount_untaxed"], row["amount_tax"], row["amount_total"]


def test_an_order_is_created_once_with_magentos_amounts(client: OdooClient, shop: Shop) -> None:
    shop.load_partner()
    rows = shop.order_rows(1, (*LINES, Line("SHIPPING", "1", "5.00", "5.00")))
    first = shop.load_orders(rows)
    second = shop.load_orders(rows)
    assert first.ids == second.ids
    (order,) = client.documents.by_ids("order", list(first.ids.values())).rows
    # Before 19 an order cannot carry a tax: Odoo's own is there, and the pipeline does not confirm it.
    cent = 0 if client.rpc.has_field("sale.order.line", "extra_tax_data") else Decimal("0.01")
    assert amounts(order) == (Decimal("82.29"), Decimal("6.37") + cent, Decimal("88.66") + cent)
    assert len(order["order_line"]) == 3
    assert order["external_id"] == f"{MODULE}.order_1"
    assert [line["external_id"] for line in order["order_line"]] == [f"{MODULE}.oi_1_{index}" for index in range(3)]
    assert order["currency_id"]["name"] == "USD"


def test_confirming_twice_confirms_once_and_the_order_date_can_be_restored(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    assert client.orders.confirm([order]).ids == [order]
    client.orders.set_dates({order: datetime(2026, 11, 20, 10, tzinfo=UTC)})
    (row,) = client.documents.by_ids("order", [order]).rows
    assert (row["state"], row["date_order"]) == ("sale", "2026-11-20 10:00:00")
    assert len(client.deliveries.open_transfers([order])) == 1


def test_an_order_is_cancelled_once_and_its_delivery_with_it(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    assert client.orders.cancel([order]).ids == [order]
    assert client.orders.cancel([order]).ids == [order]
    assert client.deliveries.open_transfers([order]) == []
    (picking,) = client.documents.by_order_ids("shipment", [order]).rows
    assert picking["state"] == "cancel"


def test_an_invoice_is_posted_and_paid_once_to_the_cent(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    rows = shop.move_rows(1, 1)
    drafts = [shop.load_moves(rows).ids for _ in range(2)]
    assert drafts[0] == drafts[1]
    (move,) = drafts[0].values()
    assert client.invoices.post([move]).ids == client.invoices.post([move]).ids == [move]
    assert shop.load_moves(rows).ids == drafts[0]

    loads = [shop.load_payments(shop.payment_rows(move, 1, "83.66")).ids for _ in range(2)]
    assert loads[0] == loads[1]
    (payment,) = loads[0].values()
    assert client.payments.post([payment]).ids == client.payments.post([payment]).ids == [payment]
    for _ in range(2):
        after = client.payments.reconcile_one(payment, move)
        assert (after["payment_state"], after["amount_residual"]) == ("paid", 0)

    (invoice,) = client.documents.by_order_ids("invoice", [order]).rows
    assert amounts(invoice) == (Decimal("77.29"), Decimal("6.37"), Decimal("83.66"))
    assert invoice["external_id"] == f"{MODULE}.inv_1"
    assert [paid["amount"] for paid in invoice["matched_payment_ids"]] == [Decimal("83.66")]
    assert invoice["invoice_line_ids"][0]["sale_line_ids"][0]["external_id"] == f"{MODULE}.oi_1_0"
    (paid,) = client.documents.by_order_ids("payment", [order]).rows
    assert (paid["id"], paid["state"], paid["external_id"]) == (payment, "paid", f"{MODULE}.pay_inbound_1")
    (sold,) = client.documents.by_ids("order", [order]).rows
    assert sold["invoice_status"] == "invoiced"


def test_a_payment_that_was_matched_afterwards_is_found_by_the_order_of_its_invoice(
    client: OdooClient, shop: Shop
) -> None:
    order = shop.confirmed_order(1)
    move = shop.posted_invoice(1, 1)
    unlinked = [[*row[:-1], ""] for row in shop.payment_rows(move, 1, "83.66")]
    (payment,) = shop.load_payments(unlinked).ids.values()
    client.payments.post([payment])
    assert client.documents.by_order_ids("payment", [order]).rows == []
    assert client.payments.reconcile_one(payment, move)["payment_state"] == "paid"
    assert [row["id"] for row in client.documents.by_order_ids("payment", [order]).rows] == [payment]


def test_a_partial_delivery_leaves_a_backorder_and_carries_key_and_tracking(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    first = shop.shipped(order, {"SKU-A": "2", "SKU-B": "3"}, key="m:shipment_1", tracking="1Z1, 1Z2")
    assert client.deliveries.validate([first]).ids == [first]
    (backorder,) = client.deliveries.open_transfers([order])
    assert backorder["backorder_id"]["id"] == first
    assert [(move["product_id"]["default_code"], move["product_uom_qty"]) for move in backorder["move_ids"]] == [
        ("SKU-B", 4)
    ]
    second = shop.shipped(order, {"SKU-B": "4"}, key="m:shipment_2")
    page = client.documents.by_order_ids("shipment", [order])
    shipped = {row["id"]: row for row in page.rows}
    assert shipped[first]["x_magento_key"] == "m:shipment_1"
    assert shipped[first]["carrier_tracking_ref"] == "1Z1, 1Z2"
    assert {move["sale_line_id"]["external_id"] for move in shipped[first]["move_ids"]} == {
        f"{MODULE}.oi_1_0",
        f"{MODULE}.oi_1_1",
    }
    assert shipped[second]["state"] == "done"
    client.deliveries.set_tracking({first: Delivery("1Z9")})
    (changed,) = client.documents.by_ids("shipment", [first]).rows
    assert (changed["carrier_tracking_ref"], changed["x_magento_key"]) == ("1Z9", "m:shipment_1")


def test_a_delivery_without_backorder_cancels_the_rest(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    (picking,) = client.deliveries.open_transfers([order])
    moves = {move["product_id"]["default_code"]: move["id"] for move in picking["move_ids"]}
    client.deliveries.set_quantities({moves["SKU-A"]: Decimal(2), moves["SKU-B"]: Decimal(0)})
    assert client.deliveries.validate([picking["id"]], backorder=False).ids == [picking["id"]]
    assert client.deliveries.open_transfers([order]) == []


def test_a_return_is_made_once_per_key_and_lowers_what_was_delivered(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    picking = shop.shipped(order, {"SKU-A": "2", "SKU-B": "7"})
    (done,) = client.documents.by_ids("shipment", [picking]).rows
    move = next(move["id"] for move in done["move_ids"] if move["product_id"]["default_code"] == "SKU-B")
    back = client.deliveries.create_return(picking, {move: Decimal(2)}, key="m:return_1")
    assert client.deliveries.create_return(picking, {move: Decimal(2)}, key="m:return_1") == back
    assert client.deliveries.validate([back]).ids == [back]
    (row,) = client.documents.by_order_ids("return", [order]).rows
    assert (row["id"], row["state"], row["return_id"]["id"], row["x_magento_key"]) == (
        back,
        "done",
        picking,
        "m:return_1",
    )
    assert [(item["quantity"], item["to_refund"]) for item in row["move_ids"] if item["state"] == "done"] == [
        (2, False)
    ]
    with pytest.raises(FixDocument, match="cannot be returned"):
        client.deliveries.create_return(picking, {999999: Decimal(1)})


def test_a_credit_note_reverses_is_paid_out_and_leaves_nothing_to_invoice(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    invoice = shop.posted_invoice(1, 1)
    lines = (
        Line("SKU-B", "2", "5.33", "10.66", "0.88"),
        Line("ADJ-PLUS", "1", "3.00", "3.00"),
        Line("ADJ-MINUS", "1", "-1.00", "-1.00"),
    )
    rows = shop.move_rows(1, 1, lines, kind="out_refund", reversed_entry=f"{MODULE}.inv_1")
    (memo,) = shop.load_moves(rows).ids.values()
    assert client.invoices.post([memo]).ids == [memo]
    (row,) = client.documents.by_order_ids("credit_memo", [order]).rows
    assert amounts(row) == (Decimal("12.66"), Decimal("0.88"), Decimal("13.54"))
    assert row["reversed_entry_id"]["external_id"] == f"{MODULE}.inv_1"
    (sold,) = client.documents.by_ids("order", [order]).rows
    assert sold["invoice_status"] == "invoiced"
    (original,) = client.documents.by_ids("invoice", [invoice]).rows
    assert original["payment_state"] == "partial"


def test_a_refund_payment_pays_out_a_credit_note_of_a_paid_invoice(client: OdooClient, shop: Shop) -> None:
    shop.confirmed_order(1)
    invoice = shop.posted_invoice(1, 1)
    (payment,) = shop.load_payments(shop.payment_rows(invoice, 1, "83.66")).ids.values()
    client.payments.post([payment])
    client.payments.reconcile_one(payment, invoice)
    rows = shop.move_rows(
        1, 1, (Line("SKU-B", "2", "5.33", "10.66", "0.88"),), kind="out_refund", reversed_entry=f"{MODULE}.inv_1"
    )
    (memo,) = shop.load_moves(rows).ids.values()
    client.invoices.post([memo])
    (out,) = shop.load_payments(shop.payment_rows(memo, 1, "11.54", inbound=False)).ids.values()
    client.payments.post([out])
    assert client.payments.reconcile_one(out, memo)["payment_state"] == "paid"


def test_a_foreign_invoice_has_magentos_amounts_in_both_currencies(client: OdooClient, shop: Shop) -> None:
    shop.load_partner()
    loaded = shop.load_orders(shop.order_rows(1, currency="EUR"))
    client.orders.confirm(list(loaded.ids.values()))
    move = shop.posted_invoice(1, 1, currency="EUR", rate="0.92")
    (invoice,) = client.documents.by_ids("invoice", [move]).rows
    assert invoice["currency_id"]["name"] == "EUR"
    assert amounts(invoice) == (Decimal("77.29"), Decimal("6.37"), Decimal("83.66"))
    # 39.98 / .92 + 37.31 / .92 and 3.30 / .92 + 3.07 / .92, each line rounded as Magento's base amounts are
    assert (invoice["amount_untaxed_signed"], invoice["amount_tax_signed"]) == (Decimal("84.01"), Decimal("6.93"))
    (order,) = client.documents.by_ids("order", list(loaded.ids.values())).rows
    assert order["currency_id"]["name"] == "EUR"


def test_a_tax_is_forced_before_posting_where_lines_cannot_carry_it(client: OdooClient, shop: Shop) -> None:
    shop.confirmed_order(1)
    rows = [[*row[:16], "", row[17]] for row in shop.move_rows(1, 1)]
    (move,) = client.invoices.create(*shop.fitted("account.move", MOVE_FIELDS, rows)).ids.values()
    (draft,) = client.documents.by_ids("invoice", [move]).rows
    assert draft["amount_tax"] == Decimal("6.38")
    client.invoices.force_taxes(move, {shop.tax: Decimal("6.37")})
    client.invoices.post([move])
    (posted,) = client.documents.by_ids("invoice", [move]).rows
    assert amounts(posted) == (Decimal("77.29"), Decimal("6.37"), Decimal("83.66"))
    with pytest.raises(FixDocument, match="other tax lines"):
        client.invoices.force_taxes(move, {shop.tax: Decimal("6.37"), 10**6: Decimal(1)})


def test_a_lock_date_moves_the_accounting_date_and_can_be_read_before(
    client: OdooClient, admin: OdooClient, shop: Shop
) -> None:
    shop.confirmed_order(1)
    admin.rpc.write_call("res.company", "write", ids=[admin.rpc.company_id], vals={"sale_lock_date": "2026-10-31"})
    assert {name: str(day) for name, day in client.company.lock_dates().items()} == {"sale_lock_date": "2026-10-31"}
    move = shop.posted_invoice(1, 1, day="2026-10-15")
    (invoice,) = client.documents.by_ids("invoice", [move]).rows
    assert invoice["invoice_date"] == "2026-10-15"
    assert invoice["date"] > "2026-10-31"


def test_one_invalid_record_of_a_batch_is_named_and_the_others_are_saved(client: OdooClient, shop: Shop) -> None:
    shop.load_partner()
    broken = shop.order_rows(2)
    broken[1][7] = "99999999"
    rows = [*shop.order_rows(1), *broken, *shop.order_rows(3)]
    loaded = shop.load_orders(rows)
    assert sorted(loaded.ids) == [f"{MODULE}.order_1", f"{MODULE}.order_3"]
    assert "No matching record found" in str(loaded.refused[f"{MODULE}.order_2"])
    # Odoo's cache may keep the id of the record that was taken back: then it is said to be hidden, and is none of those found.
    assert client.external_ids.find([*loaded.ids, f"{MODULE}.order_2"], hidden={}) == loaded.ids


def test_one_move_that_cannot_be_posted_does_not_hold_up_the_others(client: OdooClient, shop: Shop) -> None:
    shop.confirmed_order(1)
    rows = shop.move_rows(1, 1)
    empty = [f"{MODULE}.inv_2", *rows[0][1:9], *[""] * (len(MOVE_FIELDS) - 9)]
    loaded = shop.load_moves([*rows, empty])
    good, bad = loaded.ids[f"{MODULE}.inv_1"], loaded.ids[f"{MODULE}.inv_2"]
    done = client.invoices.post([bad, good])
    assert done.ids == [good]
    word = "post nothing" if client.rpc.version.major >= 19 else "need to add a line"
    assert word in str(done.refused[bad])


def test_a_picking_with_nothing_to_ship_is_refused_with_odoos_words(client: OdooClient, shop: Shop) -> None:
    order = shop.confirmed_order(1)
    (picking,) = client.deliveries.open_transfers([order])
    client.deliveries.set_quantities({move["id"]: Decimal(0) for move in picking["move_ids"]})
    done = client.deliveries.validate([picking["id"]])
    assert done.ids == []
    word = "zero quantity" if client.rpc.version.major >= 19 else "no quantities are reserved"
    assert word in str(done.refused[picking["id"]])


def test_a_payment_in_company_currency_settles_a_foreign_invoice_at_the_invoice_s_own_rate(
    client: OdooClient, shop: Shop
) -> None:
    """docs/business-rules.md#payments: the currency charged. At Odoo's own rate of the day a residue would stay.

    At the rate of charge and document, the rest of another charge is an exchange difference, which 18 books only for some.
    """
    shop.load_partner()
    settled = {}
    cases = [
        ("0.92", "", True),
        ("0.95", "", True),
        ("0.9", "", True),
        ("0.95", "90.95", True),
        ("0.92", "70", True),
        ("0.95", "", False),
    ]
    for number, (rate, charged, forced) in enumerate(cases):
        rows = [list(row) for row in shop.move_rows(number, number, currency="EUR", rate=rate)]
        for row in rows:
            row[MOVE_FIELDS.index("invoice_line_ids/sale_line_ids/id")] = ""
            row[MOVE_FIELDS.index("invoice_line_ids/extra_tax_data")] = ""
        (move,) = shop.load_moves(rows).ids.values()
        client.invoices.post([move])
        (invoice,) = client.documents.by_ids("invoice", [move]).rows
        paid = Decimal(charged or invoice["amount_total_signed"])
        (payment,) = shop.load_payments(shop.payment_rows(move, number, f"{paid}")).ids.values()
        client.payments.post([payment])
        try:
            after = client.payments.reconcile_one(
                payment, move, rate=invoice["amount_total"] / paid if forced else None
            )
        except MagodooError as problem:
            settled[rate, charged, forced] = type(problem).__name__
        else:
            settled[rate, charged, forced] = (after["payment_state"], after["amount_residual"])
    may = client.installation.may_book_exchange_differences()
    assert may == (client.rpc.version.major >= 19)
    assert {settled[rate, "", True] for rate in ("0.92", "0.95", "0.9")} == {("paid", 0)}
    assert {settled["0.95", "90.95", True], settled["0.92", "70", True]} == {("paid", 0) if may else "Forbidden"}
    assert settled["0.95", "", False] != ("paid", 0)


SHIPPED = (*LINES, Line("SHIPPING", "1", "4.69", "4.69"))  # 5.11 in Magento; at 0.92 Odoo makes it 5.10


@pytest.mark.parametrize("kind", ["out_invoice", "out_refund"])
def test_company_amounts_are_forced_to_the_cent_on_lines_with_and_without_tax(
    client: OdooClient, shop: Shop, kind: str
) -> None:
    shop.load_partner()
    rows = shop.move_rows(1, 1, SHIPPED, kind=kind, currency="EUR", rate="0.92")
    for row in rows:
        row[MOVE_FIELDS.index("invoice_line_ids/sale_line_ids/id")] = ""
    table = Table("account.move", MOVE_FIELDS, tuple(map(tuple, rows)))
    nets = dict(
        zip((row[MOVE_FIELDS.index("invoice_line_ids/id")] for row in rows), (434_600, 405_500, 51_100), strict=True)
    )
    draft = Draft(table, CompanyAmounts(891_200, 69_300, "USD", nets))
    (move,) = client.invoices.create(*shop.fitted("account.move", MOVE_FIELDS, rows)).ids.values()
    word = "invoice" if kind == "out_invoice" else "credit_memo"
    (loaded,) = client.documents.by_ids(word, [move]).rows
    assert unequal_in_company(loaded, draft) is not None
    complete(client, {move: draft})
    client.invoices.post([move])
    (posted,) = client.documents.by_ids(word, [move]).rows
    assert amounts(posted) == (Decimal("81.98"), Decimal("6.37"), Decimal("88.35"))
    signed = [abs(posted[f"amount_{name}_signed"]) for name in ("untaxed", "tax", "total")]
    assert signed == [Decimal("89.12"), Decimal("6.93"), Decimal("96.05")]
    assert unequal_in_company(posted, draft) is None


def test_at_odoo_s_own_rate_only_the_amounts_in_the_document_s_currency_are_forced(
    client: OdooClient, shop: Shop
) -> None:
    shop.load_partner()
    rows = [list(row) for row in shop.move_rows(1, 1, SHIPPED, currency="EUR", rate="0.92")]
    extra, link, rate = (
        MOVE_FIELDS.index(name)
        for name in ("invoice_line_ids/extra_tax_data", "invoice_line_ids/sale_line_ids/id", "invoice_currency_rate")
    )
    for row in rows:
        row[link] = ""
        if row[extra]:
            forced = parse_json(row[extra])
            del forced["rate"], forced["manual_total_excluded"]
            for tax in forced["manual_tax_amounts"].values():
                del tax["base_amount"], tax["tax_amount"]
            row[extra] = dump_json(forced)
        del row[rate]
    fields = tuple(name for name in MOVE_FIELDS if name != "invoice_currency_rate")
    (move,) = client.invoices.create(*shop.fitted("account.move", fields, rows)).ids.values()
    draft = Draft(Table("account.move", fields, tuple(map(tuple, rows))))
    if client.rpc.version.major < 19:
        complete(client, {move: draft})
    client.invoices.post([move])
    (posted,) = client.documents.by_ids("invoice", [move]).rows
    assert amounts(posted) == (Decimal("81.98"), Decimal("6.37"), Decimal("88.35"))
    assert unequal_in_company(posted, draft) is None
    own = posted["amount_total"] / posted["invoice_currency_rate"]
    assert abs(posted["amount_total_signed"] - own) <= Decimal("0.03"), "a rounding for each line and the tax"


def test_the_credit_left_counts_open_invoices_and_confirmed_orders(
    client: OdooClient, admin: OdooClient, shop: Shop
) -> None:
    """docs/business-rules.md#credit-memos: over the credit limit an order stays a quotation."""
    order = shop.confirmed_order(1)
    (row,) = client.documents.by_ids("order", [order]).rows
    partner = row["partner_id"]["id"]
    admin.rpc.write_call("res.partner", "write", ids=[partner], vals={"credit_limit": 200})
    assert client.customers.credit_left([partner]) == {}, "the company uses no limits"
    admin.rpc.write_call("res.company", "write", ids=[1], vals={"account_use_credit_limit": True})
    assert client.customers.credit_left([partner]) == {partner: (partner, 200 - row["amount_total"])}
    (move,) = shop.load_moves(shop.move_rows(1, 1)).ids.values()
    client.invoices.post([move])
    (invoice,) = client.documents.by_ids("invoice", [move]).rows
    assert client.customers.credit_left([partner]) == {partner: (partner, 200 - invoice["amount_total"])}


def test_of_pick_pack_and_ship_only_the_last_step_is_a_shipment(
    client: OdooClient, admin: OdooClient, shop: Shop, odoo: Backend
) -> None:
    """docs/business-rules.md#deliveries. The sandbox has one step only."""
    if isinstance(odoo, SandboxBackend):
        pytest.skip("the sandbox Odoo delivers in one step")
    warehouse = admin.rpc.call("stock.warehouse", "search", domain=[["company_id", "=", 1]], limit=1)
    admin.rpc.write_call("stock.warehouse", "write", ids=warehouse, vals={"delivery_steps": "pick_pack_ship"})
    order = shop.confirmed_order(1)
    for _ in range(2):
        assert [
            row["state"] for row in client.documents.by_order_ids("shipment", [order]).rows if row["state"] == "done"
        ] == []
        waiting = [["sale_id", "=", order], ["state", "=", "assigned"], ["picking_type_code", "=", "internal"]]
        (step,) = admin.rpc.call("stock.picking", "search", domain=waiting)
        admin.rpc.write_call("stock.picking", "button_validate", ids=[step], context={"skip_sms": True})
    (last,) = client.deliveries.open_transfers([order])
    assert [move["product_id"]["default_code"] for move in last["move_ids"]] == ["SKU-A", "SKU-B"]
    shop.shipped(order, {"SKU-A": "2", "SKU-B": "7"})
    assert [row["state"] for row in client.documents.by_order_ids("shipment", [order]).rows] == ["done"]
    (row,) = client.documents.by_ids("order", [order]).rows
    assert [line["qty_delivered"] for line in row["order_line"]] == [2, 7]


def test_a_kit_s_moves_bring_other_products_than_its_line_which_counts_kits(
    client: OdooClient, admin: OdooClient, shop: Shop, odoo: Backend
) -> None:
    """docs/business-rules.md#deliveries: needs the module mrp, which the sandbox does not have."""
    if isinstance(odoo, SandboxBackend):
        pytest.skip("the sandbox Odoo has no bills of materials")
    (module,) = admin.rpc.call("ir.module.module", "search", domain=[["name", "=", "sale_mrp"]])
    admin.rpc.write_call("ir.module.module", "button_immediate_install", ids=[module])
    templates = admin.rpc.call("product.product", "read", ids=[shop.products["SKU-B"]], fields=["product_tmpl_id"])
    component = {"product_id": shop.products["SKU-A"], "product_qty": 2}
    kit = {
        "product_tmpl_id": templates[0]["product_tmpl_id"][0],
        "type": "phantom",
        "bom_line_ids": [[0, 0, component]],
    }
    admin.rpc.write_call("mrp.bom", "create", vals_list=[kit])
    order = shop.confirmed_order(1)
    (picking,) = client.deliveries.open_transfers([order])
    sold = {move["sale_line_id"]["product_id"]["id"] for move in picking["move_ids"]}
    assert sold == {shop.products["SKU-A"], shop.products["SKU-B"]}
    assert {move["product_id"]["id"] for move in picking["move_ids"]} == {shop.products["SKU-A"]}
    client.deliveries.set_quantities({move["id"]: move["product_uom_qty"] for move in picking["move_ids"]})
    assert client.deliveries.validate([picking["id"]]).ids == [picking["id"]]
    (row,) = client.documents.by_ids("order", [order]).rows
    assert [line["qty_delivered"] for line in row["order_line"]] == [2, 7], "kits, not components"
