"""Run contestants in alternation, each in a new process, and summarise the results."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
VAR = CHECKOUT / "var" / "bench"
COMPETITORS = VAR / "venv" / "bin" / "python"
LONGEST = 1800.0
"""Seconds that one run of one contestant may take; the slowest at full size needs some minutes."""


class WrongResult(Exception):
    """A contestant's result differs from ours, so its time cannot be compared."""


@dataclass(frozen=True)
class Contestant:
    """`target` is `module:function`, run with `arguments`; `theirs` runs in the competitors' environment.

    fresh: called before every run, outside the time; what it returns is added to the arguments. compared: whether its
    result has to equal that of the first contestant. times: how often it runs; 0 as often as the others.
    """

    name: str
    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    theirs: bool = False
    fresh: Callable[[], Mapping[str, Any]] | None = None
    compared: bool = True
    times: int = 0

    def run(self) -> dict[str, Any]:
        arguments = {**self.arguments, **(self.fresh() if self.fresh else {})}
        return run(self.target, arguments, theirs=self.theirs)


def run(target: str, arguments: Mapping[str, Any], *, theirs: bool = False, longest: float = LONGEST) -> dict[str, Any]:
    """One run in a process of its own: seconds, cpu, peak_mb, result, more.

    Raises RuntimeError with the end of its output, also when it took longer than `longest` seconds and was ended.
    """
    if theirs and not COMPETITORS.exists():
        raise RuntimeError("the competitors are not installed: make bench-competitors")
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR) as folder:
        answer = Path(folder) / "answer.json"
        program = str(COMPETITORS) if theirs else sys.executable
        try:
            done = subprocess.run(  # noqa: S603
                [program, "-m", "bench.job", target, json.dumps(arguments), str(answer)],
                cwd=CHECKOUT, env={**os.environ, "HOME": folder}, capture_output=True, text=True, check=False,
                timeout=longest,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            errors = (late.stderr or b"").decode("utf-8", "replace")[-4000:]
            raise RuntimeError(f"{target} was ended: it took longer than {longest:g} s\n{errors}") from None
        if done.returncode:
            raise RuntimeError(f"{target} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        answered: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return answered


def hold(contestants: list[Contestant], runs: int) -> dict[str, dict[str, Any]]:
    """Run every contestant `runs` times, in turns, each round beginning with another one.

    Returns by name: seconds, cpu (medians), all_seconds, peak_mb (the largest), result, and what the runs reported besides
    (medians of numbers). Raises WrongResult.
    """
    kept: dict[str, list[dict[str, Any]]] = {contestant.name: [] for contestant in contestants}
    expected: dict[str, Any] | None = None
    for turn in range(runs):
        shift = turn % len(contestants)
        for contestant in contestants[shift:] + contestants[:shift]:
            if contestant.times and turn >= contestant.times:
                continue
            answer = contestant.run()
            tell(f"  {turn + 1}/{runs} {contestant.name:14} {answer['seconds']:8.2f} s, {answer['cpu']:8.2f} s cpu")
            if contestant.compared:
                expected = expected or answer["result"]
                if answer["result"] != expected:
                    raise WrongResult(f"{contestant.name}: {answer['result']} is not {expected}")
            kept[contestant.name].append(answer)
    return {name: summary(answers) for name, answers in kept.items()}


def summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of several runs."""
    figures: dict[str, Any] = {
        "seconds": median([each["seconds"] for each in answers]),
        "cpu": median([each["cpu"] for each in answers]),
        "all_seconds": [round(each["seconds"], 3) for each in answers],
        "peak_mb": max(each["peak_mb"] for each in answers),
        "result": answers[-1]["result"],
    }
    for name in answers[-1]["more"]:
        values = [each["more"][name] for each in answers]
        figures[name] = median(values) if all(isinstance(value, int | float) for value in values) else values[-1]
    return figures


def ratio(one: dict[str, Any], other: dict[str, Any]) -> float:
    """How many times as long `one` took as `other`: the median of the rounds, as the pace of a machine drifts between them."""
    return median([mine / theirs for mine, theirs in zip(one["all_seconds"], other["all_seconds"], strict=False)])


def median(values: list[float]) -> float:
    return round(statistics.median(values), 4)


def tell(line: str) -> None:
    """Print progress."""
    print(line, file=sys.stderr, flush=True)
