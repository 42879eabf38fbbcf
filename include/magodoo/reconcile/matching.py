"""Match documents: by references first, then within one order and kind by a unique best assignment. Never guess a tie."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from magodoo.domain.states import CANCELLED_IN_ODOO
from magodoo.domain.vocabulary import Kind, Rule, Side
from magodoo.reconcile import assignment, references, shares, splits
from magodoo.reconcile.dataset import KINDS, Mask, Positions
from magodoo.reconcile.quantities import Quantities
from magodoo.reconcile.splits import Splits
from magodoo.reconcile.view import View


@dataclass(frozen=True)
class Matching:
    """Pairs, and documents that have none for a reason. Masks and position arrays are as long as documents.

    Attributes:
        view: the view that was matched.
        magento: positions of the paired Magento documents.
        odoo: positions of their counterparts.
        rule: index in references.RULES of each pair.
        ambiguous: documents of either side whose counterpart is a tie.
        lost: former partner of each document that was paired with one deleted since; -1 elsewhere.
        covered: invoices that shares of an Odoo invoice of several orders cover, and shipments that are compared by
            what they move together (splits).
        splits: shipments that the two sides split differently.
    """

    view: View
    magento: Positions
    odoo: Positions
    rule: Positions
    ambiguous: Mask
    lost: Positions
    covered: Mask
    splits: Splits

    @cached_property
    def partner(self) -> Positions:
        """Position of each document's counterpart; -1 without."""
        return _partners(len(self.view.frames.documents), self.magento, self.odoo)

    @cached_property
    def paired(self) -> Mask:
        """Documents that have a counterpart."""
        return self.partner >= 0

    @cached_property
    def odoo_order(self) -> Positions:
        """Position of the Odoo order matched with each document's Magento order; -1 without."""
        order = self.view.order_of
        return np.where(order >= 0, self.partner[order], -1)

    def frame(self) -> pd.DataFrame:
        """Return the pairs as table `pair` stores them, sorted by kind and Magento id.

        Columns: kind, order_key, magento_id, odoo_id (int64), rule.
        """
        source_ids, kinds = self.view.column("source_id"), self.view.kind_codes[self.magento]
        in_order = np.lexsort((source_ids[self.magento], np.argsort(np.argsort(KINDS))[kinds]))
        magento, odoo = self.magento[in_order], self.odoo[in_order]
        return pd.DataFrame(
            {
                "kind": np.array(KINDS, dtype=object)[kinds[in_order]],
                "order_key": self.view.column("order_key")[magento],
                "magento_id": source_ids[magento],
                "odoo_id": source_ids[odoo],
                "rule": np.array(references.RULES, dtype=object)[self.rule[in_order]],
            }
        )


def match(view: View, counted: Quantities) -> Matching:
    """Return the matching: each document has at most one counterpart. The result does not depend on the order of rows."""
    claimed = references.claims(view)
    lost = _lost(view, claimed)
    alive = view.exists
    standing = claimed[alive[claimed["magento"]] & alive[claimed["odoo"]] & ~claimed["ended"].to_numpy()]
    magento, odoo, rule = _strongest(view, standing)
    orders = _orders_by_key(view, magento, odoo)
    magento, odoo, rule = (np.concatenate(parts) for parts in zip((magento, odoo, rule), orders.found, strict=True))

    odoo_orders = np.zeros(len(alive), dtype=bool)
    odoo_orders[odoo] = True
    loose = view.active & ~view.ours & (lost < 0) & ~_without(magento, odoo, len(alive))
    loose &= ~shares.consolidated(view)
    loose &= ~view.of_kind(Kind.ORDER) & ~view.of_kind(Kind.RETURN) & (view.column("order_key") > 0)
    assigned = assignment.assign(view, counted, loose, odoo_orders)
    magento, odoo = np.concatenate([magento, assigned.magento]), np.concatenate([odoo, assigned.odoo])
    partner = _partners(len(alive), magento, odoo)
    cut = splits.find(view, counted, partner, assigned.ambiguous)
    together = (cut.in_equal | (cut.in_unequal & ~assigned.ambiguous)) & (partner < 0)
    return Matching(
        view,
        magento,
        odoo,
        np.concatenate([rule, assigned.rule]),
        ambiguous=orders.ambiguous | (assigned.ambiguous & ~cut.interchangeable),
        lost=lost,
        covered=shares.covered(view, counted, alive & (partner < 0)) | together,
        splits=cut,
    )


def _partners(length: int, magento: Positions, odoo: Positions) -> Positions:
    partner = np.full(length, -1, dtype=np.int64)
    partner[magento], partner[odoo] = odoo, magento
    return partner


def _without(magento: Positions, odoo: Positions, length: int) -> Mask:
    return _partners(length, magento, odoo) >= 0


def _lost(view: View, claimed: pd.DataFrame) -> Positions:
    """Return the former partner of each document whose counterpart the source no longer has; -1 elsewhere."""
    magento, odoo = claimed["magento"].to_numpy(np.int64), claimed["odoo"].to_numpy(np.int64)
    gone = ~view.exists[magento] | ~view.exists[odoo]
    return _partners(len(view.exists), magento[gone], odoo[gone])


def _strongest(view: View, claimed: pd.DataFrame) -> tuple[Positions, Positions, Positions]:
    """Return claims in which no document occurs twice, strongest first.

    Among equally strong claims, active documents precede inactive ones, then the smaller id decides.
    """
    magento, odoo = claimed["magento"].to_numpy(np.int64), claimed["odoo"].to_numpy(np.int64)
    rule, ids, active = claimed["rule"].to_numpy(np.int64), view.column("source_id"), view.active
    rivalled = _rivalled(magento) | _rivalled(odoo)
    chosen = [np.flatnonzero(~rivalled)]
    remaining = np.flatnonzero(rivalled)
    left, right = magento[remaining], odoo[remaining]
    in_order = np.lexsort((ids[right], ids[left], ~active[right], ~active[left], rule[remaining]))
    remaining = remaining[in_order]
    taken = np.zeros(len(active), dtype=bool)
    while len(remaining):
        first_magento, first_odoo = _first(magento[remaining]), _first(odoo[remaining])
        best = remaining[first_magento & first_odoo]
        chosen.append(best)
        taken[magento[best]] = taken[odoo[best]] = True
        remaining = remaining[~taken[magento[remaining]] & ~taken[odoo[remaining]]]
    picked = np.concatenate(chosen)
    return magento[picked], odoo[picked], rule[picked]


def _rivalled(values: Positions) -> Mask:
    return pd.Series(values).duplicated(keep=False).to_numpy()


def _first(values: Positions) -> Mask:
    return ~pd.Series(values).duplicated().to_numpy()


@dataclass(frozen=True)
class _Orders:
    found: tuple[Positions, Positions, Positions]
    ambiguous: Mask


def _orders_by_key(view: View, magento: Positions, odoo: Positions) -> _Orders:
    """Return pairs of Magento orders with the Odoo orders that staging resolved to them by reference.

    A cancelled Odoo order counts only if there is no other; several that are not cancelled are ambiguous.
    """
    free = ~_without(magento, odoo, len(view.exists)) & view.exists
    candidates = np.flatnonzero(free & view.select(Side.ODOO, Kind.ORDER) & (view.order_of >= 0) & ~view.ours)
    candidates = candidates[free[view.order_of[candidates]]]
    frame = pd.DataFrame({"odoo": candidates, "order": view.order_of[candidates]})
    frame["standing"] = ~view.word_is("state", CANCELLED_IN_ODOO)[candidates]
    frame["id"] = view.column("source_id")[candidates]
    frame = frame[frame["standing"] | ~frame.groupby("order")["standing"].transform("any").astype(bool)]
    several = frame["standing"] & (frame.groupby("order")["odoo"].transform("size") > 1)
    ambiguous = np.zeros(len(view.exists), dtype=bool)
    ambiguous[frame.loc[several, "odoo"]] = True
    ambiguous[frame.loc[several, "order"]] = True
    single = frame[~several].sort_values("id").drop_duplicates("order", keep="last")
    rule = np.full(len(single), references.RULES.index(Rule.REFERENCE), dtype=np.int64)
    return _Orders((single["order"].to_numpy(np.int64), single["odoo"].to_numpy(np.int64), rule), ambiguous)
