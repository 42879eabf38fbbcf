"""Reading goes on while what was read is staged: both take about as long."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from magodoo.pipeline.store import Page, page

if TYPE_CHECKING:
    from magodoo.extract.reading import Batch

MOST_WAITING = 1000  # documents that are read and prepared ahead; then reading waits
ENOUGH = 500  # documents for which a transaction pays: it costs some forty statements, whatever its size
PATIENCE = 0.5  # seconds for which fewer are held back, while a slow source is read on
_COLLECT_AFTER = 200_000  # new objects, instead of 700


class _Reading:
    """A thread that reads pages and prepares their rows, and what waits of them."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._waiting: list[Page] = []
        self._problem: BaseException | None = None
        self._ended = self._unwanted = False
        self._told = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="reads", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for batch in self._batches:
                ready = page(batch)  # prepared here, beside the database's work
                with self._told:
                    self._waiting.append(ready)
                    self._told.notify_all()
                    self._told.wait_for(lambda: self._unwanted or self._documents < MOST_WAITING)
                    if self._unwanted:
                        return
        except BaseException as problem:  # raised again by `take`, in the thread of the story
            self._problem = problem
        finally:
            with self._told:
                self._ended = True
                self._told.notify_all()

    @property
    def _documents(self) -> int:
        return sum(len(waiting.batch.documents) for waiting in self._waiting)

    def take(self) -> list[Page]:
        """All that waits, at least one page; nothing when all was read. What reading raised comes after what was read before."""
        with self._told:
            self._told.wait_for(lambda: self._waiting or self._ended)
            self._told.wait_for(lambda: self._documents >= min(ENOUGH, MOST_WAITING) or self._ended, PATIENCE)
            taken, self._waiting = self._waiting, []
            self._told.notify_all()
        if not taken and self._problem:
            raise self._problem
        return taken

    def close(self) -> None:
        """Ends after the page in hand."""
        with self._told:
            self._unwanted = True
            self._told.notify_all()
        self._thread.join()


def read_ahead(batches: Iterator[Batch]) -> Generator[list[Page], None, None]:
    """The batches in their order, prepared, as many at a time as were read while the last ones were staged, or for a moment longer.

    A slow source is staged page by page, a fast one in transactions of up to about MOST_WAITING documents.
    """
    reading = _Reading(batches)
    try:
        while taken := reading.take():
            yield taken
    finally:
        reading.close()


class _Collector:
    """The collector of this process, as it was before the first who asked for peace; two runs may overlap in two threads."""

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
    """Pages are trees of small objects without cycles: the collector would look through them again and again for nothing."""
    _collector.rest()
    try:
        yield
    finally:
        _collector.go_on()
