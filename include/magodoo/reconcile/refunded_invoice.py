"""Which invoice a Magento credit memo refunds (facts pair 5.3): Odoo settles an open invoice by a credit note that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from magodoo.reconcile.order_plan import OrderPlan
from magodoo.reconcile.rows import Document
from magodoo.vocabulary import Kind, Side


@dataclass
class _Left:
    """What of an invoice no credit memo has refunded yet: units by item, and of the shipping."""

    invoice: Document
    items: dict[str, int]
    shipping: int

    def holds(self, memo: Document, items: dict[str, int]) -> bool:
        invoiced, refunded = self.invoice.document_date, memo.document_date
        in_time = not (invoiced and refunded and invoiced > refunded)
        enough = all(self.items.get(item, 0) >= quantity for item, quantity in items.items())
        return in_time and enough and self.shipping >= memo.shipping

    def take(self, memo: Document, items: dict[str, int]) -> None:
        self.items = {item: quantity - items.get(item, 0) for item, quantity in self.items.items()}
        self.shipping -= memo.shipping


def refunded_invoice(order: OrderPlan, row: Document) -> int | None:
    """The Magento invoice that a memo refunds; None where it is not certain, or where a mere candidate is not paid yet.

    Certain: Magento names it, or there is one only. The candidate is the first invoice that still holds all that is refunded,
    once the earlier memos have taken theirs.
    """
    invoices = order.active(Side.MAGENTO, Kind.INVOICE)
    if row.parent_id:
        return row.parent_id
    if len(invoices) == 1:
        return invoices[0].source_id
    left = [_Left(invoice, _items(order, invoice), invoice.shipping) for invoice in invoices]
    for memo in order.active(Side.MAGENTO, Kind.CREDIT_MEMO):
        if memo.source_id < row.source_id and (taken := _candidate(order, left, memo)):
            taken.take(memo, _items(order, memo))
    found = _candidate(order, left, row)
    entry = order.partner(found.invoice) if found else None
    return found.invoice.source_id if found and entry is not None and entry.status == "paid" else None


def _candidate(order: OrderPlan, left: Sequence[_Left], memo: Document) -> _Left | None:
    """What names no goods and no shipping belongs to no invoice more than to another."""
    items = _items(order, memo)
    if memo.parent_id:
        return next((each for each in left if each.invoice.source_id == memo.parent_id), None)
    return next((each for each in left if (items or memo.shipping) and each.holds(memo, items)), None)


def _items(order: OrderPlan, row: Document) -> dict[str, int]:
    return dict(order.facts.items.get(row.at, []))
