"""The words that users read for a persisted value: one table for each vocabulary.

Pages show `label`. Emails, approvals and the statement use a value within a sentence or a list and show `in_sentence`. A value of an
open vocabulary (a state of Magento or Odoo that has no label here, a check, a count) is shown with spaces for its underscores.
"""

from __future__ import annotations

from collections.abc import Mapping

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import (
    MagentoCreditMemoState,
    MagentoInvoiceState,
    MagentoOrderState,
    OdooMovePaymentState,
    OdooMoveState,
    OdooOrderState,
    OdooTransferState,
)
from magodoo.domain.vocabulary import (
    Approval,
    ChangeState,
    FindingType,
    Kind,
    Rule,
    Severity,
    Side,
    Verdict,
)

SIDES: Mapping[str, str] = {Side.MAGENTO: "Magento", Side.ODOO: "Odoo"}
KINDS: Mapping[str, str] = {kind: kind.words for kind in Kind}
SEVERITIES: Mapping[str, str] = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}
OWNERS: Mapping[str, str] = {"accounting": "accounting", "warehouse": "warehouse", "it": "IT"}
FINDING_TYPES: Mapping[str, str] = {
    FindingType.MISSING_IN_ODOO: "missing in Odoo",
    FindingType.MISSING_IN_MAGENTO: "missing in Magento",
    FindingType.TOTAL_MISMATCH: "total mismatch",
    FindingType.TAX_MISMATCH: "tax mismatch",
    FindingType.ROUNDING: "rounding",
    FindingType.CASH_ROUNDING: "cash rounding",
    FindingType.STATUS_MISMATCH: "status mismatch",
    FindingType.PAYMENT_UNMATCHED: "payment unmatched",
    FindingType.QUANTITY_MISMATCH: "quantity mismatch",
    FindingType.WILL_SHIP_TOO_MUCH: "will ship too much",
    FindingType.TRACKING_MISMATCH: "tracking mismatch",
    FindingType.CURRENCY_MISMATCH: "currency mismatch",
    FindingType.DUPLICATE: "duplicate",
    FindingType.POSSIBLE_DUPLICATE: "possible duplicate",
    FindingType.AMBIGUOUS: "ambiguous",
    FindingType.WITHOUT_ORDER: "without order",
    FindingType.INTERCOMPANY: "intercompany",
    FindingType.UNMAPPED: "unmapped",
    FindingType.ARITHMETIC: "arithmetic",
    FindingType.OVER_REFUNDED: "over refunded",
    FindingType.NOTHING_TO_BOOK: "nothing to book",
    FindingType.RETURNED_NOT_REFUNDED: "returned not refunded",
    FindingType.REFUNDED_NOT_RETURNED: "refunded not returned",
    FindingType.NOT_INVOICED: "not invoiced",
    FindingType.CAPTURE_NEEDED: "capture needed",
    FindingType.AUTHORISATION_VOIDED: "authorisation voided",
    FindingType.REFUNDED_TO_CREDIT: "refunded to credit",
    FindingType.PAYMENT_REVERSED: "payment reversed",
    FindingType.DRAFT_WAITING: "draft waiting",
    FindingType.NOT_REPRESENTABLE: "not representable",
    FindingType.CORRECTED_IN_ODOO: "corrected in Odoo",
    FindingType.REVERSED_BEFORE_PUSH: "reversed before push",
    FindingType.REPLACEMENT: "replacement",
    FindingType.CANCELLED_IN_ODOO: "cancelled in Odoo",
    FindingType.UNIT_MISMATCH: "unit mismatch",
    FindingType.ADDRESS_CHANGED: "address changed",
    FindingType.NOTE_CHANGED: "note changed",
    FindingType.STRADDLES_BOOKS_FROM: "straddles books from",
    FindingType.CLOSED_PERIOD: "closed period",
    FindingType.EINVOICE_REJECTED: "einvoice rejected",
    FindingType.OUT_OF_SERIES: "out of series",
    FindingType.DELETED: "deleted",
    FindingType.QUARANTINED: "quarantined",
    FindingType.READ_IN_PART: "read in part",
}
CHANGE_KINDS: Mapping[str, str] = {kind: kind.replace("_", " ").capitalize() for kind in ChangeKind}
CHANGE_STATES: Mapping[str, str] = {
    ChangeState.PLANNED: "planned",
    ChangeState.APPROVED: "approved",
    ChangeState.LEASED: "leased",
    ChangeState.UNCERTAIN: "uncertain",
    ChangeState.DONE: "Done",
    ChangeState.REFUSED: "refused",
    ChangeState.FAILED: "failed",
    ChangeState.SUPERSEDED: "superseded",
}
VERDICTS: Mapping[str, str] = {Verdict.UNCHECKED: "unchecked", Verdict.RELEASED: "released", Verdict.HELD: "held"}
APPROVALS: Mapping[str, str] = {
    Approval.NOT_NEEDED: "not needed",
    Approval.WAITING: "waiting",
    Approval.APPROVED: "approved",
    Approval.REJECTED: "rejected",
}
MATCHING_RULES: Mapping[str, str] = {
    Rule.EXTERNAL_ID: "our external id",
    Rule.MARKER: "our marker",
    Rule.DELIVERY_KEY: "the delivery key",
    Rule.LEDGER: "our own write",
    Rule.CONFIRMED: "a person",
    Rule.REFERENCE: "a reference",
    Rule.TRACKING: "the tracking number",
    Rule.ASSIGNMENT: "amounts and quantities",
}
"""Completes "found by". Its values mean other things in other vocabularies, so `label` does not use it."""
RUN_OUTCOMES: Mapping[bool | None, str] = {None: "running", True: "well", False: "failed"}

PAYMENT_STATES: Mapping[str, str] = {
    OdooMovePaymentState.NOT_PAID: "Not Paid",
    OdooMovePaymentState.IN_PAYMENT: "In Payment",
    OdooMovePaymentState.PAID: "Paid",
    OdooMovePaymentState.PARTIAL: "Partially Paid",
    OdooMovePaymentState.REVERSED: "Reversed",
}
"""Odoo's `payment_state`, as Odoo shows it."""
RARE_PAYMENT_STATES: Mapping[str, str] = {
    OdooMovePaymentState.BLOCKED: "Blocked",
    OdooMovePaymentState.INVOICING_LEGACY: "Invoicing App Legacy",
    "": "Not Paid",
}
"""The other values of `payment_state`; only findings and `explain` name them."""
DOCUMENT_STATES: Mapping[str, str] = {
    **PAYMENT_STATES,
    OdooMoveState.DRAFT: "Draft", OdooMoveState.CANCEL: "Cancelled", OdooMoveState.POSTED: "Posted", OdooOrderState.SALE: "Sales Order",
    OdooOrderState.SENT: "Quotation Sent", OdooTransferState.DONE: "Done", "open": "Open", "refunded": "Refunded", MagentoOrderState.CANCELED: "Canceled",
}  # fmt: skip
"""States of documents, as Odoo shows them and as Magento shows those of credit memos."""
MAGENTO_STATES: Mapping[str, Mapping[str, str]] = {
    Kind.INVOICE: {
        MagentoInvoiceState.OPEN: "open",
        MagentoInvoiceState.PAID: "paid",
        MagentoInvoiceState.CANCELED: "canceled",
    },
    Kind.CREDIT_MEMO: {
        MagentoCreditMemoState.OPEN: "open",
        MagentoCreditMemoState.REFUNDED: "refunded",
        MagentoCreditMemoState.CANCELED: "canceled",
    },
}
"""Magento stores the states of invoices and credit memos as numbers. These words are in the texts of findings."""
MAGENTO_STATES_ON_PAGES: Mapping[str, Mapping[str, str]] = {
    Kind.INVOICE: {
        MagentoInvoiceState.OPEN: "Open",
        MagentoInvoiceState.PAID: "marked paid",
        MagentoInvoiceState.CANCELED: "Canceled",
    },
    Kind.CREDIT_MEMO: {
        MagentoCreditMemoState.OPEN: "Open",
        MagentoCreditMemoState.REFUNDED: "Refunded",
        MagentoCreditMemoState.CANCELED: "Canceled",
    },
}

UNIQUE = (
    SIDES, KINDS, SEVERITIES, OWNERS, FINDING_TYPES, CHANGE_KINDS, CHANGE_STATES, VERDICTS, APPROVALS, DOCUMENT_STATES,
)  # fmt: skip
"""The tables of `label`: a value that is in two of them has the same label in both."""
_LABELS = {value: text for table in UNIQUE for value, text in table.items()}


def label(value: object) -> str:
    """Return the label of a persisted value; "" for None."""
    stored = "" if value is None else str(value)
    return _LABELS.get(stored) or spaced(stored).replace("odoo", "Odoo").replace("magento", "Magento")


def in_sentence(value: object) -> str:
    """Return the label of a persisted value in lower case, with the names of the two systems as they are written."""
    stored = str(value)
    words = _LABELS[stored].lower() if stored in _LABELS else spaced(stored)
    return words.replace("odoo", "Odoo").replace("magento", "Magento")


def magento_state(kind: str, state: str) -> str:
    """Return the state of a Magento document as findings and `explain` name it."""
    return MAGENTO_STATES.get(kind, {}).get(state, state)


def payment_state(state: str) -> str:
    """Return Odoo's `payment_state` as findings and `explain` name it."""
    return PAYMENT_STATES.get(state) or RARE_PAYMENT_STATES.get(state, state)


def spaced(value: str) -> str:
    """Return a value with spaces for underscores."""
    return value.replace("_", " ")
