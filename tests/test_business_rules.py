"""docs/business-rules.md names a test for every rule: each of them exists, no row is without one, and *live* is said where it is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
TESTS = CHECKOUT / "tests"
PAGE = CHECKOUT / "docs" / "business-rules.md"
NAMED = re.compile(r"`(test_\w+)`")


def rows() -> list[str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith(("| rule |", "| case |"))]


def defined_in(files: Iterable[Path]) -> set[str]:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.fixture(scope="module")
def existing() -> set[str]:
    return defined_in(file for file in TESTS.rglob("test_*.py") if "vendor" not in file.parts)


@pytest.fixture(scope="module")
def live() -> set[str]:
    """Tests that run on a live Odoo too: those of tests/odoo, and the stories that its modules import."""
    names = set()
    for file in (TESTS / "odoo").glob("test_*.py"):
        names |= defined_in([file])
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (TESTS / f"{node.module}.py").exists():
                told = {alias.name for alias in node.names}
                names |= defined_in([TESTS / f"{node.module}.py"]) if told == {"*"} else told
            elif isinstance(node, ast.Delete):
                names -= {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return names


def test_every_rule_names_a_test() -> None:
    assert len(rows()) > 60
    assert [row for row in rows() if not NAMED.search(row)] == []


def test_every_named_test_exists(existing: set[str]) -> None:
    named = {name for row in rows() for name in NAMED.findall(row)}
    assert sorted(named - existing) == []


def test_rules_tested_on_a_live_odoo_are_marked_live(live: set[str]) -> None:
    wrong = [row for row in rows() if ("(**live**)" in row) != bool(live & set(NAMED.findall(row)))]
    assert wrong == []
