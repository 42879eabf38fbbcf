"""Read one field of a raw row: return its value in the canonical type, or raise Unreadable that names the field, and nothing else.

What the tables could not hold (an id beyond bigint, a rate beyond numeric, a year 0) is refused here, so that one
damaged document never stops the page that it came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from magodoo.characters import visible
from magodoo.connectors.magento.schema import SET_ASIDE
from magodoo.errors import Unreadable
from magodoo.extract.details import Details
from magodoo.money import to_units
from magodoo.timestamps import utc

LARGEST_ID = 2**63 - 1
LARGEST_SMALL = 2**31 - 1
LONGEST = 2000
LONGEST_KEY = 255  # of a text that is indexed

Row = Mapping[str, Any]


def units(row: Row, name: str) -> int:
    """Return an amount or quantity in units; 0 when it is absent. It may be negative."""
    value = row.get(name)
    if value is None:
        return 0
    try:
        return to_units(value)
    except Unreadable as problem:
        raise Unreadable(f"{name}: {problem.args[0]}") from None


def whole(row: Row, name: str) -> int:
    """Return an amount that is in units already; 0 when it is absent."""
    value = row.get(name)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_ID:
        raise Unreadable(f"{name}: not an amount in units: {value!r:.60}")
    return value


def number(row: Row, name: str, largest: int) -> Decimal | None:
    """Return a percent or rate as Decimal, |value| below `largest`; None when it is absent."""
    value = row.get(name)
    if value is None or value is False or value == "":
        return None
    if isinstance(value, bool | float):
        raise Unreadable(f"{name}: not an exact number: {value!r:.60}")
    try:
        read = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise Unreadable(f"{name}: not a number: {value!r:.60}") from None
    if not read.is_finite() or not -largest < read < largest:
        raise Unreadable(f"{name}: not a number of this kind: {value!r:.60}")
    return read


def percent(row: Row, name: str) -> Decimal | None:
    """Return a percentage with four decimals; None when it is absent."""
    read = number(row, name, 100_000)
    return None if read is None else read.quantize(Decimal("0.0001"))


def rate(row: Row, name: str) -> Decimal:
    """Return a currency rate with eight decimals; 1 when it is absent or 0 (docs/facts/magento-2.4.7.md#6: store_to_* are 0)."""
    read = number(row, name, 10**9)
    return read.quantize(Decimal("0.00000001")) if read else Decimal(1)


def identity(row: Row, name: str) -> str | None:
    """Return a positive record id as text; None when it is absent, False, 0 or empty."""
    value = row.get(name)
    if type(value) is int and 0 < value <= LARGEST_ID:
        return str(value)
    if value in (None, False, 0, "", "0"):
        return None
    read = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value
    if isinstance(read, bool) or not isinstance(read, int) or not 0 < read <= LARGEST_ID:
        raise Unreadable(f"{name}: not an id: {value!r:.60}")
    return str(read)


def required_identity(row: Row, name: str) -> str:
    """Return a positive record id as text; raise Unreadable when it is absent."""
    read = identity(row, name)
    if read is None:
        raise Unreadable(f"{name} is missing")
    return read


def small(row: Row, name: str) -> int | None:
    """Return a non-negative integer of 32 bits, such as a store or customer group; None when it is absent."""
    value = row.get(name)
    if value is None or value is False or value == "":
        return None
    read = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 11 else value
    if isinstance(read, bool) or not isinstance(read, int) or not 0 <= read <= LARGEST_SMALL:
        raise Unreadable(f"{name}: not a number of this kind: {value!r:.60}")
    return read


def words(row: Row, name: str, longest: int = LONGEST) -> str | None:
    """Return a trimmed text, cut to `longest` characters; None when it is absent or empty. Numbers become text.

    It is kept as it was sent: keys and codes (SKUs, numbers, tracking numbers, names of master data) are compared with the other system, with
    master data and with settings, which have them as they are. What people read is `prose`.
    """
    value = row.get(name)
    if type(value) is str:
        return value.strip()[:longest] or None
    if value is None or value is False or value == "":
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unreadable(f"{name}: not a text: {value!r:.60}")
    return value.strip()[:longest] or None


def prose(row: Row, name: str, longest: int = LONGEST) -> str | None:
    """Return a text that people read (a name, a phone, a description) as `words` does, on one line without control and format characters.

    It is compared with nothing but prose.
    """
    read = words(row, name)
    return None if read is None else visible(read).strip()[:longest] or None


def key(row: Row, name: str) -> str | None:
    """Return a text that is indexed and must not be cut, such as a number or reference; None when it is absent."""
    read = words(row, name, LONGEST + 1)
    if read is not None and len(read) > LONGEST_KEY:
        raise Unreadable(f"{name}: longer than {LONGEST_KEY} characters")
    return read


def required_key(row: Row, name: str) -> str:
    """Return a text as `key` does; raise Unreadable when it is absent."""
    read = key(row, name)
    if read is None:
        raise Unreadable(f"{name} is missing")
    return read


def flag(row: Row, name: str) -> bool:
    """Return a boolean; absent is False."""
    value = row.get(name)
    if value in (None, False, 0, "", "0", "false"):
        return False
    if value in (True, 1, "1", "true"):
        return True
    raise Unreadable(f"{name}: neither yes nor no: {value!r:.60}")


def moment(row: Row, name: str) -> datetime | None:
    """Return `YYYY-MM-DD HH:MM:SS` in UTC, as both systems write it, as an aware time; None when it is absent."""
    value = row.get(name)
    if value is None or value is False or value == "":
        return None
    try:
        read = utc(value[:19])
    except (TypeError, ValueError, KeyError):
        raise Unreadable(f"{name}: not a time: {value!r:.60}") from None
    if not 1970 <= read.year < 2200:
        raise Unreadable(f"{name}: not a time of a shop: {value!r:.60}")
    return read


def day(row: Row, name: str) -> date | None:
    """Return `YYYY-MM-DD` as a date; None when it is absent."""
    value = row.get(name)
    if value is None or value is False or value == "":
        return None
    try:
        read = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Unreadable(f"{name}: not a date: {value!r:.60}") from None
    if not 1900 <= read.year < 2200:
        raise Unreadable(f"{name}: not a date of a shop: {value!r:.60}")
    return read


def local_day(at: datetime | None, zone: ZoneInfo) -> date | None:
    """Return the date of a moment in the instance's time zone, which is the accounting date; None without a moment."""
    return at.astimezone(zone).date() if at else None


def inner(row: Row, name: str) -> Row:
    """Return a nested object; an empty one when it is absent, False or PHP's `[]`."""
    value = row.get(name)
    if value is None or value is False or value == [] or value == "":
        return {}
    if type(value) is not dict and not isinstance(value, Mapping):
        raise Unreadable(f"{name}: not an object: {value!r:.60}")
    return value


def rows(row: Row, name: str) -> list[Row]:
    """Return a list of objects; an empty one when it is absent, null or False."""
    value = row.get(name)
    if value is None or value is False or value == "":
        return []
    if not isinstance(value, list) or not all(type(each) is dict or isinstance(each, Mapping) for each in value):
        raise Unreadable(f"{name}: not a list of objects: {value!r:.60}")
    return value


def person(row: Row, first: str = "firstname", last: str = "lastname") -> str | None:
    """Return first and last name in one text; None without either."""
    return " ".join(part for name in (first, last) if (part := prose(row, name))) or None


def email(row: Row, name: str) -> str | None:
    """Return an e-mail address in lower case, as customers are compared; None when it is absent."""
    read = words(row, name)
    return read.lower() if read else None


def set_aside(row: Row) -> Details:
    """Return the parts of a row that could not be read and were left out, as `details` stores them; {} for a whole one."""
    notes = row.get(SET_ASIDE)
    return {"set_aside": visible("; ".join(map(str, notes)))[:LONGEST]} if isinstance(notes, list) and notes else {}


def payload(row: Row) -> dict[str, Any]:
    """Return the row as the system sent it."""
    whole = dict(row)
    whole.pop(SET_ASIDE, None)
    return whole
