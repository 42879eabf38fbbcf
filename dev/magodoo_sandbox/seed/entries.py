"""What a Magento document becomes as lines of a sale order or an invoice, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo_sandbox.seed.shop import History, Shop


@dataclass
class Entry:
    """A line of a sale order or an invoice before it is written."""

    key: str
    sku: str
    name: str
    quantity: Decimal
    price: Decimal
    net: Decimal
    tax: Decimal
    percent: Decimal
    base_net: Decimal
    base_tax: Decimal
    discount: Decimal = Decimal(0)
    delivery: bool = False


def order_entries(shop: Shop, history: History) -> list[Entry]:
    """Lines of a sale order: money rows, shipping, shipping discount."""
    row = shop.row("order", history.order)
    entries = [
        _entry(f"oi_{item['item_id']}", item, item["qty_ordered"], item) for item in shop.money_items(history.order)
    ]
    return entries + _extras(row, f"oship_{history.order}", f"osd_{history.order}", row.get("shipping_discount_amount"))


def document_entries(shop: Shop, history: History, row: Any, prefix: str, document: int) -> list[Entry]:
    """Lines of an invoice or credit memo: money rows, shipping, shipping discount, adjustments."""
    money = {item["item_id"]: item for item in shop.money_items(history.order)}
    entries = []
    for item in row["items"]:
        source = money.get(item["order_item_id"])
        if source is not None and amount_of(item.get("qty")):
            entries.append(_entry(f"{prefix}_{document}_{item['order_item_id']}", item, item["qty"], source))
    given = sum((amount_of(item.get("discount_amount")) for item in row["items"]), Decimal(0))
    shipping_discount = -amount_of(row.get("discount_amount")) - given
    entries += _extras(row, f"{prefix}_{document}_ship", f"{prefix}_{document}_sd", shipping_discount)
    for name, sku, sign in (("adjustment_positive", "ADJ-PLUS", 1), ("adjustment_negative", "ADJ-MINUS", -1)):
        amount, base = sign * amount_of(row.get(name)), sign * amount_of(row.get(f"base_{name}"))
        if amount:
            entries.append(
                Entry(
                    f"{prefix}_{document}_{sku}",
                    sku,
                    "Adjustment",
                    Decimal(1),
                    amount,
                    amount,
                    Decimal(0),
                    Decimal(0),
                    base,
                    Decimal(0),
                )
            )
    return entries


def exploded(shop: Shop, history: History, quantities: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Return what a Magento shipment's quantities are in Odoo, where a dynamic bundle is its parts and one of fixed price is one article.

    Of a bundle that ships separately the parts count, and its own line counts nothing (docs/facts/pair.md#5.1).
    """
    items = {item["item_id"]: item for item in shop.row("order", history.order)["items"]}
    money = {item["item_id"] for item in shop.money_items(history.order)}
    parts: dict[int, list[int]] = {}
    for item in items.values():
        parts.setdefault(item.get("parent_item_id") or 0, []).append(item["item_id"])
    each = {item: amount_of(row["qty_ordered"]) for item, row in items.items()}
    out: dict[int, Decimal] = {}
    for item, quantity in quantities.items():
        of_bundle = [part for part in parts.get(item, ()) if part in money]
        parent = int(items[item].get("parent_item_id") or 0)
        if items[item].get("_ships_separately"):
            continue
        if of_bundle:
            out |= {part: quantity * each[part] / each[item] for part in of_bundle}
        elif parent in money:
            out[parent] = min(quantities.get(part, Decimal(0)) * each[parent] / each[part] for part in parts[parent])
        else:
            out[item] = quantity
    return out


def _entry(key: str, item: Any, quantity: Any, source: Any) -> Entry:
    quantity, price, discount = amount_of(quantity), amount_of(item["price"]), amount_of(item.get("discount_amount"))
    gross = price * quantity
    net = gross - discount + amount_of(item.get("discount_tax_compensation_amount"))
    base_net = (
        amount_of(item["base_price"]) * quantity
        - amount_of(item.get("base_discount_amount"))
        + amount_of(item.get("base_discount_tax_compensation_amount"))
    )
    percent = (100 * discount / gross).quantize(Decimal("0.01")) if gross else Decimal(0)
    return Entry(key, item["sku"], item["name"], quantity, price, net, amount_of(item.get("tax_amount")), amount_of(source.get("tax_percent")), base_net,
                 amount_of(item.get("base_tax_amount")), percent)  # fmt: skip


def _extras(row: Any, ship_key: str, discount_key: str, shipping_discount: Any) -> list[Entry]:
    entries = []
    shipping, tax = amount_of(row.get("shipping_amount")), amount_of(row.get("shipping_tax_amount"))
    if shipping:
        percent = Decimal(19) if tax else Decimal(0)
        entries.append(Entry(ship_key, "SHIPPING", "Shipping", Decimal(1), shipping, shipping, tax, percent, amount_of(row["base_shipping_amount"]),
                             amount_of(row.get("base_shipping_tax_amount")), delivery=True))  # fmt: skip
    amount = amount_of(shipping_discount)
    if amount:
        rate = amount_of(row.get("base_to_order_rate")) or Decimal(1)
        entries.append(Entry(discount_key, "SHIPDISC", "Shipping discount", Decimal(1), -amount, -amount, Decimal(0), Decimal(0),
                             (-amount / rate).quantize(Decimal("0.01")), Decimal(0)))  # fmt: skip
    return entries


def order_line_key(entry: Entry) -> tuple[str, str]:
    """Kind and number of an order line's external id."""
    kind, _, number = entry.key.partition("_")
    return kind, number


def sale_key(entry: Entry, order: int) -> str:
    """Return the sale line that an invoice line belongs to: `invl_7_5` -> `oi_5`; shipping -> `oship_<order>`."""
    last = entry.key.rsplit("_", 1)[1]
    return {"ship": f"oship_{order}", "sd": f"osd_{order}"}.get(last, f"oi_{last}")


def amount_of(value: Any) -> Decimal:
    """Return a number of Magento's, which may be missing."""
    return Decimal(str(value)) if value not in (None, "", False) else Decimal(0)
