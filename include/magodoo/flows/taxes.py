"""Choose the Odoo tax of a Magento line (docs/business-rules.md#taxes): the first tax rule that fits decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from magodoo.domain.vocabulary import FindingType
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.load_tables import figure
from magodoo.flows.sources import Sources
from magodoo.flows.tax_conditions import Unknown, described, fits
from magodoo.ledger.planned import RequestProblem
from magodoo.money import shown
from magodoo.settings.extra_totals import ExtraTotal
from magodoo.settings.tax_rules import TaxRule

_SERVICES = ("virtual", "downloadable")
_CENT = 100  # units


@dataclass(frozen=True)
class LineTax:
    """Hold the tax of a line; tax_id is None for a line that carries no tax record, as_charged where any amount is its own.

    Attributes:
        name: Odoo's name of the tax, as evidence.
        rule: The rule of the settings that chose it, in words, as evidence.
    """

    tax_id: int | None = None
    fiscal_position: str | None = None
    problem: RequestProblem | None = None
    as_charged: bool = False
    name: str = field(default="", compare=False)
    rule: str = field(default="", compare=False)


def tax_of(
    sources: Sources, order: CanonicalDocument, line: CanonicalLine, percent: Decimal | None, tax: int
) -> LineTax:
    """Return the tax record of one line whose tax amounts to `tax` units.

    A line without tax needs a rule of rate 0 as soon as the settings name one: 0 % is never chosen by the rate alone.
    Where they name none, such a line carries no tax record, as do adjustments.
    """
    if line.role == "adjustment" or (line.role == "discount" and not tax):
        return LineTax()
    rate = percent if percent is not None else Decimal(0)
    if not tax and not rate and not any(rule.rate == 0 for rule in sources.instance.taxes):
        return LineTax()
    if not tax and line.role in ("shipping", "discount"):
        rate = Decimal(0)
    kind = _kind(sources, line)
    rule = _rule(sources, order, line, rate, kind, taxed=bool(tax or rate))
    if isinstance(rule, Unknown):
        return _undecided(order, rate, rule)
    if tax and not rate and (rule is None or not rule.as_charged):
        return LineTax(problem=_without_rate(order, line, tax))
    if rule is None:
        why = (
            "no tax rule fits" if kind else f"nobody says whether {line.sku!r} is goods or a service: no tax rule fits"
        )
        asked = [each for each in sources.instance.taxes if each.rate == rate and each.country in (None, order.country)]
        more = described(asked, order)
        return LineTax() if not tax and line.role == "shipping" else _unmapped(order, figure(rate), why, more)
    record = sources.master.only("account.tax", rule.odoo_tax)
    if record is None:
        return _unmapped(order, figure(rate), _unseen(rule.odoo_tax))
    amount = record.data.get("amount")
    if amount is not None and (not Decimal(str(amount)) if rule.as_charged else Decimal(str(amount)) != rate):
        return _unmapped(order, figure(rate), f"Odoo's tax {rule.odoo_tax!r} is {figure(Decimal(str(amount)))} %")
    return LineTax(record.id, rule.fiscal_position, as_charged=rule.as_charged, name=rule.odoo_tax, rule=rule.in_words)


def beside_zero_goods(
    sources: Sources, order: CanonicalDocument, line: CanonicalLine, lines: Sequence[CanonicalLine]
) -> LineTax:
    """Return the tax record of a line without tax that is no item, and that no rule of its own fits: that of the 0 % goods.

    An export or a reverse charge needs its whole document in one box. Without goods at 0 %, or where no rule gives these a tax
    record, the line has none. A discount on the shipping belongs to the shipping. `lines` are the order's, without those
    that are never taxed.
    """
    goods = [each for each in lines if each.role == "item" and each.is_money and each.untaxed]
    zero = [each for each in goods if not each.tax and not each.tax_percent]
    shipping = next((each for each in order.lines if each.role == "shipping"), None)
    if zero and line.role == "discount" and shipping is not None:
        own = LineTax() if shipping.tax else tax_of(sources, order, shipping, Decimal(0), 0)
        if shipping.tax or own.problem or own.tax_id is not None:
            return own
    found = {tax_of(sources, order, each, each.tax_percent, 0): each for each in zero}
    problem = next((each for each in found if each.problem), None)
    if problem is not None or not found:
        return problem or LineTax()
    if len(found) == 1:
        return next(iter(found))
    skus = " and ".join(each.sku for each in found.values())
    named = {"shipping": "the shipping", "discount": "the discount on shipping", "adjustment": "the adjustment"}
    what = named.get(line.role, line.name or "the amount")
    why = (
        f"{what} carries no tax, and the goods without tax have different ones ({skus}): no rule says which is its own"
    )
    return _unmapped(order, "0", why)


def extra_tax(
    sources: Sources, order: CanonicalDocument, line: CanonicalLine, setting: ExtraTotal, tax: int
) -> LineTax:
    """Return the tax record of an extra amount: the one that the settings name, or that a rule of its rate gives; none without tax."""
    if setting.odoo_tax is not None:
        record = sources.master.only("account.tax", setting.odoo_tax)
        if record is None:
            return _unmapped(order, "?", _unseen(setting.odoo_tax))
        return LineTax(record.id, name=setting.odoo_tax, rule="extra_totals")
    return tax_of(sources, order, line, line.tax_percent, tax) if tax else LineTax()


def above_its_base(document: CanonicalDocument, line: CanonicalLine, net: int, tax: int) -> RequestProblem | None:
    """Return the problem of tax as charged without a rate that the line's own base cannot carry; amounts in units.

    With a rate `implausible` compares it; without one, the tax may not exceed the untaxed amount, nor have another sign.
    """
    if tax == 0 or (abs(tax) <= abs(net) and (tax > 0) == (net > 0)):
        return None
    what = f"item {line.sku}" if line.role == "item" else line.role
    message = (
        f"{shown(tax, document.currency)} {document.currency} of tax on {what} of {document.number} stand on an untaxed amount of"
        f" {shown(net, document.currency)}"
    )
    step = f"Correct the tax in Magento, or enter {document.number} in Odoo by hand with Magento's number as reference"
    return RequestProblem(f"tax_mismatch/{document.number}", message, next_step=step)


def implausible(lines: list[tuple[int, int, int, Decimal]], currency: str) -> str | None:
    """Return why the forced taxes of a document cannot be right; None when they can.

    lines are (net, gross before discount, tax, percent), amounts in units. The tax may be computed on the price
    before discount too, if Magento is configured so (docs/facts/magento-2.4.7-more.md#1).
    """
    allowed = _CENT * len(lines) + _CENT
    taxed = sum(tax for _, _, tax, _ in lines)
    of_net = sum((net * percent / 100 for net, _, _, percent in lines), Decimal(0))
    of_gross = sum((gross * percent / 100 for _, gross, _, percent in lines), Decimal(0))
    # A shipping discount lowers the tax wholly, in part or not at all (docs/facts/magento-2.4.7-more.md#1.3).
    of_discounts = sum((net * percent / 100 for net, _, _, percent in lines if net < 0), Decimal(0))
    if of_net - allowed <= taxed <= of_net - of_discounts + allowed or abs(taxed - of_gross) <= allowed:
        return None
    return f"its tax {shown(taxed, currency)} is not what its rates give ({shown(int(of_net), currency)})"


def _rule(
    sources: Sources, order: CanonicalDocument, line: CanonicalLine, rate: Decimal, kind: str | None, *, taxed: bool
) -> TaxRule | Unknown | None:
    """Return the first rule that fits; Unknown where it cannot be decided whether an earlier one does, None without any."""
    for rule in sources.instance.taxes:
        answer = fits(rule, sources, order, line, kind) if rule.fits_rate(rate, taxed=taxed) else False
        if answer is not False:
            return answer if isinstance(answer, Unknown) else rule
    return None


def _kind(sources: Sources, line: CanonicalLine) -> str | None:
    """Return what a line sells: `shipping`, `service` or `goods`; None where neither Magento nor the product in Odoo shows it."""
    if line.role in ("shipping", "discount"):
        return "shipping"
    if line.role == "extra" or line.is_virtual or line.product_type in _SERVICES:
        return "service"
    if line.product_type:
        return "goods"
    product = sources.master.only("product.product", line.sku)
    type_ = product.data.get("type") if product else None
    return None if not type_ else "service" if type_ == "service" else "goods"


def _without_rate(order: CanonicalDocument, line: CanonicalLine, tax: int) -> RequestProblem:
    """Return the problem of tax that Magento charged without a rate: no mapping helps, and a guessed rate may be another tax."""
    what = f"item {line.sku}" if line.role == "item" else "the shipping"
    return RequestProblem(
        f"tax_rate:{line.sku if line.role == 'item' else 'shipping'}",
        f"{shown(tax, order.currency)} {order.currency} of tax stand on {what} of the order, and Magento names no rate for it",
        FindingType.NOT_REPRESENTABLE,
        "Enter the order in Odoo by hand with the tax that applies and Magento's number as reference: it is adopted then."
        " The cause is in Magento: an extension or import that writes tax amounts without tax_percent",
    )


def _unseen(tax: str) -> str:
    """Return why a tax of the settings cannot be used; one that a record rule hides cannot be distinguished from a missing one."""
    return f"Odoo shows the user of the connection no single active tax {tax!r} (preflight says why)"


def _unmapped(order: CanonicalDocument, rate: str, why: str, more: str = "") -> LineTax:
    part = f"tax:{rate}/{order.country or '?'}"
    where = order.country or "an unknown country"
    return LineTax(problem=RequestProblem(part, f"{why} for {rate} % in {where}{more}"))


def _undecided(order: CanonicalDocument, rate: Decimal, answer: Unknown) -> LineTax:
    """Return the problem of a rule whose condition nobody can decide: to pass it over would choose another tax."""
    part = f"tax:{figure(rate)}/{order.country or '?'}"
    message = f"a tax rule of {figure(rate)} % cannot be decided: {answer.why}"
    return LineTax(problem=RequestProblem(part, message))
