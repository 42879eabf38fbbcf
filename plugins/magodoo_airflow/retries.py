"""How often a task is tried again, and how long tasks and runs may take: everything that DAG files and operators go by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

STEP_RETRIES: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
}
"""Of every step and summary; what is none (upkeep, preflight, a backfill's own tasks) is not tried again. A mapped task
needs it in `partial`: the scheduler does not construct the operator, so its defaults do not apply."""

ANSWER_HOURS = 24
"""How long a request for approval waits for a person."""

RUN_TIMEOUT = timedelta(hours=6)
RUN_TIMEOUTS: Mapping[str, timedelta | None] = {"approval": None, "backfill": timedelta(days=14)}
"""Of the runs of certain DAGs, by kind: RUN_TIMEOUT is of all others. An approval may wait for a day, a backfill is as long as its window."""
