"""Prefetch: reading goes on while pages are staged: nothing lost, nothing out of order, and what was read before an error comes before it."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pytest

from magodoo.domain.vocabulary import Kind
from magodoo.errors import Unavailable
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.reading import Batch
from magodoo.pipeline import pages
from magodoo.pipeline.pages import Taken, in_background, rarely_collected

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def page(number: int, rows: int = 1) -> Batch:
    documents = [
        CanonicalDocument("us", "magento", "order", f"{number}{row:03}", f"{number}", "new", BEGAN)
        for row in range(rows)
    ]
    return Batch(Kind.ORDER, documents)


def reading(batches: Iterable[Batch], turn: str = "order") -> Iterator[tuple[str, Iterator[Batch]]]:
    yield turn, iter(batches)


def numbers(taken: list[Taken[str]]) -> list[str]:
    return [each.batch.documents[0].number for _, pages, _ in taken for each in pages]


def test_every_page_comes_once_and_in_order_with_its_rows_prepared() -> None:
    taken = list(in_background(reading(page(number) for number in range(50))))
    assert numbers(taken) == [f"{number}" for number in range(50)]
    assert all(len(each.rows) == len(each.batch.documents) for _, pages, _ in taken for each in pages)


def test_the_next_batch_is_read_while_the_last_is_staged_and_stays_separate() -> None:
    read = threading.Event()

    def turns() -> Iterator[tuple[str, Iterator[Batch]]]:
        yield "order", iter([page(0), page(1)])
        yield "invoice", iter([])
        yield "shipment", iter([page(2)])
        read.set()

    taken = in_background(turns())
    first = next(taken)
    assert read.wait(10)  # nothing else was taken yet
    came = [first, *taken]
    assert [(turn, is_last) for turn, _, is_last in came if is_last] == [
        ("order", True), ("invoice", True), ("shipment", True)
    ]  # fmt: skip
    assert [(turn, each.batch.documents[0].number) for turn, pages, _ in came for each in pages] == [
        ("order", "0"), ("order", "1"), ("shipment", "2")
    ]  # fmt: skip


def test_a_finished_batch_waits_for_no_more_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PATIENCE", 60)
    never = threading.Event()

    def turns() -> Iterator[tuple[str, Iterator[Batch]]]:
        yield "order", iter([page(0)])
        never.wait(60)

    taken = in_background(turns())
    began = time.monotonic()
    assert numbers([next(taken)]) == ["0"]
    assert time.monotonic() - began < 30
    never.set()
    assert list(taken) == []


def test_pages_that_came_while_the_last_was_staged_come_together() -> None:
    staging, read = threading.Event(), threading.Event()

    def pages() -> Iterator[Batch]:
        yield page(0)
        staging.wait(10)
        yield from (page(number) for number in range(1, 5))
        read.set()

    taken = in_background(reading(pages()))
    assert numbers([next(taken)]) == ["0"]
    staging.set()
    assert read.wait(10)
    assert numbers([next(taken)]) == ["1", "2", "3", "4"]
    assert numbers(list(taken)) == []


def test_reading_pauses_when_the_buffer_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_WAITING", 10)
    asked = 0

    def read() -> Iterator[Batch]:
        nonlocal asked
        for number in range(20):
            asked += 1
            yield page(number, rows=6)

    taken = in_background(reading(read()))
    next(taken)
    for thread in threading.enumerate():
        if thread.name == "reads":
            thread.join(0.3)  # it would read to its end, if it did not wait
    assert asked <= 6
    assert len(numbers(list(taken))) >= 14


def test_an_error_comes_after_what_was_read_before_it() -> None:
    def read() -> Iterator[Batch]:
        yield page(1)
        raise Unavailable("the shop is away")

    taken = []
    with pytest.raises(Unavailable, match="away"):
        for batches in in_background(reading(read())):
            taken.append(batches)
    assert numbers(taken) == ["1"]


def test_the_thread_ends_when_the_consumer_stops_early() -> None:
    taken = in_background(reading(page(number, rows=600) for number in range(1000)))
    next(taken)
    taken.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "reads"]


def test_the_garbage_collector_is_restored_afterwards() -> None:
    before = gc.get_threshold()
    with pytest.raises(Unavailable), rarely_collected():
        assert gc.get_threshold()[0] > before[0]
        raise Unavailable("the shop is away")
    assert gc.get_threshold() == before and gc.isenabled()


def test_overlapping_runs_restore_the_garbage_collector() -> None:
    before = gc.get_threshold()
    first, second = rarely_collected(), rarely_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold() != before
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before
