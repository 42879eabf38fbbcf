"""A page into staging: documents, lines, work list, quarantine and watermark in one transaction."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from magodoo.labels import labelled
from magodoo.staging import quarantine, watermarks
from magodoo.staging.upsert import Staged, stage
from magodoo.vocabulary import Side

if TYPE_CHECKING:
    from magodoo.extract.reading import Batch
    from magodoo.pipeline.context import Context

log = logging.getLogger(__name__)


def store(context: Context, side: Side, batch: Batch, *, rows_so_far: int | None = None) -> Staged:
    """Stage one page; with `rows_so_far` (a scheduled extract) the watermark moves in the same transaction."""
    instance, kind = context.instance, batch.kind.value
    with context.engine.begin() as connection:
        staged = stage(connection, instance, batch.documents)
        quarantine.put(connection, instance.id, side.value, batch.unread)
        read = [document.source_id for document in batch.documents]
        quarantine.release(connection, instance.id, side.value, kind, read)
        if rows_so_far is not None and batch.stamp is not None:
            watermarks.advance(connection, instance.id, side.value, kind, batch.stamp, rows_so_far)
    for unread in batch.unread:  # the reason may quote the customer: it stands in the table, which erasure reaches
        with labelled(document=f"{unread.kind} {unread.source_id}"):
            log.warning(
                "[%s] %s %s %s is quarantined: see the quarantine",
                instance.id,
                side.value,
                unread.kind,
                unread.source_id,
            )
    return staged
