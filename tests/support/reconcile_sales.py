"""A small shop and its Odoo, written down as sales: the frames that reconciling reads, for readable tests.

sales = Sales()
sales.order(1, items={11: 2})           # Magento order 1 with two pieces of item 11 at 10.00
sales.odoo_order(1)                     # its counterpart, linked by our external id
sales.invoice(1, {11: 2})               # a Magento invoice on it
found = sales.reconcile()
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from magodoo.flows import planner
from magodoo.ledger.planned import PlannedChange
from magodoo.money import to_units
from magodoo.reconcile import orders
from magodoo.reconcile.dataset import Frames, canonical
from magodoo.reconcile.finding import Finding
from magodoo.settings.model import Instance

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICE = 10
SETTINGS = {
    "id": "us",
    "magento_connection": "m",
    "odoo_connection": "o",
    "payment_methods": {
        "card": {"captured_by_provider": True, "journal": "CARD", "authorises": True},
        "checkmo": {},
        "prepaid": {"import_states": ["new", "processing"], "import_as": "quotation"},
    },
}


def instance(**settings: Any) -> Instance:
    return Instance.model_validate({**SETTINGS, **settings})


@dataclass(frozen=True)
class Result:
    """What reconciling found and planning made of it."""

    pairs: pd.DataFrame
    findings: list[Finding]
    changes: list[PlannedChange]
    counts: dict[str, int]
    not_expected: list[str]


def reconcile(frames: Frames, of: Instance, now: datetime) -> Result:
    """Reconcile whole orders and plan them, as the pipeline does."""
    found = orders.reconcile(frames, of, now)
    findings, changes = planner.plan(found.situation, found.findings)
    return Result(
        found.pairs, sorted(findings, key=lambda finding: finding.key), changes, found.counts, found.not_expected
    )


class Sales:
    """Collects documents of both sides; amounts in whole currency, quantities in pieces."""

    def __init__(self, **settings: Any) -> None:
        self.instance = instance(**settings)
        self.documents: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.pairs: list[dict[str, Any]] = []
        self.unlinked: list[dict[str, Any]] = []
        self.quarantine: list[dict[str, Any]] = []
        self.master: list[dict[str, Any]] = []
        self.items: dict[int, dict[int, Any]] = {}
        self.next_id = 100

    # Magento

    def order(self, order: int, items: dict[int, Any] | None = None, **more: Any) -> int:
        items = items if items is not None else {order * 10 + 1: 2}
        self.items[order] = items
        states = {"state": "processing", "status": more.get("state", "processing")}
        progress = {name: more.pop(name, {}) for name in ("shipped", "refunded", "canceled")}
        self._add(
            "magento",
            "order",
            order,
            order,
            more.pop("total", self._total(items)),
            **{**states, "payment_method": "checkmo", **more},
        )
        for item, quantity in items.items():
            done = {f"qty_{name}": to_units(values.get(item, 0)) for name, values in progress.items()}
            self._line("magento", "order", order, item, quantity, qty_ordered=to_units(quantity), **done)
        return order

    def invoice(self, order: int, items: dict[int, Any] | None = None, total: Any = None, **more: Any) -> int:
        return self._document("magento", "invoice", order, items, total, **{"state": "2", **more})

    def shipment(self, order: int, items: dict[int, Any] | None = None, **more: Any) -> int:
        return self._document("magento", "shipment", order, items, 0, **{"state": "", **more})

    def memo(self, order: int, items: dict[int, Any] | None = None, total: Any = None, **more: Any) -> int:
        return self._document("magento", "credit_memo", order, items, total, **{"state": "2", **more})

    # Odoo

    def odoo_order(self, order: int, ours: bool = True, open_: dict[int, Any] | None = None, **more: Any) -> int:
        items = more.pop("items", None) or self.items.get(order, {})
        reference = f"magodoo.order_us_{order}" if ours else ""
        document = self._id(more)
        words = {
            "state": "sale",
            "reference": reference,
            "number": f"S{document:05}",
            "active": more.get("state", "sale") == "sale",
        }
        self._add("odoo", "order", document, order, more.pop("total", self._total(items)), **{**words, **more})
        for item, quantity in items.items():
            still = to_units((open_ or {}).get(item, 0))
            self._line("odoo", "order", document, item, quantity, qty_ordered=to_units(quantity), qty_open=still)
        return document

    def odoo_invoice(
        self, order: int, items: dict[int, Any] | None = None, total: Any = None, of: int = 0, **more: Any
    ) -> int:
        return self._move("invoice", "inv", order, items, total, of, more)

    def odoo_note(
        self, order: int, items: dict[int, Any] | None = None, total: Any = None, of: int = 0, **more: Any
    ) -> int:
        return self._move("credit_memo", "cm", order, items, total, of, more)

    def delivery(self, order: int, items: dict[int, Any] | None = None, of: int = 0, **more: Any) -> int:
        reference = f"ship_us_{of}" if of else ""
        words = {"state": "done", "reference": reference, "active": more.get("state", "done") == "done"}
        return self._document("odoo", "shipment", order, items, 0, **{**words, **more})

    def returned(self, order: int, items: dict[int, Any], **more: Any) -> int:
        return self._document("odoo", "return", order, items, 0, **{"state": "done", **more})

    def _move(self, kind: str, word: str, order: int, items: Any, total: Any, of: int, more: dict[str, Any]) -> int:
        state = more.get("state", "posted")
        reference = f"magodoo.{word}_us_{of}" if of else ""
        words = {"state": state, "reference": reference, "active": state == "posted", "status": "not_paid"}
        return self._document("odoo", kind, order, items, total, **{**words, **more})

    # both

    def foreign(self, kind: str, total: Any, **more: Any) -> int:
        """An Odoo document that is linked to no order."""
        document = self._id(more)
        row = self.row("odoo", kind, document, 0, total, **{"state": "posted", **more})
        self.unlinked.append(row)
        return document

    def pair(
        self, kind: str, order: int, magento: int, odoo: int, rule: str = "confirmed", ended: bool = False
    ) -> None:
        words = {"kind": kind, "order_key": str(order), "magento_id": str(magento), "odoo_id": str(odoo)}
        self.pairs.append({**words, "rule": rule, "ended": ended})

    def sold(self, order: int = 1, **more: Any) -> Sales:
        """An order that is on both sides."""
        self.order(order, **more)
        self.odoo_order(order)
        return self

    def _document(self, side: str, kind: str, order: int, items: Any, total: Any, **more: Any) -> int:
        items = items if items is not None else self.items.get(order, {})
        document = self._id(more)
        amount = self._total(items) if total is None else total
        self._add(side, kind, document, order, amount, **{"quantity": to_units(sum(items.values())), **more})
        for item, quantity in items.items():
            self._line(side, kind, document, item, quantity)
        return document

    def _id(self, more: dict[str, Any]) -> int:
        self.next_id += 1
        return int(more.pop("id", self.next_id))

    @staticmethod
    def _total(items: dict[int, Any]) -> Decimal:
        return Decimal(str(sum(items.values()))) * PRICE

    def _add(self, side: str, kind: str, document: int, order: int, total: Any, **more: Any) -> None:
        self.documents.append(self.row(side, kind, document, order, total, **more))

    @staticmethod
    def row(side: str, kind: str, document: int, order: int, total: Any, **more: Any) -> dict[str, Any]:
        parts = {name: to_units(str(more.pop(name, 0))) for name in ("tax", "shipping", "discount", "adjustment")}
        amount = to_units(str(total))
        created = pd.Timestamp(more.pop("created", "2026-11-20 10:00"), tz="UTC")
        row = {
            **{"side": side, "kind": kind, "source_id": str(document), "order_key": str(order) if order else None},
            **{"number": f"{side[0].upper()}-{kind}-{document}", "currency": "USD", "company_currency": "USD"},
            **{"grand_total": amount, "untaxed": amount - parts["tax"], "base_grand_total": amount, **parts},
            **{"subtotal": amount - sum(parts.values()), "created_at": created, "document_date": created.date()},
        }
        for name in ("captured", "open", "amount_paid", "amount_authorized"):
            if name in more:
                column = f"{name}_amount" if name in ("captured", "open") else name
                more[column] = to_units(str(more.pop(name)))
        return {**row, **more}

    def _line(self, side: str, kind: str, document: int, item: int, quantity: Any, **more: Any) -> None:
        units = to_units(str(quantity))
        amounts = {"gross": units * PRICE, "untaxed": units * PRICE, "quantity": units}
        place = {"side": side, "kind": kind, "source_id": str(document), "item_key": str(item) if item else None}
        self.lines.append({**place, "sku": f"SKU{item}", "role": "item", **amounts, **more})

    def set_line(self, kind: str, document: int, **more: Any) -> None:
        """Change the lines of a document."""
        for line in self.lines:
            if line["kind"] == kind and line["source_id"] == str(document):
                line.update(more)

    def frames(self) -> Frames:
        tables = (self.documents, self.lines, self.pairs, self.quarantine, self.master, self.unlinked)
        return canonical(*(pd.DataFrame(rows) if rows else None for rows in tables))  # type: ignore[arg-type]

    def reconcile(self) -> Found:
        return Found(reconcile(self.frames(), self.instance, NOW))


class Found:
    """A result, asked in words."""

    def __init__(self, result: Result) -> None:
        self.result = result

    @property
    def types(self) -> list[str]:
        """`type kind document part` of every finding, sorted."""
        return sorted(f"{each.type} {each.kind} {each.document} {each.part}".strip() for each in self.result.findings)

    def one(self, type_: str) -> Finding:
        found = [each for each in self.result.findings if each.type == type_]
        assert len(found) == 1, self.types
        return found[0]

    @property
    def names(self) -> list[str]:
        return sorted(each.type.value for each in self.result.findings)

    @property
    def changes(self) -> list[str]:
        """`kind source_id`, in the order in which they are carried out."""
        return [f"{each.kind.value} {each.source_id}" for each in self.result.changes]

    def change(self, kind: str) -> PlannedChange:
        found = [each for each in self.result.changes if each.kind == kind]
        assert len(found) == 1, self.changes
        return found[0]

    @property
    def pairs(self) -> set[tuple[str, int, int, str]]:
        rows = self.result.pairs.itertuples()
        return {(str(row.kind), int(row.magento_id), int(row.odoo_id), str(row.rule)) for row in rows}


def bundle() -> Sales:
    sales = Sales()
    sales.order(1, items={10: 2, 11: 4, 12: 2}, total=60)
    for line in sales.lines:
        parent = line["item_key"] == "10"
        line.update(product_type="bundle" if parent else "simple", is_money=not parent)
        line.update({} if parent else {"parent_item_key": "10"})
    sales.odoo_order(1, items={11: 4, 12: 2})
    return sales
