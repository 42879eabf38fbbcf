"""An Odoo client over rows in memory, with the documents recorded of Odoo."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.versions import Version
from magodoo.errors import FixDocument
from magodoo.money import parse_json

RECORDED = parse_json((Path(__file__).resolve().parents[1] / "recordings/odoo-client/documents.json").read_text())
CONNECTION = OdooConnection("https://odoo.example", "shop", "key", 1, attempts=1, parallel_reads=1)


class Table:
    """A transport over rows in memory: sorts and filters by write_date as Odoo does, in whole seconds."""

    name = "table"
    version = Version(19)

    def __init__(self, rows: list[dict[str, Any]], poisoned: set[int] = frozenset()) -> None:  # type: ignore[assignment]
        self.rows, self.poisoned = rows, poisoned
        self.fields: dict[str, Any] = RECORDED["fields"]
        self.answers: dict[str, Callable[..., Any]] = {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    def call(
        self,
        model: str,
        method: str,
        ids: list[int] | None,
        context: dict[str, Any],
        arguments: dict[str, Any],
        *,
        write: bool,
        until: float,
    ) -> Any:
        self.calls.append((model, method, arguments))
        if method in self.answers:
            return self.answers[method](ids=ids, **arguments)
        if method == "fields_get":
            return self.fields.get(model, {})
        if method == "get_external_id":
            return {str(id): f"m.{model}_{id}" if id % 2 else "" for id in ids or []}
        if method == "read":
            return [{"id": row["id"]} for row in self.rows if row["id"] in (ids or [])]
        found = [
            row
            for row in self.rows
            if all(self.holds(row, *term) for term in arguments["domain"] if isinstance(term, list))
        ]
        if method == "search_count":
            return len(found)
        page = sorted(found, key=lambda row: (row.get("exact", ""), row.get("id") or 0))[: arguments.get("limit")]
        if method == "search":
            return [row["id"] for row in page]
        if method in (
            "search_read",
            "formatted_read_group",
            "read_group",
        ):  # what settled a document: nothing did; it balances
            return []
        if any(row["id"] in self.poisoned for row in page):
            raise FixDocument("KeyError: x", system="odoo", call=model)
        return {"length": len(found), "records": copy.deepcopy(page)}

    def holds(self, row: dict[str, Any], field: str, operator: str, value: Any) -> bool:
        if field not in ("write_date", "id"):
            return True
        own = row.get(field)
        if operator == "in":
            return own in value
        if operator == "not in":
            return own not in value
        return {">=": own >= value, "<": own < value}[operator]  # type: ignore[operator]


def client_of(table: Table) -> OdooClient:
    return OdooClient.connect(CONNECTION, table)
