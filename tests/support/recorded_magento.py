"""Replays what a live Magento 2.4.7 answered (recordings/magento) against the sandbox shop."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from magodoo_sandbox.magento import Address, Coupon, Line, MagentoShop, TaxSettings
from magodoo_sandbox.magento.server import MagentoApp

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings" / "magento"

# Numbers that depend on what else the recorded shop did before, and copies that are checked where they come from.
NOT_COMPARED = {
    "created_at",
    "updated_at",
    "protect_code",
    "remote_ip",
    "quote_id",
    "quote_item_id",
    "tax_id",
    "tax_item_id",
    "billing_address_id",
    "shipping_address_id",
    "payment_id",
    "parent_item",
    "product_option",
    "weee_tax_applied",
    "store_name",
}
LONG_TEXT = {"<70000 x>": "x" * 70_000, "<65535 x>": "x" * 65_535}


def recorded(name: str) -> Any:
    return json.loads((RECORDINGS / name).read_text(encoding="utf-8"))


def open_shop(mode: dict[str, Any] | None = None) -> MagentoShop:
    """The recorded shop's set-up: two US store views, a German website with EUR and CHF, its products and rates."""
    shop = MagentoShop()
    shop.add_store("eu", name="Europe EUR", currency="EUR", rate="0.92", store_id=3)
    shop.add_website("de", "Deutschland", TaxSettings(**(mode or {}), shipping_class="goods", country="DE"))
    german = {"base_currency": "EUR", "base_to_global_rate": "1.087"}
    shop.add_store("de", "de", name="Deutsch", store_id=4, **german)
    shop.add_store("de_chf", "de", name="CHF", currency="CHF", rate="0.9432", store_id=5, **german)
    shop.add_tax_rate("US", "8.25", "US-8.25")
    shop.add_tax_rate("DE", "19", "DE-19")
    shop.add_tax_rate("DE", "7", "DE-7", tax_class="reduced")
    shop.add_tax_rate("AT", "20", "AT-20")
    shop.add_tax_rate("AT", "20", "AT-20", tax_class="reduced")
    for product in recorded("catalogue.json"):
        options = {name: value for name, value in product.items() if name != "id"}
        for name in ("price", "weight"):
            options[name] = Decimal(str(options.get(name, 0)))
        shop.add_product(**options)
        shop.tables.products[-1]["id"] = product["id"]
    shop.accounts.add_integration("token")
    return shop


def place(shop: MagentoShop, order: dict[str, Any]) -> int:
    """Place the recorded order under its recorded numbers."""
    coupon = order["coupon"] and Coupon(
        order["coupon"]["code"],
        percent=Decimal(str(order["coupon"]["percent"])),
        amount=Decimal(str(order["coupon"].get("amount", 0))),
        applies_to_shipping=order["coupon"]["shipping"],
        label=order["coupon"]["label"],
        rule_id=order["coupon"]["rule_id"],
    )
    customer = None
    if order["customer_id"]:
        shop.tables.counters["customer"] = order["customer_id"] - 1
        customer = shop.add_customer(order["email"], order["first"], order["last"], group_id=order["group"])
    shop.tables.counters.update(orders=order["order_id"] - 1, order_items=order["first_item"] - 1)
    shop.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    order_id = shop.place_order(
        [_line(line) for line in order["lines"]],
        store=order["store_id"],
        customer=customer,
        billing=_address(order["billing"]),
        shipping=_address(order["shipping"]),
        payment=order["payment"],
        payment_title="Lab gateway" if order["payment"] == "labpay" else "",
        shipping_amount=str(order["shipping_amount"]),
        coupon=coupon,
        rate=str(order["rate"]),
        group_id=order["group"],
        po_number=order["po_number"],
        increment_id=order["increment_id"],
    )
    if order["authorized"]:
        shop.authorize(order_id)
    return order_id


def _line(line: dict[str, Any]) -> Line:
    price = None if line.get("price") is None else str(line["price"])
    return Line(line["sku"], str(line["qty"]), child=line.get("child", ""), price=price)


def _address(row: dict[str, Any] | None) -> Address | None:
    return Address(**{**row, "street": tuple(row["street"])}) if row else None


def call(app: MagentoApp, step: dict[str, Any], token: str = "token") -> tuple[int, Any]:
    """Status and parsed answer of a recorded request."""
    body = step.get("body")
    raw = b"" if body is None else json.dumps(_lengthen(body)).encode()
    if isinstance(body, dict) and "_raw" in body:
        raw = body["_raw"].encode()
    headers = {"accept": step.get("accept", "application/json"), "host": "127.0.0.1:8090"}
    headers["content-type"] = step.get("content_type", "application/json")
    if token:
        headers["authorization"] = f"Bearer {token}"
    status, kind, content = app.handle(step["method"], step["path"], step.get("query", ""), headers, raw)
    return status, json.loads(content) if "json" in kind and content else content.decode()


def _lengthen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lengthen(item) for key, item in value.items()}
    return LONG_TEXT.get(value, value) if isinstance(value, str) else value


def differences(wanted: Any, got: Any, at: str = "") -> list[str]:
    """Every place where an answer differs from the recorded one: keys, types and values."""
    if isinstance(wanted, dict) and "only" in wanted:
        got = [row[wanted["only"]] for row in got]
        return differences(wanted["values"], got, at)
    if isinstance(wanted, dict) and isinstance(got, dict):
        return _dict_differences(wanted, got, at)
    if isinstance(wanted, list) and isinstance(got, list):
        if len(wanted) != len(got):
            return [f"{at}: {len(wanted)} entries recorded, {len(got)} got"]
        pairs = enumerate(zip(wanted, got, strict=True))
        return [line for index, (one, other) in pairs for line in differences(one, other, f"{at}[{index}]")]
    return [] if _same(wanted, got) else [f"{at}: {wanted!r} recorded, {got!r} got"]


def _dict_differences(wanted: dict[str, Any], got: dict[str, Any], at: str) -> list[str]:
    found = []
    for key in [*wanted, *(key for key in got if key not in wanted)]:
        if key in NOT_COMPARED or _depends_on_history(at, key):
            continue
        if key not in wanted and at.endswith("shipping_assignments[0]"):
            continue
        if key not in wanted:
            found.append(f"{at}.{key}: not recorded, {got[key]!r} got")
        elif key not in got:
            found.append(f"{at}.{key}: {wanted[key]!r} recorded, missing")
        else:
            found += differences(wanted[key], got[key], f"{at}.{key}")
    return found


def _depends_on_history(at: str, key: str) -> bool:
    """Row numbers of nested things and running numbers of documents."""
    return (key == "entity_id" and at != "") or key == "increment_id"


def _same(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, str) and isinstance(got, str):
        return _without_chance(LONG_TEXT.get(wanted, wanted)) == _without_chance(got)
    both_numbers = isinstance(wanted, int | float) and isinstance(got, int | float)
    return wanted == got and (type(wanted) is type(got) or (both_numbers and bool not in (type(wanted), type(got))))


def _without_chance(text: str) -> str:
    """Transaction and report numbers are random on both sides."""
    return re.sub(r"(LAB-)?(AUTH|CAP|REF)-\w+|webapi-\w+", "#", text)
