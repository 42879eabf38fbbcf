"""The tables: one dict of rows per model, indexes over foreign keys, and an undo journal per transaction.

A row holds only what is not empty; the reader gets the empty value from the model's field. Rows may be damaged
from outside (`db.tables[model][id][field] = ...`); after changing an indexed field that way, call `reindex()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Row = dict[str, Any]
_ABSENT = object()


class Store:
    """Rows with indexes; every change between `begin` and `commit` can be undone."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[int, Row]] = {}
        self.next_ids: dict[str, int] = {}
        self._indexes: dict[tuple[str, str], dict[Any, dict[int, None]]] = {}
        self._journal: list[tuple[str, int, Row | None]] = []

    def declare(self, model: str, indexed: Iterable[str]) -> None:
        self.tables.setdefault(model, {})
        self.next_ids.setdefault(model, 1)
        for field in indexed:
            self._indexes.setdefault((model, field), {})

    def add_index(self, model: str, field: str) -> None:
        self._indexes[(model, field)] = {}
        for row in self.tables[model].values():
            self._point(model, row["id"], field, row.get(field))

    def insert(self, model: str, row: Row) -> int:
        """Add a row; an `id` in it is kept and the counter moves beyond it. No id is ever given twice."""
        record = row.setdefault("id", self.next_ids[model])
        self.next_ids[model] = max(self.next_ids[model], record + 1)
        self.tables[model][record] = row
        self._journal.append((model, record, None))
        for field, value in row.items():
            self._point(model, record, field, value)
        return record

    def update(self, model: str, record: int, values: Row) -> None:
        row = self.tables[model][record]
        before = {key: row.get(key, _ABSENT) for key in values}
        self._journal.append((model, record, before))
        self._assign(model, record, row, values)

    def delete(self, model: str, record: int) -> None:
        row = self.tables[model].pop(record)
        self._journal.append((model, record, row))
        for field, value in row.items():
            self._unpoint(model, record, field, value)

    def find(self, model: str, field: str, value: Any) -> list[int]:
        """Ids, ascending, of the rows that hold `value` in an indexed field; without rows removed behind our back."""
        table = self.tables[model]
        return sorted(i for i in self._indexes[(model, field)].get(value, ()) if i in table)

    def is_indexed(self, model: str, field: str) -> bool:
        return (model, field) in self._indexes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, as PostgreSQL's savepoints may."""
        mark = len(self._journal)
        try:
            yield
        except BaseException:
            self._undo(mark)
            raise
        finally:
            if mark == 0:
                self._journal.clear()

    def reindex(self) -> None:
        for model, field in list(self._indexes):
            self.add_index(model, field)

    def _undo(self, mark: int) -> None:
        while len(self._journal) > mark:
            model, record, before = self._journal.pop()
            row = self.tables[model].get(record)
            if before is None:
                del self.tables[model][record]
                for field, value in (row or {}).items():
                    self._unpoint(model, record, field, value)
            elif row is None:
                self.tables[model][record] = before
                for field, value in before.items():
                    self._point(model, record, field, value)
            else:
                self._assign(model, record, row, before)

    def _assign(self, model: str, record: int, row: Row, values: Row) -> None:
        for field, value in values.items():
            if (model, field) in self._indexes:
                self._unpoint(model, record, field, row.get(field))
                self._point(model, record, field, None if value is _ABSENT else value)
            if value is _ABSENT:
                row.pop(field, None)
            else:
                row[field] = value

    def _point(self, model: str, record: int, field: str, value: Any) -> None:
        index = self._indexes.get((model, field))
        if index is None or not value:
            return
        for key in value if isinstance(value, list) else (value,):
            index.setdefault(key, {})[record] = None

    def _unpoint(self, model: str, record: int, field: str, value: Any) -> None:
        index = self._indexes.get((model, field))
        if index is None or not value:
            return
        for key in value if isinstance(value, list) else (value,):
            index.get(key, {}).pop(record, None)
