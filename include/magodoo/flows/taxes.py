"""Choose the Odoo tax of a Magento line (docs/business-rules.md#taxes): by rate, destination, kind, VAT number and customer group."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from magodoo.domain.vocabulary import FindingType
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.load_tables import figure
from magodoo.flows.sources import Sources
from magodoo.ledger.planned import RequestProblem
from magodoo.money import shown
from magodoo.settings.extra_totals import ExtraTotal
from magodoo.settings.model import TaxRule

_SERVICES = ("virtual", "downloadable")
_CENT = 100  # units


@dataclass(frozen=True)
class LineTax:
    """Hold the tax of a line; tax_id is None for a line that carries no tax record."""

    tax_id: int | None = None
    fiscal_position: str | None = None
    problem: RequestProblem | None = None


def tax_of(
    sources: Sources, order: CanonicalDocument, line: CanonicalLine, percent: Decimal | None, tax: int
) -> LineTax:
    """Return the tax record of one line whose tax amounts to `tax` units.

    A line without tax needs a rule of rate 0 as soon as the settings name one: 0 % is never chosen by the rate alone.
    Where they name none, such a line carries no tax record, as do adjustments.
    """
    if line.role == "adjustment" or (line.role == "discount" and not tax):
        return LineTax()
    if tax and not percent:
        return LineTax(problem=_without_rate(order, line, tax))
    rate = percent if percent is not None else Decimal(0)
    if not tax and not rate and not any(rule.rate == 0 for rule in sources.instance.taxes):
        return LineTax()
    if not tax and line.role in ("shipping", "discount"):
        rate = Decimal(0)
    kind = _kind(sources, line)
    rule = next((rule for rule in sources.instance.taxes if _fits(rule, rate, order, kind)), None)
    if rule is None:
        why = (
            "no tax rule fits" if kind else f"nobody says whether {line.sku!r} is goods or a service: no tax rule fits"
        )
        return LineTax() if not tax and line.role == "shipping" else _unmapped(order, figure(rate), why)
    record = sources.master.only("account.tax", rule.odoo_tax)
    if record is None:
        return _unmapped(order, figure(rate), _unseen(rule.odoo_tax))
    amount = record.data.get("amount")
    if amount is not None and Decimal(str(amount)) != rate:
        return _unmapped(order, figure(rate), f"Odoo's tax {rule.odoo_tax!r} is {figure(Decimal(str(amount)))} %")
    return LineTax(record.id, rule.fiscal_position)


def extra_tax(
    sources: Sources, order: CanonicalDocument, line: CanonicalLine, setting: ExtraTotal, tax: int
) -> LineTax:
    """Return the tax record of an extra amount: the one that the settings name, or that a rule of its rate gives; none without tax."""
    if setting.odoo_tax is not None:
        record = sources.master.only("account.tax", setting.odoo_tax)
        if record is None:
            return _unmapped(order, "?", _unseen(setting.odoo_tax))
        return LineTax(record.id)
    return tax_of(sources, order, line, line.tax_percent, tax) if tax else LineTax()


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


def _fits(rule: TaxRule, rate: Decimal, order: CanonicalDocument, kind: str | None) -> bool:
    return (
        rule.rate == rate
        and rule.country in (None, order.country)
        and rule.kind in (None, kind)
        and rule.has_vat in (None, bool(order.vat))
        and rule.customer_group in (None, order.customer_group)
    )


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


def _unmapped(order: CanonicalDocument, rate: str, why: str) -> LineTax:
    part = f"tax:{rate}/{order.country or '?'}"
    return LineTax(problem=RequestProblem(part, f"{why} for {rate} % in {order.country or 'an unknown country'}"))
