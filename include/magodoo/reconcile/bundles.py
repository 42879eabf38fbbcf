"""Decide by which order items the goods of a bundle are counted, on either side.

A bundle is counted by its parts if it is priced by them, or if Odoo sells it as a kit that explodes into the same
parts; otherwise as one. Its parts may leave separately (*ship bundle items separately*): then a Magento shipment lists
what left, and the bundle's own line always has quantity 1, in old versions also in the parcel of another article
(magento2#19069, magento2#3486). No interface returns which way a bundle ships: its shipments show it
(docs/facts/magento-bundles.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from magodoo.domain.given_up import NEVER_SHIPPED
from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile.dataset import ROLES, Mask, Units
from magodoo.reconcile.view import View

ONE = 10_000
_PART_COLUMNS = (
    *("parent", "child", "parent_ordered", "child_ordered", "parent_shipped", "child_shipped"),
    *("parent_canceled", "parent_refunded", "parent_invoiced", "order"),
)


@dataclass(frozen=True)
class Bundles:
    """The bundles of some orders.

    Attributes:
        view: the view that they were read from.
        parts: one row per part of each Magento bundle: _PART_COLUMNS (order item ids and units; order: Magento order
            id), sku, parent_sku, dynamic (priced by its parts), goods (the part is shipped at all).
        labels: lines of Magento shipments that name a bundle whose parts ship separately: nothing left with them.
        separately: bundles whose shipments show that they ship separately.
        together: bundles whose shipments show that they ship together. Without a shipment a bundle is in neither.
        kits: bundles of fixed price that Odoo delivers by the same parts.
        kit_lines: lines of Odoo deliveries and returns that move such a part.
        kit_items: the order item of each of these lines.
    """

    view: View
    parts: pd.DataFrame
    labels: Mask
    separately: frozenset[int] = frozenset()
    together: frozenset[int] = frozenset()
    kits: frozenset[int] = frozenset()
    kit_lines: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    kit_items: Units = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @cached_property
    def by_parts(self) -> pd.DataFrame:
        """Parts by which shipments, deliveries and returns are counted."""
        chosen = self.parts["goods"] & (self.parts["dynamic"] | self.parts["parent"].isin(self.kits))
        return self.parts[chosen]

    @cached_property
    def completed(self) -> pd.DataFrame:
        """Parts of bundles that Odoo sells as one and Magento ships separately."""
        as_one = ~self.parts["dynamic"] & ~self.parts["parent"].isin(self.kits)
        return self.parts[as_one & self.parts["goods"] & self.parts["parent"].isin(self.separately)]


def read(view: View) -> Bundles:
    """Return the bundles of these orders, and how their documents show them shipped."""
    parts, nothing = _parts(view), np.zeros(len(view.frames.lines), dtype=bool)
    if parts.empty:
        return Bundles(view, parts, nothing)
    labels, separately, together = _ways(view, parts)
    kits, lines, items = _kits(view, parts)
    return Bundles(view, parts, labels, separately, together, kits, lines, items)


def _parts(view: View) -> pd.DataFrame:
    lines = view.frames.lines
    of_orders = view.select(Side.MAGENTO, Kind.ORDER)[lines["document"].to_numpy()]
    bundle = of_orders & (lines["product_type"] == "bundle").to_numpy() & (lines["qty_ordered"] > 0).to_numpy()
    if not bundle.any():
        empty = pd.DataFrame(columns=_PART_COLUMNS, dtype=np.int64)
        return empty.assign(sku="", parent_sku="", dynamic=False, goods=False)
    children = lines[of_orders & (lines["parent_item_key"] > 0).to_numpy()]
    joined = children.merge(lines[bundle], left_on="parent_item_key", right_on="item_key", suffixes=("", "_parent"))
    return pd.DataFrame(
        {
            "parent": joined["item_key_parent"],
            "child": joined["item_key"],
            "parent_ordered": joined["qty_ordered_parent"],
            "child_ordered": joined["qty_ordered"],
            "parent_shipped": joined["qty_shipped_parent"],
            "child_shipped": joined["qty_shipped"],
            "parent_canceled": joined["qty_canceled_parent"],
            "parent_refunded": joined["qty_refunded_parent"],
            "parent_invoiced": joined["qty_invoiced_parent"],
            "order": view.column("order_key")[joined["document"].to_numpy()],
            "sku": joined["sku"].astype(str),
            "parent_sku": joined["sku_parent"].astype(str),
            "dynamic": ~joined["is_money_parent"].astype(bool),
            "goods": ~joined["product_type"].isin(NEVER_SHIPPED) & (joined["qty_ordered"] > 0),
        }
    )


def _ways(view: View, parts: pd.DataFrame) -> tuple[Mask, frozenset[int], frozenset[int]]:
    """Return labels, bundles shipped separately and bundles shipped together, by what the Magento shipments list.

    A bundle ships separately if a shipment lists a part. Then the bundle's own line is a label if its quantity is 1 or
    a part is in the same shipment. Without a part anywhere, `total_qty` decides: Magento leaves labels out of it.
    """
    lines = view.frames.lines
    document, item = lines["document"].to_numpy(), lines["item_key"].to_numpy()
    quantity = lines["quantity"].to_numpy()
    labels = np.zeros(len(lines), dtype=bool)
    shipped = view.select(Side.MAGENTO, Kind.SHIPMENT)[document]
    parent_of = parts.drop_duplicates("child").set_index("child")["parent"]
    of_part = shipped & np.isin(item, parent_of.index.to_numpy())
    of_whole = np.flatnonzero(shipped & np.isin(item, parts["parent"].to_numpy()))
    separately = set(parent_of.reindex(item[of_part]).tolist())
    if not len(of_whole):
        return labels, frozenset(separately), frozenset()
    beside = pd.MultiIndex.from_arrays([document[of_part], parent_of.reindex(item[of_part]).to_numpy()])
    whole = pd.DataFrame({"document": document[of_whole], "item": item[of_whole], "quantity": quantity[of_whole]})
    has_part = pd.MultiIndex.from_frame(whole[["document", "item"]]).isin(beside)
    known = whole["item"].isin(separately).to_numpy()
    unknown = _left_out_of_total(view, parts, whole, known)
    label = (known & (has_part | (whole["quantity"] == ONE).to_numpy())) | unknown
    labels[of_whole[label]] = True
    separately |= set(whole["item"][unknown].tolist())
    return labels, frozenset(separately), frozenset(whole["item"][~label].tolist()) - separately


def _left_out_of_total(view: View, parts: pd.DataFrame, whole: pd.DataFrame, known: Mask) -> Mask:
    """Return which bundle lines the shipment's `total_qty` leaves out.

    If it fits neither way, the order's own shipped quantities decide.
    """
    lines = view.frames.lines
    documents = np.unique(whole["document"].to_numpy())
    here = lines[np.isin(lines["document"].to_numpy(), documents)]
    listed = here.groupby("document")["quantity"].sum()
    wholes = whole.groupby("document")["quantity"].sum()
    open_ = whole["quantity"].where(~known, 0).groupby(whole["document"]).sum()
    others = (listed - wholes).reindex(whole["document"]).to_numpy()
    counted = others + open_.reindex(whole["document"]).to_numpy()
    total = view.column("quantity")[whole["document"].to_numpy()]
    of_order = parts.groupby("parent")[["parent_shipped", "child_shipped"]].max().reindex(whole["item"])
    parts_stayed = ((of_order["child_shipped"] == 0) & (of_order["parent_shipped"] > 0)).to_numpy()
    return ~known & (others > 0) & (total > 0) & (total != counted) & ((total == others) | parts_stayed)


def _kits(view: View, parts: pd.DataFrame) -> tuple[frozenset[int], npt.NDArray[np.int64], Units]:
    """Return the bundles of fixed price whose deliveries in Odoo move their parts, each as often as the bundle contains it.

    Then the lines that move such parts, and their order items.
    """
    none = frozenset[int](), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    fixed = parts[~parts["dynamic"] & parts["goods"]]
    lines = view.frames.lines
    document, item = lines["document"].to_numpy(), lines["item_key"].to_numpy()
    moves = view.select(Side.ODOO, Kind.SHIPMENT) | view.select(Side.ODOO, Kind.RETURN)
    plain = lines["role"].cat.codes.to_numpy() == ROLES.index("item")
    at = np.flatnonzero(plain & (moves & view.exists)[document] & np.isin(item, fixed["parent"].to_numpy()))
    if not len(at):
        return none
    fixed = fixed[~fixed.duplicated(["parent", "sku"], keep=False).groupby(fixed["parent"]).transform("any")]
    moved = pd.DataFrame(
        {
            "at": at,
            "parent": item[at],
            "sku": lines["sku"].astype(str).to_numpy()[at],
            "asked": np.where(view.of_kind(Kind.SHIPMENT)[document[at]], lines["qty_ordered"].to_numpy()[at], 0),
        }
    )
    asked = moved.groupby(["parent", "sku"], as_index=False)["asked"].sum()
    both = fixed.merge(asked, on=["parent", "sku"], how="outer", indicator=True)
    both = both[both["parent"].isin(moved["parent"])]
    each = (both["asked"].fillna(0) * both["parent_ordered"].fillna(0) / both["child_ordered"].fillna(1)).round(4)
    strange = (both["_merge"] != "both") | (each != each.groupby(both["parent"]).transform("first"))
    kits = frozenset(int(parent) for parent in set(both["parent"]) - set(both["parent"][strange]))
    chosen = moved[moved["parent"].isin(kits)].merge(fixed[["parent", "sku", "child"]], on=["parent", "sku"])
    return kits, chosen["at"].to_numpy(np.int64), chosen["child"].to_numpy(np.int64)


def refunded_whole(sku: str) -> str:
    """Return why Magento ships nothing more of a bundle that ships together and is priced by its parts (magento2#39060).

    Magento counts all of it as refunded with each credit memo that contains a part of it, or refunds money only.
    """
    return (
        f"Magento counts the bundle {sku} as refunded, since a credit memo took a part of it or gave money back, and ships nothing "
        "of it any more: the delivery stays in Odoo alone"
    )


def would_be_refunded_whole(sku: str) -> str:
    """Return why a refund waits that would make Magento count an unshipped bundle as refunded (see `refunded_whole`)."""
    return (
        f"Magento would count all of the bundle {sku} as refunded with it, and would ship nothing of it any more (magento2#39060): "
        "it is written once the bundle is shipped in Magento, or is not to be shipped any more"
    )


def completions(
    bundles: Bundles, document: Units, item: Units, quantity: Units
) -> tuple[Units, Units, Units, dict[int, int]]:
    """Return the whole bundles that each Magento shipment completes: document, bundle item, quantity; and the rest by part.

    For bundles that Odoo sells as one and Magento ships separately: a bundle has left once the last of its parts has.
    The arguments are the counted lines of Magento shipments; quantities are units.
    """
    made: list[tuple[int, int, int]] = []
    left: dict[int, int] = {}
    source = bundles.view.column("source_id")
    for parent in sorted(set(bundles.completed["parent"].tolist())):
        parts = bundles.completed[bundles.completed["parent"] == parent]
        share = dict(zip(parts["child"].tolist(), parts["child_ordered"].tolist(), strict=True))
        ordered = int(parts["parent_ordered"].iloc[0])
        out = dict.fromkeys(share, 0)
        rows = np.flatnonzero(np.isin(item, parts["child"].to_numpy()))
        done = 0
        for position in sorted(set(document[rows].tolist()), key=lambda position: int(source[position])):
            for row in rows[document[rows] == position].tolist():
                out[int(item[row])] += int(quantity[row])
            now = min(units * ordered // (share[child] * ONE) for child, units in out.items()) * ONE
            if now > done:
                made.append((position, parent, now - done))
                done = now
        left |= {child: units - done * share[child] // ordered for child, units in out.items()}
    columns = np.array(made, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2], left
