"""Master data that documents refer to: products, taxes, currencies, journals, delivery methods, warehouses."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from magodoo.connectors.odoo.rpc import Row, Rpc

BATCH = 1000


class MasterData:
    """Lists master data of one company. Every row is a plain dict; lists are sorted by id and include archived records."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def products(self, skus: Sequence[str]) -> list[Row]:
        """Return products with one of the SKUs, including archived ones. Several rows may share a SKU: the caller decides."""
        fields = [
            "default_code",
            "name",
            "active",
            "type",
            "invoice_policy",
            "company_id",
            "tracking",
            "is_storable",
            "uom_id",
        ]
        wanted = list(dict.fromkeys(skus))
        rows: list[Row] = []
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            rows += self._rpc.listed("product.product", fields, [["default_code", "in", part]])
        for row in rows:
            row.setdefault("is_storable", row["type"] == "product")
        return rows

    def taxes(self) -> list[Row]:
        """Return the sales taxes of the company, including archived ones."""
        fields = ["name", "amount", "amount_type", "price_include", "active", "country_id", "company_id"]
        return self._rpc.listed("account.tax", fields, [["type_tax_use", "=", "sale"]])

    def currencies(self) -> list[Row]:
        """Return the currencies: name (code), active, decimal_places, rate."""
        return self._rpc.listed("res.currency", ["name", "active", "decimal_places", "rate"])

    def pricelists(self) -> list[Row]:
        """Return the pricelists: name, currency_id, company_id, active."""
        return self._rpc.listed("product.pricelist", ["name", "currency_id", "company_id", "active"])

    def journals(self) -> list[Row]:
        """Return the journals with their `method_lines`, each with `payment_account` (code, name, account_type) or None."""
        fields = ["name", "code", "type", "currency_id", "active", "company_id", "default_account_id"]
        rows = self._rpc.listed("account.journal", fields)
        ids = [row["id"] for row in rows]
        wanted = ["name", "journal_id", "payment_type", "payment_account_id"]
        lines = self._rpc.listed("account.payment.method.line", wanted, [["journal_id", "in", ids]])
        accounts = self.accounts([line["payment_account_id"][0] for line in lines if line["payment_account_id"]])
        for line in lines:
            chosen = line["payment_account_id"]
            line["payment_account"] = accounts.get(chosen[0]) if chosen else None
        for row in rows:
            row["method_lines"] = [line for line in lines if line["journal_id"] and line["journal_id"][0] == row["id"]]
        return rows

    def carriers(self) -> list[Row]:
        """Return the delivery methods: name, delivery_type, product_id, company_id, active."""
        return self._rpc.listed("delivery.carrier", ["name", "delivery_type", "product_id", "company_id", "active"])

    def countries(self) -> list[Row]:
        """Return the countries: name, code."""
        return self._rpc.listed("res.country", ["name", "code"])

    def country_states(self) -> list[Row]:
        """Return states, provinces and the like of all countries: name, code, country_id."""
        return self._rpc.listed("res.country.state", ["name", "code", "country_id"])

    def warehouses(self) -> list[Row]:
        """Return the warehouses: name, code, delivery_steps, company_id, active."""
        return self._rpc.listed("stock.warehouse", ["name", "code", "delivery_steps", "company_id", "active"])

    def costs(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """Return the current cost of one piece, by SKU, in company currency."""
        rows = self._rpc.listed(
            "product.product", ["default_code", "standard_price"], [["default_code", "in", list(skus)]]
        )
        return {row["default_code"]: Decimal(str(row.get("standard_price") or 0)) for row in rows}

    def accounts(self, ids: Sequence[int]) -> dict[int, Row]:
        """Return accounts by id: code, name, account_type."""
        if not ids:
            return {}
        rows = self._rpc.read("account.account", sorted(set(ids)), ["code", "name", "account_type"])
        return {row["id"]: row for row in rows}
