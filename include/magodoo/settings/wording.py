"""What to write instead: a mistake in the settings file in the words of a person who edits it, not of the parser or the validator."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, get_args

import yaml
from pydantic import BaseModel

SECRETS = ("password", "token", "secret", "api_key", "apikey")
Words = tuple[str, str]


def of_mistake(item: Any, model: type[BaseModel]) -> Words:
    """Return the message and the hint for an error of the validator; `model` is what its location begins in."""
    kind, loc, given = str(item["type"]), item["loc"], item.get("input")
    if kind == "extra_forbidden":
        return _unknown(model, loc)
    if kind == "missing":
        return "this setting is missing", f"add {loc[-1]}"
    if given is None:
        return "is empty", "write a value after the colon, or remove the line"
    if loc == ("id",) and kind == "string_pattern_mismatch":
        return (
            "is no id of an instance",
            "use up to 16 small letters and digits, a letter first; it can never be changed",
        )
    for kinds, words in _KINDS.items():
        if kind.startswith(kinds):
            return words(given, item.get("ctx") or {}, tuple(map(str, loc)))
    return str(item["msg"]).removeprefix("Value error, "), ""


def _unknown(model: type[BaseModel], loc: tuple[Any, ...]) -> Words:
    name = str(loc[-1])
    if any(secret in name.lower() for secret in SECRETS):
        return "this setting does not exist", "secrets never stand in this file: put it in the Airflow connection"
    near = difflib.get_close_matches(name, _fields(model, loc[:-1]), 1)
    return "this setting does not exist", f"did you mean {near[0]}?" if near else "remove it"


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Return the names of the settings at a path, through optional fields, mappings and lists."""
    for step in path:
        field = model.model_fields.get(str(step))
        inner = next(_models(field.annotation), None) if field else None
        model = inner or model
    return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


Context = Mapping[str, Any]
Path = tuple[str, ...]


def _shown(given: Any) -> str:
    return f"{given!r:.60}"


def _text(given: Any, _: Context, loc: Path) -> Words:
    if isinstance(given, list | dict):
        return f"{_shown(given)} is no text", "write one value, without brackets"
    return f"{given!r} is no text", "write it in quotes"


def _whole(given: Any, _: Context, loc: Path) -> Words:
    if "stores" in loc:
        return f"{_shown(given)} is no store id", "use the store id, a number such as 1 (make init lists them)"
    if any("customer_group" in part for part in loc):
        return f"{_shown(given)} is no customer group id", "use the id, a number such as 1"
    return f"{_shown(given)} is no whole number", "write digits only, such as 14"


def _number(given: Any, _: Context, loc: Path) -> Words:
    text = str(given).strip().rstrip("% ").strip()
    comma = re.fullmatch(r"-?\d+,\d+", text)
    if comma:
        return f"{_shown(given)} is no number", f"write {text.replace(',', '.')} with a point"
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return f"{_shown(given)} is no number", f"write {text} alone"
    return f"{_shown(given)} is no number", "write digits with a decimal point, such as 8.25"


def _switch(given: Any, _: Context, loc: Path) -> Words:
    return f"{_shown(given)} is neither true nor false", "write true or false"


def _choice(given: Any, context: Context, loc: Path) -> Words:
    allowed = str(context.get("expected", ""))
    names = re.findall(r"'([^']*)'", allowed)
    near = difflib.get_close_matches(str(given), names, 1)
    return f"{_shown(given)} is none of {allowed}", f"did you mean {near[0]}?" if near else "write one of them"


def _list(given: Any, _: Context, loc: Path) -> Words:
    return f"{_shown(given)} is no list", f"write it in brackets: [{given}]" if not isinstance(
        given, dict
    ) else "begin each entry with `- `"


def _block(given: Any, _: Context, loc: Path) -> Words:
    return (
        f"{_shown(given)} is no block of settings",
        "write its settings below it, two blanks further in, or as {name: value}",
    )


def _moment(given: Any, _: Context, loc: Path) -> Words:
    return f"{_shown(given)} is no date and time", f"write {_iso(given) or '2026-01-31'} 00:00: year, month, day"


def _day(given: Any, _: Context, loc: Path) -> Words:
    return f"{_shown(given)} is no date", f"write {_iso(given) or '2026-01-31'}: year, month, day"


def _iso(given: Any) -> str:
    """Return a date of another country as ISO 8601, "" where day and month cannot be distinguished."""
    found = re.match(r"\s*(\d{1,2})[./ -](\d{1,2})[./ -](\d{4})\b", str(given))
    if not found:
        return ""
    first, second, year = map(int, found.groups())
    points = "." in str(given)[:4]  # a date with points has its day first, everywhere
    readings = {(first, second)} if points else {(first, second), (second, first)}
    possible = []
    for day, month in readings:
        try:
            possible.append(date(year, month, day).isoformat())
        except ValueError:
            continue
    return possible[0] if len(possible) == 1 else ""


def _least(given: Any, context: Context, loc: Path) -> Words:
    return f"{_shown(given)} is too small", f"write {context['ge']} or more" if "ge" in context else "write more"


def _most(given: Any, context: Context, loc: Path) -> Words:
    return f"{_shown(given)} is too large", f"write {context['le']} or less" if "le" in context else "write less"


def _pattern(given: Any, context: Context, loc: Path) -> Words:
    if context.get("pattern") == "^[A-Z]{2}$":
        return f"{_shown(given)} is no country code", "write its two capital letters, such as DE"
    return f"{_shown(given)} has not the form that is needed", ""


_KINDS: Mapping[tuple[str, ...], Callable[[Any, Context, Path], Words]] = {
    ("string_type", "string_sub_type"): _text,
    ("string_pattern_mismatch",): _pattern,
    ("int_",): _whole,
    ("decimal_", "float_", "finite_number"): _number,
    ("bool_",): _switch,
    ("literal_error", "enum"): _choice,
    ("tuple_type", "list_type", "set_type"): _list,
    ("dict_type", "model_type", "model_attributes_type", "mapping_type"): _block,
    ("datetime_", "timezone_"): _moment,
    ("date_",): _day,
    ("greater_than",): _least,
    ("less_than",): _most,
}


def of_yaml(problem: yaml.YAMLError) -> str:
    """Return where the file stops being YAML and what to look for there, without the parser's own words."""
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    told = f"{getattr(problem, 'problem', '') or ''} {getattr(problem, 'context', '') or ''}"
    words = next(
        (words for part, words in _YAML if part in told), "this line cannot be read: compare it with the line above"
    )
    if any(
        part in told for part in ("quoted scalar", "flow", "simple key")
    ):  # where it began, not where the file ended
        mark = getattr(problem, "context_mark", None) or mark
    return f"line {mark.line + 1}: {words}" if mark else words


_YAML = (
    (r"character '\t'", "a tab: indent with blanks"),
    ("quoted scalar", "a quote that is not closed"),
    ("flow", "a bracket that is not closed, or a missing comma"),
    ("mapping values are not allowed", "a colon where none may be: indent the line as those around it, or put its text in quotes"),
    ("block mapping", "another indentation than the lines around it: use the same number of blanks"),
    ("block collection", "another indentation than the lines around it: use the same number of blanks"),
    ("could not find expected ':'", "a name without a colon: write `name: value`"),
    ("cannot start any token", "a character that a text may not begin with: put the text in quotes"),
    ("undefined alias", "a text that begins with `*`: put it in quotes"),
    ("expected a single document", "a line of three dashes or points: remove it"),
)  # fmt: skip
