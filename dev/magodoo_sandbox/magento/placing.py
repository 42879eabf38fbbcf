"""Turning a cart into an order: its lines, addresses, payment, taxes and totals, as REST shows them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo_sandbox.magento.amounts import ZERO, Row, cents, dec, stored
from magodoo_sandbox.magento.catalog import find_tax_rate
from magodoo_sandbox.magento.pricing import Cart, Coupon, Priced, TaxSettings, price_cart
from magodoo_sandbox.magento.store import Tables

METHOD_TITLES = {
    "checkmo": "Check / Money order",
    "banktransfer": "Bank Transfer Payment",
    "cashondelivery": "Cash On Delivery",
    "purchaseorder": "Purchase Order",
    "free": "No Payment Information Required",
}
"""Offline methods: placed as pending, refunded without a provider. Every other method is a gateway."""

_WITH_INSTRUCTIONS = ("banktransfer", "cashondelivery")

PREFIXES = ("", "base_")


@dataclass(frozen=True)
class Address:
    firstname: str = "Guest"
    lastname: str = "Doe"
    street: tuple[str, ...] = ("1 Elm St",)
    city: str = "Austin"
    postcode: str = "73301"
    country: str = "US"
    telephone: str = "5551234"
    email: str = "guest@example.com"
    company: str = ""
    vat_id: str = ""
    region: str = ""
    region_code: str = ""
    region_id: int = 0


@dataclass(frozen=True)
class Line:
    """What the customer puts in the cart. `child` names a configurable's choice; `price` overrides the base price.

    `suffix` is what chosen options append to the sku on all documents (docs/facts/magento-2.4.7-more.md#4).
    """

    sku: str
    qty: Decimal | int | str = 1
    child: str = ""
    price: Decimal | str | None = None
    suffix: str = ""


@dataclass
class CartLine:
    """One row of the order to be: money only where the line carries it (not on configurable children and the like)."""

    product: Row
    sku: str
    qty: Decimal
    priced: dict[str, Priced] | None
    parent: CartLine | None = None
    dynamic: bool = False
    item_id: int = 0


@dataclass(frozen=True)
class Sale:
    """Everything about a cart that is not its lines."""

    store: Row
    website: str
    settings: TaxSettings
    billing: Address
    shipping: Address | None
    payment: str
    shipping_amount: Decimal
    rate: Decimal
    coupon: Coupon | None = None
    customer: Row | None = None
    group_id: int = 0
    po_number: str = ""
    payment_title: str = ""
    shipping_method: str = "flatrate_flatrate"
    shipping_description: str = "Flat Rate - Fixed"


def build_order(tables: Tables, lines: Sequence[Line], sale: Sale, stamp: str, increment_id: str) -> Row:
    """Return the order's row, complete but not yet in a table."""
    rows = [row for line in lines for row in _cart_lines(tables, line, sale)]
    shipping = {prefix: _priced_shipping(tables, sale, prefix) for prefix in PREFIXES}
    for prefix in PREFIXES:
        carrying = [row.priced[prefix] for row in rows if row.priced]
        rate = Decimal(1) if prefix else sale.rate
        price_cart(Cart(carrying, shipping[prefix], sale.settings, sale.coupon, rate))
    order_id = tables.next_id("orders")
    taxes = _Taxes(tables, order_id)
    order: Row = {"entity_id": order_id, "increment_id": increment_id, "state": "new", "status": "pending"}
    order["items"] = [_item(tables, row, order, sale, stamp) for row in rows]
    _link_taxes(tables, taxes, rows, order, sale, shipping)
    order |= _header(order, rows, sale, shipping, stamp)
    order |= {"_tax_rows": taxes.rows, "_shipping_taxes": taxes.shipping}
    order |= _people(tables, order_id, sale)
    order["payment"] = _payment(tables, order, sale)
    order["status_histories"] = []
    return order


def _cart_lines(tables: Tables, line: Line, sale: Sale) -> list[CartLine]:
    product = tables.product(line.sku)
    if product is None:
        raise KeyError(f"no such product: {line.sku}")
    qty = dec(line.qty)
    if product["type_id"] == "configurable":
        chosen = tables.product(line.child)
        if chosen is None:
            raise KeyError(f"a configurable needs the sku of its child: {line}")
        price = chosen["price"] if line.price is None else line.price
        parent = CartLine(product, chosen["sku"], qty, _priced(tables, product, qty, dec(price), sale))
        return [parent, CartLine(chosen, chosen["sku"], qty, None, parent)]
    if product["type_id"] == "bundle":
        return _bundle_lines(tables, product, qty, sale)
    price = product["price"] if line.price is None else line.price
    return [CartLine(product, line.sku + line.suffix, qty, _priced(tables, product, qty, dec(price), sale))]


def _bundle_lines(tables: Tables, product: Row, qty: Decimal, sale: Sale) -> list[CartLine]:
    dynamic = bool(product["_dynamic"])
    children = [(tables.product(sku), dec(count)) for sku, count in product["_children"]]
    skus = [child["sku"] for child, _ in children if child]
    money = None if dynamic else _priced(tables, product, qty, dec(product["price"]), sale)
    parent = CartLine(
        product, "-".join([product["sku"], *skus]) if dynamic else product["sku"], qty, money, None, dynamic
    )
    rows = [parent]
    for child, count in children:
        if child is None:
            raise KeyError(f"a bundle holds an unknown product: {product['sku']}")
        money = _priced(tables, child, qty * count, dec(child["price"]), sale) if dynamic else None
        rows.append(CartLine(child, child["sku"], qty * count, money, parent))
    return rows


def _priced(tables: Tables, product: Row, qty: Decimal, price: Decimal, sale: Sale) -> dict[str, Priced]:
    rate = _rate(tables, sale, product["_tax_class"])
    store_rate = find_tax_rate(tables, sale.settings.country, product["_tax_class"])
    at_home = dec(store_rate["rate"]) if store_rate else ZERO
    return {
        "base_": Priced(price, qty, rate, at_home, original=price),
        "": Priced(cents(price * sale.rate), qty, rate, at_home, original=stored(price * sale.rate)),
    }


def _priced_shipping(tables: Tables, sale: Sale, prefix: str) -> Priced:
    rate, at_home = ZERO, ZERO
    if sale.settings.shipping_class:
        rate = _rate(tables, sale, sale.settings.shipping_class)
        row = find_tax_rate(tables, sale.settings.country, sale.settings.shipping_class)
        at_home = dec(row["rate"]) if row else ZERO
    amount = sale.shipping_amount if prefix else cents(sale.shipping_amount * sale.rate)
    return Priced(amount, Decimal(1), rate, at_home)


def _rate(tables: Tables, sale: Sale, tax_class: str) -> Decimal:
    row = _rate_row(tables, sale, tax_class)
    return dec(row["rate"]) if row else ZERO


def _rate_row(tables: Tables, sale: Sale, tax_class: str) -> Row | None:
    """Return the tax rate of the destination."""
    to = sale.shipping or sale.billing
    return find_tax_rate(tables, to.country, tax_class, to.region_id, to.postcode)


def _item(tables: Tables, row: CartLine, order: Row, sale: Sale, stamp: str) -> Row:
    row.item_id = tables.next_id("order_items")
    product = row.product
    kind = product["type_id"]
    weight = product.get("weight")
    if row.dynamic:
        weight = sum((dec(tables_child["weight"]) for tables_child in _children(tables, product)), ZERO)
    item: Row = {
        "item_id": row.item_id,
        "quote_item_id": row.item_id,
        "order_id": order["entity_id"],
        "product_id": product["id"],
        "product_type": kind,
        "sku": row.sku,
        "name": as_column(product["name"]),
        "store_id": sale.store["id"],
        "created_at": stamp,
        "updated_at": stamp,
        "free_shipping": 0,
        "is_qty_decimal": int(bool(product["_qty_decimal"])),
        "is_virtual": int(kind == "virtual"),
        "no_discount": 0,
        "qty_ordered": stored(row.qty),
        "qty_canceled": 0,
        "qty_invoiced": 0,
        "qty_refunded": 0,
        "qty_shipped": 0,
        "row_weight": _row_weight(tables, row, weight),
        "_product_sku": product["sku"] if kind != "configurable" else row.sku,
    }
    if weight is not None:
        item["weight"] = weight
    if row.parent:
        item["parent_item_id"] = row.parent.item_id
    if row.dynamic:
        item["_dynamic"] = True
    if product.get("_ships_separately"):
        item["_ships_separately"] = True
    option = _product_option(product)
    if option:
        item["product_option"] = option
    for prefix in PREFIXES:
        item |= _item_amounts(row, prefix, sale)
    return item


def _row_weight(tables: Tables, row: CartLine, weight: Any) -> Decimal:
    """Of a bundle whose parts have the weight and ship separately, the last part's (`Address/Total/Shipping`)."""
    if row.parent or weight is None:
        return ZERO
    if row.dynamic and row.product.get("_ships_separately"):
        weight = (_children(tables, row.product) or [{"weight": ZERO}])[-1]["weight"]
    return stored(weight * row.qty)


def _children(tables: Tables, product: Row) -> list[Row]:
    rows = []
    for sku, count in product["_children"]:
        child = tables.product(sku)
        if child is not None:
            rows.append({"weight": dec(child.get("weight")) * dec(count)})
    return rows


def _product_option(product: Row) -> Row | None:
    if product["type_id"] == "bundle":
        options: list[Any] = [
            {"option_id": position, "option_qty": int(dec(count)), "option_selections": [position]}
            for position, (_, count) in enumerate(product["_children"], start=1)
        ]
        return {"extension_attributes": {"bundle_options": options}}
    if product["type_id"] == "configurable":
        return {"extension_attributes": {"configurable_item_options": [{"option_id": "93", "option_value": 4}]}}
    return None


def _item_amounts(row: CartLine, prefix: str, sale: Sale) -> Row:
    zero: Row = {
        f"{prefix}{column}": ZERO for column in ("amount_refunded", "discount_invoiced", "row_invoiced", "tax_invoiced")
    }
    if row.priced is None:
        columns = ("price", "row_total", "tax_amount", "discount_amount")
        zero |= {f"{prefix}{column}": ZERO for column in columns}
        if row.dynamic and sale.coupon:
            zero["applied_rule_ids"] = str(sale.coupon.rule_id)
        return zero if prefix else zero | {"original_price": ZERO, "discount_percent": ZERO, "tax_percent": ZERO}
    money = row.priced[prefix]
    amounts = zero | {
        f"{prefix}original_price": money.original,
        f"{prefix}price": money.net_price,
        f"{prefix}price_incl_tax": money.price_incl_tax,
        f"{prefix}row_total": stored(money.row_total),
        f"{prefix}row_total_incl_tax": stored(money.row_total_incl_tax),
        f"{prefix}tax_amount": stored(money.tax),
        f"{prefix}discount_amount": money.discount,
        f"{prefix}discount_tax_compensation_amount": stored(money.compensation),
    }
    if not prefix:
        amounts |= {"discount_percent": money.discount_percent, "tax_percent": money.rate}
        if sale.coupon and row.parent is None:
            amounts["applied_rule_ids"] = str(sale.coupon.rule_id)
    return amounts


def sum_dynamic_bundles(items: list[Row]) -> None:
    """A dynamic bundle's own line shows the sum of its children, without a rate."""
    for item in items:
        if not item.get("_dynamic"):
            continue
        children = [child for child in items if child.get("parent_item_id") == item["item_id"]]
        for prefix in PREFIXES:
            for column in ("row_total", "row_total_incl_tax", "tax_amount"):
                item[prefix + column] = sum((dec(child[prefix + column]) for child in children), ZERO)
            for column, source in (("price", "row_total"), ("price_incl_tax", "row_total_incl_tax")):
                item[prefix + column] = cents(dec(item[prefix + source]) / dec(item["qty_ordered"]))
            item[prefix + "original_price"] = item[prefix + "price"]
        item.pop("tax_percent", None)


class _Taxes:
    """The tax rows of one order: per rate, and what each line and shipping contributed."""

    def __init__(self, tables: Tables, order_id: int) -> None:
        self.tables, self.order_id = tables, order_id
        self.rows: list[Row] = []
        self.shipping: list[Row] = []

    def charge(self, rate: Row, kind: str, item: Row | None, amount: Decimal, base_amount: Decimal) -> None:
        row = next((known for known in self.rows if known["code"] == rate["code"]), None)
        if row is None:
            row = {"tax_id": self.tables.next_id("tax"), "order_id": self.order_id, "code": rate["code"]}
            row |= {"title": rate["code"], "percent": rate["rate"], "amount": ZERO, "base_amount": ZERO}
            row |= {"base_real_amount": ZERO, "priority": 0, "position": 0, "process": 0}
            self.rows.append(row)
        row["amount"] += amount
        row["base_amount"] += base_amount
        row["base_real_amount"] += base_amount
        part: Row = {"tax_item_id": self.tables.next_id("tax_item"), "tax_id": row["tax_id"]}
        if item is not None:
            part["item_id"] = item["item_id"]
        part |= {"tax_code": rate["code"], "tax_percent": rate["rate"], "amount": amount, "base_amount": base_amount}
        part |= {"real_amount": amount, "real_base_amount": base_amount, "taxable_item_type": kind}
        (self.shipping if item is None else item.setdefault("_taxes", [])).append(part)


def _link_taxes(
    tables: Tables, taxes: _Taxes, rows: list[CartLine], order: Row, sale: Sale, shipping: dict[str, Priced]
) -> None:
    for row, item in zip(rows, order["items"], strict=True):
        rate = _rate_row(tables, sale, row.product["_tax_class"])
        if row.priced and rate and row.priced["base_"].tax:
            taxes.charge(rate, "product", item, stored(row.priced[""].tax), stored(row.priced["base_"].tax))
    rate = _rate_row(tables, sale, sale.settings.shipping_class)
    if rate and shipping["base_"].tax:
        taxes.charge(rate, "shipping", None, shipping[""].tax, shipping["base_"].tax)
    sum_dynamic_bundles(order["items"])


def _header(order: Row, rows: list[CartLine], sale: Sale, shipping: dict[str, Priced], stamp: str) -> Row:
    top = [item for item in order["items"] if "parent_item_id" not in item]
    parents = {item["parent_item_id"] for item in order["items"] if "parent_item_id" in item}
    store = sale.store
    header: Row = {
        "created_at": stamp,
        "updated_at": stamp,
        "store_id": store["id"],
        "store_name": f"{sale.website}\n{sale.website} Store\n{store['name']}",
        "base_currency_code": store["_base_currency"],
        "order_currency_code": store["_currency"],
        "store_currency_code": store["_base_currency"],
        "global_currency_code": store["_global_currency"],
        "base_to_global_rate": store["_base_to_global_rate"],
        "base_to_order_rate": sale.rate,
        "store_to_base_rate": 0,
        "store_to_order_rate": 0,
        "is_virtual": int(sale.shipping is None),
        "email_sent": 1,
        "customer_note_notify": 1,
        "quote_id": order["entity_id"],
        "remote_ip": "127.0.0.1",
        "protect_code": hashlib.md5(order["increment_id"].encode(), usedforsecurity=False).hexdigest(),
        "total_item_count": sum(1 for item in order["items"] if item["item_id"] not in parents),
        "total_qty_ordered": stored(sum((dec(item["qty_ordered"]) for item in top), ZERO)),
        "weight": stored(sum((dec(item.get("weight")) * item["qty_ordered"] for item in top), ZERO)),
    }
    if sale.shipping is not None:
        header |= {"shipping_description": sale.shipping_description, "_shipping_method": sale.shipping_method}
    if sale.coupon:
        header |= {"coupon_code": sale.coupon.code, "discount_description": sale.coupon.label or sale.coupon.code}
        header["applied_rule_ids"] = str(sale.coupon.rule_id)
    for prefix in PREFIXES:
        header |= _totals([row.priced[prefix] for row in rows if row.priced], shipping[prefix], prefix)
    return header


def _totals(lines: list[Priced], shipping: Priced, prefix: str) -> Row:
    subtotal = sum((line.row_total for line in lines), ZERO)
    tax = sum((line.tax for line in lines), ZERO) + shipping.tax
    compensation = sum((line.compensation for line in lines), ZERO)
    discount = sum((line.discount for line in lines), ZERO) + shipping.discount
    total = stored(subtotal + shipping.row_total + tax + compensation + shipping.compensation - discount)
    amount = "amnt" if prefix else "amount"
    return {
        f"{prefix}subtotal": stored(subtotal),
        f"{prefix}subtotal_incl_tax": stored(sum((line.row_total_incl_tax for line in lines), ZERO)),
        f"{prefix}tax_amount": stored(tax),
        f"{prefix}discount_amount": -discount,
        f"{prefix}discount_tax_compensation_amount": stored(compensation),
        f"{prefix}shipping_amount": shipping.row_total,
        f"{prefix}shipping_incl_tax": shipping.row_total_incl_tax,
        f"{prefix}shipping_tax_amount": shipping.tax,
        f"{prefix}shipping_discount_amount": shipping.discount,
        f"{prefix}shipping_discount_tax_compensation_{amount}": shipping.compensation,
        f"{prefix}grand_total": total,
        f"{prefix}total_due": cents(total),
    }


def _people(tables: Tables, order_id: int, sale: Sale) -> Row:
    rows: Row = {}
    if sale.shipping is not None:
        rows["_shipping_address"] = _address(tables, order_id, sale.shipping, "shipping")
    rows["billing_address"] = _address(tables, order_id, sale.billing, "billing")
    rows["billing_address_id"] = rows["billing_address"]["entity_id"]
    person = sale.customer or {"email": sale.billing.email, "firstname": sale.billing.firstname}
    rows |= {
        "customer_email": person["email"],
        "customer_firstname": as_column(str(person.get("firstname", "")))[:128],
        "customer_lastname": as_column(str(person.get("lastname", sale.billing.lastname)))[:128],
        "customer_group_id": sale.customer["group_id"] if sale.customer else sale.group_id,
        "customer_is_guest": int(sale.customer is None),
    }
    if sale.customer:
        rows["customer_id"] = sale.customer["id"]
    return rows


def as_column(text: str) -> str:
    """Return the columns hold three bytes a character: an emoji becomes four question marks (docs/facts/magento-2.4.7-more.md#4)."""
    return "".join(sign if sign <= "\uffff" else "????" for sign in text)


def _address(tables: Tables, order_id: int, address: Address, kind: str) -> Row:
    row: Row = {
        "entity_id": tables.next_id("addresses"),
        "parent_id": order_id,
        "address_type": kind,
        "firstname": as_column(address.firstname)[:255],
        "lastname": as_column(address.lastname)[:255],
        "street": [as_column(line) for street in address.street for line in street.splitlines()],
        "city": as_column(address.city),
        "postcode": address.postcode,
        "country_id": address.country,
        "telephone": address.telephone,
        "email": address.email,
    }
    if address.region:
        row |= {"region": address.region, "region_code": address.region_code, "region_id": address.region_id}
    row |= {key: value for key, value in (("company", address.company), ("vat_id", address.vat_id)) if value}
    return row


def _payment(tables: Tables, order: Row, sale: Sale) -> Row:
    title = sale.payment_title or METHOD_TITLES.get(sale.payment, sale.payment.title())
    payment: Row = {
        "entity_id": tables.next_id("payments"),
        "parent_id": order["entity_id"],
        "method": sale.payment,
        "account_status": None,
        "cc_last4": None,
        "additional_information": [title, None] if sale.payment in _WITH_INSTRUCTIONS else [title],
    }
    for prefix in PREFIXES:
        payment[f"{prefix}amount_ordered"] = cents(order[f"{prefix}grand_total"])
        payment[f"{prefix}shipping_amount"] = order[f"{prefix}shipping_amount"]
    if sale.po_number:
        payment["po_number"] = sale.po_number
    return payment
