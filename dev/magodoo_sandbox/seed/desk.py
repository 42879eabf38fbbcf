"""Odoo as used by a person who enters documents: calls in one company, and the ids of the records that lines name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

LINES = {"order_line": "sale.order.line", "invoice_line_ids": "account.move.line"}
BEFORE_19 = {"tax_ids": "tax_id"}
"""Names of an order line before 19, by those of 19."""
KEEP = {"mode": "update", "noupdate": True, "tracking_disable": True}
SERVICES = ("SHIPPING", "SHIPDISC", "ADJ-PLUS", "ADJ-MINUS")
USUAL = {"disable_cancel_warning": True}
"""Before 19 Odoo asks a person, instead of cancelling a confirmed order at once."""


class Rpc(Protocol):
    """One call to Odoo as an administrator."""

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any: ...


@dataclass
class Names:
    """Database ids of what the lines refer to."""

    products: dict[str, int] = field(default_factory=dict)
    taxes: dict[Decimal, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)
    pricelists: dict[str, int] = field(default_factory=dict)
    journals: dict[str, int] = field(default_factory=dict)
    method_lines: dict[tuple[int, str], int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)


class Desk:
    """Calls to Odoo in one company (database id). `instance` is the id in the references of linked records."""

    def __init__(self, rpc: Rpc, instance: str, company: int = 1) -> None:
        self.rpc, self.instance, self.company = rpc, instance, company
        self.names = Names()
        self.module = "by_hand"  # of the ids of what people make
        self._counter = 0
        self._known: dict[str, set[str]] = {}

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any:
        """Return a call in the company only: the administrator may have several."""
        usual = {**USUAL, "allowed_company_ids": [self.company]}
        return self.rpc.call(model, method, ids, context={**usual, **(context or {})}, **arguments)

    def provision(self, skus: Mapping[str, tuple[str, Decimal, bool]]) -> None:
        """Products by SKU (name, price, storable) that the database lacks, stock of all, and the ids of what it already has."""
        for row in self.found("product.product", [["default_code", "in", list(skus)]], ["default_code"]):
            self.names.products[row["default_code"]] = row["id"]
        for sku, (name, price, storable) in skus.items():
            if sku in self.names.products:
                continue
            values = {
                "default_code": sku,
                "name": name,
                "list_price": float(price),
                "type": "consu" if storable else "service",
                "is_storable": storable,
                "invoice_policy": "order",
            }
            self.names.products[sku] = self._one(self.call("product.product", "create", vals_list=[values]))
        self._stock([self.names.products[sku] for sku, (_, _, storable) in skus.items() if storable])
        for sku in SERVICES:
            self.names.products[sku] = self._find("product.product", [["default_code", "=", sku]])
        for row in self.found("account.tax", [["type_tax_use", "=", "sale"]], ["amount"]):
            self.names.taxes.setdefault(Decimal(str(row["amount"])).normalize(), row["id"])
        self.names.currencies = {
            row["name"]: row["id"] for row in self.found("res.currency", [["active", "=", True]], ["name"])
        }
        for row in self.found("product.pricelist", [], ["currency_id"]):
            self.names.pricelists.setdefault(row["currency_id"][1], row["id"])
        self.names.journals = {row["code"]: row["id"] for row in self.found("account.journal", [], ["code"])}
        for row in self.found("account.payment.method.line", [], ["journal_id", "payment_type"]):
            if row["journal_id"]:
                self.names.method_lines.setdefault((row["journal_id"][0], row["payment_type"]), row["id"])
        self.names.countries = {row["code"]: row["id"] for row in self.found("res.country", [], ["code"])}

    def _stock(self, products: Sequence[int]) -> None:
        """Plenty of everything in the company's first warehouse."""
        warehouses = self.found("stock.warehouse", [["company_id", "=", self.company]], ["lot_stock_id"])
        location = warehouses[0]["lot_stock_id"][0]
        wanted = [
            {"product_id": product, "location_id": location, "inventory_quantity": 100_000} for product in products
        ]
        quants = self.call("stock.quant", "create", vals_list=wanted, context={"inventory_mode": True})
        self.call("stock.quant", "action_apply_inventory", quants)

    def xmlid(self, kind: str, number: Any) -> str:
        return f"magodoo.{kind}_{self.instance}_{number}"

    def _plain_xmlid(self, key: str) -> str:
        kind, _, rest = key.partition("_")
        return f"magodoo.{kind}_{self.instance}_{rest}"

    def _hand(self, what: str) -> str:
        """Return what a person makes by hand has no reference of ours; load() requires an id, in a module of its own."""
        self._counter += 1
        return f"{self.module}.{what}_{self._counter}"

    def _load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
        """Create or change one document. Columns have the names of 19; what this Odoo does not have is left out."""
        names = [self._name(field) for field in fields]
        kept = [index for index, name in enumerate(names) if name]
        data = [[row[index] for index in kept] for row in rows]
        answer = self.call(model, "load", context=KEEP, fields=[names[index] for index in kept], data=data)
        if not answer["ids"]:
            raise RuntimeError(f"{model}: {answer['messages']}")
        return int(answer["ids"][0])

    def has(self, model: str, field: str) -> bool:
        """Whether this Odoo has a field."""
        if model not in self._known:
            self._known[model] = set(self.call(model, "fields_get", attributes=["type"]))
        return field in self._known[model]

    def _name(self, column: str) -> str:
        """Return a column of a line under the name that this Odoo has for it, "" where it has none."""
        head, _, rest = column.partition("/")
        name, _, key = rest.partition("/")
        if head not in LINES or name in ("id", ".id") or self.has(LINES[head], name):
            return column
        older = BEFORE_19.get(name, "")
        return f"{head}/{older}/{key}".rstrip("/") if self.has(LINES[head], older) else ""

    def found(self, model: str, domain: list[Any], fields: Sequence[str], order: str = "id") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call(model, "search_read", domain=domain, fields=list(fields), order=order)
        return found

    def _find(self, model: str, domain: list[Any]) -> int:
        return int(self.found(model, domain, ["display_name"])[0]["id"])

    def _one(self, made: Any) -> int:
        return int(made[0] if isinstance(made, list) else made)
