"""`pg-copy`: rows of Python values into tables by COPY, encoding included: ours, the csv module with psycopg2, and psycopg 3.

The tables have staging's columns and no index, so that the encoding is not hidden behind PostgreSQL's work. psycopg 3 is only a
reference: it is another driver, and its COPY would be in another transaction than what SQLAlchemy does. Checked: the tables hold the same.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bench.clock import Took
from bench.contest import Contestant, hold, ratio
from bench.databases import databases
from bench.entry import Entry, write

if TYPE_CHECKING:
    from sqlalchemy import Connection

SIZES = {"quick": 20_000, "full": 100_000}
TABLES = ("document", "line", "payload")


def measure(size: int, runs: int) -> Entry:
    with databases() as server:
        given = {"url": server.staged(), "documents": size}
        found = hold(
            [Contestant(name, f"bench.pg_copy:{name}", given) for name in ("ours", "csv_module", "psycopg_3")], runs
        )
    ours = found.pop("ours")
    return Entry(ratio(found["csv_module"], ours), ratio(found["psycopg_3"], ours), ours, found, size, runs)


# The contestants


def ours(url: str, documents: int) -> Took:
    from magodoo.pg_copy import copy_rows, encoded_row

    took = Took()
    with _empty_tables(url, took) as connection:
        for name, columns, rows in _rows(documents):
            with took.watch():
                copy_rows(connection, f"copied_{name}", columns, map(encoded_row, rows))
    return took


def csv_module(url: str, documents: int) -> Took:
    r"""CSV writes None and an empty text alike: `\N` means None, and a text that is `\N`."""
    from magodoo.pg_copy import json_text

    def plain(value: Any) -> Any:
        if value is None:
            return "\\N"
        if isinstance(value, tuple):
            return "{" + ",".join(f'"{item}"' for item in value) + "}"
        return json_text(value) if isinstance(value, dict) else value

    took = Took()
    with _empty_tables(url, took) as connection:
        driver: Any = connection.connection.driver_connection
        for name, columns, rows in _rows(documents):
            with took.watch(), driver.cursor() as cursor:
                content = io.StringIO()
                csv.writer(content).writerows([plain(value) for value in row] for row in rows)
                content.seek(0)
                cursor.copy_expert(
                    f"copy copied_{name} ({', '.join(columns)}) from stdin (format csv, null '\\N')", content
                )
    return took


def psycopg_3(url: str, documents: int) -> Took:
    import psycopg
    from psycopg.types.json import Json

    from magodoo.pg_copy import json_text

    took = Took()
    with psycopg.connect(url.replace("+psycopg2", "")) as connection:
        for statement in _made():
            connection.execute(statement)
        for name, columns, rows in _rows(documents):
            with (
                took.watch(),
                connection.cursor().copy(f"copy copied_{name} ({', '.join(columns)}) from stdin") as copy,
            ):
                for row in rows:
                    copy.write_row([
                        list(value) if isinstance(value, tuple) else Json(value, json_text) if isinstance(value, dict) else value
                        for value in row
                    ])  # fmt: skip
        took.result = {name: str(connection.execute(_check(name)).fetchone()) for name in TABLES}
    return took


@contextmanager
def _empty_tables(url: str, took: Took) -> Iterator[Connection]:
    from magodoo.staging import connect

    with connect(url).connect() as connection:
        for statement in _made():
            connection.exec_driver_sql(statement)
        yield connection
        took.result = {name: str(connection.exec_driver_sql(_check(name)).one()) for name in TABLES}


def _made() -> list[str]:
    return [f"create temp table copied_{name} as select * from magodoo.{name} with no data" for name in TABLES]


def _check(name: str) -> str:
    return f"select count(*), sum(hashtextextended(copied_{name}::text, 0)) from copied_{name}"


def _rows(documents: int) -> Iterator[tuple[str, tuple[str, ...], list[list[Any]]]]:
    from bench.stage import rows

    for tables in rows(documents):
        for name, (columns, made) in tables.items():
            yield name, columns, made


def main(size: str, runs: int, documents: int | None) -> None:
    write("pg-copy", measure(documents or SIZES[size], runs), own=("psycopg",))
