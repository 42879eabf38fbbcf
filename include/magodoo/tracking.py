"""Tracking numbers: a list in Magento, one text field in Odoo, where its delivery connectors join several by a comma.

A number may hold commas and blanks itself, and a clerk may type two numbers into one field of either system. So numbers are carried
over as they were typed, and compared by their parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST = 65_535  # bytes of Magento's column (module-sales/etc/db_schema.xml); Odoo's has no limit
_BETWEEN = re.compile(r"[\s,;]+")


def numbers_in(field: str) -> tuple[str, ...]:
    """Return the numbers of Odoo's field, in their order, each once."""
    return tuple(dict.fromkeys(number for each in field.split(",") if (number := each.strip())))


def joined(field: str, numbers: Sequence[str]) -> str:
    """Return Odoo's field as it was typed, with these numbers behind it, but for those that stand in it."""
    return ",".join([each for each in (field.strip().rstrip(","),) if each] + lacking(numbers, [field]))


def parts(numbers: Iterable[str]) -> frozenset[str]:
    """Return what two lists of numbers are compared by: the pieces between commas, semicolons and blanks, in capitals."""
    return frozenset(part for number in numbers for part in _BETWEEN.split(number.upper()) if part)


def lacking(numbers: Sequence[str], others: Iterable[str]) -> list[str]:
    """Return the numbers of which the others lack a part. None of them is lacking where all parts are there."""
    known = parts(others)
    return [number for number in numbers if not parts([number]) <= known]
