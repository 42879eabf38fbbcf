"""Find the unique best assignment within one order and kind, by tracking numbers, amounts and quantities per item.

Candidates are edges between unpaired documents of the two sides, in tiers. One edge of a better tier outweighs any
number of edges of worse tiers.

    0  a tracking number in common (shipments)
    1  equal currency and grand total, and a reference of the Odoo document is the Magento document's number (not shipments)
    2  equal currency, grand total and quantities per item
    3  equal quantities per item, another total
    4  equal currency and grand total, other quantities of partly the same items (not shipments: they have no total)
    5  the only unpaired document of either side, with an item in common, if neither order has room for both

An edge that alone reaches its documents in the best tier is in every best assignment. The rest is solved exactly,
order by order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from magodoo.domain.tracking import between_commas
from magodoo.domain.vocabulary import Kind, Rule
from magodoo.reconcile import quantities
from magodoo.reconcile.dataset import KINDS, SEPARATOR, Mask, Positions, tracks_of
from magodoo.reconcile.quantities import Quantities
from magodoo.reconcile.references import RULES
from magodoo.reconcile.view import View

TIERS = 6
SHARED_TRACK, NAMED, EQUAL, SAME_QUANTITIES, SAME_TOTAL, NO_ROOM_APART = range(TIERS)


@dataclass(frozen=True)
class Assigned:
    """New pairs.

    Attributes:
        magento: positions of the Magento documents.
        odoo: positions of the Odoo documents.
        rule: index in references.RULES.
        ambiguous: documents of either side in a tie.
    """

    magento: Positions
    odoo: Positions
    rule: Positions
    ambiguous: Mask


def assign(view: View, counted: Quantities, loose: Mask, odoo_orders: Mask) -> Assigned:
    """Return pairs of loose documents (unpaired and active), each within one order and kind."""
    edges = _edges(view, loose)
    edges["tier"] = _tiers(view, counted, edges)
    isolated, contested = _isolated(edges[edges["tier"] < TIERS])
    ambiguous = np.zeros(len(loose), dtype=bool)
    found = [isolated]
    for _, group in contested.groupby("group", sort=False):
        pairs, tied = solve(group["magento"].to_numpy(), group["odoo"].to_numpy(), group["tier"].to_numpy())
        found.append(group.iloc[pairs])
        ambiguous[tied] = True
    left = loose & ~ambiguous
    for name in ("magento", "odoo"):
        left[pd.concat(found)[name]] = False
    found.append(_apart(view, counted, _edges(view, left), odoo_orders))
    chosen = pd.concat(found)
    tier = chosen["tier"].to_numpy()
    rules = [RULES.index(rule) for rule in (Rule.TRACKING, Rule.REFERENCE, Rule.ASSIGNMENT)]
    rule = np.select([tier == SHARED_TRACK, tier == NAMED], rules[:2], rules[2]).astype(np.int64)
    return Assigned(chosen["magento"].to_numpy(np.int64), chosen["odoo"].to_numpy(np.int64), rule, ambiguous)


def _edges(view: View, loose: Mask) -> pd.DataFrame:
    """Return one row per two loose documents that could be counterparts: group (order and kind), magento, odoo (positions)."""
    group = view.column("order_key") * 8 + view.kind_codes
    magento, odoo = np.flatnonzero(loose & view.is_magento), np.flatnonzero(loose & ~view.is_magento)
    sides = [pd.DataFrame({"group": group[side], name: side}) for name, side in (("magento", magento), ("odoo", odoo))]
    return sides[0].merge(sides[1], on="group").sort_values(["magento", "odoo"], ignore_index=True)


def _tiers(view: View, counted: Quantities, edges: pd.DataFrame) -> Positions:
    magento, odoo = edges["magento"].to_numpy(np.int64), edges["odoo"].to_numpy(np.int64)
    signatures, currencies = counted.signatures, view.frames.documents["currency"].cat.codes.to_numpy()
    shipment = view.of_kind(Kind.SHIPMENT)[magento]
    total = (view.amounts("grand_total", magento) == view.amounts("grand_total", odoo)) & (
        currencies[magento] == currencies[odoo]
    )
    same = signatures[magento] == signatures[odoo]
    moving = same & (signatures[magento] != 0)
    tiers = np.full(len(magento), TIERS, dtype=np.int64)
    by_total = total & ~shipment & ~same
    if by_total.any():
        tiers[by_total] = np.where(_share_items(view, counted, edges[by_total]), SAME_TOTAL, TIERS)
    tiers[moving] = SAME_QUANTITIES
    tiers[same & total & (moving | ~shipment)] = EQUAL
    tiers[total & ~shipment & _named(view, magento, odoo)] = NAMED
    tracked = np.flatnonzero(
        shipment & (view.column("tracking")[magento] != "") & (view.column("tracking")[odoo] != "")
    )
    tracking = view.column("tracking")
    shared = [not _pieces(tracking[magento[i]]).isdisjoint(_pieces(tracking[odoo[i]])) for i in tracked]
    tiers[tracked[np.array(shared, dtype=bool)]] = SHARED_TRACK
    return tiers


def _pieces(tracks: str) -> set[str]:
    """Return the parts of tracking numbers between commas, in capitals.

    Blanks do not separate here: an equal country code at the end of two postal numbers is no number in common.
    """
    return {piece for number in tracks_of(tracks) for piece in between_commas(number.upper())}


def _named(view: View, magento: Positions, odoo: Positions) -> Mask:
    """Return for each edge whether a reference of the Odoo document is the Magento document's number.

    A number that is also the order's proves nothing: Magento numbers orders and documents independently, and documents
    that Odoo creates for an order carry the order's number.
    """
    references, numbers = view.column("other_references"), view.column("number")
    order = view.order_of[magento]
    found = np.zeros(len(magento), dtype=bool)
    for edge in np.flatnonzero(references[odoo] != ""):
        number = numbers[magento[edge]]
        of_order = numbers[order[edge]] if order[edge] >= 0 else ""
        found[edge] = number != of_order and number in references[odoo[edge]].split(SEPARATOR)
    return found


def _apart(view: View, counted: Quantities, edges: pd.DataFrame, odoo_orders: Mask) -> pd.DataFrame:
    """Return the edges of tier 5, among the documents that better tiers left unpaired."""
    alone = edges[~edges["group"].duplicated(keep=False)].assign(tier=NO_ROOM_APART)
    if alone.empty:
        return alone
    magento, odoo = alone["magento"].to_numpy(np.int64), alone["odoo"].to_numpy(np.int64)
    table = quantities.items(counted, np.unique(view.column("order_key")[magento]), odoo_orders)
    crowded = ~fits(view, counted, table, magento) & ~fits(view, counted, table, odoo)
    return alone[crowded & _share_items(view, counted, alone)]


def _share_items(view: View, counted: Quantities, edges: pd.DataFrame) -> Mask:
    """Return for each edge whether its documents have an item in common.

    True as well if one of them has no items or unknown ones.
    """
    touched = np.zeros(len(view.exists), dtype=bool)
    touched[edges["magento"]] = touched[edges["odoo"]] = True
    moved = counted.by_item(touched).set_index("document")["item"]
    unknown = touched.copy()
    unknown[moved.index.unique()] = False
    unknown[moved.index[moved == 0]] = True
    both = pd.DataFrame({"edge": np.arange(len(edges)), "magento": edges["magento"], "odoo": edges["odoo"]})
    left = both.merge(moved.rename("item"), left_on="magento", right_index=True)
    common = left.merge(moved.rename("other"), left_on="odoo", right_index=True).query("item == other")["edge"]
    return np.isin(both["edge"], common) | unknown[both["magento"]] | unknown[both["odoo"]]


def fits(view: View, counted: Quantities, table: pd.DataFrame, positions: Positions, one_by_one: bool = True) -> Mask:
    """Return for each position whether the other side's order has room for the document.

    With `one_by_one` each document is considered alone, otherwise after those with smaller ids. True if the other side
    has no such order. `table` is the result of quantities.items for the orders.
    """
    wanted = np.zeros(len(view.exists), dtype=bool)
    wanted[positions] = True
    moved = counted.by_item(wanted)
    kinds, to_odoo = view.kind_codes[moved["document"]], view.is_magento[moved["document"]]
    known = table.reindex(moved["item"]).fillna(0)
    room = np.zeros(len(moved), dtype=np.int64)
    for kind in map(Kind, np.array(KINDS)[np.unique(kinds)]):
        open_there = np.where(to_odoo, quantities.room_in_odoo(known, kind), quantities.room_in_magento(known, kind))
        room = np.where(kinds == KINDS.index(kind), open_there, room)
    needed = moved["quantity"].to_numpy()
    if not one_by_one:
        in_order = moved.assign(id=view.column("source_id")[moved["document"]], kind=kinds, odoo=to_odoo).sort_values(
            "id"
        )
        needed = in_order.groupby(["odoo", "kind", "item"])["quantity"].cumsum().sort_index().to_numpy()
    orders = view.column("order_key")
    has_odoo = np.isin(orders, table.loc[table["has_odoo"] > 0, "order"].unique())
    short = (needed > room) & (~to_odoo | has_odoo[moved["document"]])
    return ~np.isin(positions, moved["document"].to_numpy()[short])


def _isolated(edges: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split edges into those that are in every best assignment, as nothing of their tier competes, and those to be solved."""
    open_edges, contested, found = edges, edges.iloc[:0], [edges.iloc[:0]]
    for tier in np.unique(edges["tier"]):
        here = open_edges[open_edges["tier"] == tier]
        lonely = ~here["magento"].duplicated(keep=False) & ~here["odoo"].duplicated(keep=False)
        sure, rivals = here[lonely], here[~lonely]
        found.append(sure)
        open_edges = open_edges[~open_edges["magento"].isin(sure["magento"]) & ~open_edges["odoo"].isin(sure["odoo"])]
        hard = open_edges["group"].isin(rivals["group"])
        contested = pd.concat([contested, open_edges[hard]])
        open_edges = open_edges[~hard]
    return pd.concat(found), contested


def solve(magento: Positions, odoo: Positions, tiers: Positions) -> tuple[list[int], list[int]]:
    """Return the indices of the edges in every best assignment, and the documents that best assignments treat differently.

    Best means the most pairs of tier 0, then the most of tier 1, and so on. The result is exact: an edge belongs to
    some best assignment if forcing it keeps the optimum, and to all of them if leaving it out does not.
    """
    rows, row = np.unique(magento, return_inverse=True)
    columns, column = np.unique(odoo, return_inverse=True)
    base = min(len(rows), len(columns)) + 1
    gains = np.zeros((len(rows), len(columns)), dtype=object)
    gains[row, column] = [base ** (TIERS - 1 - int(tier)) for tier in tiers]
    best = _optimum(gains)
    possible = [gains[i, j] + _optimum(_rest(gains, i, j)) == best for i, j in zip(row, column, strict=True)]
    certain, tied = [], set()
    for edge, (i, j) in enumerate(zip(row, column, strict=True)):
        if not possible[edge]:
            continue
        without = gains.copy()
        without[i, j] = 0
        if _optimum(without) < best:
            certain.append(edge)
        else:
            tied |= {int(magento[edge]), int(odoo[edge])}
    return certain, sorted(tied)


def _optimum(gains: np.ndarray) -> int:
    """Return the largest sum of an assignment.

    Gains stay below 2**53 for orders of up to some 450 documents, so that floats are exact.
    """
    chosen = linear_sum_assignment(gains.astype(float), maximize=True)
    return int(gains[chosen].sum())


def _rest(gains: np.ndarray, row: int, column: int) -> np.ndarray:
    return np.delete(np.delete(gains, row, axis=0), column, axis=1)
