"""Read the header amounts of a Magento document, and derive the lines beside its items.

These are shipping, discounts and extra totals; what was paid by gift card or credit is read here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.fields import Row
from magodoo.money import plain, rounded, shown
from magodoo.settings import Instance
from magodoo.settings.extra_totals import REFUNDED_TO, TENDERED, Nature

DEEPEST = 6


def amount(row: Row, path: str, prefix: str = "") -> int:
    """Return the units of one field; 0 where it is absent. `prefix` goes before its last name; `name[]` adds the rows of a list.

    Raises:
        Unreadable: The value is no amount.
    """
    first, _, rest = path.partition(".")
    if not rest:
        return fields.units(row, f"{prefix}{first}")
    if first.endswith("[]"):
        return sum(amount(each, rest, prefix) for each in fields.rows(row, first.removesuffix("[]")))
    return amount(fields.inner(row, first), rest, prefix)


def holding(row: Row, units: int) -> list[str]:
    """Return the paths of the fields that hold exactly this amount, of either sign; of lists those whose rows sum to it."""
    sums: dict[str, int] = {}
    for path, value in _numbers(row, "", DEEPEST):
        sums[path] = sums.get(path, 0) + value
    return sorted(path for path, value in sums.items() if abs(value) == abs(units))


def _counts(name: str) -> bool:
    """Return whether a field holds an id or a quantity: a small one often equals an amount by chance."""
    return name in ("id", "qty") or name.endswith(("_id", "_qty")) or name.startswith(("qty_", "total_qty"))


def _numbers(value: Any, path: str, depth: int) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping) and depth:
        for name, inner in value.items():
            if _counts(str(name)):
                continue
            yield from _numbers(inner, f"{path}.{name}" if path else str(name), depth - 1)
    elif isinstance(value, list) and depth:
        for inner in value:
            yield from _numbers(inner, f"{path}[]", depth - 1)
    elif type(value) in (int, Decimal) and abs(value) < 10**9:
        yield path, fields.units({path: value}, path)


def tendered(instance: Instance, row: Row, prefix: str = "") -> dict[str, int]:
    """Return units by name of `extra_totals` of what was paid beside the payment method; only what is not 0.

    Read from known fields of Adobe Commerce, and those that the settings name. With the prefix `base_` in base
    currency; where an extension has no such field, the amount is converted at the document's rate.
    """
    given = fields.inner(row, "extension_attributes")
    found = {
        name: sum(fields.units(given if given.get(field) is not None else row, f"{prefix}{field}") for field in known)
        for name, known in TENDERED.items()
    }
    for name, extra in instance.extra_totals.items():
        if extra.nature is Nature.PAYMENT_PART and extra.fields:
            found[name] = sum(_taken_off(row, path, prefix) for path in extra.fields)
    return {name: units for name, units in found.items() if units}


def refunded_to(instance: Instance, row: Row) -> dict[str, int]:
    """Return units by name of `extra_totals` of what an order or credit memo shows as refunded to credit or points."""
    given = fields.inner(row, "extension_attributes")
    found = {
        name: max(fields.units(source, field) for source in (given, row) for field in known)
        for name, known in REFUNDED_TO.items()
    }
    for name, extra in instance.extra_totals.items():
        if extra.refunded_fields:
            found[name] = sum(abs(amount(row, path)) for path in extra.refunded_fields)
    return {name: units for name, units in found.items() if units > 0}


def _taken_off(row: Row, path: str, prefix: str) -> int:
    """Return an amount that lowers the total as a positive number: extensions write it with either sign."""
    shown = abs(amount(row, path, prefix))
    if shown or not prefix:
        return shown
    return round(abs(amount(row, path)) / fields.rate(row, "base_to_order_rate"))


ONE = 10_000


@dataclass(frozen=True)
class Totals:
    """Hold header amounts in units, in order currency or, read with the prefix `base_`, in base currency.

    Attributes:
        discount: The discount with the compensations.
        grand_total: What was sold: what was paid by gift card, store credit or points is in it.
    """

    subtotal: int
    shipping: int
    shipping_tax: int
    discount: int
    adjustment: int
    tax: int
    grand_total: int

    @classmethod
    def of(cls, row: Row, parts: int, prefix: str = "", *, adjusted: bool = True) -> Totals:
        """Return the header amounts of a row.

        parts: units paid by gift card, store credit or points. adjusted: False for orders, whose adjustments are
        those of their credit memos.
        """
        # The base name is truncated on orders and invoices (docs/facts/magento-2.4.7-more.md#1.1).
        compensations = (
            f"{prefix}discount_tax_compensation_amount",
            "base_shipping_discount_tax_compensation_amnt" if prefix else "shipping_discount_tax_compensation_amount",
        )
        return cls(
            subtotal=fields.units(row, f"{prefix}subtotal"),
            shipping=fields.units(row, f"{prefix}shipping_amount"),
            shipping_tax=fields.units(row, f"{prefix}shipping_tax_amount"),
            discount=fields.units(row, f"{prefix}discount_amount")
            + sum(fields.units(row, name) for name in compensations),
            adjustment=_adjustment(row, prefix) if adjusted else 0,
            tax=fields.units(row, f"{prefix}tax_amount"),
            grand_total=fields.units(row, f"{prefix}grand_total") + parts,
        )

    @property
    def parts(self) -> int:
        """Return the sum of subtotal, shipping, discount, adjustment and tax."""
        return self.subtotal + self.shipping + self.discount + self.adjustment + self.tax

    @property
    def beside(self) -> int:
        """Return what the grand total holds in no part.

        It is 0 by Magento's own identity (docs/facts/magento-2.4.7-more.md#1.1), except for fixed product tax beside the
        subtotal, and for what extensions add.
        """
        return self.grand_total - self.parts

    def write(self, document: CanonicalDocument, base: Totals, extra: int) -> None:
        """Write the header of a document; `extra` is what it sold beside its parts, and counts to the subtotal."""
        document.subtotal, document.shipping, document.discount = self.subtotal + extra, self.shipping, self.discount
        document.adjustment, document.tax, document.grand_total = self.adjustment, self.tax, self.grand_total
        document.untaxed = self.grand_total - self.tax
        document.base_grand_total, document.base_tax = base.grand_total, base.tax


def _adjustment(row: Row, prefix: str) -> int:
    return fields.units(row, f"{prefix}adjustment_positive") - fields.units(row, f"{prefix}adjustment_negative")


def shipping_line(
    totals: Totals, base: Totals, *, name: str = "", tax_percent: Decimal | None = None
) -> list[CanonicalLine]:
    """Return one line when there is shipping, else none; its tax is part of the header's tax already."""
    if not totals.shipping and not totals.shipping_tax:
        return []
    line = CanonicalLine(
        line_id="shipping", role="shipping", name=name, quantity=ONE, price=totals.shipping, gross=totals.shipping,
        untaxed=totals.shipping, tax=totals.shipping_tax, base_untaxed=base.shipping, base_tax=base.shipping_tax,
        tax_percent=tax_percent if totals.shipping_tax else Decimal(0), qty_ordered=ONE,
    )  # fmt: skip
    return [line]


@dataclass(frozen=True)
class Sums:
    """Hold the sums of a document's items, in units: rows before discount, their tax, rows in base currency, fixed product tax.

    fixed_tax is None where the items do not show it.
    """

    rows: int
    tax: int
    base_rows: int
    fixed_tax: int | None
    count: int

    @classmethod
    def of(cls, lines: Sequence[CanonicalLine], base_rows: int, fixed_tax: int | None) -> Sums:
        """Return the sums of a document's lines that carry money."""
        money = [line for line in lines if line.is_money]
        return cls(sum(line.gross for line in money), sum(line.tax for line in money), base_rows, fixed_tax, len(money))


def totals_of(
    instance: Instance, document: CanonicalDocument, row: Row, *, adjusted: bool = True
) -> tuple[Totals, Totals]:
    """Return the header in order and in base currency.

    What was tendered is stored in `details.tendered`, what was refunded to credit in `details.refunded_to`.
    """
    parts, base_parts = tendered(instance, row), tendered(instance, row, "base_")
    if parts:
        document.details |= {"tendered": parts, "tendered_base": sum(base_parts.values())}
    if credited := refunded_to(instance, row):
        document.details["refunded_to"] = credited
    return (
        Totals.of(row, sum(parts.values()), adjusted=adjusted),
        Totals.of(row, sum(base_parts.values()), "base_", adjusted=adjusted),
    )


def complete(document: CanonicalDocument, totals: Totals, base: Totals, sums: Sums, flaw: str = "") -> None:
    """Add the lines that follow from the header, write the header, and set whether the document adds up.

    flaw: why its rows could not be read. `details.flaw` names the sums that fail, also where a line of its own
    explains them.
    """
    gaps = _gaps(totals, sums)
    document.lines += remainder_line(document.lines, totals, base, base.subtotal - sums.base_rows if gaps.rows else 0)
    extra = extra_line(document.lines, totals, base) if not flaw and gaps.may_be_extra(sums) else []
    document.lines += extra
    document.sound = not flaw and gaps.are_fixed_tax(sums)
    totals.write(document, base, totals.beside if extra else 0)
    flaws = [flaw] if flaw else gaps.words(totals, sums, document.currency)
    if flaws:
        document.details["flaw"] = ". ".join(f"{each[0].upper()}{each[1:]}" for each in flaws)


@dataclass(frozen=True)
class _Gaps:
    """Hold how far each sum is from the header: grand total, subtotal, tax; units, header less sum."""

    total: int
    rows: int
    tax: int

    @property
    def net(self) -> int:
        return self.total + self.rows

    def are_fixed_tax(self, sums: Sums) -> bool:
        """Return whether nothing is left but the fixed product tax that the items show, beside or inside the subtotal, with its tax."""
        if not self.net:
            return not (self.total or self.rows or self.tax)
        return self.net == sums.fixed_tax and not (self.total and self.rows) and 0 <= self.tax <= self.net

    def may_be_extra(self, sums: Sums) -> bool:
        """Return whether the rest can be extra amounts with their tax: in the total, or as fixed product tax in the subtotal."""
        inside = self.rows > 0 and not self.total and bool(sums.count) and sums.fixed_tax in (None, self.rows)
        taxed = not self.tax or ((self.tax > 0) == (self.net > 0) and abs(self.tax) <= abs(self.net))
        return bool(self.net) and (not self.rows or inside) and taxed

    def words(self, totals: Totals, sums: Sums, currency: str) -> list[str]:
        """Return which sums fail, by how much, and from which figures; in parts of a cent only where the difference is one."""
        whole = all(rounded(gap) == gap for gap in (self.total, self.rows, self.tax))

        def money(units: int) -> str:
            return shown(units, currency) if whole else plain(units)

        def gap(units: int) -> str:
            return f"{money(abs(units))} {'more' if units > 0 else 'less'}"

        found = []
        if self.total:
            adjustment = f", adjustment {money(totals.adjustment)}" if totals.adjustment else ""
            found.append(
                f"subtotal {money(totals.subtotal)}, shipping {money(totals.shipping)}, discount {money(totals.discount)}{adjustment}"
                f" and tax {money(totals.tax)} give {money(totals.parts)}, the grand total is {money(totals.grand_total)}:"
                f" {gap(self.total)}"
            )
        if self.rows:
            found.append(
                f"the rows give {money(sums.rows)}, the subtotal is {money(totals.subtotal)}: {gap(self.rows)}"
            )
        if self.tax:
            found.append(
                f"tax {money(sums.tax)} of the rows and {money(totals.shipping_tax)} of shipping, the tax is {money(totals.tax)}:"
                f" {gap(self.tax)}"
            )
        return found


def _gaps(totals: Totals, sums: Sums) -> _Gaps:
    return _Gaps(totals.beside, totals.subtotal - sums.rows, totals.tax - sums.tax - totals.shipping_tax)


def extra_line(lines: Sequence[CanonicalLine], totals: Totals, base: Totals) -> list[CanonicalLine]:
    """Return the line of what the totals hold in no item, shipping, discount or adjustment; `flows.extra_amounts` explains it."""
    amount = totals.grand_total - totals.tax - sum(line.untaxed for line in lines)
    tax = totals.tax - sum(line.tax for line in lines)
    if not amount and not tax:
        return []
    return [
        CanonicalLine(
            line_id="extra", role="extra", quantity=ONE, price=amount, gross=amount, untaxed=amount, tax=tax,
            base_untaxed=base.grand_total - base.tax - sum(line.base_untaxed for line in lines),
            base_tax=base.tax - sum(line.base_tax for line in lines), qty_ordered=ONE,
        )
    ]  # fmt: skip


def remainder_line(
    lines: Sequence[CanonicalLine], totals: Totals, base: Totals, base_inside: int
) -> list[CanonicalLine]:
    """Return the line of the header's discount that no item has: the discount on shipping, which has no field of its own (docs/facts/magento-2.4.7.md#6).

    base_inside: what the subtotal in base currency holds beside its rows. The amount has either sign where Magento
    spreads a share of it over credit memos without shipping (docs/facts/magento-2.4.7-more.md#1.3).
    """
    amount = totals.discount - sum(line.discount for line in lines)
    if not amount:
        return []
    goods = sum(line.base_untaxed for line in lines)
    base_amount = base.subtotal - base_inside + base.shipping + base.discount + base.adjustment - goods
    line = CanonicalLine(
        line_id="shipping_discount", role="discount", quantity=ONE, price=amount, gross=amount, untaxed=amount,
        base_untaxed=base_amount, tax_percent=Decimal(0), qty_ordered=ONE,
    )  # fmt: skip
    return [line]
