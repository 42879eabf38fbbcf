"""Record verdicts and approvals: what the quality gate and people decide about planned changes.

A decision is about one request: it is written with the request's hash, and a request that has changed needs a new
one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from magodoo import decision_log
from magodoo.decision_log import Decision
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Verdict
from magodoo.ledger.changes import Changes
from magodoo.staging.work_queue import WorkQueue

# The gate


@dataclass(frozen=True)
class Unchecked:
    """Hold what the gate judges: a planned change, by id and request; amount in units."""

    id: int
    request_hash: str
    kind: ChangeKind
    document_kind: str
    order_key: str
    source_id: str
    amount: int
    currency: str


class Verdicts:
    """Read what the gate has to judge, and write its verdicts on the changes of one instance, in one transaction."""

    def __init__(self, connection: Connection, instance: str) -> None:
        self.connection, self.instance = connection, instance

    def unchecked(self) -> list[Unchecked]:
        """Return open changes without a verdict, or with one on another request, oldest first."""
        rows = self.connection.execute(
            text(
                "select id, request_hash, kind, document_kind, order_key, source_id, amount, currency from change"
                " where instance = :instance and state in ('planned', 'approved') and (verdict <> 'released' or checked_hash is distinct from request_hash)"
                " order by id"
            ),
            {"instance": self.instance},
        )
        return [
            Unchecked(id, digest, ChangeKind(kind), document_kind, order, source, amount, currency)
            for id, digest, kind, document_kind, order, source, amount, currency in rows
        ]

    def release(self, changes: Iterable[tuple[int, str]]) -> int:
        """Write the verdict `released` on (id, request hash); return how many. A change whose request has changed is left unchecked."""
        return self._judge(changes, Verdict.RELEASED, None)

    def hold(self, changes: Iterable[tuple[int, str]], check: str) -> int:
        """Write the verdict `held` with the name of the check that holds it; return how many."""
        return self._judge(changes, Verdict.HELD, check)

    def _judge(self, changes: Iterable[tuple[int, str]], verdict: Verdict, check: str | None) -> int:
        pairs = list(changes)
        statement = (
            "update change set verdict = :verdict, held_by = :check, checked_hash = request_hash"
            " from unnest(cast(:ids as bigint[]), cast(:hashes as text[])) as judged (id, hash)"
            " where change.id = judged.id and request_hash = judged.hash and state in ('planned', 'approved')"
        )
        values = {"verdict": verdict, "check": check, "ids": [i for i, _ in pairs], "hashes": [h for _, h in pairs]}
        return self.connection.execute(text(statement), values).rowcount if pairs else 0


def release_by_person(connection: Connection, change_ids: Collection[int], who: str, reason: str) -> int:
    """Overrule the gate for these requests; return how many. The check that held them is kept in the reason."""
    statement = (
        "update change set verdict = 'released', checked_hash = request_hash, held_by = null,"
        " reason = :note || coalesce(' (was held by ' || held_by || ')', '')"
        " where id = any(:ids) and state in ('planned', 'approved') and verdict = 'held'"
    )
    note = f"released by {who}: {reason}"
    with _logged(connection, Decision.RELEASE, who, change_ids):
        return connection.execute(text(statement), {"ids": list(change_ids), "note": note}).rowcount


def _logged(
    connection: Connection, decision: Decision, who: str, change_ids: Collection[int]
) -> AbstractContextManager[None]:
    columns, number = "state approval verdict held_by", "kind || ' ' || source_number"
    return decision_log.of_rows(connection, decision, who, "change", list(change_ids), columns, number)


# Approval


def require(connection: Connection, change_id: int, approval: str, reason: str | None) -> None:
    """Write whether a planned change needs an approval (`waiting`) or not (`not_needed`), and why."""
    connection.execute(
        text("update change set approval = :approval, approval_reason = :reason where id = :id"),
        {"id": change_id, "approval": approval, "reason": reason},
    )


def expire(connection: Connection, instance: str, before: datetime) -> None:
    """Let the changes wait again that were approved before this time."""
    connection.execute(
        text(
            "update change set state = 'planned', approval = 'waiting', approval_reason = 'the approval expired'"
            " where instance = :instance and state in ('planned', 'approved') and approval = 'approved'"
            " and approved_at <= :before"
        ),
        {"instance": instance, "before": before},
    )


def approve(connection: Connection, change_ids: Collection[int], who: str, reason: str, now: datetime) -> int:
    """Approve these requests; return how many were waiting. The approval expires (limits)."""
    statement = (
        "update change set approval = 'approved', state = 'approved', approved_hash = request_hash, approved_by = :who,"
        " approved_at = :now, approval_reason = :reason where id = any(:ids) and state = 'planned' and approval = 'waiting'"
    )
    values = {"ids": list(change_ids), "who": who, "reason": reason, "now": now}
    with _logged(connection, Decision.APPROVE, who, change_ids):
        return connection.execute(text(statement), values).rowcount


def reject(connection: Connection, change_ids: Collection[int], who: str, reason: str, now: datetime) -> int:
    """Refuse these requests, and return how many; that lasts until the request changes or somebody reopens it.

    What requires them is superseded and planned anew, without them.
    """
    statement = (
        "update change set approval = 'rejected', state = 'refused', approved_hash = request_hash, approved_by = :who,"
        " approved_at = :now, approval_reason = :reason, reason = :note, finished_at = :now"
        " where id = any(:ids) and state in ('planned', 'approved') returning instance, order_key, kind, source_id"
    )
    note = f"rejected by {who}: {reason}"
    values = {"ids": list(change_ids), "who": who, "reason": reason, "note": note, "now": now}
    with _logged(connection, Decision.REJECT, who, change_ids):
        rejected = connection.execute(text(statement), values).all()
    for instance, order_key, kind, source_id in rejected:
        Changes(connection, instance).supersede_dependants(order_key, (ChangeKind(kind), source_id), now)
        WorkQueue(connection, instance).bump([order_key])
    return len(rejected)


def reopen(connection: Connection, change_ids: Collection[int], who: str) -> int:
    """Plan refused or failed changes once more, with a new approval and verdict required; return how many.

    A change whose request retention or erasure has blanked cannot be carried out any more and is left as it is.
    """
    statement = (
        "update change set state = 'planned', approval = 'waiting', verdict = 'unchecked', checked_hash = null,"
        " approved_by = :who, approval_reason = 'reopened', approved_at = null, reason = null, finished_at = null,"
        " not_before = null where id = any(:ids) and state in ('refused', 'failed')"
        " and exists (select 1 from change_body where change_id = change.id and request is not null)"
        " and not exists (select 1 from change newer"
        " where newer.instance = change.instance and newer.kind = change.kind and newer.source_id = change.source_id"
        " and newer.id > change.id)"
    )
    with _logged(connection, Decision.REOPEN, who, change_ids):
        return connection.execute(text(statement), {"ids": list(change_ids), "who": who}).rowcount
