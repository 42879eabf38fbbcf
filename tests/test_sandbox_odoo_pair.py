"""The sandbox Odoo answers the recorded route from a shop's documents to Odoo as the live Odoo 19 answered it.

Orders, invoices, payments, deliveries and credit notes of a whole shop are loaded with the recorded bodies, and every
amount, number, state and id that comes back must be the recorded one; then the refusals, lock dates and currencies.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from sandbox_odoo_replay import RECORDINGS, Story

from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo.installation import install

D = Decimal


@pytest.fixture(scope="module")
def story() -> Story:
    db = OdooDatabase()
    install(db)
    story = Story("pair", db)
    provision(story)
    play_route(story)
    play_returns(story)
    play_forced_taxes(story)
    play_currencies(story)
    play_refusals(story)
    play_lock_dates(story)
    return story


def provision(s: Story) -> None:
    s.at("2026-11-22 10:11:43")
    s.db.tables["res.users"][5]["group_ids"] = [5, 7, 10]
    s.play("001_activate_eur", "admin")
    s.play("002_currency_rate_create", "admin")
    s.play("003_tax_create", "admin")
    s.do("account.tax", "create", vals_list=[{"name": "DE 19%", "amount": 19, "type_tax_use": "sale"}])
    s.play("004_products_create", "admin")
    s.play("005_pricelist_create_USD", "admin")
    s.play("005_pricelist_create_EUR", "admin")
    services = ("SHIPPING", "ADJ-PLUS", "ADJUST", "ADJ-MINUS", "SHIPDISC")
    vals = [{"name": name, "default_code": name, "type": "service", "taxes_id": []} for name in services]
    s.do("product.product", "create", vals_list=vals)
    stored = [i for i in range(2, 17) if i != 10]
    quants = [{"product_id": i, "location_id": 5, "inventory_quantity": 2000} for i in stored]
    s.do("stock.quant", "action_apply_inventory", ids=s.do("stock.quant", "create", vals_list=quants))
    s.do("delivery.carrier", "create", vals_list=[{"name": "Flat Rate - Fixed", "product_id": 17}])
    denied = ("partner", "product", "tax", "pricelist", "rate", "journal", "carrier")
    for number, what in enumerate(denied, start=10):
        s.play(f"0{number}_sync_{what}_create_denied")
    s.play("017_sync_currency_read")
    s.play("018_admin_gives_partner_manager", "admin")
    s.at("2026-11-22 10:18:38")
    s.play("020_journal_create", "admin")
    s.play("021_method_line_account", "admin")
    for number in range(1, 5):
        journal = {"name": f"Magento {number}", "code": f"MG{number}", "type": "bank"}
        s.do("account.journal", "create", vals_list=[journal])
        s.do(
            "account.payment.method.line",
            "write",
            ids=[3 + 2 * number, 4 + 2 * number],
            vals={"payment_account_id": 51},
        )
    s.next_id(ir_model_fields=8272)
    s.do("ir.model", "create", vals_list=[{"id": 537, "model": "stock.picking", "name": "Transfer"}])
    s.play("022_x_field", "admin")


def play_route(s: Story) -> None:
    s.at("2026-11-22 10:33:41")
    s.play("100_partner_load")
    s.play("110_sale_order_load")
    s.play("111_sale_order_confirm")
    s.play("112_sale_order_cancel")
    s.play("113_sale_order_read")
    s.play("120_out_invoice_load")
    s.play("123_out_invoice_read")
    s.play("121_out_invoice_post")
    s.play("130_payment_load")
    s.play("131_payment_post")
    reconcile_all(s, s.play("132_receivable_lines"), "133_reconcile")
    deliver_all(s)
    s.play("150_out_refund_load")
    s.play("151_out_refund_post")
    s.play("152_out_refund_read")
    s.play("160_payment_load")
    s.play("161_payment_post")
    reconcile_all(s, s.play("162_receivable_lines"), "163_reconcile")


def reconcile_all(s: Story, lines: list[dict[str, object]], first: str) -> None:
    """Each payment with its document; the first pair as recorded."""
    recorded = s.recording(first)["request"]["body"]["ids"]
    line_of = {line["move_id"][0]: line["id"] for line in lines}
    payments = s.do("account.payment", "search_read", domain=[], fields=["move_id", "invoice_ids"], order="id")
    pairs = [[line_of.get(p["move_id"][0]), line_of.get(p["invoice_ids"][0])] for p in payments]
    assert recorded in pairs
    for pair in pairs:
        if pair == recorded:
            s.play(first)
        elif all(pair):
            s.do("account.move.line", "reconcile", ids=pair)


def deliver_all(s: Story) -> None:
    s.play("140_sol_get_external_id")
    s.play("141_open_pickings")
    moves = s.play("142_moves")
    shipped = {picking["id"]: picking for picking in s.recording("145_picking_read")["response"]["json"]}
    s.play("143_picking_write")
    rows = []
    for record, picking in shipped.items():
        own = [move for move in moves if move["picking_id"][0] == record]
        # Where every move went out and a backorder was made all the same, one of them went out in part.
        partial = picking["backorder_ids"] and {move["id"] for move in own} == set(picking["move_ids"])
        for move in own:
            quantity = move["quantity"] if move["id"] in picking["move_ids"] else 0
            if partial and quantity > 1:
                quantity, partial = quantity - 1, False
            rows.append([str(move["id"]), str(quantity), "1" if quantity else "0"])
    s.do("stock.move", "load", fields=[".id", "quantity", "picked"], data=rows)
    marks = [[str(p["id"]), p["carrier_tracking_ref"] or "", p["x_magento_key"]] for p in shipped.values()]
    s.do("stock.picking", "load", fields=[".id", "carrier_tracking_ref", "x_magento_key"], data=marks)
    s.play("144_button_validate")
    s.play("145_picking_read")


def order(s: Story, record: int, lines: list[tuple[int, int]], *, partner: int = 8) -> int:
    own = [[0, 0, {"product_id": p, "product_uom_qty": q, "price_unit": 10, "tax_ids": []}] for p, q in lines]
    s.do("sale.order", "create", vals_list=[{"id": record, "partner_id": partner, "order_line": own}])
    s.do("sale.order", "action_confirm", ids=[record])
    return record


def move(s: Story, record: int, *, post: bool = False, lines: object = None, **vals: object) -> int:
    own = lines if lines is not None else [[0, 0, {"product_id": 2, "price_unit": 10, "tax_ids": [[6, 0, [5]]]}]]
    facts = {"id": record, "move_type": "out_invoice", "partner_id": 8, "invoice_line_ids": own, **vals}
    s.do("account.move", "create", vals_list=[facts])
    if post:
        s.do("account.move", "action_post", ids=[record])
    return record


def play_returns(s: Story) -> None:
    s.next_id(stock_picking=193)
    order(s, 2362, [(2, 3)])
    s.do("stock.picking", "button_validate", ids=[193], context={"skip_sms": True})
    s.next_id(stock_return_picking=4)
    s.play("165_return_wizard_create")
    [line] = s.do("stock.return.picking.line", "search", domain=[["wizard_id", "=", 4]])
    s.do("stock.return.picking.line", "write", ids=[line], vals={"quantity": 1})
    s.play("166_return_wizard_create_returns")
    s.play("167_return_validate")
    s.next_id(stock_picking=195)
    order(s, 2363, [(2, 3)])
    s.do(
        "stock.move", "write", ids=s.do("stock.move", "search", domain=[["picking_id", "=", 195]]), vals={"quantity": 1}
    )
    s.do("stock.picking", "button_validate", ids=[195], context={"skip_backorder": True, "skip_sms": True})
    s.play("116_cancel_order_after_partial_delivery")
    order(s, 2410, [(2, 1)])
    s.play("117_date_order_after_confirm")
    s.next_id(stock_move=364, stock_picking=212)
    order(s, 2500, [(2, 1)] * 39)
    for record in range(2501, 2517):
        order(s, record, [(2, 1)])
    s.play("146_stock_move_load_by_dbid")
    s.play("147_stock_picking_load_by_dbid")


def play_forced_taxes(s: Story) -> None:
    s.next_id(sale_order=1582)
    s.play("114_so_price_4_decimals")
    data = {"currency_id": 1, "price_unit": D("5.33"), "discount": D("9.94"), "quantity": D(1), "rate": D("1.0")}
    amounts = {
        "tax_amount": D("0.4"),
        "base_amount": D("4.8"),
        "tax_amount_currency": D("0.4"),
        "base_amount_currency": D("4.8"),
    }
    data |= {
        "manual_tax_amounts": {"5": amounts},
        "manual_total_excluded": D("4.8"),
        "manual_total_excluded_currency": D("4.8"),
    }
    data |= {"quantity": D("1.0")}
    forced = {"product_id": 3, "price_unit": D("5.33"), "discount": D("9.94"), "tax_ids": [5], "extra_tax_data": data}
    shipping = {"product_id": 17, "price_unit": 20, "tax_ids": []}
    move(s, 1877, lines=[[0, 0, forced], [0, 0, shipping]])
    s.play("124_invoice_lines_with_extra_tax_data", ignore=["id"])
    s.next_id(account_move=2112)
    s.play("125_extra_tax_data_no_tax_ignored")
    s.play("125_extra_tax_data_zero_tax_record")
    s.play("126_extra_tax_data_wrong_currency_ignored")
    s.play("127_extra_tax_data_bad_missing_keys")
    s.play("127_extra_tax_data_bad_string")
    s.next_id(account_move=2718)
    included = {"id": 11, "name": "20% incl.", "amount": 20, "price_include_override": "tax_included"}
    s.do("account.tax", "create", vals_list=[included])
    used = {int(t) for v in s.recording("170_tax_included_incl_extra")["request"]["body"]["vals_list"]
            for line in v["invoice_line_ids"] for t in line[2]["tax_ids"][0][2]}  # fmt: skip
    for tax in sorted(used - set(s.db.tables["account.tax"])):
        s.do("account.tax", "create", vals_list=[{**included, "id": tax, "name": f"incl. {tax}"}])
    s.play("170_tax_included_incl_extra")
    adjustment = {"product_id": 20, "quantity": 1, "price_unit": -9999, "tax_ids": []}
    goods = {"product_id": 4, "quantity": 1, "price_unit": D("3.07"), "tax_ids": [[6, 0, [5]]]}
    move(s, 2998, move_type="out_refund", lines=[[0, 0, goods], [0, 0, adjustment]])
    s.play("153_negative_credit_memo_as_refund_refused")
    s.play("154_negative_refund_switch_move_type")
    s.next_id(account_move_line=18432)
    move(s, 4177, lines=[[0, 0, {"product_id": 2, "price_unit": D("19.99"), "tax_ids": [5]}]])
    s.play("128_write_only_extra_tax_data")
    move(s, 4178, lines=[])
    s.play("155_post_empty_document")


def play_currencies(s: Story) -> None:
    s.do("res.currency.rate", "create", vals_list=[{"currency_id": 126, "name": "2026-11-22", "rate": D("0.95")}])
    for record, name in enumerate(
        ("e_base_rate", "e_base_no_rate", "e_no_base_rate", "e_no_base_no_rate", "c_rate", "c_no_rate"), 2818
    ):
        s.next_id(account_move=record)
        s.play(f"180_eur_{name}")
    s.next_id(account_move_line=11913)
    goods = {"product_id": 2, "price_unit": D("18.39"), "tax_ids": [[6, 0, [6]]]}
    lines = [[0, 0, goods], [0, 0, {"product_id": 17, "price_unit": D("18.40"), "tax_ids": []}]]
    move(s, 2824, post=True, currency_id=126, invoice_currency_rate=D("0.92"), invoice_date="2026-11-22", lines=lines)
    vals = {"partner_id": 8, "amount": D("40.28"), "currency_id": 126, "date": "2026-11-22", "journal_id": 8}
    s.next_id(account_move_line=11937)
    s.do("account.payment", "action_post", ids=s.do("account.payment", "create", vals_list=[vals]))
    s.play("181_eur_payment_reconcile_other_rate")
    s.next_id(sale_order=2325)
    s.play("182_so_currency_id_direct")
    pound = s.do("res.currency", "search", domain=[["name", "=", "GBP"]], context={"active_test": False})
    move(s, 2995, currency_id=pound[0])
    s.play("183_post_inactive_currency")


def play_refusals(s: Story) -> None:
    s.do("res.partner", "create", vals_list=[{"id": 107, "name": "Errors"}])
    s.play("190_so_missing_product_id")
    s.next_id(sale_order=2353)
    s.play("191_so_line_no_product")
    s.play("192_load_product_by_sku_missing")
    s.next_id(sale_order=2355)
    s.play("193_load_product_by_sku_found")
    s.play("194_load_product_dbid_missing")
    s.play("195_load_product_xmlid_missing")
    s.play("196_load_one_good_one_bad")
    old = {"id": 23, "name": "Old", "default_code": "OLD-1", "is_storable": True, "active": False}
    s.do("product.product", "create", vals_list=[old])
    s.play("197_load_archived_product_by_sku")
    s.next_id(sale_order=2361)
    s.play("198_so_archived_product")
    s.play("199_so_archived_product_confirm")
    s.do(
        "product.product",
        "create",
        vals_list=[{"name": "A", "default_code": "DUP"}, {"name": "B", "default_code": "DUP"}],
    )
    del s.db.tables["sale.order"][2362]
    s.next_id(sale_order=2362)
    s.play("200_load_duplicate_sku")
    move(s, 3037)
    s.do("res.partner", "write", ids=[8], vals={"active": False})
    s.play("201_post_archived_partner")
    s.do("res.partner", "write", ids=[8], vals={"active": True})


def play_lock_dates(s: Story) -> None:
    s.at("2026-11-22 10:26:27")
    move(s, 3039, post=True, invoice_date="2026-10-15")
    dated = {210: "sale_lock_date", 211: "tax_lock_date", 212: "fiscalyear_lock_date"}
    payments = {"amount": 5, "partner_id": 8, "date": "2026-10-15", "journal_id": 8}
    for number, lock in dated.items():
        move(s, 3046 + (number - 210) * 3, invoice_date="2026-10-15")
        s.do("account.payment", "create", vals_list=[{**payments, "id": 222 + number - 210}])
        s.play(f"{number}_set_{lock}", "admin")
        s.play(f"{number}_post_locked_{lock}")
        s.play(f"{number}_draft_posted_locked_{lock}")
        s.play(f"{number}_payment_locked_{lock}")
        s.do("res.company", "write", ids=[1], vals={lock: False})
    for record in (3038, 3044, 3045):
        move(s, record, invoice_date="2026-10-15")
    move(s, 3055, invoice_date="2026-10-15")
    s.do("account.payment", "create", vals_list=[{**payments, "id": 225}])
    s.play("213_set_hard_lock_date", "admin", ignore=["message", "arguments"])
    s.play("213_post_locked_hard_lock_date")
    s.play("213_draft_posted_locked_hard_lock_date")
    s.play("213_payment_locked_hard_lock_date")
    drafts = s.do("account.move", "search", domain=[["state", "=", "draft"], ["date", "<=", "2026-10-31"]])
    s.do("account.move", "unlink", ids=[i for i in drafts if i != 3039])
    s.do("account.move", "action_post", ids=[3039])
    s.play("213_set_hard_lock_ok", "admin")
    move(s, 3117, invoice_date="2026-10-15")
    s.play("213_post_in_hard_lock")
    s.play("214_create_with_date_in_hard_lock")
    s.play("215_button_draft_hard_lock")
    balance = [[0, 0, {"account_id": 26, "debit": 5}], [0, 0, {"account_id": 51, "credit": 5}]]
    s.do(
        "account.move",
        "create",
        vals_list=[{"id": 3120, "move_type": "entry", "date": "2026-10-15", "line_ids": balance}],
    )
    s.play("216_post_entry_in_hard_lock")


@pytest.mark.parametrize("name", sorted(path.stem for path in (RECORDINGS / "pair").glob("*.json")))
def test_answers_as_recorded(story: Story, name: str, replayed: Callable[[str, int], None]) -> None:
    replayed("Odoo", 1)
    assert story.differences[name] == []


def read(story: Story, record: int, *fields: str) -> list[object]:
    [row] = story.do("account.move", "read", ids=[record], fields=list(fields))
    return [row[field] for field in fields]


def test_a_paid_route_leaves_nothing_open(story: Story) -> None:
    paid = story.recording("123_out_invoice_read")["request"]["body"]["ids"]
    rows = story.do("account.move", "read", ids=paid, fields=["payment_state", "amount_residual"])
    assert {(row["payment_state"], row["amount_residual"]) for row in rows} == {("paid", 0)}
    refunds = story.recording("152_out_refund_read")["request"]["body"]["ids"]
    rows = story.do("account.move", "read", ids=refunds, fields=["payment_state"])
    assert {row["payment_state"] for row in rows} == {"paid"}


def test_price_with_four_decimals_is_kept_and_its_subtotal_rounded(story: Story) -> None:
    [line] = story.do(
        "sale.order.line", "search_read", domain=[["order_id", "=", 1582]], fields=["price_unit", "price_subtotal"]
    )
    assert (line["price_unit"], line["price_subtotal"]) == (D("14.1234"), D("42.37"))


def test_forced_amounts_without_a_tax_are_ignored_and_with_a_zero_tax_honoured(story: Story) -> None:
    assert read(story, 2112, "amount_untaxed") == [D("93.29")]
    assert read(story, 2113, "amount_untaxed") == [D("93.28")]


def test_forced_tax_in_another_currency_is_ignored(story: Story) -> None:
    assert read(story, 2114, "amount_tax") == [D("1.65")]


def test_forced_tax_written_alone_changes_nothing_until_another_field_changes(story: Story) -> None:
    assert read(story, 4177, "amount_tax") == [D("1.65")]
    [line] = story.do("account.move", "read", ids=[4177], fields=["invoice_line_ids"])[0]["invoice_line_ids"]
    story.do("account.move.line", "write", ids=[line], vals={"name": "now it counts"})
    assert read(story, 4177, "amount_tax") == [D("1.70")]


def test_documents_with_prices_including_tax_keep_the_forced_split(story: Story) -> None:
    sent = story.recording("170_tax_included_incl_extra")["request"]["body"]["vals_list"]
    for record, vals in enumerate(sent, start=2718):
        extra = [line[2]["extra_tax_data"] for line in vals["invoice_line_ids"]]
        tax = sum(part["tax_amount_currency"] for data in extra for part in data["manual_tax_amounts"].values())
        untaxed = sum(data["manual_total_excluded_currency"] for data in extra)
        assert read(story, record, "amount_untaxed", "amount_tax") == [untaxed, tax]


def test_switching_a_negative_credit_note_makes_a_positive_invoice(story: Story) -> None:
    assert read(story, 2998, "move_type", "amount_total", "amount_tax") == ["out_invoice", D("9995.68"), D("-0.25")]


@pytest.mark.parametrize(
    ("record", "company_total"),
    [(2818, "43.79"), (2819, "42.41"), (2820, "43.78"), (2821, "42.40"), (2822, "43.79"), (2823, "42.41")],
)
def test_company_amounts_follow_the_rate_and_the_forced_base(story: Story, record: int, company_total: str) -> None:
    assert read(story, record, "amount_total", "amount_total_signed") == [D("40.28"), D(company_total)]


def test_a_payment_at_another_rate_books_the_exchange_difference(story: Story) -> None:
    assert read(story, 2824, "payment_state", "amount_residual", "amount_residual_signed") == ["paid", 0, 0]
    entries = story.do(
        "account.move", "search_read", domain=[["journal_id.code", "=", "EXCH"]], fields=["amount_total", "state"]
    )
    # The cents of the route's own EUR documents are there as well (docs/facts/pair.md#6).
    totals = sorted(entry["amount_total"] for entry in entries)
    assert totals[-1] == D("1.39") and all(total <= D("0.05") for total in totals[:-1]), totals


def test_an_order_takes_its_currency_from_the_pricelist(story: Story) -> None:
    [row] = story.do("sale.order", "read", ids=[2325], fields=["currency_id"])
    assert row["currency_id"] == [1, "USD"]


@pytest.mark.parametrize("record", [3046, 3049, 3052, 3117])
def test_a_lock_date_silently_moves_the_accounting_date(story: Story, record: int) -> None:
    assert read(story, record, "state", "invoice_date", "date") == ["posted", "2026-10-15", "2026-11-22"]


def test_a_payment_entry_is_moved_by_the_fiscal_lock_only(story: Story) -> None:
    rows = story.do("account.payment", "read", ids=[222, 223, 224], fields=["date", "move_id"])
    dates = [read(story, row["move_id"][0], "date")[0] for row in rows]
    assert dates == ["2026-10-15", "2026-10-15", "2026-11-22"]
    assert {row["date"] for row in rows} == {"2026-10-15"}
