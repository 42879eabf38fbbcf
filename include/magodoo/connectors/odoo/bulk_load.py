"""`load()`: creates records with external ids, once however often they are sent (docs/facts/odoo-19.0.md#6).

Odoo always answers 200. `ids: false` means that nothing was saved: a conflict with another writer is retried; a record that is refused is
removed from the batch and reported, and the others are saved.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from magodoo.connectors.odoo.refusals import refused_row
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.errors import MagodooError, OutcomeUnknown, Unavailable

CREATE_OR_IGNORE = {"mode": "update", "noupdate": True, "tracking_disable": True}
"""Existing records are not changed, nor their lines; a second load without it would duplicate the lines."""

CONFLICTS = ("could not serialize", "deadlock detected", "could not obtain lock")
MOST_ATTEMPTS = 5

Table = Sequence[Sequence[str]]


@dataclass(frozen=True)
class LoadResult:
    """Result of one call: `ids` in the order of the records, None when nothing was saved; `messages` as Odoo returns them."""

    ids: list[int] | None
    messages: list[dict[str, Any]]

    @property
    def errors(self) -> list[str]:
        """Return the texts of the messages of type error."""
        return [str(message.get("message", "")) for message in self.messages if message.get("type") == "error"]


@dataclass(frozen=True)
class Loaded:
    """Result of a batch by external id: the database ids of the records that exist now, and why the others were refused."""

    ids: dict[str, int] = field(default_factory=dict)
    refused: dict[str, MagodooError] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class BulkLoad:
    """Creates and updates many records in one call."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def load(self, model: str, fields: Sequence[str], rows: Table, create_or_ignore: bool = True) -> LoadResult:
        """Call `load` once, retried while another writer is in the way: nothing was saved then, so that is safe.

        With `create_or_ignore` False existing records are updated; only for rows that are addressed by `.id`.

        Raises:
            Unavailable: still in conflict after the last attempt; nothing was saved.
            OutcomeUnknown: no valid answer; sending the same rows again is safe with `create_or_ignore`.
        """
        _only_text(fields, rows)
        context = CREATE_OR_IGNORE if create_or_ignore else {"tracking_disable": True}
        data = [list(row) for row in rows]
        for attempt in range(MOST_ATTEMPTS):
            answer = self._rpc.write_call(model, "load", fields=list(fields), data=data, context=context)
            result = _result(answer, model)
            if result.ids is not None or not _is_conflict(result):
                return result
            self._rpc.stats.add(retries=1)
            time.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311 - spreads writers, guards nothing
        raise Unavailable("another writer was in the way each time", system="odoo", call=f"{model}.load")

    def create(self, model: str, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the records that do not exist yet; a record starts at each row whose first column, `id`, is not empty.

        A refused record is isolated; the others of its batch are saved.
        """
        if not fields or fields[0] != "id":
            raise ValueError("the first column of a load must be `id`")
        loaded = Loaded()
        self._load_rest(model, fields, _records(rows), loaded)
        return loaded

    def _load_rest(self, model: str, fields: Sequence[str], records: list[list[Sequence[str]]], loaded: Loaded) -> None:
        """Load the records. On a refusal leave out those that it names, or halve the batch when it names none.

        Odoo reports an error of the whole batch on its first record, before the messages about single records. So where several are named, the
        first is loaded alone before it counts as refused.
        """
        while records:
            result = self.load(model, fields, [row for record in records for row in record])
            if result.ids is not None:
                if len(result.ids) != len(records):
                    raise OutcomeUnknown(
                        f"{len(records)} records were sent and {len(result.ids)} ids came back",
                        system="odoo", call=f"{model}.load",
                    )  # fmt: skip
                for record, id in zip(records, result.ids, strict=True):
                    loaded.ids[record[0][0]] = id
                loaded.warnings.extend(str(message.get("message", "")) for message in result.messages)
                return
            call = f"{model}.load"
            if len(records) == 1:
                reason = "; ".join(dict.fromkeys(result.errors)) or "refused without a reason"
                loaded.refused[records[0][0][0]] = refused_row(reason, call)
                return
            blamed = _blamed(result, records)
            if not blamed:
                middle = len(records) // 2
                self._load_rest(model, fields, records[:middle], loaded)
                records = records[middle:]
                continue
            doubtful, *sure = blamed
            self._load_rest(model, fields, [records[doubtful]], loaded)
            loaded.refused.update({records[index][0][0]: refused_row(blamed[index], call) for index in sure})
            records = [record for index, record in enumerate(records) if index not in blamed]

    def update(self, model: str, fields: Sequence[str], rows: Table) -> None:
        """Write plain fields of many existing records in one call, all or nothing; `fields` begins with `.id`. Safe to repeat.

        Raises FixDocument when Odoo refuses one of them, UnreadableRecord where one may not be read.
        """
        if not rows:
            return
        result = self.load(model, fields, rows, create_or_ignore=False)
        if result.ids is None:
            raise refused_row("; ".join(result.errors)[:500], f"{model}.load")


def _only_text(fields: Sequence[str], rows: Table) -> None:
    """Raise ValueError for cells that are no text and for short rows: Odoo fails on JSON numbers (docs/facts/odoo-19.0.md#6) and shifts short rows."""
    for row in rows:
        if len(row) != len(fields) or not all(isinstance(cell, str) for cell in row):
            raise ValueError("every row of a load must have one text per column")


def _result(answer: Any, model: str) -> LoadResult:
    call = f"{model}.load"
    if not isinstance(answer, dict) or "ids" not in answer:
        raise OutcomeUnknown("the answer names no ids", system="odoo", call=call)
    ids, messages = answer["ids"], answer.get("messages") or []
    if ids is not False and not (isinstance(ids, list) and all(isinstance(id, int) and id > 0 for id in ids)):
        raise OutcomeUnknown("the ids of the answer cannot be read", system="odoo", call=call)
    return LoadResult(None if ids is False else ids, [message for message in messages if isinstance(message, dict)])


def _is_conflict(result: LoadResult) -> bool:
    return any(sign in error for error in result.errors for sign in CONFLICTS)


def _records(rows: Table) -> list[list[Sequence[str]]]:
    records: list[list[Sequence[str]]] = []
    for row in rows:
        if row[0]:
            records.append([row])
        elif records:
            records[-1].append(row)
        else:
            raise ValueError("the first row of a load must name its record")
    return records


def _blamed(result: LoadResult, records: list[list[Sequence[str]]]) -> dict[int, str]:
    """Return the reasons by index of the record that the error messages name, in the order of the messages."""
    starts: list[int] = []
    position = 0
    for record in records:
        starts.append(position)
        position += len(record)
    blamed: dict[int, str] = {}
    for message in result.messages:
        first = message.get("rows", {}).get("from") if isinstance(message.get("rows"), dict) else None
        if message.get("type") == "error" and isinstance(first, int) and 0 <= first < position:
            index = max(index for index, start in enumerate(starts) if start <= first)
            text = str(message.get("message", "")).strip()
            blamed[index] = f"{blamed[index]}; {text}" if index in blamed else text
    return blamed
