"""Reads trees of records: in one nested call where the version supports it, model by model where it does not.

Fields that this server or user does not have are left out. Fields with another name in an older version are read by that name and returned
under the name of 19.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from magodoo.connectors.odoo.record_kinds import Tree
from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc, expect_rows
from magodoo.connectors.odoo.validation import flaw
from magodoo.connectors.odoo.versions import NESTED_READ_SINCE


class TreePage(NamedTuple):
    """Valid rows, the number of records in the domain, and invalid rows with the reason."""

    rows: list[Row]
    total: int
    flawed: list[tuple[Row, str]]


class TreeReader:
    """Reads records with what is below them."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def read(
        self, model: str, tree: Tree, domain: list[Any], *, order: str = "id", limit: int | None = None
    ) -> TreePage:
        """Return the records of a domain, including archived ones."""
        wanted, _ = self.fitting(model, tree)
        if self._rpc.version.major >= NESTED_READ_SINCE:
            found, count = self._nested(model, wanted, domain, order, limit)
        else:
            found, count = self._flat(model, wanted, domain, order, limit)
        page = TreePage([], count, [])
        seen: set[int] = set()
        for row in found:
            reason = flaw(self._rpc.fields, model, wanted, row)
            if not reason and row["id"] in seen:
                reason = "id, which is listed twice"
            if reason:
                page.flawed.append((row, f"{model} cannot be read at {reason}"))
            else:
                seen.add(row["id"])
                page.rows.append(self._renamed(model, tree, row))
        return page

    def fitting(self, model: str, tree: Tree) -> tuple[dict[str, Any], list[str]]:
        """Return the part of a tree that this server has, under its own names, and the paths that are missing."""
        known = self._rpc.fields(model)
        fit: dict[str, Any] = {}
        missing: list[str] = []
        for field, below in tree.items():
            name = self._rpc.name_of(model, field)
            if name is None or name not in known:
                missing.append(field)
                continue
            if "fields" not in below:
                fit[name] = {}
                continue
            inner, unread = self.fitting(known[name]["relation"], below["fields"])
            fit[name] = {"fields": inner}
            missing += [f"{field}.{path}" for path in unread]
        return fit, missing

    def _nested(
        self, model: str, tree: Tree, domain: list[Any], order: str, limit: int | None
    ) -> tuple[list[Row], int]:
        answer = self._rpc.call(
            model,
            "web_search_read",
            domain=domain,
            specification=tree,
            order=order,
            limit=limit,
            context=ARCHIVED_TOO,
        )
        found = answer if isinstance(answer, dict) else {}
        rows = expect_rows(found.get("records"), f"{model}.web_search_read")
        length = found.get("length")
        return rows, length if isinstance(length, int) else len(rows)

    def _flat(self, model: str, tree: Tree, domain: list[Any], order: str, limit: int | None) -> tuple[list[Row], int]:
        rows = self._rpc.search_read(model, domain, list(tree), order=order, limit=limit, context=ARCHIVED_TOO)
        self._fill(model, tree, rows)
        count = len(rows)
        if limit is not None and count >= limit:
            count = int(self._rpc.call(model, "search_count", domain=domain, context=ARCHIVED_TOO))
        return rows, count

    def _fill(self, model: str, tree: Tree, rows: list[Row]) -> None:
        """Replace ids in rows by the records below, as the nested read returns them."""
        known = self._rpc.fields(model)
        for field, below in tree.items():
            to_one = known[field]["type"] == "many2one"
            if to_one:
                for row in rows:
                    row[field] = row[field][0] if isinstance(row.get(field), list) else row.get(field)
            if "fields" not in below:
                continue
            ids = sorted({id for row in rows for id in _ids(row.get(field))})
            known_below = self._by_id(known[field]["relation"], below["fields"], ids)
            for row in rows:
                found = [known_below[id] for id in _ids(row.get(field)) if id in known_below]
                row[field] = (found[0] if found else False) if to_one else found

    def _by_id(self, model: str, tree: Tree, ids: list[int]) -> dict[int, Row]:
        if not ids:
            return {}
        rows = self._rpc.read(model, ids, list(tree) or ["id"])
        self._fill(model, tree, rows)
        return {row["id"]: row for row in rows}

    def _renamed(self, model: str, tree: Tree, row: Row) -> Row:
        """Return the row under the names of 19."""
        out: Row = {"id": row.get("id")}
        for field, below in tree.items():
            name = self._rpc.name_of(model, field)
            if name is None or name not in row:
                continue
            value = row[name]
            if "fields" in below:
                relation = self._rpc.fields(model)[name]["relation"]
                if isinstance(value, dict):
                    value = self._renamed(relation, below["fields"], value)
                elif isinstance(value, list):
                    value = [self._renamed(relation, below["fields"], item) for item in value]
            out[field] = value
        return out


def _ids(value: Any) -> list[int]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []
