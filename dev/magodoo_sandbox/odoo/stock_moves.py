"""Stock moves: demand, reserved quantity, what is picked, done; and their detailed operations."""

from __future__ import annotations

from decimal import Decimal

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.fields import ZERO
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.store import Row

_STATES = (
    "draft:New waiting:Waiting_Another_Move confirmed:Waiting partially_available:Partially_Available "
    "assigned:Available done:Done cancel:Cancelled"
)
FINAL = ("done", "cancel")


class StockMove(Model):
    """`quantity` is what is reserved, or set by hand, as long as the move is open; what went out once it is done."""

    name, label, order = "stock.move", "Stock Move", "sequence, id"
    rec_name = "reference"
    declared = f.columns(
        {
            "picking_id": f.one("stock.picking", "Transfer"),
            "sequence": f.integer("Sequence", default=10),
            "product_id": f.one("product.product", "Product", required=True),
            "product_uom_qty": f.real("Demand", digits=2),
            "quantity": f.real("Quantity", digits=2, copy=False),
            "picked": f.boolean("Picked", copy=False),
            "product_uom": f.one("uom.uom", "Unit", default=1),
            "state": f.choice("Status", _STATES, default="draft", copy=False),
            "date": f.moment("Date Scheduled", default=lambda env: env.now, copy=False),
            "location_id": f.one("stock.location", "Source Location", required=True),
            "location_dest_id": f.one("stock.location", "Intermediate Location", required=True),
            "sale_line_id": f.one("sale.order.line", "Sale Line"),
            "has_tracking": f.char("Product with Tracking", related="product_id.tracking"),
            "origin_returned_move_id": f.one("stock.move", "Origin return move", copy=False),
            "returned_move_ids": f.many("stock.move", "origin_returned_move_id", "All returned moves"),
            "value": f.money("Value", compute="value"),
            "to_refund": f.boolean("Update quantities on SO/PO", default=True),
            "reference": f.char("Reference"),
            "origin": f.char("Source Document"),
            "company_id": f.one("res.company", "Company", default=own_company),
            "move_line_ids": f.many("stock.move.line", "move_id", "Move lines"),
            "partner_id": f.one("res.partner", "Destination Address", related="picking_id.partner_id"),
            "picking_code": f.char("Picking code", related="picking_id.picking_type_code"),
        }
    )

    def value(self, row: Row) -> Decimal:
        """Return what was moved at the product's cost; 0 while it is open."""
        product = self.db.tables["product.product"][row["product_id"]]
        moved = row.get("quantity", ZERO) if row["state"] == "done" else ZERO
        return Decimal(moved * product.get("standard_price", ZERO))

    def display_name(self, row: Row) -> str:
        picking = self.db.tables["stock.picking"].get(row.get("picking_id", 0), {})
        product = self.db.tables["product.product"][row["product_id"]]
        places = self.db.models["stock.location"]
        origin = f"{picking['origin']}/" if picking.get("origin") else ""
        code = f"{product['default_code']}: " if product.get("default_code") else ""
        return f"{origin}{code}{places.short_name(row['location_id'])}>{places.short_name(row['location_dest_id'])}"

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        if "picking_id" in vals:
            self._move_into(env, ids, vals.pop("picking_id"))
        if "quantity" in vals:
            quantity = self.fields["quantity"].accept(self.name, vals["quantity"])
            for record in ids:
                self._shift_reservation(env, self.rows[record], quantity)

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        for record in ids:
            self.follow_line(env, record)
        pickings = sorted({self.rows[i]["picking_id"] for i in ids if self.rows[i].get("picking_id")})
        env["stock.picking"].touch(env, pickings)
        if "sale_line_id" in vals:
            for picking in pickings:
                env["stock.picking"].name_order(env, picking)

    def _move_into(self, env: Env, ids: list[int], picking: int) -> None:
        """Into another transfer: both may name another order then."""
        before = {self.rows[record]["picking_id"] for record in ids if self.rows[record].get("picking_id")}
        for record in ids:
            self.put(env, record, picking_id=picking)
        for transfer in sorted(before | {picking}):
            env["stock.picking"].name_order(env, transfer)
            env["stock.picking"].refresh(env, transfer)

    def set_quantity(self, env: Env, record: int, quantity: Decimal, state: str = "") -> None:
        self._shift_reservation(env, self.rows[record], quantity)
        self.put(env, record, quantity=quantity, **({"state": state} if state else {}))
        self.follow_line(env, record)

    def reserve(self, env: Env, ids: list[int]) -> None:
        """Take what is free. Goods that are not tracked are always there; so is what comes in."""
        for row in (self.rows[record] for record in ids):
            demand = row.get("product_uom_qty", ZERO)
            have = min(demand, max(self._available(env, row), ZERO))
            state = "assigned" if have >= demand else "partially_available" if have else "confirmed"
            self.set_quantity(env, row["id"], have, state)

    def finish(self, env: Env, record: int, quantity: Decimal) -> None:
        """The move is done with this quantity; stock goes negative if it has to."""
        row = self.rows[record]
        self._shift_reservation(env, row, ZERO)
        quants = env["stock.quant"]
        pieces = self._pieces(env, row, quantity)
        quants.add(env, row["product_id"], row["location_id"], quantity=-pieces)
        quants.add(env, row["product_id"], row["location_dest_id"], quantity=pieces)
        demand = min(row.get("product_uom_qty", ZERO), quantity)
        self.put(env, record, state="done", quantity=quantity, picked=True, product_uom_qty=demand, date=env.now)
        self.follow_line(env, record)

    def cancel(self, env: Env, ids: list[int]) -> None:
        for record in ids:
            if self.rows[record]["state"] not in FINAL:
                self.set_quantity(env, record, ZERO, "cancel")

    def follow_line(self, env: Env, record: int) -> None:
        """One detailed operation per move, as long as the move has a quantity."""
        row, lines = self.rows[record], env["stock.move.line"]
        own = self.get(row, "move_line_ids")
        if not row.get("quantity"):
            lines.erase(env, own)
            return
        facts = {
            "quantity": row["quantity"],
            "picked": bool(row.get("picked")),
            "picking_id": row.get("picking_id", False),
        }
        if own:
            lines.put(env, own[0], **facts)
        else:
            lines.make(env, [{"move_id": record, "product_id": row["product_id"], **facts}])

    def _available(self, env: Env, row: Row) -> Decimal:
        tracked = env["product.product"].rows[row["product_id"]].get("is_storable")
        inside = env["stock.location"].rows[row["location_id"]]["usage"] == "internal"
        if not (tracked and inside):
            return Decimal(row.get("product_uom_qty", ZERO))
        free = env["stock.quant"].free(row["product_id"], row["location_id"])
        return Decimal(self._pieces(env, row, free, back=True) + row.get("quantity", ZERO))

    def _pieces(self, env: Env, row: Row, quantity: Decimal, *, back: bool = False) -> Decimal:
        """Return a quantity of the move in its product's own unit, in which stock is counted; `back`: the other way."""
        units = (row.get("product_uom") or 0, env["product.product"].rows[row["product_id"]].get("uom_id") or 0)
        converted: Decimal = env["uom.uom"].counted_in(quantity, *(reversed(units) if back else units))
        return converted

    def _shift_reservation(self, env: Env, row: Row, quantity: Decimal) -> None:
        if row["state"] in FINAL:
            return
        difference = quantity - row.get("quantity", ZERO)
        if difference:
            pieces = self._pieces(env, row, difference)
            env["stock.quant"].add(env, row["product_id"], row["location_id"], reserved=pieces)


class StockMoveLine(Model):
    name, label = "stock.move.line", "Product Moves (Stock Move Line)"
    rec_name = "id"
    declared = f.columns(
        {
            "move_id": f.one("stock.move", "Stock Operation"),
            "picking_id": f.one("stock.picking", "Transfer"),
            "product_id": f.one("product.product", "Product"),
            "quantity": f.real("Quantity"),
            "picked": f.boolean("Picked"),
            "state": f.char("Status", related="move_id.state"),
            "lot_id": f.one("stock.lot", "Lot/Serial Number"),
            "date": f.moment("Date", related="move_id.date"),
            "reference": f.char("Reference", related="move_id.reference"),
            "location_id": f.one("stock.location", "From", related="move_id.location_id"),
            "location_dest_id": f.one("stock.location", "To", related="move_id.location_dest_id"),
            "company_id": f.one("res.company", "Company", related="move_id.company_id"),
        }
    )


class Lot(Model):
    name, label = "stock.lot", "Lot/Serial"
    declared = f.columns(
        {"name": f.char("Lot/Serial Number", required=True), "product_id": f.one("product.product", "Product")}
    )
