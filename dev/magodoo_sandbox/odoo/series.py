"""How an Odoo before 19 differs in names and numbers (docs/facts/odoo-versions.md#2): what `OdooDatabase.series` switches.

The models are those of 19. Before it an order line has its taxes and its unit under other names, no line can carry the amounts that are
forced on it, a unit price is cut to the digits of *Product Price*, and a company rounds taxes per line unless it is told otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.database import OdooDatabase

FIRST_WITH_FORCED_LINES = 19
RENAMED = {
    # model: name in 19 -> before it
    "sale.order.line": {"tax_ids": "tax_id", "product_uom_id": "product_uom"},
    "res.users": {"group_ids": "groups_id"},
    "account.account.tag": {"balance_negate": "tax_negate"},
}
ABSENT = {"sale.order.line": ("extra_tax_data",), "account.move.line": ("extra_tax_data",)}
BEFORE_19 = {"account.move.line": ("tax_tag_invert",)}
"""Fields that 19 has no more."""
PRICES = (("sale.order.line", "price_unit"), ("account.move.line", "price_unit"))
UNITS = "Product Unit"
UNITS_BEFORE = "Product Unit of Measure"


def hide(db: OdooDatabase) -> None:
    """Show the fields that the database's series has, and no others."""
    older = db.series < FIRST_WITH_FORCED_LINES
    for names_of_models, are_hidden in ((ABSENT, older), (BEFORE_19, not older)):
        for name, absent in names_of_models.items():
            hidden = db.models[name].hidden
            (hidden.update if are_hidden else hidden.difference_update)(absent)


def adapt(db: OdooDatabase) -> None:
    """Give the models the names and digits of the database's series, and its companies the rounding that they begin with."""
    older = db.series < FIRST_WITH_FORCED_LINES
    for name, names in RENAMED.items():
        db.models[name].rename(names if older else {})
    hide(db)
    cut_prices(db)
    method = "round_per_line" if older else "round_globally"
    companies = db.models["res.company"]
    companies.add_field(replace(companies.field("tax_calculation_rounding_method"), default=method))
    for row in companies.rows.values():
        row["tax_calculation_rounding_method"] = method


def cut_prices(db: OdooDatabase) -> None:
    """Let unit prices be kept with the digits of *Product Price*, which 19 only shows."""
    digits = db.models["decimal.precision"].digits("Product Price") if db.series < FIRST_WITH_FORCED_LINES else None
    for model, name in PRICES:
        db.models[model].add_field(replace(db.models[model].fields[name], digits=digits))
