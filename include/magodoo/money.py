"""Exact amounts. An amount is a `Decimal` where it is parsed or written, an int64 of 1/10000 ("units") in frames and tables.

Magento stores decimal(20,4) and credit memos really use all four decimals when shipping was discounted
(docs/facts/magento-2.4.7-more.md#1.3), so the scale is four. Quantities use the same scale.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any

import msgspec

from magodoo.errors import Unreadable

SCALE = 10_000
_QUANTUM = Decimal("0.0001")
_ZERO = Decimal(0)
_LONGEST_EXPONENT = 40
_LONGEST_NUMBER = 4300  # characters; Python's own limit for whole numbers
_EXPONENT = re.compile(
    "E[+-][0-9]"
)  # of a Decimal; with a digit in front the search would take a thousand times as long
_LARGEST = 10**15  # 100 billion: a larger number is corrupt, not an amount
_LARGEST_WHOLE = _LARGEST // SCALE
_MOST_DIGITS = len(str(_LARGEST_WHOLE)) - 1  # of a whole number that is certainly below it


def to_units(value: Any) -> int:
    """Return the units (1/10000) of a number as it arrived: Decimal, int or numeric string; None, "" and False (Odoo's empty value) are 0.

    Raises Unreadable for text that is no number, NaN, infinity, or an absurd size. Binary floats are refused: their exact amount is
    already lost.
    """
    kind = type(value)
    if kind is int and -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE:
        return value * SCALE
    if kind is Decimal and value.is_finite() and value.adjusted() < _MOST_DIGITS:
        units = value * SCALE
        if (whole := int(units)) == units:
            return whole
    return _read_units(value)


def _read_units(value: Any) -> int:
    """Return the units of a value that is neither an int nor a Decimal of at most four decimals: the slow path of `to_units`."""
    if value is None or value is False or value == "":
        return 0
    if isinstance(value, bool | float):
        raise Unreadable(f"not an exact amount: {value!r}")
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise Unreadable(f"not an amount: {value!r}") from None
    if not number.is_finite():
        raise Unreadable(f"not an amount: {value!r}")
    if not -_LARGEST_WHOLE <= number <= _LARGEST_WHOLE:  # compared exactly: `abs` overflows beyond 10**999999
        raise Unreadable(f"an amount of this size is damage: {value!r}")
    return int((number.quantize(_QUANTUM, ROUND_HALF_UP) * SCALE).to_integral_value())


def from_units(units: int) -> Decimal:
    """Return the Decimal of an amount in units (1/10000), with four decimals."""
    return (Decimal(int(units)) / SCALE).quantize(_QUANTUM)


def rounded(units: int, decimals: int = 2) -> int:
    """Return units rounded half up (away from zero) to a currency's decimals."""
    step = 10 ** (4 - decimals)
    sign = -1 if units < 0 else 1
    return sign * ((abs(units) + step // 2) // step) * step


def plain(units: int, decimals: int = 2) -> str:
    """Return an amount in units as text, `12.34`: with `decimals` decimals, and more only where they are not zero."""
    number = from_units(units)
    text = f"{number:.{decimals}f}"
    return text if Decimal(text) == number else f"{number.normalize():f}"


CURRENCY_DECIMALS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF"), 0
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def shown(units: int, currency: str | None) -> str:
    """Return an amount in units as text for users, rounded to its currency's decimals: 3596850 (359.685 USD) is `359.69`."""
    decimals = CURRENCY_DECIMALS.get(currency or "", 2)
    return plain(rounded(int(units), decimals), decimals)


def share(units: int, part: int, whole: int, decimals: int) -> int:
    """Return `part / whole` of an amount in units, in units, rounded half away from zero to the currency's decimals."""
    exact = Decimal(units) * part / whole
    return rounded(int(exact.to_integral_value(ROUND_HALF_UP)), decimals)


def parse_json(text: str | bytes, *, keys_are_unique: bool = False) -> Any:
    """Return the value of a JSON text, with Decimal for every fraction.

    Raises Unreadable for invalid JSON, NaN and infinity, a number of thousands of digits, and, if `keys_are_unique` is set, for a key that
    is twice in one object: which of the two values is meant, nobody knows.

    msgspec decodes valid JSON. The standard decoder takes over where it fails, for the error message, and to accept lone surrogates.
    """
    if keys_are_unique:
        return _parse_slowly(text, _unique)
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _parse_slowly(text)


@lru_cache(50_000)
def _fraction(text: str) -> Decimal:
    """Return a fraction as Decimal without trailing zeros, so that equal amounts have one form. Cached: most amounts occur many times.

    Raises ValueError for a number that is too long, as it is written or written out: `1e999999999` would overflow in the first sum.
    """
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} characters")
    try:
        if len(text) > _LONGEST_EXPONENT:
            number = Decimal(text).normalize()  # corrupt
        else:
            number = Decimal(text if "e" in text or "E" in text else text.rstrip("0").rstrip(".")) or _ZERO
    except ArithmeticError:
        raise ValueError(f"a number out of range: {text[:_LONGEST_EXPONENT]}") from None
    if abs(number.adjusted()) > _LONGEST_NUMBER:  # its digits, written out
        raise ValueError(f"a number out of range: {text[:_LONGEST_EXPONENT]}")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in names if names.count(key) > 1)[:60]!r} is there twice")
    return found


def _parse_slowly(text: str | bytes, of_pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        return json.loads(text, parse_float=_fraction, parse_constant=refuse, object_pairs_hook=of_pairs)
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"not JSON: {problem}") from None


def dump_json(value: Any) -> str:
    """Return canonical JSON, the text that is hashed and stored: sorted keys, no spaces, Decimals as numbers with every digit, no exponent.

    Raises TypeError for a value that JSON cannot represent.
    """
    form = _FORMS.get(type(value))
    if form is not None:
        return form(value)
    for kind, form in _FORMS.items():
        if isinstance(value, kind):
            return form(value)
    return json.dumps(value)


def exact_json(value: Any) -> str:
    """Return canonical JSON of what `parse_json` returned or a table holds. Unlike `dump_json` it keeps a Decimal's trailing zeros."""
    try:
        text: str = _ENCODER.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        return dump_json(value)  # a lone surrogate, a type unknown to the encoder, too deep nesting
    if "E+" not in text and "E-" not in text:
        return text
    # SKUs often contain `E-`; after a digit it is a Decimal with an exponent, or a text that resembles one.
    return dump_json(value) if any(text[found.start() - 1].isdigit() for found in _EXPONENT.finditer(text)) else text


def _object(value: dict[Any, Any]) -> str:
    texts = {str(key): item for key, item in value.items()}
    return "{" + ",".join([_quoted(key) + ":" + dump_json(texts[key]) for key in sorted(texts)]) + "}"


def _array(value: list[Any] | tuple[Any, ...]) -> str:
    return "[" + ",".join([dump_json(item) for item in value]) + "]"


def _number(value: Decimal) -> str:
    """Return all digits of a Decimal. The standard encoder only supports binary floats, which keep 15 of them."""
    if value == 0:
        return "0"
    if not value.is_finite() or abs(value.adjusted()) > _LONGEST_EXPONENT:
        return _quoted(str(value))  # corrupt; with all its digits it would exhaust the memory
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_FORMS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    Decimal: _number,
    dict: _object,
    list: _array,
    tuple: _array,
}

_DECODER = msgspec.json.Decoder(float_hook=_fraction)
_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")
