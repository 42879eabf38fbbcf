"""Read what requests are built from: the staged documents of some orders, their pairs, and Odoo's master data.

Master data also show which quantities Odoo keeps: one with more decimals than a product's unit would be cut, and
nothing of the order would ever be equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.extract.canonical import DOCUMENT_COLUMNS, LINE_COLUMNS, CanonicalDocument, CanonicalLine
from magodoo.flows.references import NAMES, Reference
from magodoo.ledger.planned import RequestProblem
from magodoo.money import from_units, plain
from magodoo.settings import Instance


def read_sources(connection: Connection, instance: Instance, order_keys: Collection[str]) -> Sources:
    """Return everything staged about these orders, both sides, with the payloads of the Magento orders."""
    where = {"instance": instance.id, "orders": sorted(set(order_keys))}
    sources = Sources(instance)
    for document in _documents(connection, where):
        sources.documents[document.key] = document
    for side, kind, source_id, line in _lines(connection, where):
        sources.documents[side, kind, source_id].lines.append(line)
    for source_id, payload in _order_payloads(connection, where):
        sources.documents[Side.MAGENTO.value, Kind.ORDER.value, source_id].payload = dict(payload or {})
    pairs = "select kind, magento_id, odoo_id from pair where instance = :instance and order_key = any(:orders) and ended_at is null"
    for kind, magento_id, odoo_id in connection.execute(text(pairs), where):
        sources.odoo_of[kind, magento_id] = odoo_id
        sources.magento_of[kind, odoo_id] = magento_id
    _read_master(connection, sources)
    return sources


if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Record:
    """Hold one row of Odoo's master data."""

    id: int
    active: bool
    data: Mapping[str, Any]


@dataclass
class Master:
    """Hold Odoo's master data by model and key (products by SKU, taxes by name, journals by code ...)."""

    records: dict[tuple[str, str], list[Record]] = field(default_factory=lambda: defaultdict(list))

    def active(self, model: str, key: str | None) -> list[Record]:
        """Return the active records of that key."""
        return [record for record in self.records.get((model, key or ""), ()) if record.active]

    def only(self, model: str, key: str | None) -> Record | None:
        """Return the one active record of that key; None when there is none or there are several."""
        found = self.active(model, key)
        return found[0] if len(found) == 1 else None

    def keys(self, model: str) -> list[str]:
        """Return the keys of a model, sorted."""
        return sorted(key for of, key in self.records if of == model)

    @cached_property
    def states(self) -> dict[tuple[int, str], Record]:
        """Return active states by country id and by code and name, case folded; what two of a country share names neither."""
        found: dict[tuple[int, str], set[int]] = defaultdict(set)
        known: dict[int, Record] = {}
        for (model, code), records in self.records.items():
            for record in records if model == "res.country.state" else ():
                country = record.data.get("country_id")
                if record.active and isinstance(country, list) and country:
                    known[record.id] = record
                    found[country[0], f"code {code.casefold()}"].add(record.id)
                    found[country[0], f"name {_folded(record.data.get('name'))}"].add(record.id)
        return {key: known[min(ids)] for key, ids in found.items() if len(ids) == 1}

    def state(self, country: int, code: str, name: str) -> Record | None:
        """Return the state of a country by its name, else by its code; None without one.

        Where a code means one state and the name another, the two systems have different lists of codes, and the name
        decides.
        """
        by_code = self.states.get((country, f"code {code.strip().casefold()}")) if code.strip() else None
        by_name = self.states.get((country, f"name {_folded(name)}")) if name.strip() else None
        return by_name or by_code


def _folded(name: Any) -> str:
    """Return a name without case, accents and what some lists add in brackets: `Texas (US)` and `texas` are one."""
    plain = unicodedata.normalize("NFKD", re.sub(r"\s*\([^)]*\)\s*$", "", str(name or "")))
    return " ".join("".join(each for each in plain if not unicodedata.combining(each)).casefold().split())


@dataclass
class Sources:
    """Hold staged documents by (side, kind, source id) with their lines, pairs of both directions, master data."""

    instance: Instance
    documents: dict[tuple[str, str, str], CanonicalDocument] = field(default_factory=dict)
    odoo_of: dict[tuple[str, str], str] = field(default_factory=dict)
    magento_of: dict[tuple[str, str], str] = field(default_factory=dict)
    master: Master = field(default_factory=Master)
    database_uuid: str = ""

    def magento(self, kind: Kind, source_id: str) -> CanonicalDocument | None:
        """Return a staged Magento document; None without one."""
        return self.documents.get((Side.MAGENTO.value, kind.value, str(source_id)))

    def odoo(self, kind: Kind, source_id: str) -> CanonicalDocument | None:
        """Return a staged Odoo document; None without one."""
        return self.documents.get((Side.ODOO.value, kind.value, str(source_id)))

    def counterpart(self, kind: Kind, magento_id: str) -> CanonicalDocument | None:
        """Return the Odoo document that the Magento document is matched with; None without one."""
        odoo_id = self.odoo_of.get((kind.value, str(magento_id)))
        return self.odoo(kind, odoo_id) if odoo_id else None

    def reference(self, kind: Kind, magento_id: str) -> Reference:
        """Return the Odoo record of a Magento document: by our external id unless it is matched with somebody else's record."""
        ours = self.instance.external_id(NAMES[kind], magento_id)
        odoo_id = self.odoo_of.get((kind.value, str(magento_id)))
        document = self.odoo(kind, odoo_id) if odoo_id else None
        if odoo_id is None or (document is not None and document.reference == ours):
            return Reference(external_id=ours)
        return Reference(odoo_id=int(odoo_id))

    def order_line(self, order_id: str, item_key: str) -> Reference | None:
        """Return the sale order line of an order item; None when the order is somebody else's and has no such line."""
        if self.reference(Kind.ORDER, order_id).external_id:
            return Reference(external_id=self.instance.external_id("oi", item_key))
        order = self.counterpart(Kind.ORDER, order_id)
        found = [line.own_item_id for line in order.lines if line.item_key == item_key] if order else []
        return Reference(odoo_id=int(found[0])) if found and found[0] else None

    def shipping_line(self, order_id: str, role: str) -> Reference | None:
        """Return the sale order line of the shipping, or of its discount; None when somebody else's order has none."""
        name = {"shipping": "oship", "discount": "osd"}[role]
        if self.reference(Kind.ORDER, order_id).external_id:
            return Reference(external_id=self.instance.external_id(name, order_id))
        order = self.counterpart(Kind.ORDER, order_id)
        found = [line.own_item_id for line in order.lines if line.role == role] if order else []
        return Reference(odoo_id=int(found[0])) if found and found[0] else None

    def extra_line(self, order_id: str, line: CanonicalLine) -> Reference | None:
        """Return the sale order line of an extra amount (`extra_amounts`); None when somebody else's order has not exactly one."""
        if self.reference(Kind.ORDER, order_id).external_id:
            name = line.line_id.removeprefix("extra:").replace(".", "_")
            return Reference(external_id=self.instance.external_id("ox", f"{order_id}_{name}"))
        order = self.counterpart(Kind.ORDER, order_id)
        found = [each.own_item_id for each in order.lines if each.sku == line.sku] if order else []
        return Reference(odoo_id=int(found[0])) if len(found) == 1 and found[0] else None


def _documents(connection: Connection, where: Mapping[str, Any]) -> Iterator[CanonicalDocument]:
    statement = (
        f"select {', '.join(DOCUMENT_COLUMNS)} from document"
        " where instance = :instance and order_key = any(:orders) and deleted_at is null"
    )
    for row in connection.execute(text(statement), where).mappings():
        yield CanonicalDocument(**row)


def _lines(connection: Connection, where: Mapping[str, Any]) -> Iterator[tuple[str, str, str, CanonicalLine]]:
    statement = (
        f"select line.side, line.kind, line.source_id, {', '.join(f'line.{name}' for name in LINE_COLUMNS)} from line"
        " join document using (instance, side, kind, source_id)"
        " where line.instance = :instance and document.order_key = any(:orders) and document.deleted_at is null"
        " order by length(line_id), line_id"
    )
    for side, kind, source_id, *values in connection.execute(text(statement), where):
        yield side, kind, source_id, CanonicalLine(*values)


def _order_payloads(connection: Connection, where: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    statement = (
        "select source_id, payload.payload from payload join document using (instance, side, kind, source_id)"
        " where instance = :instance and side = 'magento' and kind = 'order' and order_key = any(:orders) and deleted_at is null"
    )
    for row in connection.execute(text(statement), where):
        yield row[0], row[1]


def _read_master(connection: Connection, sources: Sources) -> None:
    rows = connection.execute(
        text(
            "select model, key, odoo_id, active, data from master where instance = :instance order by model, key, odoo_id"
        ),
        {"instance": sources.instance.id},
    )
    for model, key, odoo_id, active, data in rows:
        sources.master.records[model, key].append(Record(odoo_id, active, data))


RAISE_ACCURACY = "In Odoo: Settings, Technical, Decimal Accuracy: raise the digits of the unit (before 19 the unit's own rounding, too)"


def finer_than_odoo(sources: Sources, sku: str, units: int) -> list[RequestProblem]:
    """Return the problem of a quantity (units of 1/10000) that Odoo would round; [] where its accuracy is not known."""
    unit = _unit(sources, sku)
    step = Decimal(str(unit.data["step"])) if unit is not None else None
    if step is None or unit is None or not from_units(units) % step:
        return []
    name = unit.data.get("name")
    return [
        RequestProblem(
            f"quantity:{sku}",
            f"{plain(units, 0)} {name} of {sku} have more decimals than Odoo keeps of {name} ({step:f}): nothing is written until its"
            " decimal accuracy is raised",
            FindingType.NOT_REPRESENTABLE,
            RAISE_ACCURACY,
            "it",
        )
    ]


def _unit(sources: Sources, sku: str) -> Record | None:
    """Return the unit of the one active product of a SKU; None without one."""
    product = sources.master.only("product.product", sku)
    named = product.data.get("uom_id") if product is not None else None
    if not isinstance(named, list) or len(named) != 2:
        return None
    known = sources.master.active("uom.uom", str(named[1]))
    return next((unit for unit in known if unit.id == named[0]), None)
