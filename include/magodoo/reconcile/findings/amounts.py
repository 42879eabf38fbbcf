"""Report differing amounts and quantities of pairs."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from magodoo.domain.vocabulary import FindingType
from magodoo.money import plain, shown
from magodoo.reconcile import comparison, splits
from magodoo.reconcile.dataset import Mask
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.findings import remedies
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.splits import Goods

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
    result = []
    named = zip(pairs["amounts"], pairs["part"], rows_of_pairs(situation, pairs), strict=True)
    for place, (found, part, (magento, odoo, order)) in enumerate(named):
        made = about(FindingType(found), magento, odoo, order=order, part=part)
        made.magento_amount, made.odoo_amount = both[0][place], both[1][place]
        if made.type is FindingType.TOTAL_MISMATCH:
            made.detail = _parts(magento.currency, {name: int(values[place]) for name, values in by_part.items()})
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
