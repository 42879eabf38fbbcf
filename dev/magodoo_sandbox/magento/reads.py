"""GET routes: lists by criteria, single documents, and configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from magodoo_sandbox.magento import columns, render
from magodoo_sandbox.magento.amounts import Row, of
from magodoo_sandbox.magento.calls import Call, path_id
from magodoo_sandbox.magento.criteria import Criteria, Filter, read_criteria, search
from magodoo_sandbox.magento.refusals import Refusal, no_such_entity
from magodoo_sandbox.magento.shop import MagentoShop

_DOCUMENTS = {
    "orders": (columns.ORDERS, render.order),
    "invoices": (columns.INVOICES, render.document),
    "shipments": (columns.SHIPMENTS, render.document),
    "creditmemos": (columns.CREDITMEMOS, render.document),
}
Show = Callable[[Row], Row]


def list_documents(kind: str) -> Callable[[MagentoShop, Call], Row]:
    """Return the route function of GET /V1/orders and its three sisters."""
    known, show = _DOCUMENTS[kind]

    def list_them(shop: MagentoShop, call: Call) -> Row:
        criteria = read_criteria(call.query, shop.limits)
        return _answer(_of_orders(shop, kind, criteria), criteria, known, "entity_id", show)

    return list_them


def _of_orders(shop: MagentoShop, kind: str, criteria: Criteria) -> Iterable[Row]:
    """Return the candidate rows: an `order_id` filter on its own uses the index, as the database does."""
    table = shop.tables.documents(kind)
    for group in criteria.groups:
        only = group[0]
        if len(group) == 1 and only.field == "order_id" and only.condition in ("eq", "in"):
            numbers = {int(part) for part in str(only.value).split(",") if part.isdigit()}
            return [row for order_id in sorted(numbers) for row in table.of_order(order_id)]
    return table.values()


def show_document(kind: str) -> Callable[[MagentoShop, Call, str], Row]:
    """Return the route function of GET /V1/orders/:id and its sisters, whose paths are singular (docs/facts/magento-2.4.7.md#3)."""
    show = _DOCUMENTS[kind][1]

    def show_it(shop: MagentoShop, call: Call, identifier: str) -> Row:
        row = shop.tables.documents(kind).get(path_id(identifier))
        if row is None:
            raise no_such_entity()
        return show(row)

    return show_it


def list_order_items(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)
    orders = shop.tables.orders.values()
    for group in criteria.groups:
        only = group[0]
        if len(group) == 1 and only.field == "order_id" and only.condition in ("eq", "in"):
            wanted = {int(part) for part in str(only.value).split(",") if part.isdigit()}
            orders = [shop.tables.orders[order] for order in sorted(wanted & shop.tables.orders.keys())]  # type: ignore[assignment]
    items = (item for order in orders for item in order["items"])
    return _answer(items, criteria, columns.ORDER_ITEMS, "item_id", _nested_item(shop))


def show_order_item(shop: MagentoShop, call: Call, identifier: str) -> Row:
    item = shop.tables.order_item(path_id(identifier))
    if item is None:
        raise no_such_entity()
    return _nested_item(shop)(item)


def _nested_item(shop: MagentoShop) -> Show:
    def show(item: Row) -> Row:
        shown = render.order_item(item)
        parent = shop.tables.order_item(item["parent_item_id"]) if "parent_item_id" in item else None
        return shown if parent is None else shown | {"parent_item": render.order_item(parent)}

    return show


def show_order_status(shop: MagentoShop, call: Call, identifier: str) -> Any:
    return shop.order(path_id(identifier)).get("status")


def list_comments(kind: str) -> Callable[[MagentoShop, Call, str], Row]:
    """All comments of a document, oldest first, paging ignored (docs/facts/magento-2.4.7-more.md#5)."""

    def list_them(shop: MagentoShop, call: Call, identifier: str) -> Row:
        row = shop.tables.documents(kind).get(path_id(identifier))
        if row is None:
            raise no_such_entity()
        comments = row["status_histories" if kind == "orders" else "comments"]
        criteria = Criteria([[Filter("parent_id", str(path_id(identifier)), "eq")]])
        return {"items": comments, "search_criteria": criteria.echo(), "total_count": len(comments)}

    return list_them


def list_transactions(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)

    def show(row: Row) -> Row:
        children = [other for other in shop.tables.transactions if other.get("parent_id") == row["transaction_id"]]
        return render.public(row) | {"child_transactions": [show(child) for child in children]}

    return _answer(shop.tables.transactions, criteria, columns.TRANSACTIONS, "transaction_id", show)


def list_products(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)
    rows = [row | {"entity_id": row["id"]} for row in shop.tables.products]
    return _answer(rows, criteria, columns.PRODUCTS, "id", _product)


def show_product(shop: MagentoShop, call: Call, sku: str) -> Row:
    row = shop.tables.product(sku)
    if row is None:
        raise Refusal(404, "The product that was requested doesn't exist. Verify the product and try again.")
    return _product(row)


def _product(row: Row) -> Row:
    return {column: value for column, value in render.public(row).items() if column != "entity_id"}


def list_customers(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)
    rows = [row | {"entity_id": row["id"]} for row in shop.tables.customers]
    return _answer(rows, criteria, columns.CUSTOMERS, "id", _product)


def list_tax_rates(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)
    return _answer(shop.tables.tax_rates, criteria, columns.TAX_RATES, "id", render.public)


def list_sources(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)
    return _answer(shop.tables.sources, criteria, columns.SOURCES, "source_code", render.public, sort=False)


def list_source_items(shop: MagentoShop, call: Call) -> Row:
    criteria = read_criteria(call.query, shop.limits)
    return _answer(shop.tables.source_items, criteria, columns.SOURCE_ITEMS, "sku", render.public, sort=False)


def show_stock_item(shop: MagentoShop, call: Call, sku: str) -> Row:
    """Only the source `default`, whatever other sources hold (docs/facts/magento-2.4.7-more.md#3)."""
    product = shop.tables.product(sku)
    if product is None:
        raise Refusal(404, "The stock item was unable to be saved. Please try again.")
    rows = (row for row in shop.tables.source_items if row["sku"] == sku and row["source_code"] == "default")
    qty = next((of(row, "quantity") for row in rows), 0)
    return {"item_id": product["id"], "product_id": product["id"], "stock_id": 1, "qty": qty, "is_in_stock": qty > 0}


def list_store_views(shop: MagentoShop, call: Call) -> list[Row]:
    return [render.public(row) for row in shop.tables.stores]


def list_websites(shop: MagentoShop, call: Call) -> list[Row]:
    return [render.public(row) for row in shop.tables.websites]


def list_store_groups(shop: MagentoShop, call: Call) -> list[Row]:
    return [
        {"id": site["id"], "website_id": site["id"], "root_category_id": 2 if site["id"] else 0}
        | {
            "default_store_id": _first_store(shop, site),
            "name": f"{site['name']} Store",
            "code": f"{site['code']}_store",
        }
        for site in shop.tables.websites
    ]


def _first_store(shop: MagentoShop, site: Row) -> int:
    return next((store["id"] for store in shop.tables.stores if store["website_id"] == site["id"]), 0)


def list_store_configs(shop: MagentoShop, call: Call) -> list[Row]:
    url = f"http://{call.headers.get('host', 'localhost')}/"
    static, media = f"{url}static/version1754759768/", f"{url}media/"
    links = {"base_url": url, "base_link_url": url, "base_static_url": static, "base_media_url": media}
    return [
        {
            "id": store["id"],
            "code": store["code"],
            "website_id": store["website_id"],
            "locale": store["_locale"],
            "base_currency_code": store["_base_currency"],
            "default_display_currency_code": store["_currency"],
            "timezone": store["_timezone"],
            "weight_unit": "lbs",
        }
        | links
        | {f"secure_{name}": link for name, link in links.items()}
        for store in shop.tables.stores
        if store["id"]
    ]


def list_modules(shop: MagentoShop, call: Call) -> list[str]:
    return shop.tables.modules


def _answer(
    rows: Iterable[Row], criteria: Criteria, known: frozenset[str], key: str, show: Show, *, sort: bool = True
) -> Row:
    if sort or criteria.sorts:
        page, total = search(rows, criteria, known, key)
    else:
        page, total = search(({"_at": at, **row} for at, row in enumerate(rows)), criteria, known, "_at")
    return {"items": [show(row) for row in page], "search_criteria": criteria.echo(), "total_count": total}
