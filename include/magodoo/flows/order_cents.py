"""Decide about orders on an Odoo before 19, where no tax can be forced on them (docs/facts/odoo-versions.md#2).

An order is imported if its untaxed amount will be Magento's, its tax is off by rounding at most, and its invoice, on which the tax is
forced, will be exact. Any other is not written at all, so that no draft is left of it; the reason names what would have to change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from more_itertools import chunked
from sqlalchemy import Engine, text

from magodoo.connectors.odoo.rounding import rates_of, rounds_globally
from magodoo.domain.order_cents import PRICES, Computed, Outcome, Rounding, SoldLine, allowed, computed
from magodoo.domain.states import MagentoOrderState
from magodoo.domain.vocabulary import FindingType, Kind
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.line_amounts import MoneyLines, decimals_of, money_lines
from magodoo.flows.load_tables import ExpectedTotals, Table, sold_lines
from magodoo.flows.load_tables import decimals_of as decimals_of_table
from magodoo.flows.order_contents import nothing_left, remaining
from magodoo.flows.sources import Sources, read_sources
from magodoo.ledger.planned import RequestProblem
from magodoo.money import shown, to_units
from magodoo.settings import Instance

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient

STEP = (
    "A person decides, because either changes the company's own prices and documents: in Odoo, more digits of *Product Price* (Settings,"
    " Technical, Decimal Accuracy) or *Round Globally* (Settings, Invoicing). Or enter the order in Odoo by hand, with its number"
)


def cents_problem(sources: Sources, order: CanonicalDocument, money: MoneyLines) -> list[RequestProblem]:
    """Return the problem of an order that Odoo, as it was staged, would not come to the cent with; [] where it would, or nothing is known."""
    rounding = _staged(sources)
    if rounding is None or money.problems:
        return []
    rates = _staged_rates(sources)
    lines = [
        SoldLine(
            line.quantity, line.price, line.discount, line.untaxed, line.tax,
            str(line.tax_id or ""), rates.get(line.tax_id or 0, Decimal(0)),
        )
        for line in money.lines
    ]  # fmt: skip
    why = _complaint(lines, rounding, decimals_of(sources, order.currency), money.expect(order.currency))
    if why is None:
        return []
    return [RequestProblem(f"cents:{order.number}", why, FindingType.NOT_REPRESENTABLE, STEP, "it")]


def refusal(client: OdooClient, table: Table, expect: ExpectedTotals) -> str | None:
    """Return why an order would not come out to the cent in Odoo as it is now; None where it would."""
    if client.rounding.forces_taxes():
        return None
    lines = sold_lines(client, table)
    return _complaint(lines, client.rounding.of_company(), decimals_of_table(client, table), expect)


def is_rounded(client: OdooClient, row: Mapping[str, Any], table: Table, expect: ExpectedTotals) -> bool:
    """Return whether Odoo's order differs from the request only by tax that Odoo rounded itself, and its invoice can be made exact."""
    if client.rounding.forces_taxes() or to_units(row["amount_untaxed"]) != expect.untaxed:
        return False
    if (row.get("currency_id") or {}).get("name") != expect.currency:
        return False
    tax, total = to_units(row["amount_tax"]), to_units(row["amount_total"])
    lines, decimals = sold_lines(client, table), decimals_of_table(client, table)
    within = abs(tax - expect.tax) <= allowed((line.tax for line in lines), decimals)
    return (
        within
        and total == expect.untaxed + tax
        and computed(lines, client.rounding.of_company(), decimals).outcome.arrives
    )


def _complaint(lines: Sequence[SoldLine], rounding: Rounding, decimals: int, expect: ExpectedTotals) -> str | None:
    found = computed(lines, rounding, decimals)
    if found.outcome.arrives:
        return None
    helps = [words for words, other in OTHER_ROUNDINGS if computed(lines, other(rounding), decimals).outcome.arrives]
    remedy = f"; it would with {' or with '.join(helps)}" if helps else ""
    return f"{_difference(found, lines, rounding, decimals, expect)}{remedy}"


def _difference(
    found: Computed, lines: Sequence[SoldLine], rounding: Rounding, decimals: int, expect: ExpectedTotals
) -> str:
    currency = expect.currency
    if found.outcome is Outcome.UNTAXED:
        return (
            f"its untaxed amount would be {shown(found.untaxed, currency)} in Odoo and is {shown(expect.untaxed, currency)} in Magento:"
            f" unit prices of {rounding.digits} digits, which this Odoo keeps, do not come to it"
        )
    if found.tax == expect.tax:
        return "Odoo's invoice of it would lack a tax that Magento's has, so that it could not be forced"
    taxed = sum(1 for line in lines if line.tax)
    return (
        f"its tax would be {shown(found.tax, currency)} in Odoo and is {shown(expect.tax, currency)} in Magento: more than half of the"
        f" smallest amount for each of its {taxed} taxed lines, and Odoo before 19 takes no forced tax on an order"
    )


SIX = 6
OTHER_ROUNDINGS: tuple[tuple[str, Callable[[Rounding], Rounding]], ...] = (
    (f"{SIX} digits of *Product Price*", lambda now: Rounding(max(SIX, now.digits), now.globally)),
    ("*Round Globally*", lambda now: Rounding(now.digits, globally=True)),
    (f"{SIX} digits and *Round Globally* together", lambda _: Rounding(SIX, globally=True)),
)


def _staged(sources: Sources) -> Rounding | None:
    """Return how Odoo rounds as far as it was read; None where it takes forced taxes, or nothing was read yet."""
    prices, company = sources.master.only("decimal.precision", PRICES), sources.master.only("res.company", "company")
    if prices is None or company is None or prices.data["forced"]:
        return None
    return Rounding(int(prices.data["digits"]), rounds_globally(dict(company.data)))


def _staged_rates(sources: Sources) -> dict[int, Decimal]:
    records = (
        record for (model, _), found in sources.master.records.items() if model == "account.tax" for record in found
    )
    return rates_of([{"id": record.id, **record.data} for record in records])


# For preflight

MOST_COUNTED = 1000


@dataclass(frozen=True)
class Counted:
    """Hold how the staged orders would come out: how many of each outcome, by way of rounding; the number that could be computed, and of all."""

    outcomes: Mapping[Rounding, Counter[Outcome]]
    computed: int
    staged: int


def count_orders(engine: Engine, instance: Instance, ways: Sequence[Rounding]) -> Counted:
    """Return how the latest staged orders of Magento, MOST_COUNTED of them, come out with each way of rounding.

    Magento's own rates are taken, so that nothing need be mapped yet. Cancelled orders and those whose lines do not add up are left out.
    """
    outcomes: dict[Rounding, Counter[Outcome]] = {way: Counter() for way in ways}
    number, keys = 0, _latest(engine, instance)
    for part in chunked(keys, 200):
        with engine.connect() as connection:
            sources = read_sources(connection, instance, part)
        for lines, decimals in _sold(sources, part):
            number += 1
            for way, counter in outcomes.items():
                counter[computed(lines, way, decimals).outcome] += 1
    return Counted(outcomes, number, len(keys))


def _latest(engine: Engine, instance: Instance) -> list[str]:
    statement = text(
        "select source_id from document where instance = :instance and side = 'magento' and kind = 'order' and deleted_at is null"
        " and state <> :canceled order by created_at desc nulls last, source_id desc limit :most"
    )
    values = {"instance": instance.id, "canceled": MagentoOrderState.CANCELED, "most": MOST_COUNTED}
    with engine.connect() as connection:
        return list(connection.scalars(statement, values))


def _sold(sources: Sources, keys: Iterable[str]) -> Iterator[tuple[list[SoldLine], int]]:
    """Yield the lines of each order with Magento's rates, and the decimals of its currency."""
    for key in keys:
        order = sources.magento(Kind.ORDER, key)
        if order is None or not order.sound:
            continue
        decimals = decimals_of(sources, order.currency)
        order = remaining(order, decimals)
        lines = [] if nothing_left(order) else money_lines(sources, order, order).lines
        if lines:
            yield [
                SoldLine(
                    line.quantity, line.price, line.discount, line.untaxed, line.tax,
                    f"{line.percent}" if line.percent else "", line.percent,
                )
                for line in lines
            ], decimals  # fmt: skip
