"""Search criteria of a list. What Magento would silently misread is refused here.

docs/facts/magento-2.4.7.md#3: an unknown condition means `eq`, an invalid date matches all rows, an offset is ignored, a list without criteria
is refused, one without a page size returns everything. docs/facts/magento-2.4.7.md#1: OAuth fails at the eleventh group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from magodoo.errors import InvariantError, Unreadable
from magodoo.timestamps import utc

CONDITIONS = frozenset(
    {"eq", "neq", "like", "nlike", "in", "nin", "is", "notnull", "null", "gt", "lt", "gteq", "lteq"}
    | {"finset", "nfinset", "regexp", "from", "to"}
)
MOST_GROUPS = 9
LONGEST_LIST = 1500  # characters of one `in` value, encoded as in the URL
PAST_THE_END = 1_000_000_000  # a page number beyond any list: correct total_count, no rows loaded
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = "%Y-%m-%d %H:%M:%S"

Value = str | int | datetime | Sequence[int] | Sequence[str]


@dataclass(frozen=True)
class Filter:
    """One condition on one column of the list's own table."""

    field: str
    condition: str
    value: str
    or_null: bool = False  # or the column is null: a second filter of the group

    @classmethod
    def of(cls, field: str, condition: str, value: Value) -> Filter:
        """Return a filter. Raises InvariantError for an unknown condition or a value that Magento would misread."""
        if condition not in CONDITIONS:
            raise InvariantError(
                f"Magento has no condition {condition!r}: it would silently mean `eq`", system="magento"
            )
        if isinstance(value, datetime):
            return cls(field, condition, stamp(value))
        if isinstance(value, int | str):
            return cls(field, condition, str(value))
        keys = [str(key) for key in value]
        if not keys or any("," in key or not key for key in keys):
            raise InvariantError(f"{field}: a list of keys is empty or holds a comma", system="magento")
        return cls(field, condition, ",".join(keys))


@dataclass(frozen=True)
class Search:
    """Conditions joined by AND, ascending sort fields, page size and number, projection."""

    filters: tuple[Filter, ...] = ()
    sort: tuple[str, ...] = ("entity_id",)
    size: int = 100
    page: int = 1
    fields: str = ""

    def where(self, field: str, condition: str, value: Value) -> Search:
        """Return the search with one more condition. Raises InvariantError above nine: OAuth fails at the eleventh (docs/facts/magento-2.4.7.md#1)."""
        if len(self.filters) >= MOST_GROUPS:
            raise InvariantError(f"more than {MOST_GROUPS} conditions in one search", system="magento")
        return replace(self, filters=(*self.filters, Filter.of(field, condition, value)))

    def of_stores(self, store_ids: Sequence[int], *, or_none: bool) -> Search:
        """Return the search limited to these stores.

        With `or_none` also rows without a store: Magento keeps them when their store view is deleted.
        """
        narrowed = self.where("store_id", "in", store_ids)
        return replace(narrowed, filters=(*self.filters, replace(narrowed.filters[-1], or_null=or_none)))

    def paged(self, size: int, page: int = 1) -> Search:
        """Return the search with this page size and page number."""
        return replace(self, size=size, page=page)

    def counting(self) -> Search:
        """Return a search that loads no rows, only total_count."""
        return replace(self, size=1, page=PAST_THE_END, sort=(), fields="items[entity_id],total_count")

    def query(self) -> list[tuple[str, str]]:
        """Return the query parameters, as pairs."""
        pairs: list[tuple[str, str]] = []
        for index, condition in enumerate(self.filters):
            place = f"searchCriteria[filter_groups][{index}][filters][0]"
            pairs += [
                (f"{place}[field]", condition.field),
                (f"{place}[value]", condition.value),
                (f"{place}[condition_type]", condition.condition),
            ]
            if condition.or_null:
                place = f"searchCriteria[filter_groups][{index}][filters][1]"
                pairs += [
                    (f"{place}[field]", condition.field),
                    (f"{place}[value]", "1"),
                    (f"{place}[condition_type]", "null"),
                ]
        for index, name in enumerate(self.sort):
            place = f"searchCriteria[sortOrders][{index}]"
            pairs += [(f"{place}[field]", name), (f"{place}[direction]", "ASC")]
        pairs += [("searchCriteria[pageSize]", str(self.size)), ("searchCriteria[currentPage]", str(self.page))]
        return pairs + ([("fields", self.fields)] if self.fields else [])


def encode(query: Iterable[tuple[str, str]]) -> str:
    """Return an encoded query string, with `%20` for a space: `+` breaks OAuth signatures (docs/facts/magento-2.4.7.md#1)."""
    return urlencode(list(query), quote_via=quote, safe="")


def stamp(moment: datetime) -> str:
    """Return a time as UTC text, the only form that Magento reads reliably, truncated to seconds. Raises InvariantError for a naive time."""
    if moment.tzinfo is None:
        raise InvariantError(f"a time without a zone: {moment}", system="magento")
    return moment.astimezone(UTC).strftime(_STAMP)


def read_stamp(text: object) -> datetime:
    """Return the aware UTC time of a timestamp of Magento. Raises Unreadable for anything else, including times before 1970."""
    try:
        moment = utc(text)
    except ValueError:
        raise Unreadable(f"not a time: {text!r:.60}") from None
    if moment < EPOCH:
        raise Unreadable(f"a time before 1970: {text!r}")
    return moment


def up_to_the_second(moment: datetime) -> datetime:
    """Return the time rounded up to a whole second: an exclusive upper bound that includes rows of the second begun before."""
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + timedelta(seconds=1)


def batches(keys: Iterable[int] | Iterable[str], most: int) -> Iterator[list[int] | list[str]]:
    """Yield the distinct keys in order, in lists that fit into a URL and have at most `most` members."""
    batch: list[Any] = []
    length = 0
    for key in dict.fromkeys(keys):
        size = len(quote(f",{key}", safe=""))
        if batch and (length + size > LONGEST_LIST or len(batch) >= most):
            yield batch
            batch, length = [], 0
        batch.append(key)
        length += size
    if batch:
        yield batch
