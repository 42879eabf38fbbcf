"""Amounts by where Magento shows them: `extension_attributes.fee_amount`, `items[].deposit`; and where an amount is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from magodoo.extract import fields
from magodoo.extract.fields import Row

DEEPEST = 6


def amount(row: Row, path: str, prefix: str = "") -> int:
    """Units of one field; `prefix` goes before its last name. 0 where it is not there; `name[]` adds the rows of a list.

    Raises Unreadable for what is no amount.
    """
    first, _, rest = path.partition(".")
    if not rest:
        return fields.units(row, f"{prefix}{first}")
    if first.endswith("[]"):
        return sum(amount(each, rest, prefix) for each in fields.rows(row, first.removesuffix("[]")))
    return amount(fields.inner(row, first), rest, prefix)


def holding(row: Row, units: int) -> list[str]:
    """Paths of the fields that hold exactly this amount, of either sign; of lists those whose rows sum to it."""
    sums: dict[str, int] = {}
    for path, value in _numbers(row, "", DEEPEST):
        sums[path] = sums.get(path, 0) + value
    return sorted(path for path, value in sums.items() if abs(value) == abs(units))


def _counts(name: str) -> bool:
    """Whether a field holds an id or a quantity: a small one is often an amount's figure by chance."""
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
