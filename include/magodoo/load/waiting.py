"""What waits for a person's approval, as a table with its sums: shown by the approval task (the pages have their own list)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from magodoo.load import limits
from magodoo.money import shown
from magodoo.settings import Instance
from magodoo.vocabulary import ChangeKind

_HEAD = ("Change", "For document", "Order", "Amount", "Why it waits")
_SPECIAL = "\\`*_{}[]<>()#+!|&~$"


@dataclass(frozen=True)
class Waiting:
    """One change that a person must agree to; `amount` in units of its document's currency."""

    id: int
    kind: ChangeKind
    document: str
    order_number: str
    amount: int
    currency: str
    reason: str


def review(connection: Connection, instance: Instance, most: int) -> list[Waiting]:
    """At most so many changes that wait by the limits as they are now, in the order in which they would be written."""
    limits.review(connection, instance)
    rows = connection.execute(
        text(
            "select id, kind, document_kind, source_number, source_id, order_number, amount, currency, approval_reason from change"
            " where instance = :instance and state = 'planned' and approval = 'waiting' order by step, id limit :most"
        ),
        {"instance": instance.id, "most": most},
    )
    return [
        Waiting(
            row.id, ChangeKind(row.kind), f"{row.document_kind.replace('_', ' ')} {row.source_number or row.source_id}",
            row.order_number, row.amount, row.currency, row.approval_reason or "",
        )
        for row in rows
    ]  # fmt: skip


def sums(found: Sequence[Waiting]) -> dict[tuple[ChangeKind, str], tuple[int, int]]:
    """(number, sum in units) by kind and currency; currencies are never added."""
    numbers: Counter[tuple[ChangeKind, str]] = Counter()
    amounts: Counter[tuple[ChangeKind, str]] = Counter()
    for row in found:
        numbers[row.kind, row.currency] += 1
        amounts[row.kind, row.currency] += row.amount
    return {key: (numbers[key], amounts[key]) for key in sorted(numbers, key=lambda key: (key[0].step, key[1]))}


def sums_in_words(found: Sequence[Waiting]) -> str:
    """`2 odoo invoice (6350.00 USD), 1 odoo delivery`."""
    words = []
    for (kind, currency), (number, amount) in sums(found).items():
        money = f" ({shown(amount, currency)} {currency})" if amount else ""
        words.append(f"{number} {kind.value.replace('_', ' ')}{money}")
    return ", ".join(words)


def table(found: Sequence[Waiting]) -> str:
    """Markdown: the changes, then their sums. Whatever a shop has sent is escaped."""
    lines = [_row(_HEAD), _row(["---"] * len(_HEAD))]
    for row in found:
        amount = f"{shown(row.amount, row.currency)} {row.currency}" if row.amount else ""
        cells = (row.kind.value.replace("_", " "), row.document, row.order_number, amount, row.reason)
        lines.append(_row([_escaped(cell) for cell in cells]))
    lines += ["", _row(("Sum of", "Changes", "Amount")), _row(["---"] * 3)]
    for (kind, currency), (number, total) in sums(found).items():
        money = f"{shown(total, currency)} {currency}" if total else ""
        lines.append(_row((_escaped(kind.value.replace("_", " ")), str(number), _escaped(money))))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(cell: str) -> str:
    flat = " ".join(cell.split())
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in flat)
