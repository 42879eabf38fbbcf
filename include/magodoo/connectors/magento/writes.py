"""Build the bodies of the calls that write to Magento, and the marker by which each document is found again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo.connectors.magento.items import Lines, check_lines, order_items
from magodoo.connectors.magento.schema import entity_id
from magodoo.domain.tracking import LONGEST
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument, InvariantError, OutcomeUnknown, Unreadable

_MARK = re.compile(
    r"(?<![\w:.-])magodoo:(?P<instance>[A-Za-z0-9_-]{1,64}):(?P<database>[0-9a-fA-F-]{8,64})"
    r":(?P<model>[a-z][a-z0-9_.]{0,63}):(?P<id>[1-9][0-9]{0,18})(?![\w:.-])"
)


@dataclass(frozen=True)
class Marker:
    """The record of an Odoo database that a Magento document was written for.

    `str()` returns the text of the comment. Raises InvariantError for parts that could not be parsed again.
    """

    instance: str
    database: str
    model: str
    id: int

    def __post_init__(self) -> None:
        if not _MARK.fullmatch(str(self)):
            raise InvariantError(f"{self} is no marker that could be read back")

    def __str__(self) -> str:
        return f"magodoo:{self.instance}:{self.database}:{self.model}:{self.id}"


def parse_marker(text: Any) -> Marker | None:
    """Return the first marker in a text, or None."""
    found = _MARK.search(text) if isinstance(text, str) else None
    return Marker(found["instance"], found["database"], found["model"], int(found["id"])) if found else None


def find_marker(document: Mapping[str, Any]) -> Marker | None:
    """Return the marker of a document, from its comments or an order's history, or None.

    A comment that the customer can see is ignored: markers are invisible, and a customer's own note is visible.
    """
    for name in ("comments", "status_histories"):
        for comment in document.get(name) or ():
            if isinstance(comment, Mapping) and not comment.get("is_visible_on_front"):
                marker = parse_marker(comment.get("comment"))
                if marker:
                    return marker
    return None


MOST_TRANSACTION_ID = 50


@dataclass(frozen=True)
class Track:
    """A tracking number. `carrier_code` is free text in Magento; the customer reads `title`."""

    number: str
    title: str = "Tracking"
    carrier_code: str = "custom"
    description: str = ""

    def __post_init__(self) -> None:
        if not self.number.strip() or not self.title.strip() or not self.carrier_code.strip():
            raise InvariantError("a track needs a number, a title and a carrier code", system="magento")
        if len(self.number.encode("utf-8", "replace")) > LONGEST:
            raise InvariantError(f"a tracking number of more than {LONGEST} bytes", system="magento")

    def body(self) -> dict[str, str]:
        """Return the track as Magento's API takes it."""
        fields = {"track_number": self.number, "title": self.title, "carrier_code": self.carrier_code}
        return fields | ({"description": self.description} if self.description else {})


def invoice_body(order: Mapping[str, Any], lines: Lines, comment: str, *, notify: bool) -> dict[str, Any]:
    """Return the request body of an invoice. Raises InvariantError or FixDocument for lines that Magento would refuse, drop or extend."""
    check_lines(Kind.INVOICE, order, lines)
    return {"items": _items(lines), "capture": False} | _common(comment, notify)


def shipment_body(
    order: Mapping[str, Any],
    lines: Lines,
    tracks: Sequence[Track],
    comment: str,
    source_code: str | None,
    *,
    notify: bool,
) -> dict[str, Any]:
    """Return the request body of a shipment. Raises InvariantError or FixDocument as `items.check_lines` does.

    Without a source Magento deducts the goods from `default`, wherever they are (docs/facts/magento-2.4.7-more.md#3).
    """
    check_lines(Kind.SHIPMENT, order, lines)
    body = {"items": _items(lines), "tracks": [track.body() for track in tracks]} | _common(comment, notify)
    if source_code:
        body["arguments"] = {"extension_attributes": {"source_code": source_code}}
    return body


def credit_memo_body(
    order: Mapping[str, Any],
    lines: Lines,
    comment: str,
    *,
    shipping: Decimal,
    adjustment_positive: Decimal,
    adjustment_negative: Decimal,
    return_to_stock: Sequence[int],
    notify: bool,
) -> dict[str, Any]:
    """Return the request body of a credit memo. Raises InvariantError or FixDocument for a refund of nothing and for lines that Magento would change.

    Amounts are in base currency; shipping before its discount (docs/facts/magento-2.4.7.md#5.3). A memo of shipping or adjustment alone names every
    invoiced item with quantity 0, or it would refund all of them.
    """
    for name, amount in (("shipping", shipping), ("refund", adjustment_positive), ("fee", adjustment_negative)):
        if not isinstance(amount, Decimal | int) or not Decimal(amount).is_finite() or amount < 0:
            raise InvariantError(f"a credit memo with {name} {amount!r}", system="magento")
    check_lines(Kind.CREDIT_MEMO, order, lines)
    refunded = {number for number, quantity in lines if quantity}
    if not refunded and not shipping and not adjustment_positive:
        raise InvariantError("a credit memo that refunds nothing", system="magento")
    if not set(return_to_stock) <= refunded:
        raise InvariantError("an item is to be returned to stock without being refunded", system="magento")
    named = [line for line in lines if line[1]] if refunded else _nothing_of_everything(order)
    arguments: dict[str, Any] = {
        "shipping_amount": shipping,
        "adjustment_positive": adjustment_positive,
        "adjustment_negative": adjustment_negative,
    }
    if return_to_stock:
        arguments["extension_attributes"] = {"return_to_stock_items": list(return_to_stock)}
    return {"items": _items(named), "arguments": arguments} | _common(comment, notify)


def comment_body(text: str, status: str | None = None) -> dict[str, Any]:
    """Return the body of a comment in the order's history. `status` must be the current one (docs/facts/magento-2.4.7-more.md#5)."""
    _check_comment(text)
    history = {"comment": text, "is_customer_notified": 0, "is_visible_on_front": 0}
    return {"statusHistory": history | ({"status": status} if status else {})}


def transaction_body(document: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """Return the body that changes only the transaction id. Without the other fields Magento fails with 500 (docs/facts/magento-2.4.7.md#7)."""
    if not reference or len(reference) > MOST_TRANSACTION_ID or not reference.isprintable():
        raise InvariantError("a transaction reference has 1 to 50 printable characters", system="magento")
    entity = {"entity_id": document["entity_id"], "order_id": document["order_id"], "items": []}
    total = {"total_qty": document["total_qty"]} if "total_qty" in document else {}
    return {"entity": entity | total | {"transaction_id": reference}}


def created_id(body: Any, *, call: str) -> int:
    """Return the id of the new document, sent as a JSON string or number. Raises OutcomeUnknown for anything else."""
    try:
        return entity_id(body.get("entity_id") if isinstance(body, Mapping) else body)
    except Unreadable as problem:
        raise OutcomeUnknown(
            f"written, but the answer names no document: {problem.args[0]}",
            system="magento",
            call=call,
            hint="look for the document's marker before anything is sent again",
        ) from None


def _items(lines: Lines) -> list[dict[str, Any]]:
    return [{"order_item_id": number, "qty": quantity} for number, quantity in lines]


def _nothing_of_everything(order: Mapping[str, Any]) -> Lines:
    items = order_items(order).values()
    named = [item.item_id for item in items if item.invoiced > 0 and item.is_written_in(Kind.CREDIT_MEMO)]
    if not named:
        raise FixDocument("nothing of this order has been invoiced", system="magento")
    return [(number, Decimal(0)) for number in named]


def _common(comment: str, notify: bool) -> dict[str, Any]:
    """Return the fields that all documents share. A comment is stored without `appendComment`, which would only mail it (docs/facts/magento-2.4.7.md#7)."""
    _check_comment(comment)
    return {"notify": notify, "appendComment": False, "comment": {"comment": comment, "is_visible_on_front": 0}}


def _check_comment(text: str) -> None:
    if not text.strip() or "\0" in text:
        raise InvariantError(
            "a write needs a comment: it carries the marker by which it is found again", system="magento"
        )
