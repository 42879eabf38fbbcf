"""The class of each flow's request: it reads what the ledger holds, writes the same bytes, and refuses anything else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_orders import paid_orders
from load_lab import Lab
from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind
from magodoo.errors import InvariantError
from magodoo.flows.registry import writers
from magodoo.money import dump_json

FROZEN = json.loads(Path(__file__).with_name("request_fingerprints.json").read_text(encoding="utf-8"))["requests"]
LATER = {
    ChangeKind.ORDER_IMPORT: ("replaces", "transfer_note"),
    ChangeKind.ODOO_INVOICE: ("beyond", "dated_today"),
    ChangeKind.ODOO_CREDIT_NOTE: ("dated_today",),
    ChangeKind.ODOO_DELIVERY: ("carrier",),
    ChangeKind.MAGENTO_SHIPMENT: ("counted",),
}
"""By kind, what requests of earlier versions lack."""


def frozen(kind: ChangeKind) -> list[dict[str, Any]]:
    found = [row["request"] for row in FROZEN if row["kind"] == kind.value]
    assert found
    return found


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a request, itself included."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(part)


@pytest.mark.parametrize("kind", ChangeKind)
def test_every_frozen_request_is_read_and_written_to_the_same_bytes(kind: ChangeKind) -> None:
    for request in frozen(kind):
        read = writers()[kind].request_type.from_json(request)
        assert dump_json(read.as_json()) == dump_json(request)


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_request_with_a_key_that_nobody_knows_is_refused(kind: ChangeKind) -> None:
    request = frozen(kind)[0]
    for place in range(len(list(objects(request)))):
        damaged = copy.deepcopy(request)
        list(objects(damaged))[place]["unknown"] = 1
        with pytest.raises(InvariantError, match="unknown field `unknown`"):
            writers()[kind].request_type.from_json(damaged)


@pytest.mark.parametrize("kind", ChangeKind)
def test_a_request_that_lacks_a_key_is_refused_unless_it_is_older_than_the_key(kind: ChangeKind) -> None:
    form = writers()[kind].request_type
    request = {name: value for name, value in frozen(kind)[0].items() if name not in LATER.get(kind, ())}
    form.from_json(request)
    for name in request.keys() - {"source"}:  # one without a fingerprint is planned anew
        with pytest.raises(InvariantError, match=f"missing required field `{name}`"):
            form.from_json({key: value for key, value in request.items() if key != name})


@pytest.mark.parametrize("damage", [{"unknown": 1}, {"load": None}, {"post": "yes"}])
def test_a_damaged_request_fails_its_change_by_name_and_the_others_are_written(
    made: Lab, damage: dict[str, Any]
) -> None:
    paid_orders(made, 2)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    with made.engine.begin() as connection:
        ids = connection.scalars(text("select id from change where kind = 'odoo_invoice' order by id")).all()
        values = {"id": ids[0], "damage": json.dumps(damage)}
        damaged = "update change_body set request = request || cast(:damage as jsonb) where change_id = :id"
        connection.execute(text(damaged), values)
    counts = made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert (counts["applied"], counts["failed"]) == (1, 1)
    state, reason = made.state(ids[0])
    assert (state, made.state(ids[1])[0]) == ("failed", "done")
    assert reason.startswith("[us] odoo_invoice for invoice ")
    assert "its request in the ledger is damaged: " in reason
