"""`python -m faults`: runs the campaign in several processes, prints the counts, writes `var/faults/summary.json`."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from faults import kinds
from faults.mutations import NAMES
from faults.stage import live_campaign, staged_campaign

CHECKOUT = Path(__file__).resolve().parents[2]
PER_PART = 50  # schedules on one shop and one PostgreSQL, before they are begun anew
ZERO = ("duplicates", "lost", "wrong_amount", "stuck")


def main() -> int:
    """Exit code 1 unless everything counted is 0."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4, help="parts at once; they wait more than they work")
    parser.add_argument("--mutation", default="", choices=("", *NAMES), help="take one step of the protocol away")
    parser.add_argument("--summary", type=Path, default=CHECKOUT / "var" / "faults" / "summary.json")
    parser.add_argument("--live", action="store_true", help="against the live Odoo 19 of this machine")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.schedules)
    return _part(seeds, options.mutation, options.live) if options.part else _whole(seeds, options)


def _whole(seeds: range, options: argparse.Namespace) -> int:
    began = time.monotonic()
    size = 10 if options.mutation else PER_PART
    parts = [seeds[start : start + size] for start in range(0, len(seeds), size)]
    counts: Counter[str] = Counter(dict.fromkeys(("schedules", *ZERO), 0))
    faults: Counter[str] = Counter(dict.fromkeys(kinds.everything(options.live), 0))
    with ThreadPoolExecutor(options.jobs) as pool:
        running = [pool.submit(_run, part, options) for part in parts]
        for part in as_completed(running):
            if part.cancelled():
                continue
            found = part.result()
            faults.update(found.pop("faults", {}))
            lines = found.pop("lines")
            counts.update(found)
            told = ", ".join(f"{name} {number}" for name, number in counts.items())
            print(f"{time.monotonic() - began:4.0f} s: {told}, faults {faults.total()}", *lines, sep="\n", flush=True)
            if options.mutation and any(counts[name] for name in ZERO):
                for other in running:
                    other.cancel()
    summary = {"schedules": counts["schedules"], "faults": faults, **{name: counts[name] for name in ZERO}}
    options.summary.parent.mkdir(parents=True, exist_ok=True)
    options.summary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(summary, indent=2))
    never = [kind for kind, number in faults.items() if not number]
    print(f"faults that never struck: {', '.join(never) or 'none'}")
    return 1 if any(counts[name] for name in ZERO) else 0


def _run(seeds: range, options: argparse.Namespace) -> dict[str, Any]:
    """One part in a process of its own; its last line is what it found. A part that breaks counts as stuck."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "faults",
        "--part",
        "--seed",
        str(seeds.start),
        "--schedules",
        str(len(seeds)),
    ]
    done = subprocess.run(
        [*command, "--mutation", options.mutation, *(["--live"] if options.live else [])],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"schedules": len(seeds), "stuck": 1, "lines": [f"seeds {seeds}: {done.stderr[-2000:]}"]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _part(seeds: range, mutation: str, live: bool) -> int:
    logging.disable()
    with live_campaign(CHECKOUT) if live else staged_campaign(CHECKOUT, mutation) as campaign:
        totals = campaign.run(seeds)
    print(json.dumps({**totals.as_json(), "lines": totals.lines}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
