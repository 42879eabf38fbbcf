"""`python -m faults`: runs the campaign in several processes, prints the counts, writes `var/faults/summary.json`.

`--each-mutation` takes the steps of the protocol away one after the other and prints what the campaign saw of each as a table
(`var/faults/mutations.md`); exit code 1 when one was not noticed.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from faults import kinds
from faults.mutations import NAMES
from faults.stage import live_campaign, staged_campaign

CHECKOUT = Path(__file__).resolve().parents[3]
PER_PART = 50  # schedules on one shop and one PostgreSQL, before they are begun anew
ZERO = ("duplicates", "lost", "wrong_amount", "stuck")


def main() -> int:
    """Exit code 1 unless everything counted is 0."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4, help="parts at once; they wait more than they work")
    parser.add_argument("--mutation", default="", choices=("", *NAMES), help="take one step of the protocol away")
    parser.add_argument("--each-mutation", action="store_true", help="every step in turn, each until it is noticed")
    parser.add_argument("--summary", type=Path, default=CHECKOUT / "var" / "faults" / "summary.json")
    parser.add_argument("--live", action="store_true", help="against the live Odoo 19 of this machine")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.schedules)
    if options.part:
        return _part(seeds, options.mutation, options.live)
    return _each_mutation(seeds, options) if options.each_mutation else Whole(options).run(seeds)


def _each_mutation(seeds: range, options: argparse.Namespace) -> int:
    table = [
        "| step taken away | schedules until it was noticed | duplicates | lost | wrong amount | stuck |",
        "|---" * 6 + "|",
    ]
    unnoticed = []
    for name in NAMES:
        summary = options.summary.with_name(f"mutation-{name}.json")
        whole = Whole(argparse.Namespace(**{**vars(options), "mutation": name, "summary": summary}))
        noticed = whole.run(seeds) and not whole.broken
        counts = json.loads(summary.read_text(encoding="utf-8"))
        table.append(f"| {name} | {' | '.join(str(counts[column]) for column in ('schedules', *ZERO))} |")
        unnoticed += [] if noticed else [name]
        options.summary.with_name("mutations.md").write_text("\n".join(table) + "\n", encoding="utf-8")
    print(*table, f"not noticed: {', '.join(unnoticed) or 'none'}", sep="\n")
    return 1 if unnoticed else 0


class Whole:
    """All parts; what is counted so far is in the summary after every wave, so that a run that is broken off reports it too."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.began = time.monotonic()
        self._found: dict[int, dict[str, Any]] = {}  # by the first seed of a part: its counts so far
        self.broken = False  # a part ended with an error of its own: of a mutated protocol that proves nothing
        self._lock = threading.Lock()

    def run(self, seeds: range) -> int:
        size = 10 if self.options.mutation else PER_PART
        parts = [seeds[start : start + size] for start in range(0, len(seeds), size)]
        with ThreadPoolExecutor(self.options.jobs) as pool:
            for done in [pool.submit(self._run_part, part) for part in parts]:
                done.result()
        summary = self._summary()
        print(json.dumps(summary, indent=2))
        never = [kind for kind, number in summary["faults"].items() if not number]
        print(f"faults that never struck: {', '.join(never) or 'none'}")
        return 1 if any(summary[name] for name in ZERO) else 0

    def _run_part(self, seeds: range) -> None:
        """One part in a process of its own, a line of counts for each wave. A part that breaks counts as stuck.

        Of a mutated protocol no part is begun any more once one has shown it.
        """
        if self.options.mutation and any(self._summary()[name] for name in ZERO):
            return
        command = [sys.executable, "-W", "ignore", "-m", "faults", "--part", "--mutation", self.options.mutation]
        command += ["--seed", str(seeds.start), "--schedules", str(len(seeds)), *["--live"] * self.options.live]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            assert process.stdout is not None
            for line in process.stdout:
                self._report(seeds, json.loads(line))
            if process.wait():
                self.broken = True
                errors.seek(0)
                counted = self._found.get(seeds.start, {})
                lines = [*counted.get("lines", []), f"seeds {seeds}: {errors.read()[-2000:]}"]
                self._report(seeds, {**counted, "stuck": counted.get("stuck", 0) + 1, "lines": lines})

    def _report(self, seeds: range, found: dict[str, Any]) -> None:
        """The counts of a part so far: printed with those of the others, and written down."""
        with self._lock:
            news = found["lines"][len(self._found.get(seeds.start, {}).get("lines", [])) :]
            self._found[seeds.start] = found
            summary = self._summary()
            told = ", ".join(f"{name} {summary[name]}" for name in ("schedules", *ZERO))
            head = f"{time.monotonic() - self.began:4.0f} s: {told}, faults {sum(summary['faults'].values())}"
            print(head, *news, sep="\n", flush=True)
            self.options.summary.parent.mkdir(parents=True, exist_ok=True)
            self.options.summary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")

    def _summary(self) -> dict[str, Any]:
        counts: Counter[str] = Counter(dict.fromkeys(("schedules", *ZERO), 0))
        faults: Counter[str] = Counter(dict.fromkeys(kinds.everything(self.options.live), 0))
        for part in list(self._found.values()):
            faults.update(part.get("faults", {}))
            counts.update({name: part.get(name, 0) for name in ("schedules", *ZERO)})
        return {"schedules": counts["schedules"], "faults": dict(faults), **{name: counts[name] for name in ZERO}}


def _part(seeds: range, mutation: str, live: bool) -> int:
    logging.disable()
    with live_campaign(CHECKOUT) if live else staged_campaign(CHECKOUT, mutation) as campaign:
        for totals in campaign.waves(seeds):
            print(json.dumps({**totals.as_json(), "lines": totals.lines}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
