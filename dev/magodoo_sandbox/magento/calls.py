"""A call as the routes see it, and the checks that Magento's web API makes on a body before any business rule."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from magodoo_sandbox.magento.amounts import Row
from magodoo_sandbox.magento.refusals import Crash, bad, id_needed, unsupported_field, wrong_type

ITEM = {"order_item_id": "int", "qty": "float", "extension_attributes": "any"}
TRACK = {"track_number": "string", "title": "string", "carrier_code": "string", "extension_attributes": "any"}
COMMENT = {"comment": "string", "is_visible_on_front": "int", "extension_attributes": "any"}
ARGUMENTS = {
    "shipping_amount": "float",
    "adjustment_positive": "float",
    "adjustment_negative": "float",
    "extension_attributes": "any",
}


@dataclass
class Call:
    """One HTTP request after authentication. `path` has no `/rest/<store>` before it."""

    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    raw: bytes = b""
    _body: Any = field(default=None, repr=False)

    def body(self) -> dict[str, Any]:
        """Return the JSON body with decimals; no body at all is an empty one. Raises Refusal (docs/facts/magento-2.4.7.md#2)."""
        if not self.raw:
            return {}
        kind = self.headers.get("content-type", "")
        if not kind:
            raise bad("Content-Type header is empty.")
        if kind.split(";")[0].strip() != "application/json":
            raise bad(f"Server cannot understand Content-Type HTTP header media type {kind.split(';')[0].strip()}")
        try:
            body = json.loads(self.raw, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise bad("Decoding error.") from None
        return body if isinstance(body, dict) else {}


def snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def entity(sent: Any, columns: Mapping[str, str]) -> Row:
    """Return an object of the body with its keys in snake case; unknown keys and wrong types are refused."""
    row: Row = {}
    for key, value in sent.items() if isinstance(sent, dict) else ():
        name = snake(key)
        if name not in columns:
            raise unsupported_field("".join(part[:1].upper() + part[1:] for part in name.split("_")))
        row[name] = _typed(value, columns[name], name)
    return row


def _typed(value: Any, kind: str, name: str) -> Any:
    if value is None or kind in ("any", "string"):
        return value
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise wrong_type(value, kind, name) from None
    return int(number) if kind == "int" else number


def path_id(text: str) -> int:
    """`000000003` is cast to entity 3 (docs/facts/magento-2.4.7.md#2); text is refused, 0 is missing."""
    if not re.fullmatch(r"\d+", text):
        raise wrong_type(text, "int")
    if int(text) == 0:
        raise id_needed()
    return int(text)


def flag(value: Any) -> bool:
    return value in (True, 1, "1", "true")


def quantities(sent: Any, limits: Mapping[str, int], document: str) -> dict[int | None, Decimal]:
    """Requested lines by order item id; the last of two equal ids wins, a missing id is None."""
    items = [entity(item, ITEM) for item in (sent if isinstance(sent, list) else [])]
    longest = limits.get("complex_array", 0) if limits.get("enabled") else 0
    if longest and len(items) > longest:
        kind = f"\\Magento\\Sales\\Api\\Data\\{document}ItemCreationInterface"
        raise bad('Maximum items of type "%type" is %max', {"type": kind, "max": longest})
    return {item.get("order_item_id"): item.get("qty") or Decimal(0) for item in items}


def required(row: Row, *names: str) -> None:
    """A raw save without its columns ends in a PHP TypeError."""
    if any(name not in row for name in names):
        raise Crash
