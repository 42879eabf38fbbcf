"""All rows in memory: tables, counters, clock, and the file that they are saved to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from magodoo.money import parse_json
from magodoo_sandbox.magento.amounts import Row

DOCUMENTS = ("orders", "invoices", "shipments", "creditmemos")
LISTS = (
    "products",
    "customers",
    "stores",
    "websites",
    "sources",
    "source_items",
    "tax_rates",
    "transactions",
    "modules",
)


class DocumentTable(dict[int, Row]):
    """Rows by entity id, with an index by order id so that 20,000 orders stay quick."""

    def __init__(self) -> None:
        super().__init__()
        self._by_order: dict[int, list[int]] = defaultdict(list)

    def __setitem__(self, entity_id: int, row: Row) -> None:
        super().__setitem__(entity_id, row)
        order_id = row.get("order_id")
        if isinstance(order_id, int) and entity_id not in self._by_order[order_id]:
            self._by_order[order_id].append(entity_id)

    def of_order(self, order_id: int) -> Iterator[Row]:
        for entity_id in self._by_order.get(order_id, ()):
            row = self.get(entity_id)
            if row is not None and row.get("order_id") == order_id:
                yield row


class Tables:
    """The rows, as they are served. Writing a row directly is how a seeder damages a document.

    Keys that begin with an underscore are internal and never served.
    """

    def __init__(self) -> None:
        self.orders = DocumentTable()
        self.invoices = DocumentTable()
        self.shipments = DocumentTable()
        self.creditmemos = DocumentTable()
        self.products: list[Row] = []
        self.customers: list[Row] = []
        self.stores: list[Row] = []
        self.websites: list[Row] = []
        self.sources: list[Row] = []
        self.source_items: list[Row] = []
        self.tax_rates: list[Row] = []
        self.transactions: list[Row] = []
        self.modules: list[str] = []
        self.counters: dict[str, int] = {}
        self._items: dict[int, Row] = {}
        self._skus: dict[str, Row] = {}

    def next_id(self, name: str) -> int:
        """Return the next number of a sequence; sequences start at 1 and never reuse a number."""
        self.counters[name] = self.counters.get(name, 0) + 1
        return self.counters[name]

    def documents(self, kind: str) -> DocumentTable:
        """Return the table of "orders", "invoices", "shipments" or "creditmemos"."""
        if kind not in DOCUMENTS:
            raise KeyError(f"no such table of documents: {kind}; there are {', '.join(DOCUMENTS)}")
        table: DocumentTable = getattr(self, kind)
        return table

    def order_item(self, item_id: int) -> Row | None:
        if item_id not in self._items:
            for order in self.orders.values():
                for item in order["items"]:
                    self._items[item["item_id"]] = item
        return self._items.get(item_id)

    def product(self, sku: str) -> Row | None:
        if sku not in self._skus:
            self._skus = {row["sku"]: row for row in self.products}
        return self._skus.get(sku)

    def delete(self, kind: str, entity_id: int) -> bool:
        """Remove a document without a trace, as a database administrator would."""
        return self.documents(kind).pop(entity_id, None) is not None

    def as_state(self) -> dict[str, Any]:
        state: dict[str, Any] = {kind: list(self.documents(kind).values()) for kind in DOCUMENTS}
        state |= {name: getattr(self, name) for name in LISTS}
        return state | {"counters": self.counters}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Tables:
        tables = cls()
        for kind in DOCUMENTS:
            for row in state.get(kind, []):
                tables.documents(kind)[row["entity_id"]] = row
        for name in LISTS:
            setattr(tables, name, state.get(name, []))
        tables.counters = dict(state.get("counters", {}))
        return tables


class Clock:
    """The database clock. `now` is set by a seeder that writes history; None follows the real time."""

    def __init__(self) -> None:
        self.now: datetime | None = None

    def read(self) -> datetime:
        moment = self.now or datetime.now(UTC)
        if moment.tzinfo is None:
            raise ValueError("the sandbox clock must be an aware UTC datetime")
        return moment.astimezone(UTC)

    def stamp(self) -> str:
        """`2026-11-22 09:12:00`: UTC in whole seconds, as every column of Magento has it."""
        return f"{self.read():%Y-%m-%d %H:%M:%S}"


def number(value: Any) -> int | float:
    """For json.dumps(default=): whole amounts leave as int, as Magento sends them."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"not for JSON: {value!r}")


def write_state(path: Path, state: dict[str, Any]) -> None:
    path.write_text(json.dumps(state, default=number, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def read_state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = parse_json(path.read_text(encoding="utf-8"))
    return state
