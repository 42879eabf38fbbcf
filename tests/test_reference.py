"""docs/reference is what the code says now; the names in it are those that exist."""

from __future__ import annotations

import re

import pytest
from scripts import reference
from scripts.tables import read

from magodoo import staging
from magodoo.connectors.odoo.proofs import FEATURES, VERSIONS, Feature, Proof, cell
from magodoo.connectors.odoo.versions import CAPABILITIES, Support, Version, standing
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


def test_the_table_of_versions_in_readme_is_what_the_code_says() -> None:
    readme = reference.README.read_text(encoding="utf-8")
    assert reference.with_versions(readme) == readme, "run: make reference"
    assert readme.count("| returns |") == 1


def test_every_live_cell_names_its_command_and_its_edition(pages: dict[str, str]) -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (reference.CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    cells = [cell for line in pages["versions.md"].splitlines() if line.startswith("| ") for cell in line.split(" | ")]
    live = [text for text in cells if "#live" in text]
    assert len(live) > len(FEATURES)
    for text in live:
        named = re.search(r"on Community: `make ([a-z-]+)", text)
        assert named, text
        assert named[1] in targets


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_cell_of_the_table_of_versions_follows_from_what_a_version_lacks(feature: Feature) -> None:
    assert set(feature.needs) <= set(CAPABILITIES)
    for major in VERSIONS:
        found = cell(feature, major)
        if feature.writes and not standing(Version(major)).may_write:
            assert not found.works
        if standing(Version(major)).support is Support.EXPECTED:
            assert found.proof is not Proof.LIVE, "never run"
    assert (cell(feature, 19).works, cell(feature, 19).limits, cell(feature, 19).proof) == (True, (), Proof.LIVE)


def test_a_link_to_a_page_is_named_as_the_page(pages: dict[str, str]) -> None:
    """The name lacked its first letter where the page is in no folder."""
    links = re.findall(r"\[([\w.-]+)\]\(\.\./(?:[\w.-]+/)*([\w.-]+)\.md\)", pages["versions.md"])
    assert {"live-systems", "magento-versions"} <= {name for name, _ in links}
    assert [link for link in links if link[0] != link[1] and not link[0].isdigit()] == []


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
