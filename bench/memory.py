"""`memory`: the peak memory of each step's process as the data grows: staging, the step from tables to findings, the checks.

Staging works page by page and reconciling by chunks of orders, so their peaks must not grow with the data. One run of each: what
a program keeps at once does not depend on what else the machine does.
"""

from __future__ import annotations

from bench import contest, sales
from bench.databases import databases
from bench.entry import Entry, write

SIZES = {"quick": (2_000, 10_000), "full": (10_000, 100_000, 1_000_000)}


def measure(sizes: tuple[int, ...]) -> Entry:
    peaks: dict[str, dict[str, float]] = {}
    for size in sizes:
        peaks[f"{size}"] = _peaks(size)
        contest.tell(f"  {size:,}: {peaks[f'{size}']}")
    first, last = peaks[f"{sizes[0]}"], peaks[f"{sizes[-1]}"]
    growth = {name: round(last[name] / first[name], 2) for name in last}
    return Entry(None, None, {"peak_mb": peaks, "growth": growth}, {}, sizes[-1], 1)


def _peaks(size: int) -> dict[str, float]:
    """Peak in MB of each step's process."""
    found: dict[str, float] = {}
    with databases() as server:
        url = server.staged()
        found["stage"] = contest.run("bench.stage:ours", {"url": url, "documents": size})["peak_mb"]
        sales.complete(url)
        found["reconcile"] = contest.run("bench.reconcile:step", {"url": url})["peak_mb"]
        found["quality"] = contest.run("bench.quality:ours", {"url": url})["peak_mb"]
        found["reconcile_at_once"] = contest.run("bench.reconcile:with_lines", {"documents": size})["peak_mb"]
    return found


def main(size: str, runs: int, documents: int | None) -> None:
    write("memory", measure((documents // 10, documents) if documents else SIZES[size]))
