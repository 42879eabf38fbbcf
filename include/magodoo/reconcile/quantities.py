"""Count quantities per order item: what each document moves, and what the orders of both sides still have open.

An item is a Magento order item that carries money or goods of its own: the parent of a configurable and of a fixed
bundle, the children of a dynamic bundle. A shipment that names a dynamic bundle is counted by its children
(docs/facts/magento-bundles.md). Goods of a bundle are counted as `bundles` decides, whatever line a document names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile import bundles
from magodoo.reconcile.bundles import Bundles
from magodoo.reconcile.dataset import KINDS, ROLES, Mask, Positions, Units
from magodoo.reconcile.view import View


@dataclass(frozen=True)
class Quantities:
    """Counted quantities of all documents: parallel arrays sorted by document.

    Attributes:
        view: the view that was counted.
        document: positions.
        item: order item ids.
        quantity: units.
        bundles: by which items bundles are counted.
    """

    view: View
    document: Positions
    item: Units
    quantity: Units
    bundles: Bundles
    left_over: Mapping[int, int] = field(default_factory=dict)
    """Parts (order items) that Magento shipped of bundles which are not complete, where Odoo sells the bundle as one: units."""

    @cached_property
    def signatures(self) -> Units:
        """One number per document, equal if the quantities per item are equal (a 64-bit hash). The order of lines is irrelevant."""
        return _sums_by_document(
            self.document, signature_terms(self.item, self.quantity), len(self.view.frames.documents)
        )

    def by_item(self, documents: Mask) -> pd.DataFrame:
        """Return one row per document and item, sorted: document, item, quantity (units) of some documents."""
        chosen = np.flatnonzero(documents[self.document])
        document, item = self.document[chosen], self.item[chosen]
        in_order = np.lexsort((item, document))
        document, item, quantity = document[in_order], item[in_order], self.quantity[chosen[in_order]]
        first = np.ones(len(document), dtype=bool)
        first[1:] = (document[1:] != document[:-1]) | (item[1:] != item[:-1])
        begins = np.flatnonzero(first)
        sums = np.add.reduceat(quantity, begins) if len(begins) else quantity
        return pd.DataFrame({"document": document[begins], "item": item[begins], "quantity": sums})

    def goods_by_item(self, documents: Mask) -> pd.DataFrame:
        """Return `by_item` with every bundle that is delivered by its parts counted by them: what a refund means for stock."""
        wholes = documents[self.document] & np.isin(self.item, list(self.bundles.kits))
        if not wholes.any():
            return self.by_item(documents)
        return _replaced(self, wholes, *_expanded(self, wholes, self.bundles.by_parts)).by_item(documents)

    @cached_property
    def parcels_of_parts(self) -> Mask:
        """Magento shipments that list parts of bundles which Odoo sells as one, and complete none of them."""
        lines, result = self.view.frames.lines, np.zeros(len(self.view.exists), dtype=bool)
        position = lines["document"].to_numpy()
        parts = np.isin(lines["item_key"].to_numpy(), self.bundles.completed["child"].to_numpy(np.int64))
        result[position[parts & self.view.select(Side.MAGENTO, Kind.SHIPMENT)[position]]] = True
        return result & (self.signatures == 0)

    @cached_property
    def waiting_parts(self) -> Mask:
        """Those of `parcels_of_parts` whose order has a bundle that is not complete yet."""
        waiting = self.bundles.parts[
            self.bundles.parts["child"].isin([key for key, units in self.left_over.items() if units])
        ]
        return self.parcels_of_parts & np.isin(self.view.column("order_key"), waiting["order"].to_numpy(np.int64))


def count(view: View) -> Quantities:
    """Return the quantities that count, of every document."""
    lines = view.frames.lines
    position = lines["document"].to_numpy()
    kinds = view.kind_codes[position]
    order = kinds == KINDS.index(Kind.ORDER)
    moved = np.isin(kinds, [KINDS.index(Kind.SHIPMENT), KINDS.index(Kind.RETURN)])
    ordered, quantity, item = (lines[name].to_numpy() for name in ("qty_ordered", "quantity", "item_key"))
    of_bundles = bundles.read(view)
    quantity, item = quantity.copy(), item.copy()
    item[of_bundles.kit_lines] = of_bundles.kit_items
    quantity[of_bundles.kit_lines] = ordered[of_bundles.kit_lines]  # what was moved; staging counts kits in `quantity`
    counted = _countable(lines) & (lines["is_money"].to_numpy() | moved) & ~_given(view, order) & ~beside(view)
    counted &= ~of_bundles.labels
    counted &= np.where(order, ordered != 0, quantity != 0)
    chosen = quantity[counted]
    chosen[order[counted]] = ordered[counted & order]
    found = Quantities(view, position[counted], item[counted], chosen, of_bundles)
    return _as_completed(_by_parts(found))


def _given(view: View, order: Mask) -> Mask:
    """Return lines that somebody added to the Odoo order for free: a replacement was not sold (docs/business-rules.md#credit-memos)."""
    lines = view.frames.lines
    own = order & ~view.is_magento[lines["document"].to_numpy()]
    return own & (lines["item_key"] == 0).to_numpy() & (lines["untaxed"] == 0).to_numpy()


def beside(view: View) -> Mask:
    """Return lines of Odoo deliveries with goods that the order did not sell, in one transfer with goods that it did.

    They were given for free, added to the parcel by hand, or sent again after they came back. The sold goods are the
    order's shipment.
    """
    lines = view.frames.lines
    position = lines["document"].to_numpy()
    moved = view.select(Side.ODOO, Kind.SHIPMENT)[position]
    again = moved & (lines["role"].cat.codes.to_numpy() == ROLES.index("again"))
    own = lines["own_item_id"].to_numpy()
    given = np.isin(own, own[_given(view, view.of_kind(Kind.ORDER)[position])]) | (own == 0)
    loose = moved & _countable(lines) & (lines["item_key"] == 0).to_numpy() & given
    sold = np.zeros(len(view.exists), dtype=bool)
    sold[position[moved & _countable(lines) & ~loose]] = True
    return again | (loose & sold[position])


def exchanged(view: View) -> Mask:
    """Return lines of Odoo deliveries with exchanged goods among what they moved; their `quantity` excludes these."""
    return view.frames.lines["role"].cat.codes.to_numpy() == ROLES.index("exchange")


def _countable(lines: pd.DataFrame) -> Mask:
    return np.isin(lines["role"].cat.codes.to_numpy(), [ROLES.index("item"), ROLES.index("exchange")])


def _by_parts(counted: Quantities) -> Quantities:
    """Replace a shipment's bundle by child.qty_ordered / parent.qty_ordered of each part by which it is counted."""
    parts = counted.bundles.by_parts
    shipment = counted.view.select(Side.MAGENTO, Kind.SHIPMENT)[counted.document]
    wholes = shipment & np.isin(counted.item, parts["parent"].to_numpy(np.int64))
    if not wholes.any():
        return counted
    return _replaced(counted, wholes, *_expanded(counted, wholes, parts))


def _expanded(counted: Quantities, wholes: Mask, parts: pd.DataFrame) -> tuple[Units, Units, Units]:
    """Return document, item, quantity of the parts of some counted bundles."""
    named = pd.DataFrame(
        {"document": counted.document[wholes], "parent": counted.item[wholes], "quantity": counted.quantity[wholes]}
    ).merge(parts, on="parent")
    quantity = named["quantity"] * named["child_ordered"] // named["parent_ordered"]
    return named["document"].to_numpy(np.int64), named["child"].to_numpy(np.int64), quantity.to_numpy(np.int64)


def _as_completed(counted: Quantities) -> Quantities:
    """Replace parts that Magento shipped of a bundle that Odoo sells as one by the bundles that each shipment completes."""
    parts = counted.bundles.completed
    shipment = counted.view.select(Side.MAGENTO, Kind.SHIPMENT)[counted.document]
    rows = shipment & np.isin(counted.item, parts["child"].to_numpy(np.int64))
    if not rows.any():
        return counted
    here = rows & counted.view.exists[counted.document]
    *whole, left = bundles.completions(
        counted.bundles, counted.document[here], counted.item[here], counted.quantity[here]
    )
    return replace(_replaced(counted, rows, *whole), left_over=left)


def _replaced(counted: Quantities, rows: Mask, document: Units, item: Units, quantity: Units) -> Quantities:
    """Return the quantities with other rows in place of some."""
    documents = np.concatenate([counted.document[~rows], document])
    in_order = np.argsort(documents, kind="stable")
    return replace(
        counted,
        document=documents[in_order],
        item=np.concatenate([counted.item[~rows], item])[in_order],
        quantity=np.concatenate([counted.quantity[~rows], quantity])[in_order],
    )


def _sums_by_document(document: Positions, values: Units, documents: int) -> Units:
    running = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values.view(np.uint64), out=running[1:])
    bounds = np.searchsorted(document, np.arange(documents + 1))
    return (running[bounds[1:]] - running[bounds[:-1]]).view(np.int64)


def signature_terms(items: Units, quantities: Units) -> Units:
    """Return what each row adds to a signature: sums of these terms are equal if the quantities per item are."""
    terms = _hash(items)
    terms *= quantities.view(np.uint64)
    return terms.view(np.int64)


def _hash(items: Units) -> npt.NDArray[np.uint64]:
    """Return splitmix64 of each item: it spreads small integers over 64 bits, so that sums do not collide by chance."""
    mixed = items.view(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


ITEM_COLUMNS = (
    *("order", "ordered", "canceled", "shipped", "refunded", "has_magento"),
    *("magento_invoice", "magento_shipment", "magento_credit_memo"),
    *("odoo_ordered", "odoo_open", "odoo_line_invoiced", "odoo_line_shipped", "has_odoo"),
    *("odoo_invoice", "odoo_shipment", "odoo_credit_memo", "odoo_return"),
)


def items(counted: Quantities, orders: Units, odoo_orders: Mask) -> pd.DataFrame:
    """Return what both sides hold per item of some orders (Magento order ids): ITEM_COLUMNS, int64 units, indexed by item.

    `order` is the Magento order id. ordered, canceled, shipped and refunded are of Magento's order lines;
    magento_<kind> and odoo_<kind> are sums over active documents; odoo_ordered, odoo_open, odoo_line_invoiced and
    odoo_line_shipped are of the lines of the Odoo orders in the mask.
    """
    view = counted.view
    keys, chosen = view.column("order_key"), np.isin(view.column("order_key"), orders) & view.exists
    moved = counted.by_item(chosen & view.active & ~view.of_kind(Kind.ORDER))
    document, item, quantity = (moved[name].to_numpy() for name in ("document", "item", "quantity"))
    document, item, quantity = (values[item > 0] for values in (document, item, quantity))
    ours, theirs = _magento_lines(counted, chosen), _odoo_lines(counted, chosen & odoo_orders)
    found = np.unique(np.concatenate([ours["item"], theirs["item"], item]))
    table = {name: np.zeros(len(found), dtype=np.int64) for name in ITEM_COLUMNS}
    here, there, of_moved = (np.searchsorted(found, items) for items in (ours["item"], theirs["item"], item))
    # The first row of each item counts, and Magento's order before Odoo's: the last assignment wins.
    for places, order in ((of_moved, keys[document]), (there, theirs["order"]), (here, ours["order"])):
        table["order"][places[::-1]] = order[::-1]
    table["has_magento"][here], table["has_odoo"][there] = 1, 1
    for name in ("ordered", "canceled", "shipped", "refunded"):
        table[name][here] = ours[name]
    for name in ("odoo_ordered", "odoo_open", "odoo_line_invoiced", "odoo_line_shipped"):
        np.add.at(table[name], there, theirs[name])
    kinds, magento = view.kind_codes[document], view.is_magento[document]
    for side, on_side in ((Side.MAGENTO, magento), (Side.ODOO, ~magento)):
        for kind in KINDS:
            if (name := f"{side}_{kind}") in table:
                rows = on_side & (kinds == KINDS.index(kind))
                np.add.at(table[name], of_moved[rows], quantity[rows])
    return _whole_kits(counted.bundles, pd.DataFrame(table, index=found))


def _whole_kits(known: Bundles, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table in which a bundle that Odoo delivers by its parts has moved as often as the scarcest of them."""
    parts = known.parts[known.parts["goods"] & known.parts["parent"].isin(known.kits)]
    parts = parts[parts["parent"].isin(table.index) & parts["child"].isin(table.index)]
    for name in ("odoo_shipment", "odoo_return", "magento_shipment") if len(parts) else ():
        moved = table[name].reindex(parts["child"]).to_numpy() * parts["parent_ordered"] // parts["child_ordered"]
        whole = moved.groupby(parts["parent"]).min()
        table.loc[whole.index, name] = whole
    return table


def _magento_lines(counted: Quantities, chosen: Mask) -> dict[str, Units]:
    """Return item, order, ordered, canceled, shipped, refunded of the money lines of the chosen Magento orders."""
    view, lines = counted.view, counted.view.frames.lines
    position = lines["document"].to_numpy()
    own = (chosen & view.select(Side.MAGENTO, Kind.ORDER))[position] & _countable(lines) & lines["is_money"].to_numpy()
    rows = np.flatnonzero(own)
    names = {"item": "item_key", "ordered": "qty_ordered", "canceled": "qty_canceled", "refunded": "qty_refunded"}
    found = {name: lines[column].to_numpy()[rows] for name, column in names.items()}
    found["order"] = view.column("order_key")[position[rows]]
    found["shipped"] = lines["qty_shipped"].to_numpy()[rows]
    _count_shipped_bundles(counted.bundles, found)
    return _with_kits(counted.bundles, found)


def _count_shipped_bundles(known: Bundles, found: dict[str, Units]) -> None:
    """Set in place what is shipped of bundles and parts, by the lines that count and not by labels."""
    parts = known.parts
    together = parts[parts["dynamic"] & ~parts["parent"].isin(known.separately)]
    if not together.empty:
        by_parent = together["parent_shipped"] * together["child_ordered"] // together["parent_ordered"].clip(lower=1)
        of_parts = by_parent.set_axis(together["child"]).reindex(found["item"]).fillna(0).to_numpy(np.int64)
        found["shipped"] = np.maximum(found["shipped"], of_parts)
    separately = known.completed
    if not separately.empty:
        whole = separately["child_shipped"] * separately["parent_ordered"] // separately["child_ordered"]
        whole = (whole // bundles.ONE * bundles.ONE).groupby(separately["parent"]).min().reindex(found["item"])
        found["shipped"] = np.where(whole.isna(), found["shipped"], whole.fillna(0)).astype(np.int64)


def _with_kits(known: Bundles, found: dict[str, Units]) -> dict[str, Units]:
    """Return the lines with rows for the parts by which Odoo delivers a bundle of fixed price, derived from their bundle."""
    parts = known.parts[known.parts["goods"] & known.parts["parent"].isin(known.kits)]
    parts = parts[parts["parent"].isin(found["item"])]
    if parts.empty:
        return found

    def share(name: str) -> pd.Series:
        return parts[name] * parts["child_ordered"] // parts["parent_ordered"]

    by_parent = share("parent_shipped").where(~parts["parent"].isin(known.separately), 0)
    rows = {
        "item": parts["child"],
        "ordered": parts["child_ordered"],
        "canceled": share("parent_canceled"),
        "refunded": share("parent_refunded"),
        "order": parts["order"],
        "shipped": pd.concat([parts["child_shipped"], by_parent], axis=1).max(axis=1),
    }
    return {name: np.concatenate([found[name], rows[name].to_numpy(np.int64)]) for name in found}


def _odoo_lines(counted: Quantities, chosen: Mask) -> dict[str, Units]:
    """Return item, order, odoo_ordered, odoo_open, odoo_line_invoiced, odoo_line_shipped of the chosen Odoo orders' lines."""
    view, lines = counted.view, counted.view.frames.lines
    position, item = lines["document"].to_numpy(), lines["item_key"].to_numpy()
    rows = np.flatnonzero((chosen & view.select(Side.ODOO, Kind.ORDER))[position] & (item > 0) & _countable(lines))
    names = {
        "open": "qty_open",
        "ordered": "qty_ordered",
        "line_invoiced": "qty_invoiced",
        "line_shipped": "qty_shipped",
    }
    found = {f"odoo_{name}": lines[column].to_numpy()[rows] for name, column in names.items()}
    found |= {"item": item[rows], "order": view.column("order_key")[position[rows]]}
    return _with_kit_moves(counted.bundles, found)


def _with_kit_moves(known: Bundles, found: dict[str, Units]) -> dict[str, Units]:
    """Return the lines with rows for the parts of kits: ordered with their bundle, open as in Odoo's open deliveries."""
    parts = known.parts[known.parts["goods"] & known.parts["parent"].isin(known.kits)]
    sold = pd.Series(found["odoo_ordered"]).groupby(found["item"]).sum()
    parts = parts[parts["parent"].isin(sold.index)]
    if parts.empty:
        return found
    open_ = known.view.frames.lines["qty_open"].to_numpy()[known.kit_lines]
    asked = pd.Series(open_).groupby(known.kit_items).sum().reindex(parts["child"]).fillna(0)
    ordered = sold.reindex(parts["parent"]).to_numpy(np.int64) * parts["child_ordered"] // parts["parent_ordered"]
    rows = {"item": parts["child"], "order": parts["order"], "odoo_ordered": ordered, "odoo_open": asked}
    nothing = np.zeros(len(parts), dtype=np.int64)
    return {
        name: np.concatenate([values, rows[name].to_numpy(np.int64) if name in rows else nothing])
        for name, values in found.items()
    }


def room_in_odoo(table: pd.DataFrame, kind: Kind) -> pd.Series:
    """Return the open quantity per item for another document of a kind in Odoo, in units.

    What was refunded unshipped before the import is invoiced, although the Odoo order does not contain it.
    """
    if kind is Kind.INVOICE:
        sold = (table["ordered"] - table["canceled"]).clip(lower=0)
        never = np.minimum(table["refunded"], (sold - table["shipped"]).clip(lower=0))
        left_out = np.minimum(never, (sold - table["odoo_ordered"]).clip(lower=0)) * (table["has_odoo"] > 0)
        return table["odoo_ordered"] + left_out - np.maximum(table["odoo_invoice"], table["odoo_line_invoiced"])
    if kind is Kind.SHIPMENT:
        return table["odoo_ordered"] - np.maximum(table["odoo_shipment"], table["odoo_line_shipped"])
    return table["odoo_invoice"] - table["odoo_credit_memo"]


def room_in_magento(table: pd.DataFrame, kind: Kind) -> pd.Series:
    """Return the open quantity per item for another document of a kind in Magento, in units.

    In 2.4, to ship = ordered - max(shipped, refunded) - cancelled.
    """
    if kind is Kind.INVOICE:
        return table["ordered"] - table["canceled"] - table["magento_invoice"]
    if kind is Kind.SHIPMENT:
        gone = np.maximum(np.maximum(table["shipped"], table["magento_shipment"]), table["refunded"])
        return table["ordered"] - table["canceled"] - gone
    return table["magento_invoice"] - np.maximum(table["magento_credit_memo"], table["refunded"])
