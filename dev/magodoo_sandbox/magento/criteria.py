"""searchCriteria: read from a query string as PHP reads it, and applied to rows as the database would."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from magodoo_sandbox.magento.amounts import Row
from magodoo_sandbox.magento.refusals import bad, internal_error, missing_field, unsupported_field, wrong_type

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(\.\d+)?)?")
_DATE_COLUMNS = ("created_at", "updated_at")


@dataclass(frozen=True)
class Filter:
    field: str | None
    value: str | None
    condition: str

    def echo(self) -> Row:
        return {"field": self.field, "value": self.value, "condition_type": self.condition}


@dataclass
class Criteria:
    """Groups are ANDed, the filters of a group ORed. Sizes are as sent: None is "not sent", 0 is everything."""

    groups: list[list[Filter]] = field(default_factory=list)
    sorts: list[tuple[str, str | None]] = field(default_factory=list)
    page_size: int | None = None
    current_page: int | None = None

    def echo(self) -> Row:
        shown: Row = {"filter_groups": [{"filters": [item.echo() for item in group]} for group in self.groups]}
        if self.sorts:
            shown["sort_orders"] = [{"field": name, "direction": direction} for name, direction in self.sorts]
        if self.page_size is not None:
            shown["page_size"] = self.page_size
        if self.current_page is not None:
            shown["current_page"] = self.current_page
        return shown


def parse_query(query: str) -> dict[str, Any]:
    """PHP's reading of a query: `a[b][0]=c` becomes nested dicts, `+` a space."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        head, _, rest = name.partition("[")
        keys = [head, *re.findall(r"([^\[\]]*)\]", rest)]
        node = tree
        for key in keys[:-1]:
            branch = node.get(key)
            if not isinstance(branch, dict):
                branch = node[key] = {}
            node = branch
        node[keys[-1] or str(len(node))] = value
    return tree


def read_criteria(query: Mapping[str, Any], limits: Mapping[str, int]) -> Criteria:
    """Raise Refusal when criteria are missing, name unknown keys, or exceed Magento's limits."""
    sent = query.get("searchCriteria", query.get("search_criteria"))
    if sent is None:
        raise missing_field("searchCriteria")
    criteria = Criteria()
    for key, value in sent.items() if isinstance(sent, dict) else ():
        _read_key(criteria, key, value)
    _check_limits(criteria, limits)
    return criteria


def _read_key(criteria: Criteria, key: str, value: Any) -> None:
    name = _snake(key)
    if name == "filter_groups":
        criteria.groups = [_read_group(group) for group in _entries(value)]
    elif name == "sort_orders":
        criteria.sorts = [_read_sort(sort) for sort in _entries(value)]
    elif name == "page_size":
        criteria.page_size = _integer(value, "pageSize")
    elif name == "current_page":
        criteria.current_page = _integer(value, "currentPage")
    else:
        raise unsupported_field(_camel(key))


def _entries(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else []


def _read_group(group: Any) -> list[Filter]:
    filters: list[Filter] = []
    for key, value in group.items() if isinstance(group, dict) else ():
        if key != "filters":
            raise unsupported_field(_camel(key))
        filters += [_read_filter(item) for item in _entries(value)]
    return filters


def _read_filter(sent: dict[str, str]) -> Filter:
    known = {_snake(key): value for key, value in sent.items()}
    for key in sent:
        if _snake(key) not in ("field", "value", "condition_type"):
            raise unsupported_field(_camel(key))
    return Filter(known.get("field"), known.get("value"), known.get("condition_type") or "eq")


def _read_sort(sent: dict[str, str]) -> tuple[str, str | None]:
    direction = sent.get("direction")
    if direction is not None and direction.upper() not in ("ASC", "DESC"):
        message = "The sort order has to be specified as %1 for ascending order or %2 for descending order."
        raise bad(message, ["ASC", "DESC"])
    return sent.get("field", ""), direction.upper() if direction else None


def _integer(value: Any, name: str) -> int:
    if not re.fullmatch(r"-?\d+", str(value)):
        raise wrong_type(value, "int", name)
    return int(value)


def _check_limits(criteria: Criteria, limits: Mapping[str, int]) -> None:
    """Off by default; pageSize=0 slips through when they are on (docs/facts/magento-2.4.7.md#3)."""
    if not limits.get("enabled"):
        return
    most = limits.get("max_page_size", 300)
    if criteria.page_size is not None and criteria.page_size > most:
        raise bad("Maximum SearchCriteria pageSize is %max", {"max": most})
    longest = limits.get("complex_array", 0)
    if longest and any(len(group) > longest for group in criteria.groups):
        kind = "\\Magento\\Framework\\Api\\Filter"
        raise bad('Maximum items of type "%type" is %max', {"type": kind, "max": longest})
    if criteria.page_size is None and "default_page_size" in limits:
        criteria.page_size = limits["default_page_size"]


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", key).lower() if not key.islower() else key


def _camel(key: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in key.split("_"))


def search(rows: Iterable[Row], criteria: Criteria, columns: frozenset[str], key: str) -> tuple[list[Row], int]:
    """Return the page's rows and the size of the whole result. Unknown columns are a database error: Refusal 500."""
    for group in criteria.groups:
        for item in group:
            if item.field is None or item.field not in columns:
                raise internal_error()
    if any(name not in columns for name, _ in criteria.sorts):
        raise internal_error()
    tests = [[_test(item) for item in group] for group in criteria.groups if group]
    found = [row for row in rows if all(any(test(row) for test in group) for group in tests)]
    _sort(found, criteria.sorts, key)
    return _page(found, criteria), len(found)


def _page(found: Sequence[Row], criteria: Criteria) -> list[Row]:
    """Page size 0 is everything and a negative one a single row; pages below 1 are page 1."""
    size = criteria.page_size or 0
    if size == 0:
        return list(found)
    size = max(size, 1)
    start = (max(criteria.current_page or 1, 1) - 1) * size
    return list(found[start : start + size])


def _sort(rows: list[Row], sorts: Sequence[tuple[str, str | None]], key: str) -> None:
    """Stable, from the last order to the first; without any, by the key. A missing direction means DESC (docs/facts/magento-2.4.7.md#3).

    Rows that tie keep no promised order in Magento; here they go by the key downwards, so that a client which sorts by
    updated_at alone is tested.
    """
    if not sorts:
        rows.sort(key=lambda row: row[key])
        return
    if all(name != key for name, _ in sorts):
        rows.sort(key=lambda row: row[key], reverse=True)
    for name, direction in reversed(sorts):
        rows.sort(key=lambda row, name=name: _sort_key(row.get(name)), reverse=direction != "ASC")  # type: ignore[misc]


def _sort_key(value: Any) -> tuple[Any, ...]:
    """Nulls first, then numbers, then text: a damaged column sorts without failing."""
    if value is None:
        return (0,)
    return (1, value) if isinstance(value, int | Decimal) else (2, str(value))


def _compare(a: Any, b: Any) -> int:
    return int(a > b) - int(a < b)


def _test(item: Filter) -> Callable[[Row], bool]:
    name, wanted = str(item.field), item.value
    if item.condition == "null":
        return lambda row: row.get(name) is None
    if item.condition == "notnull":
        return lambda row: row.get(name) is not None
    if item.condition in ("in", "nin"):
        return _membership(name, str(wanted or "").split(","), item.condition == "in")
    if item.condition in _PATTERNS:
        matches = _PATTERNS[item.condition](str(wanted or ""))
        return lambda row: row.get(name) is not None and matches(str(row[name]))
    return _comparison(name, str(wanted or ""), _ORDERS.get(item.condition, _ORDERS["eq"]))


def _membership(name: str, values: list[str], inside: bool) -> Callable[[Row], bool]:
    known = {_normal(value) for value in values}
    return lambda row: row.get(name) is not None and (_normal(row[name]) in known) is inside


_ORDERS: dict[str, Callable[[int], bool]] = {
    "eq": lambda order: order == 0,
    "neq": lambda order: order != 0,
    "gt": lambda order: order > 0,
    "gteq": lambda order: order >= 0,
    "from": lambda order: order >= 0,
    "lt": lambda order: order < 0,
    "lteq": lambda order: order <= 0,
    "to": lambda order: order <= 0,
}
"""Any other condition, `moreq` of the documentation included, is silently `eq` (docs/facts/magento-2.4.7.md#3)."""


def _comparison(name: str, wanted: str, accept: Callable[[int], bool]) -> Callable[[Row], bool]:
    if name in _DATE_COLUMNS:
        moment = _database_date(wanted)
        if moment is None:
            # an unreadable date becomes zero, and every row is later (docs/facts/magento-2.4.7.md#3)
            return lambda row: accept(1)
        return lambda row: row.get(name) is not None and accept(_compare(str(row[name]), moment))
    target = _normal(wanted)

    def test(row: Row) -> bool:
        value = row.get(name)
        if value is None:
            return False
        normal = _normal(value)
        if isinstance(normal, str) or isinstance(target, str):
            return accept(_compare(str(value).lower(), wanted.lower()))
        return accept(_compare(normal, target))

    return test


def _database_date(text: str) -> str | None:
    """`T`, `Z` and an offset are read over; a fraction makes the moment later than its second."""
    match = _DATE.match(text)
    if match is None:
        return None
    day, time, fraction = match.groups()
    return f"{day} {time or '00:00:00'}{fraction or ''}"


def _normal(value: Any) -> Any:
    """Numbers compare as numbers, but a number with leading zeros is text (increment ids)."""
    if isinstance(value, int | Decimal):
        return Decimal(value)
    text = str(value)
    if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text):
        try:
            return Decimal(text)
        except InvalidOperation:
            return text
    return text.lower()


def _like(pattern: str) -> Callable[[str], bool]:
    parts = (".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    compiled = re.compile("".join(parts), re.IGNORECASE | re.DOTALL)
    return lambda text: compiled.fullmatch(text) is not None


def _not(build: Callable[[str], Callable[[str], bool]]) -> Callable[[str], Callable[[str], bool]]:
    def negated(pattern: str) -> Callable[[str], bool]:
        matches = build(pattern)
        return lambda text: not matches(text)

    return negated


def _in_set(value: str) -> Callable[[str], bool]:
    return lambda text: value in text.split(",")


def _regexp(pattern: str) -> Callable[[str], bool]:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error:
        raise internal_error() from None
    return lambda text: compiled.search(text) is not None


_PATTERNS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "like": _like,
    "nlike": _not(_like),
    "finset": _in_set,
    "nfinset": _not(_in_set),
    "regexp": _regexp,
}
