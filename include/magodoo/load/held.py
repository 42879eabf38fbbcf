"""Records of the target that several orders share: one worker at a time writes to each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context


@contextmanager
def held(context: Context, model: str, ids: Collection[int]) -> Iterator[set[int]]:
    """Keep these records from other workers until the block ends; yields those that nobody else holds.

    Leases are per order, and a transfer may carry the goods of several. The locks belong to a transaction, so that they end with the
    worker, and work behind a connection pooler.
    """
    if not ids:
        yield set()
        return
    lock = text("select pg_try_advisory_xact_lock(hashtext(:name), hashtext(:id))")
    with context.engine.begin() as connection:
        name = f"magodoo {context.instance.id} {model}"
        yield {id for id in sorted(ids) if connection.scalar(lock, {"name": name, "id": str(id)})}
