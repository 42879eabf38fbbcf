"""Keyset pagination of a list: every row once, none lost, and records that break their page are quarantined.

The position is the key of the last row, never a page number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from magodoo.connectors.failures import Garbled
from magodoo.connectors.magento.http import Http, Reply
from magodoo.connectors.magento.replies import PageTooLarge, ServerFault
from magodoo.connectors.magento.schema import Shape, entity_id, sound
from magodoo.connectors.magento.search import EPOCH, Search, read_stamp
from magodoo.errors import InvariantError, MagodooError, Unavailable, Unreadable
from magodoo.money import dump_json
from magodoo.timestamps import utc_now

Key = tuple[datetime, int]
Count = Callable[[Search], int]
_SECOND = timedelta(seconds=1)
_MOST_SECONDS = 2**31
_MOST_IDS = 2**40


class Cursor(Protocol):
    """A position in a list."""

    @property
    def repeats(self) -> bool:
        """Return whether the next page may begin with rows that were already read."""
        ...

    @property
    def key(self) -> Key:
        """Return the key of the position."""
        ...

    def at(self, search: Search) -> Search:
        """Return the search for the rows after the position."""
        ...

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """Return the key of a row. Raises Unreadable."""
        ...

    def behind(self, keys: Sequence[Key]) -> Cursor:
        """Return the position after the rows of a page, given by their keys."""
        ...

    def when_exhausted(self) -> Cursor | None:
        """Return where to continue after the last page, or None at the end of the list."""
        ...

    def first_hidden(self, search: Search, count: Count) -> Key | None:
        """Return the key of the next row, found by counting without loading it, or None."""
        ...

    def past(self, key: Key) -> Cursor:
        """Return the position after one key."""
        ...


@dataclass(frozen=True)
class ById:
    """Rows in the order of their id: for lists by key."""

    repeats = False
    field: str = "entity_id"
    after: int = 0

    @property
    def key(self) -> Key:
        """Return the key of the position."""
        return EPOCH, self.after

    def at(self, search: Search) -> Search:
        """Return the search for ids above the position."""
        search = replace(search, sort=(self.field,))
        return search.where(self.field, "gt", self.after) if self.after else search

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """Return the row's id, with the epoch as its time. Raises Unreadable."""
        return EPOCH, entity_id(row.get(self.field))

    def behind(self, keys: Sequence[Key]) -> ById:
        """Return the position after the largest of these ids."""
        return replace(self, after=max((number for _, number in keys), default=self.after))

    def when_exhausted(self) -> None:
        """Return None: the list ends with its last page."""
        return None

    def first_hidden(self, search: Search, count: Count) -> Key | None:
        """Return the smallest id after the position, found by counting: no row is loaded."""
        number = _first(lambda step: count(self.at(search).where(self.field, "lteq", self.after + step)) > 0, _MOST_IDS)
        return (EPOCH, self.after + number) if number else None

    def past(self, key: Key) -> ById:
        """Return the position after this id."""
        return replace(self, after=key[1])


@dataclass(frozen=True)
class ByChange:
    """Rows in the order of (updated_at, entity_id), from a second on; with `after`, the rest of that second."""

    repeats = True
    since: datetime = EPOCH
    after: int | None = None

    @property
    def key(self) -> Key:
        """Return the key of the position."""
        return self.since, self.after or 0

    def at(self, search: Search) -> Search:
        """Return the search for rows from the position's second on, or for the rest of that second."""
        if self.after is not None:
            rest = replace(search, sort=("entity_id",)).where("updated_at", "eq", self.since)
            return rest.where("entity_id", "gt", self.after)
        return replace(search, sort=("updated_at", "entity_id")).where("updated_at", "gteq", self.since)

    def key_of(self, row: Mapping[str, Any]) -> Key:
        """Return (updated_at, entity_id) of a row. Raises Unreadable."""
        return read_stamp(row.get("updated_at")), entity_id(row.get("entity_id"))

    def behind(self, keys: Sequence[Key]) -> ByChange:
        """Return the last second read, whose rows are returned again; or the position within it, if it filled the whole page."""
        last = max(keys, default=self.key)
        if self.after is None and last[0] != self.since:
            return ByChange(last[0])
        within = [number for second, number in keys if second == self.since]
        return replace(self, after=max(within, default=self.after))

    def when_exhausted(self) -> ByChange | None:
        """Return the next second after the rest of a second was read, else None. Stamps are whole seconds (docs/facts/magento-2.4.7.md#3)."""
        return ByChange(self.since + _SECOND) if self.after is not None else None

    def first_hidden(self, search: Search, count: Count) -> Key | None:
        """Return the smallest key at or after the position, found by counting: first the second, then the id within it."""
        second, after = self.since, self.after
        if after is None:
            steps = _first(
                lambda step: count(self.at(search).where("updated_at", "lteq", self.since + (step - 1) * _SECOND)) > 0,
                _MOST_SECONDS,
            )
            if not steps:
                return None
            second, after = self.since + (steps - 1) * _SECOND, 0
        within = ByChange(second, after)
        number = _first(lambda step: count(within.at(search).where("entity_id", "lteq", after + step)) > 0, _MOST_IDS)
        return (second, after + number) if number else None

    def past(self, key: Key) -> ByChange:
        """Return the position after this key, within its second."""
        return ByChange(*key)


def in_order(keys: Sequence[Key]) -> list[bool]:
    """Return which keys are in ascending order, leaving out as few as possible: one row with an invalid key rejects no other."""
    if all(earlier < later for earlier, later in pairwise(keys)):
        return [True] * len(keys)
    best: list[tuple[int, int]] = []  # (length of the longest run that ends here, index of its predecessor)
    for index, key in enumerate(keys):
        runs = [(best[other][0] + 1, other) for other in range(index) if keys[other] < key]
        best.append(max(runs, default=(1, -1)))
    kept = [False] * len(keys)
    index = max(range(len(keys)), key=lambda place: best[place][0], default=-1)
    while index >= 0:
        kept[index] = True
        index = best[index][1]
    return kept


def _first(holds: Callable[[int], bool], most: int) -> int:
    """Return the smallest step, from 1, for which a monotone predicate holds, or 0 if there is none up to `most`."""
    high = 1
    while not holds(high):
        high *= 2
        if high > most:
            return 0
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


log = logging.getLogger(__name__)

MOST_POISONED = 20  # more unreadable records in one list are not caused by single records
GROW_AFTER = 2  # successful pages after which a reduced page size is doubled
LONGEST_RAW = 100_000


class Quarantined(NamedTuple):
    """A record that cannot be used: its id if known, what arrived, and the reason."""

    source_id: int | None
    raw: str
    reason: str


@dataclass(frozen=True)
class Page:
    """Rows as Magento sends them, in the order of reading, with ids as int and fractions as Decimal.

    `request_began_at` is UTC; `total_count` is Magento's count when the run began.
    """

    rows: list[dict[str, Any]]
    request_began_at: datetime
    total_count: int
    quarantined: list[Quarantined]


@dataclass(frozen=True)
class Listing:
    """One list route: its path, the column that identifies a row, and the shape of a valid row."""

    path: str
    shape: Shape
    key: str = "entity_id"


@dataclass(frozen=True)
class _Record:
    raw: Any
    key: Key | None
    row: dict[str, Any] | None
    reason: str = ""

    @property
    def identity(self) -> Any:
        return self.key[1] if self.key else raw_text(self.raw)


def walk(http: Http, listing: Listing, search: Search, cursor: Cursor, size: int) -> Iterator[Page]:
    """Yield all pages after a cursor; at least one, perhaps empty.

    Raises the errors of `Http.read`, InvariantError if Magento sends the same page twice, Unavailable if rows were lost on the way.
    """
    return _Reading(http, listing, search, size).pages(cursor)


def raw_text(value: Any) -> str:
    """Return what arrived as text that can be stored, at most `LONGEST_RAW` characters."""
    if isinstance(value, bytes):
        text = value.decode("utf-8", "replace")
    else:
        try:
            text = dump_json(value)
        except (ValueError, ArithmeticError, RecursionError):
            text = f"{value!r:.2000}"
    return text[:LONGEST_RAW].encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


class _Reading:
    """One run through one list."""

    def __init__(self, http: Http, listing: Listing, search: Search, size: int) -> None:
        self._http, self._listing, self._search = http, listing, search
        self._size = self._largest = size
        self._good_pages = 0
        self._poisoned = 0
        self._proven = False  # the search itself works: a page that fails does so for a record in it
        self._counted: int | None = None
        self._seen: set[Any] = set()
        self._repeats = 0  # rows that were twice on one page: Magento counts them twice
        self._last_second: dict[Any, _Record] = {}

    def pages(self, cursor: Cursor) -> Iterator[Page]:
        """Yield the pages after a cursor and check at the end that all rows were read."""
        first, place, yielded = cursor, cursor, False
        while True:
            try:
                page, following = self._next(place)
            except (ServerFault, Unreadable, Unavailable) as problem:
                narrowed = self._narrow(place, problem)
                if narrowed is None:
                    continue
                page, following = narrowed
            if page.rows or page.quarantined or not yielded:
                yielded = True
                yield page
            if following is None:
                break
            place = following
        self._check_complete(first)

    def _next(self, cursor: Cursor) -> tuple[Page, Cursor | None]:
        reply, rows, total = self._fetch(cursor)
        if self._counted is None:
            self._counted = total
        records = self._examine(cursor, rows)
        keys = [record.key for record in records if record.key]
        more = total > len(rows)
        if more and not keys:
            raise Garbled("no row of the page has a readable key", raw_text(rows).encode(), **self._where)
        following = cursor.behind(keys) if more else cursor.when_exhausted()
        if following == cursor:
            raise InvariantError(
                "Magento sends the same page repeatedly: it ignores the filter or the sort", **self._where
            )
        fresh = self._fresh(cursor, records)
        self._grow()
        page = Page(
            [record.row for record in fresh if record.row is not None],
            reply.began_at,
            self._counted,
            [_quarantined(record) for record in fresh if record.row is None],
        )
        return page, following

    def _fetch(self, cursor: Cursor) -> tuple[Reply, list[Any], int]:
        while True:
            try:
                reply = self._http.read(self._listing.path, cursor.at(self._search).paged(self._size).query())
            except PageTooLarge as limit:
                if limit.most >= self._size:
                    raise
                log.info("Magento allows %s rows per page", limit.most)
                self._size = self._largest = limit.most
                continue
            rows, total = self._content(reply.body)
            if len(rows) != min(self._size, total):
                message = f"the shop counts {total} rows and sends {len(rows)} on a page of {self._size}"
                raise Garbled(message, raw_text(rows).encode(), **self._where)
            return reply, rows, total

    def _content(self, body: Any) -> tuple[list[Any], int]:
        """Return rows and count. With a projection an empty list arrives as null (docs/facts/magento-2.4.7.md#3)."""
        rows = body.get("items") if isinstance(body, Mapping) else body
        total = body.get("total_count") if isinstance(body, Mapping) else None
        rows = [] if rows is None else rows
        if not isinstance(rows, list) or isinstance(total, bool) or not isinstance(total, int) or total < 0:
            raise Garbled("an answer that is no list", raw_text(body).encode(), **self._where)
        return rows, total

    def _examine(self, cursor: Cursor, rows: list[Any]) -> list[_Record]:
        records = [self._record(cursor, row) for row in rows]
        placed = [record for record in records if record.key]
        keys = [record.key for record in placed if record.key]
        kept = {key for key, good in zip(keys, in_order(keys), strict=True) if good and key >= cursor.key}
        misplaced = {id(record) for record in placed if record.key not in kept}
        twice = _conflicting(placed)
        return [
            _Record(record.raw, None, None, "it does not stand where the sort puts it")
            if id(record) in misplaced
            else _Record(record.raw, record.key, None, "its id stands twice on one page, with different content")
            if record.key and record.identity in twice
            else record
            for record in records
        ]

    def _record(self, cursor: Cursor, raw: Any) -> _Record:
        key = None
        try:
            if isinstance(raw, Mapping):
                key = cursor.key_of(raw)
            return _Record(raw, key, sound(self._listing.shape, raw))
        except Unreadable as problem:
            return _Record(raw, key, None, str(problem.args[0]))

    def _fresh(self, cursor: Cursor, records: list[_Record]) -> list[_Record]:
        """Return the records without those of the last second that were read before and have not changed."""
        fresh = []
        for record in records:
            known = self._last_second.get(record.identity)
            if known is None or known.raw != record.raw:
                fresh.append(record)
                self._last_second[record.identity] = record
        self._seen.update(record.identity for record in fresh)
        self._repeats += len(records) - len({record.identity for record in records})
        last = max((record.key[0] for record in records if record.key), default=None)
        if not cursor.repeats:
            self._last_second = {}
        elif last is not None:
            self._last_second = {
                identity: record
                for identity, record in self._last_second.items()
                if record.key is None or record.key[0] >= last
            }
        return fresh

    def _grow(self) -> None:
        self._good_pages += 1
        if self._size < self._largest and self._good_pages >= GROW_AFTER:
            self._size, self._good_pages = min(self._size * 2, self._largest), 0

    def _narrow(self, cursor: Cursor, problem: MagodooError) -> tuple[Page, Cursor] | None:
        """Halve the page size until a single row fails: that row is quarantined and skipped."""
        self._good_pages = 0
        if not self._proven or isinstance(problem, Unavailable):  # the shop itself may be away by now
            self._prove(problem)
        if self._size > 1:
            self._size //= 2
            return None
        if isinstance(problem, Unavailable):
            raise problem
        key = cursor.first_hidden(self._search, self._count)
        self._poisoned += 1
        if key is None or self._poisoned > MOST_POISONED:
            raise problem
        raw = raw_text(getattr(problem, "raw", b"")) or str(problem.args[0])
        reason = f"the shop cannot list this record: {problem.args[0]}"
        log.warning("%s %s is quarantined: %s", self._listing.path, key[1], reason)
        self._seen.add(key[1])
        page = Page([], utc_now(), self._counted or 0, [Quarantined(key[1], raw, reason)])
        return page, cursor.past(key)

    def _prove(self, problem: MagodooError) -> None:
        """Raise the problem if the search also fails without any row: then no record causes it."""
        empty = self._search.where(self._listing.key, "eq", 0).paged(1)
        try:
            self._content(self._http.read(self._listing.path, empty.query()).body)
        except (ServerFault, Unreadable):
            raise problem from None
        self._proven = True

    def _count(self, search: Search) -> int:
        return self._content(self._http.read(self._listing.path, search.counting().query()).body)[1]

    def _check_complete(self, first: Cursor) -> None:
        """Raise Unavailable if rows were lost. Rows may leave a bounded window during the run: the smaller of both counts is expected."""
        read = len(self._seen) + self._repeats
        if self._counted is None or read >= self._counted:
            return
        counted = min(self._counted, self._count(first.at(self._search)))
        if read < counted:
            raise Unavailable(f"{read} of {counted} rows were read", **self._where)

    @property
    def _where(self) -> dict[str, str]:
        return {"system": "magento", "call": f"GET {self._listing.path.lstrip('/')}"}


def _conflicting(records: list[_Record]) -> set[Any]:
    first: dict[Any, Any] = {}
    return {record.identity for record in records if first.setdefault(record.identity, record.raw) != record.raw}


def _quarantined(record: _Record) -> Quarantined:
    source_id = record.key[1] if record.key else None
    if source_id is None and isinstance(record.raw, Mapping):
        try:
            source_id = entity_id(record.raw.get("entity_id"))
        except Unreadable:
            source_id = None
    return Quarantined(source_id, raw_text(record.raw), record.reason)
