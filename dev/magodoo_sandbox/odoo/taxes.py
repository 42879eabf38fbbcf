"""Base and tax of document lines, as Odoo 18 and 19 compute and round them (docs/facts/pair.md#2).

`extra_tax_data` on a line forces its base and its tax, but only if it repeats the line's currency, price, discount and
quantity and names every tax of the line; otherwise it is ignored without a word (docs/facts/pair.md#2.1).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo.fields import ZERO, number, rounded
from magodoo_sandbox.odoo.store import Row

HUNDRED = Decimal(100)


@dataclass
class Part:
    """One amount in the document's currency and in the company's: before rounding, and rounded."""

    raw: Decimal = ZERO
    raw_company: Decimal = ZERO
    amount: Decimal = ZERO
    company: Decimal = ZERO

    def round(self, digits: int, company_digits: int) -> None:
        self.amount, self.company = rounded(self.raw, digits), rounded(self.raw_company, company_digits)


@dataclass
class TaxedLine:
    """What one line contributes. `subtotal` and `total` are its own columns, `base` is what is booked for it."""

    base: Part
    taxes: dict[int, Part] = field(default_factory=dict)
    subtotal: Decimal = ZERO
    total: Decimal = ZERO


@dataclass(frozen=True)
class Terms:
    """The document's side of the computation. `rate` is units of document currency per unit of company currency."""

    currency: int
    company_currency: int
    rate: Decimal
    digits: int
    company_digits: int
    globally: bool


def compute(lines: list[Row], taxes: dict[int, Row], terms: Terms, quantity: str = "quantity") -> list[TaxedLine]:
    """One TaxedLine per row; with round_globally cents are moved so that sums are those of the raw amounts."""
    results = [_line(line, taxes, terms, quantity) for line in lines]
    if terms.globally:
        _spread_globally(results, terms)
    return results


def _line(line: Row, taxes: dict[int, Row], terms: Terms, quantity: str) -> TaxedLine:
    price = number(line.get("price_unit"))
    discount = number(line.get("discount"))
    raw = price * (1 - discount / HUNDRED) * number(line.get(quantity))
    own = [taxes[tax] for tax in line.get("tax_ids") or [] if tax in taxes]
    if not terms.globally:
        raw = rounded(raw, terms.digits)
    inside = [tax for tax in own if tax.get("price_include_override") == "tax_included"]
    included = sum((tax.get("amount", ZERO) for tax in inside), ZERO)
    base = raw / (1 + included / HUNDRED) if included else raw
    amounts = {tax["id"]: base * tax.get("amount", ZERO) / HUNDRED for tax in own}
    if not terms.globally:
        amounts = {tax: rounded(amount, terms.digits) for tax, amount in amounts.items()}
        base = raw - sum((amounts[tax["id"]] for tax in inside), ZERO)
    result = TaxedLine(Part(base, base / terms.rate))
    for tax in own:
        result.taxes[tax["id"]] = Part(amounts[tax["id"]], amounts[tax["id"]] / terms.rate)
    _force(result, line, terms, quantity)
    for part in (result.base, *result.taxes.values()):
        part.round(terms.digits, terms.company_digits)
    result.subtotal = result.base.amount
    result.total = result.subtotal + sum((part.amount for part in result.taxes.values()), ZERO)
    return result


def _force(result: TaxedLine, line: Row, terms: Terms, quantity: str) -> None:
    data = line.get("extra_tax_data")
    if not data or not _applies(data, line, terms, quantity):
        return
    manual = data["manual_tax_amounts"]
    if not result.taxes or any(str(tax) not in manual for tax in result.taxes):
        return
    scale = _scale(data, terms)
    if "manual_total_excluded_currency" in data:
        company = data.get("manual_total_excluded")
        result.base = _forced(data["manual_total_excluded_currency"], company, terms, scale)
    for tax in result.taxes:
        amounts = manual[str(tax)]
        if "tax_amount_currency" in amounts:
            result.taxes[tax] = _forced(amounts["tax_amount_currency"], amounts.get("tax_amount"), terms, scale)


def _applies(data: Any, line: Row, terms: Terms, quantity: str) -> bool:
    """Missing keys and text fail as in Odoo: KeyError 'currency_id', AttributeError (docs/facts/pair.md#2.1)."""
    if not data.get("manual_tax_amounts"):
        return False
    if int(data["currency_id"]) != terms.currency:
        return False
    return all(
        rounded(number(data[key])) == rounded(number(line.get(own)))
        for key, own in (("price_unit", "price_unit"), ("discount", "discount"), ("quantity", quantity))
    )


def _scale(data: Row, terms: Terms) -> Decimal:
    """Company amounts were meant for `rate`; with another rate on the document Odoo scales them (docs/facts/pair.md#6)."""
    rate = number(data.get("rate"))
    return rate / terms.rate if rate else Decimal(1)


def _forced(amount: Any, company: Any, terms: Terms, scale: Decimal) -> Part:
    raw = number(amount)
    if terms.currency == terms.company_currency:
        return Part(raw, raw)
    return Part(raw, raw / terms.rate if company is None else number(company) * scale)


def _spread_globally(results: list[TaxedLine], terms: Terms) -> None:
    """Round the untaxed amount once for the whole document, each tax once."""
    groups: dict[int, list[Part]] = defaultdict(list)
    for result in results:
        groups[0].append(result.base)
        for tax, part in result.taxes.items():
            groups[tax].append(part)
    for parts in groups.values():
        if len(parts) > 1:
            _spread(parts, terms)


def _spread(parts: list[Part], terms: Terms) -> None:
    """Move the cents that single rounding lost onto the largest amounts."""
    missing = rounded(sum((p.raw for p in parts), ZERO), terms.digits) - sum((p.amount for p in parts), ZERO)
    company = sum((p.raw_company for p in parts), ZERO)
    missing_company = rounded(company, terms.company_digits) - sum((p.company for p in parts), ZERO)
    if not missing and not missing_company:
        return
    largest = max(parts, key=lambda part: abs(part.raw))
    largest.amount += missing
    largest.company += missing_company
