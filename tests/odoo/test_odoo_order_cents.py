"""Orders on an Odoo before 19: what it makes of unit prices and taxes is what the sandbox of that version makes of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from odoo_shop import Shop
from sandbox_backend import LIVE, SandboxBackend

from magodoo.connectors.odoo.client import OdooClient
from magodoo_devstack.odoo_remote import NotThere

pytestmark = LIVE


def drawn(seed: int) -> list[dict[str, str]]:
    """Lines with prices of six digits, discounts, and taxes of two rates, one of them or none."""
    chance = random.Random(seed)
    return [
        {
            "quantity": str(chance.randint(1, 9)),
            "price": f"{Decimal(chance.randint(1, 200_000_000)).scaleb(-6):f}",
            "discount": chance.choice(["0", "0", "10", f"{Decimal(chance.randint(1, 3000)).scaleb(-2)}"]),
            "tax": chance.choice(["8.25", "8.25", "19", ""]),
        }
        for _ in range(chance.randint(1, 6))
    ]


def entered(client: OdooClient, product: int, orders: list[list[dict[str, str]]]) -> list[list[Any]]:
    """Untaxed, tax, and each line's price and net amount, of the orders as the client's Odoo keeps them."""
    taxes = {f"{row['amount'].normalize():f}": row["id"] for row in client.master_data.taxes()}
    partner = client.customers.create(("id", "name"), [("t.partner", "Drawn")]).ids["t.partner"]
    fields = (
        "id",
        "partner_id/.id",
        *(
            f"order_line/{name}"
            for name in ("product_id/.id", "product_uom_qty", "price_unit", "discount", "tax_id/.id")
        ),
    )
    rows = [
        (
            *((f"t.order_{number}", str(partner)) if first else ("", "")),
            str(product), line["quantity"], line["price"], line["discount"], str(taxes[line["tax"]]) if line["tax"] else "",
        )
        for number, order in enumerate(orders)
        for first, line in ((line is order[0], line) for line in order)
    ]  # fmt: skip
    loaded = client.orders.create(fields, rows)
    assert not loaded.refused
    found = {row["id"]: row for row in client.documents.by_ids("order", list(loaded.ids.values())).sure}
    return [
        [
            row["amount_untaxed"],
            row["amount_tax"],
            *((line["price_unit"], line["price_subtotal"]) for line in row["order_line"]),
        ]
        for row in (found[loaded.ids[f"t.order_{number}"]] for number in range(len(orders)))
    ]


def before_19(client: OdooClient) -> None:
    if client.rpc.has_field("sale.order.line", "extra_tax_data"):
        raise NotThere("from 19 on the tax of an order is forced")


@pytest.fixture
def sandbox(client: OdooClient) -> Iterator[tuple[OdooClient, OdooClient]]:
    """Clients of a sandbox of the live server's version: the pipeline's user, the administrator."""
    before_19(client)
    with SandboxBackend() as backend:
        backend.inside(backend.database).series = client.rpc.version.major
        with OdooClient.connect(backend.connection()) as own, OdooClient.connect(backend.connection("admin")) as admin:
            yield own, admin


@pytest.mark.parametrize("digits", [2, 6])
@pytest.mark.parametrize("method", ["round_per_line", "round_globally"])
def test_orders_come_out_of_the_sandbox_as_of_the_live_odoo(
    client: OdooClient, admin: OdooClient, shop: Shop, sandbox: tuple[OdooClient, OdooClient], digits: int, method: str
) -> None:
    orders, found = [drawn(seed) for seed in range(60)], []
    for own, person in ((client, admin), sandbox):
        (accuracy,) = person.rpc.call("decimal.precision", "search", domain=[["name", "=", "Product Price"]])
        person.rpc.write_call("decimal.precision", "write", ids=[accuracy], vals={"digits": digits})
        person.rpc.write_call("res.company", "write", ids=[1], vals={"tax_calculation_rounding_method": method})
        (product,) = [row["id"] for row in own.master_data.products(["ADJ-PLUS"])]
        found.append(entered(own, product, orders))
    assert found[0] == found[1]


def test_an_odoo_before_19_begins_as_the_sandbox_does(
    client: OdooClient, sandbox: tuple[OdooClient, OdooClient]
) -> None:
    for odoo in (client, sandbox[0]):
        assert odoo.rpc.call("decimal.precision", "precision_get", application="Product Price") == 2
        assert odoo.company.row()["tax_calculation_rounding_method"] == "round_per_line"
        assert not odoo.rpc.has_field("account.move.line", "extra_tax_data")
