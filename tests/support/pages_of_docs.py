"""What the pages in Markdown ask a reader to type: blocks of code by language, and commands in a line of text."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page
    for page in [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")]
    if "site" not in page.relative_to(CHECKOUT).parts
)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order, without the indent that a list gives them."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def commands(page: Path) -> list[str]:
    """Each line of the `console` blocks, in order, without comments."""
    lines = "\n".join(blocks(page, "console")).splitlines()
    return [line.partition("  #")[0].strip() for line in lines if line.strip()]


def named_commands(page: Path) -> list[str]:
    """What the text names between backticks and a shell would run: make targets, cp, python of the environment."""
    return re.findall(r"`((?:make|cp|\.venv/bin/python) [^`]+)`", page.read_text(encoding="utf-8"))
