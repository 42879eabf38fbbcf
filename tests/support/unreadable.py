"""Records of Odoo that a rule hides, and what is quarantined for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shop_and_books import ShopAndBooks
from sqlalchemy import text


@contextmanager
def hidden(pair: ShopAndBooks, model: str, id: int) -> Iterator[None]:
    """A record rule hides one record from everybody, the clerks too."""
    (of,) = pair.rows("ir.model", [["model", "=", model]], "model")
    rule = {"name": "hidden", "model_id": of["id"], "domain_force": f"[('id', '!=', {id})]"}
    (made,) = pair.call("ir.rule", "create", vals_list=[rule])
    try:
        yield
    finally:
        pair.call("ir.rule", "unlink", [made])


def quarantined(pair: ShopAndBooks) -> set[tuple[str, str]]:
    """(kind, id) of what of Odoo cannot be read."""
    with pair.engine.connect() as connection:
        found = connection.execute(
            text("select kind, source_id from quarantine where side = 'odoo' and resolved_at is null")
        )
        return {(row.kind, row.source_id) for row in found}


def imported(pair: ShopAndBooks) -> int:
    order = pair.order({"SKU-001": 2}, "cashondelivery")
    pair.chain()
    assert [row["state"] for row in pair.sales(order)] == ["sale"]
    return order
