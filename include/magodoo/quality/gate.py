"""The gate: write a verdict on every planned change that was not released yet.

A failing check on a document holds the changes of that document; one on an order holds all changes of the order. A failing check
on a whole side holds every change, since what is missing on one side is judged by the other. Nothing else holds: two systems that
differ a lot pass, as long as every difference has its finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from magodoo.domain.vocabulary import Kind, Side
from magodoo.ledger.decisions import Unchecked, Verdicts
from magodoo.quality.checks import Holds
from magodoo.quality.suites import Failure, holding
from magodoo.settings import Instance


@dataclass(frozen=True)
class Judged:
    """Result of the gate: how many changes were released, how many were held, and which sides are not to be trusted."""

    released: int
    held: int
    held_sides: tuple[str, ...]


def judge(connection: Connection, instance: Instance, failures: Sequence[Failure]) -> Judged:
    """Write the verdict `released` or `held` on every planned change not yet released, and return the counts.

    A held change is judged again at every run, so that it is released once its cause is gone.
    """
    verdicts = Verdicts(connection, instance.id)
    changes = verdicts.unchecked()
    sides = holding(failures, Holds.SIDE)
    if sides:
        held = verdicts.hold([(change.id, change.request_hash) for change in changes], sides[0].check.name)
        return Judged(0, held, _sides_of(sides))
    documents, orders = _damaged(holding(failures, Holds.DOCUMENT))
    held = 0
    free = []
    for change in changes:
        check = documents.get(_source_of(change)) or orders.get(change.order_key)
        if check:
            held += verdicts.hold([(change.id, change.request_hash)], check)
        else:
            free.append((change.id, change.request_hash))
    return Judged(verdicts.release(free), held, ())


def _source_of(change: Unchecked) -> tuple[str, str, str]:
    return (change.kind.target.other.value, change.document_kind, change.source_id)


def _damaged(failures: Sequence[Failure]) -> tuple[dict[tuple[str, str, str], str], dict[str, str]]:
    """Return the name of the holding check by document (side, kind, source id), and by order key."""
    documents: dict[tuple[str, str, str], str] = {}
    orders: dict[str, str] = {}
    for failure in failures:
        for row in failure.rows:
            documents.setdefault((row["side"], row["kind"], row["source_id"]), failure.check.name)
            if row["kind"] == Kind.ORDER and row["order_key"]:
                orders.setdefault(row["order_key"], failure.check.name)
    return documents, orders


def _sides_of(failures: Sequence[Failure]) -> tuple[str, ...]:
    named = {row["side"] for failure in failures for row in failure.rows}
    return tuple(side.value for side in Side if side.value in named) or tuple(side.value for side in Side)
