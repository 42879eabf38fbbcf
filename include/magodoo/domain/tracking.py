"""Tracking numbers: a list in Magento, one text field in Odoo.

A number may hold commas and blanks itself, and a clerk may type two numbers into one field of either system. So a field is one
number as it was typed, carried over as it is, and numbers are compared by their parts. Only where a carrier's connector fills
Odoo's field it is a list: Odoo puts a comma before each further number (stock_delivery, `send_to_shipper`), connectors join several
of one answer by a comma, a semicolon or a plus sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

LONGEST = 65_535  # bytes of Magento's column (module-sales/etc/db_schema.xml); Odoo's has no limit
TYPED_BY_HAND = frozenset({"", "fixed", "base_on_rule"})  # providers of carriers whose numbers Odoo never writes itself
_BETWEEN = re.compile(r"[\s,;+]+")
_BY_CONNECTORS = re.compile(r"[,;+]")


def numbers_of(field: str, provider: str) -> tuple[str, ...]:
    """Return the numbers of Odoo's field, in their order, each once; `provider` is its carrier's, "" without a carrier."""
    numbers = [field] if provider in TYPED_BY_HAND else _BY_CONNECTORS.split(field)
    return tuple(dict.fromkeys(stripped for each in numbers if parts([stripped := each.strip()])))


def between_commas(number: str) -> list[str]:
    """Return the pieces of a number, or of several in one field, between commas."""
    return [piece for each in number.split(",") if (piece := each.strip())]


def joined(field: str, numbers: Sequence[str]) -> str:
    """Return Odoo's field as it was typed, with these numbers appended, except those that it already contains."""
    return ",".join([each for each in (field.strip().rstrip(","),) if each] + missing_numbers(numbers, [field]))


def parts(numbers: Iterable[str]) -> frozenset[str]:
    """Return what two lists of numbers are compared by: the pieces between commas, semicolons and blanks, in capitals."""
    return frozenset(part for number in numbers for part in _BETWEEN.split(number.upper()) if part)


def missing_numbers(numbers: Sequence[str], others: Iterable[str]) -> list[str]:
    """Return the numbers with a part that is not in `others`.

    Of several numbers in one field of which `others` contain some, only the missing pieces between commas are returned.
    """
    known = parts(others)
    result = []
    for number in numbers:
        pieces = [piece for piece in between_commas(number) if parts([piece])]
        new = [piece for piece in pieces if not parts([piece]) <= known]
        result += new if len(new) < len(pieces) else [number] if new else []
    return result
