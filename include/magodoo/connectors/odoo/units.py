"""Quantities in the unit of their product: Odoo's lines may use another unit, a dozen for twelve pieces.

A piece in Magento is one of the product's own unit in Odoo (`uom_id`), the unit of a line without one. So rows of orders, entries and
transfers are returned in it, and quantities written to a stock move are converted back to the move's unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.connectors.odoo.versions import UNIT_ACCURACY, UNIT_FACTOR_IS_SIZE_SINCE, by_version
from magodoo.errors import Unreadable

RATIO, FOREIGN = "unit_ratio", "foreign_unit"
"""Keys of a line in another unit than its product's: pieces per unit, or both units' names where they cannot be converted."""

_STEP = Decimal("0.0001")  # precision of a quantity (units of 1/10000)
_LINES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # of a row: its lines, the field with their unit, the quantity fields in that unit
    ("order_line", "product_uom_id", ("product_uom_qty", "qty_delivered", "qty_invoiced", "qty_to_invoice")),
    ("invoice_line_ids", "product_uom_id", ("quantity",)),
    ("move_ids", "product_uom", ("product_uom_qty", "quantity")),
)
_DERIVED = frozenset({"qty_delivered", "qty_invoiced", "qty_to_invoice"})
"""Fields that Odoo sums over an order line's documents and rounds to the line's unit: 5 pieces are 0.42 dozen."""


@dataclass(frozen=True)
class Unit:
    """A unit of measure: its size in reference units of its family, and its rounding step."""

    id: int
    name: str
    size: Decimal
    family: str
    step: Decimal


class Units:
    """Converts quantities between units of measure."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def by_id(self) -> Mapping[int, Unit]:
        """Return all units by id, including archived ones. Read once."""
        return self._rpc.once("units", self._by_id)

    def rows(self) -> list[Row]:
        """Return the units as master data: id, name, active and `step`, the smallest quantity that Odoo stores."""
        return [
            {"id": unit.id, "name": unit.name, "active": True, "step": f"{self._step_of(unit):f}"}
            for unit in self.by_id().values()
        ]

    def accuracy(self) -> Decimal:
        """Return the smallest quantity of the decimal accuracy of units (Settings, Technical, Decimal Accuracy). Read once."""
        return self._rpc.once("unit accuracy", self._accuracy)

    def holds(self, move: Mapping[str, Any], pieces: Decimal) -> bool:
        """Return whether a stock move can hold this number of pieces exactly: Odoo rounds to the accuracy of the move's unit."""
        if RATIO not in move and pieces == pieces.to_integral_value():
            return True
        step = self._step_of(self.by_id().get(move.get("product_uom") or 0))
        kept = (in_unit_of(move, pieces) / step).to_integral_value(ROUND_HALF_UP) * step
        return (kept * move.get(RATIO, 1)).quantize(_STEP, ROUND_HALF_UP) == pieces

    def convert(self, rows: Sequence[Row]) -> None:
        """Convert the quantities of the rows' lines to each product's own unit, and mark the converted lines. In place."""
        for row in rows:
            for name, unit, counted in _LINES:
                for line in row.get(name) or ():
                    self._count(line, unit, counted)

    def _count(self, line: Row, unit_field: str, counted: Sequence[str]) -> None:
        product = line.get("product_id")
        own = product.get("uom_id") if isinstance(product, dict) else None
        unit = line.get(unit_field)
        if not own or not unit or own == unit:
            return
        here, wanted = self.by_id().get(unit), self.by_id().get(own)
        if here is None or wanted is None or here.family != wanted.family:
            names = [known.name if known else f"unit {id}" for known, id in ((here, unit), (wanted, own))]
            line[FOREIGN] = names
            return
        ratio = here.size / wanted.size
        line[RATIO] = ratio
        doubt = self._step_of(here) * ratio
        for name in counted:
            if name in line:
                pieces = Decimal(line[name]) * ratio
                whole = pieces.to_integral_value(ROUND_HALF_UP)
                rounded_away = name in _DERIVED and abs(pieces - whole) <= doubt
                line[name] = whole if rounded_away else pieces.quantize(_STEP, ROUND_HALF_UP)

    def _step_of(self, unit: Unit | None) -> Decimal:
        """Return the smallest quantity that Odoo stores in a unit."""
        return max(self.accuracy(), unit.step if unit else Decimal(0))

    def _accuracy(self) -> Decimal:
        name = by_version(self._rpc.version, UNIT_ACCURACY)
        digits = self._rpc.call("decimal.precision", "precision_get", application=name)
        if not isinstance(digits, int):
            raise Unreadable("a number of digits was expected", system="odoo", call="decimal.precision.precision_get")
        return Decimal(1).scaleb(-digits)

    def _by_id(self) -> Mapping[int, Unit]:
        known = self._rpc.fields("uom.uom")
        names = [
            name
            for name in ("name", "factor", "rounding", "parent_path", "category_id")
            if name == "name" or name in known
        ]
        rows = self._rpc.search_read("uom.uom", [], names, order="id", context=ARCHIVED_TOO)
        return {unit.id: unit for unit in map(self._unit, rows)}

    def _unit(self, row: Row) -> Unit:
        factor = Decimal(row.get("factor") or 1)
        size = factor if self._rpc.version.major >= UNIT_FACTOR_IS_SIZE_SINCE else 1 / factor
        return Unit(row["id"], str(row["name"]), size, _family(row), Decimal(row.get("rounding") or 0))


def _family(row: Mapping[str, Any]) -> str:
    """Return what two units must share to be convertible: before 19 their category, since then the root of their path."""
    category = row.get("category_id")
    if category:
        return f"category {category[0]}"
    return str(row.get("parent_path") or row["id"]).split("/")[0]


def in_unit_of(move: Mapping[str, Any], pieces: Decimal) -> Decimal:
    """Return pieces of the product in the unit of a stock move that `Units.convert` has converted."""
    ratio = move.get(RATIO)
    return pieces / ratio if ratio else pieces
