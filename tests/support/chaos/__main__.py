"""`python -m chaos`: runs the campaign, prints a line for each round, writes `var/chaos/summary.json`, and `docs/evidence/chaos.md`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import check_output
from typing import Any

from chaos.campaign import Campaign
from chaos.stage import AIRFLOW_SETTINGS, CHECKOUT, WAITS, staged
from chaos.verdict import ZERO

PAGE = CHECKOUT / "docs" / "evidence" / "chaos.md"
ENOUGH = 30  # rounds of a campaign that is evidence
BEGIN, END = "<!-- written by `make chaos` -->", "<!-- end of the campaign -->"


@dataclass(frozen=True)
class Circumstances:
    """Of which code the campaign was, how it was started, when, for how long, and beside what else."""

    commit: str
    command: str
    day: datetime
    minutes: float
    load: str

    @classmethod
    def now(cls, code: str, command: str, began: float) -> Circumstances:
        """Those of a campaign of this commit that began at this moment of the monotonic clock."""
        load = f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.0f} at the end"
        return cls(code, command, datetime.now(UTC), (time.monotonic() - began) / 60, load)


def main() -> int:
    """Exit code 1 unless everything counted is 0."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ENOUGH)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    code, began = commit(CHECKOUT), time.monotonic()
    command = f"make chaos ROUNDS={options.rounds} SEED={options.seed}"
    summary = CHECKOUT / "var" / "chaos" / "summary.json"
    found: dict[str, Any] = {}
    with staged() as stage:
        for totals in Campaign(stage, options.seed, report=lambda line: print(line, flush=True)).run(options.rounds):
            found = totals.as_json()
            summary.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if options.rounds >= ENOUGH:
        circumstances = Circumstances.now(code, command, began)
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), table(found, circumstances)), encoding="utf-8")
    print(json.dumps(found, indent=2))
    return 1 if any(found[name] for name in ZERO) else 0


def table(found: Mapping[str, Any], of: Circumstances) -> str:
    """Return what was found, as the page of evidence shows it."""
    waits = ", ".join(f"`{name}: {value}`" for name, value in WAITS.items())
    noticed = AIRFLOW_SETTINGS["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"]
    counts = ("rounds", "orders", "calls that write", "runs of the chain", "of these failed", "backups")
    lines = [
        f"{of.day:%d %B %Y}".lstrip("0") + f", commit {of.commit}, {of.minutes:.0f} minutes, {of.load}: `{of.command}`, with {waits}, and a dead task"
        f" noticed after {noticed} s.",
        "", "| | |", "|---|---:|",
        *(f"| {name} | {found[name]} |" for name in counts),
        "", "| disturbance | times |", "|---|---:|",
        *(f"| {name} | {number} |" for name, number in found["disturbances"].items()),
        f"| **all** | **{sum(found['disturbances'].values())}** |",
        "", "| verdict | documents |", "|---|---:|",
        *(f"| {name} | **{found[name]}** |" for name in ZERO),
    ]  # fmt: skip
    if found["lines"]:
        lines += ["", *(f"- {line}" for line in found["lines"])]
    return "\n".join(lines)


def replaced(page: str, text: str) -> str:
    """Return the page with this text between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page of evidence has no place for the campaign")
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"


def commit(checkout: Path) -> str:
    """Return the short name of the commit, and whether the product was changed since."""

    def git(*words: str) -> str:
        return check_output(["git", *words], cwd=checkout, text=True).strip()

    changed = git("status", "--porcelain", "--", "include", "plugins", "dags", "dev", "tests/support")
    return git("rev-parse", "--short", "HEAD") + (" with uncommitted changes" if changed else "")


if __name__ == "__main__":
    sys.exit(main())
