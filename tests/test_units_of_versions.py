"""Counting Odoo's lines in the unit of their product: categories and inverse factors before 19, relative units since then."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.units import FOREIGN, in_unit_of
from magodoo.connectors.odoo.versions import Version

CONNECTION = OdooConnection("https://odoo.example", "shop", "key", 1, attempts=1)
UNIT, DOZEN, KG = 1, 2, 3


class Server:
    """An Odoo of a version with pieces, a larger unit of them, and kilograms."""

    name = "server"

    def __init__(self, version: int, size: Decimal, digits: int = 2) -> None:
        self.version, self.size, self.digits = Version(version), size, digits
        self.asked: list[str] = []

    def call(
        self, model: str, method: str, ids: Any, context: Any, arguments: Any, *, write: bool, until: float
    ) -> Any:
        self.asked.append(method)
        old = self.version.major < 19
        if method == "fields_get":
            names = ["name", "factor", "rounding", "category_id" if old else "parent_path"]
            types = {"factor": "float", "rounding": "float", "category_id": "many2one"}
            return {name: {"type": types.get(name, "char"), "relation": "uom.category"} for name in names}
        if method == "precision_get":
            assert arguments["application"] == ("Product Unit of Measure" if old else "Product Unit")
            return self.digits
        assert (model, method) == ("uom.uom", "search_read")
        step = Decimal(1).scaleb(-self.digits)
        sizes = {UNIT: Decimal(1), DOZEN: self.size, KG: Decimal(1)}
        paths = {UNIT: "1/", DOZEN: "1/2/", KG: "3/"}
        categories = {UNIT: [1, "Unit"], DOZEN: [1, "Unit"], KG: [2, "Weight"]}
        return [
            {"id": id, "name": f"unit {id}", "rounding": step}
            | (
                {"factor": 1 / size, "category_id": categories[id]}
                if old
                else {"factor": size, "parent_path": paths[id]}
            )
            for id, size in sizes.items()
        ]


def client(version: int, size: str = "12", digits: int = 2) -> OdooClient:
    return OdooClient.connect(CONNECTION, Server(version, Decimal(size), digits))


def order_row(unit: int, own: int = UNIT, **quantities: str) -> dict[str, Any]:
    line = {name: Decimal(value) for name, value in quantities.items()}
    return {"order_line": [{"product_id": {"id": 7, "uom_id": own}, "product_uom_id": unit, **line}]}


@pytest.mark.parametrize("version", [16, 17, 18, 19, 20])
def test_a_dozen_is_twelve_pieces_in_every_version(version: int) -> None:
    row = order_row(DOZEN, product_uom_qty="1.5", qty_invoiced="0.42")
    client(version).units.convert([row])
    (line,) = row["order_line"]
    # 5 pieces are 0.42 dozen in Odoo's own sum: it is 5 again, and not 5.04.
    assert (line["product_uom_qty"], line["qty_invoiced"]) == (18, 5)


@pytest.mark.parametrize("version", [18, 19])
def test_pieces_of_a_product_that_is_kept_in_dozens_are_parts_of_it(version: int) -> None:
    row = order_row(UNIT, DOZEN, product_uom_qty="6")
    client(version).units.convert([row])
    assert row["order_line"][0]["product_uom_qty"] == Decimal("0.5")


@pytest.mark.parametrize("version", [18, 19])
def test_a_unit_of_another_family_is_marked_and_its_figures_stay(version: int) -> None:
    row = order_row(KG, product_uom_qty="2")
    client(version).units.convert([row])
    assert row["order_line"][0][FOREIGN] == ["unit 3", "unit 1"]
    assert row["order_line"][0]["product_uom_qty"] == 2


def test_a_line_without_a_unit_or_a_product_or_in_its_product_s_own_asks_odoo_nothing() -> None:
    rows = [
        order_row(UNIT, product_uom_qty="2"),
        {"move_ids": [{"product_uom": False, "quantity": 1}]},
        {"order_line": []},
    ]
    server = Server(19, Decimal(12))
    OdooClient.connect(CONNECTION, server).units.convert(rows)
    assert server.asked == []


@given(
    st.sampled_from([16, 18, 19]),
    st.decimals("0.001", "1000", places=3),
    st.integers(1, 500).map(Decimal),
)
def test_a_quantity_written_in_a_move_s_unit_is_read_back_as_the_same_pieces(
    version: int, size: Decimal, pieces: Decimal
) -> None:
    """Wherever Odoo holds it exactly; where it does not, nothing is written."""
    odoo = client(version, str(size))
    move = {"product_id": {"id": 7, "uom_id": UNIT}, "product_uom": DOZEN, "product_uom_qty": Decimal(1000)}
    odoo.units.convert([{"move_ids": [move]}])
    if not odoo.units.holds(move, pieces):
        return
    kept = in_unit_of(move, pieces).quantize(Decimal("0.01"))
    again = {"product_id": {"id": 7, "uom_id": UNIT}, "product_uom": DOZEN, "quantity": kept}
    odoo.units.convert([{"move_ids": [again]}])
    assert again["quantity"] == pieces
