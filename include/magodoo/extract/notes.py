"""Read what the customer wrote for the warehouse: delivery notes and gift messages, as the note of the transfers in Odoo."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

LONGEST = 2000  # characters of one text
_NOTES = (
    *("customer_note", "delivery_note", "delivery_notes", "delivery_comment", "delivery_instructions"),
    *("shipping_comment", "order_comment"),
)


def transfer_note(payload: Mapping[str, Any]) -> str:
    """Return the texts of an order as HTML paragraphs, escaped: whatever a customer wrote is text. "" without any."""
    return "".join(f"<p>{html.escape(text).replace(chr(10), '<br/>')}</p>" for text in texts(payload))


def texts(payload: Mapping[str, Any]) -> list[str]:
    """Return the texts of an order, each once."""
    return list(dict.fromkeys(text[:LONGEST] for text in _texts(payload) if text))


def _texts(payload: Mapping[str, Any]) -> Iterator[str]:
    extra = _object(payload.get("extension_attributes"))
    for holder in (payload, extra):
        for name in _NOTES:
            yield _plain(holder.get(name))
    yield _gift("Gift message", extra.get("gift_message"))
    for item in payload.get("items") or ():
        row = _object(item)
        message = _object(row.get("extension_attributes")).get("gift_message")
        yield _gift(f"Gift message for {row.get('sku') or row.get('name') or 'an item'}", message)


def _gift(title: str, message: Any) -> str:
    """Return `Gift message from Ann to Bob: Happy birthday`; "" where nothing is written."""
    row = _object(message)
    text, sender, recipient = (_plain(row.get(name)) for name in ("message", "sender", "recipient"))
    if not text:
        return ""
    people = (f" from {sender}" if sender else "") + (f" to {recipient}" if recipient else "")
    return f"{title}{people}: {text}"


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: Any) -> str:
    return value.replace("\r\n", "\n").replace("\0", "").strip() if isinstance(value, str) else ""
