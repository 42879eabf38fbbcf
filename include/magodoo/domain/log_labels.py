"""Labels on log lines: instance, window, order, document. Airflow's JSON logs carry them as fields of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def labelled(**labels: str) -> Iterator[None]:
    """Add labels to every line that is logged inside the block, beside those already bound. Empty labels are left out.

    They are structlog context variables, which Airflow's task logs merge into each line, including lines of the standard `logging`
    (`extra=` is dropped there: airflow/sdk/_shared/logging/structlog.py has no ExtraAdder).
    """
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in labels.items() if value}):
        yield
