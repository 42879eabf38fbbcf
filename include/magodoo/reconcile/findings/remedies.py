"""Choose reasons and advice by the documents: a draft, a posted entry and an order are corrected differently."""

from __future__ import annotations

from magodoo.domain import labels
from magodoo.domain.states import OdooMoveState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation

NEVER_CHANGED = {
    "posted": "A posted document is never changed automatically",
    "draft": "What a draft in Odoo says is never changed automatically",
    "order": "What an order in Odoo says is never changed automatically",
}
DIFFERENT = (FindingType.TOTAL_MISMATCH, FindingType.CURRENCY_MISMATCH, FindingType.TAX_MISMATCH)


def say_how_to_correct(situation: Situation, finding: Finding, odoo: Document) -> None:
    """Write into a finding about differing amounts the reason and the advice that fit the Odoo document's kind and state."""
    if finding.type not in DIFFERENT:
        return
    kind = "order" if odoo.kind == Kind.ORDER else "draft" if odoo.state == OdooMoveState.DRAFT else "posted"
    finding.no_change_reason = NEVER_CHANGED[kind]
    if finding.type is FindingType.CURRENCY_MISMATCH:
        finding.next_step = _in_currency(situation, odoo, finding.magento_value or "Magento's currency")
    elif finding.type is FindingType.TOTAL_MISMATCH:
        finding.next_step = _of_total(situation, odoo)
    elif kind == "order":
        finding.next_step = "Check the tax mapping and correct the taxes on the lines of the order in Odoo"


def _of_total(situation: Situation, odoo: Document) -> str:
    if odoo.kind == Kind.ORDER:
        wrong = "Compare the lines that differ and correct them on the order in Odoo; where Magento's order is wrong, cancel or refund it there"
        return f"{wrong}. {_OF_INVOICED}" if _invoiced(situation, odoo) else wrong
    if odoo.state == OdooMoveState.DRAFT:
        return "Correct the draft in Odoo before it is posted"
    if odoo.kind == Kind.CREDIT_MEMO:
        return (
            "Reverse the credit note in Odoo and make it anew with the amounts of Magento's credit memo, which cannot be changed; refund in"
            " Magento too where Odoo refunded more and the customer is to have it"
        )
    return "Correct by credit note and new invoice in Odoo, or by a credit memo in Magento"


def _in_currency(situation: Situation, odoo: Document, currency: str) -> str:
    if odoo.kind == Kind.ORDER and _invoiced(situation, odoo):
        return f"Correct what is invoiced in Odoo by credit note and new invoice in {currency}, and book what follows on the order by hand"
    if odoo.kind == Kind.ORDER:
        return (
            f"In Odoo cancel the order, set it to quotation, choose a pricelist in {currency}, correct the prices and confirm it again. Where"
            f" goods of it have left already, keep it as it is and invoice it by hand in {currency}"
        )
    if odoo.state == OdooMoveState.DRAFT:
        return f"Set the currency of the draft in Odoo to {currency} and correct its amounts before it is posted"
    if odoo.kind == Kind.CREDIT_MEMO:
        return f"Reverse the credit note in Odoo and make it anew in {currency}"
    return f"Correct by credit note and new invoice in {currency}"


_OF_INVOICED = "What is invoiced with the wrong amounts is corrected by credit note and new invoice"


def _invoiced(situation: Situation, order: Document) -> bool:
    """Return whether Odoo has an invoice of an order, or its lines count as invoiced."""
    view = situation.view
    invoices = view.select(Side.ODOO, Kind.INVOICE) & view.active & (view.column("order_key") == order.order_key)
    return bool(invoices.any()) or any(line.qty_invoiced for line in view.frames.lines_of(order.at))


GONE = "Find out who deleted it, and whether what it recorded still holds. If it does"


def after_deletion(gone: Document, survivor: Document | None) -> str:
    """Return what to do about a document that was deleted on one side, with or without a counterpart left on the other."""
    kind, words = Kind(gone.kind), Kind(gone.kind).words
    if survivor is None:
        system = labels.SIDES[gone.side]
        return f"{GONE}, make it in {system} by hand anew. If not, nothing is left to do: mute this finding"
    if gone.side == Side.ODOO:
        return (
            f"{GONE}, make it in Odoo by hand with the number {survivor.number} as reference, and confirm the match on its page. If not,"
            f" {_UNDO_IN_MAGENTO[kind]}. Then mute this finding"
        )
    draft = kind in (Kind.INVOICE, Kind.CREDIT_MEMO) and survivor.state == OdooMoveState.DRAFT
    undo = f"delete the draft {survivor.number}" if draft else _UNDO_IN_ODOO[kind].format(survivor.number)
    return f"{GONE}, keep Odoo's {words} and mute this finding. If not, {undo}"


_UNDO_IN_MAGENTO = {
    Kind.ORDER: "cancel the order in Magento, or refund it where it is invoiced there",
    Kind.INVOICE: "refund the invoice in Magento",
    Kind.CREDIT_MEMO: "note it for the closing: a credit memo of Magento cannot be taken back",
    Kind.SHIPMENT: "note it: a shipment of Magento cannot be taken back",
    Kind.RETURN: "correct the return in Magento",
}
_UNDO_IN_ODOO = {
    Kind.ORDER: "cancel the order {} in Odoo, or take back by credit note and return what is invoiced and delivered of it",
    Kind.INVOICE: "reverse the invoice {} in Odoo by a credit note",
    Kind.CREDIT_MEMO: "reverse the credit note {} in Odoo by an invoice",
    Kind.SHIPMENT: "book the return of the delivery {} in Odoo",
    Kind.RETURN: "book the goods of {} out again in Odoo",
}
