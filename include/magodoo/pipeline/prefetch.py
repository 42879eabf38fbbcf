"""Reading goes on while what was read is staged, into the next kind too: both take about as long."""

from __future__ import annotations

import gc
import threading
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from magodoo.pipeline.store import Page, page

if TYPE_CHECKING:
    from magodoo.extract.reading import Batch

MOST_WAITING = 1000  # documents that are read and prepared ahead; then reading waits
ENOUGH = 500  # documents for which a transaction pays: it costs some forty statements, whatever its size
PATIENCE = 0.5  # seconds for which fewer are held back, while a slow source is read on
_COLLECT_AFTER = 200_000  # new objects, instead of 700

Turn = TypeVar("Turn")  # what is read in one go, as its reader knows it


class Taken(NamedTuple, Generic[Turn]):
    """Pages of one turn, in their order; `is_last`: it was read to its end with them. They may be none then."""

    turn: Turn
    pages: list[Page]
    is_last: bool


class _Reading(Generic[Turn]):
    """A thread that reads turn after turn and prepares the rows of their pages, and what waits of them (None: a turn's end)."""

    def __init__(self, turns: Iterator[tuple[Turn, Iterator[Batch]]]) -> None:
        self._turns = turns
        self._waiting: deque[tuple[Turn, Page | None]] = deque()
        self._problem: BaseException | None = None
        self._ended = self._unwanted = False
        self._told = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="reads", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for turn, batches in self._turns:
                for batch in batches:
                    if not self._add(turn, page(batch)):  # prepared here, beside the database's work
                        return
                if not self._add(turn, None):
                    return
        except BaseException as problem:  # raised again by `take`, in the thread of the story
            self._problem = problem
        finally:
            with self._told:
                self._ended = True
                self._told.notify_all()

    def _add(self, turn: Turn, ready: Page | None) -> bool:
        """False when nobody wants more."""
        with self._told:
            self._waiting.append((turn, ready))
            self._told.notify_all()
            self._told.wait_for(lambda: self._unwanted or self._documents < MOST_WAITING)
            return not self._unwanted

    @property
    def _documents(self) -> int:
        return sum(len(ready.batch.documents) for _, ready in self._waiting if ready)

    def _is_enough(self) -> bool:
        """No more will come to the first turn, or so much waits that a transaction pays."""
        ends = any(ready is None for _, ready in self._waiting)
        return ends or self._ended or self._documents >= min(ENOUGH, MOST_WAITING)

    def take(self) -> Taken[Turn] | None:
        """All that waits of the first turn, a page or its end at least; None when all was read. What reading raised comes after
        what was read before.
        """
        with self._told:
            self._told.wait_for(lambda: self._waiting or self._ended)
            self._told.wait_for(self._is_enough, PATIENCE)
            pages: list[Page] = []
            while self._waiting:
                turn, ready = self._waiting.popleft()
                if ready:
                    pages.append(ready)
                if ready is None or not self._waiting:
                    self._told.notify_all()
                    return Taken(turn, pages, ready is None)
        if self._problem:
            raise self._problem
        return None

    def close(self) -> None:
        """Ends after the page in hand."""
        with self._told:
            self._unwanted = True
            self._told.notify_all()
        self._thread.join()


def read_ahead(turns: Iterator[tuple[Turn, Iterator[Batch]]]) -> Generator[Taken[Turn], None, None]:
    """Every turn's batches in their order, prepared, as many at a time as were read while the last ones were staged, or for a
    moment longer; never of two turns together.

    A slow source is staged page by page, a fast one in transactions of up to about MOST_WAITING documents.
    """
    reading = _Reading(turns)
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
