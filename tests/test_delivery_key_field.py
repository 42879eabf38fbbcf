"""The field of a transfer that carries our key is a setting (`odoo.delivery_key_field`): written and read under the name that it gives."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from load_lab import POLICY, Lab
from pydantic import ValidationError

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.settings import Instance

FIELD = "x_ship_ref"


def another_field(made: Lab, *, usual_too: bool, copied: bool = False) -> None:
    pickings: Any = made.db.models["stock.picking"]
    usual = pickings.fields["x_magento_key"]
    pickings.add_field(dataclasses.replace(usual, name=FIELD, copy=copied))
    if not usual_too:
        del pickings.fields["x_magento_key"]
    made.with_policy(odoo={**POLICY["odoo"], "delivery_key_field": FIELD})


def staged(made: Lab, kind: str) -> list[Any]:
    with made.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            f"select reference from document where side = 'odoo' and kind = '{kind}' order by source_id::bigint"
        )
        return list(rows.scalars())


@pytest.mark.parametrize("usual_too", [False, True])
@pytest.mark.parametrize("copied", [False, True])
def test_deliveries_and_returns_carry_the_key_in_the_field_of_the_settings(
    made: Lab, usual_too: bool, copied: bool
) -> None:
    another_field(made, usual_too=usual_too, copied=copied)
    order = made.order({"A": 3})
    item = made.items(order)["A"]
    invoice, first, second = made.shop.invoice(order), made.shop.ship(order, {item: 1}), made.shop.ship(order)
    memo = made.shop.refund(order, {item: 1})
    made.read()
    units = {first: 10_000, second: 20_000}
    plans = [
        *made.whole_order(order, invoice),
        *(
            made.planned(ChangeKind.ODOO_DELIVERY, one, Kind.SHIPMENT, order, items=[[str(item), units[one]]], tracks=["T1"])
            for one in (first, second)
        ),
        made.planned(ChangeKind.ODOO_CREDIT_NOTE, memo, Kind.CREDIT_MEMO, order, post=True),
        made.planned(ChangeKind.ODOO_STOCK_RETURN, memo, Kind.CREDIT_MEMO, order, items=[[str(item), 10_000]]),
    ]  # fmt: skip
    made.plan(*plans)
    for _ in range(2):
        made.load()
    made.plan(*plans[-1:])  # again: what is there is found by its key and not made a second time
    made.load()
    assert set(made.states()) == {"done"}
    keys = [f"ship_us_{first}", f"ship_us_{second}", f"ret_us_{memo}"]
    pickings = made.records("stock.picking", f"state {FIELD}")
    assert [(row["state"], row[FIELD]) for row in pickings] == [("done", key) for key in keys]
    if usual_too:
        assert not any(row["x_magento_key"] for row in made.records("stock.picking", "x_magento_key"))
    made.read()
    assert staged(made, "shipment") == keys[:2]


def test_a_delivery_made_before_the_setting_changed_is_still_recognised(made: Lab) -> None:
    order = made.order({"A": 1})
    item = made.items(order)["A"]
    shipment = made.shop.ship(order)
    made.read()
    plan = made.planned(
        ChangeKind.ODOO_DELIVERY, shipment, Kind.SHIPMENT, order, items=[[str(item), 10_000]], tracks=[]
    )
    made.plan(*made.whole_order(order), plan)
    made.load()
    another_field(made, usual_too=True)
    (picking,) = made.records("stock.picking", "id")
    made.db.call("stock.picking", "write", ids=[picking["id"]], vals={"note": "read it again"})
    made.read()
    assert staged(made, "shipment") == [f"ship_us_{shipment}"]


@pytest.mark.parametrize("field", ["origin", "carrier_tracking_ref", "note", "x key", "X_KEY", "", "sale_id.name"])
def test_a_field_that_a_transfer_uses_itself_cannot_carry_the_key(field: str) -> None:
    with pytest.raises(ValidationError, match="cannot hold our key"):
        Instance.model_validate({**POLICY, "odoo": {"delivery_key_field": field}})
