"""Pages of documents: read in a thread while earlier ones are staged, and staged in one transaction each."""

from __future__ import annotations

import gc
import logging
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

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


MOST_WAITING = 1000  # documents prefetched and not yet staged; reading waits while there are more
ENOUGH = 500  # documents that are worth a transaction, which costs some forty statements regardless of its size
PATIENCE = 0.5  # seconds to wait for ENOUGH documents from a slow source
_COLLECT_AFTER = 200_000  # gc threshold: new objects before a collection, instead of 700

Turn = TypeVar("Turn")  # a unit of reading, identified by the caller: its pages are never mixed with another's


class Taken(NamedTuple, Generic[Turn]):
    """Pages of one turn, in order. `is_last`: the turn ends with them; `pages` may then be empty."""

    turn: Turn
    pages: list[Page]
    is_last: bool


class _Reading(Generic[Turn]):
    """A thread that reads turn after turn and prepares the rows of their pages; its queue holds pages, and None for a turn's end."""

    def __init__(self, turns: Iterator[tuple[Turn, Iterator[Batch]]]) -> None:
        self._turns = turns
        self._waiting: deque[tuple[Turn, Page | None]] = deque()
        self._problem: BaseException | None = None
        self._ended = self._unwanted = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="reads", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for turn, batches in self._turns:
                for batch in batches:
                    if not self._add(
                        turn, page(batch)
                    ):  # prepared in this thread, while the other writes to the database
                        return
                if not self._add(turn, None):
                    return
        except BaseException as problem:  # raised again by `take`, in the caller's thread
            self._problem = problem
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _add(self, turn: Turn, ready: Page | None) -> bool:
        """Append a page or a turn's end, and wait while the queue is full. Returns False when reading is to stop."""
        with self._changed:
            self._waiting.append((turn, ready))
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._unwanted or self._documents < MOST_WAITING)
            return not self._unwanted

    @property
    def _documents(self) -> int:
        return sum(len(ready.batch.documents) for _, ready in self._waiting if ready)

    def _is_enough(self) -> bool:
        """Return whether the first turn is complete in the queue, reading has ended, or enough documents for a transaction are waiting."""
        ends = any(ready is None for _, ready in self._waiting)
        return ends or self._ended or self._documents >= min(ENOUGH, MOST_WAITING)

    def take(self) -> Taken[Turn] | None:
        """Return everything queued of the first turn, at least a page or its end; None when all was read.

        An error of the reading thread is raised after everything read before it was returned.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            self._changed.wait_for(self._is_enough, PATIENCE)
            pages: list[Page] = []
            while self._waiting:
                turn, ready = self._waiting.popleft()
                if ready:
                    pages.append(ready)
                if ready is None or not self._waiting:
                    self._changed.notify_all()
                    return Taken(turn, pages, ready is None)
        if self._problem:
            raise self._problem
        return None

    def close(self) -> None:
        """Stop after the page being read and wait for the thread."""
        with self._changed:
            self._unwanted = True
            self._changed.notify_all()
        self._thread.join()


def in_background(turns: Iterator[tuple[Turn, Iterator[Batch]]]) -> Generator[Taken[Turn], None, None]:
    """Yield the prepared pages of every turn in order, never of two turns together.

    Each item holds what was read while the previous one was staged: a slow source is staged page by page, a fast one in transactions of
    up to about MOST_WAITING documents.
    """
    reading = _Reading(turns)
    try:
        while taken := reading.take():
            yield taken
    finally:
        reading.close()


class _Collector:
    """The garbage collector's settings from before the first caller of `rest`; runs in several threads may overlap."""

    def __init__(self) -> None:
        self._asked, self._usual = 0, gc.get_threshold()
        self._lock = threading.Lock()

    def rest(self) -> None:
        with self._lock:
            if not self._asked:
                self._usual = gc.get_threshold()
                gc.freeze()
                gc.set_threshold(_COLLECT_AFTER, *self._usual[1:])
            self._asked += 1

    def go_on(self) -> None:
        with self._lock:
            self._asked -= 1
            if not self._asked:
                gc.set_threshold(*self._usual)
                gc.unfreeze()


_collector = _Collector()


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Collect garbage rarely within the context: pages are trees of small objects without cycles, which the collector scans in vain."""
    _collector.rest()
    try:
        yield
    finally:
        _collector.go_on()
