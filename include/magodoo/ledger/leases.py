"""Lease and end changes: one writer per order, a fencing token on every commit.

A worker that carries changes out uses this: claim, renew right before each write, and record the outcome of each.
Leases and waiting times (`until`, `lease_until`, `not_before`, `written_at`) are counted by the database's clock, the
only one that all workers share (docs/decisions/0007-one-clock.md); everything else by the `now` that is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from magodoo.domain.kinds import ChangeKind, waits_for
from magodoo.domain.vocabulary import BEGUN, OPEN_STATES, ChangeState, Side
from magodoo.ledger import changes
from magodoo.ledger.changes import LeasedChange, LeaseLost
from magodoo.money import dump_json, parse_json
from magodoo.settings import Instance
from magodoo.settings.model import Mode
from magodoo.staging.work_queue import WorkQueue


@dataclass(frozen=True)
class Outcome:
    """Hold what a change left in its target: id and number there, and its state before and after."""

    target_id: str
    target_number: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def claim(
    connection: Connection,
    instance: Instance,
    target: Side,
    limit: int,
    holder: str,
    lease_seconds: int,
    order_keys: Collection[str] | None = None,
    kinds: Collection[ChangeKind] | None = None,
    skip: Collection[str] = (),
    tried_changes: Collection[int] = (),
    *,
    now: datetime,
) -> list[LeasedChange]:
    """Lease due changes of up to `limit` orders for one target, and return them in step order within each order.

    Only changes whose verdict, approval and mode allow it; an uncertain change or an expired lease is claimed
    regardless of these, to find out whether it was written. An order with an uncertain change inside its settle time
    is closed. `skip` and `tried_changes` are orders and changes that this run has processed already. Documents
    that are numbered by date are written earliest first, over all batches: one that is dated after a waiting document
    of another order is left for a later batch (`left`).
    """
    wanted = _wanted(instance, target, order_keys, kinds, now) | {"tried_changes": list(tried_changes)}
    leased: list[LeasedChange] = []
    tried = list(skip)
    while len({change.order_key for change in leased}) < limit:
        candidates = list(connection.scalars(text(_CANDIDATES), {**wanted, "tried": tried, "limit": limit}))
        if not candidates:
            break
        tried += candidates
        tokens = _take_orders(connection, instance.id, candidates, holder, lease_seconds)
        until = connection.scalar(text(_NEXT_DAY), {**wanted, "tried": tried})
        ready = _ready(connection, wanted, list(tokens), until or date.max)
        leased += _lease(connection, ready, tokens, holder, lease_seconds)
        idle = set(tokens) - {change.order_key for change in leased}
        release(connection, instance.id, {order: tokens[order] for order in idle})
    return sorted(leased, key=lambda change: change.place)


def due_kinds(connection: Connection, instance: Instance, kinds: Collection[str], now: datetime) -> list[str]:
    """Return the kinds that have changes to be written or probed now."""
    values = {"instance": instance.id, "kinds": list(kinds), "approved_after": _approved_after(instance, now)}
    statement = f"select distinct kind from change where instance = :instance and {_DUE}"
    return list(connection.scalars(text(statement), values))


def renew(connection: Connection, changes: Collection[LeasedChange], lease_seconds: int) -> set[int]:
    """Extend leases by compare-and-set and count the attempt, right before a write; return the ids that are still ours."""
    values = {
        "instance": next(iter(changes)).instance,
        "ids": [change.id for change in changes],
        "orders": [change.order_key for change in changes],
        "tokens": [change.token for change in changes],
        "seconds": lease_seconds,
    }
    return set(connection.scalars(text(_RENEW), values))


def held(connection: Connection, changes: Collection[LeasedChange]) -> set[int]:
    """Return which of the changes are still leased under our tokens; their rows are locked until the transaction ends."""
    rows = connection.execute(
        text("select id, lease_token from change where id = any(:ids) and state = 'leased' order by id for update"),
        {"ids": [change.id for change in changes]},
    )
    tokens: dict[int, int] = {id: token for id, token in rows}
    return {change.id for change in changes if tokens.get(change.id) == change.token}


def done(connection: Connection, outcomes: Mapping[LeasedChange, Outcome], now: datetime) -> None:
    """End changes as done, in the transaction that stages the read-back.

    Raises:
        LeaseLost: Not all leases are ours any more.
    """
    values = {
        "ids": [change.id for change in outcomes],
        "tokens": [change.token for change in outcomes],
        "targets": [outcome.target_id for outcome in outcomes.values()],
        "numbers": [outcome.target_number for outcome in outcomes.values()],
        "befores": [dump_json(outcome.before) for outcome in outcomes.values()],
        "now": now,
        "afters": [dump_json(outcome.after) for outcome in outcomes.values()],
    }
    half_done = text("select distinct instance, order_key from change where id = any(:ids) and target_id is not null")
    for instance, order_key in connection.execute(
        half_done, values
    ).all():  # the next reconcile resolves their findings
        WorkQueue(connection, instance).bump([order_key])
    if connection.execute(text(_DONE), values).rowcount != len(outcomes):
        raise LeaseLost(f"{', '.join(map(str, outcomes))}: not all leases are ours any more")


def refuse(connection: Connection, change: LeasedChange, reason: str, now: datetime) -> None:
    """End a change as refused, and mark its order for reconciling: its finding gets the reason, and what requires it is superseded.

    This request is not planned again.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    WorkQueue(connection, change.instance).bump([change.order_key])
    _end(connection, change, ChangeState.REFUSED, reason, now)
    changes.supersede_dependants(connection, change.instance, change.order_key, (change.kind, change.source_id), now)


def fail(connection: Connection, change: LeasedChange, reason: str, now: datetime) -> None:
    """End a change as failed: a person must fix a setting or a right; the next plan tries again.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    _end(connection, change, ChangeState.FAILED, reason, now)
    if changes.supersede_dependants(
        connection, change.instance, change.order_key, (change.kind, change.source_id), now
    ):
        WorkQueue(connection, change.instance).bump([change.order_key])


def drop(connection: Connection, change: LeasedChange, reason: str, now: datetime) -> None:
    """End a change as superseded because its documents changed, and mark its order for reconciling.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    WorkQueue(connection, change.instance).bump([change.order_key])
    _end(connection, change, ChangeState.SUPERSEDED, reason, now)
    changes.supersede_dependants(connection, change.instance, change.order_key, (change.kind, change.source_id), now)


def uncertain(connection: Connection, change: LeasedChange, reason: str, settle_seconds: int) -> None:
    """Mark a change that may have been written, and close its order to writes for the settle time.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    assignments = "state = 'uncertain', reason = :reason, not_before = now() + make_interval(secs => :seconds), lease_until = null"
    _set(connection, change, assignments, reason=reason, seconds=settle_seconds)


def put_back(connection: Connection, change: LeasedChange, reason: str | None, delay_seconds: int = 0) -> None:
    """Put a change of which nothing was written back to planned (or uncertain, if an earlier attempt was).

    Raises:
        LeaseLost: The lease went to another worker.
    """
    assignments = (
        "state = case when :resumed then 'uncertain' when approval = 'approved' then 'approved' else 'planned' end,"
        " reason = :reason, not_before = now() + make_interval(secs => :seconds), lease_until = null"
    )
    _set(connection, change, assignments, resumed=change.resumed, reason=reason, seconds=delay_seconds)


def half_done(
    connection: Connection, change: LeasedChange, reason: str, target_id: int, target_number: str, delay_seconds: int
) -> None:
    """Put a change back to planned with the record that it posted; the rest was refused.

    The order is reconciled again, so that a finding names it.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    WorkQueue(connection, change.instance).bump([change.order_key])
    assignments = (
        "state = case when approval = 'approved' then 'approved' else 'planned' end, target_id = :target, target_number = :number,"
        " reason = :reason, not_before = now() + make_interval(secs => :seconds), lease_until = null"
    )
    known = {"target": str(target_id), "number": target_number}
    _set(connection, change, assignments, reason=reason, seconds=delay_seconds, **known)


def resolve_absent(connection: Connection, change: LeasedChange) -> None:
    """Put an uncertain change that was not written, and may not be written now, back to planned.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    _set(connection, change, "state = 'planned', reason = null, not_before = null, lease_until = null")


def release(connection: Connection, instance: str, tokens: Mapping[str, int]) -> None:
    """End the order leases that are still ours."""
    values = {"instance": instance, "orders": list(tokens), "tokens": list(tokens.values())}
    connection.execute(text(_RELEASE), values)


# A row that may be written: released for this request, approved where approval is needed, its kind in `apply`.
_WRITABLE = """verdict = 'released' and checked_hash = request_hash and kind = any(:kinds)
    and (approval = 'not_needed' or (approval = 'approved' and approved_hash = request_hash
                                     and approved_at > :approved_after))"""
_DUE = f"""((state in ('planned', 'approved') and (not_before is null or not_before <= now()) and {_WRITABLE})
    or (state = 'uncertain' and not_before <= now()) or (state = 'leased' and lease_until < now()))"""

_CANDIDATES = f"""
select order_key from change where instance = :instance and target = :target and {_DUE}
    and id <> all(:tried_changes) and order_key <> all(:tried) and (:every_order or order_key = any(:orders))
    and not exists (select 1 from change busy where busy.instance = change.instance and busy.order_key = change.order_key
        and ((busy.state = 'uncertain' and busy.not_before > now()) or (busy.state = 'leased' and busy.lease_until >= now())))
group by order_key order by min(series_day) nulls first, min(id) limit :limit"""

# The first date in the numbering of the journal that orders outside of a batch wait with: nothing later may be posted before it.
_NEXT_DAY = f"""
select min(series_day) from change where instance = :instance and target = :target and {_DUE}
    and id <> all(:tried_changes) and order_key <> all(:tried) and (:every_order or order_key = any(:orders))"""

# Orders of which documents were left for a later batch, because others are dated before them.
_LEFT = f"""
select distinct order_key from change where instance = :instance and target = :target and {_DUE}
    and order_key = any(:in_orders) and id <> all(:tried_changes) and series_day is not null"""

_TAKE = """
update order_lease set token = nextval('lease_token'), holder = :holder, until = now() + make_interval(secs => :seconds)
where instance = :instance and order_key in (
    select order_key from order_lease where instance = :instance and order_key = any(:orders) and until < now()
    order by order_key for update skip locked)
returning order_key, token"""

_RENEW = """
with wanted as (
    select * from unnest(cast(:ids as bigint[]), cast(:orders as text[]), cast(:tokens as bigint[])) wanted (id, order_key, token)
), kept as (
    update order_lease set until = now() + make_interval(secs => :seconds)
    from (select distinct order_key, token from wanted) held
    where instance = :instance and order_lease.order_key = held.order_key and order_lease.token = held.token and until > now()
    returning order_lease.order_key, order_lease.token
)
update change set written_at = now(), attempts = attempts + 1, lease_until = now() + make_interval(secs => :seconds)
from wanted join kept using (order_key, token)
where change.id = wanted.id and change.lease_token = wanted.token and change.state = 'leased'
returning change.id"""

_DONE = """
with ended as (
    select * from unnest(cast(:ids as bigint[]), cast(:tokens as bigint[]), cast(:targets as text[]), cast(:numbers as text[]),
        cast(:befores as jsonb[]), cast(:afters as jsonb[])) ended (id, token, target_id, target_number, before, after)
), finished as (
    update change set state = 'done', reason = null, finished_at = :now, lease_until = null,
        target_id = ended.target_id, target_number = ended.target_number
    from ended where change.id = ended.id and change.lease_token = ended.token and change.state = 'leased'
    returning change.id
)
update change_body set before = ended.before, after = ended.after from ended join finished using (id)
where change_body.change_id = ended.id"""

_RELEASE = """
update order_lease set until = now(), holder = '' from (
    select order_key, token from order_lease join unnest(cast(:orders as text[]), cast(:tokens as bigint[])) held (order_key, token)
        using (order_key, token) where instance = :instance order by order_key for update of order_lease) ours
where instance = :instance and order_lease.order_key = ours.order_key and order_lease.token = ours.token"""

_COLUMNS = """change.id, instance, kind, order_key, order_number, source_id, source_number, document_kind, amount, currency,
    request_hash, attempts, state, target, step, series_day"""


def left(
    connection: Connection,
    instance: Instance,
    target: Side,
    changes: Collection[LeasedChange],
    tried: Collection[int],
    kinds: Collection[ChangeKind] | None = None,
    *,
    now: datetime,
) -> set[str]:
    """Return the orders of a batch of which due documents were left for a later one; `tried` are changes that the run has processed."""
    orders = sorted({change.order_key for change in changes})
    wanted = _wanted(instance, target, None, kinds, now) | {"in_orders": orders, "tried_changes": list(tried)}
    return set(connection.scalars(text(_LEFT), wanted))


def _wanted(
    instance: Instance,
    target: Side,
    order_keys: Collection[str] | None,
    kinds: Collection[ChangeKind] | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "instance": instance.id, "target": target.value, "kinds": _applied(instance, kinds),
        "approved_after": _approved_after(instance, now), "every_order": order_keys is None, "orders": list(order_keys or ()),
    }  # fmt: skip


def _approved_after(instance: Instance, now: datetime) -> datetime:
    """Return since when an approval was given if it has not expired."""
    return now - timedelta(hours=instance.limits.approval_expires_hours)


def _applied(instance: Instance, kinds: Collection[ChangeKind] | None) -> list[str]:
    return [kind.value for kind in kinds or ChangeKind if instance.mode.of(kind) is Mode.APPLY]


def _take_orders(connection: Connection, instance: str, orders: list[str], holder: str, seconds: int) -> dict[str, int]:
    """Return the orders that no worker holds, each with its new fencing token."""
    values = {"instance": instance, "orders": orders, "holder": holder, "seconds": seconds}
    connection.execute(
        text(
            "insert into order_lease (instance, order_key, token, holder, until)"
            " select :instance, order_key, 0, '', '-infinity' from unnest(cast(:orders as text[])) as wanted (order_key)"
            " order by order_key on conflict do nothing"
        ),
        values,
    )
    rows = connection.execute(text(_TAKE), values)
    return {order: token for order, token in rows}


def _ready(
    connection: Connection, wanted: Mapping[str, Any], orders: list[str], until: date
) -> list[Mapping[str, Any]]:
    """Return the due changes of the orders that no earlier open change holds back; numbered documents only up to `until`."""
    rows = connection.execute(
        text(
            f"select {_COLUMNS}, ({_DUE} and change.id <> all(:tried_changes)) as due, ({_WRITABLE}) as may_write, body.request::text as request"
            " from change join change_body body on body.change_id = change.id"
            " where instance = :instance and order_key = any(:in_orders) and state = any(:open)"
            " order by change.id for update of change"
        ),
        {**wanted, "in_orders": orders, "open": list(OPEN_STATES)},
    ).mappings()
    ready: list[Mapping[str, Any]] = []
    waiting: list[Mapping[str, Any]] = []
    for row in sorted((dict(row) for row in rows), key=lambda row: (row["order_key"], row["step"], row["id"])):
        held_back = any(_holds_back(earlier, row) for earlier in waiting)
        in_turn = row["series_day"] is None or row["series_day"] <= until
        if row["due"] and row["target"] == wanted["target"] and in_turn and not held_back:
            ready.append(row)
        else:
            waiting.append(row)
    return ready


def _holds_back(earlier: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return earlier["order_key"] == row["order_key"] and waits_for(
        (ChangeKind(row["kind"]), row["source_id"]), (ChangeKind(earlier["kind"]), earlier["source_id"])
    )


def _lease(
    connection: Connection, rows: list[Mapping[str, Any]], tokens: Mapping[str, int], holder: str, seconds: int
) -> list[LeasedChange]:
    values = {
        "ids": [row["id"] for row in rows], "tokens": [tokens[row["order_key"]] for row in rows],
        "holder": holder, "seconds": seconds,
    }  # fmt: skip
    connection.execute(
        text(
            "update change set state = 'leased', lease_token = taken.token, leased_by = :holder, not_before = null,"
            " lease_until = now() + make_interval(secs => :seconds)"
            " from unnest(cast(:ids as bigint[]), cast(:tokens as bigint[])) taken (id, token) where change.id = taken.id"
        ),
        values,
    )
    leased = []
    for row in rows:
        known = {name: row[name] for name in LeasedChange.__dataclass_fields__ if name in row}
        known |= {"kind": ChangeKind(row["kind"]), "request": parse_json(row["request"] or "{}")}
        leased.append(LeasedChange(**known, token=tokens[row["order_key"]], resumed=row["state"] in BEGUN))
    return leased


def _end(connection: Connection, change: LeasedChange, state: ChangeState, reason: str, now: datetime) -> None:
    assignments = "state = :state, reason = :reason, finished_at = :now, lease_until = null"
    _set(connection, change, assignments, state=state, reason=reason, now=now)


def _set(connection: Connection, change: LeasedChange, assignments: str, **values: Any) -> None:
    """Update the row only while it is leased under our token.

    Raises:
        LeaseLost: The lease went to another worker.
    """
    statement = f"update change set {assignments} where id = :id and lease_token = :token and state = 'leased'"
    if connection.execute(text(statement), {"id": change.id, "token": change.token, **values}).rowcount != 1:
        raise LeaseLost(f"{change}: the lease went to another worker")
