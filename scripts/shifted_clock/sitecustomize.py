"""What Python imports first under a shifted clock (`scripts/dates.py`): what libfaketime does not get right."""

import os
import select
import time


def sleep(seconds: float) -> None:
    """Python's own waits for a moment of the monotonic clock, which libfaketime takes for one of the wall clock, and refuses."""
    select.select([], [], [], seconds)


time.sleep = sleep
os.environ.pop("FAKETIME_SHARED", None)  # PostgreSQL runs as another user, who may not open what this process shares
