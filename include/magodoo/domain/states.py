"""The states of documents as Magento and Odoo send them, and the sets of them that mean something here.

A state from outside is text and may be one that no release defines (an extension's own): it is compared with these members and
sets, and never made a member.
"""

from __future__ import annotations

from enum import StrEnum


class MagentoOrderState(StrEnum):
    """State of an order (Magento's `Model/Order.php`, docs/facts/magento-2.4.7.md#5.5)."""

    NEW = "new"
    PENDING_PAYMENT = "pending_payment"
    PAYMENT_REVIEW = "payment_review"
    HOLDED = "holded"
    PROCESSING = "processing"
    COMPLETE = "complete"
    CLOSED = "closed"
    CANCELED = "canceled"


FRAUD = "fraud"
"""Status, not state, of an order that its payment provider suspects (`STATUS_FRAUD` of Magento's `Model/Order.php`)."""


class MagentoInvoiceState(StrEnum):
    """State of an invoice (Magento's `Model/Order/Invoice.php`)."""

    OPEN = "1"
    PAID = "2"
    CANCELED = "3"


class MagentoCreditMemoState(StrEnum):
    """State of a credit memo (Magento's `Model/Order/Creditmemo.php`)."""

    OPEN = "1"
    REFUNDED = "2"
    CANCELED = "3"


class OdooOrderState(StrEnum):
    """`state` of `sale.order` (`addons/sale/models/sale_order.py`). Versions before 17 have DONE for a locked order."""

    DRAFT = "draft"
    SENT = "sent"
    SALE = "sale"
    DONE = "done"
    CANCEL = "cancel"


class OdooMoveState(StrEnum):
    """`state` of `account.move` (`addons/account/models/account_move.py`)."""

    DRAFT = "draft"
    POSTED = "posted"
    CANCEL = "cancel"


class OdooMovePaymentState(StrEnum):
    """`payment_state` of `account.move`: how far an invoice or credit note is paid; staged as the document's status."""

    NOT_PAID = "not_paid"
    IN_PAYMENT = "in_payment"
    PAID = "paid"
    PARTIAL = "partial"
    REVERSED = "reversed"
    BLOCKED = "blocked"
    INVOICING_LEGACY = "invoicing_legacy"


class OdooPaymentState(StrEnum):
    """`state` of `account.payment` (`addons/account/models/account_payment.py`). Versions before 18 have POSTED, and CANCEL for CANCELED."""

    DRAFT = "draft"
    IN_PROCESS = "in_process"
    PAID = "paid"
    POSTED = "posted"
    CANCELED = "canceled"
    CANCEL = "cancel"
    REJECTED = "rejected"


class OdooTransferState(StrEnum):
    """`state` of `stock.picking` and of its moves (`addons/stock/models/stock_picking.py`)."""

    DRAFT = "draft"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    ASSIGNED = "assigned"
    DONE = "done"
    CANCEL = "cancel"


# Orders of Magento

MAGENTO_ORDER_STATES = tuple(MagentoOrderState)
"""States that Magento itself gives an order; any other is an extension's own, or missing."""

NEVER_IMPORTED = (MagentoOrderState.PENDING_PAYMENT, MagentoOrderState.PAYMENT_REVIEW, MagentoOrderState.HOLDED)
"""Orders that are held, whatever the settings import (docs/business-rules.md#credit-memos)."""

UNDER_WAY = (MagentoOrderState.PROCESSING, MagentoOrderState.COMPLETE, MagentoOrderState.CLOSED)
"""Orders that are confirmed in Odoo, and the ones imported unless the settings name others."""

MAY_BE_UNCAPTURED = (MagentoOrderState.PROCESSING, MagentoOrderState.COMPLETE)
"""Orders whose state suggests payment although the money may only be authorised (docs/facts/magento-versions.md#authorisations)."""

NOTHING_IS_WRITTEN = (
    MagentoOrderState.HOLDED,
    MagentoOrderState.CANCELED,
    MagentoOrderState.CLOSED,
    MagentoOrderState.PAYMENT_REVIEW,
)
"""Orders to which no invoice or shipment is written in Magento, by their state right before the write."""

NOTHING_IS_REFUNDED = (MagentoOrderState.HOLDED, MagentoOrderState.CANCELED)
"""Orders to which no credit memo is written in Magento, by their state right before the write."""

NOTHING_IS_PLANNED = (*NOTHING_IS_WRITTEN, MagentoOrderState.PENDING_PAYMENT)
"""Orders for which no document of Magento is planned."""

# Invoices and credit memos of Magento

PAID_IN_MAGENTO = frozenset({MagentoInvoiceState.PAID, MagentoCreditMemoState.REFUNDED})
"""Invoices that are marked as paid, credit memos as refunded: no evidence of money (docs/business-rules.md#payments)."""

CANCELED_IN_MAGENTO = frozenset({MagentoInvoiceState.CANCELED, MagentoCreditMemoState.CANCELED})
"""Invoices and credit memos that are cancelled."""

# Documents of Odoo

CANCELLED_IN_ODOO = frozenset({OdooOrderState.CANCEL, OdooMoveState.CANCEL, OdooTransferState.CANCEL})
"""Documents of any kind that are cancelled."""

QUOTATION = (OdooOrderState.DRAFT, OdooOrderState.SENT)
"""Orders that are not confirmed."""

CONFIRMED_IN_ODOO = (OdooOrderState.SALE, OdooOrderState.DONE)
"""Orders that are confirmed, locked ones included."""

UNPAID = ("", OdooMovePaymentState.NOT_PAID, OdooMovePaymentState.PARTIAL, OdooMovePaymentState.BLOCKED)
"""Invoices and credit notes of which money is still to come, by their payment state."""

PAYMENT_MADE_WITHOUT_ENTRY = (OdooPaymentState.IN_PROCESS, OdooPaymentState.PAID)
"""Payments that are made in Odoo 18 and later, where they need no journal entry (docs/facts/odoo-19.0.md#5)."""

PAYMENT_MADE = (*PAYMENT_MADE_WITHOUT_ENTRY, OdooPaymentState.POSTED)
"""Payments that are made, in every version."""

PAYMENT_CANCELLED = (OdooPaymentState.CANCELED, OdooPaymentState.CANCEL, "cancelled", OdooPaymentState.REJECTED)
"""Payments that were cancelled, or refused by the bank. No known version sends `cancelled`."""

TRANSFER_OPEN = (
    OdooTransferState.DRAFT,
    OdooTransferState.WAITING,
    OdooTransferState.CONFIRMED,
    OdooTransferState.ASSIGNED,
)
"""Transfers that can be validated."""

TRANSFER_ENDED = (OdooTransferState.DONE, OdooTransferState.CANCEL)
"""Transfers, and moves of them, with nothing left to move."""

# Orders of either system

STOPPED = (
    MagentoOrderState.CANCELED,
    MagentoOrderState.HOLDED,
    MagentoOrderState.PAYMENT_REVIEW,
    OdooOrderState.CANCEL,
)
"""Orders that were stopped: a change planned for one is stale. Every other state follows from the order's documents."""
