"""Prints the coverage of the last `make coverage` by package: lines and branches, and what is missing where it is below the aim."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

AIM = 95.0  # per cent of the branches of include/
RESULT = Path("var/coverage/coverage.json")


def main() -> int:
    """1 when the branches of include/ are below the aim."""
    subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(RESULT)], check=True)  # noqa: S603
    files = json.loads(RESULT.read_text(encoding="utf-8"))["files"]
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, told in files.items():
        parts = Path(name).parts
        package = "/".join(parts[: 3 if len(parts) > 3 else 2])
        numbers = [
            told["summary"][key] for key in ("covered_lines", "num_statements", "covered_branches", "num_branches")
        ]
        for key in (package, f"{parts[0]}/ in all"):
            counted[key] = [known + new for known, new in zip(counted[key], numbers, strict=True)]
    print(f"{'package':34} {'lines':>13} {'branches':>13}")
    for package, (lines, of_lines, branches, of_branches) in sorted(counted.items()):
        print(f"{package:34} {_share(lines, of_lines)} {_share(branches, of_branches)}")
    _, _, branches, of_branches = counted["include/ in all"]
    return 0 if 100 * branches >= AIM * of_branches else 1


def _share(covered: int, of_all: int) -> str:
    return f"{100 * covered / of_all if of_all else 100:6.1f} % {of_all:5}"


if __name__ == "__main__":
    sys.exit(main())
