"""Refunded goods -> return in Odoo, if the settings treat a refund as a return (docs/facts/pair.md#5.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from magodoo.connectors.odoo.deliveries import Delivery
from magodoo.connectors.odoo.units import in_unit_of
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import OdooTransferState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import MagodooError
from magodoo.extract.odoo_transfers import own_key
from magodoo.flows.load_tables import call
from magodoo.flows.order_plan import Item, OrderPlan, first_reason
from magodoo.flows.order_readiness import not_ready
from magodoo.flows.references import resolve
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.flows.stock import Goods, TransferRequest, goods_of, id_of, inexact, items_to_move, orders_of, sale_lines
from magodoo.ledger.behaviour import Answers, Found, Writer, Written, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared
from magodoo.money import from_units, rounded, to_units

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class ReturnIntent:
    """Hold the items whose refunded units come back to stock."""

    items: tuple[Item, ...]


class ReturnRequest(TransferRequest, frozen=True, kw_only=True):
    """Hold the goods that come back from the deliveries that shipped them."""


Change = LeasedChange[ReturnRequest]


def plan_returns(order: OrderPlan) -> None:
    """Plan the return of refunded and shipped goods to stock, if the settings treat refunds as returns.

    Planned together with our credit note, or once it exists. Beside a credit note that a person wrote it is planned
    only when the return is overdue (finding `refunded_not_returned`), as the person may return the goods. Not planned
    before the cut-over or while the order is not ready.
    """
    closed = not_ready(order)
    late = {finding.magento_id: finding for finding in order.of(FindingType.REFUNDED_NOT_RETURNED)}
    for row in order.active(Side.MAGENTO, Kind.CREDIT_MEMO):
        items = order.facts.awaiting_return.get(row.at)
        finding, note = late.get(str(row.source_id)), order.partner(row)
        ours = note is not None and order.facts.situation.view.ours[note.at]
        booked = order.planned("odoo_credit_note", row) or not rounded(row.grand_total)
        due = booked or ours or (note is not None and finding is not None)
        reason = first_reason(
            order.cut_over(row), closed, None if due else "Its credit memo is not in Odoo: the goods come back with it"
        )
        if items and finding is not None:
            finding.no_change_reason = reason
        if not items or reason:
            continue
        order.change(ChangeKind.ODOO_STOCK_RETURN, row, [finding] if finding else [], ReturnIntent(items))


def prepare_return(sources: Sources, plan: PlannedChange[ReturnIntent]) -> Prepared:
    """Build the request: units by item, returned from the delivery that shipped them; its lines are not `to_refund` (docs/facts/pair.md#5.5)."""
    items, problems = items_to_move(sources, plan.order_key, plan.intent.items)
    if problems:
        return Prepared(plan, None, problems=problems)
    request = ReturnRequest(
        order=sources.reference(Kind.ORDER, plan.order_key),
        items=items,
        key=f"ret_{sources.instance.id}_{plan.source_id}",
        key_field=sources.instance.odoo.delivery_key_field,
    )
    wizard = {"picking": f"delivery of {request.order.as_json()}", "items": request.as_json()["items"]}
    calls = [
        call("stock.return.picking", "create", vals_list=[wizard]),
        call("stock.return.picking", "action_create_returns", ids=["the new return"]),
        call("stock.picking", "button_validate", ids=["the return's picking"]),
    ]
    return Prepared(plan, request, calls)


Row = dict[str, Any]
Units = dict[int, int]
Parts = dict[int, Units]  # by delivery: units by stock move


class Return(Writer[ReturnRequest]):
    """Return refunded goods from the deliveries that shipped them: one return of each delivery, all with the change's key."""

    kind = ChangeKind.ODOO_STOCK_RETURN
    request_type = ReturnRequest
    document = Kind.RETURN
    one_per_order = True
    write_size = 1

    def probe(self, context: Context, changes: Sequence[Change]) -> Answers:
        """Find returns by our key, else one of the same quantities without a key: ours that was interrupted, or a person's."""
        wanted = sale_lines(context, changes)
        answers: Answers = {}
        for change, (rows, _, _) in self._existing(context, changes).items():
            if rows:
                complete = (
                    all(row["state"] == OdooTransferState.DONE for row in rows) and _units(rows) == wanted[change]
                )
                before = {"state": ", ".join(str(row["state"]) for row in rows)}
                answers[change] = Found(rows[0]["id"], complete=complete, before=before)
        return answers

    def check(self, context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
        """Refuse what the done deliveries do not have left to return, components of kits, and every return where Odoo has no wizard for it.

        Quantities that Odoo would round are held.
        """
        if impossible := context.odoo.deliveries.no_returns():
            return {change.id: impossible for change in changes}
        wanted = sale_lines(context, changes)
        problems: dict[int, MagodooError] = {}
        for change, (rows, returns, deliveries) in self._existing(context, changes).items():
            parts = _parts(deliveries, _rest(wanted[change], rows), returns)
            if isinstance(parts, MagodooError):
                problems[change] = parts
            elif odd := inexact(context, _shares(deliveries, parts)):
                problems[change] = odd
        return problems

    def write(self, context: Context, changes: Sequence[Change]) -> Written:
        """Create the missing returns, set the key on each, and validate them; returns that exist are completed."""
        client, wanted = context.odoo, sale_lines(context, changes)
        keys = {change.id: change.request.key for change in changes}
        written: Written = {}
        made: dict[int, int] = {}
        done_before: set[int] = set()
        for change, (rows, returns, deliveries) in self._existing(context, changes).items():
            parts = _parts(deliveries, _rest(wanted[change], rows), returns)
            if isinstance(parts, MagodooError):
                written[change] = parts
                continue
            standing = [row["id"] for row in rows]
            done_before |= {row["id"] for row in rows if row["state"] == OdooTransferState.DONE}
            for picking, moves in parts.items():
                shares = _shares(deliveries, {picking: moves})
                quantities = {move["id"]: in_unit_of(move, from_units(units)) for move, units in shares}
                standing.append(client.deliveries.create_return(picking, quantities, key=keys[change]))
            written[change] = standing[0]
            made |= dict.fromkeys(standing, change)
        client.deliveries.set_tracking({target: Delivery(key=keys[change]) for target, change in made.items()})
        done = client.deliveries.validate([target for target in made if target not in done_before])
        for target, problem in done.refused.items():
            written[made[target]] = problem
        return written

    def _existing(
        self, context: Context, changes: Sequence[Change]
    ) -> dict[int, tuple[list[Row], list[Row], list[Row]]]:
        """Return by change: its own returns, all returns of its order, and the order's done deliveries."""
        client, wanted = context.odoo, sale_lines(context, changes)
        orders = resolve(context, changes, [change.request.order for change in changes])
        numbers = sorted(set(orders.values()))
        returns = (
            [
                row
                for row in client.documents.by_order_ids("return", numbers).sure
                if row["state"] != OdooTransferState.CANCEL
            ]
            if numbers
            else []
        )
        deliveries = (
            [
                row
                for row in client.documents.by_order_ids("shipment", numbers).sure
                if row["state"] == OdooTransferState.DONE
            ]
            if numbers
            else []
        )
        _name_products(context, [*returns, *deliveries])
        field = context.instance.odoo.delivery_key_field
        keyed = client.documents.by_reference("return", [change.request.key for change in changes], [field]).sure
        _name_products(context, keyed)
        found: dict[int, tuple[list[Row], list[Row], list[Row]]] = {}
        for change in changes:
            order = orders.get(change.request.order)
            mine = [row for row in returns if order in orders_of(row)]
            own = [
                row
                for row in keyed
                if own_key(row, field) == change.request.key and row["state"] != OdooTransferState.CANCEL
            ]
            own = own or [row for row in mine if not own_key(row, field) and _units([row]) == wanted[change.id]][:1]
            found[change.id] = own, mine, [row for row in deliveries if order in orders_of(row)]
        return found


def _name_products(context: Context, rows: Iterable[Row]) -> None:
    """Add the product that was sold to the moves' order lines; components of a kit are recognised by it."""
    moves = [move for row in rows for move in row["move_ids"] if id_of(move.get("sale_line_id"))]
    sold = context.odoo.deliveries.sold_products(sorted({id_of(move["sale_line_id"]) for move in moves}))
    for move in moves:
        line = id_of(move["sale_line_id"])
        known = move["sale_line_id"] if isinstance(move["sale_line_id"], Mapping) else {}
        move["sale_line_id"] = {**known, "id": line, "product_id": sold.get(line)}


def _units(rows: Iterable[Row]) -> Goods:
    """Return the units by goods that the returns bring back."""
    found: Goods = {}
    for row in rows:
        for move in row["move_ids"]:
            goods = goods_of(move)
            found[goods] = found.get(goods, 0) + to_units(move["product_uom_qty"] or move["quantity"])
    return found


def _rest(wanted: Goods | MagodooError, rows: Sequence[Row]) -> Goods | MagodooError:
    """Return the units by goods that the existing returns do not bring back yet; an error is passed through."""
    if isinstance(wanted, MagodooError):
        return wanted
    back = _units(rows)
    return {goods: units - back.get(goods, 0) for goods, units in wanted.items()}


def _parts(deliveries: Sequence[Row], wanted: Goods | MagodooError, returns: Sequence[Row]) -> Parts | MagodooError:
    """Return what is returned from which delivery: from one that has everything, else from each in turn what it has left.

    A refusal is returned for components of a kit, and when the deliveries have too little.
    """
    if isinstance(wanted, MagodooError):
        return wanted
    moved = {goods_of(move) for row in deliveries for move in row["move_ids"]}
    if any(component and (line, "") in wanted for line, component in moved):
        return refused("its goods are components of a kit: a person takes them back")
    returned: Units = {}
    for row in returns:
        for move in row["move_ids"]:
            origin = id_of(move.get("origin_returned_move_id"))
            returned[origin] = returned.get(origin, 0) + to_units(move["quantity"] or move["product_uom_qty"])
    whole = next((row for row in deliveries if not any(_taken(row, wanted, returned)[1].values())), None)
    parts: Parts = {}
    left = wanted
    for row in deliveries if whole is None else [whole]:
        taken, left = _taken(row, left, returned)
        if taken:
            parts[row["id"]] = taken
    return refused("the deliveries in Odoo do not have these goods to return") if any(left.values()) else parts


def _shares(deliveries: Sequence[Row], parts: Parts) -> list[tuple[Row, int]]:
    """Return the stock moves to be returned, with the units of each."""
    moves = {move["id"]: move for delivery in deliveries for move in delivery["move_ids"]}
    return [(moves[id], units) for taken in parts.values() for id, units in taken.items()]


def _taken(delivery: Row, wanted: Goods, returned: Units) -> tuple[Units, Goods]:
    """Return the units by stock move that are returned from a delivery, and what is still wanted after it."""
    left, taken = dict(wanted), Units()
    for move in delivery["move_ids"]:
        goods = goods_of(move)
        units = min(left.get(goods, 0), to_units(move["quantity"]) - returned.get(move["id"], 0))
        if units > 0:
            taken[move["id"]] = units
            left[goods] -= units
    return taken, left


register(Flow(ChangeKind.ODOO_STOCK_RETURN, plan_returns, prepare_return, Return()))
