"""Compare shipments of one order that the two sides split differently, such as one parcel in Magento and two deliveries in Odoo.

What has left is compared by item: documents whose sums are equal on both sides count as counterparts of each other,
whichever is matched with which. If the sums differ, it cannot be decided which pieces are the same, and none of these
documents is written a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from magodoo.domain.tracking import parts
from magodoo.domain.vocabulary import Kind
from magodoo.reconcile.dataset import Mask, Positions, tracks_of
from magodoo.reconcile.quantities import Quantities
from magodoo.reconcile.view import View

MOST_SUMS = 4096  # of the documents of one side; beyond that a person compares them
Goods = Mapping[int, int]  # units by item


@dataclass(frozen=True)
class Cut:
    """Positions of documents of both sides that share goods, oldest first."""

    magento: tuple[int, ...]
    odoo: tuple[int, ...]

    @property
    def every(self) -> tuple[int, ...]:
        """Positions of both sides."""
        return (*self.magento, *self.odoo)


@dataclass(frozen=True)
class Splits:
    """Shipments that are compared in sum.

    Attributes:
        length: number of documents.
        equal: documents of both sides that move the same goods together.
        unequal: documents of both sides that share goods and differ in sum.
        beyond: positions of documents that have nothing on the other side, next to equal ones.
    """

    length: int
    equal: list[Cut] = field(default_factory=list)
    unequal: list[Cut] = field(default_factory=list)
    beyond: list[int] = field(default_factory=list)

    @cached_property
    def in_equal(self) -> Mask:
        """Documents in an equal cut."""
        return self._mask(at for cut in self.equal for at in cut.every)

    @cached_property
    def in_unequal(self) -> Mask:
        """Documents in an unequal cut."""
        return self._mask(at for cut in self.unequal for at in cut.every)

    @cached_property
    def interchangeable(self) -> Mask:
        """Documents for which it no longer matters which one each is matched with."""
        return self.in_equal | self._mask(self.beyond)

    @cached_property
    def cut_of(self) -> dict[int, Cut]:
        """The equal cut of each document that is in one, by position."""
        return {position: cut for cut in self.equal for position in cut.every}

    def groups(self, view: View) -> list[dict[str, str | bool]]:
        """Return the rows of table `shipment_group` without the instance: each document with the numbers of the other side's."""
        rows: list[dict[str, str | bool]] = []
        for cuts, same_goods in ((self.equal, True), (self.unequal, False)):
            for cut in cuts:
                magento, odoo = (view.frames.rows(side) for side in (cut.magento, cut.odoo))
                for own, others in ((magento, odoo), (odoo, magento)):
                    named = ", ".join(other.number or f"id {other.source_id}" for other in others)
                    rows += [
                        {
                            "order_key": str(row.order_key),
                            "side": str(row.side),
                            "source_id": str(row.source_id),
                            "counterparts": named,
                            "same_goods": same_goods,
                        }
                        for row in own
                    ]
        return rows

    def _mask(self, positions: Iterable[int]) -> Mask:
        result = np.zeros(self.length, dtype=bool)
        result[list(positions)] = True
        return result


def find(view: View, counted: Quantities, partner: Positions, ambiguous: Mask) -> Splits:
    """Compare what the shipments of each order moved in sum, except those matched with one of the same goods."""
    found = Splits(len(view.exists))
    open_ = _open(view, counted, partner)
    if not open_.any():
        return found
    goods: dict[int, dict[int, int]] = {}
    for document, item, quantity in counted.by_item(open_).to_numpy(np.int64).tolist():
        goods.setdefault(document, {})[item] = quantity
    orders: dict[int, list[int]] = {}
    for document in sorted(goods, key=lambda document: int(view.column("source_id")[document])):
        orders.setdefault(int(view.column("order_key")[document]), []).append(document)
    sorter = _Sorter(view, goods, partner, ambiguous, found)
    for documents in orders.values():
        sorter.sort(documents)
    return found


def _open(view: View, counted: Quantities, partner: Positions) -> Mask:
    """Return active shipments without a counterpart of the same goods.

    Only of orders in which each side has some and at least one is not matched.
    """
    orders, sums = view.column("order_key"), counted.signatures
    equal = (partner >= 0) & (sums == sums[partner])
    uncountable = view.foreign_units | ((partner >= 0) & view.foreign_units[partner])
    result = view.of_kind(Kind.SHIPMENT) & view.active & (orders > 0) & (sums != 0) & ~equal & ~uncountable
    for needed in (view.is_magento, ~view.is_magento, partner < 0):
        result &= np.isin(orders, orders[result & needed])
    return result


@dataclass(frozen=True)
class _Sorter:
    view: View
    goods: Mapping[int, Goods]
    partner: Positions
    ambiguous: Mask
    found: Splits

    def sort(self, documents: Sequence[int]) -> None:
        """Put an order's documents, oldest first, into cuts; documents whose goods only one side has are in none."""
        for group in self._groups(documents):
            cut = Cut(*(tuple(at for at in group if self.view.is_magento[at] == side) for side in (True, False)))
            if cut.magento and cut.odoo and any(self.partner[at] < 0 for at in group):
                self._decide(cut)

    def _decide(self, cut: Cut) -> None:
        tied = [at for at in cut.every if self.ambiguous[at]]
        part = self._part(cut)
        if part is not None:
            self.found.equal.append(part)
            self.found.beyond.extend(set(cut.every) - set(part.every))
        elif tied:
            if len(tied) < len([at for at in cut.every if self.partner[at] < 0]):
                self.found.unequal.append(cut)
        elif apart := self._parcels_apart(cut):
            self.sort([at for at in cut.every if at not in apart])
        else:
            self.found.unequal.append(cut)

    def _part(self, cut: Cut) -> Cut | None:
        """Return the cut as far as both sides are equal; None if they are not.

        The youngest documents of one side are left out if the other side has nothing for them: what they move is open
        there.
        """
        magento = self._chosen(cut.magento, self._sum(cut.odoo))
        if magento:
            return Cut(magento, cut.odoo)
        odoo = self._chosen(cut.odoo, self._sum(cut.magento))
        return Cut(cut.magento, odoo) if odoo else None

    def _chosen(self, documents: Sequence[int], wanted: Goods) -> tuple[int, ...]:
        """Return the oldest of these documents that together move the wanted goods, all matched ones among them; empty if none do."""
        sums: dict[frozenset[tuple[int, int]], tuple[int, ...]] = {frozenset(): ()}
        for at in documents:
            more = {_key(added(dict(moved), self.goods[at])): (*chosen, at) for moved, chosen in sums.items()}
            sums = more if self.partner[at] >= 0 else {**more, **sums}
            if len(sums) > MOST_SUMS:
                return ()
        return sums.get(_key(wanted), ())

    def _parcels_apart(self, cut: Cut) -> set[int]:
        """Return documents whose tracking numbers exclude all documents of the other side that move such goods."""
        return {
            at
            for side, others in ((cut.magento, cut.odoo), (cut.odoo, cut.magento))
            for at in side
            if self.partner[at] < 0
            and all(self._differ(at, other) for other in others if self.goods[at].keys() & self.goods[other].keys())
        }

    def _differ(self, one: int, other: int) -> bool:
        here, there = (parts(tracks_of(self.view.column("tracking")[at])) for at in (one, other))
        return bool(here and there) and not here & there

    def _sum(self, documents: Iterable[int]) -> Goods:
        return added(*(self.goods[at] for at in documents))

    def _groups(self, documents: Sequence[int]) -> list[list[int]]:
        """Return groups of documents that share items, directly or through others; matched ones are in the same group."""
        groups: list[tuple[set[int], list[int]]] = []
        for at in documents:
            items, members = {item for item in self.goods[at] if item}, [at]
            rest = []
            for known, group in groups:
                if known & items or self.partner[at] in group:
                    items, members = items | known, [*group, *members]
                else:
                    rest.append((known, group))
            groups = [*rest, (items, members)]
        place = {at: number for number, at in enumerate(documents)}
        return [sorted(group, key=place.__getitem__) for _, group in groups]


def added(*several: Goods) -> Goods:
    """Return the sums by item, in units, without those that are zero."""
    result: dict[int, int] = {}
    for goods in several:
        for item, units in goods.items():
            result[item] = result.get(item, 0) + units
    return {item: units for item, units in result.items() if units}


def _key(goods: Goods) -> frozenset[tuple[int, int]]:
    return frozenset(goods.items())
