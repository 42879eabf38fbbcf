"""docs/business-rules.md names a test for every rule: each of them exists, and no row is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "business-rules.md"
NAMED = re.compile(r"`(test_\w+)`")


def rows() -> list[str]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("| ") and not line.startswith(("| rule |", "| case |"))]


@pytest.fixture(scope="module")
def existing() -> set[str]:
    files = (CHECKOUT / "tests").rglob("test_*.py")
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files if "vendor" not in file.parts]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_rule_names_a_test() -> None:
    assert len(rows()) > 60
    assert [row for row in rows() if not NAMED.search(row)] == []


def test_every_named_test_exists(existing: set[str]) -> None:
    named = {name for row in rows() for name in NAMED.findall(row)}
    assert sorted(named - existing) == []
