"""Lease and end changes: one writer per order, a fencing token on every commit.

A worker that carries changes out uses this: claim, renew right before each write, and record the outcome of each. While it
lives it prolongs its leases every few seconds (`magodoo.ledger.heartbeat`), so that what a dead one holds is free within a minute; from
the renewal before a write until that write's outcome is recorded the order stays closed for the instance's whole `lease_seconds`.

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
from magodoo.ledger.changes import Changes, LeasedChange, LeaseLost
from magodoo.money import dump_json, parse_json
from magodoo.settings import Instance
from magodoo.settings.model import Mode
from magodoo.staging.work_queue import WorkQueue

ALIVE_SECONDS = 60
"""For how long a worker has an order of which no write is begun, unless it prolongs its lease."""


def alive_seconds(instance: Instance) -> int:
    """Return for how long a worker of this instance is believed to live after its last sign."""
    return min(ALIVE_SECONDS, instance.lease_seconds)


@dataclass(frozen=True)
class Outcome:
    """Hold what a change left in its target: id and number there, and its state before and after."""

    target_id: str
    target_number: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


class Leases:
    """Lease the changes of one instance, and end or return them, in one transaction."""

    def __init__(self, connection: Connection, instance: Instance) -> None:
        self.connection, self.instance = connection, instance

    def claim(
        self,
        target: Side,
        limit: int,
        holder: str,
        seconds: int,
        order_keys: Collection[str] | None = None,
        kinds: Collection[ChangeKind] | None = None,
        skip: Collection[str] = (),
        tried_changes: Collection[int] = (),
        *,
        now: datetime,
    ) -> list[LeasedChange]:
        """Lease due changes of up to `limit` orders for one target for some seconds, and return them in step order within each order.

        Only changes whose verdict, approval and mode allow it; an uncertain change or an expired lease is claimed
        regardless of these, to find out whether it was written. An order with an uncertain change inside its settle time
        is closed. `skip` and `tried_changes` are orders and changes that this run has processed already. Documents
        that are numbered by date are written earliest first, over all batches: one that is dated after a waiting document
        of another order is left for a later batch (`left`).
        """
        wanted = self._wanted(target, order_keys, kinds, now) | {"tried_changes": list(tried_changes)}
        leased: list[LeasedChange] = []
        tried = list(skip)
        while len({change.order_key for change in leased}) < limit:
            candidates = list(self.connection.scalars(text(_CANDIDATES), {**wanted, "tried": tried, "limit": limit}))
            if not candidates:
                break
            tried += candidates
            tokens = self._take_orders(candidates, holder, seconds)
            until = self.connection.scalar(text(_NEXT_DAY), {**wanted, "tried": tried})
            ready = self._ready(wanted, list(tokens), until or date.max)
            leased += self._lease(ready, tokens, holder, seconds)
            idle = set(tokens) - {change.order_key for change in leased}
            self.release({order: tokens[order] for order in idle})
        return sorted(leased, key=lambda change: change.place)

    def left(
        self,
        target: Side,
        changes: Collection[LeasedChange],
        tried: Collection[int],
        kinds: Collection[ChangeKind] | None = None,
        *,
        now: datetime,
    ) -> set[str]:
        """Return the orders of a batch of which due documents were left for a later one; `tried` are changes that the run has processed."""
        orders = sorted({change.order_key for change in changes})
        wanted = self._wanted(target, None, kinds, now) | {"in_orders": orders, "tried_changes": list(tried)}
        return set(self.connection.scalars(text(_LEFT), wanted))

    def due_kinds(self, kinds: Collection[str], now: datetime) -> list[str]:
        """Return the kinds that have changes to be written or probed now."""
        values = {"instance": self.instance.id, "kinds": list(kinds), "approved_after": self._approved_after(now)}
        statement = f"select distinct kind from change where instance = :instance and {_DUE}"
        return list(self.connection.scalars(text(statement), values))

    def renew(self, changes: Collection[LeasedChange], lease_seconds: int) -> set[int]:
        """Extend leases by compare-and-set and count the attempt, right before a write; return the ids that are still ours."""
        values = {
            "instance": self.instance.id,
            "ids": [change.id for change in changes],
            "orders": [change.order_key for change in changes],
            "tokens": [change.token for change in changes],
            "seconds": lease_seconds,
        }
        return set(self.connection.scalars(text(_RENEW), values))

    def prolong(self, tokens: Mapping[str, int], seconds: int) -> int:
        """Extend the leases of these orders and of their leased changes, where they are still ours; return how many orders.

        Nothing is shortened, and what has ended stays ended: another worker may have it. A row that is locked, by a write of this
        worker or by a claim, is left out until the next time.
        """
        values = {
            "instance": self.instance.id, "orders": list(tokens), "tokens": list(tokens.values()), "seconds": seconds,
        }  # fmt: skip
        kept = self.connection.execute(text(_PROLONG_ORDERS), values).rowcount
        self.connection.execute(text(_PROLONG_CHANGES), values)
        return kept

    def held(self, changes: Collection[LeasedChange]) -> set[int]:
        """Return which of the changes are still leased under our tokens; they and their orders are locked until the transaction ends."""
        self.connection.execute(  # orders first, as a claim and a renewal do
            text(
                "select 1 from order_lease where instance = :instance and order_key = any(:orders) order by order_key for update"
            ),
            {"instance": self.instance.id, "orders": sorted({change.order_key for change in changes})},
        )
        rows = self.connection.execute(
            text("select id, lease_token from change where id = any(:ids) and state = 'leased' order by id for update"),
            {"ids": [change.id for change in changes]},
        )
        tokens: dict[int, int] = {id: token for id, token in rows}
        return {change.id for change in changes if tokens.get(change.id) == change.token}

    def done(self, outcomes: Mapping[LeasedChange, Outcome], now: datetime) -> None:
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
        half_done = text("select distinct order_key from change where id = any(:ids) and target_id is not null")
        if orders := list(self.connection.scalars(half_done, values)):  # the next reconcile resolves their findings
            WorkQueue(self.connection, self.instance.id).bump(orders)
        self._write_ended(outcomes)
        if self.connection.execute(text(_DONE), values).rowcount != len(outcomes):
            raise LeaseLost(f"{', '.join(map(str, outcomes))}: not all leases are ours any more")

    def refuse(self, change: LeasedChange, reason: str, now: datetime) -> None:
        """End a change as refused, and mark its order for reconciling: its finding gets the reason, and what requires it is superseded.

        This request is not planned again.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        WorkQueue(self.connection, self.instance.id).bump([change.order_key])
        self._end(change, ChangeState.REFUSED, reason, now)
        self._supersede_dependants(change, now)

    def fail(self, change: LeasedChange, reason: str, now: datetime) -> None:
        """End a change as failed: a person must fix a setting or a right; the next plan tries again.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        self._end(change, ChangeState.FAILED, reason, now)
        if self._supersede_dependants(change, now):
            WorkQueue(self.connection, self.instance.id).bump([change.order_key])

    def drop(self, change: LeasedChange, reason: str, now: datetime) -> None:
        """End a change as superseded because its documents changed, and mark its order for reconciling.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        WorkQueue(self.connection, self.instance.id).bump([change.order_key])
        self._end(change, ChangeState.SUPERSEDED, reason, now)
        self._supersede_dependants(change, now)

    def uncertain(self, change: LeasedChange, reason: str, settle_seconds: int) -> None:
        """Mark a change that may have been written, and close its order to writes for the settle time.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        assignments = "state = 'uncertain', reason = :reason, not_before = now() + make_interval(secs => :seconds), lease_until = null"
        self._set(change, assignments, reason=reason, seconds=settle_seconds)

    def put_back(self, change: LeasedChange, reason: str | None, delay_seconds: int = 0) -> None:
        """Put a change of which nothing was written back to planned (or uncertain, if an earlier attempt was).

        Raises:
            LeaseLost: The lease went to another worker.
        """
        assignments = (
            "state = case when :resumed then 'uncertain' when approval = 'approved' then 'approved' else 'planned' end,"
            " reason = :reason, not_before = now() + make_interval(secs => :seconds), lease_until = null"
        )
        self._set(change, assignments, resumed=change.resumed, reason=reason, seconds=delay_seconds)

    def half_done(
        self, change: LeasedChange, reason: str, target_id: int, target_number: str, delay_seconds: int
    ) -> None:
        """Put a change back to planned with the record that it posted; the rest was refused.

        The order is reconciled again, so that a finding names it.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        WorkQueue(self.connection, self.instance.id).bump([change.order_key])
        assignments = (
            "state = case when approval = 'approved' then 'approved' else 'planned' end, target_id = :target, target_number = :number,"
            " reason = :reason, not_before = now() + make_interval(secs => :seconds), lease_until = null"
        )
        known = {"target": str(target_id), "number": target_number}
        self._set(change, assignments, reason=reason, seconds=delay_seconds, **known)

    def resolve_absent(self, change: LeasedChange) -> None:
        """Put an uncertain change that was not written, and may not be written now, back to planned.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        self._set(change, "state = 'planned', reason = null, not_before = null, lease_until = null")

    def release(self, tokens: Mapping[str, int]) -> None:
        """End the order leases that are still ours."""
        values = {"instance": self.instance.id, "orders": list(tokens), "tokens": list(tokens.values())}
        self.connection.execute(text(_RELEASE), values)

    def _wanted(
        self,
        target: Side,
        order_keys: Collection[str] | None,
        kinds: Collection[ChangeKind] | None,
        now: datetime,
    ) -> dict[str, Any]:
        return {
            "instance": self.instance.id, "target": target.value, "kinds": self._applied(kinds),
            "approved_after": self._approved_after(now), "every_order": order_keys is None, "orders": list(order_keys or ()),
        }  # fmt: skip

    def _approved_after(self, now: datetime) -> datetime:
        """Return since when an approval was given if it has not expired."""
        return now - timedelta(hours=self.instance.limits.approval_expires_hours)

    def _applied(self, kinds: Collection[ChangeKind] | None) -> list[str]:
        return [kind.value for kind in kinds or ChangeKind if self.instance.mode.of(kind) is Mode.APPLY]

    def _take_orders(self, orders: list[str], holder: str, seconds: int) -> dict[str, int]:
        """Return the orders that no worker holds, each with its new fencing token."""
        values = {"instance": self.instance.id, "orders": orders, "holder": holder, "seconds": seconds}
        self.connection.execute(
            text(
                "insert into order_lease (instance, order_key, token, holder, until)"
                " select :instance, order_key, 0, '', '-infinity' from unnest(cast(:orders as text[])) as wanted (order_key)"
                " order by order_key on conflict do nothing"
            ),
            values,
        )
        rows = self.connection.execute(text(_TAKE), values)
        return {order: token for order, token in rows}

    def _ready(self, wanted: Mapping[str, Any], orders: list[str], until: date) -> list[Mapping[str, Any]]:
        """Return the due changes of the orders that no earlier open change holds back; numbered documents only up to `until`."""
        rows = self.connection.execute(
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

    def _lease(
        self, rows: list[Mapping[str, Any]], tokens: Mapping[str, int], holder: str, seconds: int
    ) -> list[LeasedChange]:
        values = {
            "ids": [row["id"] for row in rows], "tokens": [tokens[row["order_key"]] for row in rows],
            "holder": holder, "seconds": seconds,
        }  # fmt: skip
        self.connection.execute(
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

    def _end(self, change: LeasedChange, state: ChangeState, reason: str, now: datetime) -> None:
        assignments = "state = :state, reason = :reason, finished_at = :now, lease_until = null"
        self._set(change, assignments, state=state, reason=reason, now=now)

    def _supersede_dependants(self, change: LeasedChange, now: datetime) -> int:
        ended = (change.kind, change.source_id)
        return Changes(self.connection, self.instance.id).supersede_dependants(change.order_key, ended, now)

    def _write_ended(self, changes: Collection[LeasedChange]) -> None:
        """Shorten the leases of orders to the worker's sign of life, unless a write of another of their changes is open."""
        values = {
            "instance": self.instance.id, "ids": [change.id for change in changes], "seconds": alive_seconds(self.instance),
            "orders": [change.order_key for change in changes], "tokens": [change.token for change in changes],
        }  # fmt: skip
        self.connection.execute(text(_WRITE_ENDED), values)

    def _set(self, change: LeasedChange, assignments: str, **values: Any) -> None:
        """Update the row only while it is leased under our token.

        Raises:
            LeaseLost: The lease went to another worker.
        """
        self._write_ended([change])
        statement = f"update change set {assignments} where id = :id and lease_token = :token and state = 'leased'"
        if self.connection.execute(text(statement), {"id": change.id, "token": change.token, **values}).rowcount != 1:
            raise LeaseLost(f"{change}: the lease went to another worker")


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

_HELD = "unnest(cast(:orders as text[]), cast(:tokens as bigint[])) held (order_key, token)"
_PROLONG_ORDERS = f"""
update order_lease set until = greatest(order_lease.until, now() + make_interval(secs => :seconds)) from (
    select order_key from order_lease join {_HELD} using (order_key, token)
    where instance = :instance and until > now() order by order_key for update of order_lease skip locked) ours
where instance = :instance and order_lease.order_key = ours.order_key"""
_PROLONG_CHANGES = f"""
update change set lease_until = greatest(lease_until, now() + make_interval(secs => :seconds)) from (
    select change.id from change join {_HELD} on change.order_key = held.order_key and change.lease_token = held.token
    where change.instance = :instance and state = 'leased' and lease_until > now()
    order by change.id for update of change skip locked) ours
where change.id = ours.id"""

_WRITE_ENDED = f"""
update order_lease set until = least(until, greatest(now() + make_interval(secs => :seconds), (
    select max(lease_until) from change where change.instance = order_lease.instance and change.order_key = order_lease.order_key
        and state = 'leased' and lease_token = order_lease.token and change.id <> all(:ids))))
from (select distinct order_key, token from {_HELD}) ended
where instance = :instance and order_lease.order_key = ended.order_key and order_lease.token = ended.token"""

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


def _holds_back(earlier: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return earlier["order_key"] == row["order_key"] and waits_for(
        (ChangeKind(row["kind"]), row["source_id"]), (ChangeKind(earlier["kind"]), earlier["source_id"])
    )
