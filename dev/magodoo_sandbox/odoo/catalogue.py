"""Currencies with their rates, products, pricelists."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.series import FIRST_WITH_FORCED_LINES, UNITS, UNITS_BEFORE, cut_prices
from magodoo_sandbox.odoo.store import Row

ONE = Decimal(1)
_QUANTITIES = (
    *(
        ("sale.order.line", "product_uom_qty"),
        ("account.move.line", "quantity"),
        ("stock.return.picking.line", "quantity"),
    ),
    *(("stock.move", "product_uom_qty"), ("stock.move", "quantity")),
)


class Currency(Model):
    name, label, order = "res.currency", "Currency", "active desc, name"
    declared = f.columns(
        {
            "name": f.char("Currency", required=True, index=True),
            "full_name": f.char("Name"),
            "iso_numeric": f.integer("Currency numeric code."),
            "symbol": f.char("Symbol"),
            "rounding": f.real("Rounding Factor", default=Decimal("0.01")),
            "decimal_places": f.integer("Decimal Places", default=2),
            "position": f.choice("Symbol Position", "after:After_Amount before:Before_Amount", default="after"),
            "active": f.boolean("Active", default=True),
            "rate_ids": f.many("res.currency.rate", "currency_id", "Rates"),
            "rate": f.real("Current Rate", compute="current_rate"),
        }
    )

    def current_rate(self, row: Row) -> Decimal:
        return self.rate_on(row["id"], "9999-12-31")

    def rate_on(self, currency: int, day: str) -> Decimal:
        """Units of this currency per unit of the company's: the latest up to a day, the earliest if all are later."""
        rates = [
            self.db.tables["res.currency.rate"][i]
            for i in self.db.store.find("res.currency.rate", "currency_id", currency)
        ]
        if not rates:
            return ONE
        valid = [rate for rate in rates if rate["name"] <= day]
        best = max(valid, key=lambda rate: rate["name"]) if valid else min(rates, key=lambda rate: rate["name"])
        return Decimal(best["rate"])


class CurrencyRate(Model):
    name, label, order = "res.currency.rate", "Currency Rate", "name desc, id"
    declared = f.columns(
        {
            "name": f.date("Date", required=True),
            "currency_id": f.one("res.currency", "Currency", required=True),
            "rate": f.real("Technical Rate"),
            "company_rate": f.real("Company Rate", compute="company_rate"),
            "company_id": f.one("res.company", "Company"),
        }
    )

    def company_rate(self, row: Row) -> Decimal:
        return Decimal(row.get("rate", ONE))


class Pricelist(Model):
    name, label, order = "product.pricelist", "Pricelist", "id"
    declared = f.columns(
        {
            "name": f.char("Pricelist Name", required=True),
            "currency_id": f.one(
                "res.currency", "Currency", default=lambda env: env["res.company"].rows[env.company_id]["currency_id"]
            ),
            "company_id": f.one("res.company", "Company"),
            "active": f.boolean("Active", default=True),
        }
    )

    def display_name(self, row: Row) -> str:
        return f"{row['name']} ({self.db.tables['res.currency'][row['currency_id']]['name']})"


_PRODUCT_FIELDS = {
    "name": f.char("Name", required=True),
    "default_code": f.char("Internal Reference", index=True),
    "barcode": f.char("Barcode", index=True, copy=False),
    "type": f.choice("Product Type", "consu:Goods service:Service combo:Combo", default="consu"),
    "is_storable": f.boolean("Track Inventory"),
    "tracking": f.choice("Tracking", "serial:By_Unique_Serial_Number lot:By_Lots none:By_Quantity", default="none"),
    "invoice_policy": f.choice(
        "Invoicing Policy", "order:Ordered_quantities delivery:Delivered_quantities", default="order"
    ),
    "list_price": f.money("Sales Price", default=Decimal(1)),
    "standard_price": f.money("Cost"),
    "weight": f.real("Weight"),
    "taxes_id": f.linked("account.tax", "Sales Taxes"),
    "property_account_income_id": f.one("account.account", "Income Account"),
    "uom_id": f.one("uom.uom", "Unit", default=1),
    "sale_ok": f.boolean("Sales", default=True),
    "purchase_ok": f.boolean("Purchase", default=True),
    "active": f.boolean("Active", default=True),
    "company_id": f.one("res.company", "Company"),
}


class Uom(Model):
    """Relative units: each contains some of another one, down to the unit at the root of its family."""

    name, label = "uom.uom", "Product Unit of Measure"
    declared = f.columns(
        {
            "name": f.char("Unit Name", required=True),
            "active": f.boolean("Active", default=True),
            "relative_factor": f.real("Contains", default=Decimal(1)),
            "relative_uom_id": f.one("uom.uom", "Reference Unit"),
            "factor": f.real("Absolute Quantity", compute="factor"),
            "rounding": f.real("Rounding Precision", compute="rounding"),
            "parent_path": f.char("Parent Path", compute="parent_path"),
        }
    )

    def factor(self, row: Row) -> Decimal:
        above = self.rows.get(row.get("relative_uom_id") or 0)
        own = Decimal(row.get("relative_factor") or 1)
        return own * self.factor(above) if above else own

    def rounding(self, row: Row) -> Decimal:
        return Decimal(1).scaleb(-self.db.models["decimal.precision"].digits("Product Unit"))

    def parent_path(self, row: Row) -> str:
        above = self.rows.get(row.get("relative_uom_id") or 0)
        return f"{self.parent_path(above) if above else ''}{row['id']}/"

    def counted_in(self, quantity: Decimal, here: int, wanted: int) -> Decimal:
        """Return the quantity in another unit, rounded half up to the accuracy of units; of another family as if it were the same."""
        if not here or not wanted or here == wanted:
            return quantity
        exact = quantity * self.factor(self.rows[here]) / self.factor(self.rows[wanted])
        return f.rounded(exact, self.db.models["decimal.precision"].digits("Product Unit"))


class DecimalAccuracy(Model):
    name, label = "decimal.precision", "Decimal Precision"
    declared = f.columns({"name": f.char("Usage", required=True), "digits": f.integer("Digits", default=2)})

    @public(model_level=True, access="")
    def precision_get(self, env: Env, application: str) -> int:
        older = self.db.series < FIRST_WITH_FORCED_LINES
        return self.digits(UNITS if older and application == UNITS_BEFORE else application)

    def digits(self, application: str) -> int:
        return next((int(row["digits"]) for row in self.rows.values() if row["name"] == application), 2)

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        """Quantities are kept with as many decimals from now on."""
        for model, name in _QUANTITIES:
            field = env[model].field(name)
            env[model].add_field(replace(field, digits=self.digits(UNITS)))
        cut_prices(self.db)

    def created(self, env: Env, ids: list[int]) -> None:
        cut_prices(self.db)


class Template(Model):
    """Each product has one template with the same id: no attributes, no variants here."""

    name, label, order = "product.template", "Product", "name, id"
    search_names = ("default_code", "name")
    declared = f.columns(
        {**_PRODUCT_FIELDS, "product_variant_ids": f.many("product.product", "product_tmpl_id", "Products")}
    )


class Product(Model):
    name, label, order = "product.product", "Product Variant", "default_code, name, id"
    search_names = ("default_code", "name")
    declared = f.columns(
        {
            **_PRODUCT_FIELDS,
            "product_tmpl_id": f.one("product.template", "Product Template"),
            "lst_price": f.money("Sales Price", compute="sales_price"),
            "qty_available": f.real("Quantity On Hand", compute="on_hand"),
            "free_qty": f.real("Free To Use Quantity", compute="free"),
        }
    )

    def display_name(self, row: Row) -> str:
        code = row.get("default_code")
        return f"[{code}] {row['name']}" if code else str(row["name"])

    def sales_price(self, row: Row) -> Decimal:
        return Decimal(row.get("list_price", 0))

    def on_hand(self, row: Row) -> Decimal:
        return sum((Decimal(q.get("quantity", 0)) for q in self._quants(row)), Decimal(0))

    def free(self, row: Row) -> Decimal:
        return self.on_hand(row) - sum((Decimal(q.get("reserved_quantity", 0)) for q in self._quants(row)), Decimal(0))

    def created(self, env: Env, ids: list[int]) -> None:
        for record in ids:
            row = self.rows[record]
            template = {key: row[key] for key in _PRODUCT_FIELDS if key in row}
            self.db.store.insert("product.template", template)
            self.put(env, record, product_tmpl_id=template["id"])

    def _quants(self, row: Row) -> list[Row]:
        locations = self.db.tables["stock.location"]
        quants = (self.db.tables["stock.quant"][i] for i in self.db.store.find("stock.quant", "product_id", row["id"]))
        return [quant for quant in quants if locations[quant["location_id"]]["usage"] == "internal"]
