"""Operators on their own, as in a user's DAG: their examples run, they stop on request, their links lead on; approval in Airflow."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from load_lab import Lab, lab
from sqlalchemy import text
from tries import state_after

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind
from magodoo.errors import Forbidden, InvariantError, MagodooError, Unavailable
from magodoo.ledger import approvals
from magodoo.pipeline import load
from magodoo.settings.model import Limits
from magodoo_airflow import metrics
from magodoo_airflow.hooks import context as hook_context
from magodoo_airflow.links import ChangesLink
from magodoo_airflow.operators import approval, changes
from magodoo_airflow.operators.changes import BY_KIND, ChangeOperator
from magodoo_airflow.operators.step import StepOperator
from magodoo_airflow.operators.summary import SummaryOperator


@contextmanager
def example(operator: type[ChangeOperator]) -> Iterator[ChangeOperator]:
    """What the example in the operator's documentation makes, in a DAG."""
    documentation = inspect.getdoc(operator) or ""
    found = re.search(r"Example::\n\n((?:    .+\n?)+)", documentation)
    assert found, f"{operator.__name__} has no example"
    with DAG("a_users_dag", schedule=None):
        made = eval(inspect.cleandoc(found.group(1)), vars(changes))
        yield made


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_each_kind_has_an_operator_whose_example_can_be_copied(kind: ChangeKind) -> None:
    with example(BY_KIND[kind]) as operator:
        assert type(operator) is BY_KIND[kind]
        assert operator.kind is kind
        assert operator.pool in (f"magodoo_{kind.target.value}", "bank_hours")
        assert {"instance", "orders", "dry"} <= set(operator.template_fields)
        assert operator.execution_timeout is not None
        assert [link.name for link in operator.operator_extra_links] == ["Changes", "Sales pages"]


@pytest.mark.parametrize("kind", list(ChangeKind))
def test_the_link_leads_to_the_changes_of_the_kind(kind: ChangeKind) -> None:
    with example(BY_KIND[kind]) as operator:
        address = ChangesLink().get_link(operator, ti_key=SimpleNamespace(task_id="whatever"))
    assert address.startswith("/magento/changes?instance=")
    assert address.endswith(f"&kind={kind.value}")


@pytest.fixture
def made(staging_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab whose systems are those that the operators open."""
    with lab(staging_url) as made:

        @contextmanager
        def opened(*_: Any, **__: Any) -> Iterator[Any]:
            yield made.context

        monkeypatch.setattr(hook_context, "open_context", opened)
        monkeypatch.setattr("magodoo_airflow.preflight.permit", lambda pipeline: None)
        monkeypatch.setattr(metrics, "of_step", lambda *_: None)
        monkeypatch.setattr(metrics, "of_failure", lambda *_: None)
        yield made


def planned(made: Lab) -> list[int]:
    order = made.order()
    invoice = made.shop.invoice(order)
    made.read()
    return made.plan(*made.whole_order(order, invoice))


def run(operator: Any) -> Any:
    return operator.execute({"run_id": "a run", "partition_key": None})


def test_an_operator_returns_what_it_wrote_and_what_it_left_open(made: Lab) -> None:
    planned(made)
    dry = run(changes.OdooOrderImportOperator(task_id="orders", instance="us", dry="True"))
    assert dry == {"would_write": 1, "observe": 0, "held": 0, "waiting_approval": 0}
    assert made.records("sale.order", "id") == []
    counts = run(changes.OdooOrderImportOperator(task_id="orders", instance="us", orders=["1"]))
    assert {name: number for name, number in counts.items() if number} == {"applied": 1}
    assert made.moves() == []  # its own kind and no other


def test_on_kill_stops_after_the_call_in_hand_and_the_next_run_goes_on(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(made)
    operator = changes.OdooOrderImportOperator(task_id="orders", instance="us")

    def killed_meanwhile(*arguments: Any, **options: Any) -> Any:
        operator.on_kill()
        return original(*arguments, **options)

    original = load.run
    monkeypatch.setattr(load, "run", killed_meanwhile)
    counts = run(operator)
    assert (counts["applied"], counts["put_back"]) == (0, 1)
    assert made.records("sale.order", "id") == []
    monkeypatch.setattr(load, "run", original)
    made.context.stopped.clear()
    with made.engine.begin() as connection:
        connection.execute(text("update change set not_before = now()"))
    assert run(operator)["applied"] == 1


def test_a_change_that_failed_for_want_of_a_setting_fails_the_task(made: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "run", lambda *_, **__: {"failed": 2})
    with pytest.raises(AirflowException, match="2 odoo_invoice changes failed"):
        run(changes.OdooInvoiceOperator(task_id="invoices", instance="us"))


@pytest.mark.parametrize(
    ("problem", "lost_tries", "state"),
    [
        (InvariantError("10 of 9 refunds"), 0, "failed"),
        (Forbidden("may not post"), 0, "failed"),
        (Unavailable("503"), 0, "up_for_retry"),
        (Unavailable("503"), 6, "up_for_retry"),
        (Unavailable("503"), 7, "failed"),
        (psycopg2.OperationalError("the server closed the connection"), 6, "up_for_retry"),
        (KeyError("a fault of ours"), 1, "up_for_retry"),
        (KeyError("a fault of ours"), 2, "failed"),
    ],
)
def test_the_class_of_an_error_decides_whether_a_task_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, problem: Exception, lost_tries: int, state: str
) -> None:
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(hook_context, "open_context", lambda *_, **__: nullcontext())
    monkeypatch.setattr(metrics, "of_failure", lambda *names: told.append(names))

    class Failing(StepOperator):
        def run_step(self, *_: object) -> None:
            raise problem

    task = Failing(task_id="gate", instance="us")
    with pytest.raises(type(problem)) as raised:
        run(task)
    assert told == ([("us", "gate", problem)] if isinstance(problem, MagodooError) else [])
    assert state_after(task, raised.value, lost_tries) == state


@pytest.mark.parametrize(
    ("counts", "total"),
    [([{"applied": 2, "note": "x"}, None, {"applied": 1, "failed": 1}], {"applied": 3, "failed": 1}), (None, {})],
)
def test_a_summary_adds_up_what_was_counted_and_a_skipped_task_counts_nothing(
    counts: Any, total: dict[str, int]
) -> None:
    assert run(SummaryOperator(task_id="sum", instance="us", counts=counts)) == total


# Approval


def answered(made: Lab, chosen: str, reason: str = "", who: str = "Ann") -> Any:
    """The three tasks in turn, with a person's answer in the middle."""
    with DAG("approvals", schedule=None):
        listing = approval.WaitingChangesOperator(task_id="waiting", instance="us")
        asking = approval.ApproveChangesOperator(task_id="approve", changes=listing.output)
    shown = run(listing)
    assert asking.options == ["Approve", "Reject", "Later"]
    assert asking.defaults == ["Later"]
    assert "['table']" in (asking.body or "")
    answer = {
        "chosen_options": [chosen],
        "params_input": {"reason": reason},
        "responded_by_user": {"id": "1", "name": who},
    }
    deciding = approval.DecideChangesOperator(task_id="decide", instance="us", changes=shown, answer=answer)
    return shown, run(deciding)


def limited(made: Lab) -> list[int]:
    made.with_policy(limits=Limits.model_validate({**made.instance.limits.model_dump(), "document_amount": 1}))
    return planned(made)


def test_the_approval_task_shows_the_changes_and_their_sums_and_the_load_goes_on_with_the_answer(made: Lab) -> None:
    ids = limited(made)
    shown, counts = answered(made, "Approve")
    total = f"{made.shop.order(1)['grand_total']:.2f} USD"
    assert shown["ids"] == ids
    assert f"1 Odoo order import ({total})" in shown["subject"]
    assert shown["table"].count(total) == 4  # two changes and two sums
    assert "above the limit" in shown["table"]
    assert counts == {"approved": 2, "rejected": 0, "left": 0}
    with made.engine.connect() as connection:
        assert set(connection.scalars(text("select approved_by from change"))) == {"Ann"}
    assert made.load()["applied"] == 2


def test_a_change_within_the_limits_needs_no_approval(made: Lab) -> None:
    planned(made)
    with pytest.raises(AirflowSkipException):
        run(approval.WaitingChangesOperator(task_id="waiting", instance="us"))


def test_a_rejection_needs_a_reason_and_stays(made: Lab) -> None:
    limited(made)
    with pytest.raises(AirflowFailException, match="say why"):
        answered(made, "Reject")
    assert made.states() == ["planned", "planned"]
    _, counts = answered(made, "Reject", "a test order")
    assert counts == {"approved": 0, "rejected": 2, "left": 0}
    assert made.plan(*made.whole_order(1, 1)) == []
    assert made.load()["applied"] == 0
    assert made.states() == ["refused", "refused"]


def test_an_answer_of_later_or_without_a_name_decides_nothing(made: Lab) -> None:
    limited(made)
    assert answered(made, "Later")[1] == {"approved": 0, "rejected": 0, "left": 2}
    with pytest.raises(AirflowFailException, match="without a name"):
        answered(made, "Approve", who="")
    assert made.load()["applied"] == 0


def test_a_change_that_was_planned_anew_after_it_was_shown_is_not_approved_with_the_others(made: Lab) -> None:
    ids = limited(made)
    shown = run(approval.WaitingChangesOperator(task_id="waiting", instance="us"))
    with made.engine.begin() as connection:
        connection.execute(text("update change set state = 'superseded' where id = :id"), {"id": ids[1]})
    answer = {"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": {"name": "Ann"}}
    deciding = approval.DecideChangesOperator(task_id="decide", instance="us", changes=shown, answer=answer)
    assert run(deciding) == {"approved": 1, "rejected": 0, "left": 1}


def test_text_from_magento_does_not_break_the_approval_table() -> None:
    row = approvals.Waiting(1, ChangeKind.ODOO_INVOICE, f"{Kind.INVOICE.value} 1|<b>2\n3", "*4*", 10_000, "EUR", "")
    other = approvals.Waiting(2, ChangeKind.ODOO_INVOICE, "invoice 2", "5", 20_000, "USD", "")
    shown = approvals.table([row, other])
    assert "1\\|\\<b\\>2 3 | \\*4\\*" in shown
    assert "| Odoo invoice | 1 | 1.00 EUR |\n| Odoo invoice | 1 | 2.00 USD |" in shown  # currencies are never added
