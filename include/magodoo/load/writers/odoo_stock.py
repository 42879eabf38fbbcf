"""Deliveries, tracking numbers and returns in Odoo (facts pair 5.1, 5.5; RULES, *Deliveries*)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from magodoo.errors import MagodooError
from magodoo.load.ledger import LeasedChange
from magodoo.load.names import name_of, resolve
from magodoo.load.outcomes import Answers, Found, NotYet, Written, refused
from magodoo.load.writer import Writer
from magodoo.money import from_units, plain, to_units
from magodoo.odoo.writers import Delivery
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

Row = Mapping[str, Any]


class Deliver(Writer):
    """The order's open outgoing picking: our key first, so that it is known as ours; quantities; validate; read back."""

    kind = ChangeKind.ODOO_DELIVERY
    document = Kind.SHIPMENT
    one_per_order = True

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        rows = _with_keys(context, "shipment", changes)
        return {
            change.id: Found(row["id"], complete=row["state"] == "done", before={"state": row["state"]})
            for change in changes
            if (row := rows.get(change.request["key"])) and row["state"] != "cancel"
        }

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        wanted = _sale_lines(context, changes)
        pickings = self._open(context, changes)
        problems: dict[int, MagodooError] = {}
        for change in changes:
            lines = wanted[change.id]
            chosen = (
                lines if isinstance(lines, MagodooError) else _picking_for(pickings.get(change.id, []), lines, change)
            )
            if isinstance(chosen, MagodooError):
                problems[change.id] = chosen
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        client, wanted, pickings = context.books, _sale_lines(context, changes), self._open(context, changes)
        written: Written = {}
        quantities: dict[int, int] = {}
        keys: dict[int, Delivery] = {}
        for change in changes:
            lines = wanted[change.id]
            chosen = (
                lines if isinstance(lines, MagodooError) else _picking_for(pickings.get(change.id, []), lines, change)
            )
            if isinstance(chosen, MagodooError) or isinstance(lines, MagodooError):
                written[change.id] = chosen if isinstance(chosen, MagodooError) else refused("its lines are gone")
                continue
            quantities |= _shares(chosen, lines)
            keys[chosen["id"]] = Delivery(
                ",".join(change.request["tracks"]), change.request["key"], change.request.get("carrier")
            )
            written[change.id] = int(chosen["id"])
        client.set_tracking(keys)
        client.set_quantities({move: from_units(units) for move, units in quantities.items()})
        done = client.validate_pickings(list(keys))
        return {
            id: done.refused.get(result, result) if isinstance(result, int) else result
            for id, result in written.items()
        }

    def _open(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, list[Row]]:
        orders = resolve(context, changes, [change.request["order"] for change in changes])
        rows = context.books.open_pickings(sorted(set(orders.values()))) if orders else []
        by_order: dict[int, list[Row]] = {}
        for row in rows:
            by_order.setdefault(_id(row["sale_id"]), []).append(row)
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
            change.id: Found(row["id"], complete=True, before={"tracking": row.get("carrier_tracking_ref") or ""})
            for change in changes
            if (row := rows.get(change.request["picking"])) and set(change.request["tracks"]) <= set(_tracks(row))
        }

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        rows = self._rows(context, changes)
        gone = refused("the delivery is gone or cancelled in Odoo")
        return {
            change.id: gone
            for change in changes
            if rows.get(change.request["picking"], {"state": "cancel"})["state"] == "cancel"
        }

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        rows = self._rows(context, changes)
        together = {
            change.request["picking"]: Delivery(
                tracking=",".join(dict.fromkeys([*_tracks(rows[change.request["picking"]]), *change.request["tracks"]]))
            )
            for change in changes
        }
        context.books.set_tracking(together)
        return {change.id: int(change.request["picking"]) for change in changes}

    def _rows(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, Row]:
        ids = [int(change.request["picking"]) for change in changes]
        return {row["id"]: row for row in context.books.by_ids("shipment", ids).rows}


class Return(Writer):
    """Refunded goods back from the delivery that took them."""

    kind = ChangeKind.ODOO_STOCK_RETURN
    document = Kind.RETURN
    one_per_order = True
    write_size = 1

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        """By our key; a return of the same quantities without a key is ours that stopped halfway, or a person's: one either way."""
        keyed = _with_keys(context, "return", changes)
        wanted, orders = (
            _sale_lines(context, changes),
            resolve(context, changes, [change.request["order"] for change in changes]),
        )
        rows = context.books.by_order_ids("return", sorted(set(orders.values()))).rows if orders else []
        answers: Answers = {}
        for change in changes:
            lines, row = wanted[change.id], keyed.get(change.request["key"])
            if row is None and not isinstance(lines, MagodooError):
                order = orders.get(name_of(change.request["order"]))
                row = next((found for found in rows if _is_this_return(found, order, lines)), None)
            if row is not None and row["state"] != "cancel":
                answers[change.id] = Found(row["id"], complete=row["state"] == "done", before={"state": row["state"]})
        return answers

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        chosen = self._deliveries(context, changes)
        return {id: answer for id, answer in chosen.items() if isinstance(answer, MagodooError)}

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        client = context.books
        standing = {id: found for id, found in self.probe(context, changes).items() if isinstance(found, Found)}
        chosen = self._deliveries(context, [change for change in changes if change.id not in standing])
        written: Written = {id: found.target_id for id, found in standing.items()}
        for change in changes:
            answer = chosen.get(change.id)
            if isinstance(answer, MagodooError):
                written[change.id] = answer
            elif answer is not None:
                picking, moves = answer
                quantities = {move: from_units(units) for move, units in moves.items()}
                written[change.id] = client.return_picking(picking, quantities, key=change.request["key"])
        made = {target: change for change in changes if isinstance(target := written[change.id], int)}
        client.set_tracking({target: Delivery(key=change.request["key"]) for target, change in made.items()})
        done = client.validate_pickings(list(made))
        for target, problem in done.refused.items():
            written[made[target].id] = problem
        return written

    def _deliveries(
        self, context: Context, changes: Sequence[LeasedChange]
    ) -> dict[int, tuple[int, dict[int, int]] | MagodooError]:
        """The one done delivery of each order that still has all the goods: its id and units by stock move."""
        client, wanted = context.books, _sale_lines(context, changes)
        orders = resolve(context, changes, [change.request["order"] for change in changes])
        numbers = sorted(set(orders.values()))
        deliveries = client.by_order_ids("shipment", numbers).rows if numbers else []
        returned: dict[int, int] = {}
        for row in client.by_order_ids("return", numbers).rows if numbers else ():
            for move in row["move_ids"] if row["state"] != "cancel" else ():
                origin = _id(move.get("origin_returned_move_id"))
                returned[origin] = returned.get(origin, 0) + to_units(move["quantity"] or move["product_uom_qty"])
        chosen: dict[int, tuple[int, dict[int, int]] | MagodooError] = {}
        for change in changes:
            lines = wanted[change.id]
            if isinstance(lines, MagodooError):
                chosen[change.id] = lines
                continue
            order = orders.get(name_of(change.request["order"]))
            done = [row for row in deliveries if row["state"] == "done" and _id(row["sale_id"]) == order]
            fitting = [(row["id"], moves) for row in done if (moves := _taken(row, lines, returned)) is not None]
            chosen[change.id] = (
                fitting[0] if fitting else refused("no single delivery in Odoo has these goods to return")
            )
        return chosen


def _with_keys(context: Context, kind: str, changes: Sequence[LeasedChange]) -> dict[str, Row]:
    keys = [change.request["key"] for change in changes]
    field = context.instance.odoo.delivery_key_field
    rows = context.books.documents_by_reference(kind, keys, [field]).rows
    return {str(row[field]): row for row in rows if row.get(field)}


def _sale_lines(context: Context, changes: Sequence[LeasedChange]) -> dict[int, dict[int, int] | MagodooError]:
    """By change: units by sale order line; NotYet while the order's lines are not there."""
    references = [line for change in changes for line, _ in change.request["items"]]
    ids = resolve(context, changes, references)
    wanted: dict[int, dict[int, int] | MagodooError] = {}
    for change in changes:
        lines: dict[int, int] = {}
        for line, units in change.request["items"]:
            number = ids.get(name_of(line), 0)
            lines[number] = lines.get(number, 0) + int(units)
        wanted[change.id] = NotYet("the order's lines are not in Odoo yet") if 0 in lines else lines
    return wanted


def _picking_for(pickings: Sequence[Row], lines: Mapping[int, int], change: LeasedChange) -> Row | MagodooError:
    """The one open picking that has everything, reserved, untouched by others."""
    key, field = change.request["key"], change.request["key_field"]
    ours = [row for row in pickings if row.get(field) == key]
    if ours:
        return ours[0]
    problem: MagodooError = NotYet("nothing of it is open for delivery in Odoo")
    for row in pickings:
        complaint = _unfit(row, lines, field)
        if complaint is None:
            return row
        problem = NotYet(f"{row['name']}: {complaint}")
    return problem


def _unfit(row: Row, lines: Mapping[int, int], field: str) -> str | None:
    if row.get(field):
        return f"it is being delivered for {row[field]}"
    reserved: dict[int, int] = {}
    for move in row["move_ids"]:
        line = _id(move.get("sale_line_id"))
        if line in lines and move.get("has_tracking") in ("lot", "serial"):
            return "its goods need lots or serial numbers: a person delivers them"
        if line in lines and _is_component(move):
            return "its goods are components of a kit: a person delivers them"
        if move.get("picked"):
            return "somebody is picking it"
        reserved[line] = reserved.get(line, 0) + to_units(move["quantity"])
    for line, units in lines.items():
        if reserved.get(line, 0) < units:
            return (
                f"{plain(reserved.get(line, 0))} of {plain(units)} are reserved: it would deliver what is not in stock"
            )
    return None


def _is_component(move: Row) -> bool:
    """Whether a stock move brings another product than its order line sold."""
    sold = move["sale_line_id"].get("product_id") if isinstance(move.get("sale_line_id"), Mapping) else None
    return bool(sold) and _id(sold) != _id(move["product_id"])


def _shares(row: Row, lines: Mapping[int, int]) -> dict[int, int]:
    """Units by stock move of a picking: what is delivered now, 0 for the rest."""
    left = dict(lines)
    shares: dict[int, int] = {}
    for move in row["move_ids"]:
        line = _id(move.get("sale_line_id"))
        units = min(left.get(line, 0), to_units(move["product_uom_qty"]))
        shares[move["id"]] = units
        left[line] = left.get(line, 0) - units
    return shares


def _taken(row: Row, lines: Mapping[int, int], returned: Mapping[int, int]) -> dict[int, int] | None:
    """Units to return by stock move of one delivery; None when it has not enough left of every line."""
    left, taken = dict(lines), dict[int, int]()
    for move in row["move_ids"]:
        line = _id(move.get("sale_line_id"))
        units = min(left.get(line, 0), to_units(move["quantity"]) - returned.get(move["id"], 0))
        if units > 0:
            taken[move["id"]] = units
            left[line] -= units
    return taken if not any(left.values()) else None


def _is_this_return(row: Row, order: int | None, lines: Mapping[int, int]) -> bool:
    if row["state"] == "cancel" or row.get("x_magento_key") or _id(row["sale_id"]) != order:
        return False
    found: dict[int, int] = {}
    for move in row["move_ids"]:
        line = _id(move.get("sale_line_id"))
        found[line] = found.get(line, 0) + to_units(move["product_uom_qty"] or move["quantity"])
    return found == dict(lines)


def _tracks(row: Row) -> list[str]:
    return [part.strip() for part in str(row.get("carrier_tracking_ref") or "").split(",") if part.strip()]


def _id(value: Any) -> int:
    """The id of a many2one, however it is read; 0 for none."""
    if isinstance(value, Mapping):
        return int(value["id"])
    return int(value[0]) if isinstance(value, list | tuple) else int(value or 0)
