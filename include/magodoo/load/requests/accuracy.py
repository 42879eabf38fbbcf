"""Quantities with more decimals than Odoo keeps of a product's unit: they would be cut, and nothing of the order would ever be equal."""

from __future__ import annotations

from decimal import Decimal

from magodoo.load.requests.prepared import RequestProblem
from magodoo.load.requests.sources import Record, Sources
from magodoo.money import from_units, plain
from magodoo.vocabulary import FindingType

NEXT_STEP = "In Odoo: Settings, Technical, Decimal Accuracy: raise the digits of the unit (before 19 the unit's own rounding, too)"


def finer_than_odoo(sources: Sources, sku: str, units: int) -> list[RequestProblem]:
    """The problem of a quantity (units of 1/10000) that Odoo would round; none where its accuracy is not known."""
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
            NEXT_STEP,
            "it",
        )
    ]


def _unit(sources: Sources, sku: str) -> Record | None:
    """The unit of the one active product of a SKU."""
    product = sources.master.only("product.product", sku)
    named = product.data.get("uom_id") if product is not None else None
    if not isinstance(named, list) or len(named) != 2:
        return None
    known = sources.master.active("uom.uom", str(named[1]))
    return next((unit for unit in known if unit.id == named[0]), None)
