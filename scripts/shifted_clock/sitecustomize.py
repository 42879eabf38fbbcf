"""What Python imports first under a shifted clock (`scripts/dates.py`).

Its own sleep waits for a moment of the monotonic clock, which libfaketime takes for one of the wall clock, and refuses.
"""

import select
import time


def sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = sleep
