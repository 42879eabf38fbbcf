"""What the sandbox Odoo keeps to beyond the recordings: transactions, companies, rights, quantities, state on disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo.errors import AccessError, HttpError, UserError, ValidationError, describe
from magodoo_sandbox.odoo.store import Row

D = Decimal
KEEP = {"mode": "update", "noupdate": True, "tracking_disable": True}


@pytest.fixture
def db() -> OdooDatabase:
    db = OdooDatabase()
    db.provision()
    db.now = datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC)
    return db


def product(db: OdooDatabase, code: str = "SKU", *, stock: int = 100, **vals: Any) -> int:
    facts = {"name": code, "default_code": code, "is_storable": True, "taxes_id": [], **vals}
    [record] = db.call("product.product", "create", vals_list=[facts])
    if stock:
        quant = {"product_id": record, "location_id": 5, "inventory_quantity": stock}
        db.call("stock.quant", "action_apply_inventory", ids=db.call("stock.quant", "create", vals_list=[quant]))
    return record


def order(db: OdooDatabase, *lines: tuple[int, int], user: str = "sync", **vals: Any) -> int:
    partners = db.call("res.partner", "create", user="sync", vals_list=[{"name": "Jane"}])
    own = [[0, 0, {"product_id": p, "product_uom_qty": q, "price_unit": 10, "tax_ids": []}] for p, q in lines]
    [record] = db.call(
        "sale.order", "create", user=user, vals_list=[{"partner_id": partners[0], "order_line": own, **vals}]
    )
    db.call("sale.order", "action_confirm", ids=[record], user=user)
    return record


def one(db: OdooDatabase, model: str, record: int, *fields: str) -> Any:
    [row] = db.call(model, "read", ids=[record], fields=list(fields), load=None)
    return row[fields[0]] if len(fields) == 1 else [row[field] for field in fields]


# Transactions


def test_a_failing_call_leaves_nothing_behind(db: OdooDatabase) -> None:
    before = json.dumps(db.dump()["tables"], default=float, sort_keys=True)
    good = {"move_type": "out_invoice", "partner_id": 1, "invoice_line_ids": [[0, 0, {"price_unit": 5}]]}
    with pytest.raises(ValueError, match="Wrong value"):
        db.call("account.move", "create", vals_list=[good, {**good, "move_type": "bogus"}])
    assert json.dumps(db.dump()["tables"], default=float, sort_keys=True) == before
    assert db.call("account.move", "search", domain=[["partner_id", "=", 1]]) == []


def test_a_failing_batch_of_postings_gives_no_number_away(db: OdooDatabase) -> None:
    line = {"invoice_line_ids": [[0, 0, {"price_unit": 5}]]}
    good, empty = ({"move_type": "out_invoice", "partner_id": 1, **more} for more in (line, {}))
    ids = db.call("account.move", "create", vals_list=[good, empty])
    with pytest.raises(UserError, match="magicians"):
        db.call("account.move", "action_post", ids=ids)
    db.call("account.move", "action_post", ids=ids[:1])
    assert one(db, "account.move", ids[0], "name", "state") == ["INV/2026/00001", "posted"]


@pytest.fixture
def abroad(db: OdooDatabase) -> Row:
    """A tax of the Netherlands in a company whose fiscal country is the United States; `own` is one of the company's."""
    [country] = db.call("res.country", "search", domain=[["code", "=", "NL"]])
    group = db.call("account.tax.group", "create", vals_list=[{"name": "NL", "country_id": country}])[0]
    tax = {"name": "NL 21%", "amount": 21, "type_tax_use": "sale", "country_id": country, "tax_group_id": group}
    [made] = db.call("account.tax", "create", vals_list=[tax])
    own = db.call("account.tax", "search", domain=[["name", "=", "DE 19%"], ["company_id", "=", 1]])[0]
    return {"country": country, "tax": made, "own": own}


def invoice(db: OdooDatabase, *taxes: int, **vals: Any) -> int:
    line = {"price_unit": 10, "tax_ids": [[6, 0, list(taxes)]]}
    head = {"move_type": "out_invoice", "partner_id": 1, "invoice_line_ids": [[0, 0, line]]}
    return int(db.call("account.move", "create", vals_list=[{**head, **vals}])[0])


def position(db: OdooDatabase, country: int, **vals: Any) -> int:
    facts = {"name": "Abroad", "country_id": country, **vals}
    return int(db.call("account.fiscal.position", "create", vals_list=[facts])[0])


def test_an_invoice_with_a_tax_of_another_country_is_refused_when_it_is_made(db: OdooDatabase, abroad: Row) -> None:
    assert invoice(db, abroad["own"])
    for taxes in ([abroad["tax"]], [abroad["own"], abroad["tax"]]):
        with pytest.raises(ValidationError, match="incompatible with your fiscal country") as caught:
            invoice(db, *taxes)
        assert describe(caught.value)[0] == 422
    assert db.call("account.move", "search_count", domain=[["line_ids.tax_ids", "in", [abroad["tax"]]]]) == 0


def test_a_fiscal_position_allows_its_country_s_taxes_with_a_tax_id_there(db: OdooDatabase, abroad: Row) -> None:
    with_id = position(db, abroad["country"], foreign_vat="NL123456782B90")
    db.call("account.move", "action_post", ids=[invoice(db, abroad["tax"], fiscal_position_id=with_id)])
    with pytest.raises(ValidationError, match="not compatible with your fiscal position"):
        invoice(db, abroad["own"], fiscal_position_id=with_id)
    without = position(db, abroad["country"], name="Without a tax ID")
    with pytest.raises(ValidationError, match="incompatible with your fiscal country"):
        invoice(db, abroad["tax"], fiscal_position_id=without)
    assert invoice(db, abroad["own"], fiscal_position_id=without)
    with pytest.raises(ValidationError, match="assign a country"):
        position(db, False, foreign_vat="NL123456782B90")


def test_a_draft_that_loses_its_fiscal_position_is_refused_with_its_taxes(db: OdooDatabase, abroad: Row) -> None:
    with_id = position(db, abroad["country"], foreign_vat="NL123456782B90")
    draft = invoice(db, abroad["tax"], fiscal_position_id=with_id)
    with pytest.raises(ValidationError, match="incompatible with your fiscal country"):
        db.call("account.move", "write", ids=[draft], vals={"fiscal_position_id": False})
    assert one(db, "account.move", draft, "fiscal_position_id") == with_id


def test_a_deleted_record_comes_back_when_its_transaction_fails(db: OdooDatabase) -> None:
    record = order(db, (product(db), 1))
    store = db.store
    with pytest.raises(RuntimeError), store.transaction():
        store.delete("sale.order", record)
        raise RuntimeError
    assert db.call("sale.order", "search", domain=[["id", "=", record]]) == [record]


def test_a_state_written_to_a_file_is_the_same_database(db: OdooDatabase, tmp_path: Path) -> None:
    record = order(db, (product(db), 3))
    db.tables["stock.picking"][one(db, "sale.order", record, "picking_ids")[0]]["x_magento_key"] = "ship_1_7"
    db.save_file(tmp_path / "state.json")
    again = OdooDatabase.load_file(tmp_path / "state.json")
    assert json.dumps(again.dump(), default=float) == json.dumps(db.dump(), default=float)
    found = again.call("stock.picking", "search_read", domain=[["x_magento_key", "=", "ship_1_7"]], fields=["sale_id"])
    assert [row["sale_id"][0] for row in found] == [record]
    assert again.call("sale.order", "create", vals_list=[{"partner_id": 1}]) == [record + 1]


def test_writes_carry_the_start_of_their_transaction_in_whole_seconds(db: OdooDatabase) -> None:
    record = order(db, (product(db), 1))
    assert one(db, "sale.order", record, "write_date") == "2026-11-22 10:00:00"
    second = "2026-11-22 10:00:00"
    counts = {
        op: db.call("sale.order", "search_count", domain=[["write_date", op, second]]) for op in ("=", ">", ">=", "<=")
    }
    assert counts == {"=": 1, ">": 0, ">=": 1, "<=": 1}


def test_damage_is_found_by_searches_after_reindexing(db: OdooDatabase) -> None:
    record = order(db, (product(db), 1), client_order_ref="000000001")
    db.tables["sale.order"][record]["client_order_ref"] = "000000002"
    db.reindex()
    assert db.call("sale.order", "search", domain=[["client_order_ref", "=", "000000002"]]) == [record]


# load()


def load(db: OdooDatabase, xmlid: str, quantity: str, context: dict[str, Any] | None = None, user: str = "sync") -> Any:
    fields = [
        "id",
        "partner_id/.id",
        "client_order_ref",
        "order_line/id",
        "order_line/product_id",
        "order_line/product_uom_qty",
    ]
    rows = [[xmlid, "1", "R", f"{xmlid}_l0", "SHIPPING", quantity], ["", "", "", f"{xmlid}_l1", "SHIPDISC", "1"]]
    return db.call("sale.order", "load", user=user, context=context, fields=fields, data=rows)


def test_create_or_ignore_leaves_an_existing_record_alone_and_a_plain_load_updates_it(db: OdooDatabase) -> None:
    [record] = load(db, "m.order_1", "1", KEEP)["ids"]
    assert load(db, "m.order_1", "5", KEEP)["ids"] == [record]
    [first, second] = one(db, "sale.order", record, "order_line")
    assert one(db, "sale.order.line", first, "product_uom_qty") == 1
    assert load(db, "m.order_1", "5")["ids"] == [record]
    assert one(db, "sale.order.line", first, "product_uom_qty") == 5
    assert one(db, "sale.order", record, "order_line") == [first, second]


def test_a_refused_load_names_the_record_and_saves_nothing(db: OdooDatabase) -> None:
    fields = ["id", "name", "country_id/.id"]
    result = db.call(
        "res.partner", "load", user="sync", fields=fields, data=[["m.a", "A", "233"], ["m.b", "B", "9999"]]
    )
    assert result["ids"] is False
    assert [(m["record"], m["type"], m["field"]) for m in result["messages"]] == [(1, "error", "country_id")]
    assert "No matching record found for database id '9999' in field 'Country'" in result["messages"][0]["message"]
    assert db.call("res.partner", "search", domain=[["name", "=", "A"]]) == []


def test_a_load_without_the_right_answers_200_with_the_refusal(db: OdooDatabase) -> None:
    db.tables["res.users"][5]["group_ids"] = [5]
    result = db.call("res.partner", "load", user="sync", fields=["id", "name"], data=[["m.a", "A"]])
    assert result["ids"] is False
    assert "You are not allowed to create 'Contact'" in result["messages"][0]["message"]


def test_external_ids_lead_both_ways(db: OdooDatabase) -> None:
    [record] = load(db, "m.order_1", "1", KEEP)["ids"]
    assert db.call("ir.model.data", "check_object_reference", user="sync", module="m", xml_id="order_1") == [
        "sale.order",
        record,
    ]
    assert db.call("sale.order", "get_external_id", ids=[record], user="sync") == {str(record): "m.order_1"}
    with pytest.raises(AccessError):
        db.call("ir.model.data", "search_read", user="sync", domain=[], fields=["name"])


# Companies and rights


def test_a_call_sees_only_the_companies_that_it_names(db: OdooDatabase) -> None:
    [german] = db.call("sale.order", "create", context={"allowed_company_ids": [2]}, vals_list=[{"partner_id": 1}])
    assert one(db, "sale.order", german, "company_id", "currency_id") == [2, 126]
    in_first = {"allowed_company_ids": [1]}
    assert db.call("sale.order", "search", domain=[], user="sync", context=in_first) == []
    with pytest.raises(AccessError, match="top-secret"):
        db.call("sale.order", "read", ids=[german], fields=["name"], user="sync", context=in_first)
    with pytest.raises(AccessError, match="unauthorized or invalid companies"):
        db.call("sale.order", "search", domain=[], user="sync", context={"allowed_company_ids": [7]})


def test_each_company_numbers_its_own_invoices(db: OdooDatabase) -> None:
    lines = {"invoice_line_ids": [[0, 0, {"price_unit": 5}]]}
    for company in (1, 2):
        context = {"allowed_company_ids": [company]}
        ids = db.call(
            "account.move",
            "create",
            context=context,
            vals_list=[{"move_type": "out_invoice", "partner_id": 1, **lines}],
        )
        db.call("account.move", "action_post", ids=ids, context=context)
        assert one(db, "account.move", ids[0], "name", "company_id") == ["INV/2026/00001", company]


@pytest.mark.parametrize(
    ("model", "method", "arguments"),
    [
        ("account.move", "action_post", {"ids": []}),
        ("account.payment", "search", {"domain": []}),
        ("account.payment", "action_post", {"ids": []}),
        ("sale.advance.payment.inv", "create", {"vals_list": [{}]}),
        ("stock.return.picking", "create", {"vals_list": [{}]}),
    ],
)
def test_a_user_without_groups_may_not(db: OdooDatabase, model: str, method: str, arguments: dict[str, Any]) -> None:
    db.tables["res.users"][5]["group_ids"] = [1]
    with pytest.raises(AccessError, match="This operation is allowed for the following groups"):
        db.call(model, method, user="sync", **arguments)


def test_keys_and_passwords_are_never_read(db: OdooDatabase) -> None:
    [row] = db.call("res.users", "read", ids=[5], fields=["login", "api_key", "password_text", "password"])
    assert row == {"id": 5, "login": "sync", "api_key": False, "password_text": False, "password": ""}


def test_unknown_arguments_are_refused_before_anything_happens(db: OdooDatabase) -> None:
    with pytest.raises(HttpError, match="unexpected keyword argument 'nope'"):
        db.call("sale.order", "search", domain=[], nope=1)


# Quantities


def test_an_order_is_delivered_in_parts_and_taken_back(db: OdooDatabase) -> None:
    record = order(db, (product(db), 3))
    [picking] = one(db, "sale.order", record, "picking_ids")
    [move] = one(db, "stock.picking", picking, "move_ids")
    db.call("stock.picking", "write", ids=[picking], vals={"move_ids": [[1, move, {"quantity": 2, "picked": True}]]})
    options = {"skip_backorder": True, "skip_sms": True}
    assert db.call("stock.picking", "button_validate", ids=[picking], user="sync", context=options) is True
    [line] = one(db, "sale.order", record, "order_line")
    assert one(db, "sale.order.line", line, "qty_delivered") == 2
    assert one(db, "sale.order", record, "delivery_status") == "partial"
    [backorder] = one(db, "stock.picking", picking, "backorder_ids")
    [rest] = db.call("stock.picking", "read", ids=[backorder], fields=["state", "move_ids", "sale_id"])
    assert (rest["state"], rest["sale_id"][0]) == ("assigned", record)
    assert rest["move_ids"] != [move]
    db.call("stock.picking", "button_validate", ids=[backorder], context=options)
    assert one(db, "sale.order", record, "delivery_status") == "full"
    [wizard] = db.call("stock.return.picking", "create", user="sync", vals_list=[{"picking_id": picking}])
    [back_line] = one(db, "stock.return.picking", wizard, "product_return_moves")
    with pytest.raises(UserError, match="non-zero quantity"):
        db.call("stock.return.picking", "action_create_returns", ids=[wizard], user="sync")
    db.call("stock.return.picking.line", "write", ids=[back_line], vals={"quantity": 1, "to_refund": False})
    back = db.call("stock.return.picking", "action_create_returns", ids=[wizard], user="sync")["res_id"]
    db.call("stock.picking", "button_validate", ids=[back], context=options)
    assert one(db, "sale.order.line", line, "qty_delivered") == 3
    db.call("stock.move", "write", ids=one(db, "stock.picking", back, "move_ids"), vals={"to_refund": True})
    assert one(db, "sale.order.line", line, "qty_delivered") == 2


def test_goods_out_of_stock_are_not_reserved(db: OdooDatabase) -> None:
    short = product(db, stock=2)
    first, second = order(db, (short, 2)), order(db, (short, 1))
    states = [one(db, "stock.picking", one(db, "sale.order", o, "picking_ids")[0], "state") for o in (first, second)]
    assert states == ["assigned", "confirmed"]
    db.call("sale.order", "action_cancel", ids=[first])
    waiting = one(db, "sale.order", second, "picking_ids")
    db.call("stock.picking", "action_assign", ids=waiting)
    assert one(db, "stock.picking", waiting[0], "state") == "assigned"


def test_a_delivery_without_backorder_cancels_the_rest(db: OdooDatabase) -> None:
    record = order(db, (product(db), 3))
    [picking] = one(db, "sale.order", record, "picking_ids")
    [move] = one(db, "stock.picking", picking, "move_ids")
    db.call("stock.move", "write", ids=[move], vals={"quantity": 1})
    context = {"skip_backorder": True, "skip_sms": True, "picking_ids_not_to_backorder": [picking]}
    db.call("stock.picking", "button_validate", ids=[picking], context=context)
    rows = db.call(
        "stock.move", "search_read", domain=[["picking_id", "=", picking]], fields=["state", "product_uom_qty"]
    )
    assert sorted((row["state"], row["product_uom_qty"]) for row in rows) == [("cancel", 2), ("done", 1)]
    assert one(db, "stock.picking", picking, "backorder_ids") == []


def test_refund_lines_open_an_order_again_only_when_they_are_linked(db: OdooDatabase) -> None:
    record = order(db, (product(db), 2))
    wizard = db.call(
        "sale.advance.payment.inv", "create", user="sync", vals_list=[{"sale_order_ids": [[6, 0, [record]]]}]
    )
    move = db.call("sale.advance.payment.inv", "create_invoices", ids=wizard, user="sync")["res_id"]
    assert one(db, "sale.order", record, "invoice_status") == "invoiced"
    [line] = one(db, "sale.order", record, "order_line")
    refund = {"move_type": "out_refund", "partner_id": 1, "reversed_entry_id": move}
    bare = {"price_unit": 10, "quantity": 1}
    db.call("account.move", "create", vals_list=[{**refund, "invoice_line_ids": [[0, 0, bare]]}])
    assert one(db, "sale.order", record, "invoice_status") == "invoiced"
    linked = {**bare, "sale_line_ids": [[6, 0, [line]]]}
    [draft] = db.call("account.move", "create", vals_list=[{**refund, "invoice_line_ids": [[0, 0, linked]]}])
    assert one(db, "sale.order", record, "invoice_status") == "to invoice"
    assert one(db, "sale.order.line", line, "qty_invoiced", "qty_to_invoice") == [1, 1]
    db.call("account.move", "button_cancel", ids=[draft])
    assert one(db, "sale.order", record, "invoice_status") == "invoiced"


def test_a_cancelled_order_cancels_its_draft_invoice_and_open_delivery(db: OdooDatabase) -> None:
    record = order(db, (product(db), 2))
    wizard = db.call("sale.advance.payment.inv", "create", vals_list=[{"sale_order_ids": [[6, 0, [record]]]}])
    move = db.call("sale.advance.payment.inv", "create_invoices", ids=wizard)["res_id"]
    db.call("sale.order", "action_cancel", ids=[record])
    assert one(db, "account.move", move, "state") == "cancel"
    assert one(db, "stock.picking", one(db, "sale.order", record, "picking_ids")[0], "state") == "cancel"


# Taxes and payments


@pytest.mark.parametrize(
    ("method", "expected"), [("round_globally", ["42.37", "3.50"]), ("round_per_line", ["42.36", "3.48"])]
)
def test_the_companys_rounding_method_decides_where_cents_go(
    db: OdooDatabase, method: str, expected: list[str]
) -> None:
    db.call("res.company", "write", ids=[1], vals={"tax_calculation_rounding_method": method})
    [tax] = db.call("account.tax", "search", domain=[["name", "=", "US 8.25%"], ["company_id", "=", 1]])
    lines = [[0, 0, {"price_unit": D("14.123456"), "tax_ids": [tax]}] for _ in range(3)]
    [move] = db.call(
        "account.move", "create", vals_list=[{"move_type": "out_invoice", "partner_id": 1, "invoice_line_ids": lines}]
    )
    assert one(db, "account.move", move, "amount_untaxed", "amount_tax") == [D(amount) for amount in expected]


def test_a_partly_paid_invoice_stays_partial_until_the_rest_comes(db: OdooDatabase) -> None:
    lines = [[0, 0, {"price_unit": 50}]]
    [move] = db.call(
        "account.move", "create", vals_list=[{"move_type": "out_invoice", "partner_id": 1, "invoice_line_ids": lines}]
    )
    db.call("account.move", "action_post", ids=[move])
    for amount, state, rest in ((D("20"), "partial", 30), (D("30"), "paid", 0)):
        vals = {"partner_id": 1, "amount": amount, "invoice_ids": [[6, 0, [move]]]}
        [payment] = db.call("account.payment", "create", user="sync", vals_list=[vals])
        db.call("account.payment", "action_post", ids=[payment], user="sync")
        entry = one(db, "account.payment", payment, "move_id")
        domain = [
            ["move_id", "in", [entry, move]],
            ["account_id.account_type", "=", "asset_receivable"],
            ["reconciled", "=", False],
        ]
        db.call(
            "account.move.line", "reconcile", ids=db.call("account.move.line", "search", domain=domain), user="sync"
        )
        assert one(db, "account.move", move, "payment_state", "amount_residual") == [state, rest]
        assert one(db, "account.payment", payment, "state", "is_reconciled") == ["paid", True]
    assert len(one(db, "account.move", move, "reconciled_payment_ids")) == 2


def test_a_payment_journal_books_on_its_clearing_account(db: OdooDatabase) -> None:
    [journal] = db.call("account.journal", "search", domain=[["code", "=", "CARD"], ["company_id", "=", 1]])
    vals = {"partner_id": 1, "amount": 10, "journal_id": journal}
    [payment] = db.call("account.payment", "create", vals_list=[vals])
    db.call("account.payment", "action_post", ids=[payment])
    [line, _] = one(db, "account.move", one(db, "account.payment", payment, "move_id"), "line_ids")
    [row] = db.call("account.move.line", "read", ids=[line], fields=["account_id", "balance"])
    assert (row["account_id"][1], row["balance"]) == ("Card payments clearing", 10)
    assert one(db, "account.payment", payment, "name") == "PCARD/2026/00001"


def test_the_same_name_is_refused_twice_in_one_journal(db: OdooDatabase) -> None:
    vals = {
        "move_type": "out_invoice",
        "partner_id": 1,
        "name": "SHOP/007",
        "invoice_line_ids": [[0, 0, {"price_unit": 5}]],
    }
    first, second = db.call("account.move", "create", vals_list=[vals, vals])
    db.call("account.move", "action_post", ids=[first])
    with pytest.raises(ValidationError, match="same name"):
        db.call("account.move", "action_post", ids=[second])
    [third] = db.call("account.move", "copy", ids=[first])
    db.call("account.move", "action_post", ids=[third])
    assert one(db, "account.move", third, "name") == "SHOP/008"


# Domains


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        ([["code", "=", "DE"]], ["DE"]),
        (["|", ["code", "=", "DE"], ["code", "=", "US"]], ["DE", "US"]),
        (["!", ["code", "in", ["DE", "US"]], ["code", "in", ["DE", "AT"]]], ["AT"]),
        (["&", ["name", "ilike", "united"], ["name", "not like", "Kingdom"]], ["US"]),
        ([["name", "=like", "Ger%"]], ["DE"]),
        ([["name", "like", "ger"]], []),
        ([["name", "=ilike", "german_"]], ["DE"]),
        ([["name", "=ilike", "german\\_"]], []),
        ([["name", "=ilike", "German\\y"]], ["DE"]),
        ([["code", "in", ["DE", "FR"]], ["id", "!=", 57]], ["FR"]),
        ([["id", "<", 13]], ["AT"]),
    ],
)
def test_domains_combine_conditions_in_prefix_notation(db: OdooDatabase, domain: list[Any], found: list[str]) -> None:
    rows = db.call("res.country", "search_read", domain=domain, fields=["code"], order="code")
    assert [row["code"] for row in rows] == found


def test_relations_are_compared_by_id_name_path_and_emptiness(db: OdooDatabase) -> None:
    vals = [{"name": "Anna", "country_id": 57}, {"name": "Bob", "country_id": 233}, {"name": "Cy"}]
    anna, bob, cy = db.call("res.partner", "create", vals_list=vals)
    db.call("res.partner", "write", ids=[anna], vals={"category_id": [[0, 0, {"name": "Friends"}]]})

    def search(*leaf: Any) -> list[int]:
        return db.call("res.partner", "search", domain=[list(leaf), ["id", "in", [anna, bob, cy]]], order="id")

    assert (
        search("country_id", "=", 57)
        == search("country_id.code", "=", "DE")
        == search("country_id", "ilike", "germ")
        == [anna]
    )
    assert search("country_id", "!=", 57) == search("country_id", "not in", [57]) == [bob, cy]
    assert search("country_id", "=", False) == search("country_id", "in", [False, 1]) == [cy]
    assert search("country_id", "!=", False) == [anna, bob]
    assert search("category_id", "=", "Friends") == search("category_id.name", "=", "Friends") == [anna]
    assert search("category_id", "=", False) == [bob, cy]


def test_empty_values_come_last_ascending_and_first_descending(db: OdooDatabase) -> None:
    ids = db.call("res.partner", "create", vals_list=[{"name": "x", "ref": ref} for ref in ("b", False, "a")])
    ascending = db.call("res.partner", "search", domain=[["id", "in", ids]], order="ref, id")
    assert ascending == [ids[2], ids[0], ids[1]]
    assert db.call("res.partner", "search", domain=[["id", "in", ids]], order="ref desc, id") == ascending[::-1]
