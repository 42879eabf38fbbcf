"""Own the tables change and change_body: the changes in the ledger.

    planned ──approve──> approved
       └────────┬──────────┘
              claim                     (verdict released, approval given, one writer per order)
                v
             leased ── done | refused | failed | superseded
                │  ╲── back to planned  (nothing was written)
                v
            uncertain ── claim again after the settle time, which starts with a probe

Nothing here commits: the caller does. What concerns the changes of one instance is a method of `Changes`; what names its
rows by id, or concerns every instance, is a function.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic

from sqlalchemy import Connection, text
from typing_extensions import TypeVar

from magodoo.domain.kinds import Change, ChangeKind, requires
from magodoo.domain.vocabulary import BEGUN, NOT_BEGUN, OPEN_STATES, ChangeState
from magodoo.erasing import erase_words
from magodoo.errors import InvariantError
from magodoo.ledger.planned import Prepared
from magodoo.money import dump_json, parse_json

Key = tuple[str, str]  # (change kind, source id)
RequestT = TypeVar("RequestT", covariant=True, default=Any)


class LeaseLost(InvariantError):
    """Report that another worker holds the order by now: this one may not write or commit anything for it."""


@dataclass(frozen=True, eq=False)
class LeasedChange(Generic[RequestT]):
    """Hold a change that this worker, and no other, may carry out until its lease ends.

    Attributes:
        amount: Units of 1/10000 of `currency`.
        request: As the ledger stores it; the executor hands writers their flow's `Request`.
        series_day: Its place in the numbering of its journal; None for what has none.
        resumed: An earlier attempt may have written.
        may_write: False when it was claimed only to find out whether it was written.
    """

    id: int
    instance: str
    kind: ChangeKind
    order_key: str
    order_number: str
    source_id: str
    source_number: str
    document_kind: str
    amount: int
    currency: str
    request: RequestT
    request_hash: str
    series_day: date | None
    token: int
    resumed: bool
    may_write: bool
    attempts: int

    @property
    def place(self) -> tuple[int, date, int]:
        """Return its position in a run: by step, then by its date in the numbering of its journal, then as planned."""
        return self.kind.step, self.series_day or date.min, self.id

    @property
    def document(self) -> str:
        """Return the source document as text for log lines: `invoice 000000012`."""
        return f"{self.document_kind} {self.source_number or self.source_id}"

    def __str__(self) -> str:
        return f"[{self.instance}] {self.kind.value} for {self.document}"


@dataclass
class Recorded:
    """Hold the result of recording a plan: ids of its open changes by key, and why the others have none."""

    ids: dict[Key, int] = field(default_factory=dict)
    refused: dict[Key, str] = field(default_factory=dict)
    inserted: int = 0
    kept: int = 0
    superseded: int = 0


class Changes:
    """Write and read the changes of one instance, in one transaction."""

    def __init__(self, connection: Connection, instance: str) -> None:
        self.connection, self.instance = connection, instance

    def record(
        self,
        prepared: Sequence[Prepared],
        dag_run: str,
        order_keys: Collection[str] = (),
        *,
        now: datetime,
    ) -> Recorded:
        """Store the plan for `order_keys` and every order in `prepared`; return what became of each change.

        One open change per key: the same request is kept with its verdict and approval, another one supersedes it unless
        it is leased, uncertain or half done. Open changes of these orders that are no longer planned are superseded,
        except those that are half done. A request that was refused is not planned again until it changes.
        """
        planned = {item.key: item for item in prepared if item.request is not None}
        orders = sorted({*order_keys, *(item.planned.order_key for item in prepared)})
        open_rows, ended = self._open_and_refused(orders)
        recorded = Recorded()
        gone = [
            row["id"] for key, row in open_rows.items()
            if key not in planned and row["state"] in NOT_BEGUN and not row["target_id"]
        ]  # fmt: skip
        fresh: list[Prepared] = []
        for key, item in planned.items():
            row, last = open_rows.get(key), ended.get(key)
            if row is not None and (row["request_hash"] == item.request_hash or _is_begun(row)):
                recorded.ids[key] = row["id"]
                recorded.kept += 1
            elif row is None and last is not None and last["request_hash"] == item.request_hash:
                recorded.refused[key] = last["reason"] or "refused"
            else:
                gone += [row["id"]] if row is not None else []
                fresh.append(item)
        recorded.superseded = self._supersede(gone, now)
        recorded.ids |= self._insert(fresh, dag_run, now)
        recorded.inserted = len(fresh)
        return recorded

    def refused_before(self, prepared: Sequence[Prepared]) -> dict[Key, str]:
        """Return, by key, why unchanged requests were refused, or rejected by a person: they are not planned again."""
        orders = sorted({item.planned.order_key for item in prepared})
        open_rows, ended = self._open_and_refused(orders)
        return {
            item.key: ended[item.key]["reason"] or "refused"
            for item in prepared
            if item.key in ended and item.key not in open_rows and ended[item.key]["request_hash"] == item.request_hash
        }

    def half_done(self, orders: Collection[str]) -> list[Any]:
        """Return the open changes of these orders of which something is posted while its last step is refused, with the reason."""
        statement = (
            "select kind, source_id, source_number, document_kind, order_key, order_number, amount, currency, reason from change"
            " where instance = :instance and order_key = any(:orders) and state = any(:open) and target_id is not null order by id"
        )
        values = {"instance": self.instance, "orders": list(orders), "open": list(OPEN_STATES)}
        return list(self.connection.execute(text(statement), values))

    def supersede_dependants(self, order_key: str, ended: Change, now: datetime) -> int:
        """Supersede what requires a change that ended undone, and what requires that in turn; return how many.

        Otherwise the next run would refuse them permanently: they would be written before what they require. What only waits
        while another is open keeps its verdict and its approval.
        """
        rows = self.connection.execute(
            text(
                "select id, kind, source_id from change where instance = :instance and order_key = :order and state = any(:open)"
                " order by step for update"
            ),
            {"instance": self.instance, "order": order_key, "open": list(OPEN_STATES)},
        )
        undone, ids = [ended], []
        for change_id, kind, source_id in rows:  # by step: what is required comes first
            change = (ChangeKind(kind), source_id)
            if any(requires(change, earlier) for earlier in undone):
                undone.append(change)
                ids.append(change_id)
        statement = (
            "update change set state = 'superseded', finished_at = :now, reason = :reason"
            " where id = any(:ids) and state in ('planned', 'approved')"
        )
        reason = f"an earlier change of the order was not made ({ended[0].value}): planned anew"
        return (
            self.connection.execute(text(statement), {"ids": ids, "reason": reason, "now": now}).rowcount if ids else 0
        )

    def open_of(self, order_keys: Sequence[str]) -> tuple[list[int], list[str]]:
        """Return the ids of changes that are planned or approved, and the keys of orders with a change in progress.

        A change in progress (leased or uncertain) must end before its order is erased.
        """
        rows = self.connection.execute(
            text("""select id, order_key, state from change where instance = :instance and order_key = any(:orders)
                and state in ('planned', 'approved', 'leased', 'uncertain')"""),
            {"instance": self.instance, "orders": list(order_keys)},
        ).all()
        planned = [row.id for row in rows if row.state in NOT_BEGUN]
        return planned, sorted({row.order_key for row in rows if row.state in BEGUN})

    def erase(self, order_keys: Sequence[str], words: Sequence[str]) -> dict[str, int]:
        """Blank what the changes of these orders sent and did, and the words in every reason; return row counts by table."""
        statement = f"{_BLANK} where change_id in (select id from change where instance = :instance and order_key = any(:orders))"
        bodies = self.connection.execute(
            text(statement), {"instance": self.instance, "orders": list(order_keys)}
        ).rowcount
        return {
            "change_body": bodies,
            "change": erase_words(self.connection, "change", ("reason", "approval_reason"), words),
        }

    def done(self, kind: ChangeKind, source_ids: Sequence[str]) -> set[str]:
        """Return the sources of which a change of this kind was done."""
        statement = "select distinct source_id from change where instance = :instance and kind = :kind and source_id = any(:ids) and state = :done"
        values = {"instance": self.instance, "kind": kind.value, "ids": list(source_ids), "done": ChangeState.DONE}
        return set(self.connection.scalars(text(statement), values))

    def _open_and_refused(self, orders: list[str]) -> tuple[dict[Key, Any], dict[Key, Any]]:
        """Return the open changes of the orders, locked, and the latest change of each key if that was refused."""
        where = {"instance": self.instance, "orders": orders}
        lock = "select 1 from change where instance = :instance and order_key = any(:orders) and state = any(:open) for update"
        self.connection.execute(text(lock), {**where, "open": list(OPEN_STATES)})
        rows = self.connection.execute(
            text(
                "select distinct on (kind, source_id) id, kind, source_id, state, request_hash, reason, target_id from change"
                " where instance = :instance and order_key = any(:orders) order by kind, source_id, id desc"
            ),
            where,
        ).mappings()
        open_rows: dict[Key, Any] = {}
        ended: dict[Key, Any] = {}
        for row in rows:
            if row["state"] in OPEN_STATES:
                open_rows[row["kind"], row["source_id"]] = row
            elif row["state"] == ChangeState.REFUSED:
                ended[row["kind"], row["source_id"]] = row
        return open_rows, ended

    def _supersede(self, ids: list[int], now: datetime) -> int:
        statement = (
            "update change set state = 'superseded', finished_at = :now"
            " where id = any(:ids) and state in ('planned', 'approved')"
        )
        return self.connection.execute(text(statement), {"ids": ids, "now": now}).rowcount if ids else 0

    def _insert(self, items: Sequence[Prepared], dag_run: str, now: datetime) -> dict[Key, int]:
        """Insert new changes with their bodies in one statement; return their ids by key, in the order of the plan."""
        if not items:
            return {}
        rows = [
            {
                "place": place, "kind": plan.kind.value, "target": plan.kind.target.value, "step": plan.kind.step,
                "order_key": plan.order_key, "order_number": plan.order_number, "source_id": plan.source_id,
                "source_number": plan.source_number, "document_kind": str(plan.document_kind), "amount": plan.amount,
                "currency": plan.currency, "company_amount": plan.company_amount, "request_hash": item.request_hash,
                "closed": bool(request.get("closed_period")), "series_day": str(series_day(plan.kind, request) or "") or None,
                "request": request, "calls": list(item.calls), "evidence": dict(item.evidence) or None,
            }
            for place, item in enumerate(items)
            for plan, request in ((item.planned, item.stored or {}),)
        ]  # fmt: skip
        written = self.connection.execute(
            text(_INSERT), {"instance": self.instance, "dag_run": dag_run, "now": now, "rows": dump_json(rows)}
        )
        return {(kind, source_id): change_id for change_id, kind, source_id in written}


def _is_begun(row: Mapping[str, Any]) -> bool:
    """Return whether an open change is being written, may have been, or has posted something."""
    return row["state"] in BEGUN or bool(row["target_id"])


def series_day(kind: ChangeKind, request: Mapping[str, Any]) -> date | None:
    """Return the date that gives a document its place in the numbering of its journal; None for every other change.

    A document dated today, because its numbering has passed its own date, comes after everything that keeps its date.
    """
    day = request.get("date") if kind.entry.in_series else None
    if not day:
        return None
    return date.max if request.get("dated_today") else date.fromisoformat(day)


_PLAN = """kind, target, step, order_key, order_number, source_id, source_number, document_kind, amount, currency, company_amount,
    request_hash, series_day, evidence"""
_INSERT = f"""
    with incoming as (
        select * from jsonb_to_recordset(cast(:rows as jsonb)) as r (place integer, kind text, target text, step smallint,
            order_key text, order_number text, source_id text, source_number text, document_kind text, amount bigint,
            currency text, company_amount bigint, request_hash text, series_day date, closed boolean, request jsonb, calls jsonb, evidence jsonb)),
    written as (
        insert into change (instance, dag_run, planned_at, {_PLAN}, approval, approval_reason)
        select :instance, :dag_run, :now, {_PLAN}, case when closed then 'waiting' else 'not_needed' end,
            case when closed then 'its date lies in a closed period' end
        from incoming order by place
        returning id, kind, source_id),
    bodies as (
        insert into change_body (change_id, request, calls)
        select id, request, calls from written join incoming using (kind, source_id))
    select id, kind, source_id from written"""


def body(connection: Connection, change_id: int) -> dict[str, Any]:
    """Return request, calls, before and after of a change; blanked parts are None."""
    row = connection.execute(
        text("select request::text, calls::text, before::text, after::text from change_body where change_id = :id"),
        {"id": change_id},
    ).one()
    return {name: None if value is None else parse_json(value) for name, value in row._mapping.items()}


def notified(connection: Connection, change_ids: Collection[int], why: str, now: datetime) -> None:
    """Record that a person was notified of these changes, and why each needs one: each is reported once for a reason."""
    connection.execute(
        text("update change set told_at = :now, told_for = :why where id = any(:ids)"),
        {"now": now, "why": why, "ids": list(change_ids)},
    )


def forget(connection: Connection, before: datetime) -> int:
    """Blank what changes that ended before this time sent and did; return how many."""
    statement = f"""{_BLANK} from change where change.id = change_id and finished_at < :before
        and state not in ('planned', 'approved', 'leased', 'uncertain') and coalesce(request, calls, before, after) is not null"""
    return connection.execute(text(statement), {"before": before}).rowcount


def forget_evidence(connection: Connection, before: datetime) -> int:
    """Blank the evidence of changes that ended before this time; return how many."""
    statement = """update change set evidence = null where evidence is not null and finished_at < :before
        and state not in ('planned', 'approved', 'leased', 'uncertain')"""
    return connection.execute(text(statement), {"before": before}).rowcount


_BLANK = "update change_body set request = null, calls = null, before = null, after = null"
