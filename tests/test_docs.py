"""The pages keep their promises: links lead somewhere, every kind of change can be looked up, every target that is named exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from magodoo.vocabulary import ChangeKind

CHECKOUT = Path(__file__).resolve().parents[1]
PAGES = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_targets_that_are_named_exist(page: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
    assert {name for name in named - known if not name.startswith("bench-")} == set()


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_how_each_kind_of_change_is_taken_back_can_be_looked_up(kind: ChangeKind) -> None:
    assert f"\n| `{kind.value}` |" in (CHECKOUT / "docs" / "effectively-once.md").read_text(encoding="utf-8")
