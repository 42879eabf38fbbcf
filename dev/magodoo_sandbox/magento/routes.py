"""Every route with the right it needs, and the way from a call to its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from magodoo_sandbox.magento import reads, writes
from magodoo_sandbox.magento.accounts import Admin, Integration
from magodoo_sandbox.magento.auth import require
from magodoo_sandbox.magento.calls import Call
from magodoo_sandbox.magento.projection import parse_fields, project
from magodoo_sandbox.magento.refusals import Refusal, bad, no_such_route
from magodoo_sandbox.magento.shop import MagentoShop

_ORDERS, _INVOICES = "Magento_Sales::actions_view", "Magento_Sales::sales_invoice"
_SHIPMENTS, _MEMOS = "Magento_Sales::shipment", "Magento_Sales::sales_creditmemo"
_STORE, _SOURCE = "Magento_Backend::store", "Magento_InventoryApi::source"


@dataclass(frozen=True)
class Route:
    method: str
    path: re.Pattern[str]
    resource: str
    run: Callable[..., Any]


def _route(method: str, path: str, resource: str, run: Callable[..., Any]) -> Route:
    pattern = "".join(part if part != ":" else r"([^/]+)" for part in re.split(r"(:)", path))
    return Route(method, re.compile(f"/V1/{pattern}"), resource, run)


ROUTES = [
    _route("POST", "integration/admin/token", "anonymous", writes.issue_token),
    _route("GET", "orders", _ORDERS, reads.list_documents("orders")),
    _route("GET", "orders/items", _ORDERS, reads.list_order_items),
    _route("GET", "orders/items/:", _ORDERS, reads.show_order_item),
    _route("GET", "orders/:", _ORDERS, reads.show_document("orders")),
    _route("GET", "orders/:/comments", _ORDERS, reads.list_comments("orders")),
    _route("GET", "orders/:/statuses", _ORDERS, reads.show_order_status),
    _route("POST", "orders", "Magento_Sales::create", writes.save_order),
    _route("POST", "orders/:/comments", "Magento_Sales::comment", writes.comment_order),
    _route("POST", "orders/:/cancel", "Magento_Sales::cancel", writes.cancel_order),
    _route("POST", "orders/:/hold", "Magento_Sales::hold", writes.hold_order),
    _route("POST", "orders/:/unhold", "Magento_Sales::unhold", writes.unhold_order),
    _route("POST", "orders/:/emails", "Magento_Sales::emails", writes.email_order),
    _route("POST", "order/:/invoice", "Magento_Sales::invoice", writes.invoice_order),
    _route("POST", "order/:/ship", "Magento_Sales::ship", writes.ship_order),
    _route("POST", "order/:/refund", "Magento_Sales::creditmemo", writes.refund_order),
    _route("GET", "invoices", _INVOICES, reads.list_documents("invoices")),
    _route("POST", "invoices", _INVOICES, writes.save_invoice),
    _route("POST", "invoices/comments", _INVOICES, writes.comment_document("invoices")),
    _route("GET", "invoices/:", _INVOICES, reads.show_document("invoices")),
    _route("GET", "invoices/:/comments", _INVOICES, reads.list_comments("invoices")),
    _route("POST", "invoices/:/capture", _INVOICES, writes.capture_invoice),
    _route("POST", "invoices/:/void", _INVOICES, writes.void_invoice),
    _route("POST", "invoices/:/emails", _INVOICES, writes.email_invoice),
    _route("POST", "invoice/:/refund", _INVOICES, writes.refund_invoice),
    _route("GET", "shipments", _SHIPMENTS, reads.list_documents("shipments")),
    _route("POST", "shipment", _SHIPMENTS, writes.save_shipment),
    _route("POST", "shipment/track", _SHIPMENTS, writes.add_track),
    _route("DELETE", "shipment/track/:", _SHIPMENTS, writes.delete_track),
    _route("GET", "shipment/:", _SHIPMENTS, reads.show_document("shipments")),
    _route("GET", "shipment/:/comments", _SHIPMENTS, reads.list_comments("shipments")),
    _route("POST", "shipment/:/comments", _SHIPMENTS, writes.comment_document("shipments")),
    _route("GET", "creditmemos", _MEMOS, reads.list_documents("creditmemos")),
    _route("POST", "creditmemo", _MEMOS, writes.save_creditmemo),
    _route("POST", "creditmemo/refund", _MEMOS, writes.refund_raw),
    _route("GET", "creditmemo/:", _MEMOS, reads.show_document("creditmemos")),
    _route("PUT", "creditmemo/:", _MEMOS, writes.cancel_creditmemo),
    _route("GET", "creditmemo/:/comments", _MEMOS, reads.list_comments("creditmemos")),
    _route("POST", "creditmemo/:/comments", _MEMOS, writes.comment_document("creditmemos")),
    _route("GET", "transactions", "Magento_Sales::transactions_fetch", reads.list_transactions),
    _route("GET", "products", "Magento_Catalog::products", reads.list_products),
    _route("GET", "products/:", "Magento_Catalog::products", reads.show_product),
    _route("GET", "stockItems/:", "Magento_CatalogInventory::cataloginventory", reads.show_stock_item),
    _route("GET", "inventory/sources", _SOURCE, reads.list_sources),
    _route("GET", "inventory/source-items", _SOURCE, reads.list_source_items),
    _route("GET", "taxRates/search", "Magento_Tax::manage_tax", reads.list_tax_rates),
    _route("GET", "customers/search", "Magento_Customer::customer", reads.list_customers),
    _route("GET", "store/storeViews", _STORE, reads.list_store_views),
    _route("GET", "store/storeGroups", _STORE, reads.list_store_groups),
    _route("GET", "store/storeConfigs", _STORE, reads.list_store_configs),
    _route("GET", "store/websites", _STORE, reads.list_websites),
    _route("GET", "modules", "Magento_Backend::all", reads.list_modules),
]


def answer(shop: MagentoShop, caller: Integration | Admin | None, call: Call) -> Any:
    """Return the JSON value of the answer. Raises Refusal or Crash."""
    if call.method not in ("GET", "POST", "PUT", "DELETE"):
        raise Refusal(405, f"The {call.method} HTTP method is not supported.")
    route, identifiers = _find(call)
    require(caller, route.resource)
    value = route.run(shop, call, *identifiers)
    fields = call.query.get("fields")
    if not isinstance(fields, str) or not fields or call.method != "GET":
        return value
    tree = parse_fields(fields)
    return [] if tree is None else project(value, tree)


def _find(call: Call) -> tuple[Route, list[str]]:
    path = call.path.rstrip("/")
    for route in ROUTES:
        match = route.path.fullmatch(path) if route.method == call.method else None
        if match:
            return route, [unquote(part) for part in match.groups()]
    raise no_such_route()


def strip_store(shop: MagentoShop, path: str) -> str:
    """`/rest/V1/orders` and `/rest/eu/V1/orders` are both `/V1/orders`: the code filters nothing (docs/facts/magento-2.4.7.md#3)."""
    inner = path.removeprefix("/rest")
    if inner.startswith("/V1/") or inner == path:
        return inner
    _, code, rest = inner.split("/", 2) if inner.count("/") > 1 else ("", inner, "")
    if code != "all" and all(store["code"] != code for store in shop.tables.stores):
        raise bad("Specified request cannot be processed.")
    return f"/{rest}"
