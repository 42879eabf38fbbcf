"""A call that fails for several documents: what belongs to one of them stays with that one, and the others are written, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from interruptions import later
from lab_orders import an_order, paid_orders
from load_lab import Lab

from magodoo.domain.kinds import ChangeKind
from magodoo.ledger import checkpoints


def at_first(made: Lab, name: str, *fault: str, **more: Any) -> Callable[[str], None]:
    """A visitor that sets a fault of Odoo when a checkpoint is reached for the first time."""
    seen: list[str] = []

    def visit(reached: str) -> None:
        if reached == name and not seen:
            seen.append(reached)
            made.odoo.faults.add(*fault, **more)

    return visit


@pytest.mark.parametrize(("refusals", "done"), [(1, 3), (2, 2)])
def test_a_call_that_fails_for_a_batch_is_retried_one_by_one(made: Lab, refusals: int, done: int) -> None:
    """The second time it is one document's own."""
    paid_orders(made, 3)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    made.odoo.faults.add("status", status=422, path="account.move/load", times=refusals)
    counts = made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert counts["applied"] == done
    assert len(made.moves()) == done
    assert made.states().count("failed") == 3 - done


def test_a_write_that_cannot_be_read_back_is_found_by_a_later_run(made: Lab) -> None:
    an_order(made)
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    checkpoints.visit(at_first(made, "written", "status", status=503, path="search_read|/read", probability=1.0))
    counts = made.load(kinds=[ChangeKind.ODOO_INVOICE])
    assert (counts["applied"], counts["uncertain"]) == (0, 1)
    made.odoo.faults.clear()
    later(made)
    made.load()
    assert set(made.states()) == {"done"}
    assert len(made.moves()) == 1


def test_an_uncertain_write_of_a_kind_switched_off_meanwhile_is_resolved_and_not_repeated(made: Lab) -> None:
    an_order(made)
    made.odoo.faults.add("cut_before", path="sale.order/load", times=1)
    assert made.load()["uncertain"] == 1
    made.with_policy(mode={"default": "observe"})
    later(made)
    made.load()
    assert "uncertain" not in made.states()
    assert made.records("sale.order", "id") == []
    made.with_policy(mode={"default": "apply"})
    later(made)
    made.load()
    assert set(made.states()) == {"done"}
    assert len(made.records("sale.order", "id")) == 1


def test_a_query_that_fails_for_several_documents_is_repeated_for_each(made: Lab) -> None:
    paid_orders(made, 3)
    checkpoints.visit(at_first(made, "claimed", "truncate", path="sale.order/web_search_read", times=1))
    assert made.load()["applied"] == 9
    assert set(made.states()) == {"done"}
