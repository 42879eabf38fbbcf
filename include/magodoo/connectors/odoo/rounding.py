"""How the company's Odoo rounds prices and taxes, which decides what becomes of an order before 19 (docs/facts/odoo-versions.md#2)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from magodoo.connectors.odoo.company import Company
from magodoo.connectors.odoo.master_data import MasterData
from magodoo.connectors.odoo.rpc import Row, Rpc
from magodoo.domain.order_cents import PRICES, Rounding
from magodoo.errors import Unreadable


class Roundings:
    """Reads what decides about cents. Each is read once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def forces_taxes(self) -> bool:
        """Return whether an order can carry the tax that it is to have; unit prices are then kept as they are sent."""
        return self._rpc.has_field("sale.order.line", "extra_tax_data")

    def of_company(self) -> Rounding:
        """Return how an Odoo rounds that computes the taxes of orders itself."""
        return self._rpc.once("rounding", self._of_company)

    def decimals(self, currency: int) -> int:
        """Return the decimals of a currency, by its id; 2 where it is not known."""
        rows = self._rpc.once("currencies", MasterData(self._rpc).currencies)
        return next((min(4, int(row["decimal_places"])) for row in rows if row["id"] == currency), 2)

    def rates(self) -> Mapping[int, Decimal]:
        """Return the rates of the taxes that are a percentage beside the price, by id."""
        return self._rpc.once("tax rates", lambda: rates_of(MasterData(self._rpc).taxes()))

    def digits(self) -> int:
        """Return the digits of *Product Price*."""
        found = self._rpc.call("decimal.precision", "precision_get", application=PRICES)
        if not isinstance(found, int):
            raise Unreadable("a number of digits was expected", system="odoo", call="decimal.precision.precision_get")
        return found

    def _of_company(self) -> Rounding:
        return Rounding(self.digits(), rounds_globally(Company(self._rpc).row()))


def rounds_globally(company: Row) -> bool:
    """Return whether a company rounds the taxes of a document as a whole."""
    return bool(company.get("tax_calculation_rounding_method") == "round_globally")


def rates_of(taxes: list[Row]) -> dict[int, Decimal]:
    """Return the rates of those taxes that are a percentage beside the price, by id."""
    return {
        row["id"]: Decimal(str(row["amount"]))
        for row in taxes
        if row.get("amount_type") == "percent" and not row.get("price_include")
    }
