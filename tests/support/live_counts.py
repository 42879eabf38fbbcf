"""The counts of a run on a live Odoo: by file of tests, with why some were skipped and which failed, as docs/evidence/live-odoo.md shows them.

The run writes them to `var/live-odoo/<build>-<what ran>.md`; with EVIDENCE=1 between the marks of that page, too. A run of some files
renews their rows and leaves the others: each row says when it was run, and of which commit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
EVIDENCE = CHECKOUT / "docs" / "evidence" / "live-odoo.md"
RUNS = CHECKOUT / "var" / "live-odoo"
END = "<!-- end of run -->"
OUTCOMES = ("passed", "failed", "skipped")
HEAD = f"| file | {' | '.join(OUTCOMES)} | run |\n|---|---:|---:|---:|---|"

_ROW = re.compile(r"^\| `([^`]+)` \| (\d+) \| (\d+) \| (\d+) \| (.*) \|$")
_SKIPPED = re.compile(r"^- `([^`:]+)`: (\d+): (.*)$")
_FAILED = re.compile(r"^- `([^`:]+)(::[^`]+)`$")


@dataclass
class FileRun:
    """What one file's tests came to: outcomes, reasons of what was skipped, names of what failed, and when and where."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    circumstances: str = ""


@dataclass
class LiveRun:
    """What was found of each file of tests, by its name."""

    files: dict[str, FileRun] = field(default_factory=dict)

    @classmethod
    def of(cls, stats: Mapping[str, Sequence[Any]], circumstances: str = "") -> LiveRun:
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
                path, _, name = report.nodeid.partition("::")
                file = run.files.setdefault(Path(path).name, FileRun(circumstances=circumstances))
                file.counts[outcome] += 1
                if outcome == "failed":
                    file.failed.append(f"::{name}")
                elif outcome == "skipped":
                    file.reasons[reason_of(report)] += 1
        return run

    @classmethod
    def parsed(cls, text: str) -> LiveRun:
        """Read back what `table` wrote."""
        run = cls()
        for line in text.splitlines():
            if row := _ROW.match(line):
                counts = Counter(dict(zip(OUTCOMES, map(int, row.groups()[1:4]), strict=True)))
                run.files[row[1]] = FileRun(counts, circumstances=row[5])
            elif skipped := _SKIPPED.match(line):
                run.files[skipped[1]].reasons[skipped[3]] = int(skipped[2])
            elif failed := _FAILED.match(line):
                run.files[failed[1]].failed.append(failed[2])
        return run

    def over(self, earlier: LiveRun) -> LiveRun:
        """Return an earlier run with the files of this one in the place of its own."""
        return LiveRun({**earlier.files, **self.files})

    def table(self) -> str:
        """The counts as a table, then the reasons of what was skipped, then the names of what failed."""
        lines, total = [HEAD], Counter[str]()
        files = sorted(self.files.items())
        for name, file in files:
            total += file.counts
            counts = " | ".join(str(file.counts[each]) for each in OUTCOMES)
            lines.append(f"| `{name}` | {counts} | {file.circumstances} |")
        lines.append(f"| all | {' | '.join(f'**{total[each]}**' for each in OUTCOMES)} | |")
        skipped = [f"- `{name}`: {count}: {why}" for name, file in files for why, count in sorted(file.reasons.items())]
        failed = [f"- `{name}{test}`" for name, file in files for test in sorted(file.failed)]
        for title, below in (("Skipped:", skipped), ("Failed:", failed)):
            lines += ["", title, "", *below] if below else []
        return "\n".join(lines) + "\n"


def is_live(nodeid: str) -> bool:
    """Return whether a test met the live Odoo, by the parameter in its name."""
    parameters = nodeid.partition("[")[2].rstrip("]").split("-")
    return "live" in parameters


def reason_of(report: Any) -> str:
    """Return why a test was skipped, as pytest's report of it says, in one line."""
    said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return " ".join(str(said).removeprefix("Skipped: ").split())


def is_evidence(arguments: Sequence[str], *, left_out: bool, ended: bool) -> bool:
    """Return whether a run was of whole files, so that its rows may take the place of earlier ones.

    Args:
        arguments: What pytest was given: folders, files, or single tests.
        left_out: Whether tests were left out by an option.
        ended: Whether the run came to its last test.
    """
    return ended and not left_out and not any("::" in each for each in arguments)


def begin_of(build: str, what: str) -> str:
    """Return the mark before the counts of a build and of what ran."""
    return f"<!-- {what} on Odoo {build}: written by the run -->"


def note(run: LiveRun, build: str, what: str, page: Path | None) -> Path:
    """Write the counts over those of earlier runs in a file, and in a page where one is given. Returns the file.

    Args:
        run: The counts.
        build: The exact version of Odoo.
        what: The targets that ran, as pytest selects them: `odoo`, `odoo_stories`.
        page: A page with the marks of this build and run, or one where they are appended.
    """
    RUNS.mkdir(parents=True, exist_ok=True)
    file = RUNS / f"{build}-{what.replace(' ', '-')}.md"
    run = run.over(LiveRun.parsed(file.read_text(encoding="utf-8")) if file.exists() else LiveRun())
    file.write_text(run.table(), encoding="utf-8")
    if page is not None:
        text, begin = page.read_text(encoding="utf-8"), begin_of(build, what)
        page.write_text(replaced(text, begin, run.over(LiveRun.parsed(between(text, begin))).table()), encoding="utf-8")
    return file


def between(page: str, begin: str) -> str:
    """Return what stands between a mark and the next end of a run, "" where the mark is not on the page."""
    return page.partition(begin)[2].partition(END)[0]


def replaced(page: str, begin: str, text: str) -> str:
    """Return a page with the text between a mark and the next end of a run; appended where the mark is not on it."""
    head, mark, rest = page.partition(begin)
    if not mark:
        return f"{page.rstrip()}\n\n{begin}\n\n{text}\n{END}\n"
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"there is no {END} after {begin}")
    return f"{head}{begin}\n\n{text}\n{END}{tail}"
