"""docs/reference is what the code says now; the names in it are those that exist."""

from __future__ import annotations

import pytest
from scripts import reference
from scripts.tables import read

from magodoo import staging
from magodoo.domain.vocabulary import FindingType
from magodoo.settings import model


@pytest.fixture(scope="module")
def pages(module_staging_url: str) -> dict[str, str]:
    engine = staging.connect(module_staging_url)
    made = reference.pages(engine)
    engine.dispose()
    return made


def test_every_page_in_the_repository_is_what_the_code_says(pages: dict[str, str]) -> None:
    old = [name for name, text in pages.items() if (reference.REFERENCE / name).read_text(encoding="utf-8") != text]
    assert old == [], "run: make reference"


def test_every_finding_has_a_section_with_its_cause_and_remedy(pages: dict[str, str]) -> None:
    sections = {part.partition("\n")[0]: part for part in pages["findings.md"].split("\n## ")[1:]}
    assert set(sections) == set(FindingType)
    assert [name for name, part in sections.items() if "- Cause: " not in part or "- Remedy: " not in part] == []


def test_every_setting_says_what_it_means(pages: dict[str, str]) -> None:
    rows = [line for line in pages["settings.md"].splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


def test_a_default_is_shown_as_a_person_would_write_it(pages: dict[str, str]) -> None:
    assert "| `tolerance` | mapping to number or text | `default: 0.02` |" in pages["settings.md"]
    assert f"`{model.Limits().document_amount}`" in pages["settings.md"]


def test_every_table_says_what_it_is_for(module_staging_url: str) -> None:
    engine = staging.connect(module_staging_url)
    tables = {table.name: table for table in read(engine)}
    engine.dispose()
    assert [name for name, table in tables.items() if not table.purpose] == []
    assert tables["line"].refers_to == ("document",)
    assert "change" in tables["finding"].refers_to
