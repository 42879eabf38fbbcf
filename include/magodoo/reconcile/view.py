"""View the orders being reconciled under an instance's settings: scope, import, cut-over and rounding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from magodoo.domain.states import FRAUD, NEVER_IMPORTED, MagentoOrderState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.money import CURRENCY_DECIMALS
from magodoo.reconcile.dataset import KINDS, ROLES, SIDES, Frames, Mask, Positions, Units
from magodoo.settings.model import Instance


@dataclass(frozen=True)
class View:
    """Frames with an instance's settings at a moment. Masks and position arrays are as long as frames.documents."""

    frames: Frames
    instance: Instance
    now: datetime

    def column(self, name: str) -> Any:
        """Return a column of documents as a numpy array."""
        return self.frames.documents[name].to_numpy()

    def by_id(self, documents: Mask) -> Positions:
        """Positions of documents of one side and kind by id: ties are then decided independently of the order of rows."""
        found = np.flatnonzero(documents)
        return found[np.argsort(self.column("source_id")[found])]

    @cached_property
    def is_magento(self) -> Mask:
        """Documents of Magento."""
        return self.frames.documents["side"].cat.codes.to_numpy() == SIDES.index(Side.MAGENTO)

    @cached_property
    def kind_codes(self) -> Any:
        """Index in KINDS of each document's kind."""
        return self.frames.documents["kind"].cat.codes.to_numpy()

    def of_kind(self, kind: Kind) -> Mask:
        """Return the documents of a kind."""
        return self.kind_codes == KINDS.index(kind)

    def select(self, side: Side, kind: Kind) -> Mask:
        """Return the documents of a side and kind."""
        on_side = self.is_magento if side is Side.MAGENTO else ~self.is_magento
        return on_side & self.of_kind(kind)

    @cached_property
    def exists(self) -> Mask:
        """Documents that are not marked as deleted."""
        return self.frames.documents["deleted_at"].isna().to_numpy()

    @cached_property
    def active(self) -> Mask:
        """Existing documents that are neither cancelled nor a draft."""
        return self.column("active") & self.exists

    @cached_property
    def ours(self) -> Mask:
        """Documents that carry a reference of ours.

        They have a counterpart by name, and are never the source of a new document.
        """
        return (self.column("reference") != "") & ~self.select(Side.MAGENTO, Kind.ORDER)

    @cached_property
    def foreign_units(self) -> Mask:
        """Odoo documents with a line in a unit that does not convert into its product's: their quantities cannot be compared."""
        found: Mask = self.column("foreign_units") != ""
        return found

    @cached_property
    def database(self) -> str | None:
        """The uuid of the Odoo database, as markers name it; None if master data were never read."""
        master = self.frames.master
        found = [data["value"] for data in master.loc[master["key"] == "database.uuid", "data"]]
        return str(found[0]) if found else None

    @cached_property
    def rounds_orders(self) -> bool:
        """Whether Odoo computes the taxes of orders itself, and rounds them its own way (`magodoo.domain.order_cents`)."""
        master = self.frames.master
        found = [data for data in master.loc[master["model"] == "decimal.precision", "data"] if "forced" in data]
        return any(not data["forced"] for data in found)

    @cached_property
    def order_of(self) -> Positions:
        """Position of the Magento order of each document; -1 if it is not in the frames."""
        found = self.frames.locate(Side.MAGENTO, Kind.ORDER, self.column("order_key"))
        return np.where(self.column("order_key") > 0, found, -1)

    def word_is(self, column: str, words: Any) -> Mask:
        """Return the documents whose value in a category column is one of these."""
        categories = self.frames.documents[column].cat
        hit = np.array([category in words for category in categories.categories], dtype=bool)
        return hit[categories.codes.to_numpy()] if len(hit) else np.zeros(len(self.frames.documents), dtype=bool)

    @cached_property
    def has_extra(self) -> Mask:
        """Documents whose total contains an amount that is in no part."""
        lines = self.frames.lines
        result = np.zeros(len(self.frames.documents), dtype=bool)
        result[lines["document"].to_numpy()[lines["role"].cat.codes.to_numpy() == ROLES.index("extra")]] = True
        return result

    @cached_property
    def importable(self) -> Mask:
        """Magento orders that are expected in Odoo: their state is imported for their payment method."""
        documents = self.frames.documents
        states, methods = documents["state"].cat, documents["payment_method"].cat
        table = np.array(
            [[self._imports(state, method) for method in methods.categories] for state in states.categories], dtype=bool
        ).reshape(len(states.categories), len(methods.categories))
        orders = self.select(Side.MAGENTO, Kind.ORDER) & self.exists
        if not orders.any():
            return orders
        return orders & table[states.codes.to_numpy(), methods.codes.to_numpy()] & ~self.word_is("status", {FRAUD})

    @cached_property
    def only_authorised(self) -> Mask:
        """Documents of orders whose provider has authorised the money and captured none, whatever Magento shows as paid.

        An invoice that is captured offline is *paid* in Magento as well. Excludes payment methods for which the
        settings define that an invoice means paid.
        """
        means_paid = {name for name, method in self.instance.payment_methods.items() if method.invoice_means_paid}
        waiting = (self.column("amount_authorized") > 0) & (self.column("paid_online") == 0)
        waiting &= ~self.word_is("payment_method", means_paid)
        return np.where(self.order_of >= 0, waiting[self.order_of], False)

    @cached_property
    def of_deleted_stores(self) -> Mask:
        """Orders without a store view, if the settings name this instance's stores and do not claim such orders for it."""
        undecided = bool(self.instance.stores) and self.instance.deleted_stores != "ours"
        return self.select(Side.MAGENTO, Kind.ORDER) & (self.column("deleted_store") != "") & undecided

    @cached_property
    def confirmed_early(self) -> Mask:
        """Importable orders that are confirmed under the settings although Magento has not processed them (cash on delivery)."""
        early = self.importable & ~self.word_is("state", set(self.instance.orders.import_states))
        quotation = [name for name, method in self.instance.payment_methods.items() if method.import_as == "quotation"]
        return early & ~self.word_is("payment_method", quotation)

    def _imports(self, state: str, method: str) -> bool:
        if state in NEVER_IMPORTED or state == MagentoOrderState.CANCELED:
            return False
        return state in self.states_imported(method)[1]

    def states_imported(self, method: str) -> tuple[str, tuple[str, ...]]:
        """Return the setting that defines which order states of a payment method are imported, and these states."""
        known = self.instance.payment_methods.get(method)
        if known is not None and known.import_states is not None:
            return f"payment_methods.{method}.import_states", known.import_states
        return "orders.import_states", self.instance.orders.import_states

    def imported_as(self, state: str, method: str) -> str:
        """Return whether an order of this state and method is imported as `quotation` or `confirmed`.

        A method that imports earlier states as quotations confirms them once the order reaches a state that is imported
        for all orders.
        """
        known = self.instance.payment_methods.get(method)
        early = state not in self.instance.orders.import_states
        return known.import_as if known is not None and early else "confirmed"

    @cached_property
    def cancelled_orders(self) -> Mask:
        """Magento orders that are cancelled."""
        return self.select(Side.MAGENTO, Kind.ORDER) & self.word_is("state", {MagentoOrderState.CANCELED})

    @cached_property
    def before_cut_over(self) -> Mask:
        """Documents whose order was placed before the cut-over."""
        start = self.instance.books_from_utc
        if start is None:
            return np.zeros(len(self.frames.documents), dtype=bool)
        early = (self.frames.documents["created_at"] < pd.Timestamp(start)).to_numpy()
        return np.where(self.order_of >= 0, early[self.order_of], early)

    @cached_property
    def created_since_cut_over(self) -> Mask:
        """Documents created on or after the cut-over."""
        start = self.instance.books_from_utc
        if start is None:
            return np.ones(len(self.frames.documents), dtype=bool)
        return (self.frames.documents["created_at"] >= pd.Timestamp(start)).to_numpy()

    @cached_property
    def steps(self) -> Units:
        """The smallest amount of each document's currency, in units."""
        currencies = self.frames.documents["currency"].cat
        steps = np.array([smallest_unit(code) for code in currencies.categories], dtype=np.int64)
        return steps[currencies.codes.to_numpy()] if len(steps) else np.zeros(0, dtype=np.int64)

    @cached_property
    def tolerances(self) -> Units:
        """The tolerance of each document's currency, in units."""
        currencies = self.frames.documents["currency"].cat
        allowed = np.array([self.instance.tolerance_units(code) for code in currencies.categories], dtype=np.int64)
        return allowed[currencies.codes.to_numpy()] if len(allowed) else np.zeros(0, dtype=np.int64)

    @cached_property
    def taxed_lines(self) -> Units:
        """How many lines with tax each document has."""
        lines = self.frames.lines
        taxed = lines["is_money"].to_numpy() & (lines["tax"].to_numpy() != 0)
        return np.bincount(lines["document"].to_numpy()[taxed], minlength=len(self.frames.documents)).astype(np.int64)

    def amounts(self, name: str, positions: Positions) -> Units:
        """Return amounts rounded half away from zero to the currency, in units (staging keeps four decimals of credit memos)."""
        return rounded(self.column(name)[positions], self.steps[positions])

    def older_than(self, days: int) -> Mask:
        """Return the documents dated more than `days` days ago."""
        documents = self.frames.documents
        dates = documents["document_date"].fillna(documents["created_at"].dt.tz_localize(None).dt.normalize())
        limit = pd.Timestamp(self.now).tz_convert(self.instance.time_zone).tz_localize(None).normalize()
        return (dates < limit - pd.Timedelta(days=days)).to_numpy()


def in_scope(frames: Frames, instance: Instance) -> Mask:
    """Return the documents of orders that the settings do not exclude (docs/business-rules.md#daily-life: excluded documents are counted, never dropped)."""
    rules, documents = instance.exclude, frames.documents
    if not any((rules.stores, rules.customer_groups, rules.payment_methods, rules.email_patterns, rules.skus)):
        return np.ones(len(documents), dtype=bool)
    orders = documents[(documents["side"] == Side.MAGENTO) & (documents["kind"] == Kind.ORDER)]
    out = pd.Series(False, index=orders.index)
    if rules.stores:
        out |= orders["store_id"].isin(rules.stores)
    if rules.customer_groups:
        out |= orders["customer_group"].isin(rules.customer_groups)
    if rules.payment_methods:
        out |= orders["payment_method"].isin(rules.payment_methods)
    for pattern in rules.email_patterns:
        out |= orders["customer_email"].str.lower().str.fullmatch(translate(pattern.lower()))
    if rules.skus:
        named = frames.lines.loc[frames.lines["sku"].isin(rules.skus), "document"]
        out |= orders.index.isin(named)
    excluded = orders.loc[out, "source_id"]
    return ~documents["order_key"].isin(excluded).to_numpy() if len(excluded) else np.ones(len(documents), dtype=bool)


def smallest_unit(currency: str) -> int:
    """Return the smallest amount of a currency, in units of 1/10000."""
    return int(10 ** (4 - CURRENCY_DECIMALS.get(currency, 2)))


def rounded(units: Units, steps: Units) -> Units:
    """Return units rounded half away from zero to multiples of the steps."""
    return np.sign(units) * ((np.abs(units) + steps // 2) // steps) * steps
