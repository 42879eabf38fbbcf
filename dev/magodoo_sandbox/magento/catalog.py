"""The catalogue: websites, store views, sources, tax rates, products, customers."""

from __future__ import annotations

from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from magodoo_sandbox.magento.amounts import ZERO, Row, dec
from magodoo_sandbox.magento.store import Clock, Tables

TAX_CLASSES = {"none": 0, "goods": 2, "reduced": 10, "shipping": 11}
"""Product tax class name to the id that REST shows."""

_MODULES = [
    "Magento_Store",
    "Magento_Config",
    "Magento_Directory",
    "Magento_Backend",
    "Magento_Catalog",
    "Magento_Customer",
    "Magento_Tax",
    "Magento_Sales",
    "Magento_SalesRule",
    "Magento_Bundle",
    "Magento_ConfigurableProduct",
    "Magento_Inventory",
    "Magento_InventoryShipping",
    "Magento_InventorySalesApi",
    "Magento_OfflinePayments",
    "Magento_OfflineShipping",
]


def install(tables: Tables) -> None:
    """Set up an empty Magento: website `base`, store view `default` in USD, source `default`."""
    tables.modules = list(_MODULES)
    add_website(tables, "admin", "Admin", website_id=0)
    add_store(tables, "admin", "admin", name="Admin", store_id=0)
    add_website(tables, "base", "Main Website")
    add_store(tables, "default", "base", name="Default Store View")
    add_source(tables, "default", name="Default Source", country="US")


def add_website(tables: Tables, code: str, name: str, website_id: int | None = None) -> int:
    identifier = tables.next_id("website") if website_id is None else website_id
    tables.websites.append({"id": identifier, "code": code, "name": name, "default_group_id": identifier})
    return identifier


def add_store(
    tables: Tables,
    code: str,
    website: str,
    *,
    name: str = "",
    base_currency: str = "USD",
    currency: str = "",
    rate: Decimal | str = "1",
    global_currency: str = "USD",
    base_to_global_rate: Decimal | str = "1",
    locale: str = "en_US",
    timezone: str = "UTC",
    store_id: int | None = None,
) -> int:
    """Return a store view. `rate` is base to display currency, as orders keep it; returns the store id."""
    site = next(row for row in tables.websites if row["code"] == website)
    identifier = tables.next_id("store") if store_id is None else store_id
    tables.stores.append(
        {
            "id": identifier,
            "code": code,
            "name": name or code,
            "website_id": site["id"],
            "store_group_id": site["id"],
            "is_active": 1,
            "_base_currency": base_currency,
            "_currency": currency or base_currency,
            "_rate": dec(rate),
            "_global_currency": global_currency,
            "_base_to_global_rate": dec(base_to_global_rate),
            "_locale": locale,
            "_timezone": timezone,
        }
    )
    return identifier


def find_store(tables: Tables, store: str | int) -> Row:
    """Return the store view of a code or an id; raises KeyError for an unknown one."""
    for row in tables.stores:
        if store in (row["code"], row["id"]):
            return row
    raise KeyError(f"no such store view: {store}")


def add_source(tables: Tables, code: str, *, name: str = "", country: str = "US") -> None:
    tables.sources.append(
        {
            "source_code": code,
            "name": name or code,
            "enabled": True,
            "description": name or code,
            "latitude": 0,
            "longitude": 0,
            "country_id": country,
            "postcode": "00000",
            "use_default_carrier_config": True,
            "carrier_links": [],
            "extension_attributes": {"is_pickup_location_active": False, "frontend_name": ""},
        }
    )


def set_stock(tables: Tables, sku: str, quantity: Decimal | int, source: str = "default") -> None:
    for row in tables.source_items:
        if row["sku"] == sku and row["source_code"] == source:
            row["quantity"] = dec(quantity)
            return
    tables.source_items.append({"sku": sku, "source_code": source, "quantity": dec(quantity), "status": 1})


def add_tax_rate(
    tables: Tables,
    country: str,
    rate: Decimal | str,
    code: str = "",
    tax_class: str = "goods",
    region_id: int = 0,
    postcode: str = "*",
) -> int:
    """Return a percentage for one country and product tax class ("goods", "reduced", "shipping").

    region_id: of one region only; 0: of all. postcode: with a * at its end for those that begin so. The first rate that fits is charged.
    """
    identifier = tables.next_id("tax_rate")
    tables.tax_rates.append(
        {
            "id": identifier,
            "tax_country_id": country,
            "tax_region_id": region_id,
            "tax_postcode": postcode,
            "rate": dec(rate),
            "code": code or f"{country}-{rate}",
            "titles": [],
            "_tax_class": tax_class,
        }
    )
    return identifier


def find_tax_rate(tables: Tables, country: str, tax_class: str, region_id: int = 0, postcode: str = "") -> Row | None:
    for row in tables.tax_rates:
        of_place = row["tax_country_id"] == country and row["tax_region_id"] in (0, region_id)
        if of_place and row["_tax_class"] == tax_class and fnmatchcase(postcode, row["tax_postcode"]):
            return row
    return None


def add_product(
    tables: Tables,
    clock: Clock,
    sku: str,
    *,
    name: str,
    price: Decimal | str,
    product_type: str,
    weight: Decimal | str,
    tax_class: str,
    stock: int,
    children: tuple[Any, ...] = (),
    dynamic: bool = False,
    qty_decimal: bool = False,
    ships_separately: bool = False,
) -> int:
    """Return a product row; returns its id. Children are what a configurable offers or a bundle holds."""
    identifier = tables.next_id("product")
    stamp = clock.stamp()
    row: Row = {
        "id": identifier,
        "sku": sku,
        "name": name,
        "attribute_set_id": 4,
        "price": dec(price),
        "status": 1,
        "visibility": 4,
        "type_id": product_type,
        "created_at": stamp,
        "updated_at": stamp,
        "extension_attributes": {"website_ids": [1]},
        "product_links": [],
        "options": [],
        "media_gallery_entries": [],
        "tier_prices": [],
        "custom_attributes": [
            {"attribute_code": "url_key", "value": sku.lower()},
            {"attribute_code": "tax_class_id", "value": str(TAX_CLASSES[tax_class])},
        ],
        "_tax_class": tax_class,
        "_children": list(children),
        "_dynamic": dynamic,
        "_qty_decimal": qty_decimal,
        "_ships_separately": ships_separately,
    }
    if product_type == "bundle":
        row["custom_attributes"].append({"attribute_code": "shipment_type", "value": str(int(ships_separately))})
    if product_type != "virtual":
        row["weight"] = dec(weight)
    tables.products.append(row)
    if product_type in ("simple", "virtual"):
        set_stock(tables, sku, stock)
    return identifier


def add_customer(
    tables: Tables, clock: Clock, email: str, firstname: str, lastname: str, store: Row, group_id: int = 1
) -> int:
    identifier = tables.next_id("customer")
    stamp = clock.stamp()
    tables.customers.append(
        {
            "id": identifier,
            "group_id": group_id,
            "created_at": stamp,
            "updated_at": stamp,
            "created_in": store["name"],
            "email": email,
            "firstname": firstname,
            "lastname": lastname,
            "store_id": store["id"],
            "website_id": store["website_id"],
            "addresses": [],
            "disable_auto_group_change": 0,
            "extension_attributes": {"is_subscribed": False},
        }
    )
    return identifier


def stock_of(tables: Tables, sku: str, source: str = "default") -> Decimal:
    rows = (row for row in tables.source_items if row["sku"] == sku and row["source_code"] == source)
    return next((dec(row["quantity"]) for row in rows), ZERO)
