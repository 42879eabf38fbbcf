"""What `make test-airflow` found with each version of Airflow: a row of docs/evidence/airflow-versions.md, written by the run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EVIDENCE = CHECKOUT / "docs" / "evidence" / "airflow-versions.md"
SHOWN = (
    "apache-airflow-providers-postgres", "apache-airflow-providers-smtp", "apache-airflow-providers-standard", "pandas",
    "great-expectations", "sqlalchemy",
)  # fmt: skip
ROW = re.compile(r"^\| (\d+(?:\.\d+)+) \|.*$", re.MULTILINE)


@dataclass
class Tried:
    """The environment of one run; `packages` is empty where the wheel could not be installed."""

    airflow: str
    python: str
    packages: Mapping[str, str] = field(default_factory=dict)


TRIED = pytest.StashKey[Tried]()


def row(tried: Tried, stats: Mapping[str, Sequence[Any]], commit: str, now: datetime) -> str:
    """Return the row of a run, with the names of the tests that failed."""
    failed = sorted({report.nodeid.rpartition("::")[2] for key in ("failed", "error") for report in stats.get(key, ())})
    result = f"{len(stats.get('passed', ()))} passed, {len(failed)} failed"
    if not tried.packages:
        result += ": the wheel refuses this version"
    elif failed:
        result += ": " + ", ".join(f"`{name}`" for name in failed)
    versions = " | ".join(tried.packages.get(name, "") for name in SHOWN)
    return f"| {tried.airflow} | {tried.python} | {result} | {versions} | `{commit}` | {now:%-d %B %Y, %H:%M} |"


def with_row(page: str, line: str) -> str:
    """Return the page with a row in place of that version's, or added; the newest version first.

    Raises:
        ValueError: the page has no table with a row of another version or of this one.
    """
    rows = {found[1]: found[0] for found in ROW.finditer(page)}
    spans = [found.span() for found in ROW.finditer(page)]
    new = ROW.match(line)
    if new is None or not spans:
        raise ValueError("no table of versions")
    rows[new[1]] = line
    ordered = sorted(rows, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    return page[: spans[0][0]] + "\n".join(rows[version] for version in ordered) + page[spans[-1][1] :]


def commit() -> str:
    """Return the commit that was tried, with `+` where files other than the evidence differ from it."""
    git = ["git", "-C", str(CHECKOUT)]
    told = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", ":(exclude)docs/evidence"], check=False).returncode
    return told.stdout.strip() + "+" * bool(changed)


def note(tried: Tried, stats: Mapping[str, Sequence[Any]], page: Path = EVIDENCE) -> None:
    """Write the row of a run into the page."""
    line = row(tried, stats, commit(), datetime.now(UTC))
    page.write_text(with_row(page.read_text(encoding="utf-8"), line), encoding="utf-8")
