"""The tutorial as a new user goes through it: a fresh clone in an empty folder, and every command in the order of the page.

Run by `make test-newcomer`: it installs everything once more and runs the demo with its 300 orders.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages_of_docs import CHECKOUT, commands

pytestmark = [pytest.mark.newcomer, pytest.mark.timeout(1800)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "magodoo"
    subprocess.run(["git", "clone", "--quiet", CHECKOUT, folder], check=True)
    yield folder
    subprocess.run(["make", "down"], cwd=folder, check=True, capture_output=True)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    print(f"$ {command}")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "MAGODOO_"))}
    done = subprocess.run(command, shell=True, cwd=folder, env=own, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done


def test_two_keys_lead_to_a_first_reconciliation(clone: Path) -> None:
    """README's five steps, typed on a seeded Magento and a fresh Odoo: no other edit than what `make init` left open."""
    done = run("make ten-minutes", clone)
    assert done.returncode == 0, f"{done.stdout[-3000:]} {done.stderr[-2000:]}"
    figures = json.loads((clone / "var" / "ten-minutes" / "summary.json").read_text(encoding="utf-8"))
    assert figures["edits"] == figures["open_lines"] > 0
    assert figures["questions"] <= 12
    assert figures["preflight_errors"] == 0


def test_every_command_of_the_tutorial_works_in_a_fresh_clone(clone: Path) -> None:
    typed = commands(CHECKOUT / "docs" / "tutorial.md")
    assert typed[0] == "make demo" and "make up" in typed
    for command in typed:
        done = run(command, clone)
        if command == "make preflight":  # nobody has made the two connections yet: preflight says so
            assert done.returncode and "magento_us" in done.stdout and "odoo_us" in done.stdout
        else:
            assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
        if command == "make demo":
            assert "found what was planted, nothing failed, the last run changed nothing" in re.sub(
                r"\s+", " ", done.stdout
            )
