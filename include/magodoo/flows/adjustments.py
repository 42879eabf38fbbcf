"""Give the adjustments of a credit memo the tax that the setting `adjustment_tax` asks for (docs/business-rules.md#taxes)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from magodoo.domain.adjustments import AT_THE_ORDERS_RATES, Share, Sold, divided
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.load_tables import figure
from magodoo.flows.sources import Sources
from magodoo.flows.taxes import LineTax
from magodoo.ledger.planned import RequestProblem
from magodoo.money import shown


@dataclass(frozen=True)
class Adjusted:
    """Hold a credit memo as it is written.

    Attributes:
        document: The memo; its adjustments, tax and untaxed amount are those of the books, its total is Magento's.
        taxes: The tax of each line that stands for an adjustment, by line id.
        problem: What prevents it.
    """

    document: CanonicalDocument
    taxes: Mapping[str, LineTax] = field(default_factory=dict)
    problem: RequestProblem | None = None


def adjusted(
    sources: Sources,
    order: CanonicalDocument,
    document: CanonicalDocument,
    tax_of_line: Callable[[CanonicalLine], LineTax],
    decimals: tuple[int, int],
) -> Adjusted:
    """Return the document with its adjustments divided over the order's taxes, each part with its tax within it.

    Unchanged without adjustments, for an order without tax, and under `adjustment_tax: none`. Without the setting, an adjustment on a
    taxed order is a problem: whether it lowers the tax is for a person to say. `decimals` are those of the document's and of the
    company's currency.
    """
    adjustments = [line for line in document.lines if line.role == "adjustment"]
    choice = sources.instance.adjustment_tax
    if not adjustments or not order.tax or choice == "none":
        return Adjusted(document)
    if choice != AT_THE_ORDERS_RATES:
        return Adjusted(document, problem=_undecided(document, sum(line.untaxed for line in adjustments)))
    sold = _sold(order, tax_of_line)
    lines, taxes = [line for line in document.lines if line.role != "adjustment"], {}
    for line in adjustments:
        own = divided(line.untaxed, list(sold.values()), decimals[0])
        base = divided(line.base_untaxed, list(sold.values()), decimals[1])
        if not any(share.net or share.tax for share in own):
            return Adjusted(document, problem=_without_base(document, order, line.untaxed))
        parts = [each for each in zip(sold.items(), own, base, strict=True) if each[1].net or each[1].tax]
        for number, ((chosen, at), part, in_base) in enumerate(parts):
            made = _part(line, f"{line.line_id}.{number}" if len(parts) > 1 else line.line_id, at, part, in_base)
            lines.append(made)
            taxes[made.line_id] = chosen
    return Adjusted(_with_lines(document, lines), taxes)


def _sold(order: CanonicalDocument, tax_of_line: Callable[[CanonicalLine], LineTax]) -> dict[LineTax, Sold]:
    """Return what the order sold, by the tax of its goods; shipping has a field of its own on a credit memo."""
    found: dict[LineTax, Sold] = {}
    for line in order.lines:
        if line.role != "item" or not line.is_money or not (line.untaxed or line.tax):
            continue
        chosen = tax_of_line(line)
        percent = None if chosen.as_charged else Decimal(0) if not line.tax else line.tax_percent
        before = found.get(chosen, Sold(0, 0, percent))
        found[chosen] = Sold(before.net + line.untaxed, before.tax + line.tax, before.percent or percent)
    return found


def _part(line: CanonicalLine, line_id: str, sold: Sold, own: Share, base: Share) -> CanonicalLine:
    name = "Adjustment" if sold.percent is None else f"Adjustment, {figure(sold.percent)} %"
    return replace(
        line, line_id=line_id, name=line.name or name, tax_percent=sold.percent, price=own.net, gross=own.net, untaxed=own.net,
        tax=own.tax, base_untaxed=base.net, base_tax=base.tax,
    )  # fmt: skip


def _with_lines(document: CanonicalDocument, lines: list[CanonicalLine]) -> CanonicalDocument:
    """Return the document with these lines; what is tax now is no adjustment and no untaxed amount any more."""
    moved = sum(line.tax for line in lines if line.role == "adjustment")
    base = sum(line.base_tax for line in lines if line.role == "adjustment")
    return replace(
        document, lines=lines, adjustment=document.adjustment - moved, tax=document.tax + moved, untaxed=document.untaxed - moved,
        base_tax=document.base_tax + base,
    )  # fmt: skip


def _undecided(document: CanonicalDocument, amount: int) -> RequestProblem:
    what = f"{shown(amount, document.currency)} {document.currency} of adjustments on {document.number}"
    return RequestProblem(
        "adjustment_tax",
        f"{what} refund a taxed sale, and `adjustment_tax` is not set: whether they lower the tax is for a person to say",
        next_step="Set `adjustment_tax` of the instance to `none` (the tax stays) or `as the order's rates` (the tax in them is taken back)",
        who="accounting",
    )


def _without_base(document: CanonicalDocument, order: CanonicalDocument, amount: int) -> RequestProblem:
    return RequestProblem(
        "adjustment_tax",
        f"{shown(amount, document.currency)} {document.currency} of adjustments on {document.number} cannot be divided: order"
        f" {order.number} sold nothing above 0",
        next_step=f"Enter {document.number} in Odoo by hand with Magento's number as reference",
        who="accounting",
    )
