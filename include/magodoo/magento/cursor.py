"""Where a reading stands in a list: the key of the last row, never a page number.

Pages by number lose rows when rows move while they are read, and so does a sort by updated_at alone (24 of 624 orders,
facts magento-2.4.7 3). A cursor asks for the rows behind a key instead. `updated_at` moves rows only forward, so that a
row which changes while it is read comes again, and none is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

from magodoo.magento.search import EPOCH, Search, read_stamp
from magodoo.magento.shape import entity_id

Key = tuple[datetime, int]
Count = Callable[[Search], int]
_SECOND = timedelta(seconds=1)
_MOST_SECONDS = 2**31
_MOST_IDS = 2**40


class Cursor(Protocol):
    """A place in a list.

    `at` asks for what follows, `key_of` reads a row's place, `behind` is the place after the rows of a page, `past` the
    place after one key, `when_exhausted` where to go on after the last page, `first_hidden` the key of the next row,
    found without loading it. `repeats`: the next page may begin with rows that were already read.
    """

    @property
    def repeats(self) -> bool: ...

    @property
    def key(self) -> Key: ...

    def at(self, search: Search) -> Search: ...

    def key_of(self, row: Mapping[str, Any]) -> Key: ...

    def behind(self, keys: Sequence[Key]) -> Cursor: ...

    def when_exhausted(self) -> Cursor | None: ...

    def first_hidden(self, search: Search, count: Count) -> Key | None: ...

    def past(self, key: Key) -> Cursor: ...


@dataclass(frozen=True)
class ById:
    """Rows in the order of their id: for lists by key."""

    repeats = False
    field: str = "entity_id"
    after: int = 0

    @property
    def key(self) -> Key:
        return EPOCH, self.after

    def at(self, search: Search) -> Search:
        search = replace(search, sort=(self.field,))
        return search.where(self.field, "gt", self.after) if self.after else search

    def key_of(self, row: Mapping[str, Any]) -> Key:
        return EPOCH, entity_id(row.get(self.field))

    def behind(self, keys: Sequence[Key]) -> ById:
        return replace(self, after=max((number for _, number in keys), default=self.after))

    def when_exhausted(self) -> None:
        return None

    def first_hidden(self, search: Search, count: Count) -> Key | None:
        """The smallest id behind the cursor, found by counting: no row is loaded."""
        number = _first(lambda step: count(self.at(search).where(self.field, "lteq", self.after + step)) > 0, _MOST_IDS)
        return (EPOCH, self.after + number) if number else None

    def past(self, key: Key) -> ById:
        return replace(self, after=key[1])


@dataclass(frozen=True)
class ByChange:
    """Rows in the order of (updated_at, entity_id), from a second on; with `after`, the rest of that one second."""

    repeats = True
    since: datetime = EPOCH
    after: int | None = None

    @property
    def key(self) -> Key:
        return self.since, self.after or 0

    def at(self, search: Search) -> Search:
        if self.after is not None:
            rest = replace(search, sort=("entity_id",)).where("updated_at", "eq", self.since)
            return rest.where("entity_id", "gt", self.after)
        return replace(search, sort=("updated_at", "entity_id")).where("updated_at", "gteq", self.since)

    def key_of(self, row: Mapping[str, Any]) -> Key:
        return read_stamp(row.get("updated_at")), entity_id(row.get("entity_id"))

    def behind(self, keys: Sequence[Key]) -> ByChange:
        """From the last second read, whose rows come again; or on within it, if it filled the whole page."""
        last = max(keys, default=self.key)
        if self.after is None and last[0] != self.since:
            return ByChange(last[0])
        within = [number for second, number in keys if second == self.since]
        return replace(self, after=max(within, default=self.after))

    def when_exhausted(self) -> ByChange | None:
        """After the rest of a second, the seconds behind it: stamps are whole seconds (facts magento-2.4.7 3)."""
        return ByChange(self.since + _SECOND) if self.after is not None else None

    def first_hidden(self, search: Search, count: Count) -> Key | None:
        """The smallest key at or behind the cursor, found by counting: first the second, then the id within it."""
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
        return ByChange(*key)


def in_order(keys: Sequence[Key]) -> list[bool]:
    """Which keys stand in ascending order, leaving out as few as can be: a row with a damaged key condemns no other."""
    if all(earlier < later for earlier, later in pairwise(keys)):
        return [True] * len(keys)
    best: list[tuple[int, int]] = []  # (length of the longest run that ends here, where its predecessor stands)
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
    """The smallest step, from 1, at which a monotone question is answered yes; 0 if it never is."""
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
