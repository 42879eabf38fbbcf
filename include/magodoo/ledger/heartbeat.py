"""Show that a worker lives: prolong its leases while it carries changes out.

What a worker that was killed, or stopped, holds without a begun write is free for the next one within a minute. One that
goes on after that finds its lease gone at the renewal before its next write.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.leases import Leases, alive_seconds

if TYPE_CHECKING:
    from magodoo.context import Context

log = logging.getLogger(__name__)

PER_LEASE = 4  # signs of life within the time that one is good for: three may be missed


@contextmanager
def alive(context: Context, changes: Sequence[LeasedChange]) -> Iterator[None]:
    """Prolong the leases of these changes' orders from a thread of its own until the block ends, however it ends."""
    ended = threading.Event()
    tokens = {change.order_key: change.token for change in changes}
    thread = threading.Thread(target=_beat, args=(context, tokens, ended), name="leases", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(context: Context, tokens: dict[str, int], ended: threading.Event) -> None:
    seconds = alive_seconds(context.instance)
    while not ended.wait(seconds / PER_LEASE):
        try:
            # Autocommit: orders and changes are never locked together, so nothing that writes them can wait in a circle.
            with context.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                Leases(connection, context.instance).prolong(tokens, seconds)
        except (
            SQLAlchemyError
        ) as problem:  # the next one may succeed; if none does, the leases end and no write is begun
            log.warning("leases are not prolonged: %s", problem)
