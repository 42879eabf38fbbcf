"""Making an invoice: which lines, which amounts, what it does to the order."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from magodoo_sandbox.magento import fixed_tax
from magodoo_sandbox.magento import order_rules as rules
from magodoo_sandbox.magento.amounts import ZERO, Carry, Row, add, cents, of, stored
from magodoo_sandbox.magento.refusals import bad, document_errors

_NO_PRODUCTS = "The invoice can't be created without products. Add products and try again."
SHIPPING_COMPENSATION = {
    "": "shipping_discount_tax_compensation_amount",
    "base_": "base_shipping_discount_tax_compensation_amnt",  # cut by the length of a column name
}
_SIDES = (("", "regular", "including"), ("base_", "base", "including_base"))


@dataclass
class InvoiceDraft:
    """An invoice that is calculated but not yet booked on the order."""

    order: Row
    lines: list[tuple[Row, Row]] = field(default_factory=list)
    header: Row = field(default_factory=dict)

    @property
    def total_qty(self) -> Decimal:
        return sum((line["qty"] for line, _ in self.lines), ZERO)


def draft_invoice(order: Row, wanted: dict[int | None, Decimal], earlier: list[Row]) -> InvoiceDraft:
    """Calculate the invoice of the wanted quantities; an empty dict is everything left.

    Raises Refusal when a quantity exceeds the open one.
    """
    draft = InvoiceDraft(order)
    quantities = _prepare_quantities(order, wanted)
    for item in order["items"]:
        if _can_invoice_line(order, item, quantities):
            draft.lines.append((_line(order, item, _line_qty(order, item, quantities)), item))
    _collect_totals(draft, earlier)
    return draft


def check_invoice(draft: InvoiceDraft) -> None:
    order, messages = draft.order, []
    if draft.total_qty <= 0:
        messages.append(_NO_PRODUCTS)
    if order.get("state") in ("payment_review", "holded", "canceled", "complete", "closed"):
        messages.append(f"An invoice cannot be created when an order has a status of {order.get('status')}")
    elif not rules.can_invoice(order):
        messages.append("The order does not allow an invoice to be created.")
    if messages:
        raise document_errors("Invoice", messages)


def book_invoice(draft: InvoiceDraft) -> None:
    """Carry the invoice's amounts into the order and its lines; lines of quantity 0 are dropped.

    Fixed product tax is processed first: every line that carries money has a list of it from then on.
    """
    for _, item in draft.lines:
        if not rules.is_dummy(draft.order, item):
            item["weee_tax_applied"] = fixed_tax.applied(item)
    draft.lines = [(line, item) for line, item in draft.lines if line["qty"] > 0]
    for line, item in draft.lines:
        item["qty_invoiced"] = of(item, "qty_invoiced") + line["qty"]
        fixed_tax.book([(line, item)], "invoiced")
        for prefix, _, _ in _SIDES:
            add(item, f"{prefix}tax_invoiced", of(line, f"{prefix}tax_amount"))
            add(item, f"{prefix}discount_invoiced", of(line, f"{prefix}discount_amount"))
            add(item, f"{prefix}row_invoiced", of(line, f"{prefix}row_total"))
            compensation = f"{prefix}discount_tax_compensation"
            add(item, f"{compensation}_invoiced", of(line, f"{compensation}_amount"))
    for prefix, _, _ in _SIDES:
        _book_header(draft, prefix)


def _book_header(draft: InvoiceDraft, prefix: str) -> None:
    order, header = draft.order, draft.header
    compensation = f"{prefix}discount_tax_compensation"
    add(order, f"{prefix}total_invoiced", header[f"{prefix}grand_total"])
    add(order, f"{prefix}total_paid", header[f"{prefix}grand_total"])
    add(order, f"{prefix}subtotal_invoiced", header[f"{prefix}subtotal"])
    add(order, f"{prefix}tax_invoiced", header[f"{prefix}tax_amount"])
    add(order, f"{prefix}discount_invoiced", header[f"{prefix}discount_amount"])
    add(order, f"{prefix}shipping_invoiced", of(header, f"{prefix}shipping_amount"))
    add(order, f"{compensation}_invoiced", header[f"{compensation}_amount"])
    order[f"{prefix}total_due"] = cents(max(of(order, f"{prefix}grand_total") - of(order, f"{prefix}total_paid"), ZERO))
    payment = order["payment"]
    add(payment, f"{prefix}amount_paid", header[f"{prefix}grand_total"])
    add(payment, f"{prefix}shipping_captured", of(header, f"{prefix}shipping_amount"))
    order.setdefault("base_total_invoiced_cost", ZERO)


def _prepare_quantities(order: Row, wanted: dict[int | None, Decimal]) -> dict[int | None, Decimal]:
    """Children get their share of the parent's quantity.

    A wanted line without an item id counts as the parent of every top line, which is why Magento invoices one of
    everything for it (docs/facts/magento-2.4.7.md#5.1).
    """
    quantities = dict(wanted)
    for item in order["items"]:
        parent_id = item.get("parent_item_id")
        if wanted and item["item_id"] not in wanted and parent_id in wanted:
            quantities[item["item_id"]] = wanted[parent_id] * _per_parent(order, item)
    return quantities


def _per_parent(order: Row, item: Row) -> Decimal:
    parent = rules.parent_of(order, item)
    return of(item, "qty_ordered") / of(parent, "qty_ordered") if parent else Decimal(1)


def _can_invoice_line(order: Row, item: Row, quantities: dict[int | None, Decimal]) -> bool:
    if not rules.is_dummy(order, item):
        return rules.to_invoice(order, item) > 0
    parent = rules.parent_of(order, item)
    relatives = [parent] if parent else rules.children_of(order, item)
    if quantities:
        return any(quantities.get(relative["item_id"], ZERO) > 0 for relative in relatives)
    return any(rules.to_invoice(order, relative) > 0 for relative in relatives)


def _line_qty(order: Row, item: Row, quantities: dict[int | None, Decimal]) -> Decimal:
    if item["item_id"] in quantities:
        qty = quantities[item["item_id"]]
    elif rules.is_dummy(order, item):
        qty = of(item, "qty_ordered") or Decimal(1)
    elif not quantities:
        qty = rules.to_invoice(order, item)
    else:
        qty = ZERO
    qty = stored(rules.cast_qty(item, qty))
    if qty > rules.to_invoice(order, item) and not rules.is_dummy(order, item):
        raise bad('We found an invalid quantity to invoice item "%1".', [item["name"]])
    return qty


def _line(order: Row, item: Row, qty: Decimal) -> Row:
    copied = ("base_price", "base_price_incl_tax", "name", "price", "price_incl_tax", "product_id", "sku")
    line = {column: item[column] for column in copied if column in item}
    return line | {"order_item_id": item["item_id"], "qty": qty}


def _is_last(order: Row, line: Row, item: Row) -> bool:
    return bool(line["qty"] == rules.to_invoice(order, item))


def _collect_totals(draft: InvoiceDraft, earlier: list[Row]) -> None:
    carry = Carry()
    real = [(line, item) for line, item in draft.lines if not rules.is_dummy(draft.order, item)]
    last = all(_is_last(draft.order, line, item) for line, item in real)
    for prefix, kind, including in _SIDES:
        draft.header[f"{prefix}grand_total"] = ZERO
        _collect_subtotal(draft, real, carry, prefix, kind, including, last)
    for prefix, kind, _ in _SIDES:
        _collect_discount(draft, real, carry, prefix, kind, earlier)
    with_shipping = not any(of(invoice, "shipping_amount") for invoice in earlier)
    for prefix, kind, _ in _SIDES:
        _collect_shipping(draft, prefix, with_shipping)
        _collect_tax(draft, real, carry, prefix, kind, last)
    fixed_tax.on_invoice(draft.header, real, [_is_last(draft.order, line, item) for line, item in real])


def _part(
    draft: InvoiceDraft, line: Row, item: Row, carry: Carry, kind: str, whole: str, done: str, *, negative: bool = False
) -> Decimal:
    """Return the line's part of an order line's column: a rounded share, or for the last pieces all that is left."""
    if _is_last(draft.order, line, item):
        return of(item, whole) - of(item, done)
    available = of(item, "qty_ordered") - of(item, "qty_invoiced")
    return carry.share(of(item, whole), of(item, done), available, line["qty"], kind, negative=negative)


def _collect_subtotal(
    draft: InvoiceDraft, real: list[tuple[Row, Row]], carry: Carry, prefix: str, kind: str, including: str, last: bool
) -> None:
    subtotal = subtotal_incl = ZERO
    for line, item in real:
        left = _part(draft, line, item, carry, kind, f"{prefix}row_total", f"{prefix}row_invoiced")
        line[f"{prefix}row_total"] = left
        if of(item, f"{prefix}row_total_incl_tax"):
            whole, pieces = of(item, f"{prefix}row_total_incl_tax"), of(item, "qty_ordered")
            line[f"{prefix}row_total_incl_tax"] = carry.share(whole, ZERO, pieces, line["qty"], including)
        subtotal += left
        subtotal_incl += of(line, f"{prefix}row_total_incl_tax")
    allowed = of(draft.order, f"{prefix}subtotal") - of(draft.order, f"{prefix}subtotal_invoiced")
    draft.header[f"{prefix}subtotal"] = allowed if last else min(allowed, subtotal)
    draft.header[f"{prefix}subtotal_incl_tax"] = subtotal_incl
    draft.header[f"{prefix}grand_total"] += draft.header[f"{prefix}subtotal"]


def _collect_discount(
    draft: InvoiceDraft, real: list[tuple[Row, Row]], carry: Carry, prefix: str, kind: str, earlier: list[Row]
) -> None:
    """Shipping's discount goes on the first invoice that has any discount."""
    first = not any(of(invoice, "discount_amount") for invoice in earlier)
    total = of(draft.order, f"{prefix}shipping_discount_amount") if first else ZERO
    for line, item in real:
        if not of(item, "discount_amount"):
            continue
        columns = f"{prefix}discount_amount", f"{prefix}discount_invoiced"
        discount = _part(draft, line, item, carry, kind, *columns, negative=True)
        line[f"{prefix}discount_amount"] = discount
        total += discount
    draft.header[f"{prefix}discount_amount"] = -total
    draft.header[f"{prefix}grand_total"] -= total


def _collect_shipping(draft: InvoiceDraft, prefix: str, with_shipping: bool) -> None:
    """All shipping is on the first invoice; later ones have no shipping columns at all (docs/facts/magento-2.4.7.md#5.1)."""
    if not with_shipping:
        return
    order, header = draft.order, draft.header
    for column in ("shipping_amount", "shipping_incl_tax", "shipping_tax_amount"):
        header[prefix + column] = of(order, prefix + column)
    header[SHIPPING_COMPENSATION[prefix]] = of(order, SHIPPING_COMPENSATION[prefix])
    header[f"{prefix}grand_total"] += header[f"{prefix}shipping_amount"]


def _collect_tax(
    draft: InvoiceDraft, real: list[tuple[Row, Row]], carry: Carry, prefix: str, kind: str, last: bool
) -> None:
    """The header's compensation leaves shipping's share out, though the grand total has it (docs/facts/magento-2.4.7-more.md#1.1)."""
    order, header = draft.order, draft.header
    compensation = f"{prefix}discount_tax_compensation"
    tax, compensated = of(header, f"{prefix}shipping_tax_amount"), ZERO
    for line, item in real:
        if line["qty"] <= 0 or not (of(item, "tax_amount") or of(item, "discount_tax_compensation_amount")):
            continue
        taxed = _part(draft, line, item, carry, kind, f"{prefix}tax_amount", f"{prefix}tax_invoiced")
        hidden = _part(draft, line, item, carry, kind, f"{compensation}_amount", f"{compensation}_invoiced")
        line[f"{prefix}tax_amount"], line[f"{compensation}_amount"] = taxed, hidden
        tax, compensated = tax + taxed, compensated + hidden
    allowed = of(order, f"{prefix}tax_amount") - of(order, f"{prefix}tax_invoiced")
    allowed_hidden = of(order, f"{compensation}_amount") - of(order, f"{compensation}_invoiced")
    header[f"{prefix}tax_amount"] = allowed if last else min(allowed, tax)
    header[f"{compensation}_amount"] = allowed_hidden if last else min(allowed_hidden, compensated)
    shipping = of(header, SHIPPING_COMPENSATION[prefix])
    header[f"{prefix}grand_total"] += header[f"{prefix}tax_amount"] + header[f"{compensation}_amount"] + shipping
