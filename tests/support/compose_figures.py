"""What the processes of a ComposeStack take: memory while they run, seconds of each step, as a table for docs/evidence/operations.md."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import psutil

EVERY_SECONDS = 3.0


class Memory:
    """Samples each service with every process below it; `peaks`: service -> MB at most, shared pages split among their users (PSS)."""

    def __init__(self, running: Mapping[str, Any]) -> None:
        self.peaks: dict[str, float] = {}
        self.largest_task = 0.0  # MB of the one process that ever took most below a worker
        self.load = 0.0
        self._running = running
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample_on, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample_on(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self.load = max(self.load, os.getloadavg()[0])
            for name, process in list(self._running.items()):
                taken = list(_megabytes(process.pid))
                self.peaks[name] = max(self.peaks.get(name, 0.0), sum(taken))
                if name.startswith("worker") and taken:
                    self.largest_task = max(self.largest_task, *taken)


def _megabytes(pid: int) -> Iterable[float]:
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                yield process.memory_full_info().pss / 1e6


def seconds_of_steps(tasks: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """`dag.task` -> seconds of its longest try that ended well; parts of a mapped task together, from the first start to the last end."""
    runs: dict[tuple[str, str, str], list[tuple[datetime, datetime]]] = {}
    for task in tasks:
        if task["state"] == "success" and task["start_date"] and task["end_date"]:
            times = datetime.fromisoformat(task["start_date"]), datetime.fromisoformat(task["end_date"])
            runs.setdefault((task["dag_id"], task["dag_run_id"], task["task_id"]), []).append(times)
    longest: dict[str, float] = {}
    for (dag, _, name), times in runs.items():
        step = f"{dag.partition('__')[0]}.{name}"
        took = (max(end for _, end in times) - min(start for start, _ in times)).total_seconds()
        longest[step] = round(max(longest.get(step, 0.0), took), 1)
    return longest


def table(figures: Mapping[str, Any]) -> str:
    """The figures as docs/evidence/operations.md shows them."""
    lines = [
        f"{figures['orders']} orders, {sum(figures['changes'].values())} changes, {figures['cores']} cores,"
        f" load average up to {figures['load']:.0f} (other programs ran on the machine):",
        "", "| process | memory, MB |", "|---|---|",
        *(f"| {name} | {megabytes:.0f} |" for name, megabytes in sorted(figures["memory_mb"].items()) if megabytes),
        f"| the largest task of a worker | {figures['largest_task_mb']:.0f} |",
        "", "| step | seconds |", "|---|---|",
        *(f"| {name} | {seconds:.0f} |" for name, seconds in figures["step_seconds"].items() if seconds >= 5),
    ]  # fmt: skip
    return "\n".join(lines)
