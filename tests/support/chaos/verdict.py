"""Whether the two systems agree, as they say themselves: nothing of ours is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from faults import checker
from faults.history import History, sales_of
from load_lab import Lab

ZERO = ("duplicates", "lost", "wrong", "stuck")


@dataclass
class Verdict:
    """Documents that are there too often, not at all, with other amounts, or half done; a line for each."""

    duplicates: int = 0
    lost: int = 0
    wrong: int = 0
    stuck: int = 0
    lines: list[str] = field(default_factory=list)

    def __add__(self, other: Verdict) -> Verdict:
        counts = {name: getattr(self, name) + getattr(other, name) for name in ZERO}
        return Verdict(**counts, lines=[*self.lines, *other.lines])

    def __str__(self) -> str:
        return "; ".join([", ".join(f"{name} {getattr(self, name)}" for name in ZERO), *self.lines])


def judge(made: Lab, orders: Sequence[History]) -> Verdict:
    """Both systems' documents of these orders, against what happened at their source."""
    with made.db.lock:
        count = checker.check(made, list(orders))
        half = [line for each in orders for line in _half_done(made, each)]
    stuck = count.unfinished + len(half)
    return Verdict(count.duplicates, count.lost, count.wrong_amount, stuck, [*count.lines, *half])


def _half_done(made: Lab, order: History) -> list[str]:
    """Drafts of an order: itself, and payments of its documents. Those of invoices are counted with the invoices."""
    number = made.shop.order(order.order)["increment_id"]
    sales = [
        f"{sale['name']} is {sale['state']}" for sale in sales_of(made, order) if sale["state"] in ("draft", "sent")
    ]
    documents = {row["id"] for row in made.records("account.move", "id", [["invoice_origin", "=", number]])}
    payments = [
        f"payment {row['id']} is a draft"
        for row in made.records("account.payment", "invoice_ids", [["state", "=", "draft"]])
        if documents & set(row["invoice_ids"])
    ]
    return [f"{number}: {line}" for line in [*sales, *payments]]
