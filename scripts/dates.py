"""Run the tests on days on which programs often fail: `make test-dates`.

libfaketime shifts the clock of every process that the tests start, PostgreSQL's too, by the same amount.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import psutil

CHECKOUT = Path(__file__).resolve().parents[1]
RESULTS = CHECKOUT / "var" / "dates"
DAYS = ("2028-02-29T00:30+00:00", "2026-12-31T00:30+00:00", "2027-03-01T00:30+00:00")
COUNTS = ("tests", "failures", "errors", "skipped")


def shifted(day: str) -> dict[str, str]:
    """Return the environment in which it is that moment now."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {
        **os.environ, "TZ": "UTC", "LD_PRELOAD": str(library), "PYTHONPATH": str(CHECKOUT / "scripts" / "shifted_clock"),
        "FAKETIME": f"{datetime.fromisoformat(day).timestamp() - time.time():+.0f}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
    }  # fmt: skip


def remove_left_overs() -> None:
    """Remove what libfaketime left in shared memory for processes that were killed: another user's process may get the number."""
    for file in Path("/dev/shm").glob("*faketime_s*_*"):  # noqa: S108
        if not psutil.pid_exists(int(file.name.rpartition("_")[2])):
            file.unlink()


def run(day: str, options: list[str]) -> dict[str, int]:
    """Return what became of the tests on that day, counted."""
    remove_left_overs()
    report = RESULTS / f"{day[:10]}.xml"
    command = [sys.executable, "-m", "pytest", f"--junitxml={report}", "--ignore-glob=*_e2e.py", *options]
    subprocess.run(command, cwd=CHECKOUT, env=shifted(day), check=False)  # noqa: S603
    suite = ElementTree.parse(report).getroot()[0]  # noqa: S314 - our own file
    return {name: int(suite.attrib[name]) for name in COUNTS}


def main() -> int:
    """Print the counts of each day and writes them to var/dates/summary.json; 1 when a test failed on one of them."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    counts = {day[:10]: run(day, sys.argv[1:]) for day in DAYS}
    (RESULTS / "summary.json").write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    for day, results in counts.items():
        print(day, ", ".join(f"{number} {name}" for name, number in results.items()))
    return int(any(results["failures"] or results["errors"] for results in counts.values()))


if __name__ == "__main__":
    sys.exit(main())
