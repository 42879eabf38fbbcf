"""Comments and docstrings cite pages of this repository: page and section are there, and nothing cites notes that a reader does not have."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import pytest
from pages_of_docs import CHECKOUT

CITATION = re.compile(r"\bdocs/([\w./-]+?\.md)((?:(?:, | and | to |)#[\w.-]*[\w-])*)")
OLD = {
    "a note of facts": re.compile(
        r"(?<![\w/.])facts[,:]? (?:magento-2|odoo-1|pair|airflow-3|more|Magento)\b.{0,12}\d|(?<![\w/.])facts \d|docs/facts,"
    ),
    "the design": re.compile(r"\bDESIGN\b"),
    "the rules": re.compile(r"(?<!index in )\bRULES(?:, \*|: [a-z0-9]|\)|\.md)"),
}
PLACES = [
    "include",
    "plugins",
    "dev",
    "dags",
    "tests",
    "bench",
    "scripts",
    "deploy",
    "Makefile",
    "docker-compose.yaml",
    "*.md",
]
SUFFIXES = (".py", ".sql", ".md", ".yaml", ".toml", ".sh", "Makefile")
OTHERS = ("docs/", "tests/recordings/", "tests/test_citations.py")  # pages have links, which test_docs.py follows


def files() -> list[str]:
    found = subprocess.run(["git", "ls-files", *PLACES], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    names = [name for name in found.stdout.splitlines() if name.endswith(SUFFIXES) and not name.startswith(OTHERS)]
    return [name for name in names if (CHECKOUT / name).is_file()]


TEXTS = {name: (CHECKOUT / name).read_text(encoding="utf-8") for name in files()}


@cache
def anchors(page: str) -> frozenset[str]:
    """Ids of a page's headings, given or made from their words, and of its marked places."""
    text = (CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    found = set(re.findall(r'<(?:a|span) id="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} +(.+)$", text, re.MULTILINE):
        given = re.search(r"\{ *#(\S+) *\}$", heading)
        words = re.sub(r"[^\w\s-]", "", heading).strip().lower()
        found.add(given[1] if given else re.sub(r"[-\s]+", "-", words))
    return frozenset(found)


def cited(text: str) -> list[tuple[str, str]]:
    """(page, section) of each citation; the section is empty when the whole page is meant."""
    return [
        (page, section)
        for page, sections in CITATION.findall(text)
        for section in re.findall(r"#([\w.-]*[\w-])", sections) or [""]
    ]


def test_every_citation_names_a_page_and_a_section_that_are_there() -> None:
    wrong = []
    for name, text in TEXTS.items():
        for page, section in cited(text):
            there = (CHECKOUT / "docs" / page).is_file()
            if not there or (section and section not in anchors(page)):
                wrong.append(f"{name}: docs/{page}#{section}")
    assert wrong == []


def test_the_facts_are_cited_in_all_packages() -> None:
    assert sum(page.startswith("facts/") for text in TEXTS.values() for page, _ in cited(text)) > 150


@pytest.mark.parametrize("what", list(OLD))
def test_every_cited_page_is_in_the_repository(what: str) -> None:
    assert [f"{name}: {found[0]}" for name, text in TEXTS.items() for found in OLD[what].finditer(text)] == []


def test_a_citation_is_read_with_all_its_sections() -> None:
    assert cited("(docs/facts/pair.md#3 to #6, #9; docs/facts/odoo-19.0.md#5.1).") == [
        ("facts/pair.md", "3"),
        ("facts/pair.md", "6"),
        ("facts/pair.md", "9"),
        ("facts/odoo-19.0.md", "5.1"),
    ]
    assert cited("as docs/effectively-once.md#the-steps. More") == [("effectively-once.md", "the-steps")]
