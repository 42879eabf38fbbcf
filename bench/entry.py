"""What `bench/results.json` holds: one entry per name, written by the run that measured it and never by hand."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from bench.contest import CHECKOUT, COMPETITORS

RESULTS = CHECKOUT / "bench" / "results.json"
PAGES = ("docs/benchmarks.md", "docs/evidence/benchmarks.md")  # what `report` writes of them


@dataclass
class Entry:
    """ratio: throughput ours / theirs (for `reconcile`: time ours / theirs on the headers); limit_ratio: the same to the
    limit; None where there is nothing to compare with. size: documents (orders for `load`, `chain` and `extract`).
    """

    ratio: float | None
    limit_ratio: float | None
    ours: dict[str, Any]
    theirs: dict[str, Any]
    size: int
    runs: int
    machine: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def write(
    name: str, entry: Entry, packages: tuple[str, ...] = (), file: Path = RESULTS, own: tuple[str, ...] = ()
) -> None:
    """Put an entry into the results, with the machine and the versions of now: of competitors' `packages` and of our `own`."""
    entry.machine = machine()
    entry.versions = {**versions(packages), **{name: version(name) for name in own}}
    results = read(file)
    results[name] = asdict(entry)
    file.write_text(json.dumps(dict(sorted(results.items())), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(file: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """All entries, by name."""
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def machine() -> str:
    """Processor, cores, memory, and how busy it was while measuring (load average of the last five minutes)."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total / 2**30
    return f"{model}, {psutil.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[1]:.1f}"


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Of magodoo (the commit), Python, the packages that every entry depends on, and the named competitors."""
    ours = {name: version(name) for name in ("pandas", "numpy", "sqlalchemy", "psycopg2-binary")}
    return {"magodoo": commit(), "python": platform.python_version(), **ours, **_theirs(packages)}


def commit() -> str:
    """Return the commit that is measured; `+` when the tree differs from it (results and their pages apart)."""
    revision = _git("rev-parse", "--short=12", "HEAD").strip()
    changed = _git("status", "--porcelain", "--", ".", ":!bench/results.json", *(f":!{page}" for page in PAGES)).strip()
    return f"{revision}+" if changed else revision


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout if done.returncode == 0 else "unknown"


def _theirs(packages: tuple[str, ...]) -> dict[str, str]:
    if not packages:
        return {}
    script = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run(  # noqa: S603
        [str(COMPETITORS), "-c", script, *packages], capture_output=True, text=True, check=True, timeout=60
    )
    return dict(zip(packages, done.stdout.split(), strict=True))


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
