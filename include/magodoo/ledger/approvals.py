"""Approve changes by limits: which are too large or too many to be written without a person, and the list of those that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from magodoo.domain import labels
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Approval
from magodoo.ledger import decisions
from magodoo.money import shown, to_units
from magodoo.settings import Instance
from magodoo.settings.model import Limits, Mode

_REFUNDS = {kind.value for kind in ChangeKind if kind.entry.refunds}
# This reason ends by itself once enough writes of the kind are done; all others need a person.
_FIRST = "first writes"


@dataclass(frozen=True)
class Review:
    """Count the open changes that may be written without a person, and those that wait for one."""

    free: int
    waiting: int


def review(connection: Connection, instance: Instance, now: datetime) -> Review:
    """Decide for every planned change that could be written whether a person must agree first; return how many go on and how many wait.

    A change that exceeded a limit waits until somebody decides, also when the next run would have room. Only changes
    that wait for the first writes of their kind are released without a person.
    """
    limits = instance.limits
    applied = [kind.value for kind in ChangeKind if instance.mode.of(kind) is Mode.APPLY]
    decisions.expire(connection, instance.id, now - timedelta(hours=limits.approval_expires_hours))
    rows = connection.execute(
        text(
            "select id, kind, approval, approval_reason, company_amount from change where instance = :instance"
            " and state = 'planned' and approval in ('not_needed', 'waiting') and kind = any(:kinds) order by step, id for update"
        ),
        {"instance": instance.id, "kinds": applied},
    ).mappings()
    today = _done_of_kinds(connection, instance.id, now - timedelta(days=1))
    tally = _Tally(limits, _done_of_kinds(connection, instance.id), today)
    free = waiting = 0
    for row in (dict(row) for row in rows):
        stays = row["approval"] == Approval.WAITING and not str(row["approval_reason"] or "").startswith(_FIRST)
        reason = row["approval_reason"] if stays else tally.objection(row)
        free, waiting = (free, waiting + 1) if reason else (free + 1, waiting)
        approval = Approval.WAITING if reason else Approval.NOT_NEEDED
        if (approval, reason) != (row["approval"], row["approval_reason"]):
            decisions.require(connection, row["id"], approval, reason)
    return Review(free, waiting)


class _Tally:
    """Count what is written without a person, in the order of writing."""

    def __init__(self, limits: Limits, done: Mapping[str, int], today: Mapping[str, int]) -> None:
        self.limits, self.done, self.today = limits, done, today
        self.changes: Counter[str] = Counter()
        self.amount = 0

    def objection(self, row: Mapping[str, Any]) -> str | None:
        """Return why this change needs a person; None counts it in."""
        limits, amount = self.limits, abs(row["company_amount"])
        done = self.done.get(row["kind"], 0)
        largest = limits.refund_amount if row["kind"] in _REFUNDS else limits.document_amount
        if done < limits.first_writes:
            return f"{_FIRST} of this kind: {done} of {limits.first_writes} were made"
        if amount > to_units(largest):
            return f"its amount {shown(amount, None)} is above the limit {largest}"
        changes = self.changes[row["kind"]]
        if changes >= limits.changes_per_run:
            return f"more than {limits.changes_per_run} changes of this kind in one run"
        if changes + self.today.get(row["kind"], 0) >= limits.changes_per_day:
            return f"more than {limits.changes_per_day} changes of this kind in one day"
        if self.amount + amount > to_units(limits.run_amount):
            return f"the run's sum would be above {limits.run_amount}"
        self.changes[row["kind"]] += 1
        self.amount += amount
        return None


def _done_of_kinds(connection: Connection, instance: str, since: datetime | None = None) -> Mapping[str, int]:
    """Return the number of done changes by kind, in total or since."""
    statement = (
        "select kind, count(*) from change where instance = :instance and state = 'done'"
        " and (cast(:since as timestamptz) is null or finished_at >= :since) group by kind"
    )
    rows = connection.execute(text(statement), {"instance": instance, "since": since})
    return Counter({kind: count for kind, count in rows})


@dataclass(frozen=True)
class Waiting:
    """Hold one change that a person must agree to; `amount` in units of its document's currency."""

    id: int
    kind: ChangeKind
    document: str
    order_number: str
    amount: int
    currency: str
    reason: str


def waiting_for_a_person(connection: Connection, instance: Instance, most: int, now: datetime) -> list[Waiting]:
    """Return at most `most` changes that wait by the current limits, in the order in which they would be written."""
    review(connection, instance, now)
    rows = connection.execute(
        text(
            "select id, kind, document_kind, source_number, source_id, order_number, amount, currency, approval_reason from change"
            " where instance = :instance and state = 'planned' and approval = 'waiting' order by step, id limit :most"
        ),
        {"instance": instance.id, "most": most},
    )
    return [
        Waiting(
            row.id, ChangeKind(row.kind), f"{labels.in_sentence(row.document_kind)} {row.source_number or row.source_id}",
            row.order_number, row.amount, row.currency, row.approval_reason or "",
        )
        for row in rows
    ]  # fmt: skip


_HEAD = ("Change", "For document", "Order", "Amount", "Why it waits")
_SPECIAL = "\\`*_{}[]<>()#+!|&~$"


def sums(found: Sequence[Waiting]) -> dict[tuple[ChangeKind, str], tuple[int, int]]:
    """Return (number, sum in units) by kind and currency; currencies are never added."""
    numbers: Counter[tuple[ChangeKind, str]] = Counter()
    amounts: Counter[tuple[ChangeKind, str]] = Counter()
    for row in found:
        numbers[row.kind, row.currency] += 1
        amounts[row.kind, row.currency] += row.amount
    return {key: (numbers[key], amounts[key]) for key in sorted(numbers, key=lambda key: (key[0].step, key[1]))}


def sums_in_words(found: Sequence[Waiting]) -> str:
    """Return the sums as text: `2 odoo invoice (6350.00 USD), 1 odoo delivery`."""
    words = []
    for (kind, currency), (number, amount) in sums(found).items():
        money = f" ({shown(amount, currency)} {currency})" if amount else ""
        words.append(f"{number} {labels.in_sentence(kind)}{money}")
    return ", ".join(words)


def table(found: Sequence[Waiting]) -> str:
    """Return Markdown: the changes, then their sums. Text from either system is escaped."""
    lines = [_row(_HEAD), _row(["---"] * len(_HEAD))]
    for row in found:
        amount = f"{shown(row.amount, row.currency)} {row.currency}" if row.amount else ""
        cells = (labels.in_sentence(row.kind), row.document, row.order_number, amount, row.reason)
        lines.append(_row([_escaped(cell) for cell in cells]))
    lines += ["", _row(("Sum of", "Changes", "Amount")), _row(["---"] * 3)]
    for (kind, currency), (number, total) in sums(found).items():
        money = f"{shown(total, currency)} {currency}" if total else ""
        lines.append(_row((_escaped(labels.in_sentence(kind)), str(number), _escaped(money))))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(cell: str) -> str:
    flat = " ".join(cell.split())
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in flat)
