"""The stories of orders that another company's warehouse sends (tests/test_rules_intercompany.py) with a live Odoo 19, and those with
Odoo's own drop shipments: our company buys what it sold, and the other company's order for it sends the goods.

The inter-company module that makes such orders by itself is not free: here a clerk enters what it would, field by field.
"""

# ruff: noqa: F403 - an imported story is a test of this module
from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from intercompany import MAPPED, WAREHOUSE, mirror, own_order, rows_there, send, there
from live_books import ShopAndLiveBooks, shop_and_live_books
from shop_and_books import ShopAndBooks
from stories import Story, run_chain, story
from test_rules_intercompany import *
from transfers import shipped, validate

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo_devstack.live_odoo import LiveOdoo

# The first test waits until all stories are told.
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.odoo_stories,
    pytest.mark.parametrize("odoo", ["live"], indirect=True, scope="session"),
]


class OfTwoCompanies(ShopAndLiveBooks):
    """The user of the API key belongs to both companies; `there` is an administrator's client of the second one."""

    there: OdooClient

    def call(self, model: str, method: str, ids: Any = None, **arguments: Any) -> Any:
        context = dict(arguments.pop("context", None) or {})
        if context.pop("allowed_company_ids", None) == [WAREHOUSE]:
            return self.there.rpc.call(model, method, ids=ids, context=context, retry=False, **arguments)
        return super().call(model, method, ids, **arguments, **({"context": context} if context else {}))

    def books_connection(self) -> OdooConnection:
        return self.live.connection("sync_both", self.database)


@pytest.fixture(scope="module")
def pair(odoo: LiveOdoo, module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfTwoCompanies]:
    """SKU-012 is bought of the second company, which sends it out of its own stock; SKU-001 and SKU-002 are in its stock."""
    more = ["stock_dropshipping"]
    docs = tmp_path_factory.mktemp("data_docs")
    with shop_and_live_books(odoo, module_staging_url, docs, more) as made, ExitStack() as stack:
        made.__class__ = OfTwoCompanies
        made.there = stack.enter_context(OdooClient.connect(odoo.connection("admin", made.database, WAREHOUSE)))
        products = made.books.names.products
        (warehouse,) = rows_there(made, "stock.warehouse", [["company_id", "=", WAREHOUSE]], "lot_stock_id")
        for sku in ("SKU-001", "SKU-002", "SKU-012"):
            vals = {
                "product_id": products[sku],
                "location_id": warehouse["lot_stock_id"][0],
                "inventory_quantity": 1000,
            }
            quants = there(made, "stock.quant", "create", vals_list=[vals])
            there(made, "stock.quant", "action_apply_inventory", quants)
        (product,) = made.rows("product.product", [["default_code", "=", "SKU-012"]], "product_tmpl_id")
        (company,) = made.rows("res.company", [["id", "=", WAREHOUSE]], "partner_id")
        (route,) = made.rows("stock.route", [["name", "=", "Dropship"]], "name")
        bought_there = [["route_id", "=", route["id"]], ["company_id", "=", WAREHOUSE]]
        there(made, "stock.rule", "unlink", there(made, "stock.rule", "search", domain=bought_there))
        seller = {"partner_id": company["partner_id"][0], "price": 1, "company_id": 1}
        bought = {"route_ids": [[4, route["id"]]], "seller_ids": [[0, 0, seller]]}
        made.call("product.template", "write", [product["product_tmpl_id"][0]], vals=bought)
        (group,) = made.rows(
            "ir.model.data", [["module", "=", "purchase"], ["name", "=", "group_purchase_user"]], "res_id"
        )
        (user,) = made.rows("res.users", [["login", "=", "sync_both"]], "name")
        made.call("res.users", "write", [user["id"]], vals={"group_ids": [[4, group["res_id"]]]})
        yield made


@story(odoo=MAPPED)
def test_a_mirror_of_our_purchase_and_our_own_drop_shipment_are_one_shipment(pair: ShopAndBooks) -> Story:
    order = pair.order({"SKU-012": 3}, "cashondelivery")
    yield run_chain()
    (bought,) = pair.rows("purchase.order", [["origin", "like", own_order(pair, order)["name"]]], "name")
    pair.call("purchase.order", "button_confirm", [bought["id"]])
    (ours,) = pair.pickings(order, "dropship")
    made = mirror(pair, bought["name"], {"SKU-012": 3})
    yield run_chain()
    theirs = send(pair, made, {"SKU-012": 2}, "DIRECT")
    yield run_chain()
    (shipment,) = pair.shipments(order)
    assert [track["track_number"] for track in shipment["tracks"]] == ["DIRECT"]
    assert shipped(pair, order) == [2]
    validate(pair, ours["id"])
    yield run_chain()
    assert shipped(pair, order) == [2], "the same goods, in our own accounts"
    send(pair, made)
    yield run_chain()
    assert shipped(pair, order) == [2, 1]
    assert pair.findings(order) == set()
    assert theirs != ours["id"]
