"""`python -m bench [NAME ...] [--size quick|full] [--runs 5] [--documents N]`: measure, write results.json and docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import sys
import time

from bench import report
from bench.contest import tell

NAMES = (
    "extract",
    "odoo-read",
    "stage",
    "pg-copy",
    "reconcile",
    "quality",
    "load",
    "chain",
    "memory",
    "pages",
    "statement",
    "idle",
    "crowd",
    "scale",
)


def main() -> int:
    """Measure what is named (all without names), in the order of the chain."""
    options = _options()
    for name in [each for each in NAMES if not options.names or each in options.names]:
        began = time.monotonic()
        tell(f"{name} ({options.size}, {options.runs} runs)")
        module = importlib.import_module(f"bench.{name.replace('-', '_')}")
        module.main(options.size, options.runs, options.documents)
        report.write()
        tell(f"{name} took {time.monotonic() - began:.0f} s")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--size", choices=("quick", "full"), default="quick")
    parser.add_argument("--runs", type=int, default=5, help="of each contestant, in turns")
    parser.add_argument("--documents", type=int, help="another size than the two")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
