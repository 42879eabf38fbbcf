"""Compute what the rows of a Magento order cost before their discount: one reading, or none.

Over REST an order's `row_total` means something else in every other version (docs/facts/magento-versions.md): it is
never taken as it is. What keeps its meaning is `price` x `qty_ordered`, up to the rounding of the price, and since
2.3.1 the row including tax, from which tax and discount lead back to the stored row. The sum of the rows confirms a
reading and never chooses one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from magodoo.errors import Unreadable
from magodoo.extract import fields
from magodoo.extract.fields import Row
from magodoo.extract.magento_totals import Totals
from magodoo.money import parse_json, plain, rounded

CENT = 100  # units
Amounts = dict[str, int]


@dataclass(frozen=True)
class Rows:
    """Hold what the rows of an order cost before the discount.

    Attributes:
        gross: Units by item id, in order currency.
        base_gross: Units by item id, in base currency.
        flaw: Why there is no single reading, or "".
    """

    gross: Mapping[str, int]
    base_gross: Mapping[str, int]
    flaw: str = ""


@dataclass(frozen=True)
class _Reading:
    """Hold one way to read the rows: its name, its description, and what it gives (units by item id)."""

    name: str
    words: str
    gross: Amounts


def read_rows(items: Mapping[str, Row], header: Row) -> Rows:
    """Return the rows that carry money (by item id), read so that they sum to the header's subtotal, with or without fixed tax.

    A flaw names the figures: no reading adds up, or several do and differ in a row.
    """
    targets = _targets(items, header, "")
    closing = [each for each in _readings(items, "", targets) if sum(each.gross.values()) in targets]
    chosen, flaw = _only(closing, items)
    if chosen is None:
        chosen = closing[0] if closing else _by_price(items, "", cents=False)
        flaw = flaw or _nothing_closes(items, fields.units(header, "subtotal"), targets)
    names = {each.name for each in closing if each.gross == chosen.gross} or {chosen.name}
    base, base_flaw = _base(items, header, names)
    return Rows(chosen.gross, base, flaw or base_flaw)


def _only(closing: list[_Reading], items: Mapping[str, Row]) -> tuple[_Reading | None, str]:
    """Return the one reading among those that add up, and a flaw where two differ.

    Only the reading by price is dropped: the price is rounded, so a sum that it happens to give, with rows no further
    off than its rounding, is no argument against the rows themselves.
    """
    different = _distinct(closing)
    if len(different) < 2:
        return (different[0] if different else None), ""
    of_row = _distinct(each for each in closing if each.name != "price")
    if len(of_row) == 1 and all(_near(of_row[0], each, items) for each in different):
        return of_row[0], ""
    return None, _contradiction(different)


def _near(reading: _Reading, other: _Reading, items: Mapping[str, Row]) -> bool:
    return all(abs(reading.gross[key] - other.gross[key]) <= _leeway(item) for key, item in items.items())


def _distinct(readings: Iterable[_Reading]) -> list[_Reading]:
    found: list[_Reading] = []
    for reading in readings:
        if all(reading.gross != other.gross for other in found):
            found.append(reading)
    return found


def _readings(items: Mapping[str, Row], prefix: str, targets: set[int]) -> Iterator[_Reading]:
    by_price = _by_price(items, prefix)
    yield by_price
    if sum(by_price.gross.values()) != sum((exact := _by_price(items, prefix, cents=False)).gross.values()):
        yield exact
    if all(item.get(f"{prefix}row_total_incl_tax") is not None for item in items.values()):
        of_incl = _reading(items, prefix, "incl_tax", "row_total_incl_tax less tax, plus discount", _row_of_incl_tax)
        yield of_incl
        if fixed_tax(items.values()) and sum(of_incl.gross.values()) not in targets:
            yield _reading(items, prefix, "incl_tax", of_incl.words, _row_without_fixed)
    if all(item.get(f"{prefix}row_total") is not None for item in items.values()):
        yield _reading(items, prefix, "net", "row_total plus discount", _row_of_net)
        yield _reading(items, prefix, "stored", "row_total", _row_as_shown)


def _by_price(items: Mapping[str, Row], prefix: str, *, cents: bool = True) -> _Reading:
    """Return price x quantity, rounded to cents as Magento does; with four decimals when `cents` is False."""
    gross = {item_id: _priced(item, prefix) for item_id, item in items.items()}
    if cents:
        gross = {item_id: rounded(amount) for item_id, amount in gross.items()}
    return _Reading("price", "price times quantity", gross)


def _reading(
    items: Mapping[str, Row], prefix: str, name: str, words: str, row_of: Callable[[Row, str], int]
) -> _Reading:
    return _Reading(name, words, {item_id: row_of(item, prefix) for item_id, item in items.items()})


def _row_of_incl_tax(item: Row, prefix: str) -> int:
    """Return the stored row from the row including tax.

    Since 2.3.1 that is the row after discount with its tax and fixed product tax, floored at 0; a row below 0 is its
    price.
    """
    # The fixed tax in the base figure is that of one piece: Magento's source computes it so.
    fixed = fields.units(item, f"{prefix}weee_tax_applied_amount" if prefix else "weee_tax_applied_row_amount")
    return _row_without_fixed(item, prefix) - fixed


def _row_without_fixed(item: Row, prefix: str) -> int:
    shown = fields.units(item, f"{prefix}row_total_incl_tax")
    if not shown and fields.units(item, f"{prefix}price") < 0:
        return rounded(_priced(item, prefix))
    taxes = fields.units(item, f"{prefix}tax_amount") + _compensation(item, prefix)
    return shown - taxes + fields.units(item, f"{prefix}discount_amount")


def _row_of_net(item: Row, prefix: str) -> int:
    """Return the stored row from the row less its discount.

    From 2.3.0 to 2.4.7 that is floored at 0; the row including tax then shows what it was.
    """
    shown = fields.units(item, f"{prefix}row_total")
    return shown + fields.units(item, f"{prefix}discount_amount") if shown else _row_of_incl_tax(item, prefix)


def _row_as_shown(item: Row, prefix: str) -> int:
    return fields.units(item, f"{prefix}row_total")


def _compensation(item: Row, prefix: str) -> int:
    return fields.units(item, f"{prefix}discount_tax_compensation_amount")


def _priced(item: Row, prefix: str) -> int:
    """Return price * quantity in units, half up to four decimals."""
    product = fields.units(item, f"{prefix}price") * fields.units(item, "qty_ordered")
    sign = -1 if product < 0 else 1
    return sign * ((abs(product) + 5_000) // 10_000)


def _leeway(item: Row) -> int:
    """Return how far a row may differ from price x quantity: half a cent a piece for the price's rounding, and a cent for the row's."""
    return fields.units(item, "qty_ordered") * CENT // 20_000 + CENT


def fixed_tax(items: Iterable[Row], prefix: str = "") -> int:
    """Return the fixed product tax of rows, without the tax on it, in units."""
    name = f"{prefix}weee_tax_applied_row_amnt" if prefix else "weee_tax_applied_row_amount"
    return sum(fields.units(item, name) for item in items)


def applied_fixed_taxes(item: Row) -> list[Row]:
    """Return the fixed product taxes of an item, as the JSON text in it lists them; [] where it has none."""
    applied = item.get("weee_tax_applied")
    if isinstance(applied, str):
        try:
            applied = parse_json(applied)
        except Unreadable:  # a serialised text of an older version
            return []
    return [row for row in applied if isinstance(row, Mapping)] if isinstance(applied, list) else []


def tax_on_fixed_tax(item: Row) -> int:
    """Return the tax on an item's fixed product tax, in units: only the list of those applied has it."""
    return sum(
        fields.units(row, "row_amount_incl_tax") - fields.units(row, "row_amount")
        for row in applied_fixed_taxes(item)
        if row.get("row_amount_incl_tax") is not None
    )


def _targets(items: Mapping[str, Row], header: Row, prefix: str) -> set[int]:
    """Return what the rows may sum to: the subtotal, and the subtotal less their fixed tax where that is part of it."""
    totals, fixed = Totals.of(header, 0, prefix, adjusted=False), fixed_tax(items.values(), prefix)
    return {totals.subtotal} if totals.beside == fixed else {totals.subtotal, totals.subtotal - fixed}


def _base(items: Mapping[str, Row], header: Row, names: set[str]) -> tuple[Amounts, str]:
    """Return the rows in base currency, and why they have no single reading, or "".

    They are read as those in order currency are (`names`); in another way only where none of these adds up there.
    """
    targets = _targets(items, header, "base_")
    readings = list(_readings(items, "base_", targets))
    same = [each for each in readings if each.name in names]
    closing = [each for each in same if sum(each.gross.values()) in targets] or [
        each for each in readings if sum(each.gross.values()) in targets
    ]
    chosen, flaw = _only(closing, items)
    if chosen is None:
        return next(iter((*closing, *same, *readings))).gross, flaw and f"In base currency: {flaw}"
    return chosen.gross, ""


def _nothing_closes(items: Mapping[str, Row], subtotal: int, targets: set[int]) -> str:
    sums = [
        f"{each.words} gives {plain(sum(each.gross.values()))}" for each in _distinct(_readings(items, "", targets))
    ]
    return f"The rows do not add up to the subtotal {plain(subtotal)}: {', '.join(sums)}"


def _contradiction(candidates: list[_Reading]) -> str:
    """Return the flaw that names the readings by the rows in which they differ."""
    keys = [key for key in candidates[0].gross if len({each.gross[key] for each in candidates}) > 1]
    readings = [
        f"{each.words} gives {', '.join(f'{plain(each.gross[key])} for item {key}' for key in keys[:3])}"
        for each in candidates
    ]
    return f"The rows add up to the subtotal in {len(candidates)} ways that differ: {'; '.join(readings)}"
