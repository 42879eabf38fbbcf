"""The wizard that takes goods back: a transfer whose moves point to those that went out.

Its type is the one that the delivery's type names for returns, or else the same: a drop shipment comes back as a drop shipment.
"""

from __future__ import annotations

from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import ZERO
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row


class ReturnPicking(Model):
    """Its lines start at quantity 0 (docs/facts/odoo-19.0.md#5 [105])."""

    name, label = "stock.return.picking", "Return Picking"
    rec_name = "id"
    owned = ("product_return_moves",)
    declared = f.columns(
        {
            "picking_id": f.one("stock.picking", "Transfer"),
            "product_return_moves": f.many("stock.return.picking.line", "wizard_id", "Moves"),
            "company_id": f.one("res.company", "Company", related="picking_id.company_id"),
        }
    )

    def complete(self, env: Env, vals: Row) -> None:
        if not vals.get("picking_id") and env.context.get("active_model") == "stock.picking":
            vals["picking_id"] = env.context.get("active_id")

    def created(self, env: Env, ids: list[int]) -> None:
        pickings, moves, lines = env["stock.picking"], env["stock.move"].rows, env["stock.return.picking.line"]
        for row in (self.rows[record] for record in ids):
            picking = pickings.rows[row["picking_id"]]
            if picking["state"] != "done":
                raise UserError("You may only return Done pickings.")
            if self.get(row, "product_return_moves"):
                continue
            done = [moves[i] for i in pickings.get(picking, "move_ids") if moves[i]["state"] == "done"]
            lines.make(env, [{"wizard_id": row["id"], "move_id": m["id"], "product_id": m["product_id"]} for m in done])

    @public
    def action_create_returns(self, env: Env, ids: list[int]) -> dict[str, Any]:
        return self._window(self._create(env, self.one(ids)))

    @public
    def action_create_returns_all(self, env: Env, ids: list[int]) -> dict[str, Any]:
        lines = env["stock.return.picking.line"]
        for line in self.get(self.rows[self.one(ids)], "product_return_moves"):
            lines.put(env, line, quantity=lines.get(lines.rows[line], "move_quantity"))
        return self.action_create_returns(env, ids)

    def _create(self, env: Env, wizard: int) -> int:
        row, lines = self.rows[wizard], env["stock.return.picking.line"].rows
        wanted = [lines[i] for i in self.get(row, "product_return_moves") if lines[i].get("quantity", ZERO) > 0]
        if not wanted:
            raise UserError("Please specify at least one non-zero quantity.")
        pickings, moves = env["stock.picking"], env["stock.move"]
        original = pickings.rows[row["picking_id"]]
        types = env["stock.picking.type"].rows
        kind = types[original["picking_type_id"]]
        back_kind = types.get(kind.get("return_picking_type_id") or 0)
        inside = back_kind["default_location_dest_id"] if back_kind and back_kind["code"] == "incoming" else 0
        vals = {
            **pickings.copied(env, original),
            "move_ids": [],
            "picking_type_id": back_kind["id"] if back_kind else kind["id"],
            "location_id": original["location_dest_id"],
            "location_dest_id": inside or original["location_id"],
            "origin": f"Return of {original['name']}",
            "return_id": original["id"],
        }
        back = int(pickings.make(env, [vals])[0])
        fresh = moves.make(env, [self._move(env, back, line) for line in wanted])
        moves.reserve(env, fresh)
        pickings.refresh(env, back)
        return back

    def _move(self, env: Env, back: int, line: Row) -> Row:
        moves, picking = env["stock.move"], env["stock.picking"].rows[back]
        return {
            **moves.copied(env, moves.rows[line["move_id"]]),
            "picking_id": back,
            "product_uom_qty": line["quantity"],
            "location_id": picking["location_id"],
            "location_dest_id": picking["location_dest_id"],
            "origin_returned_move_id": line["move_id"],
            "to_refund": bool(line.get("to_refund")),
            "reference": picking["name"],
            "origin": picking["origin"],
        }

    @staticmethod
    def _window(picking: int) -> dict[str, Any]:
        more = {"name": "Returned Picking", "view_mode": "form", "res_model": "stock.picking", "res_id": picking}
        return {**more, "type": "ir.actions.act_window", "context": {}}


class ReturnLine(Model):
    name, label = "stock.return.picking.line", "Return Picking Line"
    rec_name = "id"
    declared = f.columns(
        {
            "wizard_id": f.one("stock.return.picking", "Wizard"),
            "product_id": f.one("product.product", "Product", required=True),
            "quantity": f.real("Quantity", digits=2),
            "move_id": f.one("stock.move", "Move"),
            "move_quantity": f.real("Move Quantity", related="move_id.quantity"),
            "to_refund": f.boolean("Update quantities on SO/PO", default=True),
        }
    )
