"""Find amounts and quantities that differ, and name the part of the document that differs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.money import plain, shown
from magodoo.reconcile import comparison, shares, splits
from magodoo.reconcile.dataset import ROLES, Mask, Units
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.findings import remedies
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.splits import Goods
from magodoo.reconcile.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


SAME_PARCELS = (
    "Whether they are the same parcels cannot be told, and goods that have left are never written a second time"
)
RECORD_BY_HAND = (
    "Where they are one parcel, record the rest of it on the side that lacks it; where they are several, record each on the other side "
    "too, with its tracking number"
)


def amounts(situation: Situation) -> list[Finding]:
    """Return the findings about amounts of pairs: total_mismatch, currency_mismatch, rounding, cash_rounding and tax_mismatch."""
    pairs = situation.pairs[situation.pairs["amounts"] != ""]
    view, by_tax = situation.view, (pairs["amounts"] == FindingType.TAX_MISMATCH).to_numpy()
    by_part = comparison.differences(view, pairs)
    both = [
        np.where(by_tax, view.amounts("tax", side), view.amounts("grand_total", side)).tolist()
        for side in (pairs["magento"].to_numpy(), pairs["odoo"].to_numpy())
    ]
    within = pairs["tax_within"].tolist()
    result = []
    named = zip(pairs["amounts"], pairs["part"], rows_of_pairs(situation, pairs), strict=True)
    for place, (found, part, (magento, odoo, order)) in enumerate(named):
        made = about(FindingType(found), magento, odoo, order=order, part=part)
        made.magento_amount, made.odoo_amount = both[0][place], both[1][place]
        if made.type is FindingType.TOTAL_MISMATCH:
            made.detail = _parts(magento.currency, {name: int(values[place]) for name, values in by_part.items()})
        if made.type is FindingType.TAX_MISMATCH and within[place]:
            made.detail = (
                f"By `adjustment_tax` its adjustment of {shown(magento.adjustment, magento.currency)} holds"
                f" {shown(within[place], magento.currency)} of tax, which Odoo's credit note takes back beside Magento's"
            )
        if made.type is FindingType.CURRENCY_MISMATCH:
            made.magento_value, made.odoo_value = magento.currency, odoo.currency
        remedies.say_how_to_correct(situation, made, odoo)
        result.append(made)
    return result


def quantities(situation: Situation) -> list[Finding]:
    """Return the findings quantity_mismatch, naming the items: one per pair, or per cut whose sums differ."""
    pairs = situation.pairs[situation.pairs["quantities"]]
    cuts = situation.matching.splits.unequal
    if pairs.empty and not cuts:
        return []
    chosen = np.zeros(len(situation.view.exists), dtype=bool)
    chosen[pairs["magento"]] = chosen[pairs["odoo"]] = True
    chosen[[at for cut in cuts for at in cut.every]] = True
    moved: dict[int, dict[int, int]] = defaultdict(dict)
    for document, item, quantity in situation.counted.by_item(chosen).to_numpy(np.int64).tolist():
        moved[document][item] = quantity
    names = _skus(situation, chosen)
    result = []
    for magento, odoo, order in rows_of_pairs(situation, pairs):
        made = about(FindingType.QUANTITY_MISMATCH, magento, odoo, order=order)
        result.append(_with_goods(made, moved[magento.at], moved[odoo.at], names))
    for cut in cuts:
        here, there = (situation.view.frames.rows(side) for side in (cut.magento, cut.odoo))
        made = about(
            FindingType.QUANTITY_MISMATCH,
            here[0],
            there[0],
            order=situation.order_rows(np.array(cut.magento[:1])).get(here[0].at),
        )
        made.detail = (
            f"{_numbers(here)} in Magento and {_numbers(there)} in Odoo hold the same articles, in other quantities"
        )
        made.no_change_reason = SAME_PARCELS
        made.next_step = RECORD_BY_HAND
        left, right = (splits.added(*(moved[at] for at in side)) for side in (cut.magento, cut.odoo))
        result.append(_with_goods(made, left, right, names))
    return result


def _with_goods(finding: Finding, left: Goods, right: Goods, names: dict[int, str]) -> Finding:
    """Write into a finding the items of which the two sides moved different quantities, and return it."""
    items = sorted(item for item in left.keys() | right.keys() if left.get(item, 0) != right.get(item, 0))
    finding.magento_value, finding.odoo_value = listed(items, left, names), listed(items, right, names)
    return finding


def _numbers(documents: list[Document]) -> str:
    return ", ".join(row.number or f"id {row.source_id}" for row in documents)


def listed(items: list[int], quantities: Goods, names: dict[int, str]) -> str:
    """Return items and quantities (units) as text, such as `SKU x 2, OTHER x 1`."""
    return ", ".join(f"{names.get(item, f'item {item}')} x {plain(quantities.get(item, 0), 0)}" for item in items)


def _skus(situation: Situation, chosen: Mask) -> dict[int, str]:
    lines = situation.view.frames.lines
    rows = lines[chosen[lines["document"].to_numpy()] & (lines["role"] == "item").to_numpy()]
    return dict(zip(rows["item_key"], rows["sku"].astype(str), strict=True))


def rows_of_pairs(situation: Situation, pairs: pd.DataFrame) -> list[tuple[Document, Document, Document | None]]:
    """Return the rows of each pair's two documents and of their Magento order."""
    frames = situation.view.frames
    orders = situation.order_rows(pairs["magento"].to_numpy())
    documents = zip(frames.rows(pairs["magento"]), frames.rows(pairs["odoo"]), strict=True)
    return [(magento, odoo, orders.get(magento.at)) for magento, odoo in documents]


def _parts(currency: str, differing: dict[str, int]) -> str:
    named = [f"{name} {'+' if units > 0 else ''}{shown(units, currency)}" for name, units in differing.items() if units]
    return f"By part: {', '.join(named)}" if named else ""


def not_invoiced(situation: Situation) -> list[Finding]:
    """Return the findings not_invoiced.

    They concern matched orders of which Magento has invoiced every item, but not all of what their total contains
    beside its parts, tax included.
    """
    view = situation.view
    orders = view.select(Side.MAGENTO, Kind.ORDER) & view.exists & situation.matching.paired & ~view.before_cut_over
    orders &= view.column("beside_in") != ""
    positions = np.flatnonzero(orders & _invoiced(view, orders))
    if not len(positions):
        return []
    keys = view.column("order_key")
    invoices = view.select(Side.MAGENTO, Kind.INVOICE) & view.active & np.isin(keys, keys[positions])
    held = pd.Series(_beside(view)[invoices]).groupby(keys[invoices]).sum()
    left = _beside(view)[positions] - held.reindex(keys[positions]).fillna(0).to_numpy(np.int64)
    result = []
    for order, units in zip(view.frames.rows(positions), left.tolist(), strict=True):
        if abs(units) <= view.tolerances[order.at]:
            continue
        made = about(FindingType.NOT_INVOICED, order, order=order, magento_amount=int(units))
        made.detail = f"{shown(units, order.currency)} {order.currency} of the total stand on no invoice; held by {order.beside_in}"
        result.append(made)
    return result


def _beside(view: View) -> Units:
    """Return for each document the units that its total contains beside its parts, tax included."""
    lines = view.frames.lines
    extra = lines[(lines["role"].cat.codes == ROLES.index("extra")).to_numpy()]
    result = np.zeros(len(view.exists), dtype=np.int64)
    np.add.at(result, extra["document"].to_numpy(), (extra["untaxed"] + extra["tax"]).to_numpy())
    return result


def _invoiced(view: View, orders: Mask) -> Mask:
    """Return the orders of which something is invoiced and nothing is left to invoice."""
    lines = view.frames.lines
    money = lines["is_money"].to_numpy() & (lines["role"].cat.codes == ROLES.index("item")).to_numpy()
    rows = lines[money & orders[lines["document"].to_numpy()]]
    left = rows["qty_ordered"] - rows["qty_canceled"] - rows["qty_invoiced"]
    some, open_ = np.zeros(len(view.exists), dtype=bool), np.zeros(len(view.exists), dtype=bool)
    some[rows["document"].to_numpy()[(rows["qty_invoiced"] > 0).to_numpy()]] = True
    open_[rows["document"].to_numpy()[(left > 0).to_numpy()]] = True
    return some & ~open_


MOST_NAMED = 5


def words(situation: Situation, row: Document, tolerance: int) -> str:
    """Return as text which lines have no equivalent on the other side.

    `tolerance` is how many units the net amount of a line may differ by rounding.
    """
    if Side(row.side) is Side.MAGENTO:
        return "The document has no line that carries an amount"
    if shares.consolidated(situation.view)[row.at]:
        return "It invoices several orders, and a Magento invoice belongs to one"
    named = list(dict.fromkeys(_lines(situation, row, tolerance)))
    more = f"; {len(named) - MOST_NAMED} more lines" if len(named) > MOST_NAMED else ""
    return "; ".join(named[:MOST_NAMED]) + more


def _lines(situation: Situation, row: Document, tolerance: int) -> Iterator[str]:
    view = situation.view
    order = int(view.order_of[row.at])
    sold = view.frames.line_rows(order).set_index("item_key") if order >= 0 else None
    columns = ["role", "sku", "item_key", "quantity", "untaxed"]
    for values in view.frames.line_rows(row.at)[columns].astype(object).to_numpy().tolist():
        line = dict(zip(columns, values, strict=True))
        sku, net = line["sku"] or "a line without an article number", shown(int(line["untaxed"]), row.currency)
        what = f"{sku} ({net} {row.currency} net)"
        if line["role"] == "other" or (line["role"] == "item" and not line["item_key"]):
            yield f"{what} is no item and no shipping of the order"
        elif line["role"] == "item" and sold is not None:
            yield from _price(line, sold, what, row.currency, tolerance)


def _price(line: Mapping[str, Any], sold: pd.DataFrame, what: str, currency: str, tolerance: int) -> Iterator[str]:
    """Yield a text if the line's price differs from its item's, or the order no longer has the item."""
    key, quantity, untaxed = (int(line[name]) for name in ("item_key", "quantity", "untaxed"))
    if key not in sold.index:
        yield f"{what} is an item that the order has no more"
        return
    item = sold.loc[[key]].iloc[0]
    ordered, net = max(int(item["qty_ordered"]), 1), int(item["untaxed"])
    if abs(untaxed * ordered - net * quantity) > tolerance * ordered and quantity:
        here, there = untaxed * 10_000 // quantity, net * 10_000 // ordered
        yield f"{what} is {shown(here, currency)} each, and {shown(there, currency)} on Magento's order"
