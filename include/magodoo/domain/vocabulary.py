"""The vocabulary of the product as enums: sides, kinds of document, findings, states of a change."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """One of the two systems."""

    MAGENTO = "magento"
    ODOO = "odoo"

    @property
    def other(self) -> Side:
        """Return the opposite system."""
        return Side.ODOO if self is Side.MAGENTO else Side.MAGENTO


class Kind(StrEnum):
    """A kind of document. RETURN exists in Odoo only."""

    ORDER = "order"
    INVOICE = "invoice"
    SHIPMENT = "shipment"
    CREDIT_MEMO = "credit_memo"
    RETURN = "return"

    @property
    def words(self) -> str:
        """Return the kind as users read it: `credit memo`."""
        return self.value.replace("_", " ")


MATCHED_KINDS = (Kind.ORDER, Kind.INVOICE, Kind.SHIPMENT, Kind.CREDIT_MEMO)


class Severity(StrEnum):
    """How urgent a finding is, least urgent first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class FindingType(StrEnum):
    """The types of finding (docs/reference/findings.md). `reconcile/catalogue.py` has the meaning, causes and remedies of each."""

    MISSING_IN_ODOO = "missing_in_odoo"
    MISSING_IN_MAGENTO = "missing_in_magento"
    TOTAL_MISMATCH = "total_mismatch"
    TAX_MISMATCH = "tax_mismatch"
    ROUNDING = "rounding"
    CASH_ROUNDING = "cash_rounding"
    STATUS_MISMATCH = "status_mismatch"
    PAYMENT_UNMATCHED = "payment_unmatched"
    QUANTITY_MISMATCH = "quantity_mismatch"
    WILL_SHIP_TOO_MUCH = "will_ship_too_much"
    TRACKING_MISMATCH = "tracking_mismatch"
    CURRENCY_MISMATCH = "currency_mismatch"
    DUPLICATE = "duplicate"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    AMBIGUOUS = "ambiguous"
    WITHOUT_ORDER = "without_order"
    INTERCOMPANY = "intercompany"
    UNMAPPED = "unmapped"
    ARITHMETIC = "arithmetic"
    OVER_REFUNDED = "over_refunded"
    NOTHING_TO_BOOK = "nothing_to_book"
    RETURNED_NOT_REFUNDED = "returned_not_refunded"
    REFUNDED_NOT_RETURNED = "refunded_not_returned"
    NOT_INVOICED = "not_invoiced"
    CAPTURE_NEEDED = "capture_needed"
    AUTHORISATION_VOIDED = "authorisation_voided"
    REFUNDED_TO_CREDIT = "refunded_to_credit"
    PAYMENT_REVERSED = "payment_reversed"
    DRAFT_WAITING = "draft_waiting"
    NOT_REPRESENTABLE = "not_representable"
    CORRECTED_IN_ODOO = "corrected_in_odoo"
    REVERSED_BEFORE_PUSH = "reversed_before_push"
    REPLACEMENT = "replacement"
    CANCELLED_IN_ODOO = "cancelled_in_odoo"
    UNIT_MISMATCH = "unit_mismatch"
    ADDRESS_CHANGED = "address_changed"
    NOTE_CHANGED = "note_changed"
    STRADDLES_BOOKS_FROM = "straddles_books_from"
    CLOSED_PERIOD = "closed_period"
    EINVOICE_REJECTED = "einvoice_rejected"
    OUT_OF_SERIES = "out_of_series"
    DELETED = "deleted"
    QUARANTINED = "quarantined"
    READ_IN_PART = "read_in_part"


class Rule(StrEnum):
    """Which rule found a match, strongest first."""

    EXTERNAL_ID = "external_id"
    MARKER = "marker"
    DELIVERY_KEY = "delivery_key"
    LEDGER = "ledger"
    CONFIRMED = "confirmed"
    REFERENCE = "reference"
    TRACKING = "tracking"
    ASSIGNMENT = "assignment"


class ChangeState(StrEnum):
    """Life of a change in the ledger.

    `planned`, or `approved` by a person, it waits to be written. `leased`: a worker is writing it. `uncertain`: the answer was lost,
    and the target is searched again after the settle time. `done`: written and read back, or found
    there already. `refused`: a precondition was not met, or it may be a duplicate. `failed`: the target rejected the call, or a
    right was missing. `superseded`: a newer plan took its place. A person or a new plan brings back what was refused or failed.
    """

    PLANNED = "planned"
    APPROVED = "approved"
    LEASED = "leased"
    UNCERTAIN = "uncertain"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    SUPERSEDED = "superseded"


NOT_BEGUN = (ChangeState.PLANNED, ChangeState.APPROVED)
"""No worker has these changes: a new plan may take their place."""

BEGUN = (ChangeState.LEASED, ChangeState.UNCERTAIN)
"""These changes are being written, or may have been."""

OPEN_STATES = (*NOT_BEGUN, *BEGUN)
"""These changes have not ended: there is one at most of a kind and source document."""


class Verdict(StrEnum):
    """The gate's decision on a change: only a `released` one is ever carried out; `held` waits until a check passes, or a person releases it."""

    UNCHECKED = "unchecked"
    RELEASED = "released"
    HELD = "held"


class RunOutcome(StrEnum):
    """What a run did with a change that it claimed, as table `run` counts it."""

    APPLIED = "applied"
    REFUSED = "refused"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    PUT_BACK = "put_back"
    CHANGED = "changed"
    LOST = "lost"


class OrderScope(StrEnum):
    """Whether an order is reconciled: not if the settings exclude it; `not_expected`: its state in Magento is not imported."""

    IN_SCOPE = "in_scope"
    EXCLUDED = "excluded"
    NOT_EXPECTED = "not_expected"


class Approval(StrEnum):
    """Whether a person must agree first: `waiting` for an answer, which was then `approved` or `rejected`."""

    NOT_NEEDED = "not_needed"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
