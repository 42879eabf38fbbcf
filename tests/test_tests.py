"""The tests themselves: what they may take from each other."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parent


def test_a_test_takes_nothing_from_another() -> None:
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


def is_test(name: str) -> bool:
    return name.startswith("test_")
