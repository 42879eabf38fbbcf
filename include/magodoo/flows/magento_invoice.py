"""Invoice of Odoo -> Magento invoice, which Magento then shows as paid regardless of the method (docs/facts/magento-2.4.7.md#5).

Planned once Odoo has posted the invoice, or once it is paid, depending on the setting `invoices.to_magento`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import FixDocument
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.magento_orders import read_items
from magodoo.extract.odoo_settlement import is_unpaid
from magodoo.flows.magento_documents import (
    MISSING_IN_MAGENTO,
    ExpectedTotal,
    MoneyDocument,
    MoneyRequest,
    OrderItem,
    OrderRow,
    Row,
    as_items,
    comment_of,
    currency_of,
    fixed_tax_of,
    item_rows,
    lines_of,
    magento_call,
    money_rows,
    not_ready_in_magento,
    part_of,
    plan_document,
    request_head,
    sorted_by_bundle,
    staged,
    tendered_of,
    total_of,
    unpredictable,
    why_not_paid,
)
from magodoo.flows.order_plan import Item, OrderPlan, first_reason
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared
from magodoo.money import rounded, shown, to_units
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class MagentoInvoiceIntent:
    """Hold the items to invoice, and the shipping in units, which Magento puts on an order's first invoice."""

    items: tuple[Item, ...] = ()
    shipping: int = 0


class MagentoInvoiceRequest(MoneyRequest, frozen=True, kw_only=True):
    """Hold an invoice; shipping in units, which Magento adds by itself."""

    shipping: int


def plan_magento_invoices(order: OrderPlan) -> None:
    """Plan the Magento invoice of each Odoo invoice that is missing in Magento.

    Planned for the finding `missing_in_magento` of an invoice, the one with the most shipping first: Magento puts all
    shipping on the first invoice. Not planned while `invoices.to_magento` is off, while the order is not ready in
    Magento, while the invoice is unpaid under `when_paid`, when its shipping is not what Magento would put on it, and
    when it holds only a part of a bundle that Magento invoices whole: the finding keeps the first of these reasons.
    """
    policy = order.instance.invoices.to_magento
    # Magento puts all shipping on the first invoice (docs/facts/magento-2.4.7.md#5.1).
    waiting = sorted(order.of(MISSING_IN_MAGENTO, Kind.INVOICE), key=lambda finding: -order.row(finding).shipping)
    for finding in waiting:
        row = order.row(finding)
        items, unnamed = _items_invoiced(order, row)
        reason = first_reason(
            "The setting `invoices.to_magento` is off" if policy == "off" else None,
            not_ready_in_magento(order, row),
            why_not_paid(order, row, f"`invoices.to_magento`: `{policy}`")
            if policy == "when_paid" and not order.facts.settled[row.at]
            else None,
            _shipping_reason(order, row),
            unnamed,
        )
        intent = MagentoInvoiceIntent(items, int(row.shipping))
        plan_document(order, finding, row, ChangeKind.MAGENTO_INVOICE, reason, intent)


def _shipping_reason(order: OrderPlan, row: Document) -> str | None:
    """Return why an invoice's shipping cannot be Magento's; None when it is what Magento puts on this invoice."""
    first = not order.active(Side.MAGENTO, Kind.INVOICE)
    first = first and not order.planned(ChangeKind.MAGENTO_INVOICE)
    expected = order.order.shipping if first else 0
    if abs(int(row.shipping) - int(expected)) <= order.instance.tolerance_units(row.currency):
        return None
    return "Magento puts all shipping on the first invoice: this one's shipping is another"


def _items_invoiced(order: OrderPlan, row: Document) -> tuple[tuple[Item, ...], str | None]:
    """Return the items as Magento takes them for invoices, and why it cannot (None when it can).

    A bundle that its parts price is invoiced by its own line, whole (docs/facts/magento-2.4.7.md#5.4).
    """
    single, parts, reason = sorted_by_bundle(order, row)
    for bundle, quantities in parts:
        units = bundle.whole(quantities, goods=False)
        if units is None:
            return (), f"Magento invoices the bundle {bundle.sku} as a whole, and this invoice holds only a part of it"
        single[bundle.item] = units
    return as_items(single), reason


def prepare_invoice(sources: Sources, plan: PlannedChange[MagentoInvoiceIntent]) -> Prepared:
    """Build the request of an invoice: never captured, and the customer is notified only if the setting is on.

    Over REST Magento marks the invoice as paid.
    """
    document, items, problems = staged(sources, plan, plan.intent.items, Kind.INVOICE)
    if document is None or problems:
        return Prepared(plan, None, problems=problems)
    request = MagentoInvoiceRequest(
        **request_head(sources, plan, "account.move"),
        items=items,
        shipping=plan.intent.shipping,
        expect=ExpectedTotal(total_of(document), document.currency),
    )
    body = {"items": item_rows(items), "capture": False, "notify": request.notify, "comment": comment_of(request)}
    return Prepared(plan, request, [magento_call(f"/V1/order/{plan.order_key}/invoice", body)])


class CreateInvoice(MoneyDocument[MagentoInvoiceRequest]):
    """Create Magento invoices; Magento then shows them as paid, regardless of the method (docs/facts/magento-2.4.7.md#5)."""

    kind = ChangeKind.MAGENTO_INVOICE
    request_type = MagentoInvoiceRequest
    document = Kind.INVOICE

    def source_problem(self, context: Context, document: CanonicalDocument) -> str | None:
        """Return a reason where Magento would show an unpaid invoice as paid though the settings require payment; else None."""
        return (
            "is not paid any more"
            if context.instance.invoices.to_magento == "when_paid" and is_unpaid(document)
            else None
        )

    def _objection(self, context: Context, order: Row, change: LeasedChange[MagentoInvoiceRequest]) -> str | None:
        """Return why no invoice may be created now: no payment, a mere authorisation, or a total that would differ; None when it may."""
        payment = order.get("payment") or {}
        if not payment.get("method"):
            return "the order has no payment in Magento: whether it is only authorised cannot be told"
        method = context.instance.payment_methods.get(str(payment.get("method") or ""))
        authorised = to_units(payment.get("amount_authorized")) and not to_units(payment.get("base_amount_paid_online"))
        if authorised and not (method is not None and method.invoice_means_paid):
            return "its payment is only authorised: capture it in Magento first"
        if unknown := unpredictable(order, tendered_of(context, order)):
            return unknown
        total, wanted = predicted_invoice(order, change.request.items), change.request.expect.total
        currency = currency_of(order)
        if rounded(total) != rounded(wanted):
            return f"Magento would make an invoice of {shown(total, currency)}, Odoo's is {shown(wanted, currency)}"
        return super()._objection(context, order, change)

    def _create(self, context: Context, order: Row, change: LeasedChange[MagentoInvoiceRequest]) -> int:
        request = change.request
        return context.magento.create_invoice(
            request.order_id,
            lines_of(request),
            request.marker,
            capture=False,
            notify=request.notify,
            order=order,
        )


def predicted_invoice(order: OrderRow, items: Iterable[OrderItem]) -> int:
    """Return the units of the invoice that Magento would make of these items: an order's first takes all its shipping.

    Raises:
        FixDocument: The order's rows have no single reading.
    """
    _, read = read_items(order)
    if read.flaw:
        raise FixDocument(f"what Magento would invoice is not known: {read.flaw}", system="magento")
    total = sum(
        _invoiced(row, read.gross.get(str(row["item_id"]), 0), units) for row, units in money_rows(order, items)
    )
    if not to_units(order.get("shipping_invoiced")):
        total += to_units(order.get("shipping_amount")) + to_units(order.get("shipping_tax_amount"))
        total += to_units(order.get("shipping_discount_tax_compensation_amount"))
        total -= to_units(order.get("shipping_discount_amount"))
    return total


def _invoiced(row: OrderRow, gross: int, wanted: Decimal) -> int:
    """Return the units that a row's part adds to the invoice."""
    left = to_units(row["qty_ordered"]) - to_units(row.get("qty_invoiced")) - to_units(row.get("qty_canceled"))
    everything = wanted >= left and not to_units(row.get("qty_canceled"))
    price = part_of(gross, wanted, row, to_units(row.get("row_invoiced")), everything)
    tax = part_of(to_units(row.get("tax_amount")), wanted, row, to_units(row.get("tax_invoiced")), everything)
    discount = part_of(
        to_units(row.get("discount_amount")), wanted, row, to_units(row.get("discount_invoiced")), everything
    )
    hidden = part_of(
        to_units(row.get("discount_tax_compensation_amount")),
        wanted, row, to_units(row.get("discount_tax_compensation_invoiced")), everything,
    )  # fmt: skip
    return price + tax + hidden - discount + fixed_tax_of(row, wanted, everything, "invoiced")


register(Flow(ChangeKind.MAGENTO_INVOICE, plan_magento_invoices, prepare_invoice, CreateInvoice()))
