"""`stage`: canonical documents of both sides with their lines and payloads into staging, in batches as extraction hands them over.

Against pandas' `to_sql` of the same rows into the same tables; the limit is bare COPY of rows that were made into text before
the clock started. Ours also hashes every document, decides what changed, finds the orders of Odoo's documents and makes the work
list. `to_sql` is so slow that it is given at most TO_SQL_MOST documents; its documents per second are compared with ours of the
full size, and its result with ours of that smaller size. Checked: the same documents, lines and payloads are in the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bench.clock import Took
from bench.contest import Contestant, hold, median, ratio
from bench.databases import Databases, databases
from bench.entry import Entry, write
from magodoo.timestamps import utc_now

if TYPE_CHECKING:
    from sqlalchemy import Connection

SIZES = {"quick": 5_000, "full": 1_000_000}
TO_SQL_MOST = 50_000
BATCH = 5_000
# The content of staging, whoever wrote it: counts and sums.
CHECK = """
    select (select count(*) || ' ' || sum(grand_total) || ' ' || sum(length(number) + source_id::bigint) from document) as documents,
        (select count(*) || ' ' || sum(untaxed) || ' ' || sum(item_key::bigint) from line) as lines,
        (select count(*) || ' ' || sum((payload ->> 'entity_id')::bigint) from payload) as payloads"""


def measure(size: int, runs: int) -> Entry:
    with databases() as server:
        fresh = emptied(server)
        small = {"documents": min(size, TO_SQL_MOST)}
        to_sql = Contestant("to_sql", "bench.stage:to_sql", small, fresh=fresh)
        found = hold(
            [
                Contestant("magodoo", "bench.stage:ours", {"documents": size}, fresh=fresh),
                Contestant("copy", "bench.stage:copy", {"documents": size}, fresh=fresh),
                *([to_sql] if size <= TO_SQL_MOST else []),
            ],
            runs,
        )
        if size > TO_SQL_MOST:
            same = Contestant("magodoo, as many", "bench.stage:ours", small, fresh=fresh, times=1)
            found["to_sql"] = hold([same, to_sql], runs)["to_sql"]
    for name, figures in found.items():
        figures["documents"] = small["documents"] if name == "to_sql" else size
        figures["documents_per_second"] = median([figures["documents"] / figures["seconds"]])
    return Entry(
        median([found["magodoo"]["documents_per_second"] / found["to_sql"]["documents_per_second"]]),
        ratio(found["copy"], found["magodoo"]),
        found["magodoo"],
        {"to_sql": found["to_sql"], "copy": found["copy"]},
        size,
        runs,
    )


def emptied(server: Databases) -> Callable[[], Mapping[str, Any]]:
    """Return a function that gives a fresh staging database and drops the one before."""
    made: list[str] = []

    def fresh() -> Mapping[str, Any]:
        if made:
            server.drop(made.pop())
        made.append(server.staged())
        return {"url": made[-1]}

    return fresh


def check(connection: Connection) -> dict[str, Any]:
    """Return the contents of staging, in short."""
    return dict(connection.exec_driver_sql(CHECK).mappings().one())


# The contestants


def ours(url: str, documents: int) -> Took:
    """`staging.upsert.write`, one transaction per batch; the next batch is prepared meanwhile, as extraction does it."""
    from concurrent.futures import ThreadPoolExecutor

    from bench import sales
    from magodoo.staging import connect
    from magodoo.staging.documents import prepare, write

    engine, took = connect(url), Took()
    batches = sales.canonical(documents, BATCH)
    with ThreadPoolExecutor(1) as beside:
        batch = next(batches, [])
        with took.watch():
            prepared = prepare(batch)
        while prepared:
            batch = next(batches, [])  # generated while the clock is stopped
            with took.watch():
                coming = beside.submit(prepare, batch)
                with engine.begin() as connection:
                    write(connection, sales.INSTANCE, prepared, utc_now())
                prepared = coming.result()
    with engine.connect() as connection:
        took.result = check(connection)
    return took


def copy(url: str, documents: int) -> Took:
    """COPY of ready text into the three tables, one transaction per batch."""
    from magodoo.pg_copy import copy_rows, encoded_row
    from magodoo.staging import connect

    engine, took = connect(url), Took()
    for tables in rows(documents):
        texts = {name: (columns, [encoded_row(row) for row in rows]) for name, (columns, rows) in tables.items()}
        with took.watch(), engine.begin() as connection:
            for name, (columns, lines) in texts.items():
                copy_rows(connection, name, columns, lines)
    with engine.connect() as connection:
        took.result = check(connection)
    return took


def to_sql(url: str, documents: int) -> Took:
    """`DataFrame.to_sql` with `method="multi"`'s faster sibling, psycopg2's own batches; frames are made before the clock starts."""
    import pandas as pd
    from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB
    from sqlalchemy.types import Text

    from magodoo.staging import connect

    engine, took = connect(url), Took()
    kinds: dict[str, Any] = {
        "payload": JSON,
        "details": JSONB,
        "tracking": ARRAY(Text),
        "other_references": ARRAY(Text),
    }
    for tables in rows(documents):
        frames = {name: pd.DataFrame(rows, columns=list(columns)) for name, (columns, rows) in tables.items()}
        with took.watch(), engine.begin() as connection:
            for name, frame in frames.items():
                dtype = {column: kind for column, kind in kinds.items() if column in frame}
                frame.to_sql(name, connection, schema="magodoo", if_exists="append", index=False, dtype=dtype)
    with engine.connect() as connection:
        took.result = check(connection)
    return took


Table = tuple[tuple[str, ...], list[list[Any]]]


def rows(documents: int) -> Iterator[dict[str, Table]]:
    """Yield the batches as rows of the tables: what a program of one's own would have in hand."""
    from bench import sales
    from magodoo.extract.canonical import DOCUMENT_COLUMNS, LINE_COLUMNS
    from magodoo.staging.documents import KEY

    for batch in sales.canonical(documents, BATCH):
        heads = [[getattr(each, name) for name in DOCUMENT_COLUMNS] for each in batch]
        keys = [[getattr(each, name) for name in KEY] for each in batch]
        lines = [
            [*key, *(getattr(line, name) for name in LINE_COLUMNS)]
            for key, each in zip(keys, batch, strict=True)
            for line in each.lines
        ]
        payloads = [[*key, each.payload, "", sales.NOW] for key, each in zip(keys, batch, strict=True)]
        yield {
            "document": ((*DOCUMENT_COLUMNS, "version"), [[*head, 1] for head in heads]),
            "line": ((*KEY, *LINE_COLUMNS), lines),
            "payload": ((*KEY, "payload", "hash", "request_began_at"), payloads),
        }


def main(size: str, runs: int, documents: int | None) -> None:
    write("stage", measure(documents or SIZES[size], runs))
