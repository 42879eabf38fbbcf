"""Read from the staged Magento orders of an instance: currencies, payment methods, shipping methods, SKUs."""

from __future__ import annotations

from sqlalchemy import Engine, text

_ORDERS = "document where instance = :instance and side = 'magento' and kind = 'order' and deleted_at is null"


def currencies(engine: Engine, instance: str) -> list[str]:
    """Return the currency codes, sorted."""
    return _texts(engine, instance, f"select distinct currency from {_ORDERS} and currency <> '' order by 1")


def base_currencies(engine: Engine, instance: str) -> list[str]:
    """Return the codes of Magento's base currencies, sorted."""
    statement = f"select distinct company_currency from {_ORDERS} and company_currency <> '' order by 1"
    return _texts(engine, instance, statement)


def adjusted_memos(engine: Engine, instance: str) -> int:
    """Return the number of credit memos with an adjustment whose order is taxed."""
    statement = (
        "select count(*) from document d join document o on o.instance = d.instance and o.side = 'magento' and o.kind = 'order'"
        " and o.source_id = d.order_key where d.instance = :instance and d.side = 'magento' and d.kind = 'credit_memo' and d.deleted_at is null"
        " and d.adjustment <> 0 and o.tax <> 0"
    )
    with engine.connect() as connection:
        return int(connection.execute(text(statement), {"instance": instance}).scalar_one())


def payment_methods(engine: Engine, instance: str) -> dict[str, int]:
    """Return the number of orders by payment method, most frequent first."""
    statement = (
        f"select payment_method, count(*) from {_ORDERS} and payment_method is not null group by 1 order by 2 desc, 1"
    )
    with engine.connect() as connection:
        return {str(name): int(count) for name, count in connection.execute(text(statement), {"instance": instance})}


def shipping_methods(engine: Engine, instance: str) -> list[str]:
    """Return shipping methods such as `flatrate_flatrate` from the orders' payloads, except those blanked by retention."""
    path = "'{extension_attributes,shipping_assignments,0,shipping,method}'"
    return _texts(
        engine,
        instance,
        f"select distinct payload #>> {path} from payload where instance = :instance and side = 'magento' and kind = 'order'"
        f" and payload #>> {path} is not null order by 1",
    )


def skus(engine: Engine, instance: str) -> list[str]:
    """Return the SKUs of lines with amounts, as they would be written to Odoo lines."""
    return _texts(
        engine,
        instance,
        "select distinct sku from line where instance = :instance and side = 'magento' and kind = 'order'"
        " and role = 'item' and is_money and sku <> '' order by 1",
    )


def fractions(engine: Engine, instance: str) -> list[tuple[str, int]]:
    """Return (SKU, quantity in units of 1/10000) of Magento's lines with fractional quantities, each once."""
    statement = (
        "select distinct sku, greatest(quantity, qty_ordered) from line where instance = :instance and side = 'magento'"
        " and role = 'item' and sku <> '' and greatest(quantity, qty_ordered) % 10000 <> 0 order by 1, 2"
    )
    with engine.connect() as connection:
        return [(str(sku), int(units)) for sku, units in connection.execute(text(statement), {"instance": instance})]


def _texts(engine: Engine, instance: str, statement: str) -> list[str]:
    with engine.connect() as connection:
        return [str(value) for value in connection.execute(text(statement), {"instance": instance}).scalars()]
