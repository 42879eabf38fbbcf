"""Reading Odoo: changes page by page, ids, references, names, both transports, both ways to read a tree."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from odoo_shop import LINES, MODULE, Line, Shop

from magodoo.connectors.odoo import record_trees
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.installation import CopyMarks
from magodoo.connectors.odoo.record_kinds import ELECTRONIC, READINGS
from magodoo.connectors.odoo.transport import JsonRpc, open_session
from magodoo.errors import Forbidden
from magodoo_devstack import odoo_provision
from magodoo_devstack.live_odoo import LiveOdoo

EVER = datetime(2020, 1, 1, tzinfo=UTC)
COPY = "00000000-0000-4000-8000-00000000c0b1"


@pytest.fixture
def full(shop: Shop) -> Shop:
    """An order that is invoiced, paid in part, shipped in part, returned in part and refunded in part."""
    order = shop.confirmed_order(1, (*LINES, Line("SHIPPING", "1", "5.00", "5.00")))
    move = shop.posted_invoice(1, 1)
    client = shop.client
    (payment,) = shop.load_payments(shop.payment_rows(move, 1, "50.00")).ids.values()
    client.payments.post([payment])
    client.payments.reconcile_one(payment, move)
    picking = shop.shipped(order, {"SKU-A": "2"}, key="m:1", tracking="1Z1")
    (done,) = client.documents.by_ids("shipment", [picking]).rows
    back = client.deliveries.create_return(picking, {done["move_ids"][0]["id"]: Decimal(1)})
    client.deliveries.validate([back])
    memo = shop.move_rows(1, 1, (Line("SKU-A", "1", "19.99", "19.99", "1.65"),), kind="out_refund")
    shop.load_moves(memo)
    return shop


def rows_of(client: OdooClient, kind: str, **options: int) -> list[dict]:
    return [row for page in client.documents.changed(kind, EVER, **options) for row in page.rows]


def test_both_transports_and_both_read_methods_give_the_same_rows(full: Shop, client: OdooClient) -> None:
    rpc = OdooClient.connect(
        client.connection, JsonRpc(open_session(client.connection), client.connection, client.rpc.version)
    )
    for kind in READINGS:
        # Orders between companies and electronic documents have fields of modules.
        optional = {"auto_purchase_order_id", *ELECTRONIC.split()}
        if client.rpc.version.major < 19:  # `matched_payment_ids` is there from 18 on
            optional.add("reconciled_payment_ids")
        assert set(client.documents.missing_fields(kind)) <= optional
        rows = rows_of(client, kind)
        assert len(rows) == (2 if kind == "shipment" else 1)
        assert rows_of(rpc, kind) == rows
        with pytest.MonkeyPatch.context() as older:
            older.setattr(record_trees, "NESTED_READ_SINCE", 99)
            assert rows_of(client, kind) == rows


def test_pages_that_end_within_a_second_lose_and_repeat_nothing(client: OdooClient, shop: Shop) -> None:
    shop.load_partner()
    rows = [row for number in range(1, 24) for row in shop.order_rows(number, LINES[:1])]
    made = shop.load_orders(rows).ids
    ids = sorted(made.values())
    # One transaction gives one stamp; these are stamped again one by one, against the order of their ids.
    for id in ids[10:5:-1]:
        client.rpc.write_call("sale.order", "write", ids=[id], vals={"client_order_ref": f"again {id}"})
    pages = list(client.documents.changed("order", EVER, page_size=4))
    read = [row["id"] for page in pages for row in page.rows]
    assert sorted(read) == ids
    assert {page.total_count for page in pages} == {23}
    assert all(page.request_began_at.tzinfo for page in pages)
    stamps = [row["write_date"] for page in pages for row in page.rows]
    assert stamps == sorted(stamps)


def test_a_window_is_half_open(client: OdooClient, shop: Shop) -> None:
    shop.load_partner()
    shop.load_orders(shop.order_rows(1))
    (row,) = rows_of(client, "order")
    at = datetime.fromisoformat(row["write_date"]).replace(tzinfo=UTC)
    second = timedelta(seconds=1)

    def read(since: datetime, until: datetime) -> int:
        return sum(len(page.rows) for page in client.documents.changed("order", since, until))

    assert (read(at, at + second), read(at - second, at), read(at + second, at + 2 * second)) == (1, 0, 0)
    assert client.documents.count("order", at, at + second) == 1


def test_orders_are_found_by_reference_and_deleted_ones_are_known_by_their_absence(
    client: OdooClient, admin: OdooClient, shop: Shop
) -> None:
    shop.load_partner()
    made = shop.load_orders([*shop.order_rows(1), *shop.order_rows(2)]).ids
    first, second = made.values()
    assert [
        row["id"]
        for row in client.documents.by_reference(
            "order", ["000000002", "nothing"], ["client_order_ref", "origin", "name"]
        ).rows
    ] == [second]
    admin.rpc.write_call("sale.order", "unlink", ids=[first])
    assert client.documents.existing_ids("order", [first, second, 10**6]) == {second}
    assert [row["id"] for row in client.documents.by_ids("order", [first, second]).rows] == [second]
    again = shop.load_orders(shop.order_rows(1)).ids
    assert list(again.values()) != [first]


def test_external_ids_are_found_by_the_restricted_user_and_faster_by_one_who_may_list_them(
    client: OdooClient, admin: OdooClient, shop: Shop
) -> None:
    shop.load_partner()
    made = shop.load_orders([*shop.order_rows(1), *shop.order_rows(2)]).ids
    names = [*made, f"{MODULE}.partner_1", f"{MODULE}.nothing", "no_such_module.name"]
    found = client.external_ids.find(names)
    assert {name: found[name] for name in made} == made
    assert sorted(found) == sorted([*made, f"{MODULE}.partner_1"])
    assert admin.external_ids.find(names) == found
    assert client.external_ids.of("sale.order", made.values()) == {id: name for name, id in made.items()}


def test_master_data_is_complete(client: OdooClient, shop: Shop) -> None:
    products = {row["default_code"]: row for row in client.master_data.products(["SKU-A", "SHIPPING", "unknown"])}
    assert sorted(products) == ["SHIPPING", "SKU-A"]
    assert (products["SHIPPING"]["type"], products["SHIPPING"]["invoice_policy"]) == ("service", "order")
    assert products["SKU-A"]["is_storable"] is True
    assert {Decimal("8.25"), Decimal(19), Decimal(7), Decimal(0)} <= {
        row["amount"] for row in client.master_data.taxes()
    }
    assert {"USD", "EUR"} <= {row["name"] for row in client.master_data.currencies() if row["active"]}
    journals = {row["code"]: row for row in client.master_data.journals()}
    for code in odoo_provision.PROVIDERS:
        lines = journals[code]["method_lines"]
        assert {line["payment_type"] for line in lines} == {"inbound", "outbound"}
        assert {line["payment_account"]["account_type"] for line in lines} == {"asset_current"}
    assert {"Magento USD", "Magento EUR"} <= {row["name"] for row in client.master_data.pricelists()}
    assert set(odoo_provision.CARRIERS) <= {row["name"] for row in client.master_data.carriers()}
    assert "US" in {row["code"] for row in client.master_data.countries()}
    assert [row["code"] for row in client.master_data.warehouses()] == ["WH"]
    assert client.company.lock_dates() == {}
    assert {"account", "sale", "sale_stock", "stock", "stock_delivery"} <= client.installation.modules()
    assert client.company.row()["currency_id"][1] == "USD"


def test_the_database_has_one_identity_for_every_user(client: OdooClient, admin: OdooClient) -> None:
    assert uuid.UUID(client.installation.database_uuid())
    assert client.installation.database_uuid() == admin.installation.database_uuid()


@pytest.mark.parametrize("store", [False, True])
def test_a_user_without_system_parameters_reads_the_marks_of_a_copy_in_a_field_that_is_not_stored(
    connect: Callable[..., OdooClient], client: OdooClient, admin: OdooClient, store: bool
) -> None:
    assert "may not read" in client.installation.marks_of_copy().unknown
    own = admin.installation.marks_of_copy()
    assert uuid.UUID(own.uuid) and not own.neutralised
    odoo_provision.add_database_field(admin, store=store)
    told = connect().installation.marks_of_copy()
    if store:
        assert (told.uuid, "is stored" in told.unknown) == ("", True)
        return
    assert told == own
    for key, value in (("database.uuid", COPY), ("database.is_neutralized", "true")):
        (known, *_) = [*admin.rpc.call("ir.config_parameter", "search", domain=[["key", "=", key]]), 0]
        if known:
            admin.rpc.write_call("ir.config_parameter", "write", ids=[known], vals={"value": value})
        else:
            admin.rpc.write_call("ir.config_parameter", "create", vals_list=[{"key": key, "value": value}])
    assert connect().installation.marks_of_copy() == CopyMarks(COPY, neutralised=True)
    with pytest.raises(Forbidden):
        connect().rpc.search_read("ir.config_parameter", [], ["key"])


def test_two_companies_never_see_each_others_documents(
    connect: Callable[..., OdooClient], odoo: LiveOdoo, admin: OdooClient
) -> None:
    if len(odoo.access.companies) < 2:
        pytest.skip("the database has no second company for tests")
    first, second = odoo.access.companies
    both = {company: connect("sync_both", company) for company in (first, second)}
    shops = {}
    for company in (second, first):
        administrator = connect("admin", company)
        if not shops:
            shops[company] = Shop.stocked(both[company], administrator)
        else:
            made = shops[second].products
            client = both[company]
            tax = next(row["id"] for row in client.master_data.taxes() if row["amount"] == Decimal("8.25"))
            lists = {
                row["name"].split()[-1]: row["id"]
                for row in client.master_data.pricelists()
                if row["name"].startswith("Magento")
            }
            shops[company] = Shop(client, made, tax, shops[second].currencies, lists)
    shops[second].load_partner()
    order_of_second = shops[second].load_orders(shops[second].order_rows(1)).ids[f"{MODULE}.order_1"]
    order_of_first = shops[first].load_orders(shops[first].order_rows(2)).ids[f"{MODULE}.order_2"]
    for company, own, other in ((first, order_of_first, order_of_second), (second, order_of_second, order_of_first)):
        client = both[company]
        (row,) = rows_of(client, "order")
        assert (row["id"], row["company_id"]) == (own, company)
        assert client.documents.by_ids("order", [other]).rows == []
        assert client.documents.existing_ids("order", [own, other]) == {own}
        assert other in client.orders.confirm([other]).refused
        assert {line["company_id"][0] for line in client.master_data.taxes()} == {company}
        assert {line["company_id"][0] for line in client.master_data.journals()} == {company}
