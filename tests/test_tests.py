"""The tests themselves: what they may take from each other."""

from __future__ import annotations

import ast
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stories

TESTS = Path(__file__).parent
OF_PYTHON = {"_exit", "_getframe", "_replace"}  # public, whatever they are called
TAKE_THE_PROTOCOL_APART = {
    "mutations.py",
    "worker.py",
}  # of tests/support/faults: its steps, each on its own, are nobody's interface
REPLACE = {"setattr", "delattr", "object", "multiple"}  # of pytest's MonkeyPatch and unittest.mock.patch


def test_no_test_imports_from_another() -> None:
    """What several need is in tests/support. Modules of tests/odoo take whole tests, to run them on a live Odoo too."""
    taken = []
    for file in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                taken += [f"{file.name}: {alias.name}" for alias in node.names if is_test(alias.name)]
            elif isinstance(node, ast.ImportFrom) and is_test(node.module or ""):
                whole = file.parent.name == "odoo"
                taken += [
                    f"{file.name}: {node.module}.{alias.name}"
                    for alias in node.names
                    if not (whole and (alias.name == "*" or is_test(alias.name)))
                ]
    assert taken == []


def test_the_files_that_run_first_exist(request: pytest.FixtureRequest) -> None:
    (ours,) = (
        plugin
        for plugin in request.config.pluginmanager.get_plugins()
        if getattr(plugin, "__file__", "") == str(TESTS / "conftest.py")
    )
    assert [name for name in ours.LONGEST_FIRST if not (TESTS / name).exists()] == []
    assert len(set(ours.LONGEST_FIRST)) == len(ours.LONGEST_FIRST)


def test_no_private_name_is_used() -> None:
    used = []
    for file in TESTS.rglob("*.py"):
        if file.name not in TAKE_THE_PROTOCOL_APART:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            used += [
                f"{file.name}:{node.lineno} {name}"
                for node in ast.walk(tree)
                for name in names_of_others(node)
                if is_private(name)
            ]
    assert used == []


def test_a_story_that_yields_something_else_fails_with_what_to_write() -> None:
    @stories.story()
    def bare(pair: Any) -> Any:
        yield

    pair = SimpleNamespace(policy=lambda **_: nullcontext(), account_of=lambda name: "", find_more_to_do=dict)
    told = stories.tell(pair, [SimpleNamespace(nodeid="bare", function=bare)])
    assert "yield run_chain()" in str(told["bare"])


def names_of_others(node: ast.AST) -> list[str]:
    """Names that a piece of code takes from other modules and objects, or replaces there."""
    if isinstance(node, ast.Attribute):
        own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        return [] if own or ast.unparse(node.value) == "super()" else [node.attr]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in REPLACE:
        words = [word.value for word in node.args[:2] if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        return [word.rpartition(".")[2] for word in words] + [keyword.arg or "" for keyword in node.keywords]
    return []


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in OF_PYTHON


def is_test(name: str) -> bool:
    return name.startswith("test_")
