"""The table in docs/benchmarks.md, made from results.json between two marks. The text around it is written by people."""

from __future__ import annotations

from pathlib import Path

from bench.contest import CHECKOUT

PAGE = CHECKOUT / "docs" / "benchmarks.md"


def write(page: Path = PAGE) -> None:
    return
