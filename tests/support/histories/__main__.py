"""`python -m histories`: tries histories in batches, cuts the failing ones down, writes `var/histories/summary.json`."""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from histories.draw import draw
from histories.stage import POLICIES, stage
from histories.trial import attempt, cut_down, way

CHECKOUT = Path(__file__).resolve().parents[3]
TOGETHER = 50  # histories in one shop
PER_PART = 4  # shops in one process


def main() -> int:
    """Exit code 1 when a history fails."""
    parser = argparse.ArgumentParser(prog="histories", description=__doc__)
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cut", action=argparse.BooleanOptionalAction, default=True, help="cut failing histories down")
    parser.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    shops = range(options.seed, options.seed + -(-options.histories // TOGETHER))
    return _part(shops, options.cut) if options.part else _whole(shops, options)


def _whole(shops: range, options: argparse.Namespace) -> int:
    began = time.monotonic()
    parts = [shops[start : start + PER_PART] for start in range(0, len(shops), PER_PART)]
    summary: Counter[str] = Counter(histories=0, failed=0)
    failures: list[str] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for number, found in enumerate(pool.map(lambda part: _run(part, options), parts), 1):
            failures += found["failures"]
            summary.update(found["counts"])
            print(*found["failures"], f"part {number} of {len(parts)}: {dict(summary)}", sep="\n", flush=True)
    told = {**summary, "seconds": round(time.monotonic() - began), "failures": failures}
    path = CHECKOUT / "var" / "histories" / "summary.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({**told, "failures": len(failures)}))
    return 1 if failures else 0


def _run(shops: range, options: argparse.Namespace) -> dict[str, Any]:
    """Some shops in a process of their own; its last line is what it found. One that breaks is a failure."""
    command = [sys.executable, "-W", "ignore", "-m", "histories", "--part", "--seed", str(shops.start)]
    command += ["--histories", str(len(shops) * TOGETHER), "--cut" if options.cut else "--no-cut"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"counts": {"failed": 1}, "failures": [f"shops {shops} broke: {done.stderr[-3000:]}"]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _part(shops: range, cut: bool) -> int:
    logging.disable()
    counts: Counter[str] = Counter()
    failures: list[str] = []
    with stage(CHECKOUT) as shop:
        for number in shops:
            policy = list(POLICIES)[number % len(POLICIES)]
            tales = draw(TOGETHER, number)
            with shop(policy) as pair:
                trial = attempt(pair, tales)
            found = trial.complaints
            counts.update(trial.counts, failed=len(found))
            ways: set[str] = set()
            for place, lines in sorted(found.items()):
                head = f"shop {number} ({policy}), history {place}: {tales[place]}"
                failures.append("\n".join([head, *lines, repr(tales[place])]))
                if cut and way(lines) not in ways:
                    told, said = cut_down(lambda policy=policy: shop(policy), tales[place])  # type: ignore[misc]
                    failures.append("\n".join([f"cut down: {told}", *said, repr(told)]))
                ways.add(way(lines))
    print(json.dumps({"counts": counts, "failures": failures}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
