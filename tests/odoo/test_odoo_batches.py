"""A batch of which one record is refused for what may not be read: the others are saved, whatever Odoo says of the batch as a whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hidden_records import hidden
from odoo_shop import LINES, MODULE, Shop

from magodoo.connectors.odoo.bulk_load import Loaded
from magodoo.connectors.odoo.client import OdooClient
from magodoo.errors import UnreadableRecord

CUSTOMERS = (1, 1, 2, 1)
"""The customer of each record of a batch; the second is the one who may not be read."""
BAD = 2


def customers(shop: Shop) -> list[int]:
    """The ids of the two customers."""
    shop.load_partner(1)
    shop.load_partner(2)
    names = [f"{MODULE}.partner_1", f"{MODULE}.partner_2"]
    known = shop.client.external_ids.find(names)
    return [known[name] for name in names]


def place(name: str) -> int:
    """Which record of the batch has this external id."""
    return int(name.rsplit("_", 1)[1])


def addresses(shop: Shop) -> Loaded:
    fields = ("id", "parent_id/id", "type", "name")
    rows = [
        (f"{MODULE}.address_{place}", f"{MODULE}.partner_{number}", "other", f"Address {place}")
        for place, number in enumerate(CUSTOMERS)
    ]
    return shop.client.customers.create(fields, rows)


def of_customers(rows: Callable[[int], list[list[str]]], column: int) -> list[list[str]]:
    """The rows of one record for each of the customers, whose name is in this column of its first row."""
    made = []
    for place, number in enumerate(CUSTOMERS):
        first, *rest = rows(place)
        made += [[*first[:column], f"{MODULE}.partner_{number}", *first[column + 1 :]], *rest]
    return made


def orders(shop: Shop) -> Loaded:
    return shop.load_orders(of_customers(lambda place: shop.order_rows(place, LINES[:1]), 1))


def moves(shop: Shop) -> Loaded:
    return shop.load_moves(of_customers(lambda place: shop.move_rows(place, place, LINES[:1], kind="out_refund"), 2))


def payments(shop: Shop) -> Loaded:
    def rows(place: int) -> list[list[str]]:
        (row,) = shop.payment_rows(0, place, "1.00")
        return [[*row[:-1], ""]]

    return shop.load_payments(of_customers(rows, 3))


@pytest.mark.parametrize("load", [addresses, orders, moves, payments])
def test_a_refused_record_of_another_company_s_customer_leaves_the_rest_of_its_batch_saved(
    shop: Shop, admin: OdooClient, load: Callable[[Shop], Loaded]
) -> None:
    (partner,) = customers(shop)[1:]
    (company,) = admin.rpc.call("res.company", "search", domain=[["id", "!=", 1]], limit=1)
    admin.rpc.write_call("res.partner", "write", ids=[partner], vals={"company_id": company})
    loaded = load(shop)
    assert sorted(place(name) for name in loaded.ids) == [0, 1, 3]
    assert [place(name) for name in loaded.refused] == [BAD]


def test_refused_addresses_of_a_hidden_customer_leave_the_rest_of_their_batch_saved(
    shop: Shop, admin: OdooClient
) -> None:
    (partner,) = customers(shop)[1:]
    with hidden(admin, "res.partner", partner):
        loaded = addresses(shop)
    assert sorted(place(name) for name in loaded.ids) == [0, 1, 3]
    (problem,) = loaded.refused.values()
    assert isinstance(problem, UnreadableRecord), "it waits until the customer may be read"
    assert sorted(place(name) for name in addresses(shop).ids) == [0, 1, 2, 3], "once he may be read, his is loaded too"


@pytest.mark.parametrize("load", [orders, moves, payments])
def test_odoo_creates_documents_for_a_hidden_customer(
    shop: Shop, admin: OdooClient, load: Callable[[Shop], Loaded]
) -> None:
    """Whoever loads them must know by himself that the customer may not be read."""
    (partner,) = customers(shop)[1:]
    with hidden(admin, "res.partner", partner):
        assert shop.client.visibility.hidden("res.partner", [partner])
        assert len(load(shop).ids) == len(CUSTOMERS)
