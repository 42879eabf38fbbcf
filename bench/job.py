"""One piece of work in a process of its own: `python -m bench.job bench.stage:ours '{"documents": 1000}' answer.json`.

The function returns a `clock.Took`; the answer adds the peak of memory of the process, in MB.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from pathlib import Path


def main() -> None:
    target, arguments, answer = sys.argv[1:]
    module, _, function = target.partition(":")
    took = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    Path(answer).write_text(json.dumps({**vars(took), "peak_mb": round(peak, 1)}), encoding="utf-8")


if __name__ == "__main__":
    main()
