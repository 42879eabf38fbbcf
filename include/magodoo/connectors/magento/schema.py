"""Validation of rows: ids, timestamps, amounts and quantities of the fields that are used.

docs/facts/magento-2.4.7.md#6: fields without a value are left out, whole amounts arrive as integers, ids sometimes as strings. `needed.py`
lists which field is needed for what, and what happens to a row whose field is missing or invalid. Fields that it does not list pass
unchanged: nothing reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from magodoo.connectors.magento.search import read_stamp
from magodoo.domain.tracking import LONGEST
from magodoo.errors import Unreadable
from magodoo.money import to_units

LARGEST_ID = 2**63 - 1
DEEPEST = 30
SET_ASIDE = "_set_aside"  # key of a valid row with the notes about the values that were dropped
_DAMAGE = 10**30
_LARGEST_AMOUNT = 10**10
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")
Check = Callable[[Any], Any]


class Fate(StrEnum):
    """What happens to a row with a missing or invalid field."""

    FINE = "nothing"
    NOTED = "it is left out and reported, the rest goes on"
    REFUSED = "the document is quarantined"


@dataclass(frozen=True)
class Field:
    """One field that is read: its use, which the message quotes after a colon, and its check, or the shape of what it contains."""

    use: str
    check: Check | None = None
    missing: Fate = Fate.FINE
    unsound: Fate = Fate.REFUSED
    inner: Shape | None = None
    is_list: bool = False


@dataclass(frozen=True)
class Shape:
    """The fields of an object that are read. `key` is unique within a list of such objects; `complete` fills in missing values."""

    fields: Mapping[str, Field]
    key: str = ""
    complete: Callable[[dict[str, Any]], None] | None = field(default=None, compare=False)

    @cached_property
    def needed(self) -> tuple[tuple[str, Field], ...]:
        """Return the fields whose absence has a consequence."""
        return tuple((name, each) for name, each in self.fields.items() if each.missing is not Fate.FINE)


def sound(shape: Shape, row: Any) -> dict[str, Any]:
    """Return a copy of the row with ids as int, amounts as int or Decimal, lists never None.

    Values that were dropped are noted under SET_ASIDE. Raises Unreadable naming the first invalid field that the row cannot do without, and
    for anything that PostgreSQL could not store.
    """
    try:
        _storable(row, DEEPEST)
    except Unreadable:
        row = _without_unread_damage(shape, row)
        _storable(row, DEEPEST)
    notes: list[str] = []
    clean = _sound(shape, row, "", notes)
    clean.pop(SET_ASIDE, None)
    if notes:
        clean[SET_ASIDE] = notes
    return clean


def _sound(shape: Shape, row: Any, where: str, notes: list[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise Unreadable(f"not an object: {row!r:.60}")
    clean = dict(row)
    field_of = shape.fields.get
    for name, value in row.items():
        known = field_of(name)
        if known is None or (value is None and not known.is_list):
            continue
        try:
            clean[name] = known.check(value) if known.check else _within(known, value, f"{where}{name}", notes)
        except Unreadable as problem:
            if known.unsound is not Fate.NOTED:
                raise Unreadable(_placed(name, str(problem.args[0]))) from None
            clean[name] = [] if known.is_list else None
            notes.append(f"{where}{name} cannot be read: {known.use}")
    for name, known in shape.needed:
        if clean.get(name) is not None:
            continue
        if known.missing is Fate.REFUSED:
            raise Unreadable(f"{name} is missing")
        if row.get(name) is None or known.unsound is not Fate.NOTED or not _is_noted(f"{where}{name} cannot", notes):
            notes.append(f"{where}{name} is missing: {known.use}")
    if shape.complete:
        shape.complete(clean)
    return clean


def _placed(name: str, problem: str) -> str:
    return f"{name}{problem}" if problem.startswith("[") else f"{name}: {problem}"


def _is_noted(begin: str, notes: list[str]) -> bool:
    return any(note.startswith(begin) for note in notes)


def _within(known: Field, value: Any, where: str, notes: list[str]) -> Any:
    """Return the valid content of a field: an object, or a list of objects.

    PHP encodes an empty object as [], and a list with gaps as an object.
    """
    assert known.inner is not None
    if not known.is_list:
        return None if value == [] else _sound(known.inner, value, f"{where}.", notes)
    rows = listed(value)
    clean: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        place = f"{where}[{index}]"
        try:
            clean.append(_sound(known.inner, row, f"{place}.", notes))
        except Unreadable as problem:
            if known.unsound is not Fate.NOTED:
                raise Unreadable(_placed(f"[{index}]", str(problem.args[0]))) from None
            notes.append(f"{place} cannot be read: {known.use}")
    key = known.inner.key
    if key:
        ids = [row[key] for row in clean if row.get(key) is not None]
        if len(ids) != len(set(ids)):
            raise Unreadable(f"one {key} stands twice")
    return clean


def listed(value: Any) -> list[Any]:
    """Return a list, also for null and for an object whose keys are numbers. Raises Unreadable."""
    if value is None:
        return []
    if isinstance(value, dict) and all(str(key).isdigit() for key in value):
        return list(value.values())
    if not isinstance(value, list):
        raise Unreadable(f"not a list: {value!r:.60}")
    return value


def entity_id(value: Any) -> int:
    """Return a positive id, also for a string of digits. Raises Unreadable."""
    if type(value) is int and 0 < value <= LARGEST_ID:
        return value
    is_text = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
    number: Any = int(value) if is_text else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= LARGEST_ID:
        raise Unreadable(f"not an id: {value!r:.60}")
    return number


def _without_unread_damage(shape: Shape, row: Any) -> Any:
    """Return the row without values that no table can store, of fields that nothing reads."""
    if not isinstance(row, dict):
        return row
    clean = dict(row)
    for name, value in row.items():
        known = shape.fields.get(name)
        if known is None:
            try:
                _storable({name: value}, DEEPEST)
            except Unreadable:
                del clean[name]
        elif known.inner and known.is_list and isinstance(value, list):
            clean[name] = [_without_unread_damage(known.inner, each) for each in value]
        elif known.inner:
            clean[name] = _without_unread_damage(known.inner, value)
    return clean


def _storable(value: Any, depth: int) -> None:
    """Raise Unreadable for values that no table can store: excessive nesting, absurd numbers, NUL, lone surrogates."""
    if isinstance(value, dict | list):
        if not depth:
            raise Unreadable("nested too deep")
        if isinstance(value, dict):
            _storable_parts(value, depth - 1)
            _storable_parts(value.values(), depth - 1)
        else:
            _storable_parts(value, depth - 1)
    else:
        _storable_parts((value,), depth)


def _storable_parts(parts: Iterable[Any], depth: int) -> None:
    """Check values by exact type, as every value of every row passes through here. JSON has no other types."""
    for part in parts:
        kind = type(part)
        if kind is str:
            if ("\0" in part) if part.isascii() else _NOT_STORABLE.search(part):
                raise Unreadable("a text that cannot be stored")
        elif kind is int or kind is Decimal:
            if not -_DAMAGE < part < _DAMAGE:
                raise Unreadable("a number of this size is damage")
        elif kind is dict or kind is list:
            _storable(part, depth)


def store_id(value: Any) -> int:
    """Return a store id; 0 is the admin store. Raises Unreadable."""
    return 0 if value == "0" or (value == 0 and not isinstance(value, bool)) else entity_id(value)


def id_if_any(value: Any) -> int | None:
    """Return an id, or None where PHP writes 0, false or "" for it. Raises Unreadable."""
    return None if value in (0, "0", "") else entity_id(value)


def amount(value: Any) -> int | Decimal:
    """Return an amount or a rate. Raises Unreadable."""
    kind = type(value)
    if (kind is Decimal or kind is int) and -_LARGEST_AMOUNT < value < _LARGEST_AMOUNT:
        return value
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str) or value == "":
        raise Unreadable(f"not an amount: {value!r:.60}")
    if isinstance(value, int | Decimal) and -_LARGEST_AMOUNT < value < _LARGEST_AMOUNT:
        return value
    to_units(value)  # raises Unreadable with the reason
    return Decimal(value)


def quantity(value: Any) -> int | Decimal:
    """Return an amount that is not negative. Raises Unreadable."""
    read = amount(value)
    if read < 0:
        raise Unreadable(f"a negative quantity: {value!r:.60}")
    return read


def text(value: Any) -> str:
    """Return a text that is not empty. Raises Unreadable."""
    if not isinstance(value, str) or not value:
        raise Unreadable(f"not a text: {value!r:.60}")
    return value


def words(value: Any) -> str | int | Decimal | None:
    """Return a text, or a number in the place of a text; None where it is empty. Raises Unreadable."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Unreadable(f"not a text: {value!r:.60}")
    return None if value == "" else value


def short_words(value: Any) -> str | int | Decimal | None:
    """Return a text no longer than a tracking number may be, as `words` does. Raises Unreadable."""
    read = words(value)
    if isinstance(read, str) and len(read.encode("utf-8", "replace")) > LONGEST:
        raise Unreadable(f"a text of more than {LONGEST} bytes")
    return read


def flag(value: Any) -> bool | int | str:
    """Return a boolean as PHP writes it, unchanged. Raises Unreadable."""
    if value not in (True, False, "0", "1", "true", "false", ""):
        raise Unreadable(f"neither yes nor no: {value!r:.60}")
    read: bool | int | str = value
    return read


def as_sent(value: Any) -> Any:
    """Return the value unchecked: its reader handles every type."""
    return value


def street(value: Any) -> list[str]:
    """Return the lines of an address; a single line may arrive as a text. Raises Unreadable."""
    lines = [value] if isinstance(value, str) else listed(value)
    return [str(words(line) or "") for line in lines if line is not None]


def moment(value: Any) -> str:
    """Return a UTC timestamp as text. Raises Unreadable."""
    read_stamp(value)
    return str(value)


def currency(value: Any) -> str:
    """Return an ISO currency code. Raises Unreadable."""
    if not isinstance(value, str) or not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise Unreadable(f"not a currency: {value!r:.60}")
    return value
