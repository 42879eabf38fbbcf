"""The pages keep their promises: links lead somewhere, what they say to type exists, every kind of change can be looked up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from airflow.sdk import DAG
from pages_of_docs import CHECKOUT, PAGES, blocks, commands

from magodoo.domain.kinds import ChangeKind
from magodoo.settings.model import Instance, Settings

TARGETS = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
NEEDED = {"magento_connection": "magento_us", "odoo_connection": "odoo_us"}


def named(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_has_a_target(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_named_exists(page: Path) -> None:
    typed = [command.split()[1] for command in commands(page) if command.startswith("make ")]
    named = {*typed, *re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))}
    assert {name for name in named - TARGETS if not name.startswith("bench-")} == set()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_settings_example_is_valid(page: Path) -> None:
    for block in blocks(page, "yaml"):
        shown = yaml.safe_load(block)
        entries = shown.get("instances", {"us": shown})
        Settings(instances={name: Instance(**NEEDED | entry) for name, entry in entries.items()})


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=named)
def test_every_code_example_runs(page: Path) -> None:
    made: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), made)
    assert "DAG" not in made or [value for value in made.values() if isinstance(value, DAG) and value.tasks]


def test_every_page_that_the_navigation_names_exists() -> None:
    def names(entries: object) -> list[str]:
        if isinstance(entries, str):
            return [entries]
        inner = entries.values() if isinstance(entries, dict) else entries
        return [name for entry in inner for name in names(entry)]  # type: ignore[attr-defined]

    listed = names(yaml.safe_load((CHECKOUT / "docs" / ".nav.yml").read_text(encoding="utf-8"))["nav"])
    assert len(listed) > 20
    assert [name for name in listed if not list((CHECKOUT / "docs").glob(name))] == []


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_the_docs_say_how_to_revert_each_kind_of_change(kind: ChangeKind) -> None:
    assert f"\n| `{kind.value}` |" in (CHECKOUT / "docs" / "effectively-once.md").read_text(encoding="utf-8")
