"""Odoo is upgraded while changes are open, uncertain and done, under one ledger: nothing is written twice, nothing is left alone.

docs/how-to/upgrade-odoo.md says what a person does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shop_and_books import ShopAndBooks, amount, shop_and_books
from sqlalchemy import text

from magodoo.pipeline import load, refresh
from magodoo.preflight import systems
from magodoo_sandbox.magento import Coupon, Line

POLICY: dict[str, Any] = {"shipments": {"returns": "shipped_items"}}
SPREAD = """
    update change set state = :state, attempts = 1, lease_until = now() - interval '1 minute', not_before = now(),
        approval = 'approved', approved_hash = request_hash, approved_by = 'clerk', approved_at = now()
    where id % 4 = :place and state = 'planned'"""
FORGET = """
    update change set state = 'uncertain', not_before = now(), target_id = null, finished_at = null where id = any(:ids)"""
OPEN = """
    select id, kind, state, source_id, request_hash, approval, approved_hash from change
    where state in ('planned', 'approved', 'leased', 'uncertain') order by id"""
LAST_DONE = "select max(id) as id, kind from change where state = 'done' group by kind order by 1"
REST = "select id, kind, state, reason from change where state not in ('done', 'superseded') order by id"
WRITTEN = {
    "odoo_order_import",
    "odoo_invoice",
    "odoo_payment",
    "odoo_delivery",
    "odoo_credit_note",
    "odoo_refund_payment",
    "odoo_stock_return",
}
MODELS = ("res.partner", "sale.order", "account.move", "account.payment", "stock.picking")


@pytest.fixture
def pair(staging_url: str, tmp_path: Path) -> Iterator[ShopAndBooks]:
    with shop_and_books(staging_url, tmp_path) as made, made.policy(**POLICY):
        yield made


def orders(pair: ShopAndBooks) -> list[int]:
    """An order of each form, all of which every version can keep to the cent."""
    made = [pair.order(payment="card") for _ in range(4)] + [pair.order() for _ in range(2)]
    invoices = [pair.shop.invoice(order) for order in made[:3]]
    pair.shop.ship(made[1])
    pair.shop.ship(made[2])
    pair.shop.refund_invoice(invoices[2], None, online=True)
    pair.shop.invoice(made[4])
    pair.shop.ship(made[5], {pair.items(made[5])["SKU-001"]: 1})
    return made


def upgrade(pair: ShopAndBooks, series: int) -> None:
    """The database is upgraded and comes back under another name; every record is stamped anew."""
    database = pair.odoo.db
    database.series, database.name = series, f"odoo{series}"
    env = database.env("admin")
    for model in MODELS:
        database.models[model].touch(env, list(database.tables[model]))


def stops(pair: ShopAndBooks) -> list[str]:
    made = pair.context()
    return systems.stops(pair.engine, made.instance, made.magento_client, made.odoo_client, made.now())


def confirmed(pair: ShopAndBooks) -> list[str]:
    """The name that preflight gives to the Odoo as it is now."""
    odoo = pair.context().odoo_client
    assert odoo is not None
    return [systems.odoo_now(odoo).name]


def rows(pair: ShopAndBooks, statement: str) -> list[Any]:
    with pair.engine.connect() as connection:
        return list(connection.execute(text(statement)).all())


def execute(pair: ShopAndBooks, statement: str, **values: object) -> None:
    with pair.engine.begin() as connection:
        connection.execute(text(statement), values)


def external_ids(pair: ShopAndBooks) -> Counter[str]:
    """How many records of ours each kind has."""
    return Counter(
        row["model"]
        for row in pair.odoo.db.tables["ir.model.data"].values()
        if row["module"] not in ("base", "__export__")
    )


def as_in_magento(pair: ShopAndBooks, order: int) -> None:
    """Odoo has what Magento has of an order, once."""
    placed = pair.shop_row("order", order)
    (sale,) = pair.sales(order)
    assert sale["state"] == "sale"
    assert amount(sale["amount_total"]) == amount(placed["grand_total"])
    for kind, own in (("out_invoice", pair.invoices(order)), ("out_refund", pair.memos(order))):
        moves = [move for move in pair.moves(order, kind) if move["state"] == "posted"]
        assert sorted(amount(move["amount_total"]) for move in moves) == sorted(
            amount(row["grand_total"]) for row in own
        )
    sent = sum(sum(pair.moved(picking).values()) for picking in pair.pickings(order) if picking["state"] == "done")
    assert sent == sum(float(item["qty"]) for shipment in pair.shipments(order) for item in shipment["items"])


RETURN_OF_20 = ("odoo_stock_return", "refused")
"""20 has no wizard for returns: one that was open is refused by name, for a person."""


def test_an_upgrade_doubles_and_orphans_nothing(pair: ShopAndBooks) -> None:
    pair.odoo.db.series = 18
    everything: list[int] = []
    for series, refused in ((19, []), (20, [RETURN_OF_20])):
        everything += orders(pair)
        pair.run()
        assert stops(pair) == []
        done = rows(pair, LAST_DONE)
        assert {row.kind for row in done} == WRITTEN

        everything += orders(pair)
        pair.look()
        pair.release()
        for place, state in enumerate(("approved", "leased", "uncertain")):
            execute(pair, SPREAD, state=state, place=place)
        execute(pair, FORGET, ids=[row.id for row in done])
        before, records = rows(pair, OPEN), external_ids(pair)
        assert {row.state for row in before} == {"planned", "approved", "leased", "uncertain"}

        upgrade(pair, series)
        assert "last wrote to: database name" in stops(pair)[0]
        with pair.policy(confirmed_systems=confirmed(pair)):
            assert stops(pair) == []
        assert stops(pair) == [], "what was confirmed is what is written to"
        pair.look()
        assert rows(pair, OPEN) == before, "no open change is planned anew, none loses its approval"
        load.run(pair.context())
        assert [(row.kind, row.state) for row in rows(pair, REST)] == refused
        assert external_ids(pair) > records
        for order in everything:
            as_in_magento(pair, order)
        assert pair.find_more_to_do() == {}


def test_what_an_odoo_of_before_19_could_not_keep_to_the_cent_arrives_after_the_upgrade(pair: ShopAndBooks) -> None:
    pair.odoo.db.series = 18
    chance = random.Random(18)
    made = [pair.order(cart(chance), coupon=Coupon("THIRD", Decimal("33.33"))) for _ in range(10)]
    for order in made:
        pair.shop.invoice(order)
    pair.run()
    rounded = [order for order in made for sale in pair.sales(order) if not to_the_cent(pair, order, sale)]
    refused = [order for order in made if not pair.sales(order)]
    assert rounded and refused

    upgrade(pair, 19)
    refresh.run(pair.context())  # the nightly one
    pair.run()
    for order in refused:
        as_in_magento(pair, order)
    for order in rounded:
        (sale,) = pair.sales(order)
        assert not to_the_cent(pair, order, sale), "what is confirmed stays as it is"
        assert not pair.reported(order, type="total_mismatch") and not pair.reported(order, type="tax_mismatch")


def to_the_cent(pair: ShopAndBooks, order: int, sale: dict[str, Any]) -> bool:
    return amount(sale["amount_total"]) == amount(pair.shop_row("order", order)["grand_total"])


def cart(chance: random.Random) -> list[Line]:
    """Goods at prices with more digits than Odoo 18 keeps."""
    skus = chance.sample(["SKU-001", "SKU-002", "SKU-004", "SKU-005", "SKU-006"], chance.randint(1, 5))
    return [Line(sku, chance.randint(1, 9), price=Decimal(chance.randint(1, 2_000_000)).scaleb(-4)) for sku in skus]
