"""Credit note of Odoo -> offline Magento credit memo with explicit shipping and adjustments.

Planned once the credit note is paid. `invoice/:id/refund` is never used: Magento does not lock it (docs/facts/magento-2.4.7.md#7).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from magodoo.domain.adjustments import AT_THE_ORDERS_RATES
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import NOTHING_IS_REFUNDED
from magodoo.domain.vocabulary import Kind
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.odoo_settlement import is_unpaid
from magodoo.flows.magento_documents import (
    MISSING_IN_MAGENTO,
    ExpectedTotal,
    MoneyDocument,
    MoneyRequest,
    OrderItem,
    OrderRow,
    Row,
    comment_of,
    currency_of,
    fixed_tax_of,
    half_up,
    item_rows,
    lines_of,
    magento_call,
    money_rows,
    not_ready_in_magento,
    plan_document,
    request_head,
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
from magodoo.money import from_units, rounded, shown, to_units
from magodoo.reconcile.bundles import would_be_refunded_whole
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class CreditMemoIntent:
    """Hold the items to refund; shipping and adjustments in units of the base currency."""

    items: tuple[Item, ...] = ()
    shipping: int = 0
    adjustment_positive: int = 0
    adjustment_negative: int = 0


class CreditMemoRequest(MoneyRequest, frozen=True, kw_only=True):
    """Hold an offline credit memo; shipping before its discount, and adjustments, in units of the base currency."""

    shipping_amount: int
    adjustment_positive: int
    adjustment_negative: int


def plan_magento_credit_memos(order: OrderPlan) -> None:
    """Plan the offline credit memo of each Odoo credit note that is missing in Magento.

    Planned for the finding `missing_in_magento` of a credit memo. A dynamic bundle is refunded by its children
    (docs/facts/magento-2.4.7.md#5.4). Not planned while `credit_memos.to_magento` is off, before the invoice that it reverses is
    written, while the order is not ready in Magento or refunded in excess, while the credit note is unpaid, for a
    line that is no item of the order, below zero, and where Magento would then not ship a bundle that the customer
    has not received: the finding keeps the first of these reasons.
    """
    policy = order.instance.credit_memos.to_magento
    for finding in order.of(MISSING_IN_MAGENTO, Kind.CREDIT_MEMO):
        row = order.row(finding)
        items = order.facts.items.get(row.at, ())
        reason = first_reason(
            "The setting `credit_memos.to_magento` is off" if policy == "off" else None,
            _follows_its_invoice(order, row),
            not_ready_in_magento(order, row),
            order.over_refunded(),
            None if order.facts.settled[row.at] else why_not_paid(order, row, "`credit_memos.to_magento`: `when_paid`"),
            "A line of it is no item of the order" if any(item == "0" for item, _ in items) else None,
            "A credit memo below zero is never written" if row.grand_total < 0 else None,
            _takes_a_bundle(order, {int(item): units for item, units in items}),
        )
        adjustment = int(row.adjustment) + _tax_within(order, row)
        intent = CreditMemoIntent(items, int(row.shipping), max(adjustment, 0), max(-adjustment, 0))
        plan_document(order, finding, row, ChangeKind.MAGENTO_CREDIT_MEMO, reason, intent)


def _tax_within(order: OrderPlan, row: Document) -> int:
    """Return the tax in units on the adjustments of a credit note, where Magento's adjustment holds it (`adjustment_tax`); else 0."""
    if order.instance.adjustment_tax != AT_THE_ORDERS_RATES:
        return 0
    lines = order.facts.situation.view.frames.line_rows(row.at)
    return int(lines.loc[lines["role"] == "adjustment", "tax"].sum())


def _follows_its_invoice(order: OrderPlan, row: Document) -> str | None:
    """Return why a credit note waits: this plan writes an invoice of the order first, and Magento refunds only what is invoiced; else None."""
    planned = order.planned("magento_invoice")
    reverses = planned and order.facts.situation.reversals.every[row.at]
    return "It follows the invoice that it reverses, which is written first" if reverses else None


def _takes_a_bundle(order: OrderPlan, refunded: dict[int, int]) -> str | None:
    """Return why a credit memo may not be written: Magento would then not ship a bundle that the customer has yet to get; else None.

    A credit memo names each bundle that its parts price if it refunds a part of it, or no quantity at all, and
    Magento counts all that was invoiced of that bundle as refunded. This concerns bundles that ship together.
    """
    own = {int(line.item_key) for line in order.facts.situation.view.frames.lines_of(order.order.at)}
    quantities = {item: units for item, units in refunded.items() if units}
    for bundle in order.facts.bundles.values():
        if bundle.item not in own or not bundle.dynamic or bundle.separately:
            continue
        parts = {item: units for item, units in quantities.items() if item in bundle.parts}
        if quantities and not parts:
            continue
        to_ship = bundle.unshipped - (bundle.whole(parts, goods=False) or 0)
        if bundle.left_by_a_refund < to_ship and any(part.is_goods for part in bundle.parts.values()):
            return would_be_refunded_whole(bundle.sku)
    return None


def prepare_credit_memo(sources: Sources, plan: PlannedChange[CreditMemoIntent]) -> Prepared:
    """Build the request of an offline refund with explicit arguments: without them Magento refunds all remaining shipping.

    Shipping and adjustments are units of 1/10000, in base currency (docs/facts/magento-2.4.7.md#5.3).
    """
    document, items, problems = staged(sources, plan, plan.intent.items, Kind.CREDIT_MEMO, may_be_empty=True)
    if document is None or problems:
        return Prepared(plan, None, problems=problems)
    request = CreditMemoRequest(
        **request_head(sources, plan, "account.move"),
        items=items or _zero_items(sources, plan),
        shipping_amount=plan.intent.shipping,
        adjustment_positive=plan.intent.adjustment_positive,
        adjustment_negative=plan.intent.adjustment_negative,
        expect=ExpectedTotal(total_of(document), document.currency),
    )
    arguments = {
        "shipping_amount": from_units(request.shipping_amount),
        "adjustment_positive": from_units(request.adjustment_positive),
        "adjustment_negative": from_units(request.adjustment_negative),
    }
    body = {
        "items": item_rows(request.items), "notify": request.notify, "comment": comment_of(request), "arguments": arguments,
    }  # fmt: skip
    return Prepared(plan, request, [magento_call(f"/V1/order/{plan.order_key}/refund", body)])


def _zero_items(sources: Sources, plan: PlannedChange) -> tuple[OrderItem, ...]:
    """Return every item with quantity 0, for shipping or an adjustment alone: else Magento refunds everything (docs/facts/magento-2.4.7.md#5.3)."""
    order = sources.magento(Kind.ORDER, plan.order_key)
    lines = order.lines if order else []
    keys = [line.item_key for line in lines if line.role == "item" and line.is_money and line.item_key]
    return tuple(OrderItem(int(key), 0) for key in keys)


class CreateCreditMemo(MoneyDocument[CreditMemoRequest]):
    """Create offline credit memos with explicit shipping and adjustments.

    `invoice/:id/refund` is never used: Magento does not lock it (docs/facts/magento-2.4.7.md#7).
    """

    kind = ChangeKind.MAGENTO_CREDIT_MEMO
    request_type = CreditMemoRequest
    document = Kind.CREDIT_MEMO

    def source_problem(self, context: Context, document: CanonicalDocument) -> str | None:
        """Return a reason when the credit note is open and unpaid; one that was reconciled with its unpaid invoice has nothing open."""
        return "is not paid any more" if document.open_amount > 0 and is_unpaid(document) else None

    def _objection(self, context: Context, order: Row, change: LeasedChange[CreditMemoRequest]) -> str | None:
        """Return why no credit memo may be created now; None when it may.

        Causes: a total below zero, payment parts, a total that cannot be predicted or would differ, more than was
        paid, the order's state.
        """
        currency = currency_of(order)
        total, wanted = predicted_credit_memo(order, change.request), change.request.expect.total
        if wanted < 0:
            return "a credit memo below zero is never written"
        if parts := tendered_of(context, order):
            return (
                f"{shown(parts, currency)} {currency} of the order were paid by gift card, credit or points, where Magento would put them"
                " back whatever was paid back in Odoo: refund it in Magento"
            )
        if unknown := unpredictable(order, 0):
            return unknown
        if rounded(total) != rounded(wanted):
            return f"Magento would make a credit memo of {shown(total, currency)}, Odoo's credit note is {shown(wanted, currency)}"
        paid, refunded = to_units(order.get("total_paid")), to_units(order.get("total_refunded"))
        if refunded + wanted > paid:
            return f"the order would be refunded {shown(refunded + wanted, currency)} of {shown(paid, currency)} paid"
        return f"the order is {order['state']} in Magento" if order.get("state") in NOTHING_IS_REFUNDED else None

    def _create(self, context: Context, order: Row, change: LeasedChange[CreditMemoRequest]) -> int:
        request = change.request
        return context.magento.create_credit_memo(
            request.order_id,
            lines_of(request),
            from_units(request.shipping_amount),
            from_units(request.adjustment_positive),
            from_units(request.adjustment_negative),
            request.marker,
            notify=request.notify,
            order=order,
        )


def predicted_credit_memo(order: OrderRow, request: CreditMemoRequest) -> int:
    """Return the units of the credit memo that Magento would make: shares of the items, shipping with its tax, adjustments.

    Shipping and adjustments of the request are in base currency; the result is in the order's.
    """
    rate = Decimal(order.get("base_to_order_rate") or 1)
    total = sum(_refunded(row, units) for row, units in money_rows(order, request.items))
    total += _shipping(order, request.shipping_amount)
    adjustment = request.adjustment_positive - request.adjustment_negative
    return total + half_up(Decimal(adjustment) * rate)


def _refunded(row: OrderRow, wanted: Decimal) -> int:
    """Return the units that a row's part adds to the credit memo: a share of what was invoiced; the last piece takes the rest."""
    if not wanted:
        return 0
    invoiced, refunded = to_units(row.get("qty_invoiced")), to_units(row.get("qty_refunded"))
    if not invoiced:
        return 0
    everything = wanted >= invoiced - refunded

    def share(name: str, done: str) -> int:
        of, gone = to_units(row.get(name)), to_units(row.get(done))
        return of - gone if everything else half_up(Decimal(of) * wanted / invoiced)

    price = share("row_invoiced", "amount_refunded")
    hidden = share("discount_tax_compensation_invoiced", "discount_tax_compensation_refunded")
    return (
        price + share("tax_invoiced", "tax_refunded") + hidden - share("discount_invoiced", "discount_refunded")
        + fixed_tax_of(row, wanted, everything, "refunded")
    )  # fmt: skip


def _shipping(order: OrderRow, base_amount: int) -> int:
    """Return the refunded shipping in units of the order's currency, with its tax and discount in proportion.

    base_amount: shipping before its discount, in base currency (docs/facts/magento-2.4.7.md#5.3).
    """
    whole = to_units(order.get("base_shipping_amount"))
    if not base_amount or not whole:
        return 0
    share = Decimal(base_amount) / whole

    def of(name: str) -> int:
        return half_up(Decimal(to_units(order.get(name))) * share)

    return (
        of("shipping_amount")
        + of("shipping_tax_amount")
        + of("shipping_discount_tax_compensation_amount")
        - of("shipping_discount_amount")
    )


register(Flow(ChangeKind.MAGENTO_CREDIT_MEMO, plan_magento_credit_memos, prepare_credit_memo, CreateCreditMemo()))
