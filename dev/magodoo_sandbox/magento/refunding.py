"""Making a credit memo: which lines, which amounts, what it does to the order."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from magodoo_sandbox.magento import fixed_tax
from magodoo_sandbox.magento import order_rules as rules
from magodoo_sandbox.magento.amounts import ZERO, Carry, Row, add, cents, dec, of, plain
from magodoo_sandbox.magento.invoicing import SHIPPING_COMPENSATION
from magodoo_sandbox.magento.refusals import bad, document_errors, id_needed

_SIDES = (("", "regular", "including"), ("base_", "base", "including_base"))
_WEEE = {
    "weee_tax_applied": "[]",
    "weee_tax_applied_row_amount": 0,
    "weee_tax_row_disposition": 0,
    "base_weee_tax_row_disposition": 0,
}


@dataclass(frozen=True)
class RefundArguments:
    """Amounts in BASE currency, as the API takes them; None is "not sent", which refunds all shipping left (docs/facts/magento-2.4.7.md#5.3).

    `shipping_amount` is before discount and net of tax, or gross where Magento displays shipping with tax.
    """

    shipping_amount: Decimal | None = None
    adjustment_positive: Decimal | None = None
    adjustment_negative: Decimal | None = None
    return_to_stock_items: tuple[int, ...] = ()


@dataclass
class RefundDraft:
    """A credit memo that is calculated, in full precision, but not yet booked on the order."""

    order: Row
    arguments: RefundArguments
    gross_shipping: bool = False
    invoice: Row | None = None
    lines: list[tuple[Row, Row]] = field(default_factory=list)
    header: Row = field(default_factory=dict)


def draft_refund(
    order: Row, wanted: dict[int | None, Decimal], arguments: RefundArguments, *, gross_shipping: bool = False
) -> RefundDraft:
    """Calculate the refund of the wanted quantities; an empty dict is everything left."""
    draft = RefundDraft(order, arguments, gross_shipping)
    for item in order["items"]:
        if _can_refund_line(order, item, wanted):
            draft.lines.append((_line(item, _line_qty(order, item, wanted)), item))
    _collect_totals(draft)
    return draft


def draft_invoice_refund(
    order: Row,
    invoice: Row,
    wanted: dict[int | None, Decimal],
    refunded: dict[int, Decimal],
    arguments: RefundArguments,
) -> RefundDraft:
    """Return the same for one invoice, limited to its quantities less what its earlier credit memos took."""
    draft = RefundDraft(order, arguments, invoice=invoice)
    items = {item["item_id"]: item for item in order["items"]}
    for row in invoice["items"]:
        item = items[row["order_item_id"]]
        limit = of(row, "qty") - refunded.get(item["item_id"], ZERO)
        if _can_refund_line(order, item, wanted) and (limit > 0 or rules.is_dummy(order, item)):
            draft.lines.append((_line(item, min(_line_qty(order, item, wanted), limit)), item))
    if arguments.shipping_amount is None:
        left = of(order, "base_shipping_amount") - of(order, "base_shipping_refunded")
        shipping = min(left, of(invoice, "base_shipping_amount"))
        draft.arguments = RefundArguments(
            shipping, arguments.adjustment_positive, arguments.adjustment_negative, arguments.return_to_stock_items
        )
    _collect_totals(draft)
    return draft


def check_refund(draft: RefundDraft, wanted: dict[int | None, Decimal]) -> None:
    order, messages = draft.order, []
    if order.get("state") in ("payment_review", "holded", "canceled", "closed"):
        messages.append(f"A creditmemo can not be created when an order has a status of {order.get('status')}")
    else:
        paid, refunded = of(order, "base_total_paid"), of(order, "base_total_refunded")
        if cents(refunded + draft.header["base_grand_total"]) > cents(paid):
            messages.append(f"The most money available to refund is {plain(paid - refunded)}.")
        messages += _line_messages(order, wanted)
    if messages:
        raise document_errors("Creditmemo", messages)


def _line_messages(order: Row, wanted: dict[int | None, Decimal]) -> list[str]:
    items = {item["item_id"]: item for item in order["items"]}
    messages = []
    for item_id, qty in wanted.items():
        if item_id is None:
            raise id_needed()
        if item_id not in items:
            messages.append("The creditmemo contains product item that is not part of the original order.")
        elif rules.is_dummy(order, items[item_id]):
            messages.append("The creditmemo contains incorrect product items.")
        elif qty > rules.to_refund(order, items[item_id]):
            messages.append("The quantity to refund must not be greater than the unrefunded quantity.")
    return messages


def book_refund(draft: RefundDraft, stamp: str, *, online: bool = False) -> None:
    """Carry the credit memo into the order and its lines; lines of quantity 0 are dropped."""
    draft.lines = [(line, item) for line, item in draft.lines if line["qty"] > 0]
    for line, item in draft.lines:
        item["qty_refunded"] = of(item, "qty_refunded") + line["qty"]
        fixed_tax.book([(line, item)], "refunded")
        item["updated_at"] = stamp
        for prefix, _, _ in _SIDES:
            add(item, f"{prefix}tax_refunded", of(line, f"{prefix}tax_amount"))
            add(item, f"{prefix}discount_refunded", of(line, f"{prefix}discount_amount"))
            add(item, f"{prefix}amount_refunded", of(line, f"{prefix}row_total"))
            compensation = f"{prefix}discount_tax_compensation"
            add(item, f"{compensation}_refunded", of(line, f"{compensation}_amount"))
    for prefix, _, _ in _SIDES:
        _book_header(draft, prefix, "online" if online else "offline")
    if online:
        add(draft.order["payment"], "base_amount_refunded_online", cents(draft.header["base_grand_total"]))


def _book_header(draft: RefundDraft, prefix: str, way: str) -> None:
    order, header, payment = draft.order, draft.header, draft.order["payment"]
    grand_total = header[f"{prefix}grand_total"]
    order[f"{prefix}total_refunded"] = cents(of(order, f"{prefix}total_refunded") + grand_total)
    add(order, f"{prefix}total_{way}_refunded", grand_total)
    for target, source in (
        ("subtotal_refunded", "subtotal"),
        ("tax_refunded", "tax_amount"),
        ("discount_tax_compensation_refunded", "discount_tax_compensation_amount"),
        ("shipping_refunded", "shipping_amount"),
        ("shipping_tax_refunded", "shipping_tax_amount"),
        ("adjustment_positive", "adjustment_positive"),
        ("adjustment_negative", "adjustment_negative"),
        ("discount_refunded", "discount_amount"),
    ):
        add(order, prefix + target, of(header, prefix + source))
    add(payment, f"{prefix}amount_refunded", cents(grand_total) if prefix else grand_total)
    add(payment, f"{prefix}shipping_refunded", header[f"{prefix}shipping_amount"])


def _can_refund_line(order: Row, item: Row, wanted: dict[int | None, Decimal]) -> bool:
    if not rules.is_dummy(order, item):
        return rules.to_refund(order, item) > 0
    parent = rules.parent_of(order, item)
    relatives = [parent] if parent else rules.children_of(order, item)
    if wanted if parent else any(wanted.values()):
        return any(wanted.get(relative["item_id"], ZERO) > 0 for relative in relatives)
    return any(rules.to_refund(order, relative) > 0 for relative in relatives)


def _line_qty(order: Row, item: Row, wanted: dict[int | None, Decimal]) -> Decimal:
    if rules.is_dummy(order, item):
        return _dummy_qty(order, item, wanted)
    qty = wanted.get(item["item_id"], ZERO) if wanted else rules.to_refund(order, item)
    qty = rules.cast_qty(item, qty)
    if qty > rules.to_refund(order, item):
        raise bad('We found an invalid quantity to refund item "%1".', [item["name"]])
    return qty


def _dummy_qty(order: Row, item: Row, wanted: dict[int | None, Decimal]) -> Decimal:
    """Return a part follows its parent's quantity; a bundle priced by its parts shows its invoiced quantity, whatever is refunded
    (`CreditmemoFactory::getQtyToRefund`, docs/facts/magento-bundles.md).
    """
    parent = rules.parent_of(order, item)
    if parent is None:
        return of(item, "qty_invoiced")
    share = of(item, "qty_ordered") / of(parent, "qty_ordered")
    return wanted.get(parent["item_id"], rules.to_refund(order, parent)) * share


def _line(item: Row, qty: Decimal) -> Row:
    copied = ("base_price", "base_price_incl_tax", "name", "price", "price_incl_tax", "product_id", "sku")
    line = {column: item[column] for column in copied if column in item}
    return {"base_cost": None} | line | {"order_item_id": item["item_id"], "qty": qty}


def _is_last(order: Row, line: Row, item: Row) -> bool:
    return bool(line["qty"] == rules.to_refund(order, item) and not rules.to_invoice(order, item))


def _collect_totals(draft: RefundDraft) -> None:
    carry = Carry()
    real = [(line, item) for line, item in draft.lines if not rules.is_dummy(draft.order, item)]
    for prefix, kind, including in _SIDES:
        _collect_subtotal(draft, real, carry, prefix, kind, including)
    shipping_discount = _shipping_discount(draft)
    for prefix, kind, _ in _SIDES:
        _collect_discount(draft, real, carry, prefix, kind, shipping_discount[prefix])
    _collect_shipping(draft)
    for prefix, kind, _ in _SIDES:
        _collect_tax(draft, real, carry, prefix, kind)
    fixed_tax.on_refund(draft.header, real, [_is_last(draft.order, line, item) for line, item in real])
    _collect_adjustments(draft)


def _part(
    draft: RefundDraft, line: Row, item: Row, carry: Carry, kind: str, whole: str, done: str, *, negative: bool = False
) -> Decimal:
    """Return the line's part of an order line's column: a rounded share, or for the last pieces all that is left."""
    if _is_last(draft.order, line, item):
        return of(item, whole) - of(item, done)
    available = of(item, "qty_invoiced") - of(item, "qty_refunded")
    return carry.share(of(item, whole), of(item, done), available, line["qty"], kind, negative=negative)


def _collect_subtotal(
    draft: RefundDraft, real: list[tuple[Row, Row]], carry: Carry, prefix: str, kind: str, including: str
) -> None:
    subtotal = subtotal_incl = ZERO
    for line, item in real:
        left = _part(draft, line, item, carry, kind, f"{prefix}row_invoiced", f"{prefix}amount_refunded")
        line[f"{prefix}row_total"] = left
        if of(item, f"{prefix}row_total_incl_tax"):
            whole, pieces = of(item, f"{prefix}row_total_incl_tax"), of(item, "qty_ordered")
            line[f"{prefix}row_total_incl_tax"] = carry.share(whole, ZERO, pieces, line["qty"], including)
        line.update(_WEEE)
        subtotal += left
        subtotal_incl += of(line, f"{prefix}row_total_incl_tax")
    draft.header[f"{prefix}subtotal"] = draft.header[f"{prefix}grand_total"] = subtotal
    draft.header[f"{prefix}subtotal_incl_tax"] = subtotal_incl


def _shipping_discount(draft: RefundDraft) -> dict[str, Decimal]:
    """Unrounded, and wrong by shipping's tax when no shipping is refunded: Magento's own error (docs/facts/magento-2.4.7-more.md#1.3)."""
    order, wanted = draft.order, draft.arguments.shipping_amount
    if of(order, "base_shipping_amount") <= 0:
        return {"": ZERO, "base_": ZERO}
    basis = wanted or ZERO
    if not basis:
        including = of(order, "base_shipping_incl_tax") if wanted is None else ZERO
        basis = including - of(order, "base_shipping_tax_amount")
    base = basis * of(order, "base_shipping_discount_amount") / of(order, "base_shipping_amount")
    return {"": of(order, "shipping_amount") * base / of(order, "base_shipping_amount"), "base_": base}


def _collect_discount(
    draft: RefundDraft, real: list[tuple[Row, Row]], carry: Carry, prefix: str, kind: str, shipping: Decimal
) -> None:
    total = shipping
    for line, item in real:
        if not of(item, "discount_invoiced") or not of(item, "qty_invoiced"):
            continue
        columns = f"{prefix}discount_invoiced", f"{prefix}discount_refunded"
        discount = _part(draft, line, item, carry, kind, *columns, negative=True)
        line[f"{prefix}discount_amount"] = discount
        total += discount
    draft.header[f"{prefix}discount_amount"] = -total
    draft.header[f"{prefix}grand_total"] -= total


def _collect_shipping(draft: RefundDraft) -> None:
    order, header = draft.order, draft.header
    allowed = {
        prefix: of(order, f"{prefix}shipping_amount") - of(order, f"{prefix}shipping_refunded")
        for prefix, _, _ in _SIDES
    }
    if draft.arguments.shipping_amount is None:
        _refund_all_shipping(order, header, allowed)
    else:
        _refund_wanted_shipping(draft, allowed)
    for prefix, _, _ in _SIDES:
        header[f"{prefix}grand_total"] += header[f"{prefix}shipping_amount"]


def _refund_all_shipping(order: Row, header: Row, allowed: dict[str, Decimal]) -> None:
    tax_left = of(order, "shipping_tax_amount") - of(order, "shipping_tax_refunded")
    base_incl = of(order, "base_shipping_incl_tax") - of(order, "base_shipping_refunded")
    header["shipping_amount"], header["base_shipping_amount"] = allowed[""], allowed["base_"]
    header["shipping_incl_tax"] = cents(allowed[""] + tax_left)
    header["base_shipping_incl_tax"] = cents(max(base_incl - of(order, "base_shipping_tax_refunded"), ZERO))


def _refund_wanted_shipping(draft: RefundDraft, allowed: dict[str, Decimal]) -> None:
    order, header = draft.order, draft.header
    desired = cents(dec(draft.arguments.shipping_amount))
    most, original = allowed["base_"], of(order, "base_shipping_amount")
    if draft.gross_shipping:
        gross_left = of(order, "base_shipping_incl_tax") - of(order, "base_shipping_refunded")
        most = max(gross_left - of(order, "base_shipping_tax_refunded"), ZERO)
        original = of(order, "base_shipping_incl_tax")
    if desired > cents(most):
        currency = {"USD": "$", "EUR": "€", "GBP": "£"}.get(order["base_currency_code"], order["base_currency_code"])
        raise bad("Maximum shipping amount allowed to refund is: %1", [f"{currency}{most:,.2f}"])
    ratio = desired / original if original > 0 else ZERO
    for prefix, _, _ in _SIDES:
        whole = desired >= most
        part = cents(of(order, f"{prefix}shipping_amount") * ratio)
        header[f"{prefix}shipping_amount"] = allowed[prefix] if whole else part
        header[f"{prefix}shipping_incl_tax"] = cents(of(order, f"{prefix}shipping_incl_tax") * ratio)


def _collect_tax(draft: RefundDraft, real: list[tuple[Row, Row]], carry: Carry, prefix: str, kind: str) -> None:
    order, header = draft.order, draft.header
    compensation = f"{prefix}discount_tax_compensation"
    tax = compensated = ZERO
    for line, item in real:
        if line["qty"] <= 0 or not of(item, "qty_invoiced"):
            continue
        taxed = _part(draft, line, item, carry, kind, f"{prefix}tax_invoiced", f"{prefix}tax_refunded")
        hidden = _part(draft, line, item, carry, kind, f"{compensation}_invoiced", f"{compensation}_refunded")
        line[f"{prefix}tax_amount"], line[f"{compensation}_amount"] = taxed, hidden
        tax, compensated = tax + taxed, compensated + hidden
    shipping_tax, shipping_hidden, partial = _shipping_tax(draft, carry, prefix, kind)
    tax, compensated = tax + shipping_tax, compensated + shipping_hidden
    allowed = of(order, f"{prefix}tax_invoiced") - of(order, f"{prefix}tax_refunded")
    allowed_hidden = of(order, f"{compensation}_invoiced") + of(order, SHIPPING_COMPENSATION[prefix])
    allowed_hidden -= of(order, f"{compensation}_refunded")
    if all(_is_last(order, line, item) for line, item in draft.lines) and not partial:
        tax, compensated = allowed, allowed_hidden
    header[f"{prefix}tax_amount"] = min(allowed, tax)
    header[f"{compensation}_amount"] = min(allowed_hidden, compensated)
    header[f"{prefix}shipping_tax_amount"] = shipping_tax
    header[f"{prefix}grand_total"] += header[f"{prefix}tax_amount"] + header[f"{compensation}_amount"]


def _shipping_tax(draft: RefundDraft, carry: Carry, prefix: str, kind: str) -> tuple[Decimal, Decimal, bool]:
    """Tax and compensation of the refunded shipping, and whether only a part of taxed shipping is refunded."""
    order, header = draft.order, draft.header
    tax, hidden = of(order, f"{prefix}shipping_tax_amount"), of(order, SHIPPING_COMPENSATION[prefix])
    left = of(order, "base_shipping_amount") - of(order, "base_shipping_refunded")
    if left > header["base_shipping_amount"]:
        part = header[f"{prefix}shipping_amount"] / of(order, f"{prefix}shipping_amount")
        partial = part < 1 and of(order, "shipping_tax_amount") > 0
        return carry.round(tax * part, kind), carry.round(hidden * part, kind), partial
    return tax - of(order, f"{prefix}shipping_tax_refunded"), hidden, False


def _collect_adjustments(draft: RefundDraft) -> None:
    """Sent in base currency, converted by the order's rate, untaxed; the negative one is not checked (docs/facts/magento-2.4.7.md#5.3)."""
    header, rate = draft.header, of(draft.order, "base_to_order_rate")
    sent = {"positive": draft.arguments.adjustment_positive, "negative": draft.arguments.adjustment_negative}
    for prefix, _, _ in _SIDES:
        total = ZERO
        for name, amount in sent.items():
            if amount is None:
                continue
            value = cents(amount) if prefix else cents(cents(amount) * rate)
            header[f"{prefix}adjustment_{name}"] = value
            total += value if name == "positive" else -value
        header[f"{prefix}adjustment"] = total
        header[f"{prefix}grand_total"] += total
