"""Amounts of documents by country and tax rate: net and tax in units of 1/10000, added cell by cell, never rounded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

AS_CHARGED = "as charged"
"""The rate of a tax of any rate whose amount is the one that Magento charged."""


class Cell(NamedTuple):
    """Country and tax rate of an amount: ISO code of the destination ("": unknown) and percent.

    Instead of the percent, "": several taxes that cannot be separated, or AS_CHARGED.
    """

    country: str
    rate: str


class Amount(NamedTuple):
    """Net and tax in units of 1/10000."""

    net: int = 0
    tax: int = 0

    @property
    def total(self) -> int:
        """Return net plus tax."""
        return self.net + self.tax


NOTHING = Amount()


@dataclass(frozen=True)
class Figures:
    """Amounts by cell; cells whose net and tax are zero are left out."""

    cells: Mapping[Cell, Amount] = field(default_factory=dict)

    @property
    def sum(self) -> Amount:
        """Return the sum over all cells."""
        return Amount(sum(one.net for one in self.cells.values()), sum(one.tax for one in self.cells.values()))

    @property
    def total(self) -> int:
        """Return net plus tax over all cells."""
        return self.sum.total

    def __add__(self, other: Figures) -> Figures:
        return added((self, other))

    def __sub__(self, other: Figures) -> Figures:
        return self + -other

    def __neg__(self) -> Figures:
        return Figures({cell: Amount(-one.net, -one.tax) for cell, one in self.cells.items()})

    def __bool__(self) -> bool:
        return bool(self.cells)


def added(several: Iterable[Figures]) -> Figures:
    """Return the sum, cell by cell; cells that become zero are left out."""
    sums: dict[Cell, Amount] = {}
    for figures in several:
        for cell, one in figures.cells.items():
            known = sums.get(cell, NOTHING)
            sums[cell] = Amount(known.net + one.net, known.tax + one.tax)
    return Figures({cell: one for cell, one in sums.items() if one != NOTHING})


def charged(figures: Figures, countries: Collection[str], named: Collection[Cell]) -> Figures:
    """Return the figures with what was taxed in these countries at AS_CHARGED, whatever its rate; cells of `named` keep theirs."""
    sums: dict[Cell, Amount] = {}
    for cell, one in figures.cells.items():
        of_any_rate = one.tax and cell.country in countries and cell not in named
        place = Cell(cell.country, AS_CHARGED) if of_any_rate else cell
        known = sums.get(place, NOTHING)
        sums[place] = Amount(known.net + one.net, known.tax + one.tax)
    return Figures({cell: one for cell, one in sums.items() if one != NOTHING})


class LineSum(NamedTuple):
    """The sum of a document's lines of one role and tax rate, in units of 1/10000."""

    role: str
    rate: Decimal | None
    net: int
    tax: int


def split(net: int, tax: int, country: str, lines: Iterable[LineSum]) -> Figures:
    """Split a document's header amounts over the tax rates of its lines; the sum is exact.

    What the lines leave over goes to the largest cell: Odoo's header is not the sum of its lines when the company rounds globally
    (docs/facts/odoo-19.0.md#3). A discount on shipping has no rate in Magento and gets that of the shipping line.
    """
    rows = list(lines)
    shipping = next((row.rate for row in rows if row.role == "shipping"), None)
    sums: dict[Cell, Amount] = {}
    for row in rows:
        rate = shipping if row.role == "discount" and not row.tax and shipping is not None else row.rate
        cell = Cell(country, written(rate) if rate is not None or not row.tax else "")
        known = sums.get(cell, NOTHING)
        sums[cell] = Amount(known.net + row.net, known.tax + row.tax)
    largest = max(
        sums,
        key=lambda cell: (abs(sums[cell].tax), abs(sums[cell].net), cell),
        default=Cell(country, "" if tax else "0"),
    )
    known = sums.get(largest, NOTHING)
    whole = Figures(sums).sum
    sums[largest] = Amount(known.net + net - whole.net, known.tax + tax - whole.tax)
    return Figures({cell: one for cell, one in sums.items() if one != NOTHING})


def written(rate: Decimal | None) -> str:
    """Return a tax rate in percent as text without trailing zeros: `19`, `8.25`; None is `0`."""
    return f"{Decimal(rate or 0).normalize():f}"
