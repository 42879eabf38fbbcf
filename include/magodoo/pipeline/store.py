"""Stage pages: documents, lines, work list, quarantine and watermark in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from magodoo.domain.log_labels import labelled
from magodoo.domain.vocabulary import Side
from magodoo.staging import deletion, quarantine
from magodoo.staging.documents import Prepared, Staged, prepare, write
from magodoo.staging.watermarks import Watermarks
from magodoo.staging.work_queue import WorkQueue

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from magodoo.context import Context
    from magodoo.extract.reading import Batch
    from magodoo.settings import Instance

log = logging.getLogger(__name__)


class Progress(NamedTuple):
    """The progress of a scheduled extract of one kind: when reading began (aware UTC), and the number of rows read."""

    began: datetime
    rows: int


class Page(NamedTuple):
    """One page read from a source, and its documents as text for COPY."""

    batch: Batch
    rows: list[Prepared]


def page(batch: Batch) -> Page:
    """Return the batch with its documents prepared for COPY."""
    return Page(batch, prepare(batch.documents))


def note_moved(connection: Connection, instance: Instance, side: Side, kind: str, moved: Sequence[str]) -> None:
    """Make the orders due that these records name: records that became unreadable, or readable again."""
    if moved:
        WorkQueue(connection, instance.id).bump(quarantine.orders(connection, instance, side.value, kind, moved))


def store(context: Context, side: Side, pages: Sequence[Page], progress: Progress | None = None) -> Staged:
    """Stage pages of one kind in the order in which they were read; of a document on several pages the last counts.

    With `progress` (a scheduled extract) the watermark moves in the same transaction: to the largest timestamp, but not past the start of
    reading, since a document dated in the future must not hide what is written until then.
    """
    batches = [each.batch for each in pages]
    instance, kind, now = context.instance, batches[0].kind.value, context.now()
    documents = {document.key: document for each in pages for document in each.rows}
    unread = [each for batch in batches for each in batch.unread]
    sound: dict[str, bool] = {}
    for batch in batches:
        sound |= dict.fromkeys((each.source_id for each in batch.unread), False)
        sound |= dict.fromkeys((document.source_id for document in batch.documents), True)
    stamp = max((batch.stamp for batch in batches if batch.stamp), default=None)
    with context.engine.begin() as connection:
        read_now = [document for batch in batches for document in batch.documents]
        with deletion.without_left_behind(connection, instance, read_now, now):
            staged = write(connection, instance, list(documents.values()), now)
        moved = quarantine.put(connection, instance.id, side.value, unread, now)
        read = [source_id for source_id, is_sound in sound.items() if is_sound]
        moved += quarantine.release(connection, instance.id, side.value, kind, read, now)
        note_moved(connection, instance, side, kind, moved)
        if progress and stamp:
            Watermarks(connection, instance.id, side.value).advance(kind, min(stamp, progress.began), progress.rows)
    for each in unread:  # the reason may quote the customer, so it is not logged: erasure reaches the table only
        with labelled(document=f"{each.kind} {each.source_id}"):
            log.warning(
                "[%s] %s %s %s is quarantined: see the quarantine",
                instance.id,
                side.value,
                each.kind,
                each.source_id,
            )
    return staged
