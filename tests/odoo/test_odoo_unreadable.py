"""One record that a rule hides, that is another company's, archived or deleted: never more than its own documents are missing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hidden_records import ARCHIVABLE, EVER, KINDS, hidden, sell
from odoo_shop import LINES, MODULE, MOVE_FIELDS, ORDER_FIELDS, Shop
from sandbox_backend import LIVE, SandboxBackend

from magodoo.connectors.odoo.client import OdooClient
from magodoo.errors import Forbidden, UnknownField, UnreadableRecord

Found = dict[str, set[int]]


def read(client: OdooClient) -> tuple[Found, Found]:
    """(ids read, ids set apart) by kind, of everything."""
    good: Found = {kind: set() for kind in KINDS}
    bad: Found = {kind: set() for kind in KINDS}
    for kind in KINDS:
        for page in client.documents.changed(kind, EVER):
            good[kind] |= {row["id"] for row in page.rows}
            bad[kind] |= {int(each.source_id or 0) for each in page.quarantined}
            assert all(each.reason for each in page.quarantined)
    return good, bad


def test_one_hidden_record_of_each_model_costs_its_own_documents_and_no_others(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    one, other = sell(shop, 1), sell(shop, 2)
    assert read(client)[1] == {kind: set() for kind in KINDS}, "nothing is hidden yet"
    for model, id in one.records.items():
        with hidden(admin, model, id):
            good, bad = read(client)
            for kind in KINDS:
                assert other.documents[kind] in good[kind], f"{model} hidden: {kind} of the other order is read"
                assert bad[kind] <= {one.documents[kind]}, f"{model} hidden: {kind}"
                known = client.documents.by_ids(kind, [one.documents[kind]])
                assert known.rows or known.quarantined, (
                    f"{model} hidden: {kind} is neither read nor said to be unreadable"
                )
            assert any(bad.values()) or id in one.documents.values(), f"{model} hidden: said nowhere"
    assert read(client)[1] == {kind: set() for kind in KINDS}, "once the rules are lifted everything is read again"


@pytest.mark.parametrize("model", ARCHIVABLE)
def test_an_archived_record_costs_nothing(shop: Shop, client: OdooClient, admin: OdooClient, model: str) -> None:
    one = sell(shop, 1)
    admin.rpc.write_call(model, "write", ids=[one.records[model]], vals={"active": False})
    good, bad = read(client)
    assert {kind: ids for kind, ids in bad.items() if ids} == {}
    assert all(one.documents[kind] in good[kind] for kind in KINDS)


def test_a_customer_of_another_company_hides_nobody_else_s_order(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    shop.load_partner(2)
    rows = shop.order_rows(2)
    rows[0][1] = f"{MODULE}.partner_2"
    first = next(iter(shop.load_orders(shop.order_rows(1)).ids.values()))
    second = next(iter(shop.load_orders(rows).ids.values()))
    partner = client.documents.by_ids("order", [first]).sure[0]["partner_id"]["id"]
    (company,) = admin.rpc.call("res.company", "search", domain=[["id", "!=", client.rpc.company_id]], limit=1)
    admin.rpc.write_call("res.partner", "write", ids=[partner], vals={"company_id": company})
    (page,) = client.documents.changed("order", EVER)
    assert [row["id"] for row in page.rows] == [second]
    (bad,) = page.quarantined
    assert (bad.source_id, f"res.partner {partner} may not be read" in bad.reason) == (first, True)
    assert bad.row is not None
    assert (bad.row["client_order_ref"], bad.row["external_id"]) == ("000000001", f"{MODULE}.order_1")
    with pytest.raises(UnreadableRecord, match=f"res.partner {partner}"):
        _ = client.documents.by_reference("order", ["000000001"], ["client_order_ref", "origin", "name"]).sure
    assert client.documents.by_reference("order", ["000000002"], ["client_order_ref", "origin", "name"]).sure, (
        "another order's question is answered"
    )


def test_a_full_page_of_a_hidden_customer_is_quarantined_and_the_next_pages_are_read(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    shop.load_partner(2)
    many = [row for number in range(1, 31) for row in shop.order_rows(number, LINES[:1])]
    apart = list(shop.load_orders(many).ids.values())
    rows = shop.order_rows(31, LINES[:1])
    rows[0][1] = f"{MODULE}.partner_2"
    (last,) = shop.load_orders(rows).ids.values()
    with hidden(admin, "res.partner", client.external_ids.find([f"{MODULE}.partner_1"])[f"{MODULE}.partner_1"]):
        pages = list(client.documents.changed("order", EVER, page_size=7))
        assert [row["id"] for page in pages for row in page.rows] == [last]
        assert sorted(each.source_id or 0 for page in pages for each in page.quarantined) == sorted(apart)


def test_an_existing_order_is_reported_as_hidden_and_a_deleted_one_as_deleted(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    made = shop.load_orders([*shop.order_rows(1), *shop.order_rows(2)]).ids
    first, second = made.values()
    admin.rpc.write_call("sale.order", "unlink", ids=[second])
    with hidden(admin, "sale.order", first):
        page = client.documents.by_ids("order", [first, second, 10**6])
        assert ([each.source_id for each in page.quarantined], page.rows) == ([first], [])
        told: dict[str, str] = {}
        assert client.external_ids.find(list(made), hidden=told) == {}
        assert list(told) == [f"{MODULE}.order_1"]
        with pytest.raises(UnreadableRecord, match="order_1"):
            client.external_ids.find(list(made))


def test_an_archived_partner_is_found_by_its_name(shop: Shop, client: OdooClient, admin: OdooClient) -> None:
    shop.load_partner()
    known = client.external_ids.find([f"{MODULE}.partner_1"])
    admin.rpc.write_call("res.partner", "write", ids=list(known.values()), vals={"active": False})
    assert client.external_ids.find([f"{MODULE}.partner_1"]) == known


@pytest.mark.parametrize("what", ["hidden", "deleted"])
def test_a_record_hidden_or_deleted_while_pages_are_read_costs_only_itself(
    shop: Shop, client: OdooClient, admin: OdooClient, what: str
) -> None:
    shop.load_partner()
    many = [row for number in range(1, 8) for row in shop.order_rows(number, LINES[:1])]
    ids = sorted(shop.load_orders(many).ids.values())
    pages = client.documents.changed("order", EVER, page_size=2)
    first = next(pages)
    last = max(set(ids) - {row["id"] for row in first.rows})
    if what == "deleted":
        admin.rpc.write_call("sale.order", "unlink", ids=[last])
        rest = list(pages)
    else:
        (line,) = client.documents.by_ids("order", [last]).sure[0]["order_line"]
        with hidden(admin, "sale.order.line", line["id"]):
            rest = list(pages)
    read_ = {row["id"] for page in (first, *rest) for row in page.rows}
    assert read_ == set(ids) - {last}
    apart = [each.source_id for page in rest for each in page.quarantined]
    assert apart == ([] if what == "deleted" else [last])


def test_a_hidden_line_that_was_added_long_after_the_others_is_missed(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    many = [row for number in range(1, 8) for row in shop.order_rows(number)]
    first, *_ = shop.load_orders(many).ids.values()
    values = {"order_id": first, "product_id": shop.products[LINES[0].sku], "product_uom_qty": 1}
    (line,) = admin.rpc.write_call("sale.order.line", "create", vals_list=[values])
    assert client.documents.by_ids("order", [first]).sure
    with hidden(admin, "sale.order.line", line):
        page = client.documents.by_ids("order", [first])
        assert ([each.source_id for each in page.quarantined], page.rows) == ([first], [])
        assert "may not be read" in page.quarantined[0].reason


def raise_ids(odoo: Any, database: str, *models: str) -> None:
    """The next records of these models get ids far from all that are there."""
    for model in models:
        if isinstance(odoo, SandboxBackend):
            odoo.inside(database).store.next_ids[model] += 5000
        else:
            table = model.replace(".", "_")
            odoo.sql(database, f"select setval('{table}_id_seq', (select max(id) + 5000 from {table}))")


def test_a_hidden_invoice_line_far_from_the_others_is_missed(
    odoo: Any, database: str, shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    client.orders.create(*shop.fitted("sale.order", ORDER_FIELDS, shop.order_rows(1, LINES[:1])))
    (move,) = client.invoices.create(
        *shop.fitted("account.move", MOVE_FIELDS, shop.move_rows(1, 1, LINES[:1]))
    ).ids.values()
    raise_ids(odoo, database, "account.move.line")
    line = {"product_id": shop.products[LINES[0].sku], "quantity": 1, "price_unit": 5}
    admin.rpc.write_call("account.move", "write", ids=[move], vals={"invoice_line_ids": [[0, 0, line]]})
    first, last = client.documents.by_ids("invoice", [move]).sure[0]["invoice_line_ids"]
    assert last["id"] > first["id"] + 1000
    with hidden(admin, "account.move.line", last["id"]):
        page = client.documents.by_ids("invoice", [move])
        assert ([each.source_id for each in page.quarantined], page.rows) == ([move], [])
        assert "do not balance" in page.quarantined[0].reason


def test_a_hidden_move_far_from_the_others_is_missed(
    odoo: Any, database: str, shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    (order,) = client.orders.create(*shop.fitted("sale.order", ORDER_FIELDS, shop.order_rows(1))).ids.values()
    client.orders.confirm([order])
    (picking,) = client.deliveries.open_transfers([order])
    raise_ids(odoo, database, "stock.move")
    (far,) = admin.rpc.write_call("stock.move", "copy", ids=[picking["move_ids"][0]["id"]])
    admin.rpc.write_call("stock.picking", "action_confirm", ids=[picking["id"]])
    moves = client.documents.by_ids("shipment", [picking["id"]]).sure[0]["move_ids"]
    client.deliveries.set_quantities({each["id"]: Decimal(str(each["product_uom_qty"])) for each in moves})
    client.deliveries.validate([picking["id"]])
    assert far > max(each["id"] for each in picking["move_ids"]) + 1000
    with hidden(admin, "stock.move", far):
        page = client.documents.by_ids("shipment", [picking["id"]])
        assert ([each.source_id for each in page.quarantined], page.rows) == ([picking["id"]], [])
        assert f"stock.move {far} may not be read" in page.quarantined[0].reason


def test_an_order_whose_invoice_and_lines_are_hidden_does_not_count_as_uninvoiced(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    one, other = sell(shop, 1), sell(shop, 2)
    of_the_order = [one.documents["invoice"], one.documents["credit_memo"]]
    rules = {"account.move": "id", "account.move.line": "move_id"}
    made = []
    for model, field in rules.items():
        (of,) = admin.rpc.call("ir.model", "search", domain=[["model", "=", model]])
        rule = {"name": "hidden", "model_id": of, "domain_force": f"[('{field}', 'not in', {of_the_order})]"}
        made += admin.rpc.write_call("ir.rule", "create", vals_list=[rule])
    page = client.documents.by_ids("order", [one.documents["order"], other.documents["order"]])
    assert [row["id"] for row in page.rows] == [other.documents["order"]]
    assert [each.source_id for each in page.quarantined] == [one.documents["order"]]
    admin.rpc.write_call("ir.rule", "unlink", ids=made)


def test_a_name_of_a_load_that_was_rolled_back_is_not_a_hidden_record(
    shop: Shop, client: OdooClient, admin: OdooClient
) -> None:
    shop.load_partner()
    wrong = shop.order_rows(2)
    wrong[0][1] = f"{MODULE}.nobody"
    assert (
        client.bulk_load.load("sale.order", *shop.fitted("sale.order", ORDER_FIELDS, [*shop.order_rows(1), *wrong])).ids
        is None
    )
    asked = {"module": MODULE, "xml_id": "order_1"}
    assert client.rpc.call("ir.model.data", "check_object_reference", **asked) == ["sale.order", False], (
        "Odoo remembers it"
    )
    told: dict[str, str] = {}
    names = [f"{MODULE}.order_1", f"{MODULE}.order_2"]
    assert (client.external_ids.find(names, hidden=told), told) == ({}, {})
    made = client.orders.create(*shop.fitted("sale.order", ORDER_FIELDS, shop.order_rows(1))).ids
    with hidden(admin, "sale.order", made[f"{MODULE}.order_1"]):
        assert client.external_ids.find(names, hidden=told) == {}
        assert list(told) == [f"{MODULE}.order_1"]


@LIVE
@pytest.mark.parametrize("language", ["de_DE", "fr_FR", "es_ES", "nl_NL", "ja_JP"])
def test_a_hidden_record_is_recognised_in_any_user_language(
    shop: Shop, client: OdooClient, admin: OdooClient, language: str
) -> None:
    """Odoo words this refusal in the user's own language, whatever the context of the call says."""
    everything = {"active_test": False}
    found = admin.rpc.call("res.lang", "search", domain=[["code", "=", language]], context=everything)
    (wizard,) = admin.rpc.write_call("base.language.install", "create", vals_list=[{"lang_ids": [[6, 0, found]]}])
    admin.rpc.write_call("base.language.install", "lang_install", ids=[wizard])
    users = admin.rpc.call("res.users", "search", domain=[["login", "=", "sync"]])
    admin.rpc.write_call("res.users", "write", ids=users, vals={"lang": language})
    shop.load_partner()
    first, second = client.orders.create(
        *shop.fitted("sale.order", ORDER_FIELDS, [*shop.order_rows(1), *shop.order_rows(2)])
    ).ids.values()
    with hidden(admin, "sale.order", first):
        with pytest.raises(UnreadableRecord) as caught:
            client.rpc.call("sale.order", "read", ids=[first], fields=["name"])
        assert "top-secret" not in str(caught.value), "it is worded in the user's language"
        page = client.documents.by_ids("order", [first, second])
        assert ([row["id"] for row in page.rows], [each.source_id for each in page.quarantined]) == ([second], [first])
    with pytest.raises(Forbidden):
        client.rpc.call("ir.rule", "search", domain=[])
    with pytest.raises(UnknownField):
        client.rpc.call("sale.order", "search", domain=[["no_such", "=", 1]])
    assert client.external_ids.find([f"{MODULE}.order_9"]) == {}
