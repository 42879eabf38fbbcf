"""Orders as a live Magento 2.4.7 recorded them, beside an Odoo that holds none of them yet, and the chain between."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shop_and_books import NO_LIMITS, ShopAndBooks

from magodoo.money import parse_json
from magodoo_sandbox.magento import MagentoShop
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import RunningSandbox as RunningOdoo
from magodoo_sandbox.seed.books import Books
from magodoo_sandbox.seed.shop import Shop

Row = dict[str, Any]
RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
KINDS = ("invoices", "shipments", "creditmemos")
STATES = ["new", "processing", "complete", "closed"]
COMMON: Row = {"books_from": "2026-11-01 00:00:00", "limits": NO_LIMITS}
AMERICA: Row = COMMON | {
    "payment_methods": {
        "checkmo": {"import_states": STATES},
        "cashondelivery": {"import_states": STATES},
        "banktransfer": {"import_states": STATES},
    },
}
GERMANY: Row = COMMON | {
    "odoo": {"company_id": 2, "pricelists": {"EUR": "Magento EUR", "CHF": "Magento CHF"}},
    "payment_methods": {"checkmo": {"import_states": STATES}, "free": {"import_states": STATES}},
    "taxes": [
        {"rate": "19", "odoo_tax": "DE 19%", "country": "DE"},
        {"rate": "7", "odoo_tax": "DE 7%", "country": "DE"},
        {"rate": "20", "odoo_tax": "AT 20%", "country": "AT"},
    ],
}


def german_orders() -> list[Row]:
    """Per order of the German stores: `name`, `order`, `invoices`, `creditmemos`, `shipments`, as the REST interface gave them."""
    return list(parse_json((RECORDINGS / "reconcile" / "german.json").read_bytes()))


def american_shop() -> MagentoShop:
    """The recorded shop when its lists were read: 67 orders, most of them odd."""
    return MagentoShop.load(RECORDINGS / "magento" / "snapshot.json")


def german_shop() -> MagentoShop:
    shop = MagentoShop()
    euro = {"base_currency": "EUR", "base_to_global_rate": "1.087"}
    shop.add_website("de", "Deutschland")
    shop.add_store("de", "de", name="Deutsch", store_id=4, **euro)
    shop.add_store("de_chf", "de", name="CHF", currency="CHF", rate="0.9432", store_id=5, **euro)
    for recorded in german_orders():
        for kind in ("orders", *KINDS):
            for row in [_stored(recorded["order"])] if kind == "orders" else recorded[kind]:
                shop.tables.documents(kind)[row["entity_id"]] = row
    return shop


def _stored(order: Row) -> Row:
    """The order as the sandbox keeps it: what REST adds and alters is taken back (`sandbox.magento.render`)."""
    extension = order["extension_attributes"]
    shipping = extension["shipping_assignments"][0]["shipping"] if extension.get("shipping_assignments") else {}
    hidden = {
        "_tax_rows": extension.get("taxes", []),
        "_shipping_taxes": extension.get("additional_itemized_taxes", []),
        **(
            {"_shipping_address": shipping["address"], "_shipping_method": shipping["method"]}
            if "address" in shipping
            else {}
        ),
    }
    items = [
        {**item, "_taxes": item.get("extension_attributes", {}).get("itemized_taxes", [])} for item in order["items"]
    ]
    for item in items:
        for prefix in ("", "base_"):
            shown, discount = item[f"{prefix}row_total"], item.get(f"{prefix}discount_amount", 0)
            item[f"{prefix}row_total"] = shown + discount if shown else item.get(f"{prefix}row_invoiced") or discount
    return order | hidden | {"items": items, "status_histories": order.get("status_histories", [])[::-1]}


@contextmanager
def recorded_pair(magento: MagentoShop, staging_url: str, docs: Path, policy: Row) -> Iterator[ShopAndBooks]:
    """The shop over HTTP, and an Odoo that sells its products and holds no document yet."""
    shop = copy.copy(Shop(1, datetime.now(UTC)))
    shop.magento = magento
    database = OdooDatabase()
    database.provision(sync_key="sync-key", admin_key="admin-key")
    books = Books(database, shop, "us")
    books.provision(_goods(magento))
    _allow_francs(books)
    _fill_second_warehouse(books)
    with pytest.MonkeyPatch.context() as patch, RunningMagento(magento) as served, RunningOdoo(database) as odoo:
        patch.setenv("MAGODOO_DATA_DOCS", str(docs))
        pair = ShopAndBooks(shop, books, served, odoo, staging_url)
        with pair.policy(**policy):
            yield pair
        pair.engine.dispose()


def _goods(shop: MagentoShop) -> dict[str, tuple[str, Decimal, bool]]:
    """(name, price, storable) by SKU of what was sold."""
    items = [item for order in shop.tables.orders.values() for item in order["items"]]
    return {
        item["sku"]: (item["name"], Decimal(0), not item.get("is_virtual"))
        for item in items
        if item["product_type"] in ("simple", "virtual", "bundle")
    }


def moves(pair: ShopAndBooks) -> list[Row]:
    """Every customer invoice and credit note of the instance's company."""
    fields = [
        "move_type",
        "ref",
        "state",
        "amount_untaxed",
        "amount_tax",
        "amount_total",
        "currency_id",
        "invoice_date",
    ]
    domain = [["move_type", "in", ["out_invoice", "out_refund"]]]
    return list(_call(pair, "account.move", "search_read", domain=domain, fields=fields, order="id"))


def sales(pair: ShopAndBooks) -> list[Row]:
    fields = ["client_order_ref", "state", "amount_untaxed", "amount_tax", "amount_total", "currency_id"]
    return list(_call(pair, "sale.order", "search_read", domain=[], fields=fields, order="id"))


def _call(pair: ShopAndBooks, model: str, method: str, **arguments: Any) -> Any:
    context = {"allowed_company_ids": [pair.instance.odoo.company_id]}
    return pair.odoo.db.call(model, method, None, context=context, **arguments)


def _fill_second_warehouse(books: Books) -> None:
    """Plenty of everything in Germany too."""
    context = {"allowed_company_ids": [2], "inventory_mode": True}
    domain = [["company_id", "=", 2]]
    (warehouse,) = books.rpc.call(
        "stock.warehouse", "search_read", None, context=context, domain=domain, fields=["lot_stock_id"]
    )
    goods = books.rpc.call("product.product", "search", None, context=context, domain=[["is_storable", "=", True]])
    rows = [
        {"product_id": each, "location_id": warehouse["lot_stock_id"][0], "inventory_quantity": 100_000}
        for each in goods
    ]
    quants = books.rpc.call("stock.quant", "create", None, context=context, vals_list=rows)
    books.rpc.call("stock.quant", "action_apply_inventory", quants, context=context)


def _allow_francs(books: Books) -> None:
    (franc,) = books.call("res.currency", "search", domain=[["name", "=", "CHF"], ["active", "=", False]])
    books.call("res.currency", "write", [franc], vals={"active": True})
    rate = {"currency_id": franc, "name": "2020-01-01", "rate": 0.9}
    books.call("res.currency.rate", "create", vals_list=[rate])
    books.call("product.pricelist", "create", vals_list=[{"name": "Magento CHF", "currency_id": franc}])
