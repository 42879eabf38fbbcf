"""Magento credit memo -> credit note in Odoo (docs/facts/pair.md#5.2 and #5.3).

Planned for a credit memo that is missing in Odoo, depending on the setting `credit_memos.to_odoo`. A credit note that names an
open invoice settles it in Odoo, so this file decides which invoice a memo refunds. What credit notes share with
invoices is in `entries` (plan and request) and `entry_writing` (probe, check, write).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import OdooMovePaymentState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import MagodooError
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.entries import EntryIntent, EntryKind, EntryRequest, nothing_to_book, plan_entry, prepare_entry
from magodoo.flows.entry_writing import WriteEntries
from magodoo.flows.order_plan import MISSING_IN_ODOO, STATUS_MISMATCH, Item, OrderPlan, first_reason
from magodoo.flows.order_readiness import made_from_odoo, not_ready
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import PlannedChange, Prepared
from magodoo.money import rounded, shown
from magodoo.reconcile.rows import Document


@dataclass(frozen=True, kw_only=True)
class CreditNoteIntent(EntryIntent):
    """Hold how a credit note is written.

    Attributes:
        invoice: Magento's id of the invoice that it reverses; None where that is not certain.
        unshipped: The items of which it refunds units that never shipped.
    """

    invoice: int | None = None
    unshipped: tuple[Item, ...] = ()


class CreditNoteRequest(EntryRequest, frozen=True, kw_only=True):
    """Hold a credit note; the table to load names the invoice that it reverses."""


def plan_credit_notes(order: OrderPlan) -> None:
    """Plan the credit notes that are missing in Odoo, and the posting of drafts of ours.

    Planned for the findings `missing_in_odoo` of a credit memo and `status_mismatch` with part `draft`. Not planned
    while `credit_memos.to_odoo` is off, before the cut-over, while the order is not ready, and for a memo that could
    not be read, was made from an Odoo document, is blocked, belongs to an order refunded in excess, is below zero, or
    exceeds what is invoiced in Odoo and not refunded yet: the finding keeps the first of these reasons.
    """
    closed = not_ready(order)
    policy = order.instance.credit_memos.to_odoo
    for finding in (
        *order.of(MISSING_IN_ODOO, Kind.CREDIT_MEMO),
        *order.of(STATUS_MISMATCH, Kind.CREDIT_MEMO, "draft"),
    ):
        row = order.row(finding)
        if nothing_to_book(order, finding, row):
            continue
        reason = first_reason(
            "The setting `credit_memos.to_odoo` is off" if policy == "off" else None,
            order.cut_over(row),
            closed,
            order.unreadable(Kind.CREDIT_MEMO),
            made_from_odoo(order, row),
            order.blocked(row),
            order.over_refunded(),
            _nothing_to_refund(order, row),
        )
        intent = CreditNoteIntent(
            post=policy == "post",
            invoice=refunded_invoice(order, row),
            unshipped=order.facts.unshipped.get(row.at, ()),
        )
        plan_entry(order, finding, row, ChangeKind.ODOO_CREDIT_NOTE, reason, intent)


def _nothing_to_refund(order: OrderPlan, row: Document) -> str | None:
    """Return why a memo refunds more than the invoices in Odoo, existing or planned, have left; None when they have enough."""
    if rounded(row.grand_total) < 0:
        return "A credit memo below zero is never written"
    invoiced = sum(each.grand_total for each in order.active(Side.ODOO, Kind.INVOICE))
    invoiced += sum(change.amount for change in order.planned("odoo_invoice"))
    refunded = sum(each.grand_total for each in order.active(Side.ODOO, Kind.CREDIT_MEMO))
    refunded += sum(change.amount for change in order.planned(ChangeKind.ODOO_CREDIT_NOTE))
    tolerance = order.instance.tolerance_units(row.currency)
    if refunded + row.grand_total > invoiced + tolerance:
        here, gone = shown(int(invoiced), row.currency), shown(int(refunded), row.currency)
        amounts = f"{here} {row.currency} are invoiced, {gone} refunded already"
        return f"The refunds would exceed what is invoiced in Odoo: {amounts}"
    return None


def refunded_invoice(order: OrderPlan, row: Document) -> int | None:
    """Return the id of the Magento invoice that a memo refunds; None where it is not certain, or where a mere candidate is not paid yet.

    It is certain when Magento names it, or when the order has one invoice only. The candidate is the first invoice
    that still holds all that is refunded, after the earlier memos have taken their share.
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
    is_paid = entry is not None and entry.status == OdooMovePaymentState.PAID
    return found.invoice.source_id if found and is_paid else None


@dataclass
class _Left:
    """The part of an invoice that no credit memo has refunded yet: units by item, and units of the shipping."""

    invoice: Document
    items: dict[str, int]
    shipping: int

    def holds(self, memo: Document, items: dict[str, int]) -> bool:
        """Return whether a memo's items and shipping fit into the remainder, and the memo is not older than the invoice."""
        invoiced, refunded = self.invoice.document_date, memo.document_date
        in_time = not (invoiced and refunded and invoiced > refunded)
        enough = all(self.items.get(item, 0) >= quantity for item, quantity in items.items())
        return in_time and enough and self.shipping >= memo.shipping

    def take(self, memo: Document, items: dict[str, int]) -> None:
        """Subtract a memo's items and shipping from the remainder."""
        self.items = {item: quantity - items.get(item, 0) for item, quantity in self.items.items()}
        self.shipping -= memo.shipping


def _candidate(order: OrderPlan, left: Sequence[_Left], memo: Document) -> _Left | None:
    """Return the invoice that a memo refunds among several; None for a memo without goods or shipping, which fits any of them."""
    items = _items(order, memo)
    if memo.parent_id:
        return next((each for each in left if each.invoice.source_id == memo.parent_id), None)
    return next((each for each in left if (items or memo.shipping) and each.holds(memo, items)), None)


def _items(order: OrderPlan, row: Document) -> dict[str, int]:
    return dict(order.facts.items.get(row.at, ()))


def prepare_credit_note(sources: Sources, plan: PlannedChange[CreditNoteIntent]) -> Prepared:
    """Build the request of a draft credit note; it names the invoice that it reverses where that is certain."""
    return prepare_entry(sources, plan, CREDIT_NOTE)


def _reversed_entry(
    sources: Sources, order: CanonicalDocument, plan: PlannedChange[CreditNoteIntent], head: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return the cell that names the reversed invoice, if the plan has one."""
    invoice = plan.intent.invoice
    reversal = sources.reference(Kind.INVOICE, str(invoice)) if invoice else None
    return {f"reversed_entry_id{reversal.column}": reversal.cell} if reversal else {}


def _never_delivered(
    sources: Sources, document: CanonicalDocument, plan: PlannedChange[CreditNoteIntent], without: dict[str, int]
) -> dict[str, int]:
    """Return units by item that a memo refunds unshipped, and that Odoo invoices by delivery or whose order is `without` them.

    Their lines are linked to the order: what was invoiced and is never delivered would stay below zero on the order,
    and Odoo would offer to invoice it (docs/business-rules.md#credit-memos).
    """
    skus = {line.item_key: line.sku for line in document.lines if line.role == "item"}
    earlier = _refunded_earlier(sources, document) if without else {}
    linked = {}
    for item, quantity in plan.intent.unshipped:
        short = min(quantity, max(without.get(item, 0) - earlier.get(item, 0), 0))
        linked[item] = quantity if _by_delivery(sources, skus.get(item, "")) else short
    return {item: quantity for item, quantity in linked.items() if quantity}


def _refunded_earlier(sources: Sources, document: CanonicalDocument) -> dict[str, int]:
    """Return units by item on the order's earlier credit memos: these refund first what never shipped."""
    found: dict[str, int] = {}
    for (side, kind, _), other in sources.documents.items():
        if (side, kind, other.order_key, other.active) != (document.side, document.kind, document.order_key, True):
            continue
        if _age(other) < _age(document):
            for line in other.lines:
                if line.role == "item" and line.is_money and line.item_key:
                    found[line.item_key] = found.get(line.item_key, 0) + line.quantity
    return found


def _age(document: CanonicalDocument) -> tuple[float, int]:
    """Return the sort key of a memo: creation time, then id."""
    return document.created_at.timestamp() if document.created_at else 0.0, int(document.source_id)


def _by_delivery(sources: Sources, sku: str) -> bool:
    """Return whether Odoo invoices the product by delivered quantities."""
    product = sources.master.only("product.product", sku)
    return product is not None and product.data.get("invoice_policy") == "delivery"


CREDIT_NOTE = EntryKind(
    Kind.CREDIT_MEMO, CreditNoteRequest, "cm", "out_refund", linked=False, cells=_reversed_entry, apart=_never_delivered
)


class WriteCreditNotes(WriteEntries[CreditNoteRequest]):
    """Write credit notes; none below zero (docs/business-rules.md#credit-memos)."""

    kind = ChangeKind.ODOO_CREDIT_NOTE
    request_type = CreditNoteRequest
    document = Kind.CREDIT_MEMO
    move_type = "out_refund"

    def refusal(self, change: LeasedChange[CreditNoteRequest]) -> MagodooError | None:
        """Refuse a credit memo below zero."""
        return refused("a credit memo below zero is never written") if change.request.expect.total < 0 else None


register(
    Flow(ChangeKind.ODOO_CREDIT_NOTE, plan_credit_notes, prepare_credit_note, WriteCreditNotes(), from_payload=True)
)
