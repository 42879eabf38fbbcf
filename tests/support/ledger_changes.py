"""Changes for tests of the ledger: planned, recorded and released."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.flows import (
    magento_credit_memo,
    magento_invoice,
    magento_shipment,
    odoo_cancellation,
    odoo_credit_note,
    odoo_delivery,
    odoo_invoice,
    odoo_order,
    odoo_payment,
    odoo_return,
)
from magodoo.ledger.changes import Changes, Recorded
from magodoo.ledger.decisions import Verdicts
from magodoo.ledger.planned import PlannedChange, Prepared
from magodoo.settings import Instance
from magodoo.settings.model import Limits, Mode, Modes
from magodoo.timestamps import utc_now

INVOICE = ChangeKind.ODOO_INVOICE
INTENTS: dict[ChangeKind, type[Any]] = {
    ChangeKind.ORDER_IMPORT: odoo_order.OrderIntent,
    ChangeKind.ORDER_CANCEL: odoo_cancellation.CancellationIntent,
    ChangeKind.ODOO_INVOICE: odoo_invoice.InvoiceIntent,
    ChangeKind.ODOO_PAYMENT: odoo_payment.PaymentIntent,
    ChangeKind.ODOO_DELIVERY: odoo_delivery.DeliveryIntent,
    ChangeKind.ODOO_TRACKING: odoo_delivery.DeliveryTrackingIntent,
    ChangeKind.ODOO_CREDIT_NOTE: odoo_credit_note.CreditNoteIntent,
    ChangeKind.ODOO_REFUND_PAYMENT: odoo_payment.PaymentIntent,
    ChangeKind.ODOO_STOCK_RETURN: odoo_return.ReturnIntent,
    ChangeKind.MAGENTO_INVOICE: magento_invoice.MagentoInvoiceIntent,
    ChangeKind.MAGENTO_SHIPMENT: magento_shipment.MagentoShipmentIntent,
    ChangeKind.MAGENTO_TRACKING: magento_shipment.MagentoTrackingIntent,
    ChangeKind.MAGENTO_CREDIT_MEMO: magento_credit_memo.CreditMemoIntent,
}


def an_instance(**changes: Any) -> Instance:
    values = {
        "id": "us", "magento_connection": "m", "odoo_connection": "o", "mode": Modes(default=Mode.APPLY),
        "limits": Limits(first_writes=0),
    }  # fmt: skip
    return Instance(**{**values, **changes})


def intent_of(kind: ChangeKind, **fields: Any) -> Any:
    """The intent of a kind with those of these fields that it has; items may be lists."""
    return msgspec.convert(fields, INTENTS[kind], strict=False)


class AnyRequest(dict[str, Any]):
    """A request of which only the ledger takes notice."""

    def as_json(self) -> dict[str, Any]:
        return dict(self)


def a_change(
    kind: ChangeKind = INVOICE, order: str = "1", source: str = "11", amount: int = 500_000, **request: Any
) -> Prepared:
    planned = PlannedChange(kind, order, f"00{order}", Kind.INVOICE, source, f"0{source}", amount, "USD", amount, None)
    return Prepared(planned, AnyRequest(source=source, **request))


def recorded(
    connection: Connection, *changes: Prepared, instance: Instance | None = None, release: bool = True
) -> Recorded:
    outcome = Changes(connection, (instance or an_instance()).id).record(changes, "run", now=utc_now())
    if release:
        verdicts = Verdicts(connection, "us")
        verdicts.release([(row.id, row.request_hash) for row in verdicts.unchecked()])
    connection.commit()
    return outcome
