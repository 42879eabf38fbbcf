"""One writer per kind of change; they share the protocol and do not repeat it."""

from __future__ import annotations

from collections.abc import Mapping

from magodoo.load.writer import Writer
from magodoo.load.writers.magento_documents import AddTracks, CreateCreditMemo, CreateInvoice, CreateShipment
from magodoo.load.writers.odoo_moves import WriteMoves
from magodoo.load.writers.odoo_orders import CancelOrders, ImportOrders
from magodoo.load.writers.odoo_payments import WritePayments
from magodoo.load.writers.odoo_returns import Return
from magodoo.load.writers.odoo_stock import Deliver, Track
from magodoo.vocabulary import ChangeKind

WRITERS: Mapping[ChangeKind, Writer] = {
    writer.kind: writer
    for writer in (
        ImportOrders(),
        CancelOrders(),
        WriteMoves(ChangeKind.ODOO_INVOICE),
        WritePayments(ChangeKind.ODOO_PAYMENT),
        Deliver(),
        Track(),
        WriteMoves(ChangeKind.ODOO_CREDIT_NOTE),
        WritePayments(ChangeKind.ODOO_REFUND_PAYMENT),
        Return(),
        CreateInvoice(),
        CreateShipment(),
        AddTracks(),
        CreateCreditMemo(),
    )
}
