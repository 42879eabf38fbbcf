"""Histories tried side by side in one shop: a run of the chain costs as much for one order as for fifty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from shop_and_books import ShopAndBooks
from sqlalchemy import text

from histories.history import Told
from histories.people import People
from histories.verdict import Verdict
from magodoo.pipeline import refresh

MOST_ROUNDS = 6
Shops = Callable[[], AbstractContextManager[ShopAndBooks]]
Complaints = dict[int, list[str]]


@dataclass
class Trial:
    """complaints: by history (its place), what is not as it must be. counts: what happened in all."""

    complaints: dict[int, list[str]]
    counts: Counter[str]


def complaints(pair: ShopAndBooks, tales: Sequence[Told]) -> Complaints:
    return attempt(pair, tales).complaints


def attempt(pair: ShopAndBooks, tales: Sequence[Told]) -> Trial:
    """Play all histories, let the chain converge, and check every order."""
    people = [People(pair, told, str(number)) for number, told in enumerate(tales)]
    turns = [told.turns() for told in tales]
    for turn in range(max(map(len, turns))):
        for number, person in enumerate(people):
            if turn < len(turns[number]):
                pair.teller = str(number)
                person.act(turns[number][turn])
        pair.chain()
    refresh.run(pair.context())
    found: Complaints = {int(name): [f"restless: {what}"] for name, what in settle(pair).items()}
    for number, person in enumerate(people):
        said = [line for order in person.orders for line in Verdict(pair, order).complaints()]
        if said:
            found.setdefault(number, []).extend(said)
    for number in found:
        found[number] += [f"  did: {step}" for step in people[number].done]
        found[number] += ["  " + line for line in pair.account_of(str(number)).splitlines()]
    return Trial(found, _counted(pair, people))


def _counted(pair: ShopAndBooks, people: Sequence[People]) -> Counter[str]:
    """What people did, what they were refused, what is in both systems, what the chain wrote and reported."""
    tables = pair.shop.tables
    done = [step for person in people for step in person.done]
    counts = Counter(histories=len(people), steps=len(done), refused=sum(step.endswith(")") for step in done))
    counts["magento_documents"] = len(tables.invoices) + len(tables.shipments) + len(tables.creditmemos)
    domain = [["state", "in", ["posted", "done"]]]
    counts["odoo_documents"] = len(pair.rows("account.move", domain, "id")) + len(
        pair.rows("stock.picking", domain, "id")
    )
    with pair.engine.connect() as connection:
        counts["written"] = connection.execute(text("select count(*) from change where state = 'done'")).scalar_one()
        counts["findings"] = connection.execute(
            text("select count(*) from finding where resolved_at is null")
        ).scalar_one()
    return counts


def settle(pair: ShopAndBooks) -> dict[str, str]:
    """The chain until a run finds nothing more to do. Returns by history what is still done after so many runs."""
    more: dict[str, str] = {}
    for _ in range(MOST_ROUNDS):
        pair.chain()
        more = pair.find_more_to_do()
        if not more:
            break
    return more


def cut_down(shops: Shops, told: Told, most: int = 8) -> tuple[Told, list[str]]:
    """The shortest and plainest history found that still fails in the same way, and its complaints.

    Every plainer history is tried in one shop; what may be left out one by one is tried left out together next.
    """
    with shops() as pair:
        best = complaints(pair, [told]).get(0, [])
    if not best:
        return told, ["it fails only beside others"]
    together: list[Told] = []
    for _ in range(most):
        tales = [*together, *told.simpler()]
        with shops() as pair:
            found = complaints(pair, tales)
        alike = [number for number in sorted(found) if way(found[number]) == way(best)]
        if not alike:
            break
        together = told.without(tales[number] for number in alike)
        told, best = tales[alike[0]], found[alike[0]]
    return told, best


def way(lines: Sequence[str]) -> str:
    """How a history fails: the words before the first colon, without the order's number."""
    head = lines[0].partition(":")[0]
    return " ".join(word for word in head.split() if not word[0].isdigit())
