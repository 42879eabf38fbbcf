"""Domains: from prefix notation to a predicate over rows, with the set of candidates that an index gives.

Datetimes are compared in whole seconds: `=` means within the second, `>` from the next second on, a fraction in the
domain is cut (docs/facts/odoo-19.0.md#4).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from magodoo_sandbox.odoo.errors import DatabaseError
from magodoo_sandbox.odoo.fields import NUMBERS, X2MANY, Field, number
from magodoo_sandbox.odoo.store import Row

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.env import Env
    from magodoo_sandbox.odoo.searching import Searching

Predicate = Callable[[Row], bool]
Test = Callable[[Any], bool]
Candidates = set[int] | None
_ORDERED = {"<": lt, "<=": le, ">": gt, ">=": ge}
_PATTERNS = ("like", "ilike", "=like", "=ilike", "not like", "not ilike")
# Lists that Odoo searches without the record rules of their content (`auto_join`; `bypass_search_access` in 19).
_UNRULED = {("sale.order", "order_line"), ("stock.move.line", "picking_id"), ("stock.move", "location_id")}
_UNRULED |= {("stock.move", "location_final_id"), ("account.move.line", "move_id"), ("account.move.line", "account_id")}
_UNRULED |= {("account.move.line", name) for name in ("payment_id", "statement_line_id", "statement_id")}
_OPERATORS = {"=", "!=", "in", "not in", "<>", *_ORDERED, *_PATTERNS}


class Condition:
    """A node of a domain: `test` decides on a row, `candidates` are the only ids that can pass, or None for all."""

    def __init__(self, test: Predicate, candidates: Candidates = None) -> None:
        self.test = test
        self.candidates = candidates


def compile_domain(model: Searching, domain: Iterable[Any], env: Env | None = None) -> Condition:
    """Return a domain as a predicate; records behind a relation count if `env` may see them; without `env` all count.

    Raises ValueError in Odoo's words for a domain that it refuses.
    """
    stack: list[Condition] = []
    for item in reversed(list(domain)):
        if item == "!":
            stack.append(_negated(stack.pop()))
        elif item in ("&", "|"):
            left, right = stack.pop(), stack.pop()
            stack.append((_all if item == "&" else _any)([left, right]))
        elif isinstance(item, list | tuple) and len(item) == 3:
            stack.append(_leaf(model, item, env))
        else:
            raise ValueError(f"Domain() invalid item in domain: {item!r}")
    return _all(stack)


def _negated(node: Condition) -> Condition:
    return Condition(lambda row: not node.test(row))


def _all(nodes: list[Condition]) -> Condition:
    known = [node.candidates for node in nodes if node.candidates is not None]
    tests = [node.test for node in nodes]
    if len(tests) == 1:
        return nodes[0]
    narrowest = min(known, key=len) if known else None
    return Condition(lambda row: all(test(row) for test in tests), narrowest)


def _any(nodes: list[Condition]) -> Condition:
    known = [node.candidates for node in nodes if node.candidates is not None]
    tests = [node.test for node in nodes]
    together = set().union(*known) if len(known) == len(nodes) else None
    return Condition(lambda row: any(test(row) for test in tests), together)


def _leaf(model: Searching, leaf: list[Any] | tuple[Any, ...], env: Env | None) -> Condition:
    path, operator, value = leaf
    if path in (1, 0) and operator == "=":  # the constants [1,"=",1] and [0,"=",1]
        return Condition(lambda row: path == value, None if path == value else set())
    name, _, rest = str(path).partition(".")
    field = model.fields.get(name)
    if field is None or operator not in _OPERATORS:
        raise ValueError(f"Invalid field {model.name}.{name} in condition {tuple(leaf)!r}")
    if rest:
        return _path(model, field, [rest, operator, value], env)
    return Condition(_field_test(model, field, operator, value), _candidates(model, field, operator, value))


def _path(model: Searching, field: Field, leaf: list[Any], env: Env | None) -> Condition:
    """Return a dotted path: at least one record behind the first field, that the caller may see, passes the rest."""
    comodel = model.comodel(field)
    below = _leaf(comodel, leaf, env)
    get, table = model.getter(field.name), comodel.rows
    ruled = env is not None and (model.name, field.name) not in _UNRULED
    seen = model.db.rights.visible(env, comodel) if env is not None and ruled else None

    def passes(id: int) -> bool:
        return id in table and below.test(table[id]) and (seen is None or seen(table[id]))

    def test(row: Row) -> bool:
        return any(passes(target) for target in (get(row) if field.type in X2MANY else (get(row),)))

    if below.candidates is None:
        return Condition(test)
    passing = [i for i in below.candidates if passes(i)]
    return Condition(test, _behind(model, field, passing))


def _behind(model: Searching, field: Field, targets: list[int]) -> Candidates:
    """Ids of the rows whose relation leads to one of `targets`."""
    store = model.db.store
    if field.type == "one2many":
        back = model.comodel(field).getter(field.inverse)
        return {back(model.comodel(field).rows[target]) for target in targets}
    if store.is_indexed(model.name, field.name):
        return {record for target in targets for record in store.find(model.name, field.name, target)}
    return None


def _candidates(model: Searching, field: Field, operator: str, value: Any) -> Candidates:
    if operator not in ("=", "in") or isinstance(value, bool) or value is None:
        return None
    values = value if isinstance(value, list | tuple) else [value]
    if not all(values) or (field.type in ("many2one", *X2MANY) and any(isinstance(v, str) for v in values)):
        return None
    if field.name == "id":
        return {int(v) for v in values if int(v) in model.rows}
    if field.type == "one2many":
        return None
    if model.db.store.is_indexed(model.name, field.name):
        return {record for v in values for record in model.db.store.find(model.name, field.name, v)}
    return None


def _field_test(model: Searching, field: Field, operator: str, value: Any) -> Predicate:
    get = model.getter(field.name)
    operator = "!=" if operator == "<>" else operator
    if field.type in ("many2one", *X2MANY):
        return _relation_test(model, field, operator, value)
    if field.name == "id" and isinstance(value, str):
        raise DatabaseError("errors.InvalidTextRepresentation", f'invalid input syntax for type integer: "{value}"\n')
    if operator in _PATTERNS:
        matches = _pattern(operator, value)
        return lambda row: matches(get(row))
    test = _compare(field, operator, value)
    return lambda row: test(get(row))


def _relation_test(model: Searching, field: Field, operator: str, value: Any) -> Predicate:
    values = value if isinstance(value, list | tuple) else [value]
    if operator in _PATTERNS or any(isinstance(v, str) for v in values):
        return _name_test(model, field, operator, value)
    get = model.getter(field.name)
    if operator in _ORDERED:
        order = _ORDERED[operator]
        return lambda row: bool(get(row)) and order(get(row), value)
    wanted = {v for v in values if v}
    empty_too, positive = len(wanted) < len(values), operator in ("=", "in")

    def test(row: Row) -> bool:
        held = get(row)
        ids = held if field.type in X2MANY else (held,)
        return (not wanted.isdisjoint(ids) or (empty_too and not held)) is positive

    return test


def _name_test(model: Searching, field: Field, operator: str, value: Any) -> Predicate:
    """Return a relation compared with text: some record behind it has such a name."""
    get, comodel = model.getter(field.name), model.comodel(field)
    table = comodel.rows
    names = value if isinstance(value, list | tuple) else [value]
    matches = (
        _pattern(operator, value)
        if operator in _PATTERNS
        else lambda name: (name in names) is (operator in ("=", "in"))
    )

    def test(row: Row) -> bool:
        targets = get(row) if field.type in X2MANY else (get(row),)
        return any(matches(comodel.display_name(table[target])) for target in targets if target in table)

    return test


def _compare(field: Field, operator: str, value: Any) -> Test:
    prepare = _preparation(field)
    if operator in _ORDERED:
        order, bound = _ORDERED[operator], prepare(value)
        if field.type == "datetime":
            return lambda held: bool(held) and order(held[:19], bound)
        if field.type in (*NUMBERS, "integer"):
            return lambda held: order(held, bound)
        return lambda held: bool(held) and order(held, bound)
    wanted = {prepare(v) for v in (value if isinstance(value, list | tuple) else [value])}
    positive = operator in ("=", "in")
    if field.type == "datetime":
        return lambda held: ((held and held[:19]) in wanted) is positive
    return lambda held: (held in wanted) is positive


def _preparation(field: Field) -> Callable[[Any], Any]:
    if field.type == "boolean":
        return bool
    if field.type in NUMBERS:
        return lambda value: number(value)
    if field.type == "integer":
        return lambda value: int(value or 0)
    if field.type == "datetime":
        return _whole_second
    if field.type == "date":
        return lambda value: str(value)[:10] if value else False
    return lambda value: value or False


def _whole_second(value: Any) -> Any:
    if not value:
        return False
    parsed = datetime.fromisoformat(str(value))
    if parsed.tzinfo:
        raise ValueError(f"expecting only datetimes with no timezone: {str(value)!r}")
    return parsed.strftime("%Y-%m-%d %H:%M:%S")


def _pattern(operator: str, value: Any) -> Test:
    """SQL patterns: `%` any text, `_` any character, either is itself after `\\`; `like` looks inside, `=like` compares the whole text."""
    signs = re.findall(r"\\?.", str(value or ""), re.DOTALL)
    expression = "".join({"%": ".*", "_": "."}.get(sign, re.escape(sign[-1])) for sign in signs)
    if not operator.removeprefix("not ").startswith("="):
        expression = f".*{expression}.*"
    compiled = re.compile(expression, re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0))
    wanted = not operator.startswith("not ")
    return lambda held: bool(compiled.fullmatch(held if isinstance(held, str) else "")) is wanted
