"""`magodoo.reconcile.explain`: an order shows what becomes of each of its changes, and why."""

from __future__ import annotations

import pytest
from load_lab import Lab
from sqlalchemy import text

from magodoo.domain.kinds import ChangeKind
from magodoo.reconcile.explain import VARIABLE, explain, main


@pytest.fixture
def number(made: Lab) -> str:
    """An order with an invoice, both planned for Odoo."""
    order = made.order()
    invoice = made.shop.invoice(order)
    made.read()
    made.plan(*made.whole_order(order, invoice))
    return str(made.shop.order(order)["increment_id"])


def told(made: Lab, number: str, **of_invoice: str) -> str:
    """The explanation of the order, with its invoice's change put into this state."""
    with made.engine.begin() as connection:
        for name, value in of_invoice.items():
            connection.execute(text(f"update change set {name} = :value where kind = 'odoo_invoice'"), {"value": value})
        return explain(connection, "us", number)


def test_a_waiting_change_is_explained_with_who_must_act(made: Lab, number: str) -> None:
    waiting = told(made, number, verdict="held", held_by="the totals of both sides", approval="waiting")
    assert "planned; held by the totals of both sides; waits for approval" in waiting
    assert "planned; not yet checked by the gate" in told(made, number, verdict="unchecked", approval="approved")
    assert "nothing in Odoo" in waiting
    assert "Something changed since it was last reconciled" in waiting


def test_a_finished_change_is_explained_with_its_outcome_and_target_document(made: Lab, number: str) -> None:
    made.load(kinds=[ChangeKind.ORDER_IMPORT])
    standing = told(made, number)
    assert "What will be done" in standing
    assert "done; is S00001" in standing
    assert "matched by ledger" in standing
    ended = told(made, number, state="refused", reason="the order is cancelled in Odoo")
    assert "What will be done" not in ended
    assert "refused; the order is cancelled in Odoo" in ended
    assert "superseded" not in told(made, number, state="superseded")


def test_the_command_finds_the_instance_of_an_order_and_fails_for_an_unknown_one(
    made: Lab, number: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = made.engine.url.render_as_string(hide_password=False)
    assert main([number, "--url", url]) == 0
    assert f"Order {number} (Magento id 1) of instance us" in capsys.readouterr().out
    assert main(["999", "--url", url]) == 1
    assert "No order 999 is staged. Its extract has not run yet" in capsys.readouterr().err
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SystemExit):
        main([number])
    assert VARIABLE in capsys.readouterr().err
