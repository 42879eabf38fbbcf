"""The tables of the staging database as a page and a diagram, from the catalog of a migrated database.

The purpose of a table is in the SQL of its migration: the comment above `create table`, or the migration's own first line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from sqlalchemy import Engine, inspect
from sqlalchemy.engine.interfaces import ReflectedColumn

from magodoo.staging.db import MIGRATIONS, SCHEMA

WIDTH, ROW, GAP = 170, 17, 24  # of the diagram, in pixels: a box, a line, the space between
PARENTS = ("order_work", "document")  # tables that others name by their whole key, without a foreign key
OTHER_NAMES = {"change_id": "change", "finding_id": "finding", "statement_id": "statement"}


@dataclass(frozen=True)
class Table:
    """One table: what it is for, its columns in order, its primary key, and the tables that its columns name."""

    name: str
    purpose: str
    columns: tuple[ReflectedColumn, ...]
    key: tuple[str, ...]
    refers_to: tuple[str, ...]


def read(engine: Engine) -> list[Table]:
    """Return the tables by name, without Alembic's own and without partitions."""
    catalog = inspect(engine)
    said = _purposes()
    names = [name for name in sorted(catalog.get_table_names(schema=SCHEMA)) if name in said]
    columns = {name: catalog.get_columns(name, schema=SCHEMA) for name in names}
    keys = {name: tuple(catalog.get_pk_constraint(name, schema=SCHEMA)["constrained_columns"]) for name in names}
    return [
        Table(name, said[name], tuple(columns[name]), keys[name], tuple(_named(name, columns[name], keys)))
        for name in names
    ]


def _purposes() -> dict[str, str]:
    """Return the comment of each table, above its statement in the newest migration that creates it."""
    found: dict[str, str] = {}
    for file in sorted((MIGRATIONS / "versions").glob("[0-9]*")):
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".sql":
            for comment, name in re.findall(r"((?:^--.*\n)*)^create table (?!\w+ partition)(\w+)", text, re.MULTILINE):
                found[name] = " ".join(line.removeprefix("--").strip() for line in comment.splitlines())
        elif file.suffix == ".py":
            first = text.removeprefix('"""').partition('"""')[0]
            found |= {name: " ".join(first.split()) for name in re.findall(r'"create table (\w+)', text)}
    return found


def _named(name: str, columns: list[ReflectedColumn], keys: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    own = {column["name"] for column in columns}
    for column, target in OTHER_NAMES.items():
        if column in own:
            yield target
    for parent in PARENTS:
        if parent != name and own.issuperset(keys[parent]):
            yield parent


def page(tables: list[Table]) -> str:
    """Every table with its columns."""
    lines = [
        "<!-- written by `make reference` from include/magodoo/staging/migrations; do not edit -->\n",
        "# Staging tables",
        "",
        f"They are in schema `{SCHEMA}` of the database behind the connection `magodoo_staging`. Amounts and quantities are `bigint` of",
        "1/10000; times are `timestamptz` in UTC. Columns marked [personal] in the migrations are blanked by retention and erasure.",
        "",
        "![The tables and their references](tables.svg)",
        "",
        "An arrow leads from a table to the table that its columns refer to. Only `change_body` and `statement_document` have a foreign",
        "key: staging accepts rows in any order, and a finding reports what is missing.",
    ]
    for table in tables:
        lines += ["", f"## {table.name}", "", table.purpose, "", "| column | type | |", "|---|---|---|"]
        for column in table.columns:
            marks = ["key"] if column["name"] in table.key else []
            marks += ["may be empty"] if column["nullable"] else []
            lines.append(f"| `{column['name']}` | {str(column['type']).lower()} | {', '.join(marks)} |")
    return "\n".join(lines) + "\n"


def picture(tables: list[Table]) -> str:
    """Return the tables as boxes with their keys and the columns that name others, and lines to what they name. SVG.

    A referenced table is to the left of those that reference it. Tables without references are below.
    """
    by_name = {table.name: table for table in tables}
    direct = {table.name: _direct(table, by_name) for table in tables}
    places = _places(by_name, direct)
    height = max(top + _height(by_name[name]) for name, (_, top) in places.items()) + GAP
    width = max(left for left, _ in places.values()) + WIDTH + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
            "<title>Staging tables</title>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0L8 4L0 8z" fill="#5b6b82"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *(_arrow(places, by_name, name, target) for name, targets in direct.items() for target in targets),
            *(part for table in tables for part in _box(table, *places[table.name])),
            "</svg>",
            "",
        ]
    )


def _direct(table: Table, by_name: Mapping[str, Table]) -> list[str]:
    """Return what a table names, without what is named by something else that it names."""
    further = {far for target in table.refers_to for far in by_name[target].refers_to}
    return [target for target in table.refers_to if target not in further]


def _shown(table: Table) -> list[str]:
    """Return the key, then the columns by which it names others; how many more there are."""
    names = [column["name"] for column in table.columns]
    telling = [name for name in names if name in table.key or name in OTHER_NAMES or name == "order_key"]
    more = len(names) - len(telling)
    return [*telling, *([f"and {more} more"] if more else [])]


def _height(table: Table) -> int:
    return ROW * (len(_shown(table)) + 1) + 12


def _places(by_name: Mapping[str, Table], direct: Mapping[str, list[str]]) -> dict[str, tuple[int, int]]:
    """Left and top of each box."""

    def column(name: str) -> int:
        return 1 + max((column(target) for target in direct[name]), default=-1)

    named = {target for targets in direct.values() for target in targets}
    tied = sorted((name for name in by_name if direct[name] or name in named), key=column)
    alone = [name for name in by_name if name not in tied]
    places: dict[str, tuple[int, int]] = {}
    free: dict[int, int] = {}
    for number in range(column(tied[-1]) + 1):
        members = [name for name in tied if column(name) == number]
        members.sort(key=lambda name: (min((places[target][1] for target in direct[name]), default=0), name))
        for name in members:
            top = free.get(number, GAP)
            places[name] = (GAP + number * (WIDTH + 3 * GAP), top)
            free[number] = top + _height(by_name[name]) + GAP
    below = max(free.values()) + GAP
    for number, name in enumerate(alone):
        places[name] = (GAP + number * (WIDTH - GAP), below)
    return places


def _box(table: Table, left: int, top: int) -> Iterator[str]:
    width = WIDTH if table.refers_to else min(WIDTH, 122)
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{_height(table)}" rx="4" fill="#f7f9fc" stroke="#5b6b82"/>'
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{ROW + 4}" rx="4" fill="#dfe8f3" stroke="#5b6b82"/>'
    yield f'<text x="{left + 8}" y="{top + 15}" font-weight="bold">{escape(table.name)}</text>'
    for number, row in enumerate(_shown(table), 1):
        yield f'<text x="{left + 8}" y="{top + 17 + ROW * number}">{escape(row)}</text>'


def _arrow(places: Mapping[str, tuple[int, int]], by_name: Mapping[str, Table], start: str, end: str) -> str:
    """Return a curve from the left of the box that names to the right of the one that is named."""
    (left, top), (to_left, to_top) = places[start], places[end]
    y = top + ROW // 2 + 2
    to_x, to_y = to_left + (WIDTH if by_name[end].refers_to else 122), to_top + _height(by_name[end]) // 2
    bend = (left - to_x) // 2
    return (
        f'<path d="M{left} {y}C{left - bend} {y} {to_x + bend} {to_y} {to_x} {to_y}" fill="none" stroke="#5b6b82"'
        ' marker-end="url(#head)"/>'
    )
