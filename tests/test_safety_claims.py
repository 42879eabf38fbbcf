"""docs/safety.md: each claim about safety names tests that exist, and no page or section about safety is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "safety.md"
# The sections that say what protects documents, money, secrets and readers. One that is added to these pages belongs here, or below.
SECTIONS = {
    "effectively-once.md": {"the-steps", "what-cannot-be-guaranteed", "the-fault-campaign", "the-chaos-campaign"},
    "operations.md": {"tls", "keys", "personal-data", "text-from-customers", "retries", "crowd", "supply-chain"},
    "monthly-statement.md": {"signing"},
    "how-to/give-rights.md": {""},
    "how-to/add-an-instance.md": {""},
    "how-to/connect-magento.md": {""},
    "how-to/test-on-a-copy.md": {""},
    "how-to/upgrade-odoo.md": {""},
}
NO_CLAIM = {"taking-a-wrong-write-back"}  # sections of effectively-once.md that describe what a person does


def rows() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ") and not line.startswith("| Claim |")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table]


def existing() -> set[str]:
    files = [file for file in (CHECKOUT / "tests").rglob("test_*.py") if "vendor" not in file.parts]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_claim_names_tests_that_exist() -> None:
    known = existing()
    assert len(rows()) > 20
    for claim, _, tests in rows():
        named = re.findall(r"`(test_\w+)`", tests)
        assert named, claim
        assert set(named) <= known, claim


def test_every_section_about_safety_has_a_claim() -> None:
    said = {tuple(re.search(r"\(([^)#]+)#?([^)]*)\)", where).groups()) for _, where, _ in rows()}  # type: ignore[union-attr]
    wanted = {(page, section) for page, sections in SECTIONS.items() for section in sections}
    assert wanted - said == set()


def test_every_section_of_the_page_about_writing_is_known() -> None:
    text = (CHECKOUT / "docs" / "effectively-once.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+?)(?: \{ #([\w-]+) \})?$", text, re.M)
    anchors = {anchor or re.sub(r"\W+", "-", heading.lower()).strip("-") for heading, anchor in headings}
    assert anchors - SECTIONS["effectively-once.md"] == NO_CLAIM
