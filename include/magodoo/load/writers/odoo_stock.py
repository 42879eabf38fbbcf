"""Deliveries and tracking numbers in Odoo (facts pair 5.1; RULES, *Deliveries*)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from magodoo.errors import MagodooError
from magodoo.extract.mirrored import Warehouses
from magodoo.extract.odoo_transfers import moves_of, order_of, own_key, picking_of, share_for
from magodoo.load.held import held
from magodoo.load.ledger import LeasedChange
from magodoo.load.names import name_of, resolve
from magodoo.load.outcomes import Answers, Found, NotYet, Written, refused
from magodoo.load.ship_dates import put_right
from magodoo.load.writer import Writer
from magodoo.money import from_units, plain, to_units
from magodoo.odoo.units import in_unit_of
from magodoo.odoo.writers import Delivery
from magodoo.tracking import joined, lacking
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

Row = Mapping[str, Any]
Goods = dict[tuple[int, str], int]
"""Units by sale order line and, of a kit that is delivered by its components, the component's SKU ("" otherwise)."""


class Deliver(Writer):
    """The order's open outgoing picking: our key first, so that it is known as ours; quantities; validate; read back."""

    kind = ChangeKind.ODOO_DELIVERY
    document = Kind.SHIPMENT
    one_per_order = True

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        rows = _with_keys(context, "shipment", changes)
        found = {change: rows.get(change.request["key"]) for change in changes}
        standing = {change: row for change, row in found.items() if row is not None and row["state"] != "cancel"}
        orders = resolve(context, list(standing), [change.request["order"] for change in standing])
        return {
            change.id: Found(
                share_for(row, orders.get(name_of(change.request["order"]), 0)),
                complete=row["state"] == "done",
                before={"state": row["state"]},
            )
            for change, row in standing.items()
        }

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        wanted = sale_lines(context, changes)
        pickings = self._open(context, changes)
        problems: dict[int, MagodooError] = dict(_mirrored(context, changes))
        for change in changes:
            if change.id in problems:
                continue
            lines = wanted[change.id]
            chosen = (
                lines if isinstance(lines, MagodooError) else _picking_for(pickings.get(change.id, []), lines, change)
            )
            if isinstance(chosen, MagodooError):
                problems[change.id] = chosen
            elif not isinstance(lines, MagodooError) and (odd := inexact(context, _shares(chosen, lines))):
                problems[change.id] = odd
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        """Of a transfer that several orders share, one worker delivers one order's goods at a time; the others' go to a backorder."""
        open_ = self._open(context, changes)
        shared = {row["id"] for rows in open_.values() for row in rows if len(orders_of(row)) > 1}
        with held(context, "stock.picking", shared) as ours:
            if shared:
                open_ = self._open(context, changes)
            return self._deliver(context, changes, open_, shared - ours)

    def _deliver(
        self, context: Context, changes: Sequence[LeasedChange], open_: Mapping[int, list[Row]], busy: set[int]
    ) -> Written:
        client, wanted = context.books, sale_lines(context, changes)
        written: Written = {}
        quantities: dict[int, Decimal] = {}
        keys: dict[int, Delivery] = {}
        for change in changes:
            lines = wanted[change.id]
            chosen = lines if isinstance(lines, MagodooError) else _picking_for(open_.get(change.id, []), lines, change)
            if isinstance(chosen, MagodooError) or isinstance(lines, MagodooError):
                written[change.id] = chosen if isinstance(chosen, MagodooError) else refused("its lines are gone")
                continue
            if chosen["id"] in busy or chosen["id"] in keys:
                written[change.id] = NotYet(f"{chosen['name']}: the goods of another order leave with it first")
                continue
            shares = _shares(chosen, lines)
            quantities |= {move["id"]: in_unit_of(move, from_units(units)) for move, units in shares}
            keys[chosen["id"]] = Delivery(
                joined(_tracking(chosen), change.request["tracks"]),
                change.request["key"],
                change.request.get("carrier"),
            )
            written[change.id] = int(chosen["id"])
        client.set_tracking(keys)
        client.set_quantities(quantities)
        done = client.validate_pickings(list(keys))
        return {
            id: done.refused.get(result, result) if isinstance(result, int) else result
            for id, result in written.items()
        }

    def follow_up(self, context: Context, changes: Sequence[LeasedChange]) -> None:
        """Give the orders' invoices Magento's ship date: Odoo has dated them itself."""
        put_right(context, {change.order_key for change in changes})

    def _open(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, list[Row]]:
        orders = resolve(context, changes, [change.request["order"] for change in changes])
        rows = context.books.open_pickings(sorted(set(orders.values()))) if orders else []
        by_order: dict[int, list[Row]] = {}
        for row in rows:
            for order in orders_of(row):
                by_order.setdefault(order, []).append(row)
        return {change.id: by_order.get(orders.get(name_of(change.request["order"]), 0), []) for change in changes}

    def pair(self, change: LeasedChange, target_id: int) -> tuple[Kind, str, str] | None:
        return Kind.SHIPMENT, change.source_id, str(target_id)


class Track(Writer):
    """Tracking numbers that the delivery lacks, added to those that it has."""

    kind = ChangeKind.ODOO_TRACKING
    document = Kind.SHIPMENT
    one_per_order = True
    many_steps = False

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        rows = self._rows(context, changes)
        return {
            change.id: Found(
                change.request["picking"], complete=True, before={"tracking": row.get("carrier_tracking_ref") or ""}
            )
            for change in changes
            if (row := rows.get(_picking(change))) and not lacking(change.request["tracks"], [_tracking(row)])
        }

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        rows = self._rows(context, changes)
        gone = refused("the delivery is gone or cancelled in Odoo, or another company's, where nothing is written")
        return {
            change.id: gone
            for change in changes
            if rows.get(change.request["picking"], {"state": "cancel"})["state"] == "cancel"
        }

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        rows = self._rows(context, changes)
        tracks = {picking: _tracking(row) for picking, row in rows.items()}
        for change in changes:
            tracks[_picking(change)] = joined(tracks[_picking(change)], change.request["tracks"])
        context.books.set_tracking({picking: Delivery(tracking=text) for picking, text in tracks.items()})
        return {change.id: int(change.request["picking"]) for change in changes}

    def _rows(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, Row]:
        ids = sorted({_picking(change) for change in changes})
        return {row["id"]: row for row in context.books.by_ids("shipment", ids).sure}


def _mirrored(context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
    """A refusal for each change whose order another company delivers: a second delivery would take the goods out of stock twice."""
    companies = context.instance.odoo.warehouse_companies
    orders = resolve(context, changes, [change.request["order"] for change in changes]) if companies else {}
    names = Warehouses(context.books, companies).names(set(orders.values())) if orders else {}
    found = {change.id: names.get(orders.get(name_of(change.request["order"]), 0)) for change in changes}
    return {
        id: NotYet(f"{name} of the warehouse's company delivers it: validate the transfer of that order in Odoo")
        for id, name in found.items()
        if name
    }


def _picking(change: LeasedChange) -> int:
    """The transfer that carries the tracking number of the order's share of it."""
    return picking_of(int(change.request["picking"]))


def _with_keys(context: Context, kind: str, changes: Sequence[LeasedChange]) -> dict[str, Row]:
    keys = [change.request["key"] for change in changes]
    field = context.instance.odoo.delivery_key_field
    rows = context.books.documents_by_reference(kind, keys, [field]).sure
    oldest_last = sorted(rows, key=lambda row: -int(row["id"]))  # a transfer that a person duplicated has the key too
    return {key: row for row in oldest_last if (key := own_key(row, field))}


def sale_lines(context: Context, changes: Sequence[LeasedChange]) -> dict[int, Goods | MagodooError]:
    """By change: what it moves; NotYet while the order's lines are not there."""
    references = [line for change in changes for line, *_ in change.request["items"]]
    ids = resolve(context, changes, references)
    wanted: dict[int, Goods | MagodooError] = {}
    for change in changes:
        goods: Goods = {}
        for line, units, *part in change.request["items"]:
            key = ids.get(name_of(line), 0), str(part[0]) if part else ""
            goods[key] = goods.get(key, 0) + int(units)
        absent = any(line == 0 for line, _ in goods)
        wanted[change.id] = NotYet("the order's lines are not in Odoo yet") if absent else goods
    return wanted


def goods_of(move: Row) -> tuple[int, str]:
    """What a stock move brings: its sale order line, and of a kit's component the SKU."""
    line = id_of(move.get("sale_line_id"))
    return line, str(move["product_id"].get("default_code") or "-") if is_component(move) else ""


def _picking_for(pickings: Sequence[Row], goods: Goods, change: LeasedChange) -> Row | MagodooError:
    """The one open picking that has everything, reserved, untouched by others, and whose rest stays open."""
    key, field = change.request["key"], change.request["key_field"]
    ours = [row for row in pickings if own_key(row, field) == key]
    problem: MagodooError = NotYet("nothing of it is open for delivery in Odoo")
    for row in ours or pickings:
        complaint = (None if ours else _unfit(row, goods, field)) or _dropped(row, goods)
        if complaint is None:
            return row
        problem = NotYet(f"{row['name']}: {complaint}")
    return problem


def orders_of(row: Row) -> set[int]:
    """The sales orders whose goods a transfer carries; the one that Odoo names where no move has an order line."""
    return {int(found) for move in moves_of(row) if (found := order_of(move))} or {id_of(row["sale_id"])}


def _unfit(row: Row, wanted: Goods, field: str) -> str | None:
    if other := own_key(row, field):
        return f"it is being delivered for {other}"
    source = row.get("location_id") or {}
    if source.get("usage") == "supplier" or (source.get("usage") == "transit" and not source.get("company_id")):
        return "the vendor sends its goods: a person validates the drop shipment"
    reserved: Goods = {}
    for move in row["move_ids"]:
        goods = goods_of(move)
        if goods in wanted and move.get("has_tracking") in ("lot", "serial"):
            return "its goods need lots or serial numbers: a person delivers them"
        if goods[1] and (goods[0], "") in wanted:
            return "its goods are components of a kit: a person delivers them"
        if move.get("picked"):
            return "somebody is picking it"
        reserved[goods] = reserved.get(goods, 0) + (0 if _is_again(move) else to_units(move["quantity"]))
    for goods, units in wanted.items():
        there = reserved.get(goods, 0)
        if there < units:
            return f"{plain(there)} of {plain(units)} are reserved: it would deliver what is not in stock"
    return None


def _is_again(move: Row) -> bool:
    """Whether a move sends again what came back: that is no part of what was ordered."""
    return bool(move.get("origin_returned_move_id"))


def _dropped(row: Row, goods: Goods) -> str | None:
    """What Odoo would cancel with the delivery: all that does not leave now, where the operation type never makes a backorder.

    One that asks is answered by the call, and one that always makes a backorder needs no answer: the rest stays open.
    """
    kind = row.get("picking_type_id") or {}
    if kind.get("create_backorder") != "never":
        return None
    left = [
        (move["product_id"], rest)
        for move, units in _shares(row, goods)
        if move["state"] not in ("done", "cancel") and (rest := to_units(move["product_uom_qty"]) - units) > 0
    ]
    if not left:
        return None
    named = ", ".join(f"{product.get('default_code') or 'a product'} x {plain(rest, 0)}" for product, rest in left)
    return (
        f"its operation type {kind.get('name')} never makes a backorder, so Odoo would drop what is still to deliver ({named}): "
        "set *Create Backorder* of the type to Ask or Always, or deliver it by hand"
    )


def is_component(move: Row) -> bool:
    """Whether a stock move brings another product than its order line sold."""
    sold = move["sale_line_id"].get("product_id") if isinstance(move.get("sale_line_id"), Mapping) else None
    return bool(sold) and id_of(sold) != id_of(move["product_id"])


def _shares(row: Row, wanted: Goods) -> list[tuple[Row, int]]:
    """The stock moves of a picking with the units of each: what is delivered now, 0 for the rest."""
    left = dict(wanted)
    shares: list[tuple[Row, int]] = []
    for move in row["move_ids"]:
        goods = goods_of(move)
        units = 0 if _is_again(move) else min(left.get(goods, 0), to_units(move["product_uom_qty"]))
        shares.append((move, units))
        left[goods] = left.get(goods, 0) - units
    return shares


def inexact(context: Context, shares: Iterable[tuple[Row, int]]) -> MagodooError | None:
    """Why to wait where Odoo would round a quantity: finer than it keeps them, or no whole part of the unit that a transfer counts in.

    The request does not change when somebody raises the accuracy in Odoo: refused, it would never be made again.
    """
    for move, units in shares:
        if not context.books.holds(move, from_units(units)):
            sku = (move.get("product_id") or {}).get("default_code") or "a product"
            return NotYet(
                f"Odoo's transfer cannot hold {plain(units, 0)} of {sku} exactly: raise the decimal accuracy of units there"
                " (Settings, Technical, Decimal Accuracy), or deliver it by hand"
            )
    return None


def _tracking(row: Row) -> str:
    return str(row.get("carrier_tracking_ref") or "")


def id_of(value: Any) -> int:
    """The id of a many2one, however it is read; 0 for none."""
    if isinstance(value, Mapping):
        return int(value["id"])
    return int(value[0]) if isinstance(value, list | tuple) else int(value or 0)
