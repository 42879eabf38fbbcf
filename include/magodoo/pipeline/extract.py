"""Extract: stage what changed on one side; complete the orders that are to be reconciled.

A scheduled run reads from the committed watermark minus an overlap, without an upper bound: rows become visible after their timestamp
(docs/facts/magento-2.4.7-more.md#6, docs/facts/odoo-19.0.md#4). A run with a window reads exactly the window and moves no watermark. Both are idempotent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from more_itertools import chunked

from magodoo.domain.vocabulary import Kind, Side
from magodoo.extract.reading import Batch, Source
from magodoo.ledger.checkpoints import checkpoint
from magodoo.pipeline import master_data, order_completion
from magodoo.pipeline.pages import Page, Progress, in_background, rarely_collected, store
from magodoo.staging import completeness, runs
from magodoo.staging.completeness import all_staged
from magodoo.staging.documents import Staged
from magodoo.staging.order_linking import mark_without_order
from magodoo.staging.watermarks import Watermarks
from magodoo.staging.work_queue import WorkQueue

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.pipeline.window import Window

BATCH = 100  # orders completed per batch


def run(
    context: Context, side: Side | str, window: Window | None = None, kinds: Collection[str] | None = None
) -> dict[str, Any]:
    """Read what changed on one side since the watermark, or within `window`, kind by kind and page by page.

    `kinds` selects the kinds (returns go with credit memos); None reads all. Returns by kind the number of rows read, changed, unchanged,
    stale and quarantined. Raises the clients' errors: what was staged until then stays, and the next run continues from there.
    """
    source = order_completion.source_of(context, Side(side))
    bounds = (window.begin, window.end) if window else None
    stage = f"{source.side.value}_extract"
    edited_since = _since(context, source.side, Kind.ORDER) if source.side is Side.ODOO and window is None else None
    recorded = runs.recorded(context.engine, context.instance.id, stage, context.dag_run, context.now, bounds)
    with recorded as counts, rarely_collected():
        if source.side is Side.ODOO:
            counts["master"] = master_data.refresh_stale_lists(context)
        wanted = [
            kind for kind in source.kinds if kinds is None or kind.value.replace("return", "credit_memo") in kinds
        ]
        with closing(in_background(_turns(context, source, wanted, window))) as readings:
            for turn, pages, is_last in readings:
                context.go_on()
                if pages:
                    _stage(context, source.side, turn, pages, is_scheduled=window is None)
                if is_last:
                    counts[turn.kind.value] = turn.counts()
                    if window is None:
                        _succeeded(context, source.side, turn)
        if source.side is Side.ODOO:
            if window is None:
                counts["readable_again"] = order_completion.retry_unreadable(context)
            if edited_since is not None and Kind.ORDER in wanted:
                counts["contacts"] = order_completion.with_edited_contacts(context, edited_since)
            counts["products"] = master_data.refresh_products(context)
    return counts


def complete(context: Context, order_keys: Sequence[str]) -> dict[str, int]:
    """Fetch by key, in batches, the documents of these orders that are not staged, on either side. Returns counts.

    Orders that exist on neither side are marked (`details.without_order`); products that were never read from Odoo are read.
    """
    counts: Counter[str] = Counter(completed=0)
    with context.engine.connect() as connection:
        due = [key for key, *_ in WorkQueue(connection, context.instance.id).to_complete(order_keys)]
    for batch in chunked(due, BATCH):
        context.go_on()
        counts.update(_complete(context, batch))
    return dict(counts)


@dataclass
class _Turn:
    """One kind being read: its start (aware UTC), the documents seen, and the result of staging them.

    `known`: the number of documents written since the watermark when all of them are certainly staged, so that none is read; else None.
    """

    kind: Kind
    began: datetime
    known: int | None
    seen: set[str] = field(default_factory=set)
    unread: int = 0
    total: int | None = None
    staged: Staged = field(default_factory=Staged)

    @property
    def rows(self) -> int:
        return self.known if self.known is not None else len(self.seen) + self.unread

    def counts(self) -> dict[str, int]:
        return {
            "read": self.known if self.known is not None else len(self.seen),
            "changed": self.staged.changed,
            "unchanged": self.staged.unchanged + (self.known or 0),
            "stale": self.staged.stale,
            "quarantined": self.unread,
        }


def _turns(
    context: Context, source: Source, kinds: Sequence[Kind], window: Window | None
) -> Iterator[tuple[_Turn, Iterator[Batch]]]:
    """Yield each kind with its pages: of the window, or since the watermark; no pages where nothing is new."""
    for kind in kinds:
        began = context.now()
        since = window.begin if window else _since(context, source.side, kind)
        known = None if window else _nothing_new(context, source, kind, since)
        pages = source.changed(kind, since, window.end if window else None) if known is None else iter(())
        yield _Turn(kind, began, known), pages


def _stage(context: Context, side: Side, turn: _Turn, pages: Sequence[Page], *, is_scheduled: bool) -> None:
    for batch, _ in pages:
        turn.seen.update(document.source_id for document in batch.documents)
        turn.unread += len(batch.unread)
        turn.total = batch.total if turn.total is None else turn.total
    turn.staged += store(context, side, pages, Progress(turn.began, turn.rows) if is_scheduled else None)
    checkpoint("extracted")


def _succeeded(context: Context, side: Side, turn: _Turn) -> None:
    counted = turn.total if turn.known is None else turn.known
    with context.engine.begin() as connection:
        Watermarks(connection, context.instance.id, side.value).succeeded(
            turn.kind.value, turn.began, turn.rows, counted
        )


def _nothing_new(context: Context, source: Source, kind: Kind, since: datetime | None) -> int | None:
    """Return the number of documents written since, if all are certainly staged and need not be read; else None.

    An idle run then costs one small request per kind, instead of reading the documents of the overlap again with all their lines.
    """
    timestamps = source.timestamps(kind, since) if since else None
    if timestamps is None:
        return None
    with context.engine.connect() as connection:
        unchanged = all_staged(
            connection, context.instance.id, source.side.value, kind.value, timestamps, _overlap(context, source.side)
        )
    return len(timestamps) if unchanged else None


def _overlap(context: Context, side: Side) -> timedelta:
    instance = context.instance
    seconds = instance.magento_overlap_seconds if side is Side.MAGENTO else instance.odoo_overlap_seconds
    return timedelta(seconds=seconds)


def _since(context: Context, side: Side, kind: Kind) -> datetime | None:
    instance = context.instance
    with context.engine.connect() as connection:
        return Watermarks(connection, instance.id, side.value).since(
            kind.value, _overlap(context, side), instance.books_from_utc
        )


def _complete(context: Context, order_keys: Sequence[str]) -> Counter[str]:
    """Complete one batch: Magento first, because Odoo's documents are linked to these orders through it."""
    instance = context.instance.id
    with context.engine.connect() as connection:
        due = WorkQueue(connection, instance).to_complete(order_keys)
    fresh = [key for key, _, completed in due if not completed]
    known = [key for key, _, completed in due if completed]
    keys = [*fresh, *known]
    counts: Counter[str] = Counter(completed=len(keys))
    if not keys:
        return counts
    master_data.refresh_lists(context)
    with context.engine.connect() as connection:
        wanted = {*completeness.of_magento(connection, instance, fresh), *_behind(context, Side.MAGENTO, known)}
    counts["magento"] = order_completion.read(context, Side.MAGENTO, sorted(wanted))
    with context.engine.begin() as connection:
        WorkQueue(connection, instance).one_writer()
        # Documents may have been staged of a known order that was not found before.
        counts["without_order"] = mark_without_order(connection, context.instance, sorted({*wanted, *known}))
        wanted = {*completeness.of_odoo(connection, instance, fresh), *_behind(context, Side.ODOO, known)}
    counts["odoo"] = order_completion.read(context, Side.ODOO, sorted(wanted))
    master_data.refresh_products(context, keys)
    with context.engine.begin() as connection:
        # Under the lock of staging: whatever was staged meanwhile was extracted, so both sides are complete up to here.
        queue = WorkQueue(connection, instance)
        queue.one_writer()
        queue.completed(queue.versions(keys))
    return counts


def _behind(context: Context, side: Side, order_keys: Sequence[str]) -> list[str]:
    """Return the orders whose other side changed after the last extract of `side` began: `side` may have newer documents."""
    kinds = [kind.value for kind in order_completion.source_of(context, side).kinds]
    with context.engine.connect() as connection:
        moment = Watermarks(connection, context.instance.id, side.value).last_success(kinds)
        return completeness.changed_after(connection, context.instance.id, side.other.value, order_keys, moment)
