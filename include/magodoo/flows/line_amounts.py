"""Compute the money lines of an Odoo document, equal to Magento's to the cent: gross price, discount %, forced tax (docs/facts/pair.md#2).

The sale of a gift card goes to the liability without tax where it can buy anything, and is taxed at once where it can
buy one thing only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.adjustments import adjusted
from magodoo.flows.extra_amounts import extra_lines, setting_of
from magodoo.flows.load_tables import ExpectedTotals, figure
from magodoo.flows.order_contents import is_refunded_whole
from magodoo.flows.sources import Sources, finer_than_odoo
from magodoo.flows.taxes import LineTax, above_its_base, beside_zero_goods, extra_tax, implausible, tax_of
from magodoo.ledger.planned import RequestProblem
from magodoo.money import dump_json, from_units, rounded, shown
from magodoo.settings.extra_totals import GIFT_CARD_TYPES, Nature

_PRICE = Decimal("0.000001")  # Odoo keeps a unit price unrounded (docs/facts/pair.md#2)
_PERCENT = Decimal("0.01")  # and a discount with two decimals
_DIVIDED = ("gross", "discount", "untaxed", "tax", "base_untaxed", "base_tax")


@dataclass(frozen=True)
class MoneyLine:
    """Hold one line as it is sent to Odoo. Amounts in units; price, discount and quantity as Decimal."""

    source: CanonicalLine
    product_id: int
    name: str
    quantity: Decimal
    price: Decimal
    discount: Decimal
    tax_id: int | None
    extra_tax_data: str
    untaxed: int
    tax: int
    company_net: int = 0
    """The untaxed amount in company currency, of a document at Magento's rate."""
    apart: bool = False
    """Whether it is the part of a line that gets a line of its own (`apart` of `money_lines`)."""
    percent: Decimal = Decimal(0)
    """The rate of its tax in Magento."""
    under: LineTax = field(default_factory=LineTax)
    """The tax with the rule that chose it."""


@dataclass(frozen=True)
class MoneyLines:
    """Hold the lines of a document, their sums in units, and the problems that prevent it."""

    lines: list[MoneyLine]
    problems: list[RequestProblem]
    untaxed: int
    tax: int
    fiscal_position: str | None = None
    company_tax: int | None = None
    """The tax in company currency, of an invoice or credit memo at Magento's rate."""

    @property
    def total(self) -> int:
        """Return the untaxed amount and the tax together, in units."""
        return self.untaxed + self.tax

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """Return the net and tax in units under each tax, rule and rate: what the change is kept with, without personal data."""
        sums: dict[tuple[str, str, str], list[int]] = {}
        for line in self.lines:
            at = sums.setdefault((line.under.name, line.under.rule, figure(line.percent)), [0, 0])
            at[0], at[1] = at[0] + line.untaxed, at[1] + line.tax
        return [
            {"tax": name, "rule": rule, "rate": rate, "net": net, "tax_amount": tax}
            for (name, rule, rate), (net, tax) in sums.items()
        ]

    def expect(self, currency: str) -> ExpectedTotals:
        """Return the totals in units that Odoo must show before the document is posted."""
        return ExpectedTotals(self.untaxed, self.tax, self.total, currency)


def money_lines(
    sources: Sources, order: CanonicalDocument, document: CanonicalDocument, apart: Mapping[str, int] | None = None
) -> MoneyLines:
    """Return the lines of a Magento order, invoice or credit memo, rounded to the currency so that they sum to the header.

    apart: quantities by item key (units) that get a line of their own.
    """
    decimals = decimals_of(sources, document.currency)
    known = adjusted(
        sources, order, document, lambda line: _tax(sources, order, line, line, line.tax_percent, line.tax),
        (decimals, decimals_of(sources, document.company_currency)),
    )  # fmt: skip
    if known.problem:
        return MoneyLines([], [known.problem], document.grand_total - document.tax, document.tax)
    document = known.document
    extras, unknown = extra_lines(sources, order, document)
    if unknown:
        return MoneyLines([], unknown, document.grand_total - document.tax, document.tax)
    pieces = [
        piece
        for line in (*(line for line in document.lines if line.role != "extra"), *extras)
        if line.is_money and (line.untaxed or line.tax or _quantity(line) or is_refunded_whole(line))
        for piece in _pieces(line, (apart or {}).get(str(line.item_key), 0) if line.role == "item" else 0)
    ]
    carried = [line for line, _ in pieces]
    untaxed_total = rounded(document.grand_total, decimals) - rounded(document.tax, decimals)
    untaxed = apportion([line.untaxed for line in carried], untaxed_total, decimals)
    taxes = apportion([line.tax for line in carried], rounded(document.tax, decimals), decimals)
    if untaxed is None or taxes is None:
        problem = RequestProblem("arithmetic", _not_adding_up(document, carried), FindingType.ARITHMETIC)
        return MoneyLines([], [problem], untaxed_total, rounded(document.tax, decimals))
    company = _in_company(sources, document, carried)
    if company is None:
        problem = RequestProblem("arithmetic", _not_adding_up_in_base(document, carried), FindingType.ARITHMETIC)
        return MoneyLines([], [problem], untaxed_total, rounded(document.tax, decimals))
    problems: list[RequestProblem] = []
    lines: list[MoneyLine] = []
    positions: list[str] = []
    checked: list[tuple[int, int, int, Decimal]] = []
    for (source, is_apart), net, tax, in_company in zip(pieces, untaxed, taxes, company, strict=True):
        ordered = _ordered(order, source)
        if ordered is None and source.role == "item":
            problems.append(_taken_off(document, source))
            continue
        if ordered and not source.sku:
            source = replace(source, sku=ordered.sku)
        problems += _unknown_type(order, ordered)
        percent = ordered.tax_percent if ordered and source.tax_percent is None else source.tax_percent
        chosen = known.taxes.get(source.line_id) or _tax(sources, order, ordered, source, percent, tax)
        sold = ordered or source
        problems += gift_card_problems(sources, sold, tax, document.currency)
        product_id = _product(sources, sold if sold.role == "item" else source, problems)
        problems += finer_than_odoo(sources, sold.sku, _quantity(source)) if source.role == "item" else []
        problems += [chosen.problem] if chosen.problem else []
        positions += [chosen.fiscal_position] if chosen.fiscal_position else []
        if chosen.as_charged and not percent:
            excess = above_its_base(document, sold, net, tax)
            problems += [excess] if excess else []
        else:
            checked.append(_plausibility(order, source, net, tax, percent))
        line = _line(sources, document, source, product_id, chosen.tax_id, net, tax, in_company)
        lines.append(replace(line, apart=is_apart, percent=percent or Decimal(0), under=chosen))
    complaint = implausible(checked, document.currency) if checked and not problems else None
    problems += [RequestProblem(f"tax_mismatch/{document.number}", complaint)] if complaint else []
    at_rate = document.kind != Kind.ORDER and takes_magento_rate(sources, document)
    return MoneyLines(
        lines, list(dict.fromkeys(problems)), sum(untaxed), sum(taxes), positions[0] if positions else None,
        sum(each.tax for each in company) if at_rate else None,
    )  # fmt: skip


def is_foreign(sources: Sources, document: CanonicalDocument) -> bool:
    """Return whether a document is in another currency than Odoo's company, or than Magento's base where that is not known yet."""
    company = sources.master.only("res.company", "company")
    own = company.data.get("currency_id") if company is not None else None
    return document.currency != (str(own[1]) if own else document.company_currency or document.currency)


def takes_odoo_rate(sources: Sources, document: CanonicalDocument) -> bool:
    """Return whether Odoo's own rate gives a document's amounts in company currency, as the setting `company_rate` says."""
    return sources.instance.company_rate == "odoo" and is_foreign(sources, document)


def takes_magento_rate(sources: Sources, document: CanonicalDocument) -> bool:
    """Return whether Magento's base amounts are a document's amounts in company currency."""
    foreign = document.company_currency not in ("", document.currency)
    return foreign and not takes_odoo_rate(sources, document)


class InCompany(NamedTuple):
    """Hold a line's amounts in company currency, in units."""

    net: int
    tax: int


def _in_company(
    sources: Sources, document: CanonicalDocument, lines: Sequence[CanonicalLine]
) -> list[InCompany] | None:
    """Return the lines' amounts in company currency; those of an invoice or credit memo sum to its header's.

    None when the base amounts of its lines are further from the header than rounding can explain. Of a document that
    does not take Magento's rate they are not used.
    """
    rounded_lines = [InCompany(rounded(line.base_untaxed), rounded(line.base_tax)) for line in lines]
    if document.kind == Kind.ORDER or not takes_magento_rate(sources, document):
        return rounded_lines
    decimals = decimals_of(sources, document.company_currency)
    total, tax = rounded(document.base_grand_total, decimals), rounded(document.base_tax, decimals)
    nets = apportion([line.base_untaxed for line in lines], total - tax, decimals)
    taxes = apportion([line.base_tax for line in lines], tax, decimals)
    if nets is None or taxes is None:
        return None
    return [InCompany(net, tax) for net, tax in zip(nets, taxes, strict=True)]


def _not_adding_up_in_base(document: CanonicalDocument, lines: Sequence[CanonicalLine]) -> str:
    """Return by how much the base amounts of a document's lines differ from its header."""
    untaxed, tax = sum(line.base_untaxed for line in lines), sum(line.base_tax for line in lines)
    wanted, currency = document.base_grand_total - document.base_tax, document.company_currency
    return (
        f"in Magento's base currency the lines of {document.number} give {shown(untaxed, currency)} {currency} and tax"
        f" {shown(tax, currency)}, it says {shown(wanted, currency)} and {shown(document.base_tax, currency)}: they cannot be its"
        " amounts in company currency. Enter it by hand"
    )


def _not_adding_up(document: CanonicalDocument, lines: Sequence[CanonicalLine]) -> str:
    """Return which sum of a document's lines does not add up, by how much, and the figures."""
    untaxed, tax = sum(line.untaxed for line in lines), sum(line.tax for line in lines)
    wanted, currency = document.grand_total - document.tax, document.currency
    flaw = str(document.details.get("flaw") or "")
    figures = (
        f"the lines of {document.number} give {shown(untaxed, currency)} and tax {shown(tax, currency)}, it says"
        f" {shown(wanted, currency)} and {shown(document.tax, currency)}"
    )
    return f"{figures}. {flaw}" if flaw else figures


def _tax(
    sources: Sources,
    order: CanonicalDocument,
    ordered: CanonicalLine | None,
    source: CanonicalLine,
    percent: Decimal | None,
    tax: int,
) -> LineTax:
    if is_untaxed(sources, ordered or source):
        return LineTax()
    line, setting = ordered or source, setting_of(sources, source) if source.role == "extra" else None
    chosen = extra_tax(sources, order, source, setting, tax) if setting else tax_of(sources, order, line, percent, tax)
    if setting and setting.nature is Nature.LEVY and not setting.in_tax_base:
        return chosen
    if tax or chosen.problem or chosen.tax_id is not None or line.role == "item":
        return chosen
    return beside_zero_goods(sources, order, line, [each for each in order.lines if not is_untaxed(sources, each)])


def apportion(parts: Sequence[int], total: int, decimals: int) -> list[int] | None:
    """Return the parts rounded so that they sum to `total` exactly; the rounding difference goes to the largest.

    None when the parts are further from the total than rounding can explain.
    """
    step = 10 ** (4 - decimals)
    values = [rounded(part, decimals) for part in parts]
    left = total - sum(values)
    if left and (abs(left) > step * len(values) or not values):
        return None
    if left:
        largest = max(range(len(values)), key=lambda index: abs(values[index]))
        values[largest] += left
    return values


def _pieces(line: CanonicalLine, apart: int) -> list[tuple[CanonicalLine, bool]]:
    """Return a line, or its parts of `apart` and the rest, each with whether it is apart; amounts by quantity, none is lost."""
    if apart <= 0 or apart >= line.quantity:
        return [(line, apart > 0)]
    amounts = {name: getattr(line, name) for name in _DIVIDED}
    first = {name: value * apart // line.quantity for name, value in amounts.items()}
    rest = {name: value - first[name] for name, value in amounts.items()}
    return [
        (replace(line, quantity=apart, **first), True),
        (replace(line, quantity=line.quantity - apart, **rest), False),
    ]


def _line(
    sources: Sources,
    document: CanonicalDocument,
    source: CanonicalLine,
    product_id: int,
    tax_id: int | None,
    net: int,
    tax: int,
    company: InCompany,
) -> MoneyLine:
    none = is_refunded_whole(source)
    quantity = from_units(0 if none else _quantity(source) or 10_000)
    price, discount = _price(source, quantity, net, exact=tax_id is None)
    extra = ""
    if tax_id is not None and not none:
        extra = _forced(sources, document, source, tax_id, quantity, price, discount, InCompany(net, tax), company)
    return MoneyLine(source, product_id, _name(source), quantity, price, discount, tax_id, extra, net, tax, company.net)


def _price(source: CanonicalLine, quantity: Decimal, net: int, exact: bool) -> tuple[Decimal, Decimal]:
    """Return unit price before discount and discount percent; `exact` when Odoo itself must arrive at the net amount from them."""
    gross = from_units(source.gross) if source.gross else from_units(net)
    price = from_units(source.price)
    if (price * quantity).quantize(Decimal("0.0001")) != gross:
        price = (gross / quantity).quantize(_PRICE, ROUND_HALF_UP)
    reduced = from_units(-source.discount)
    discount = (reduced / gross * 100).quantize(_PERCENT, ROUND_HALF_UP) if gross > 0 and reduced > 0 else Decimal(0)
    # Unrounded: with rounding per document Odoo adds up the digits after the cents (docs/facts/odoo-19.0.md#3).
    if exact and price * quantity * (100 - discount) / 100 != from_units(net):
        return (from_units(net) / quantity).quantize(_PRICE, ROUND_HALF_UP), Decimal(0)
    return price, discount


def _forced(
    sources: Sources, document: CanonicalDocument, source: CanonicalLine, tax_id: int,
    quantity: Decimal, price: Decimal, discount: Decimal, own: InCompany, company: InCompany,
) -> str:  # fmt: skip
    """Return `extra_tax_data` (docs/facts/pair.md#2.1): it must repeat the line's price, discount and quantity or Odoo ignores it.

    Without rate and company amounts, Odoo converts at its own rate.
    """
    currency = sources.master.only("res.currency", document.currency)
    same = document.currency == document.company_currency or not document.company_currency
    base = own if same else company
    taxes = {"base_amount_currency": from_units(own.net), "tax_amount_currency": from_units(own.tax)}
    data: dict[str, Any] = {
        "currency_id": currency.id if currency else 0, "price_unit": price, "discount": discount, "quantity": quantity,
        "manual_total_excluded_currency": from_units(own.net),
    }  # fmt: skip
    if document.kind == Kind.ORDER or not takes_odoo_rate(sources, document):
        data |= {"rate": Decimal(1) if same else document.rate, "manual_total_excluded": from_units(base.net)}
        taxes |= {"base_amount": from_units(base.net), "tax_amount": from_units(base.tax)}
    return dump_json({**data, "manual_tax_amounts": {str(tax_id): taxes}})


def _product(sources: Sources, line: CanonicalLine, problems: list[RequestProblem]) -> int:
    names = sources.instance.odoo
    sku = sku_of(sources, line) if is_gift_card(sources, line) else line.sku  # of an item, or of an amount of its own
    if line.role == "shipping":
        sku = names.shipping_product
    elif line.role == "discount":
        sku = names.shipping_discount_product
    elif line.role == "adjustment":
        sku = names.adjustment_plus_product if line.untaxed >= 0 else names.adjustment_minus_product
    found = sources.master.active("product.product", sku)
    if len(found) != 1:
        why = f"{len(found)} active products" if found else "no active product"
        problems.append(RequestProblem(f"sku:{sku}", f"Odoo shows {why} with the reference {sku!r}"))
        return 0
    return found[0].id


def _plausibility(
    order: CanonicalDocument, source: CanonicalLine, net: int, tax: int, percent: Decimal | None
) -> tuple[int, int, int, Decimal]:
    if source.role != "discount":
        return net, source.gross or net, tax, percent or Decimal(0)
    shipping = next((line.tax_percent for line in order.lines if line.role == "shipping"), None)
    return net, 0, tax, shipping or Decimal(0)


def _taken_off(document: CanonicalDocument, source: CanonicalLine) -> RequestProblem:
    """Return the problem of a line that an edit of the order removed after it was invoiced: only the order has its rate and product."""
    name = source.sku or source.name or f"item {source.item_key}"
    return RequestProblem(
        f"removed:{source.item_key}",
        f"{name} on {document.number} is no item of the order any more: it was taken off the order after it was invoiced",
        FindingType.NOT_REPRESENTABLE,
        f"Book {document.number} in Odoo by hand on the order, with its number as reference; or refund the line in Magento",
    )


def _ordered(order: CanonicalDocument, line: CanonicalLine) -> CanonicalLine | None:
    """Return the order's line of a document's line: only it has rate and product type (docs/facts/magento-2.4.7-more.md#1.1)."""
    for own in order.lines:
        if own.role == line.role and (line.role != "item" or own.item_key == line.item_key):
            return own
    return None


def _unknown_type(order: CanonicalDocument, ordered: CanonicalLine | None) -> list[RequestProblem]:
    """Return a problem for a row with parts if Magento does not state whether the amounts are on the parts or on the row (docs/facts/pair.md#1)."""
    if ordered is None or ordered.role != "item" or ordered.product_type:
        return []
    if not any(line.parent_item_key == ordered.item_key for line in order.lines):
        return []
    why = f"Magento does not say whether {ordered.sku!r} is a bundle or a product with variants"
    return [RequestProblem(f"product_type:{ordered.sku}", why)]


def _quantity(line: CanonicalLine) -> int:
    return line.quantity or line.qty_ordered


def _name(line: CanonicalLine) -> str:
    if line.role == "item":
        return f"[{line.sku}] {line.name}" if line.name else line.sku
    return line.name or {"shipping": "Shipping", "discount": "Shipping discount"}.get(line.role, "Adjustment")


def decimals_of(sources: Sources, currency: str) -> int:
    """Return the number of decimals of a currency in Odoo; 2 where it is not known."""
    record = sources.master.only("res.currency", currency)
    places = record.data.get("decimal_places") if record else None
    return min(4, int(places)) if places is not None else 2


def is_gift_card(sources: Sources, line: CanonicalLine) -> bool:
    """Return whether a line of the order sells a gift card, by its product type or as the settings list its SKU."""
    sold = sources.instance.gift_cards_sold
    types = sold.product_types if sold else GIFT_CARD_TYPES
    return line.role == "item" and (line.product_type in types or bool(sold and line.sku in sold.skus))


def sku_of(sources: Sources, line: CanonicalLine) -> str:
    """Return the internal reference of the Odoo product that a gift card is sold as."""
    sold = sources.instance.gift_cards_sold
    return (sold.product if sold else None) or line.sku


def is_untaxed(sources: Sources, line: CanonicalLine) -> bool:
    """Return whether a line sells a card that is taxed when it is redeemed."""
    sold = sources.instance.gift_cards_sold
    return is_gift_card(sources, line) and sold is not None and sold.purpose == "multi_purpose"


def gift_card_problems(sources: Sources, line: CanonicalLine, tax: int, currency: str) -> list[RequestProblem]:
    """Return why a gift card cannot be sold: its purpose is not set, or a card for anything carries tax (units)."""
    if not is_gift_card(sources, line):
        return []
    if sources.instance.gift_cards_sold is None:
        message = f"{line.sku} is a gift card ({line.product_type}): say under `gift_cards_sold` what its sale is"
        return [RequestProblem(f"gift_card:{line.sku}", message)]
    if is_untaxed(sources, line) and tax:
        message = f"the gift card {line.sku} was sold with tax {shown(tax, currency)}, and `gift_cards_sold` says multi_purpose, which carries none"
        return [RequestProblem(f"gift_card:{line.sku}", message)]
    return []
