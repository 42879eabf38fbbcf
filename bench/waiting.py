"""Where the time of a step went: calls and seconds waited for each outside system, reads and writes apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

ODOO_WRITES = ("load", "write", "create", "reconcile")


@contextmanager
def waited() -> Iterator[dict[str, dict[str, float]]]:
    """By system and direction: `calls` and `seconds`, of everything that goes through requests inside; threads added up."""
    import requests

    found: dict[str, dict[str, float]] = {}
    send, lock = requests.Session.send, Lock()

    def timed(session: Any, request: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return send(session, request, **options)
        finally:
            with lock:
                total = found.setdefault(
                    _name(request.method, urlsplit(request.url).path), {"calls": 0, "seconds": 0.0}
                )
                total["calls"] += 1
                total["seconds"] = round(total["seconds"] + time.perf_counter() - began, 4)

    with mock.patch.object(requests.Session, "send", timed):
        yield found


def _name(verb: str, path: str) -> str:
    if path.startswith("/rest/"):
        return "Magento, reads" if verb == "GET" else "Magento, writes"
    method = path.rsplit("/", 1)[-1]
    return "Odoo, writes" if method in ODOO_WRITES or method.startswith("action_") else "Odoo, reads"
