"""A planned change: one write that would settle findings, small and canonical. `load.requests` turns it into a full
request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from magodoo.vocabulary import ChangeKind, Kind


@dataclass(frozen=True)
class PlannedChange:
    """One write. Amounts are units (1/10000); source_id is the document (or payment, track, return) that the change is
    for.

    intent, by kind (quantities in units, item keys are Magento order item ids as text):
        odoo_order_import      {"as": "confirmed" | "quotation", "replaces": order id or None}
        odoo_order_cancel      {"odoo_id"}
        odoo_invoice           {"as": "post" | "draft", "items": [[item_key, qty]], "closed_period": bool}
        odoo_payment           {"method", "invoice": Odoo id or None, "transaction_id"}, and "part": what of the document was paid by
                               gift card or credit, by its name in `extra_totals`
        odoo_delivery          {"items", "tracks": [..], "carrier", "source_code"}
        odoo_tracking          {"odoo_id", "tracks"}: the tracks to add
        odoo_credit_note       {"as", "items", "invoice": Magento invoice id or None, "closed_period"}
        odoo_refund_payment    {"method", "credit_note": Odoo id or None, "transaction_id"}, "part" as above, and "given": units that
                               were refunded to it instead of money
        odoo_stock_return      {"items"}
        magento_invoice        {"items": [[order_item_id, qty]], "shipping": units}
        magento_shipment       {"items", "tracks", "carrier", "source_code"}
        magento_tracking       {"magento_id": shipment id, "tracks", "carrier"}
        magento_credit_memo    {"items", "shipping", "adjustment_positive", "adjustment_negative"}
    """

    kind: ChangeKind
    order_key: str
    order_number: str
    document_kind: Kind
    source_id: str
    source_number: str
    amount: int
    currency: str
    company_amount: int
    settles: tuple[str, ...] = ()
    intent: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same change: kind and source document."""
        return self.kind.value, self.source_id
