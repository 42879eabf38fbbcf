"""`python -m faults`: runs the campaign in several processes, prints the counts, writes `var/faults/summary.json`."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PER_LAB = 25  # schedules on one shop, before it is begun anew


def main() -> int:
    """Exit code 1 unless everything counted is 0."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--mutation", default="", help="take one step of the protocol away: see faults/mutations.py")
    parser.add_argument("--summary", type=Path, default=CHECKOUT / "var" / "faults" / "summary.json")
    options = parser.parse_args()
    parts = [range(start, min(start + PER_LAB, options.seed + options.schedules))
             for start in range(options.seed, options.seed + options.schedules, PER_LAB)]  # fmt: skip
    summary, lines = Counter[str](), list[str]()
    faults: Counter[str] = Counter()
    with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=1) as pool:
        for number, (found, more) in enumerate(pool.imap_unordered(_part, [(part, options.mutation) for part in parts], chunksize=1), 1):
            faults.update(found.pop("faults"))
            summary.update(found)
            lines += more
            print(f"{number}/{len(parts)} {dict(summary)}", flush=True)
    result = {**summary, "faults": dict(sorted(faults.items()))}
    options.summary.parent.mkdir(parents=True, exist_ok=True)
    options.summary.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    for line in lines[:50]:
        print(line)
    return 1 if any(result[name] for name in ("duplicates", "lost", "wrong_amount", "stuck")) else 0


def _part(task: tuple[range, str]) -> tuple[dict[str, Any], list[str]]:
    """Some schedules, with a PostgreSQL and a shop of their own."""
    from faults.stage import staged_campaign

    multiprocessing.current_process().daemon = False  # it starts workers itself
    seeds, mutation = task
    with staged_campaign(CHECKOUT, mutation) as campaign:
        totals = campaign.run(seeds)
    return totals.as_json(), totals.lines


if __name__ == "__main__":
    sys.exit(main())
