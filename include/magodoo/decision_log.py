"""The log of what people decide: who, when, what, and the state before and after. Rows are only added; a trigger refuses all else.

It holds no personal data of customers and no free text, so that erasure need not reach it: a reason stands with what it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text

from magodoo.money import dump_json


class Decision(StrEnum):
    """What a person decided. `settings`: what changed in the settings file, once magodoo noticed."""

    MUTE = "mute"
    UNMUTE = "unmute"
    MATCH = "match"
    UNDO = "undo"
    APPROVE = "approve"
    REJECT = "reject"
    RELEASE = "release"
    REOPEN = "reopen"
    ERASE = "erase"
    SETTINGS = "settings"
    PREPARE = "prepare"
    SIGN = "sign"
    FILE = "file"
    PROVISION = "provision"


@dataclass(frozen=True)
class Entry:
    """One decision.

    `about` is a table, or a model of Odoo; `about_id` the id of its row, or its external id; `before` and `after` hold the columns that
    the decision changes.
    """

    instance: str
    about: str
    about_id: str
    number: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def record(connection: Connection, decision: Decision, who: str, entries: Iterable[Entry]) -> None:
    """Add decisions in the transaction that carries them out; their time is the database's."""
    rows = [
        {
            "decision": decision.value, "who": who, "instance": one.instance, "about": one.about, "about_id": one.about_id, "number": one.number,
            "before": dump_json(one.before), "after": dump_json(one.after),
        }
        for one in entries
    ]  # fmt: skip
    if rows:
        connection.execute(text(_ADD), rows)


def of_kind(connection: Connection, decision: Decision, instance: str) -> list[dict[str, Any]]:
    """Return the entries of one kind of decision of an instance, newest first: at (aware UTC), who, about, about_id, number, after."""
    rows = connection.execute(
        text("""select at, who, about, about_id, number, after from decision
            where decision = :decision and instance = :instance order by id desc"""),
        {"decision": decision.value, "instance": instance},
    )
    return [dict(row) for row in rows.mappings()]


_ADD = """
    insert into decision (instance, who, decision, about, about_id, number, before, after)
    values (:instance, :who, :decision, :about, :about_id, :number, cast(:before as jsonb), cast(:after as jsonb))"""


@contextmanager
def of_rows(
    connection: Connection, decision: Decision, who: str, table: str, ids: Sequence[int], columns: str, number: str
) -> Iterator[None]:
    """Record, for each of these rows that the block changes, its `columns` before and after. `number` is an SQL expression that names it.

    The rows are locked, so that nobody changes them in between.
    """
    before = _read(connection, table, ids, columns, number, "for update")
    yield
    after = _read(connection, table, ids, columns, number)
    record(
        connection, decision, who,
        [
            Entry(row["instance"], table, f"{id_}", row["number"], before[id_]["state"], row["state"])
            for id_, row in after.items() if id_ in before and row["state"] != before[id_]["state"]
        ],
    )  # fmt: skip


def _read(
    connection: Connection, table: str, ids: Sequence[int], columns: str, number: str, lock: str = ""
) -> dict[int, Mapping[str, Any]]:
    listed = ", ".join(f"'{name}', {name}" for name in columns.split())
    statement = (
        f"select id, instance, coalesce({number}, '') as number, jsonb_build_object({listed}) as state from {table}"
        f" where id = any(:ids) order by id {lock}"
    )
    return {row["id"]: dict(row) for row in connection.execute(text(statement), {"ids": list(ids)}).mappings()}
