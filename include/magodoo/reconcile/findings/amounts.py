"""Findings about the amounts and quantities of pairs."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd

from magodoo.money import plain, shown
from magodoo.reconcile import compare
from magodoo.reconcile.finding import Finding, about
from magodoo.reconcile.frames import Mask
from magodoo.reconcile.rows import Document
from magodoo.reconcile.situation import Situation
from magodoo.vocabulary import FindingType


def amounts(situation: Situation) -> list[Finding]:
    """total_mismatch, currency_mismatch, rounding, tax_mismatch."""
    pairs = situation.pairs[situation.pairs["amounts"] != ""]
    view, by_tax = situation.view, (pairs["amounts"] == FindingType.TAX_MISMATCH).to_numpy()
    by_part = compare.differences(view, pairs)
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
        result.append(made)
    return result


def quantities(situation: Situation) -> list[Finding]:
    """quantity_mismatch: one finding per pair, naming the items."""
    pairs = situation.pairs[situation.pairs["quantities"]]
    if pairs.empty:
        return []
    chosen = np.zeros(len(situation.view.exists), dtype=bool)
    chosen[pairs["magento"]] = chosen[pairs["odoo"]] = True
    moved: dict[int, dict[int, int]] = defaultdict(dict)
    for document, item, quantity in situation.counted.by_item(chosen).to_numpy(np.int64).tolist():
        moved[document][item] = quantity
    names = _skus(situation, chosen)
    result = []
    for magento, odoo, order in rows_of_pairs(situation, pairs):
        left, right = moved[magento.at], moved[odoo.at]
        items = sorted(item for item in left.keys() | right.keys() if left.get(item, 0) != right.get(item, 0))
        made = about(FindingType.QUANTITY_MISMATCH, magento, odoo, order=order)
        made.magento_value = listed(items, left, names)
        made.odoo_value = listed(items, right, names)
        result.append(made)
    return result


def listed(items: list[int], quantities: dict[int, int], names: dict[int, str]) -> str:
    """`SKU x 2, OTHER x 1`."""
    return ", ".join(f"{names.get(item, f'item {item}')} x {plain(quantities.get(item, 0), 0)}" for item in items)


def _skus(situation: Situation, chosen: Mask) -> dict[int, str]:
    lines = situation.view.frames.lines
    rows = lines[chosen[lines["document"].to_numpy()] & (lines["role"] == "item").to_numpy()]
    return dict(zip(rows["item_key"], rows["sku"].astype(str), strict=True))


def rows_of_pairs(situation: Situation, pairs: pd.DataFrame) -> list[tuple[Document, Document, Document | None]]:
    """The rows of each pair's two documents and of their Magento order."""
    frames = situation.view.frames
    orders = situation.order_rows(pairs["magento"].to_numpy())
    documents = zip(frames.rows(pairs["magento"]), frames.rows(pairs["odoo"]), strict=True)
    return [(magento, odoo, orders.get(magento.at)) for magento, odoo in documents]


def _parts(currency: str, differing: dict[str, int]) -> str:
    named = [f"{name} {'+' if units > 0 else ''}{shown(units, currency)}" for name, units in differing.items() if units]
    return f"By part: {', '.join(named)}" if named else ""
