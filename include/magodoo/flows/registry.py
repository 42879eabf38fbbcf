"""Flows by kind of change."""

from __future__ import annotations

from collections.abc import Mapping

from magodoo.domain.kinds import ChangeKind
from magodoo.flows.entry_writing import WriteEntries
from magodoo.flows.magento_credit_memo import CreateCreditMemo
from magodoo.flows.magento_invoice import CreateInvoice
from magodoo.flows.magento_shipment import AddTracks, CreateShipment
from magodoo.flows.odoo_cancellation import CancelOrders
from magodoo.flows.odoo_delivery import Deliver, Track
from magodoo.flows.odoo_order import ImportOrders
from magodoo.flows.odoo_payment import WritePayments
from magodoo.flows.odoo_return import Return
from magodoo.ledger.behaviour import Writer

WRITERS: Mapping[ChangeKind, Writer] = {
    writer.kind: writer
    for writer in (
        ImportOrders(),
        CancelOrders(),
        WriteEntries(ChangeKind.ODOO_INVOICE),
        WritePayments(ChangeKind.ODOO_PAYMENT),
        Deliver(),
        Track(),
        WriteEntries(ChangeKind.ODOO_CREDIT_NOTE),
        WritePayments(ChangeKind.ODOO_REFUND_PAYMENT),
        Return(),
        CreateInvoice(),
        CreateShipment(),
        AddTracks(),
        CreateCreditMemo(),
    )
}
