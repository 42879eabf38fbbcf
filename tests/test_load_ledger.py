"""The ledger against a real PostgreSQL: one open change per source, verdicts, approval, leases, fencing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ledger_changes import a_change, an_instance, recorded
from sqlalchemy import Connection, Engine, text

from magodoo import staging
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Side
from magodoo.ledger import approvals, decisions
from magodoo.ledger.changes import Changes, LeasedChange, LeaseLost
from magodoo.ledger.decisions import Verdicts
from magodoo.ledger.leases import Leases, Outcome
from magodoo.settings import Instance
from magodoo.settings.model import Limits, Mode, Modes
from magodoo.timestamps import utc_now

IMPORT, INVOICE, PAYMENT = ChangeKind.ORDER_IMPORT, ChangeKind.ODOO_INVOICE, ChangeKind.ODOO_PAYMENT


@pytest.fixture
def engine(staging_url: str) -> Iterator[Engine]:
    engine = staging.connect(staging_url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def claimed(
    connection: Connection, instance: Instance | None = None, limit: int = 10, **wanted: Any
) -> list[LeasedChange]:
    changes = Leases(connection, instance or an_instance()).claim(
        Side.ODOO, limit, "worker", 60, **wanted, now=utc_now()
    )
    connection.commit()
    return changes


def states(connection: Connection) -> list[str]:
    return list(connection.scalars(text("select state from change order by id")))


def expire_leases(connection: Connection) -> None:
    connection.execute(text("update change set lease_until = now() - interval '1 s' where state = 'leased'"))
    connection.execute(text("update order_lease set until = now() - interval '1 s'"))
    connection.commit()


def test_the_same_plan_twice_leaves_one_open_change_with_its_verdict(connection: Connection) -> None:
    first = recorded(connection, a_change())
    second = Changes(connection, "us").record([a_change()], "run 2", now=utc_now())
    assert (first.ids, second.kept, second.inserted) == (second.ids, 1, 0)
    assert Verdicts(connection, "us").unchecked() == []


def test_a_new_revision_supersedes_a_planned_change_and_needs_a_new_verdict(connection: Connection) -> None:
    recorded(connection, a_change(total=1))
    recorded(connection, a_change(total=2), release=False)
    assert states(connection) == ["superseded", "planned"]
    assert len(Verdicts(connection, "us").unchecked()) == 1


@pytest.mark.parametrize("state", ["leased", "uncertain"])
def test_a_new_revision_never_supersedes_a_leased_change(connection: Connection, state: str) -> None:
    recorded(connection, a_change(total=1))
    (change,) = claimed(connection)
    if state == "uncertain":
        Leases(connection, an_instance()).uncertain(change, "timeout", 900)
    recorded(connection, a_change(total=2))
    assert states(connection) == [state]


def test_a_change_that_is_no_longer_planned_is_superseded(connection: Connection) -> None:
    recorded(connection, a_change())
    outcome = Changes(connection, "us").record([], "run 2", order_keys=["1"], now=utc_now())
    assert (outcome.superseded, states(connection)) == (1, ["superseded"])


def test_a_refused_request_is_planned_again_only_when_it_changes(connection: Connection) -> None:
    recorded(connection, a_change(total=1))
    (change,) = claimed(connection)
    Leases(connection, an_instance()).refuse(change, "Odoo says no", utc_now())
    why = {("odoo_invoice", "11"): "Odoo says no"}
    assert Changes(connection, "us").refused_before([a_change(total=1)]) == why
    assert Changes(connection, "us").refused_before([a_change(total=2)]) == {}
    again = recorded(connection, a_change(total=1))
    assert again.refused == {("odoo_invoice", "11"): "Odoo says no"}
    assert recorded(connection, a_change(total=2)).inserted == 1


def test_a_change_depending_on_a_refused_one_is_superseded_with_it(connection: Connection) -> None:
    recorded(connection, a_change(IMPORT, source="1"))
    recorded(connection, a_change(IMPORT, source="1"), a_change(INVOICE), a_change(INVOICE, "2", "21"), release=False)
    Leases(connection, an_instance()).refuse(claimed(connection)[0], "Odoo says no", utc_now())
    assert states(connection) == ["refused", "superseded", "planned"]


def test_changes_depending_indirectly_on_a_rejected_one_are_superseded_too(connection: Connection) -> None:
    """No goods come back for a credit note that goes because its invoice was rejected."""
    memo, back = ChangeKind.ODOO_CREDIT_NOTE, ChangeKind.ODOO_STOCK_RETURN
    outcome = recorded(connection, a_change(), a_change(memo, source="12"), a_change(back, source="12"))
    decisions.reject(connection, [outcome.ids["odoo_invoice", "11"]], "ann", "wrong customer", utc_now())
    assert states(connection) == ["refused", "superseded", "superseded"]
    assert claimed(connection) == []


def test_only_a_released_request_is_claimed(connection: Connection) -> None:
    recorded(connection, a_change(), release=False)
    assert claimed(connection) == []
    (row,) = Verdicts(connection, "us").unchecked()
    assert Verdicts(connection, "us").release([(row.id, "another hash")]) == 0
    assert claimed(connection) == []
    Verdicts(connection, "us").hold([(row.id, row.request_hash)], "totals")
    assert claimed(connection) == []
    Verdicts(connection, "us").release([(row.id, row.request_hash)])
    assert [change.id for change in claimed(connection)] == [row.id]


def test_observe_is_planned_and_never_claimed(connection: Connection) -> None:
    watching = an_instance(mode=Modes(default=Mode.APPLY, kinds={INVOICE: Mode.OBSERVE}))
    recorded(connection, a_change(), instance=watching)
    assert claimed(connection, watching) == []
    assert states(connection) == ["planned"]


def test_an_order_has_one_writer(engine: Engine) -> None:
    with engine.connect() as first, engine.connect() as second:
        recorded(first, a_change(source="11"), a_change(source="12"), a_change(order="2", source="21"))
        mine, theirs = claimed(first, limit=1), claimed(second, limit=10)
        assert ({change.order_key for change in mine}, {change.order_key for change in theirs}) == ({"1"}, {"2"})


def test_later_steps_wait_for_an_earlier_one_that_may_not_go_on(connection: Connection) -> None:
    outcome = recorded(
        connection, a_change(IMPORT, source="1"), a_change(INVOICE), a_change(PAYMENT), a_change(INVOICE, "2", "21")
    )
    held = outcome.ids["odoo_order_import", "1"]
    connection.execute(text("update change set verdict = 'held' where id = :id"), {"id": held})
    assert [change.source_id for change in claimed(connection)] == ["21"]


def test_in_one_run_what_is_dated_earlier_is_posted_first(connection: Connection) -> None:
    days = {"1": "2026-11-03", "2": "2026-11-01", "3": "2026-11-02"}
    recorded(connection, *(a_change(order=order, source=order, date=day) for order, day in days.items()))
    assert [change.order_key for change in claimed(connection)] == ["2", "3", "1"]


@pytest.mark.parametrize("kinds", [None, [INVOICE]], ids=["all kinds", "a task for each kind"])
def test_over_all_batches_and_plans_what_is_dated_earlier_is_posted_first(
    connection: Connection, kinds: list[ChangeKind] | None
) -> None:
    """Orders go in batches, and were planned in several runs; one order has documents of several dates, one is dated today."""
    plans: list[dict[str, list[str]]] = [
        {"1": ["2026-11-30", "2026-12-09"], "2": ["2026-12-05"], "3": ["2026-12-05", "2027-01-01"]},
        {"4": ["2026-12-01"], "5": ["2026-11-29", "2026-12-31"], "6": ["2026-11-30"]},
    ]
    for plan in plans:
        documents = [(order, day) for order, days in plan.items() for day in days]
        recorded(connection, *(a_change(order=order, source=f"{order}{day}", date=day) for order, day in documents))
    recorded(connection, a_change(order="7", source="7", date="2026-11-01", dated_today=True))
    days = [change.request["date"] for change in all_batches(connection, 2, kinds)]
    assert days == [*sorted(days[:-1]), "2026-11-01"] and len(days) == 10


def test_a_released_change_is_not_claimed_again_for_a_later_document(connection: Connection) -> None:
    recorded(connection, a_change(source="11", date="2026-11-01"), a_change(source="12", date="2026-12-01"))
    recorded(connection, a_change(order="2", source="21", date="2026-11-15"))
    seen = [change.source_id for change in all_batches(connection, 1, put_back=True)]
    assert seen == ["11", "21", "12"]


def all_batches(
    connection: Connection, limit: int, kinds: list[ChangeKind] | None = None, put_back: bool = False
) -> list[LeasedChange]:
    """Claim as a run does, batch by batch, until nothing is due."""
    leases, done = Leases(connection, an_instance()), list[LeasedChange]()
    seen, tried = set[str](), set[int]()
    while changes := leases.claim(
        Side.ODOO, limit, "worker", 60, kinds=kinds, skip=seen, tried_changes=tried, now=utc_now()
    ):
        done += changes
        tried |= {change.id for change in changes}
        for change in changes:
            if put_back:
                leases.put_back(change, "not yet")
            else:
                leases.done({change: Outcome("1")}, utc_now())
        leases.release({change.order_key: change.token for change in changes})
        connection.commit()
        seen |= {change.order_key for change in changes} - leases.left(Side.ODOO, changes, tried, kinds, now=utc_now())
    return done


def test_steps_of_one_order_come_in_their_order(connection: Connection) -> None:
    recorded(connection, a_change(PAYMENT), a_change(INVOICE), a_change(IMPORT, source="1"))
    assert [change.kind for change in claimed(connection)] == [IMPORT, INVOICE, PAYMENT]


def test_an_expired_lease_is_claimed_to_find_out_its_outcome(connection: Connection) -> None:
    recorded(connection, a_change())
    (dead,) = claimed(connection)
    assert claimed(connection) == []
    expire_leases(connection)
    (heir,) = claimed(connection)
    assert (heir.id, heir.resumed, heir.may_write) == (dead.id, True, True)
    assert heir.token > dead.token


def test_a_worker_that_lost_its_lease_can_neither_renew_nor_commit(connection: Connection) -> None:
    recorded(connection, a_change())
    (dead,) = claimed(connection)
    expire_leases(connection)
    (heir,) = claimed(connection)
    assert Leases(connection, an_instance()).renew([dead], 60) == set()
    with pytest.raises(LeaseLost):
        Leases(connection, an_instance()).done({dead: Outcome("7", "INV/7")}, utc_now())
    with pytest.raises(LeaseLost):
        Leases(connection, an_instance()).refuse(dead, "no", utc_now())
    assert Leases(connection, an_instance()).renew([heir], 60) == {heir.id}


def test_an_expired_lease_is_not_renewed_even_when_nobody_took_it(connection: Connection) -> None:
    recorded(connection, a_change())
    (dead,) = claimed(connection)
    expire_leases(connection)
    assert Leases(connection, an_instance()).renew([dead], 60) == set()


def test_an_order_released_by_its_worker_can_be_claimed_at_once(connection: Connection) -> None:
    recorded(connection, a_change())
    (change,) = claimed(connection)
    Leases(connection, an_instance()).put_back(change, None)
    Leases(connection, an_instance()).release({"1": change.token + 1})
    assert claimed(connection) == []
    Leases(connection, an_instance()).release({"1": change.token})
    connection.commit()  # the lease ends now, and now is the beginning of the transaction
    assert [each.id for each in claimed(connection)] == [change.id]


def test_an_uncertain_change_locks_its_order_until_the_waiting_time_is_over(connection: Connection) -> None:
    recorded(connection, a_change(source="11"), a_change(source="12"), a_change(order="2", source="21"))
    change = next(item for item in claimed(connection) if item.source_id == "11")
    Leases(connection, an_instance()).uncertain(change, "timeout", 900)
    connection.execute(text("update change set state = 'planned' where source_id = '12'"))
    expire_leases(connection)
    connection.execute(text("update change set state = 'planned' where source_id = '21'"))
    assert [item.source_id for item in claimed(connection)] == ["21"]
    connection.execute(text("update change set not_before = now() - interval '1 s' where state = 'uncertain'"))
    assert [(item.source_id, item.resumed) for item in claimed(connection)] == [("11", True), ("12", False)]


def test_an_uncertain_change_is_resolved_even_when_its_kind_is_switched_off(connection: Connection) -> None:
    recorded(connection, a_change())
    Leases(connection, an_instance()).uncertain(claimed(connection)[0], "timeout", 0)
    connection.commit()
    (change,) = claimed_after_lease(connection, an_instance(mode=Modes(default=Mode.OBSERVE)))
    assert (change.resumed, change.may_write) == (True, False)
    Leases(connection, an_instance()).resolve_absent(change)
    assert states(connection) == ["planned"]


def test_releasing_a_change_that_may_have_been_written_keeps_it_uncertain(connection: Connection) -> None:
    recorded(connection, a_change())
    (change,) = claimed(connection)
    Leases(connection, an_instance()).put_back(change, "503")
    assert states(connection) == ["planned"]
    (again,) = claimed_after_lease(connection)
    Leases(connection, an_instance()).put_back(replace(again, resumed=True), "503")
    assert states(connection) == ["uncertain"]


def claimed_after_lease(connection: Connection, instance: Instance | None = None) -> list[LeasedChange]:
    connection.execute(text("update order_lease set until = now() - interval '1 s'"))
    return claimed(connection, instance)


def test_a_change_beyond_the_limits_waits_and_the_others_continue(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=0, document_amount=100, run_amount=150, changes_per_run=2))
    cheap = [a_change(source=str(number), amount=400_000, order=str(number)) for number in (1, 2, 3)]
    recorded(connection, a_change(source="9", order="9", amount=1_000_001), *cheap, instance=careful)
    outcome = approvals.review(connection, careful, utc_now())
    connection.commit()
    assert (outcome.free, outcome.waiting) == (2, 2)
    assert {change.source_id for change in claimed(connection, careful)} == {"1", "2"}


def test_changes_are_counted_by_kind_in_a_run_and_in_a_day(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=0, changes_per_run=1, changes_per_day=1))
    one_of_each = [a_change(kind, source=kind.value) for kind in (INVOICE, ChangeKind.ODOO_DELIVERY)]
    recorded(connection, *one_of_each, a_change(source="2", order="2"), instance=careful)
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=2, waiting=1)
    connection.execute(text("update change set state = 'done', finished_at = now() where source_id <> '2'"))
    connection.execute(text("update change set approval = 'not_needed', approval_reason = null"))
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=0, waiting=1)
    connection.execute(text("update change set finished_at = now() - interval '25 h' where state = 'done'"))
    connection.execute(text("update change set approval = 'not_needed', approval_reason = null"))
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=1, waiting=0)


def test_the_first_writes_of_a_kind_need_a_person_and_later_ones_do_not(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=1))
    outcome = recorded(connection, a_change(source="1", order="1"), a_change(source="2", order="2"), instance=careful)
    assert approvals.review(connection, careful, utc_now()).waiting == 2
    assert claimed(connection, careful) == []
    decisions.approve(connection, [outcome.ids["odoo_invoice", "1"]], "ann", "seen", utc_now())
    (change,) = claimed(connection, careful)
    Leases(connection, an_instance()).done({change: Outcome("7", "INV/7")}, utc_now())
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=1, waiting=0)
    assert [item.source_id for item in claimed_after_lease(connection, careful)] == ["2"]


def test_an_approval_belongs_to_the_request_and_expires(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=1, approval_expires_hours=1))
    ids = list(recorded(connection, a_change(), instance=careful).ids.values())
    approvals.review(connection, careful, utc_now())
    decisions.approve(connection, ids, "ann", "seen", utc_now())
    connection.execute(text("update change set approved_at = now() - interval '2 hours'"))
    assert claimed(connection, careful) == []
    assert approvals.review(connection, careful, utc_now()).waiting == 1
    decisions.approve(connection, ids, "ann", "seen again", utc_now())
    recorded(connection, a_change(total=2), instance=careful)
    approvals.review(connection, careful, utc_now())
    assert claimed(connection, careful) == []


def test_a_rejection_stays_until_the_request_changes_or_somebody_reopens_it(connection: Connection) -> None:
    ids = list(recorded(connection, a_change()).ids.values())
    decisions.reject(connection, ids, "ann", "wrong customer", utc_now())
    assert recorded(connection, a_change()).refused == {("odoo_invoice", "11"): "rejected by ann: wrong customer"}
    assert decisions.reopen(connection, ids, "bob") == 1
    assert (states(connection), claimed(connection)) == (["planned"], [])
    approvals.review(connection, an_instance(), utc_now())
    decisions.approve(connection, ids, "bob", "", utc_now())
    recorded(connection)
    assert len(claimed(connection)) == 1


def test_a_posting_into_a_closed_period_waits_for_approval(connection: Connection) -> None:
    ids = list(recorded(connection, a_change(closed_period=True)).ids.values())
    approvals.review(connection, an_instance(), utc_now())
    assert claimed(connection) == []
    decisions.approve(connection, ids, "ann", "the tax adviser knows", utc_now())
    assert len(claimed(connection)) == 1


def test_a_change_exactly_at_its_limit_is_released(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=0, document_amount=50, run_amount=50))
    recorded(connection, a_change(amount=500_000), instance=careful)
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=1, waiting=0)


def test_refunds_have_a_limit_of_their_own(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=0, document_amount=100, refund_amount=10))
    recorded(connection, a_change(), a_change(ChangeKind.ODOO_CREDIT_NOTE, source="12"), instance=careful)
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=1, waiting=1)
    assert [change.kind for change in claimed(connection, careful)] == [INVOICE]


def test_a_change_over_a_limit_waits_for_approval_even_if_the_next_run_has_room(connection: Connection) -> None:
    careful = an_instance(limits=Limits(first_writes=0, changes_per_run=1))
    recorded(connection, a_change(), a_change(source="21", order="2"), instance=careful)
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=1, waiting=1)
    (change,) = claimed(connection, careful)
    Leases(connection, an_instance()).done({change: Outcome("7", "INV/7")}, utc_now())
    assert approvals.review(connection, careful, utc_now()) == approvals.Review(free=0, waiting=1)


def test_only_a_waiting_change_can_be_approved(connection: Connection) -> None:
    ids = list(recorded(connection, a_change()).ids.values())
    assert decisions.approve(connection, ids, "ann", "", utc_now()) == 0
    assert states(connection) == ["planned"]


def test_a_refused_change_is_not_reopened_if_its_document_has_a_newer_plan(connection: Connection) -> None:
    ids = list(recorded(connection, a_change(total=1)).ids.values())
    Leases(connection, an_instance()).refuse(claimed(connection)[0], "Odoo says no", utc_now())
    recorded(connection, a_change(total=2))
    assert decisions.reopen(connection, ids, "bob") == 0
    assert states(connection) == ["refused", "planned"]


def test_a_refused_change_is_not_reopened_once_its_request_is_erased(connection: Connection) -> None:
    ids = list(recorded(connection, a_change()).ids.values())
    Leases(connection, an_instance()).refuse(claimed(connection)[0], "Odoo says no", utc_now())
    connection.execute(text("update change_body set request = null"))
    assert decisions.reopen(connection, ids, "bob") == 0
    assert states(connection) == ["refused"]


def test_a_person_releases_what_the_gate_holds_and_nothing_else(connection: Connection) -> None:
    outcome = recorded(connection, a_change(), a_change(source="21", order="2"), release=False)
    held, unchecked = (outcome.ids["odoo_invoice", source] for source in ("11", "21"))
    (row,) = (row for row in Verdicts(connection, "us").unchecked() if row.id == held)
    Verdicts(connection, "us").hold([(row.id, row.request_hash)], "totals")
    assert decisions.release_by_person(connection, [held, unchecked], "ann", "looked at it") == 1
    assert [change.id for change in claimed(connection)] == [held]
    reasons = connection.scalars(text("select reason from change where id = :id"), {"id": held})
    assert list(reasons) == ["released by ann: looked at it (was held by totals)"]


def test_a_kind_is_due_while_it_has_changes_to_write_or_to_resolve(connection: Connection) -> None:
    kinds = [kind.value for kind in ChangeKind]
    recorded(connection, a_change(), a_change(PAYMENT, source="12"))
    delivery = a_change(ChangeKind.ODOO_DELIVERY, source="13")
    recorded(connection, a_change(), a_change(PAYMENT, source="12"), delivery, release=False)
    assert set(Leases(connection, an_instance()).due_kinds(kinds, utc_now())) == {INVOICE.value, PAYMENT.value}
    assert Leases(connection, an_instance()).due_kinds([PAYMENT.value], utc_now()) == [PAYMENT.value]
    for change in claimed(connection):
        Leases(connection, an_instance()).done({change: Outcome("7", "INV/7")}, utc_now())
    assert Leases(connection, an_instance()).due_kinds(kinds, utc_now()) == []
