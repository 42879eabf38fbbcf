"""One piece of work in a process of its own: `python -m bench.job bench.stage:ours '{"documents": 1000}' answer.json`.

The function returns a `clock.Took`; the answer adds the peak of memory of the process, in MB.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    target, arguments, answer = sys.argv[1:]
    module, _, function = target.partition(":")
    took = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    Path(answer).write_text(json.dumps({**vars(took), "peak_mb": round(_peak(), 1)}), encoding="utf-8")


def _peak() -> float:
    """Return the largest resident size of this program in MB. Not getrusage: that keeps the size of the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) * 1024 / 1e6


if __name__ == "__main__":
    main()
