"""Validates answers to reads by method, and rows by the types of their fields: an invalid row must not be staged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from magodoo.connectors.odoo.record_kinds import Tree
from magodoo.errors import Unreadable

AnswerFields = Mapping[str, Mapping[str, Any]]
RELATIONS = ("many2one", "one2many", "many2many")


def sound_answer(model: str, method: str, arguments: Mapping[str, Any], known: AnswerFields, answer: Any) -> Any:
    """Return the answer if it has the shape of its method. `known`: the model's fields, as far as they were read.

    Raises:
        Unreadable: names the first thing that is invalid.
    """
    flaw = _SHAPES[method](arguments, known, answer) if method in _SHAPES else ""
    if flaw:
        raise Unreadable(f"the answer cannot be read: {flaw}", system="odoo", call=f"{model}.{method}")
    return answer


def _ids(arguments: Mapping[str, Any], known: AnswerFields, answer: Any) -> str:
    return "" if isinstance(answer, list) and all(is_id(id) for id in answer) else "it is no list of ids"


def _count(arguments: Mapping[str, Any], known: AnswerFields, answer: Any) -> str:
    return "" if isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0 else "it is no count"


def _rows(arguments: Mapping[str, Any], known: AnswerFields, answer: Any) -> str:
    if not isinstance(answer, list):
        return f"a list was expected, not {type(answer).__name__}"
    for row in answer:
        found = listed_flaw(arguments.get("fields", ()), known, row)
        if found:
            return f"a record is damaged at {found}"
    return ""


def _fields(arguments: Mapping[str, Any], known: AnswerFields, answer: Any) -> str:
    if not isinstance(answer, dict):
        return "it names no fields"
    for name, field in answer.items():
        if not isinstance(field, dict) or not isinstance(field.get("type"), str):
            return f"the field {name} has no type"
        if field["type"] in RELATIONS and not isinstance(field.get("relation"), str):
            return f"the field {name} names no model"
    return ""


def _context(arguments: Mapping[str, Any], known: AnswerFields, answer: Any) -> str:
    return "" if isinstance(answer, dict) and is_id(answer.get("uid")) else "it names no user"


_SHAPES: Mapping[str, Callable[[Mapping[str, Any], AnswerFields, Any], str]] = {
    "search": _ids,
    "search_count": _count,
    "search_read": _rows,
    "read": _rows,
    "fields_get": _fields,
    "context_get": _context,
}

Fields = Callable[[str], Mapping[str, Mapping[str, Any]]]

NEVER = ("1-01-01", "0001-01-01")
"""The smallest date as Odoo writes it, which means none in computed dates. The zeros depend on the platform."""

_DATE = re.compile(r"[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(_DATE.pattern + r" ([01]\d|2[0-3]):[0-5]\d:[0-5]\d")


def flaw(fields: Fields, model: str, tree: Tree, row: Any) -> str:
    """Return the path of the first value that is not of its field's type, or "" for a valid row. Extra keys are ignored."""
    if not isinstance(row, dict) or not is_id(row.get("id")):
        return "id"
    known = fields(model)
    for name, below in tree.items():
        if name == "id":
            continue
        if name not in row:
            return name
        found = _flaw_of(fields, known[name], below, row[name])
        if found is not None:
            return f"{name}.{found}".rstrip(".")
    return ""


def listed_flaw(names: Iterable[str], known: Mapping[str, Mapping[str, Any]], row: Any) -> str:
    """Return the same for a record of `read` or `search_read`: a many2one is [id, name] or False, an x2many a list of ids.

    Where the type of a field is not `known`, its name decides whether it is a relation.
    """
    if not isinstance(row, dict) or not is_id(row.get("id")):
        return "id"
    for name in names:
        if name not in row:
            return name
        kind = known[name]["type"] if name in known else _kind_by_name(name)
        if not _LISTED.get(kind, _SOUND.get(kind, _any))(row[name]):
            return name
    return ""


def _kind_by_name(name: str) -> str:
    if name == "res_id":  # of ir.model.data: the id alone
        return "integer"
    return "many2one" if name.endswith("_id") else "many2many" if name.endswith("_ids") else ""


def _is_named(value: Any) -> bool:
    return value is False or (isinstance(value, list) and len(value) == 2 and is_id(value[0]))


def _is_list_of_ids(value: Any) -> bool:
    return isinstance(value, list) and all(is_id(id) for id in value)


def _flaw_of(fields: Fields, field: Mapping[str, Any], below: Tree, value: Any) -> str | None:
    """Return None for a valid value, else the path of the flaw below it ("" for the value itself)."""
    kind = field["type"]
    if kind == "many2one":
        if value is False:
            return None
        if "fields" not in below:
            return None if is_id(value) else ""
        return flaw(fields, field["relation"], below["fields"], value) or None
    if kind in ("one2many", "many2many"):
        return _flaw_of_many(fields, field, below, value)
    return None if _SOUND.get(kind, _any)(value) else ""


def _flaw_of_many(fields: Fields, field: Mapping[str, Any], below: Tree, value: Any) -> str | None:
    if not isinstance(value, list):
        return ""
    if "fields" not in below:
        return None if all(is_id(id) for id in value) else ""
    for item in value:
        found = flaw(fields, field["relation"], below["fields"], item)
        if found:
            return found
    ids = [item["id"] for item in value]
    return None if len(ids) == len(set(ids)) else "id"


def is_id(value: Any) -> bool:
    """Return whether the value is a positive int."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return value is False or isinstance(value, str)


def _is_date(value: Any) -> bool:
    return (
        value is False
        or value in NEVER
        or (isinstance(value, str) and _DATE.fullmatch(value) is not None and _is_day(value))
    )


def _is_time(value: Any) -> bool:
    return value is False or (isinstance(value, str) and _TIME.fullmatch(value) is not None and _is_day(value[:10]))


def _is_day(text: str) -> bool:
    """Return whether the date exists: not the 30th of February."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _any(_: Any) -> bool:
    return True


_SOUND: Mapping[str, Callable[[Any], bool]] = {
    "char": _is_text,
    "text": _is_text,
    "html": _is_text,
    "selection": _is_text,
    "integer": _is_whole,
    "float": _is_number,
    "monetary": _is_number,
    "boolean": _is_flag,
    "date": _is_date,
    "datetime": _is_time,
}
_LISTED: Mapping[str, Callable[[Any], bool]] = {
    "many2one": _is_named,
    "one2many": _is_list_of_ids,
    "many2many": _is_list_of_ids,
}
