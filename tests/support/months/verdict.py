"""Whether two lives of a month ended alike, and whether each is right: by the systems themselves and by the slow oracle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from histories.verdict import Verdict
from oracle import oracle
from shop_and_books import amount, was_refunded_unshipped
from sqlalchemy import Engine, text

from magodoo import staging
from magodoo.domain.vocabulary import Rule
from magodoo.pipeline import extract
from magodoo.staging import frames
from months.life import Life, Month

KINDS = ("invoice", "shipment", "credit_memo")
# What an extract brings by itself: content whose change moves the stamp (a late track moves none, docs/facts/magento-2.4.7.md#4).
_STAGED = "select side, kind, source_id, updated_at, state, grand_total from document where instance = 'us' and deleted_at is null"


def end_state(life: Life) -> dict[str, dict[str, Any]]:
    """By order: what is on both sides, what is reported, what is left to do. Without ids and times, which may differ."""
    return {name: _of_order(life.month, person.order) for name, person in life.people.items()}


def _of_order(month: Month, order: int) -> dict[str, Any]:
    row = month.shop.order(order)
    return {
        "magento order": (row["state"], amount(row["grand_total"])),
        "magento invoices": sorted((each["state"], amount(each["grand_total"])) for each in month.invoices(order)),
        "magento shipments": sorted((str(month_items(each)), len(each["tracks"])) for each in month.shipments(order)),
        "magento memos": sorted((each["state"], amount(each["grand_total"])) for each in month.memos(order)),
        # Whether a refund came before the import or after it, is a matter of the moment: the order is smaller by it or whole.
        "odoo orders": sorted(
            (each["state"], None if was_refunded_unshipped(row) else amount(each["amount_total"]))
            for each in month.sales(order)
        ),
        "odoo invoices": sorted(map(_move, month.moves(order))),
        "odoo credit notes": sorted(map(_move, month.notes(order))),
        "odoo deliveries": sorted(
            (each["state"], bool(each["carrier_tracking_ref"]), str(month.moved(each)))
            for each in month.pickings(order)
        ),
        "findings": sorted(month.findings(order)),
        "left to do": sorted((kind, state) for kind, state, _ in month.unfinished(order)),
    }


def month_items(shipment: dict[str, Any]) -> list[tuple[str, float]]:
    return sorted((item["sku"], float(item["qty"])) for item in shipment["items"])


def _move(move: dict[str, Any]) -> tuple[Any, ...]:
    return move["state"], move["payment_state"], amount(move["amount_total"]), amount(move["amount_residual"])


def differences(one: dict[str, dict[str, Any]], other: dict[str, dict[str, Any]]) -> list[str]:
    told = [f"{name}: only in one life" for name in one.keys() ^ other.keys()]
    for name in one.keys() & other.keys():
        for part, what in one[name].items():
            if other[name][part] != what:
                told.append(f"{name}: {part}: {what} in peace, {other[name][part]} in trouble")
    return sorted(told)


def complaints(life: Life) -> list[str]:
    """What is not as it must be: of the systems (the verdict of the histories), of the matches (the oracle), of the dates."""
    month = life.month
    said = [
        f"{name}: {line}" for name, person in life.people.items() for line in Verdict(month, person.order).complaints()
    ]
    said += [f"{name} never became possible: {left}" for name, left in life.left.items() if left]
    return [*said, *_matches(month, [str(person.order) for person in life.people.values()]), *_dates(life)]


def _matches(month: Month, orders: list[str]) -> Iterable[str]:
    """The stored pairs, against every assignment tried."""
    with month.engine.connect() as connection:
        wanted, tied = oracle(frames.read_frames(connection, month.instance, orders))
        rows = connection.execute(
            text("select kind, magento_id, odoo_id, rule from pair where ended_at is null and kind = any(:kinds)"),
            {"kinds": list(KINDS)},
        )
        found = {(kind, int(one), int(two)): rule for kind, one, two, rule in rows}
    if not wanted:
        yield "the oracle matched nothing"
    for pair in sorted(wanted - found.keys()):
        yield f"the oracle matches {pair}, we do not"
    for pair in sorted(found.keys() - wanted):  # the oracle knows no markers in Magento
        if found[pair] == Rule.ASSIGNMENT and ("magento", pair[0], pair[1]) in tied:
            yield f"the oracle finds {pair} ambiguous, we match it"


def _dates(life: Life) -> Iterable[str]:
    """Invoices that come from Magento bear the local date of their source, on the days when clocks change too."""
    zone = life.month.instance.zone
    for name, person in life.people.items():
        dates = Counter(
            datetime.fromisoformat(f"{row['created_at']}+00:00").astimezone(zone).date().isoformat()
            for row in life.month.invoices(person.order)
        )
        booked = Counter(move["invoice_date"] for move in life.month.moves(person.order) if move["state"] == "posted")
        if not any(plan.led_by_odoo for plan in life.plans if plan.name == name) and booked and booked != dates:
            yield f"{name}: invoices of {dict(dates)} are dated {dict(booked)}"


def rows_lost(month: Month, fresh: str) -> list[str]:
    """What a reading of everything finds on either side that extracts alone have not brought, or not as it is now."""
    everything = staging.connect(fresh)
    context = month.context()
    context.engine = everything
    for side in ("magento", "odoo"):
        extract.run(context, side)
    lost = _staged(everything) - _staged(month.watch)
    everything.dispose()
    return sorted(map(str, lost))


def _staged(engine: Engine) -> set[tuple[Any, ...]]:
    with engine.connect() as connection:
        return {tuple(row) for row in connection.execute(text(_STAGED))}
