"""What README says can be done: every command in it is run by a test, every situation in its table has one."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from pages_of_docs import CHECKOUT, commands, named_commands

README = CHECKOUT / "README.md"
# Which test runs a command of README: those of the tutorial are run by test_newcomer.py, in its order, in a fresh clone.
RUN_BY = {
    "make demo ODOO=live": "test_demo_e2e.py::test_nothing_failed_and_the_last_run_changed_nothing",
    "make help": "test_readme.py::test_make_help_names_every_target_once",
    "make init": "test_newcomer.py::test_two_keys_lead_to_a_first_reconciliation",
    "make provision": "test_newcomer.py::test_two_keys_lead_to_a_first_reconciliation",
    "make docs": "test_readme.py::test_ci_runs_the_suite_and_builds_the_pages",
    "make test": "test_readme.py::test_ci_runs_the_suite_and_builds_the_pages",
    ".venv/bin/python -m pytest -k scenario_04": "test_readme.py::test_one_situation_can_be_run_by_its_name",
}


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_command_in_it_is_run_by_a_test() -> None:
    of_the_tutorial = set(commands(CHECKOUT / "docs" / "tutorial.md"))
    left = {*commands(README), *named_commands(README)} - of_the_tutorial
    assert left == set(RUN_BY)
    for test in RUN_BY.values():
        file, _, name = test.partition("::")
        assert name in functions(CHECKOUT / "tests" / file)


def test_ci_runs_the_suite_and_builds_the_pages() -> None:
    lines = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    called = {line.strip().removesuffix(" || result=$?") for line in lines}
    assert {"make test", "make lint", "make docs", "make test-odoo"} <= called


def test_make_help_names_every_target_once() -> None:
    told = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^  make (\S+)", told, re.MULTILINE)) == sorted(
        re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    )


def test_one_situation_can_be_run_by_its_name() -> None:
    command = next(command for command in RUN_BY if "pytest" in command).split()
    collected = subprocess.run(
        [*command, "--collect-only", "-q"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
    assert "test_scenario_04_captured_by_the_provider_is_paid_in_the_mapped_journal" in collected
    assert "test_scenario_05" not in collected


@pytest.mark.parametrize("number", range(1, 13))
def test_every_situation_names_the_file_of_its_tests(number: int) -> None:
    row = re.search(
        rf"^\| {number} \|.*\| \[`(scenario_\d\d)`\]\((tests/\w+\.py)\) \|$", README.read_text("utf-8"), re.MULTILINE
    )
    assert row and row[1] == f"scenario_{number:02}"
    assert [name for name in functions(CHECKOUT / row[2]) if name.startswith(f"test_{row[1]}_")]
