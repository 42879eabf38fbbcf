"""Collect what findings and plans read: the view with its matches, comparisons, quantities, and what each order can take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from magodoo.domain.states import FRAUD, MAGENTO_ORDER_STATES, NEVER_IMPORTED, MagentoOrderState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile import assignment, quantities
from magodoo.reconcile.dataset import KINDS, Mask, Positions, Units
from magodoo.reconcile.matching import Matching
from magodoo.reconcile.quantities import Quantities
from magodoo.reconcile.reversals import Reversals, before_push
from magodoo.reconcile.rows import Document
from magodoo.reconcile.view import View

DOCUMENTS = (Kind.INVOICE, Kind.SHIPMENT, Kind.CREDIT_MEMO)


@dataclass(frozen=True)
class Situation:
    """Matched and compared orders. Masks and position arrays are as long as documents.

    Attributes:
        view: the orders under the instance's settings.
        counted: quantities of all documents.
        matching: pairs and ties.
        pairs: the frame of comparison.compare, one row per pair.
    """

    view: View
    counted: Quantities
    matching: Matching
    pairs: pd.DataFrame

    @cached_property
    def is_document(self) -> Mask:
        """Invoices, shipments and credit memos of either side."""
        return np.isin(self.view.kind_codes, [KINDS.index(kind) for kind in DOCUMENTS])

    @cached_property
    def unpaired(self) -> Mask:
        """Existing documents and orders that should have a counterpart and have none, ambiguous ones included."""
        view = self.view
        alone = view.exists & ~self.matching.paired & (self.matching.lost < 0) & ~self.matching.covered
        return alone & np.where(view.is_magento, self._expected_in_odoo, self._expected_in_magento)

    @cached_property
    def _expected_in_odoo(self) -> Mask:
        """Importable orders, and the active documents of every order: a held or cancelled one may be invoiced or shipped.

        Excludes a parcel of parts whose bundle, as Odoo counts it, left with a later parcel.
        """
        view = self.view
        used_up = self.counted.parcels_of_parts & ~self.counted.waiting_parts
        documents = self.is_document & view.active & (view.order_of >= 0) & ~used_up
        return view.importable | self.kept_out | documents

    @cached_property
    def kept_out(self) -> Mask:
        """Magento orders that only their state keeps out of Odoo, although something happened to them or the state is unknown.

        Excludes orders that are held, cancelled or wait for their payment, as those states exclude them on purpose.
        """
        view = self.view
        orders = view.select(Side.MAGENTO, Kind.ORDER) & view.exists & ~view.importable
        orders &= ~view.word_is("state", {*NEVER_IMPORTED, MagentoOrderState.CANCELED}) & ~view.word_is(
            "status", {FRAUD}
        )
        begun = view.column("amount_paid") > 0
        documents = self.is_document & view.is_magento & view.active & (view.order_of >= 0)
        begun[view.order_of[documents]] = True
        return orders & (begun | ~view.word_is("state", set(MAGENTO_ORDER_STATES)))

    @cached_property
    def _expected_in_magento(self) -> Mask:
        """Active documents of resolved orders. An Odoo order is never expected in Magento."""
        view = self.view
        empty = view.of_kind(Kind.SHIPMENT) & (view.column("quantity") <= 0) & (self.counted.signatures == 0)
        return self.is_document & view.active & (view.order_of >= 0) & ~empty

    @cached_property
    def odoo_orders(self) -> Mask:
        """Odoo orders that are matched."""
        return self.view.select(Side.ODOO, Kind.ORDER) & self.matching.paired

    def items_of(self, orders: Units) -> pd.DataFrame:
        """Return quantities.items of some orders (Magento order ids)."""
        return quantities.items(self.counted, np.unique(orders[orders > 0]), self.odoo_orders)

    @cached_property
    def crowded(self) -> Mask:
        """Unpaired documents for which the other side's order has nothing open: by items, and for refunds by money."""
        return self._crowded(self.unpaired & self.is_document, one_by_one=True) | (self.unpaired & self._no_money_left)

    @cached_property
    def reversals(self) -> Reversals:
        """Odoo invoices that credit notes reversed before either was written to Magento."""
        return before_push(self)

    @cached_property
    def late(self) -> Mask:
        """Unpaired documents that would find nothing open once the earlier ones of their kind are written."""
        written = ~self.reversals.invoices & ~self.reversals.notes
        return self._crowded(self.unpaired & self.is_document & ~self.crowded & written, one_by_one=False)

    def _crowded(self, documents: Mask, one_by_one: bool) -> Mask:
        positions = np.flatnonzero(documents)
        result = np.zeros(len(documents), dtype=bool)
        if len(positions):
            fitting = assignment.fits(self.view, self.counted, self.items_of_unpaired, positions, one_by_one)
            result[positions] = ~fitting
        return result

    @cached_property
    def items_of_unpaired(self) -> pd.DataFrame:
        """quantities.items of the orders that have an unpaired document."""
        return self.items_of(self.view.column("order_key")[self.unpaired & self.is_document])

    @cached_property
    def _no_money_left(self) -> Mask:
        """Refunds above what the other side has invoiced and not yet refunded; only if it has the order."""
        view = self.view
        memos = np.flatnonzero(self.unpaired & view.of_kind(Kind.CREDIT_MEMO))
        result = np.zeros(len(view.exists), dtype=bool)
        if not len(memos):
            return result
        left = self.refundable(view.column("order_key")[memos])
        name = np.where(view.is_magento[memos], "odoo", "magento")
        there = left.reindex(pd.MultiIndex.from_arrays([view.column("order_key")[memos], name])).fillna(0).to_numpy()
        known = ~view.is_magento[memos] | (self.matching.odoo_order[memos] >= 0)
        result[memos] = known & (view.amounts("grand_total", memos) > there + view.tolerances[memos])
        return result

    def refundable(self, orders: Units) -> pd.Series:
        """Return invoiced less refunded amounts in units, by order and side ("magento", "odoo")."""
        view = self.view
        money = view.of_kind(Kind.INVOICE) | view.of_kind(Kind.CREDIT_MEMO)
        rows = np.flatnonzero(money & view.active & np.isin(view.column("order_key"), orders))
        sign = np.where(view.of_kind(Kind.INVOICE)[rows], 1, -1)
        amounts = pd.Series(view.amounts("grand_total", rows) * sign)
        sides = np.where(view.is_magento[rows], "magento", "odoo")
        return amounts.groupby([view.column("order_key")[rows], sides]).sum()

    def orders_by_id(self, ids: Units) -> dict[int, Document]:
        """Return Magento orders as rows, by id."""
        orders = self.view.frames.locate(Side.MAGENTO, Kind.ORDER, ids)
        return {row.source_id: row for row in self.view.frames.rows(orders[orders >= 0])}

    def order_rows(self, positions: Positions) -> dict[int, Document]:
        """Return the Magento order of each document as a row, by the document's position.

        Documents without order are left out.
        """
        orders = self.view.order_of[positions]
        known = np.unique(orders[orders >= 0])
        rows = dict(zip(known.tolist(), self.view.frames.rows(known), strict=True))
        return {int(p): rows[int(o)] for p, o in zip(positions, orders, strict=True) if o >= 0}
