"""What one piece of work took: seconds of the wall, seconds of this process's processor, and what came out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Took:
    """`seconds` is time of the wall, `cpu` of this process alone; both add up over several `watch` blocks.

    result: what came out, small enough for JSON; equal on both sides of a comparison. more: other figures of the run.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Count what happens inside; what is prepared or checked outside costs nothing."""
        began, began_cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - began
            self.cpu += time.process_time() - began_cpu
