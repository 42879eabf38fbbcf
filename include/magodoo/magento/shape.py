"""What a row must look like to be sound: ids, stamps, amounts and quantities of the fields that the product uses.

Facts magento-2.4.7 6: fields without a value are left out, whole amounts come as integers, ids sometimes as strings.
Fields that are not named here pass unchanged: states and statuses are data, whatever they say (facts more 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from magodoo.errors import Unreadable
from magodoo.magento.search import read_stamp
from magodoo.money import to_units
from magodoo.vocabulary import Kind

LARGEST_ID = 2**63 - 1
DEEPEST = 30
_DAMAGE = 10**30
_LARGEST_AMOUNT = 10**10
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")
Check = Callable[[Any], Any]


@dataclass(frozen=True)
class Shape:
    """Checks of fields, shapes of nested objects and lists of objects, and the fields that must be there."""

    checks: Mapping[str, Check]
    required: frozenset[str] = frozenset()
    objects: Mapping[str, Shape] | None = None
    lists: Mapping[str, Shape] | None = None


def sound(shape: Shape, row: Any) -> dict[str, Any]:
    """A copy of the row with ids as int, amounts as int or Decimal, lists never None.

    Raises Unreadable that names the first unsound field, and for anything that PostgreSQL could not store.
    """
    _storable(row, DEEPEST)
    return _sound(shape, row)


def _sound(shape: Shape, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise Unreadable(f"not an object: {row!r:.60}")
    clean = dict(row)
    lists = shape.lists or {}
    missing = [name for name in shape.required if row.get(name) is None and not (name in row and name in lists)]
    if missing:
        raise Unreadable(f"{min(missing)} is missing")
    check_of = shape.checks.get
    name = ""
    try:
        for name, value in row.items():
            check = check_of(name)
            if check is not None and value is not None:
                clean[name] = check(value)
    except Unreadable as problem:
        raise Unreadable(f"{name}: {problem.args[0]}") from None
    for name, inner in (shape.objects or {}).items():
        if clean.get(name) not in (None, []):  # PHP writes an empty object as []
            clean[name] = _within(name, partial(_sound, inner), clean[name])
    for name, inner in lists.items():
        if name in clean:
            clean[name] = _rows(name, inner, clean[name])
    return clean


def entity_id(value: Any) -> int:
    """A positive id, also as a string of digits. Raises Unreadable."""
    if type(value) is int and 0 < value <= LARGEST_ID:
        return value
    is_text = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    number: Any = int(value) if is_text else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= LARGEST_ID:
        raise Unreadable(f"not an id: {value!r:.60}")
    return number


def _storable(value: Any, depth: int) -> None:
    """Refuses what no row of a shop holds and no table can: endless nesting, absurd numbers, NUL, half characters."""
    if isinstance(value, dict | list):
        if not depth:
            raise Unreadable("nested too deep")
        if isinstance(value, dict):
            _storable_parts(value, depth - 1)
            _storable_parts(value.values(), depth - 1)
        else:
            _storable_parts(value, depth - 1)
    else:
        _storable_parts((value,), depth)


def _storable_parts(parts: Iterable[Any], depth: int) -> None:
    """By exact type, as every value of every row comes through here: JSON has no other types."""
    for part in parts:
        kind = type(part)
        if kind is str:
            if ("\0" in part) if part.isascii() else _NOT_STORABLE.search(part):
                raise Unreadable("a text that cannot be stored")
        elif kind is int or kind is Decimal:
            if not -_DAMAGE < part < _DAMAGE:
                raise Unreadable("a number of this size is damage")
        elif kind is dict or kind is list:
            _storable(part, depth)


def _within(name: str, check: Check, value: Any) -> Any:
    try:
        return check(value)
    except Unreadable as problem:
        raise Unreadable(f"{name}: {problem.args[0]}") from None


def _rows(name: str, inner: Shape, value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"{name}: not a list: {value!r:.60}")
    rows = [_within(f"{name}[{index}]", partial(_sound, inner), row) for index, row in enumerate(value)]
    for key in ("entity_id", "item_id"):
        ids = [row[key] for row in rows if key in inner.required]
        if len(ids) != len(set(ids)):
            raise Unreadable(f"{name}: one {key} stands twice")
    return rows


def _store_id(value: Any) -> int:
    return 0 if value == "0" or (value == 0 and not isinstance(value, bool)) else entity_id(value)


def _amount(value: Any) -> int | Decimal:
    kind = type(value)
    if (kind is Decimal or kind is int) and -_LARGEST_AMOUNT < value < _LARGEST_AMOUNT:
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or value == "":
        raise Unreadable(f"not an amount: {value!r:.60}")
    if isinstance(value, int | Decimal) and -_LARGEST_AMOUNT < value < _LARGEST_AMOUNT:
        return value
    to_units(value)  # says what is wrong with it
    return Decimal(value)


def _quantity(value: Any) -> int | Decimal:
    quantity = _amount(value)
    if quantity < 0:
        raise Unreadable(f"a negative quantity: {value!r:.60}")
    return quantity


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Unreadable(f"not a text: {value!r:.60}")
    return value


def _stamp(value: Any) -> str:
    read_stamp(value)
    return value


def _currency(value: Any) -> str:
    if not isinstance(value, str) or not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise Unreadable(f"not a currency: {value!r:.60}")
    return value


def _each(check: Check, names: str) -> dict[str, Check]:
    return dict.fromkeys(names.split(), check)


def _amounts(names: str) -> dict[str, Check]:
    return _each(_amount, names) | _each(_amount, " ".join(f"base_{name}" for name in names.split()))


_TOTALS = _amounts(
    "grand_total subtotal subtotal_incl_tax shipping_amount shipping_incl_tax shipping_tax_amount tax_amount"
    " discount_amount discount_tax_compensation_amount shipping_discount_tax_compensation_amount"
    " shipping_discount_tax_compensation_amnt adjustment adjustment_positive adjustment_negative total_refunded"
) | _each(_amount, "base_to_order_rate base_to_global_rate")
_ORDER_TOTALS = _amounts(
    "shipping_discount_amount total_due total_paid total_invoiced total_canceled total_offline_refunded"
    " total_online_refunded subtotal_invoiced subtotal_refunded subtotal_canceled tax_invoiced tax_refunded"
    " tax_canceled shipping_invoiced shipping_refunded shipping_canceled shipping_tax_refunded"
    " discount_invoiced discount_refunded discount_canceled"
)
_HEADER = (
    _each(entity_id, "entity_id order_id invoice_id customer_id billing_address_id shipping_address_id")
    | _each(_store_id, "store_id")
    | _each(_stamp, "created_at updated_at")
    | _each(_text, "increment_id")
    | _each(_currency, "order_currency_code base_currency_code global_currency_code")
)
_LINE = _each(entity_id, "entity_id order_item_id parent_id item_id order_id parent_item_id product_id") | _amounts(
    "price price_incl_tax row_total row_total_incl_tax row_invoiced tax_amount tax_invoiced tax_refunded"
    " discount_amount discount_invoiced discount_refunded discount_tax_compensation_amount amount_refunded"
    " original_price"
)
_ITEM = Shape(
    _LINE | _each(_quantity, "qty") | _each(_text, "sku"),
    frozenset({"entity_id", "order_item_id", "qty"}),
)
_ORDER_ITEM = Shape(
    _LINE
    | _each(_quantity, "qty_ordered qty_invoiced qty_shipped qty_refunded qty_canceled")
    | _each(_amount, "tax_percent discount_percent")
    | _each(_text, "sku product_type"),
    frozenset({"item_id", "qty_ordered", "sku", "product_type"}),
)
_COMMENT = Shape(_each(entity_id, "entity_id parent_id") | _each(_stamp, "created_at"))
_TRACK = Shape(
    _each(entity_id, "entity_id order_id parent_id") | _each(_text, "track_number"),
    frozenset({"entity_id", "track_number"}),
)
_PAYMENT = Shape(
    _each(_text, "method")
    | _amounts("amount_ordered amount_paid amount_refunded amount_authorized shipping_amount amount_paid_online"),
    frozenset({"method"}),
)
_ADDRESS = Shape(_each(entity_id, "entity_id parent_id"))
_TAX = Shape(_amounts("amount") | _each(_amount, "percent"))
_ANYTHING = Shape({})
_OF_AN_ORDER = frozenset({"entity_id", "order_id", "increment_id", "created_at", "updated_at", "items"})

SHAPES: Mapping[Kind, Shape] = {
    Kind.ORDER: Shape(
        _HEADER | _TOTALS | _ORDER_TOTALS,
        frozenset(
            {"entity_id", "increment_id", "created_at", "updated_at", "grand_total", "base_grand_total"}
            | {"order_currency_code", "base_currency_code", "items", "payment"}
        ),
        objects={
            "billing_address": _ADDRESS,
            "payment": _PAYMENT,
            "extension_attributes": Shape({}, lists={"applied_taxes": _TAX, "shipping_assignments": _ANYTHING}),
        },
        lists={"items": _ORDER_ITEM, "status_histories": _COMMENT},
    ),
    Kind.INVOICE: Shape(
        _HEADER | _TOTALS | _each(_quantity, "total_qty"), _OF_AN_ORDER, lists={"items": _ITEM, "comments": _COMMENT}
    ),
    Kind.SHIPMENT: Shape(
        _HEADER | _each(_quantity, "total_qty"),
        _OF_AN_ORDER,
        objects={"extension_attributes": Shape(_each(_text, "source_code"))},
        lists={"items": _ITEM, "comments": _COMMENT, "tracks": _TRACK},
    ),
    Kind.CREDIT_MEMO: Shape(_HEADER | _TOTALS, _OF_AN_ORDER, lists={"items": _ITEM, "comments": _COMMENT}),
}
TRANSACTION = Shape(
    _each(entity_id, "transaction_id order_id payment_id") | _each(_stamp, "created_at"),
    frozenset({"transaction_id", "order_id", "txn_type"}),
)
ONLY_ID = Shape(_each(entity_id, "entity_id"), frozenset({"entity_id"}))
