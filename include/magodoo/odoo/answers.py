"""What a read may answer, by its method: a damaged answer is `Unreadable` at the door and no surprise behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from magodoo.errors import Unreadable
from magodoo.odoo.soundness import is_id, listed_flaw

Fields = Mapping[str, Mapping[str, Any]]
RELATIONS = ("many2one", "one2many", "many2many")


def sound_answer(model: str, method: str, arguments: Mapping[str, Any], known: Fields, answer: Any) -> Any:
    """The answer itself, if it is of the shape that its method gives. `known`: the model's fields, as far as they were read.

    Raises:
        Unreadable: names the first thing that is not as it must be.
    """
    flaw = _SHAPES[method](arguments, known, answer) if method in _SHAPES else ""
    if flaw:
        raise Unreadable(f"the answer cannot be read: {flaw}", system="odoo", call=f"{model}.{method}")
    return answer


def _ids(arguments: Mapping[str, Any], known: Fields, answer: Any) -> str:
    return "" if isinstance(answer, list) and all(is_id(id) for id in answer) else "it is no list of ids"


def _count(arguments: Mapping[str, Any], known: Fields, answer: Any) -> str:
    return "" if isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0 else "it is no count"


def _rows(arguments: Mapping[str, Any], known: Fields, answer: Any) -> str:
    if not isinstance(answer, list):
        return f"a list was expected, not {type(answer).__name__}"
    for row in answer:
        found = listed_flaw(arguments.get("fields", ()), known, row)
        if found:
            return f"a record is damaged at {found}"
    return ""


def _fields(arguments: Mapping[str, Any], known: Fields, answer: Any) -> str:
    if not isinstance(answer, dict):
        return "it names no fields"
    for name, field in answer.items():
        if not isinstance(field, dict) or not isinstance(field.get("type"), str):
            return f"the field {name} has no type"
        if field["type"] in RELATIONS and not isinstance(field.get("relation"), str):
            return f"the field {name} names no model"
    return ""


def _context(arguments: Mapping[str, Any], known: Fields, answer: Any) -> str:
    return "" if isinstance(answer, dict) and is_id(answer.get("uid")) else "it names no user"


_SHAPES: Mapping[str, Callable[[Mapping[str, Any], Fields, Any], str]] = {
    "search": _ids,
    "search_count": _count,
    "search_read": _rows,
    "read": _rows,
    "fields_get": _fields,
    "context_get": _context,
}
