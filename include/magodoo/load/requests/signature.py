"""What of a source document a request depends on, as one short text: it stands in the request and is compared before the write."""

from __future__ import annotations

import hashlib

from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.vocabulary import Kind, Side

# Not in it: what our own writes change (paid, invoiced, shipped), stamps, and what staging adds after the reading
# (customer, country and currency of documents, item keys of Odoo lines).
_CONTENT = ("number", "grand_total", "tax", "shipping", "discount", "adjustment", "quantity")
_CUSTOMER = ("customer_email", "country", "vat")
_LINE = ("line_id", "role", "sku", "quantity", "qty_ordered", "untaxed", "tax")
# An order's state follows its documents; only these ends of it matter.
_ORDER_ENDS = ("canceled", "holded", "payment_review", "cancel")


def _text(value: object) -> str:
    """A value of a line as it was read: staging alone finds out which goods were exchanged."""
    return "item" if value == "exchange" else str(value)


def _refunded(line: CanonicalLine) -> int:
    """Units of an order's line that were refunded before they left, by the line alone."""
    return max(min(line.qty_refunded, line.qty_ordered - line.qty_canceled - line.qty_shipped), 0)


def signature(document: CanonicalDocument) -> str:
    """The same for a document as it was staged and as it is read again, as long as nothing of substance changed."""
    head = [getattr(document, name) for name in _CONTENT]
    if document.kind == Kind.ORDER:
        head += [*(getattr(document, name) for name in _CUSTOMER), document.state in _ORDER_ENDS]
        # What is cancelled is not imported; only orders that have it say so, or every open change would be another one.
        head += [line.qty_canceled for line in document.lines if line.qty_canceled and document.side == Side.MAGENTO]
        # Nor is what is refunded before it left.
        head += [
            f"refunded {units}"
            for line in document.lines
            if (units := _refunded(line)) and document.side == Side.MAGENTO
        ]
    else:
        head.append(document.state)
    # A delivery's quantities become kits in staging; what was moved stays in qty_ordered.
    names = [name for name in _LINE if (document.side, document.kind, name) != (Side.ODOO, Kind.SHIPMENT, "quantity")]
    lines = sorted(tuple(_text(getattr(line, name)) for name in names) for line in document.lines)
    content = repr((head, sorted(document.tracking), lines))
    return hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
