"""The counts of a run on a live Odoo: by file of tests, with why some were skipped and which failed, as docs/evidence/live-odoo.md shows them.

The run writes them to `var/live-odoo/<build>-<what ran>.md`; with EVIDENCE=1 between the marks of that page, too.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
EVIDENCE = CHECKOUT / "docs" / "evidence" / "live-odoo.md"
RUNS = CHECKOUT / "var" / "live-odoo"
END = "<!-- end of run -->"
OUTCOMES = ("passed", "failed", "skipped")


@dataclass
class LiveRun:
    """What one run found: outcomes by file, and the reasons and names below the table."""

    files: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, stats: Mapping[str, Sequence[Any]]) -> LiveRun:
        """Count pytest's reports of the tests that met the live Odoo; an error of a fixture is a failure."""
        run = cls()
        for outcome, reports in (
            ("passed", stats.get("passed", ())),
            ("failed", [*stats.get("failed", ()), *stats.get("error", ())]),
            ("skipped", stats.get("skipped", ())),
        ):
            for report in reports:
                if not is_live(report.nodeid):
                    continue
                file, _, name = report.nodeid.partition("::")
                run.files.setdefault(Path(file).name, Counter())[outcome] += 1
                if outcome == "failed":
                    run.failed.append(f"{Path(file).name}::{name}")
                elif outcome == "skipped":
                    run.reasons[reason_of(report)] += 1
        return run

    def table(self) -> str:
        """The counts as a table, then the reasons of what was skipped, then the names of what failed."""
        lines = ["| file | passed | failed | skipped |", "|---|---:|---:|---:|"]
        total: Counter[str] = Counter()
        for name, counts in sorted(self.files.items()):
            total += counts
            lines.append(f"| `{name}` | {' | '.join(str(counts[each]) for each in OUTCOMES)} |")
        lines.append(f"| all | {' | '.join(f'**{total[each]}**' for each in OUTCOMES)} |")
        if self.reasons:
            lines += ["", "Skipped:", ""]
            lines += [f"- {count}: {why}" for why, count in sorted(self.reasons.items())]
        if self.failed:
            lines += ["", "Failed:", "", *(f"- `{name}`" for name in sorted(self.failed))]
        return "\n".join(lines) + "\n"


def is_live(nodeid: str) -> bool:
    """Return whether a test met the live Odoo, by the parameter in its name."""
    parameters = nodeid.partition("[")[2].rstrip("]").split("-")
    return "live" in parameters


def reason_of(report: Any) -> str:
    """Return why a test was skipped, as pytest's report of it says."""
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(said).removeprefix("Skipped: ")


def circumstances() -> tuple[str, ...]:
    """When a run ended, of which commit, and how busy the machine was."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=False)  # fmt: skip
    of = f"commit {commit.stdout.strip()}" if commit.returncode == 0 else "no commit known"
    return f"{datetime.now(UTC):%-d %B %Y, %H:%M} UTC", of, f"load average {os.getloadavg()[2]:.0f}"


def begin_of(build: str, what: str) -> str:
    """Return the mark before the counts of a build and of what ran."""
    return f"<!-- {what} on Odoo {build}: written by the run -->"


def note(run: LiveRun, build: str, what: str, circumstances: Iterable[str], page: Path | None) -> Path:
    """Write the counts to a file of the run, and into a page where one is given. Returns the file.

    Args:
        run: The counts.
        build: The exact version of Odoo.
        what: The targets that ran, as pytest selects them: `odoo`, `odoo_stories`.
        circumstances: When and where, each a part of one line.
        page: A page with the marks of this build and run, or one where they are appended.
    """
    text = f"{', '.join(circumstances)}\n\n{run.table()}"
    RUNS.mkdir(parents=True, exist_ok=True)
    file = RUNS / f"{build}-{what.replace(' ', '-')}.md"
    file.write_text(text, encoding="utf-8")
    if page is not None:
        page.write_text(replaced(page.read_text(encoding="utf-8"), begin_of(build, what), text), encoding="utf-8")
    return file


def replaced(page: str, begin: str, text: str) -> str:
    """Return a page with the text between a mark and the next end of a run; appended where the mark is not on it."""
    head, mark, rest = page.partition(begin)
    if not mark:
        return f"{page.rstrip()}\n\n{begin}\n\n{text}\n{END}\n"
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"there is no {END} after {begin}")
    return f"{head}{begin}\n\n{text}\n{END}{tail}"
