"""`scale`: what the work costs as it doubles: documents with lines reconciled in memory, and staged rows to written findings.

The exponent is the slope of a straight line through the logarithms of documents and seconds: 1.0 is linear.
"""

from __future__ import annotations

from typing import Any

from bench import contest, sales
from bench.contest import median, tell
from bench.databases import databases
from bench.entry import Entry, write

SIZES = {"quick": (2_000, 4_000, 8_000), "full": (25_000, 50_000, 100_000, 200_000, 400_000, 800_000)}


def measure(sizes: tuple[int, ...], runs: int) -> Entry:
    seconds: dict[str, dict[int, list[float]]] = {}
    for turn in range(runs):
        for size in sizes if turn % 2 else reversed(sizes):
            for name, took in _work(size).items():
                seconds.setdefault(name, {}).setdefault(size, []).append(took)
            tell(
                f"  {turn + 1}/{runs} {size:,}: "
                + ", ".join(f"{name} {at[size][-1]:.2f} s" for name, at in seconds.items())
            )
    medians = {name: {f"{size}": median(at[size]) for size in sizes} for name, at in seconds.items()}
    exponents = {name: exponent({int(size): took for size, took in at.items()}) for name, at in medians.items()}
    return Entry(None, None, {"exponent": exponents, "seconds": medians}, {}, sizes[-1], runs)


def exponent(seconds: dict[int, float]) -> float:
    """Return the least-squares slope in logarithms."""
    import numpy as np

    sizes, times = np.log(list(seconds)), np.log(list(seconds.values()))
    return round(float(np.polyfit(sizes, times, 1)[0]), 3)


def _work(size: int) -> dict[str, float]:
    found: dict[str, Any] = {"reconcile": contest.run("bench.reconcile:with_lines", {"documents": size})}
    with databases() as server:
        url = server.staged()
        found["stage"] = contest.run("bench.stage:ours", {"url": url, "documents": size})
        sales.complete(url)
        found["step"] = contest.run("bench.reconcile:step", {"url": url, "with_lists": False})
    return {name: answer["seconds"] for name, answer in found.items()}


def main(size: str, runs: int, documents: int | None) -> None:
    write("scale", measure((documents // 4, documents // 2, documents) if documents else SIZES[size], runs))
