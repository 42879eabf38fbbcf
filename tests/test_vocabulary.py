"""A state is written as the member of its enum, and a state quoted in SQL or in a template is one that its column may have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from types import ModuleType

import pytest

from magodoo.domain import states, vocabulary
from magodoo.domain.vocabulary import Approval, ChangeState, OrderScope, Severity, Verdict

ROOT = Path(__file__).parents[1]
THE_PLACES = {Path(module.__file__ or "") for module in (states, vocabulary)}
SOURCES = sorted(
    path
    for folder in ("include", "plugins")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".sql", ".html", ".txt"} and "migrations" not in path.parts and path not in THE_PLACES
)
# Enums of the states that Magento and Odoo send, and of those that magodoo stores.
OF_SYSTEMS = [each for each in vars(states).values() if isinstance(each, type) and each.__module__ == states.__name__]
OF_MAGODOO = [ChangeState, Verdict, Approval, Severity, OrderScope]
COLUMNS = {"verdict": Verdict, "approval": Approval, "severity": Severity, "scope": OrderScope}
SUBJECT = re.compile(
    r"((payment|parent|odoo|magento|picking_id|change)[._])?(state|status|verdict|approval|severity|scope)"
)

# In SQL and in templates the words stay.
WORD = r"'(\w*)'"
WORDS = rf"{WORD}|\({WORD}(?:,\s*{WORD})*\)"
COLUMN = r"(?:\b(?P<of>\w+)\.)?\b(?P<column>state|verdict|approval|severity|scope)"
COMPARED = re.compile(rf"{COLUMN}(?:, '\w*'\))?\s*(?:=|<>|is distinct from|(?:not )?in)\s*(?P<words>{WORDS})")
CHOSEN = re.compile(rf"case {COLUMN}(?P<words>(?: when {WORD} then \w+)+|(?: when {WORD} then '\w+')+)")
ASSIGNED = re.compile(rf"{COLUMN} = case(?P<words>(?: when .*? then {WORD})+ else {WORD}) end")
LISTED = re.compile(rf"\(values (?P<words>\({WORD}\)(?:,\s*\({WORD}\))*)\) (?P<of>\w+) \((?P<column>state|severity)\)")
IN_TEMPLATE = re.compile(r"\bchange[._](?P<column>state|verdict|approval) (?:==|in) (?P<words>\"\w+\"|\(\"[^)]*\))")


@cache
def trees() -> list[tuple[Path, ast.AST]]:
    return [(path, ast.parse(path.read_text())) for path in SOURCES if path.suffix == ".py"]


def words_in(node: ast.AST) -> list[str]:
    """The quoted words of a constant, or of a collection of them."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def is_of_state(node: ast.AST) -> bool:
    """Whether an expression reads a state: `row.state`, `row["state"]`, `row.get("state")`, `state`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return SUBJECT.fullmatch(name) is not None
        case ast.Subscript(slice=inner) | ast.Call(func=ast.Attribute(attr="get"), args=[inner, *_]):
            return is_of_state(inner)
    return False


def states_of_one_enum(parts: Sequence[ast.AST]) -> list[str]:
    """The quoted words, if there are several, nothing else, and all are states of one enum."""
    words = [word for part in parts for word in words_in(part)]
    alike = any(set(words) <= set(each) for each in (*OF_SYSTEMS, *OF_MAGODOO))
    return words if len(words) == len(parts) > 1 and alike else []


def quoted(node: ast.AST) -> list[str]:
    """The words that a node quotes as states: what a state is compared with or set to, or a collection of states of one enum."""
    match node:
        case ast.Compare(left=left, comparators=others) if any(map(is_of_state, (left, *others))):
            return [word for each in (left, *others) if not is_of_state(each) for word in words_in(each)]
        case ast.Call(func=ast.Attribute(attr="word_is"), args=[column, found]) if is_of_state(column):
            return words_in(found)
        case ast.List(elts=[ast.Constant() as field, ast.Constant(), found]) if is_of_state(field):
            return words_in(found)
        case ast.Dict(keys=keys, values=values):
            pairs = [(key, value) for key, value in zip(keys, values, strict=True) if key]
            set_to = [word for key, value in pairs if is_of_state(key) for word in words_in(value)]
            return set_to + states_of_one_enum([key for key, _ in pairs])
        case ast.keyword(arg=str(name), value=value) if SUBJECT.fullmatch(name):
            return words_in(value)
        case ast.Tuple(elts=elts) | ast.List(elts=elts) | ast.Set(elts=elts):
            return states_of_one_enum(elts)
    return []


def test_python_names_states_by_their_enum() -> None:
    known = set(chain(*OF_SYSTEMS, *OF_MAGODOO))
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {word}"  # type: ignore[attr-defined]
        for path, tree in trees()
        for node in ast.walk(tree)
        for word in quoted(node)
        if word in known
    ]
    assert not found, "\n".join(found)


def test_states_from_outside_are_not_converted_to_enum_members() -> None:
    """`OdooMoveState(word)` would raise for a state that an extension or a later version sends."""
    made = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.func.id}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {each.__name__ for each in OF_SYSTEMS}
    ]
    assert not made, "\n".join(made)


def statements() -> Iterator[tuple[Path, str]]:
    """Every text that may be SQL: of the SQL files, and of strings in the code, `?` for what an f-string puts in."""
    yield from ((path, path.read_text()) for path in SOURCES if path.suffix == ".sql")
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield path, "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


def allowed(path: Path, text: str, found: re.Match[str]) -> set[str]:
    """The words that the column may have; `state` is that of a change, or of a document, which either system sends."""
    column, of = found["column"], found.groupdict().get("of")
    if column != "state":
        return set(COLUMNS[column])
    of_change = of in ("c", "change", "busy") or re.search(r"\bchange\b", text) or path.parent.name == "ledger"
    return set(ChangeState) if of_change else {"", *chain(*OF_SYSTEMS)}


def words_of_sql(found: re.Match[str]) -> list[str]:
    text = found["words"]
    if found.re is CHOSEN:
        return re.findall(rf"when {WORD}", text)
    if found.re is ASSIGNED:
        return re.findall(rf"(?:then|else) {WORD}", text)
    return re.findall(WORD, text)


def test_sql_quotes_states_of_the_column() -> None:
    found = [
        (path, text, each)
        for path, text in statements()
        if "'" in text
        for form in (COMPARED, CHOSEN, ASSIGNED, LISTED)
        for each in form.finditer(text)
    ]
    unknown = [
        f"{path.relative_to(ROOT)}: {each[0]}"
        for path, text, each in found
        if not set(words_of_sql(each)) <= allowed(path, text, each)
    ]
    assert found
    assert not unknown, "\n".join(unknown)


def test_templates_quote_states_of_the_column() -> None:
    templates = [path for path in SOURCES if path.suffix in {".html", ".txt"}]
    found = [(path, each) for path in templates for each in IN_TEMPLATE.finditer(path.read_text())]
    columns = {**COLUMNS, "state": ChangeState}
    unknown = [
        f"{path.relative_to(ROOT)}: {each[0]}"
        for path, each in found
        if not set(re.findall(r'"(\w+)"', each["words"])) <= set(columns[each["column"]])
    ]
    assert found
    assert not unknown, "\n".join(unknown)


@pytest.mark.parametrize("module", [states, vocabulary], ids=["states", "vocabulary"])
def test_every_name_of_the_two_modules_is_used(module: ModuleType) -> None:
    code = [path.read_text() for path in SOURCES if path.suffix == ".py"]
    own = Path(module.__file__ or "").read_text()
    names = [name for name, value in vars(module).items() if re.search(rf"^(class )?{name}\b", own, re.M)]
    assert not [name for name in names if not any(re.search(rf"\b{name}\b", text) for text in code)]
