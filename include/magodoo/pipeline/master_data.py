"""Read the master data of Odoo that mappings need: products by SKU, taxes, currencies, journals, carriers, lock dates, database UUID."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from more_itertools import chunked

from magodoo.domain.order_cents import PRICES
from magodoo.domain.vocabulary import Kind
from magodoo.settings.country_policies import policy as series_policy
from magodoo.staging.master_data import MasterData

if TYPE_CHECKING:
    from magodoo.context import Context

BATCH = 1000
COUNTRIES_FRESH = timedelta(days=1)
LISTS_FRESH = timedelta(hours=1)


def refresh(context: Context) -> int:
    """Read master data and the products that staged orders need. Returns the number of records stored."""
    return refresh_lists(context) + refresh_products(context)


def refresh_stale_lists(context: Context) -> int:
    """Read the lists unless they were read within LISTS_FRESH. Returns the number of records stored.

    Before orders are compared they are read regardless.
    """
    with context.engine.connect() as connection:
        stale = MasterData(connection, context.instance.id, context.now()).is_stale("ir.config_parameter", LISTS_FRESH)
    return refresh_lists(context) if stale else 0


def refresh_lists(context: Context) -> int:
    """Read all master data but products, as whole lists; countries and states once a day. Returns the number of records stored."""
    odoo, instance, now = context.odoo, context.instance.id, context.now()
    lists = [
        ("account.tax", "name", odoo.master_data.taxes()),
        ("res.currency", "name", odoo.master_data.currencies()),
        ("product.pricelist", "name", odoo.master_data.pricelists()),
        ("account.journal", "code", odoo.master_data.journals()),
        ("delivery.carrier", "name", odoo.master_data.carriers()),
        ("stock.warehouse", "code", odoo.master_data.warehouses()),
        ("uom.uom", "name", odoo.units.rows()),
    ]
    with context.engine.connect() as connection:
        staged = MasterData(connection, instance, now)
        if staged.is_stale("res.country", COUNTRIES_FRESH):
            lists.append(("res.country", "code", odoo.master_data.countries()))
        if staged.is_stale("res.country.state", COUNTRIES_FRESH):
            lists.append(("res.country.state", "code", odoo.master_data.country_states()))
    locks = {name: day.isoformat() for name, day in odoo.company.lock_dates().items()}
    electronic = {"found": odoo.installation.e_invoicing(context.instance.odoo.sales_journal)}
    series = _series(context)
    prices = {"forced": True} if odoo.rounding.forces_taxes() else {"forced": False, "digits": odoo.rounding.digits()}
    company, identity = odoo.company.row(), {"value": odoo.installation.database_uuid()}
    with context.engine.begin() as connection:
        staged = MasterData(connection, instance, now)
        kept = sum(staged.replace(model, key, rows) for model, key, rows in lists)
        staged.put_fact("res.company", "lock_dates", locks)
        staged.put_fact("res.company", "e_invoicing", electronic)
        staged.put_fact("res.company", "company", company)
        staged.put_fact("decimal.precision", PRICES, prices)
        staged.put_fact("res.company", "series", series)
        staged.put_fact("ir.config_parameter", "database.uuid", identity)
    return kept


def _series(context: Context) -> dict[str, Any]:
    """Return the company's country and, where document numbers must follow the dates, the posted numberings since last year by kind."""
    country = context.odoo.company.fiscal_country()
    if series_policy(context.instance, country) == "off":
        return {"country": country}
    year = context.now().astimezone(context.instance.zone).year
    last = context.odoo.company.last_posted(context.instance.odoo.sales_journal, date(year - 1, 1, 1))
    kinds = {Kind.INVOICE: "out_invoice", Kind.CREDIT_MEMO: "out_refund"}
    return {"country": country} | {
        kind.value: [[f"{each.first}", f"{each.last}", f"{each.posted}"] for each in last.get(move_type, [])]
        for kind, move_type in kinds.items()
    }


def refresh_products(context: Context, order_keys: Sequence[str] | None = None) -> int:
    """Read products by SKU and return the number of records stored.

    SKUs are those of all staged Magento orders not read within a day; with `order_keys` those of these orders, missing ones included.
    """
    names = context.instance.odoo
    always = (
        names.shipping_product, names.shipping_discount_product, names.adjustment_plus_product, names.adjustment_minus_product,
        *context.instance.named_products,
    )  # fmt: skip
    with context.engine.connect() as connection:
        skus = MasterData(connection, context.instance.id, context.now()).missing_skus(always, order_keys)
    kept = 0
    for part in chunked(skus, BATCH):
        rows = context.odoo.master_data.products(part)
        with context.engine.begin() as connection:
            kept += MasterData(connection, context.instance.id, context.now()).replace_products(part, rows)
    return kept
