"""Read what Magento sent as canonical documents: orders, invoices, shipments, credit memos.

Arithmetic: docs/facts/magento-2.4.7-more.md#1.1 and #1.2 (which sums hold), docs/facts/pair.md#1 (which rows carry money). `sound` is false
when the sum of the rows or the sum of their taxes does not hold to the last decimal; what the grand total holds
beside its parts is a line of its own (`magento_totals`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from magodoo.connectors.magento.writes import find_marker
from magodoo.domain.states import CANCELED_IN_MAGENTO, MagentoInvoiceState
from magodoo.domain.tracking import LONGEST
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import Unreadable
from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.fields import Row
from magodoo.extract.magento_orders import order
from magodoo.extract.magento_rows import fixed_tax
from magodoo.extract.magento_totals import Sums, complete, shipping_line, totals_of
from magodoo.settings import Instance


def read(instance: Instance, kind: Kind | str, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return the canonical document of one raw row of the list of `kind`.

    Raises:
        Unreadable: The row is damaged; nothing else is raised.
    """
    if not isinstance(row, Mapping):
        raise Unreadable(f"not an object: {row!r:.60}")
    return READERS[Kind(kind)](instance, row, request_began_at)


def invoice(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return an invoice; captured is only what names a provider's transaction, as every invoice made over REST is *paid* (docs/facts/magento-2.4.7.md#5)."""
    document = _money_document(instance, Kind.INVOICE, row, request_began_at)
    if document.transaction_id and document.state == MagentoInvoiceState.PAID:
        document.captured_amount = fields.units(row, "grand_total")
    return document


def credit_memo(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return a credit memo; amounts have four decimals where shipping was discounted (docs/facts/magento-2.4.7-more.md#1.3)."""
    document = _money_document(instance, Kind.CREDIT_MEMO, row, request_began_at)
    document.parent_id = fields.identity(row, "invoice_id")
    if document.transaction_id:
        document.captured_amount = fields.units(row, "grand_total")
    return document


def shipment(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return a shipment: quantities, tracks, source. It has no state: every existing one was shipped."""
    document = _head(instance, Kind.SHIPMENT, row, request_began_at)
    tracks = fields.rows(row, "tracks")
    numbers = [track for each in tracks if (track := fields.words(each, "track_number", LONGEST))]
    document.tracking = tuple(dict.fromkeys(numbers))
    document.carrier = next(
        (fields.words(each, "title") or fields.words(each, "carrier_code") for each in tracks), None
    )
    document.details["carrier_code"] = next((fields.words(each, "carrier_code") for each in tracks), None)
    document.source_code = fields.words(fields.inner(row, "extension_attributes"), "source_code", fields.LONGEST_KEY)
    document.lines = [_item(item) for item in fields.rows(row, "items")]
    _refuse_doubles(document)
    document.quantity = fields.units(row, "total_qty") or sum(line.quantity for line in document.lines)
    return document


def _money_document(instance: Instance, kind: Kind, row: Row, request_began_at: datetime) -> CanonicalDocument:
    document = _head(instance, kind, row, request_began_at)
    document.currency = fields.words(row, "order_currency_code", 3) or ""
    totals, base = totals_of(instance, document, row)
    items = fields.rows(row, "items")
    document.lines = [_money_item(item) for item in items]
    _refuse_doubles(document)
    base_rows = sum(fields.units(item, "base_row_total") for item in items)
    # An invoice's items never show their fixed product tax (docs/facts/magento-versions.md): only its order has it.
    sums = Sums.of(document.lines, base_rows, None if kind is Kind.INVOICE else fixed_tax(items))
    document.lines += shipping_line(totals, base)
    document.lines += _adjustments(row)
    complete(document, totals, base, sums)
    document.company_currency = fields.words(row, "base_currency_code", 3) or ""
    document.rate = fields.rate(row, "base_to_order_rate")
    document.transaction_id = fields.words(row, "transaction_id", fields.LONGEST_KEY)
    document.quantity = fields.units(row, "total_qty") or sum(
        line.quantity for line in document.lines if line.role == "item"
    )
    return document


def _head(instance: Instance, kind: Kind, row: Row, request_began_at: datetime) -> CanonicalDocument:
    order_id = fields.required_identity(row, "order_id")
    created = fields.moment(row, "created_at")
    state = fields.words(row, "state", fields.LONGEST_KEY) or ""
    try:
        marker = find_marker(row)
    except TypeError:
        raise Unreadable("comments: not a list of objects") from None
    return CanonicalDocument(
        instance=instance.id,
        side=Side.MAGENTO.value,
        kind=kind.value,
        source_id=fields.required_identity(row, "entity_id"),
        number=fields.required_key(row, "increment_id"),
        state=state,
        active=state not in CANCELED_IN_MAGENTO,
        request_began_at=request_began_at,
        order_key=order_id,
        own_order_id=order_id,
        reference=str(marker) if marker and marker.instance == instance.id else None,
        store_id=fields.small(row, "store_id"),
        document_date=fields.local_day(created, instance.zone),
        created_at=created,
        updated_at=fields.moment(row, "updated_at"),
        details=fields.set_aside(row),
        payload=fields.payload(row),
    )


def _item(item: Row) -> CanonicalLine:
    item_key = fields.required_identity(item, "order_item_id")
    return CanonicalLine(
        line_id=fields.identity(item, "entity_id") or item_key,
        item_key=item_key,
        own_item_id=item_key,
        sku=fields.words(item, "sku", fields.LONGEST_KEY) or "",
        name=fields.prose(item, "name") or "",
        quantity=fields.units(item, "qty"),
        price=fields.units(item, "price"),
    )


def _money_item(item: Row) -> CanonicalLine:
    """Return an item line; children of a configurable and parents of a dynamic bundle have no row_total (docs/facts/magento-2.4.7.md#5.4)."""
    line = _item(item)
    line.is_money = item.get("row_total") is not None
    if line.is_money:
        line.gross = fields.units(item, "row_total")
        line.discount = fields.units(item, "discount_tax_compensation_amount") - fields.units(item, "discount_amount")
        line.untaxed = line.gross + line.discount
        line.tax = fields.units(item, "tax_amount")
        line.base_untaxed = (
            fields.units(item, "base_row_total")
            - fields.units(item, "base_discount_amount")
            + fields.units(item, "base_discount_tax_compensation_amount")
        )
        line.base_tax = fields.units(item, "base_tax_amount")
    return line


def _adjustments(row: Row) -> list[CanonicalLine]:
    """Return the lines of adjustments, which carry no tax (docs/facts/magento-2.4.7-more.md#1.2)."""
    found = []
    for name, sign in (("adjustment_positive", 1), ("adjustment_negative", -1)):
        amount, base = sign * fields.units(row, name), sign * fields.units(row, f"base_{name}")
        if amount:
            found.append(
                CanonicalLine(
                    line_id=name,
                    role="adjustment",
                    quantity=10_000,
                    price=amount,
                    gross=amount,
                    untaxed=amount,
                    base_untaxed=base,
                )
            )
    return found


def _refuse_doubles(document: CanonicalDocument) -> None:
    """Raise Unreadable for two rows with one id: they would be one row in the table."""
    ids = [line.line_id for line in document.lines]
    if len(ids) != len(set(ids)):
        raise Unreadable("items: one id stands twice")


READERS: dict[Kind, Callable[[Instance, Any, datetime], CanonicalDocument]] = {
    Kind.ORDER: order,
    Kind.INVOICE: invoice,
    Kind.SHIPMENT: shipment,
    Kind.CREDIT_MEMO: credit_memo,
}
