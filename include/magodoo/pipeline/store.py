"""Pages into staging: documents, lines, work list, quarantine and watermark in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from magodoo.domain.log_labels import labelled
from magodoo.domain.vocabulary import Side
from magodoo.staging import deletion, quarantine, watermarks, work_queue
from magodoo.staging.documents import Prepared, Staged, prepare, write

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from magodoo.context import Context
    from magodoo.extract.reading import Batch
    from magodoo.settings import Instance

log = logging.getLogger(__name__)


class Progress(NamedTuple):
    """How far a scheduled extract has come with a kind: when it began to read (aware UTC), and how many rows it has read."""

    began: datetime
    rows: int


class Page(NamedTuple):
    """What was read of one page, and its documents as text for COPY."""

    batch: Batch
    rows: list[Prepared]


def page(batch: Batch) -> Page:
    return Page(batch, prepare(batch.documents))


def note_moved(connection: Connection, instance: Instance, side: Side, kind: str, moved: Sequence[str]) -> None:
    """Orders that a record names which cannot be read now, or can be read again, are due."""
    if moved:
        work_queue.bump(connection, instance.id, quarantine.orders(connection, instance, side.value, kind, moved))


def store(context: Context, side: Side, pages: Sequence[Page], progress: Progress | None = None) -> Staged:
    """Stage pages of one kind, in the order in which they were read; of a document that stands on two of them the later counts.

    With `progress` (a scheduled extract) the watermark moves in the same transaction: to the largest stamp, but not past the
    moment when the reading began. A document dated tomorrow must not hide what is written until then.
    """
    batches = [each.batch for each in pages]
    instance, kind = context.instance, batches[0].kind.value
    documents = {document.key: document for each in pages for document in each.rows}
    unread = [each for batch in batches for each in batch.unread]
    sound: dict[str, bool] = {}
    for batch in batches:
        sound |= dict.fromkeys((each.source_id for each in batch.unread), False)
        sound |= dict.fromkeys((document.source_id for document in batch.documents), True)
    stamp = max((batch.stamp for batch in batches if batch.stamp), default=None)
    with context.engine.begin() as connection:
        read_now = [document for batch in batches for document in batch.documents]
        with deletion.without_left_behind(connection, instance, read_now):
            staged = write(connection, instance, list(documents.values()))
        moved = quarantine.put(connection, instance.id, side.value, unread)
        read = [source_id for source_id, is_sound in sound.items() if is_sound]
        moved += quarantine.release(connection, instance.id, side.value, kind, read)
        note_moved(connection, instance, side, kind, moved)
        if progress and stamp:
            watermarks.advance(connection, instance.id, side.value, kind, min(stamp, progress.began), progress.rows)
    for each in unread:  # the reason may quote the customer: it stands in the table, which erasure reaches
        with labelled(document=f"{each.kind} {each.source_id}"):
            log.warning(
                "[%s] %s %s %s is quarantined: see the quarantine",
                instance.id,
                side.value,
                each.kind,
                each.source_id,
            )
    return staged
