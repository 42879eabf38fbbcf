"""Query lists: one page, its sums, and all rows for the CSV. Values are always bound; SQL comes from the lists' definitions only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from magodoo.timestamps import utc_now
from magodoo_airflow.pages.lists import Column, Listing

PAGE = 50
_LONGEST_SEARCH = 100
_FEW = 2000


@dataclass(frozen=True)
class Wanted:
    """The filters, order and position of a list; all of it is in the address."""

    instances: Sequence[str]
    filters: Mapping[str, str]
    tab: str = ""
    search: str = ""
    sort: str = ""
    up: bool = False
    after: str = ""
    hits: tuple[tuple[str, ...], ...] | None = None  # the identities that the search found, when they are few
    now: datetime = field(default_factory=utc_now)  # of the whole page


@dataclass(frozen=True)
class Page:
    """The rows of a page as dicts by column, each with `address`, `currency_of_row` and `cursor`. `after`: where the next page begins."""

    rows: list[dict[str, Any]]
    after: str


def searched(connection: Connection, listing: Listing, wanted: Wanted) -> Wanted:
    """Return `wanted` with the hits of its search when there are few, so that the list is searched once, not again for rows and sums."""
    if not wanted.search.strip():
        return wanted
    conditions, values = _conditions(listing, wanted)
    named = ", ".join(f"({sql})::text" for sql, _ in listing.identity)
    found = connection.execute(
        text(f"select {named} from {listing.table} where {conditions} limit {_FEW + 1}"), values
    ).all()
    return replace(wanted, hits=tuple(tuple(row) for row in found)) if len(found) <= _FEW else wanted


def page(connection: Connection, listing: Listing, wanted: Wanted) -> Page:
    """Return the rows of one page, at most PAGE."""
    statement, values = _statement(listing, wanted, f" limit {PAGE + 1}")
    found = [dict(row) for row in connection.execute(text(statement), values).mappings()]
    return Page(found[:PAGE], found[PAGE - 1]["cursor"] if len(found) > PAGE else "")


def everything(connection: Connection, listing: Listing, wanted: Wanted) -> Iterator[RowMapping]:
    """Yield all filtered rows one by one: the list may not fit into memory."""
    statement, values = _statement(listing, wanted)
    streaming = connection.execution_options(yield_per=2000)
    yield from streaming.execute(text(statement), values).mappings()


def sums(connection: Connection, listing: Listing, wanted: Wanted, shown: Sequence[Column]) -> list[dict[str, Any]]:
    """Return one row per currency: `n`, the number of rows, and the sum of each shown column in `sums`. Currencies are never added."""
    conditions, values = _conditions(listing, wanted)
    columns = [column for column in shown if column.key in listing.sums]
    selected = "".join(f", sum({column.sql}) as {column.key}" for column in columns)
    statement = f"select {listing.currency} as currency, count(*) as n{selected} from {listing.table} where {conditions} group by 1 order by 1"
    return [dict(row) for row in connection.execute(text(statement), values).mappings()]


def _select(listing: Listing, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    conditions, values = _conditions(listing, wanted)
    first, direction = _sorting(listing, wanted)
    compared = ">" if wanted.up else "<"
    order = _order(listing, first)
    after = _cursor(order, wanted.after)
    if after:
        bound = ", ".join(f"cast(:after{n} as {type_})" for n, (_, type_) in enumerate(after))
        conditions += f" and ({', '.join(sql for sql, _ in order)}) {compared} ({bound})"
        values |= {f"after{n}": value for n, (value, _) in enumerate(after)}
    ordered = ", ".join(f"{sql} {direction}" for sql, _ in order)
    return f"from {listing.table} where {conditions} order by {ordered}", values


def _statement(listing: Listing, wanted: Wanted, limit: str = "") -> tuple[str, dict[str, Any]]:
    """Return the SELECT and its parameters; rows are chosen before anything is joined or formatted, since a sort reads the whole list.

    A page is chosen by the identity of its rows alone, and only these are read whole: sorting wide rows of a list of 160,000 takes more
    than twice the time.
    """
    chosen, values = _select(listing, wanted)
    first, direction = _sorting(listing, wanted)
    order = _order(listing, first)
    alias = listing.table.split()[-1]
    # The sorted value comes last: it alone may contain the separator.
    cursor = " || '|' || ".join(f"({sql})::text" for sql, _ in (*order[1:], order[0]))
    selected = ", ".join(f"{column.sql} as {column.key}" for column in listing.columns)
    ordered = ", ".join(f"{sql} {direction}" for sql, _ in order)
    source = f"(select {alias}.* {chosen}) {alias} {listing.joined}"
    if limit:
        named = ", ".join(f"{sql} as key{n}" for n, (sql, _) in enumerate(listing.identity))
        same = " and ".join(f"{sql} = chosen.key{n}" for n, (sql, _) in enumerate(listing.identity))
        page = f"(select {named} {chosen}{limit}) chosen join {listing.table} on {same} and {listing.where}"
        source = f"{page} {listing.joined}"
    return (
        f"select {listing.link} as address, {listing.currency} as currency_of_row, {cursor} as cursor, {selected}"
        f" from {source} order by {ordered}",
        values,
    )


def _sorting(listing: Listing, wanted: Wanted) -> tuple[Column, str]:
    return listing.column(wanted.sort) or listing.newest, "asc" if wanted.up else "desc"


def _order(listing: Listing, first: Column) -> list[tuple[str, str]]:
    """Return the expressions to order by with their types: the sorted column, then those that make the order total."""
    return [(first.sorted_by, first.compared_as), *(key for key in listing.key if key[0] != first.sorted_by)]


def _cursor(order: list[tuple[str, str]], after: str) -> list[tuple[str, str]]:
    """Return the values (with their types) after which the page begins; nothing for an invalid cursor."""
    *keys, value = after.split("|", len(order) - 1)
    if not after or len(keys) != len(order) - 1:
        return []
    return [(given, type_) for given, (_, type_) in zip((value, *keys), order, strict=True)]


def _conditions(listing: Listing, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    found = [listing.where, f"{listing.instance} = any(:instances)"]
    values: dict[str, Any] = {"instances": list(wanted.instances), "now": wanted.now}
    for filter_ in listing.filters:
        value = wanted.filters.get(filter_.name, "")
        if value and (filter_.type != "date" or _is_date(value)):
            found.append(filter_.condition)
            values[filter_.name] = value
    found += [f"({tab.condition})" for tab in listing.tabs if tab.name == wanted.tab]
    if wanted.hits is not None:
        found.append(_among(listing, wanted.hits, values))
    elif wanted.search.strip():
        found.append(listing.search)
        values["search"] = _pattern(wanted.search)
    return " and ".join(found), values


def _among(listing: Listing, hits: Sequence[Sequence[str]], values: dict[str, Any]) -> str:
    """Return the condition that a row is one of the hits."""
    columns = [[hit[n] for hit in hits] for n in range(len(listing.identity))]
    values |= {f"hits{n}": column for n, column in enumerate(columns)}
    arrays = ", ".join(f"cast(:hits{n} as {type_}[])" for n, (_, type_) in enumerate(listing.identity))
    return f"({', '.join(sql for sql, _ in listing.identity)}) in (select * from unnest({arrays}))"


def _pattern(search: str) -> str:
    plain = search.strip().lower().replace("\0", "")[:_LONGEST_SEARCH]
    for special in ("\\", "%", "_"):
        plain = plain.replace(special, f"\\{special}")
    return f"%{plain}%"


def _is_date(value: str) -> bool:
    """Return whether the text is a date; an invalid one in the address is ignored instead of failing the page."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
