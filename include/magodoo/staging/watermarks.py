"""Store how far a scheduled extract has read. Owner of table watermark.

The timestamp is the largest one that the source returned, but never later than the beginning of the reading, and it
only moves forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text


class Watermarks:
    """Write and read how far the kinds of one side of an instance were read, in one transaction."""

    def __init__(self, connection: Connection, instance: str, side: str) -> None:
        self.connection, self.instance, self.side = connection, instance, side

    def since(self, kind: str, overlap: timedelta, beginning: datetime | None) -> datetime | None:
        """Return from when to read (UTC): the watermark minus the overlap, or `beginning` if nothing was found yet.

        None means everything.
        """
        stamp = self.connection.execute(
            text(
                "select stamp from watermark where instance = :instance and side = :side and kind = :kind and stamp > 'epoch'"
            ),
            {"instance": self.instance, "side": self.side, "kind": kind},
        ).scalar_one_or_none()
        return beginning if stamp is None else stamp - overlap

    def advance(self, kind: str, stamp: datetime, rows: int) -> None:
        """Record a page that was staged in this transaction: its largest timestamp (UTC) and how many rows were read so far."""
        self.connection.execute(
            text("""
            insert into watermark (instance, side, kind, stamp, last_success_at, rows_read)
                values (:instance, :side, :kind, :stamp, '-infinity', :rows)
            on conflict (instance, side, kind) do update set stamp = greatest(watermark.stamp, excluded.stamp),
                rows_read = excluded.rows_read"""),
            {"instance": self.instance, "side": self.side, "kind": kind, "stamp": stamp, "rows": rows},
        )

    def succeeded(self, kind: str, now: datetime, rows: int, counted: int | None) -> None:
        """Record that a kind was read to its end.

        `counted` is how many rows the source reported; the reading is complete if not fewer were read.
        """
        self.connection.execute(
            text("""
            insert into watermark (instance, side, kind, stamp, last_success_at, rows_read, source_count, complete)
                values (:instance, :side, :kind, 'epoch', :now, :rows, :counted, :complete)
            on conflict (instance, side, kind) do update set last_success_at = greatest(watermark.last_success_at, excluded.last_success_at),
                rows_read = excluded.rows_read, source_count = excluded.source_count, complete = excluded.complete"""),
            {
                "instance": self.instance, "side": self.side, "kind": kind, "now": now, "rows": rows, "counted": counted,
                "complete": counted is None or rows >= counted,
            },
        )  # fmt: skip

    def last_success(self, kinds: Sequence[str]) -> datetime | None:
        """Return the oldest last success (UTC) of these kinds; None if one of them was never read to its end."""
        rows = self.connection.execute(
            text("""select last_success_at from watermark where instance = :instance and side = :side and kind = any(:kinds)
                and last_success_at > '-infinity'"""),
            {"instance": self.instance, "side": self.side, "kinds": list(kinds)},
        ).scalars()
        found = list(rows)
        return min(found) if len(found) == len(kinds) else None
