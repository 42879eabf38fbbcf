"""Compare pairs: amounts part by part, currency, quantities, states and tracking. Vectorised; one row per pair."""

from __future__ import annotations

import numpy as np
import pandas as pd

from magodoo.domain.states import (
    CANCELLED_IN_ODOO,
    MAGENTO_ORDER_STATES,
    MagentoCreditMemoState,
    MagentoInvoiceState,
    MagentoOrderState,
)
from magodoo.domain.tracking import parts
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.reconcile import statuses
from magodoo.reconcile.adjustments import taxes_within
from magodoo.reconcile.dataset import Mask, Positions, Units, tracks_of
from magodoo.reconcile.matching import Matching
from magodoo.reconcile.quantities import Quantities
from magodoo.reconcile.reduced import reduced
from magodoo.reconcile.view import View

PARTS = ("subtotal", "shipping", "discount", "adjustment", "tax")
AMOUNTS = (
    "",
    FindingType.CURRENCY_MISMATCH,
    FindingType.TOTAL_MISMATCH,
    FindingType.ROUNDING,
    FindingType.TAX_MISMATCH,
    FindingType.CASH_ROUNDING,
)


def compare(view: View, matching: Matching, counted: Quantities) -> pd.DataFrame:
    """Return one row per pair with what differs. Amounts are compared in the document's currency, rounded to its decimals.

    Columns: magento, odoo (positions); reduced, net_gone, tax_gone (see `reduced`); tax_within (see `adjustments`); amounts ("" or the type of
    finding); part; quantities, tracking (bool); status (Meaning, or None if the states agree).
    """
    pairs = pd.DataFrame({"magento": matching.magento, "odoo": matching.odoo})
    remaining = _not_cancelled(view, pairs)
    pairs["reduced"], pairs["net_gone"], pairs["tax_gone"] = reduced(view, pairs, counted)
    pairs["tax_within"] = taxes_within(view, pairs)
    found = np.where(remaining, _amounts(view, pairs), 0)
    pairs["amounts"] = np.array(AMOUNTS, dtype=object)[found]
    different = found == AMOUNTS.index(FindingType.TOTAL_MISMATCH)
    part = np.full(len(pairs), "", dtype=object)
    part[different] = _parts(view, pairs[different])
    pairs["part"] = part
    apart = matching.splits.in_equal | matching.splits.in_unequal  # compared with all documents of their cut
    pairs["quantities"] = remaining & _quantities(view, pairs, counted) & ~apart[matching.magento]
    pairs["tracking"] = _tracking(view, pairs) & ~matching.splits.in_equal[matching.magento]
    pairs["status"] = _statuses(view, pairs)
    return pairs


def _not_cancelled(view: View, pairs: pd.DataFrame) -> Mask:
    """Return the pairs of which neither document is cancelled: amounts of a cancelled one mean nothing."""
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    order = view.of_kind(Kind.ORDER)
    cancelled = view.word_is("state", CANCELLED_IN_ODOO) | view.cancelled_orders
    return ~cancelled[odoo] & ~cancelled[magento] & (order[magento] | view.active[magento])


def _amounts(view: View, pairs: pd.DataFrame) -> Units:
    """Return for each pair the index in AMOUNTS of what differs."""
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    currencies = view.frames.documents["currency"].cat.codes.to_numpy()
    tolerance = view.tolerances[magento]
    net_gone, tax_gone = pairs["net_gone"].to_numpy(), pairs["tax_gone"].to_numpy()
    cash = view.amounts("cash_rounding", odoo)
    apart = view.amounts("grand_total", odoo) - view.amounts("grand_total", magento) + net_gone + tax_gone
    total = np.abs(apart - cash)
    tax = np.abs(view.amounts("tax", odoo) - view.amounts("tax", magento) + tax_gone - pairs["tax_within"].to_numpy())
    shipment = view.of_kind(Kind.SHIPMENT)[magento]
    if view.rounds_orders:
        total = np.where(_rounded_by_odoo(view, magento, apart, tax), np.minimum(total, tolerance), total)
    reasons = (
        (shipment, ""),
        (currencies[magento] != currencies[odoo], FindingType.CURRENCY_MISMATCH),
        (total > tolerance, FindingType.TOTAL_MISMATCH),
        ((cash != 0) & (apart != 0), FindingType.CASH_ROUNDING),
        (total > 0, FindingType.ROUNDING),
        (tax > tolerance, FindingType.TAX_MISMATCH),
    )
    return np.select([here for here, _ in reasons], [AMOUNTS.index(name) for _, name in reasons], default=0)


def _rounded_by_odoo(view: View, magento: Positions, apart: Units, tax: Units) -> Mask:
    """Return the pairs of orders that differ by tax alone, and by no more than Odoo's rounding of each taxed line explains."""
    order, allowed = view.of_kind(Kind.ORDER)[magento], view.steps[magento] * view.taxed_lines[magento] // 2
    return order & (np.abs(apart) == tax) & (tax <= allowed)


def differences(view: View, pairs: pd.DataFrame) -> dict[str, Units]:
    """Return odoo - magento of every part in PARTS, in units rounded to the currency.

    Neither a discount that Odoo includes in its prices nor the tax within an adjustment is a difference.
    """
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    found = {name: view.amounts(name, odoo) - view.amounts(name, magento) for name in PARTS}
    net_gone, tax_gone = pairs["net_gone"].to_numpy(), pairs["tax_gone"].to_numpy()
    found["subtotal"], found["tax"] = found["subtotal"] + net_gone, found["tax"] + tax_gone
    within = pairs["tax_within"].to_numpy()
    found["adjustment"], found["tax"] = found["adjustment"] + within, found["tax"] - within
    folded = np.abs(found["subtotal"] + found["discount"]) <= view.tolerances[magento]
    found["subtotal"] = np.where(folded, 0, found["subtotal"])
    found["discount"] = np.where(folded, 0, found["discount"])
    return found


def _parts(view: View, pairs: pd.DataFrame) -> list[str]:
    """Return for each pair the single part that differs, or grand_total if several do.

    A part within tolerance counts only if no other differs.
    """
    by_part = differences(view, pairs)
    tolerance = view.tolerances[pairs["magento"].to_numpy()]
    large = np.column_stack([np.abs(by_part[name]) > tolerance for name in PARTS])
    small = np.column_stack([by_part[name] != 0 for name in PARTS])
    counted = np.where(large.any(axis=1, keepdims=True), large, small)
    single = counted.sum(axis=1) == 1
    return [PARTS[part] if one else "grand_total" for part, one in zip(counted.argmax(axis=1), single, strict=True)]


def _quantities(view: View, pairs: pd.DataFrame, counted: Quantities) -> Mask:
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    different = (counted.signatures[magento] != counted.signatures[odoo]) & ~view.foreign_units[odoo]
    return different & ~pairs["reduced"].to_numpy()


def _tracking(view: View, pairs: pd.DataFrame) -> Mask:
    """Return the pairs of shipments whose tracking numbers differ."""
    tracking, different = view.column("tracking"), view.of_kind(Kind.SHIPMENT)[pairs["magento"].to_numpy()]
    magento, odoo = (pairs[side].to_numpy()[different] for side in ("magento", "odoo"))
    different[different] = tracking[magento] != tracking[odoo]
    for pair in np.flatnonzero(different):
        here, there = (tracks_of(tracking[pairs[side].to_numpy()[pair]]) for side in ("magento", "odoo"))
        different[pair] = parts(here) != parts(there)
    return different


def _statuses(view: View, pairs: pd.DataFrame) -> pd.Series:
    """Return the meaning of each pair's states, computed once per combination (statuses.py)."""
    documents = view.frames.documents
    magento, odoo = pairs["magento"].to_numpy(), pairs["odoo"].to_numpy()
    combinations = pd.DataFrame(
        {
            "kind": documents["kind"].cat.codes.to_numpy()[magento],
            "state": documents["state"].cat.codes.to_numpy()[magento],
            "odoo_state": documents["state"].cat.codes.to_numpy()[odoo],
            "payment": documents["status"].cat.codes.to_numpy()[odoo],
            "captured": captured(view)[magento],
            "ours": view.ours[odoo],
            "early": view.confirmed_early[magento],
        }
    )
    numbers = _numbered(combinations)
    first = combinations[~pd.Series(numbers).duplicated().to_numpy()]
    kinds, states = list(documents["kind"].cat.categories), list(documents["state"].cat.categories)
    payments = list(documents["status"].cat.categories)
    table = np.empty(len(first), dtype=object)
    for place, (kind, magento_state, odoo_state, payment, has_money, ours, early) in enumerate(
        first.to_numpy(np.int64).tolist()
    ):
        # An order that is to be confirmed in Odoo is in progress, whatever state Magento or an extension gives it.
        state = states[magento_state]
        own = state in view.instance.orders.import_states and state not in MAGENTO_ORDER_STATES
        effective = MagentoOrderState.PROCESSING if early or (own and kinds[kind] == Kind.ORDER) else state
        found = statuses.meaning(
            kinds[kind], effective, states[odoo_state], payments[payment], bool(has_money), bool(ours)
        )
        table[place] = found if _matters(view, kinds[kind], found) else None
    return pd.Series(table[numbers], index=pairs.index, dtype=object)


def _numbered(combinations: pd.DataFrame) -> np.ndarray:
    """Return a number for each row, equal for equal rows; the values must be small and not negative."""
    whole = np.zeros(len(combinations), dtype=np.int64)
    for name in combinations:
        column = combinations[name].to_numpy(np.int64)
        whole = whole * (column.max(initial=0) + 1) + column
    return pd.factorize(whole)[0]


def _matters(view: View, kind: str, found: statuses.Meaning) -> bool:
    """Return whether the meaning is a difference; a draft of ours is none if the policy is not `post`."""
    policies = {Kind.INVOICE: view.instance.invoices.to_odoo, Kind.CREDIT_MEMO: view.instance.credit_memos.to_odoo}
    return found.part is not None and not (found.part == "draft" and policies.get(Kind(kind), "post") != "post")


def captured(view: View) -> Mask:
    """Return the Magento documents whose money the provider has, or whose payment method means paid (docs/business-rules.md#payments).

    Documents that we wrote are never among them.
    """
    evident = view.column("captured_amount") > 0
    listed = view.instance.payment_methods
    means_paid = [name for name, method in listed.items() if method.invoice_means_paid]
    provider = [name for name, method in listed.items() if method.captured_by_provider and method.journal]
    paid = view.select(Side.MAGENTO, Kind.INVOICE) & view.word_is("state", {MagentoInvoiceState.PAID})
    refund = view.select(Side.MAGENTO, Kind.CREDIT_MEMO) & view.word_is("state", {MagentoCreditMemoState.REFUNDED})
    online = refund & _paid_by(view, provider)
    online[online] = view.column("transaction_id")[online] != ""
    invoice = view.select(Side.MAGENTO, Kind.INVOICE) & (evident | (paid & _paid_by(view, means_paid)))
    return (invoice & ~view.only_authorised | online) & ~view.ours


def _paid_by(view: View, methods: list[str]) -> Mask:
    """Return the documents whose order is paid by one of these methods; only orders carry the method."""
    return np.where(view.order_of >= 0, view.word_is("payment_method", methods)[view.order_of], False)
