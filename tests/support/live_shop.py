"""Two shops with one face: a live Magento of the environment, and the sandbox. Goods, taxes, customers who buy.

What the live shop lacks is made over REST, once, under SKUs of our own; what a shop's settings decide (payment methods, store
views, currencies) is the administrator's: docs/live-systems.md lists it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import requests

from magodoo.connectors.magento import MagentoClient, MagentoConnection
from magodoo.connectors.magento.connection import BearerToken
from magodoo.connectors.magento.http import Http
from magodoo.errors import FixDocument
from magodoo_sandbox.magento import Address, Line, MagentoShop, RunningSandbox
from magodoo_sandbox.magento.pricing import Coupon

Row = dict[str, Any]
Cart = Sequence[tuple[str, int]]

PRICES = {"LIVE-A": "19.99", "LIVE-B": "5.33", "LIVE-C-RED": "24.50", "LIVE-V": "99"}
CONFIGURABLE, DYNAMIC, FIXED = "LIVE-C", "LIVE-DYN", "LIVE-FIX"
DYNAMIC_APART, FIXED_APART = "LIVE-DYN-APART", "LIVE-FIX-APART"  # *ship bundle items separately*
PARTS = {
    DYNAMIC: (("LIVE-A", 1), ("LIVE-B", 2)),
    FIXED: (("LIVE-A", 1), ("LIVE-B", 1)),
    DYNAMIC_APART: (("LIVE-A", 1), ("LIVE-B", 2)),
    FIXED_APART: (("LIVE-A", 1), ("LIVE-B", 2)),
}
BY_PARTS, APART = (DYNAMIC, DYNAMIC_APART), (DYNAMIC_APART, FIXED_APART)
FIXED_PRICE = 60
TAXES = {"US": "8.25", "DE": "19"}
SHIPPING_PER_PIECE = 5
COUPON, COUPON_PERCENT = "LIVE-TEN", 10
KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret", "token", "username", "password")
PLACES: dict[str, Row] = {
    "US": {"city": "Austin", "postcode": "73301", "region": "Texas", "region_id": 57, "region_code": "TX"},
    "DE": {"city": "Berlin", "postcode": "10115", "region": "Berlin", "region_id": 82, "region_code": "BER"},
}


class Buying(Protocol):
    """What the tests know of a shop."""

    connection: MagentoConnection

    def buy(
        self, cart: Cart, *, payment: str = "checkmo", country: str = "US", store: str = "", coupon: str = ""
    ) -> int:
        """The id of a guest's new order; the address is in the US or DE."""
        ...


def login_of_environment() -> Row:
    """The connection's fields in MAGENTO_URL and MAGENTO_TOKEN, the four OAuth keys, or user and password."""
    given = {key: os.environ.get(f"MAGENTO_{key.upper()}", "") for key in KEYS}
    return {**given, "base_url": os.environ.get("MAGENTO_URL", "")}


def missing_login() -> str:
    """Why no live shop can be reached, for a person; empty if one is named."""
    login = login_of_environment()
    ways = (("token",), ("username", "password"), KEYS[:4])
    if login["base_url"] and any(all(login[key] for key in way) for way in ways):
        return ""
    return (
        "MAGENTO_URL and a login are not given (MAGENTO_TOKEN, or MAGENTO_USERNAME and _PASSWORD, or four OAuth keys)"
    )


class LiveShop:
    """The Magento of the environment. `provision` is to be called once before anything is bought."""

    def __init__(self) -> None:
        self.connection = MagentoConnection.from_mapping(login_of_environment())
        self._http = Http(self.connection)

    def build(self) -> str:
        return MagentoClient(self.connection).version()

    def provision(self) -> None:
        """Goods, a tax for each country and a coupon; what is there stays as it is."""
        for sku, price in PRICES.items():
            self._product(sku, price=price, type_id="virtual" if sku == "LIVE-V" else "simple")
        self._configurable()
        for sku in PARTS:
            self._bundle(sku)
        self._taxes()
        self._coupon()

    def buy(
        self, cart: Cart, *, payment: str = "checkmo", country: str = "US", store: str = "", coupon: str = ""
    ) -> int:
        """As a guest, through the shop's own cart."""
        number = uuid.uuid4().hex[:8]
        person = {"firstname": "Live", "lastname": f"Guest {number}", "street": ["1 Elm St"], "telephone": "5551234"}
        address = {**person, **PLACES[country], "country_id": country, "email": f"live.{number}@example.com"}
        base = f"{self.connection.base_url}/rest/{store}/V1/guest-carts".replace("/rest//", "/rest/")
        key = _sent("POST", base, {})
        for sku, quantity in cart:
            item = {"sku": sku, "qty": quantity, "quote_id": key, **self._choices(sku)}
            _sent("POST", f"{base}/{key}/items", {"cartItem": item})
        if coupon:
            _sent("PUT", f"{base}/{key}/coupons/{coupon}")
        if any(sku != "LIVE-V" for sku, _ in cart):
            carrier = {"shipping_carrier_code": "flatrate", "shipping_method_code": "flatrate"}
            addresses = {"shipping_address": address, "billing_address": address}
            _sent("POST", f"{base}/{key}/shipping-information", {"addressInformation": {**addresses, **carrier}})
        method = {"method": payment} | ({"po_number": f"PO {number}"} if payment == "purchaseorder" else {})
        paid = {"email": address["email"], "paymentMethod": method, "billingAddress": address}
        return int(_sent("POST", f"{base}/{key}/payment-information", paid))

    def _product(self, sku: str, *, name: str = "", **fields: Any) -> Row:
        known = self._known(f"/products/{sku}")
        if known:
            return known
        stock = {"stock_item": {"qty": 100_000, "is_in_stock": True}}
        extension = {**stock, "website_ids": [1], **fields.pop("extension_attributes", {})}
        attributes = [{"attribute_code": "tax_class_id", "value": "2"}, *fields.pop("custom_attributes", [])]
        product = {"sku": sku, "name": name or sku, "attribute_set_id": 4, "status": 1, "visibility": 4}
        product |= {"weight": 1} if fields["type_id"] != "virtual" else {}
        product |= {**fields, "extension_attributes": extension, "custom_attributes": attributes}
        return dict(self._http.write("POST", "/products", {"product": product}).body)

    def _known(self, path: str) -> Row | None:
        try:
            return dict(self._http.read_once(path).body)
        except FixDocument:
            return None

    def _configurable(self) -> None:
        if self._known(f"/products/{CONFIGURABLE}"):
            return
        attribute = self._known("/products/attributes/color")
        assert attribute, "the shop has no attribute `color`"
        label = "LIVE red"
        if all(option["label"] != label for option in attribute["options"]):
            self._http.write("POST", "/products/attributes/color/options", {"option": {"label": label}})
        options = self._http.read("/products/attributes/color/options").body
        red = next(option["value"] for option in options if option["label"] == label)
        group = self._first("/products/attribute-sets/groups/list", "attribute_group_name", "Product Details")
        self._http.write(
            "POST",
            "/products/attribute-sets/attributes",
            {
                "attributeSetId": 4,
                "attributeGroupId": group["attribute_group_id"],
                "attributeCode": "color",
                "sortOrder": 9,
            },
        )
        chosen = {"custom_attributes": [{"attribute_code": "color", "value": red}]}
        self._http.write("PUT", "/products/LIVE-C-RED", {"product": {"sku": "LIVE-C-RED", **chosen}})
        self._product(CONFIGURABLE, type_id="configurable", price=0)
        option = {
            "attribute_id": str(attribute["attribute_id"]),
            "label": "Color",
            "values": [{"value_index": int(red)}],
        }
        self._http.write("POST", f"/configurable-products/{CONFIGURABLE}/options", {"option": option})
        self._http.write("POST", f"/configurable-products/{CONFIGURABLE}/child", {"childSku": "LIVE-C-RED"})

    def _bundle(self, sku: str) -> None:
        dynamic = sku in BY_PARTS
        options = [
            {
                "title": part, "type": "select", "required": True, "sku": sku,
                "product_links": [{"sku": part, "qty": count, "is_default": True, "price": 0, "price_type": 0, "can_change_quantity": 0}],
            }
            for part, count in PARTS[sku]
        ]  # fmt: skip
        attributes = {
            "price_type": 0 if dynamic else 1,
            "sku_type": 0 if dynamic else 1,
            "weight_type": 0 if dynamic else 1,
        }
        attributes |= {"price_view": 0, "shipment_type": int(sku in APART)}
        self._product(
            sku,
            type_id="bundle",
            price=0 if dynamic else FIXED_PRICE,
            custom_attributes=[{"attribute_code": code, "value": str(value)} for code, value in attributes.items()],
            extension_attributes={"bundle_product_options": options},
        )

    def _taxes(self) -> None:
        rates = [self._rate(country, percent) for country, percent in TAXES.items()]
        if self._first("/taxRules/search", "code", "LIVE goods"):
            return
        rule = {"code": "LIVE goods", "priority": 0, "position": 0, "calculate_subtotal": False, "tax_rate_ids": rates}
        rule |= {"customer_tax_class_ids": [3], "product_tax_class_ids": [2]}
        self._http.write("POST", "/taxRules", {"rule": rule})

    def _rate(self, country: str, percent: str) -> int:
        code = f"LIVE {country}"
        known = self._first("/taxRates/search", "code", code)
        rate = {"tax_country_id": country, "tax_region_id": 0, "tax_postcode": "*", "rate": percent, "code": code}
        return int((known or self._http.write("POST", "/taxRates", {"taxRate": rate}).body)["id"])

    def _coupon(self) -> None:
        if self._first("/coupons/search", "code", COUPON):
            return
        rule = {
            "name": COUPON, "is_active": True, "website_ids": [1], "customer_group_ids": [0, 1], "coupon_type": "SPECIFIC_COUPON",
            "simple_action": "by_percent", "discount_amount": COUPON_PERCENT, "stop_rules_processing": False, "apply_to_shipping": False,
            "simple_free_shipping": "0", "is_advanced": True, "sort_order": 0, "discount_step": 0, "uses_per_customer": 0,
            "use_auto_generation": False, "uses_per_coupon": 0, "is_rss": False,
        }  # fmt: skip
        made = self._http.write("POST", "/salesRules", {"rule": rule}).body
        coupon = {"rule_id": made["rule_id"], "code": COUPON, "type": 0, "usage_limit": 0, "is_primary": True}
        self._http.write("POST", "/coupons", {"coupon": coupon})

    def _first(self, path: str, field: str, value: str) -> Row | None:
        prefix = "searchCriteria[filter_groups][0][filters][0]"
        rows = self._http.read(path, [(f"{prefix}[field]", field), (f"{prefix}[value]", value)]).body["items"] or []
        return dict(rows[0]) if rows else None

    def _choices(self, sku: str) -> Row:
        """What a customer chooses of a configurable or a bundle."""
        if sku == CONFIGURABLE:
            (option,) = self._known(f"/products/{sku}")["extension_attributes"]["configurable_product_options"]  # type: ignore[index]
            chosen = [{"option_id": option["attribute_id"], "option_value": option["values"][0]["value_index"]}]
            return {"product_option": {"extension_attributes": {"configurable_item_options": chosen}}}
        if sku in PARTS:
            options = self._known(f"/products/{sku}")["extension_attributes"]["bundle_product_options"]  # type: ignore[index]
            bundle = [
                {
                    "option_id": option["option_id"],
                    "option_qty": option["product_links"][0]["qty"],
                    "option_selections": [int(option["product_links"][0]["id"])],
                }
                for option in options
            ]
            return {"product_option": {"extension_attributes": {"bundle_options": bundle}}}
        return {}


class SandboxShop:
    """The sandbox with the same goods, taxes and prices."""

    def __init__(self, running: RunningSandbox) -> None:
        self.running = running
        self.connection = MagentoConnection(running.url, BearerToken(running.token))

    @staticmethod
    def stocked() -> MagentoShop:
        shop = MagentoShop()
        shop.add_store("eu", currency="EUR", rate="0.92")
        for country, rate in TAXES.items():
            shop.add_tax_rate(country, rate, f"LIVE {country}")
        for sku, price in PRICES.items():
            shop.add_product(sku, price=price, product_type="virtual" if sku == "LIVE-V" else "simple")
        shop.add_product(CONFIGURABLE, product_type="configurable", children=["LIVE-C-RED"])
        for sku, parts in PARTS.items():
            dynamic, apart = sku in BY_PARTS, sku in APART
            price = 0 if dynamic else FIXED_PRICE
            shop.add_product(
                sku, price=price, product_type="bundle", children=parts, dynamic=dynamic, ships_separately=apart
            )
        return shop

    def buy(
        self, cart: Cart, *, payment: str = "checkmo", country: str = "US", store: str = "", coupon: str = ""
    ) -> int:
        lines = [Line(sku, quantity, child="LIVE-C-RED" if sku == CONFIGURABLE else "") for sku, quantity in cart]
        pieces = sum(quantity * _parcels_of(sku) for sku, quantity in cart)
        place = PLACES[country]
        return self.running.shop.place_order(
            lines,
            store=store or "default",
            billing=Address(
                country=country,
                **{name: place[name] for name in ("city", "postcode", "region", "region_id", "region_code")},
            ),
            payment=payment,
            po_number="PO 1" if payment == "purchaseorder" else "",
            shipping_amount=SHIPPING_PER_PIECE * pieces,
            coupon=Coupon(coupon, Decimal(COUPON_PERCENT)) if coupon else None,
        )


def _parcels_of(sku: str) -> int:
    """Pieces that a flat rate per piece counts: of a bundle that ships separately, its parts."""
    return sum(count for _, count in PARTS[sku]) if sku in APART else int(sku != "LIVE-V")


def _sent(method: str, address: str, body: Mapping[str, Any] | None = None) -> Any:
    response = requests.request(method, address, json=body, headers={"Accept": "application/json"}, timeout=120)
    assert response.ok, f"{method} {address}: {response.status_code} {response.text[:500]}"
    return response.json()
