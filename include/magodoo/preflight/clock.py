"""Compare a web server's clock with the local one. A hint only: documents get their timestamps from the database's clock.

docs/facts/magento-2.4.7-more.md#6: with the database clock two hours fast, the Date header still showed the right time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from magodoo.preflight.results import Outcome

FAR = timedelta(seconds=60)


def compare(address: str, verify: bool | str, now: datetime) -> Outcome:
    """Compare the Date header of `address` with `now`; a difference above a minute is a warning, never an error."""
    outcome = Outcome()
    try:
        with requests.get(address, timeout=10, verify=verify, allow_redirects=False, stream=True) as answer:
            stamp = parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, KeyError, ValueError) as problem:
        outcome.warn(f"the server tells no time ({type(problem).__name__})", "compare its clock by hand")
        return outcome
    difference = stamp - now
    seconds = round(difference.total_seconds())
    outcome.found = f"the web server's clock differs by {seconds:+d} s"
    if abs(difference) > FAR:
        outcome.warn(
            outcome.found, "set both clocks by NTP; the database's clock, which stamps the documents, may differ again"
        )
    return outcome
