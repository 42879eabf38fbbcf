"""Transfers: deliveries of orders, validation with its wizards, backorders."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import ZERO
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.stock_moves import FINAL
from magodoo_sandbox.odoo.store import Row

_STATES = "draft:Draft waiting:Waiting_Another_Operation confirmed:Waiting assigned:Ready done:Done cancel:Cancelled"
_NO_QUANTITY = (
    "Transfer trouble alert! Validating a zero quantity transfer? You're not moving invisible goods around are you?\n"
    "Set some quantities and let's get moving!"
)
_NO_QUANTITY_BEFORE_19 = (
    "You cannot validate a transfer if no quantities are reserved. To force the transfer, encode quantities."
)
_WINDOW = {"type": "ir.actions.act_window", "view_mode": "form", "target": "new"}


class Picking(Model):
    name, label, order = "stock.picking", "Transfer", "priority desc, scheduled_date, id desc"
    owned = ("move_ids",)
    declared = f.columns(
        {
            "name": f.char("Reference", index=True, copy=False),
            "state": f.choice("Status", _STATES, default="draft", readonly=True, copy=False),
            "priority": f.choice("Priority", "0:Normal 1:Urgent", default="0"),
            "origin": f.char("Source Document", index=True),
            "note": f.text("Notes"),
            "location_id": f.one("stock.location", "Source Location", required=True),
            "location_dest_id": f.one("stock.location", "Destination Location", required=True),
            "sale_id": f.one("sale.order", "Sales Order"),
            "partner_id": f.one("res.partner", "Contact"),
            "company_id": f.one("res.company", "Company", default=own_company),
            "picking_type_id": f.one("stock.picking.type", "Operation Type", required=True),
            "picking_type_code": f.choice(
                "Type of Operation",
                "incoming:Receipt outgoing:Delivery dropship:Dropship internal:Internal",
                related="picking_type_id.code",
            ),
            "scheduled_date": f.moment("Scheduled Date", default=lambda env: env.now, copy=False),
            "date_deadline": f.moment("Deadline", copy=False),
            "date_done": f.moment("Date of Transfer", copy=False),
            "carrier_id": f.one("delivery.carrier", "Carrier"),
            "carrier_tracking_ref": f.char("Tracking Reference", copy=False, index=True),
            "carrier_tracking_url": f.char("Tracking URL", compute="tracking_url"),
            "weight": f.real("Weight", compute="weight"),
            "shipping_weight": f.real("Weight for Shipping", compute="weight"),
            "backorder_id": f.one("stock.picking", "Back Order of", copy=False),
            "backorder_ids": f.many("stock.picking", "backorder_id", "Back Orders"),
            "return_id": f.one("stock.picking", "Return of", copy=False),
            "return_ids": f.many("stock.picking", "return_id", "Returns"),
            "move_ids": f.many("stock.move", "picking_id", "Stock Moves"),
            "move_line_ids": f.many("stock.move.line", "picking_id", "Operations"),
            "user_id": f.one("res.users", "Responsible"),
        }
    )

    def tracking_url(self, row: Row) -> bool:
        """False for carriers without an API (docs/facts/odoo-19.0.md#5)."""
        return False

    def weight(self, row: Row) -> Decimal:
        moves, products = self.db.tables["stock.move"], self.db.tables["product.product"]
        own = [moves[i] for i in self.get(row, "move_ids") if moves[i]["state"] != "cancel"]
        return sum((m.get("product_uom_qty", ZERO) * products[m["product_id"]].get("weight", ZERO) for m in own), ZERO)

    # Writing

    def complete(self, env: Env, vals: Row) -> None:
        kind = env["stock.picking.type"].rows.get(int(vals.get("picking_type_id") or 0))
        if kind:
            vals["name"] = vals.get("name") or env["stock.picking.type"].next_name(env, kind["id"])
            vals["company_id"] = kind["company_id"]
            for name in ("location_id", "location_dest_id"):
                vals[name] = vals.get(name) or kind.get(
                    f"default_{name.replace('location_id', 'location_src_id')}", False
                )

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        """Nested move quantities take effect, and the order's write_date moves (docs/facts/odoo-19.0.md#4)."""
        moves = env["stock.move"]
        for command in vals.get("move_ids") or []:
            if command[0] == 1:
                moves.follow_line(env, command[1])
        places = {name: vals[name] for name in ("location_id", "location_dest_id") if name in vals}
        for record in ids if places else ():
            for move in self._open_moves(env, record):
                moves.put(env, move, **places)
        env["sale.order"].touch(env, sorted({self.rows[i]["sale_id"] for i in ids if self.rows[i].get("sale_id")}))

    def name_order(self, env: Env, record: int) -> None:
        """A transfer names the order of its first move that has an order line, though it may carry others' too."""
        moves, lines = env["stock.move"].rows, env["sale.order.line"].rows
        own = sorted(self.get(self.rows[record], "move_ids"), key=lambda i: (moves[i].get("sequence", 10), i))
        orders = [lines[line]["order_id"] for i in own if (line := moves[i].get("sale_line_id"))]
        self.put(env, record, sale_id=orders[0] if orders else False)

    def _apply_lines(self, env: Env, parent: int, field: f.Field, commands: list[Any]) -> None:
        for command in commands:
            if field.name == "move_ids" and command[0] == 1 and "quantity" in command[2]:
                env["stock.move"].before_write(env, [command[1]], dict(command[2]))
        super()._apply_lines(env, parent, field, commands)

    # Deliveries of orders

    def deliver(self, env: Env, order: int) -> None:
        """Create, or adds to, the open delivery of the quantities missing on the order's lines."""
        orders, lines = env["sale.order"], env["sale.order.line"]
        row = orders.rows[order]
        lacking = [(line, self._lacking(env, lines.rows[line])) for line in orders.get(row, "order_line")]
        lacking = [(line, quantity) for line, quantity in lacking if quantity > 0]
        if not lacking:
            return
        pickings = orders.get(row, "picking_ids")
        open_ones = [i for i in pickings if self.rows[i]["state"] not in FINAL and not self.rows[i].get("return_id")]
        picking = open_ones[-1] if open_ones else self._new_delivery(env, row)
        fresh = [self._move_vals(env, picking, lines.rows[line], quantity) for line, quantity in lacking]
        env["stock.move"].reserve(env, env["stock.move"].make(env, fresh))
        self.refresh(env, picking)

    def _lacking(self, env: Env, line: Row) -> Decimal:
        product = env["product.product"].rows.get(line.get("product_id", 0))
        if not product or product["type"] != "consu":
            return ZERO
        moves = env["stock.move"].rows
        own = [moves[i] for i in env["sale.order.line"].get(line, "move_ids")]
        going = [m for m in own if m["state"] != "cancel" and not m.get("origin_returned_move_id")]
        count = env["sale.order.line"].in_unit_of
        asked = sum((count(line, m.get("product_uom_qty", ZERO), m.get("product_uom")) for m in going), ZERO)
        return Decimal(line.get("product_uom_qty", ZERO) - asked)

    def _new_delivery(self, env: Env, order: Row) -> int:
        warehouse = env["stock.warehouse"].rows[order["warehouse_id"]]
        vals = {
            "picking_type_id": warehouse["out_type_id"],
            "location_id": warehouse["lot_stock_id"],
            "location_dest_id": env["stock.location"].of_usage("customer"),
            "partner_id": order["partner_shipping_id"],
            "origin": order["name"],
            "sale_id": order["id"],
            "carrier_id": order.get("carrier_id", False),
            "company_id": order["company_id"],
        }
        return int(self.make(env, [vals])[0])

    def _move_vals(self, env: Env, picking: int, line: Row, quantity: Decimal) -> Row:
        """Return a transfer counts in the product's own unit, whatever the order line counts in."""
        row, own = self.rows[picking], env["product.product"].rows[line["product_id"]].get("uom_id") or 0
        return {
            "picking_id": picking,
            "product_id": line["product_id"],
            "product_uom": own,
            "product_uom_qty": env["uom.uom"].counted_in(quantity, line.get("product_uom_id") or own, own),
            "sale_line_id": line["id"],
            "sequence": line.get("sequence", 10),
            "location_id": row["location_id"],
            "location_dest_id": row["location_dest_id"],
            "company_id": row["company_id"],
            "reference": row["name"],
            "origin": row.get("origin", False),
        }

    # Life

    @public
    def action_confirm(self, env: Env, ids: list[int]) -> bool:
        return self.action_assign(env, ids)

    @public
    def action_assign(self, env: Env, ids: list[int]) -> bool:
        self.ensure(env, ids)
        for record in ids:
            env["stock.move"].reserve(env, self._open_moves(env, record))
            self.refresh(env, record)
        return True

    @public
    def action_cancel(self, env: Env, ids: list[int]) -> bool:
        self.ensure(env, ids)
        self.cancel(env, ids)
        return True

    @public
    def button_validate(self, env: Env, ids: list[int]) -> Any:
        """True when done; a wizard's window, and nothing done, when somebody must decide (docs/facts/odoo-19.0.md#5)."""
        self.ensure(env, ids)
        waiting = [record for record in ids if self.rows[record]["state"] not in FINAL]
        for record in waiting:
            if not any(self._quantities(env, record).values()):
                raise UserError(_NO_QUANTITY if self.db.series >= 19 else _NO_QUANTITY_BEFORE_19)
        short = [record for record in waiting if self._is_short(env, record) and self._backorders(env, record) == "ask"]
        if short and not env.context.get("skip_backorder"):
            return self._backorder_window(ids, short)
        if not env.context.get("skip_sms") and any(self._warns_of_sms(env, record) for record in waiting):
            return self._sms_window(env, ids)
        without = env.context.get("picking_ids_not_to_backorder") or []
        for record in waiting:
            policy = self._backorders(env, record)
            self.finish(env, record, backorder=policy == "always" or (policy != "never" and record not in without))
        return True

    def _backorders(self, env: Env, record: int) -> str:
        """Return what becomes of the rest, by the operation type: `ask`, `always`, or `never`, which cancels it."""
        kind = env["stock.picking.type"].rows[self.rows[record]["picking_type_id"]]
        return str(kind.get("create_backorder") or "ask")

    def finish(self, env: Env, record: int, *, backorder: bool) -> None:
        """Done quantities leave; the rest goes to a backorder with moves of its own, or is cancelled."""
        moves = env["stock.move"]
        rest: list[int] = []
        for move, quantity in self._quantities(env, record).items():
            lacking = moves.rows[move].get("product_uom_qty", ZERO) - quantity
            if not quantity:
                rest.append(move)
                continue
            moves.finish(env, move, quantity)
            if lacking > 0:
                rest.append(self._cut(env, move, lacking))
        if rest and backorder:
            self._back(env, record, rest)
        else:
            moves.cancel(env, rest)
        self._link_to_order(env, record)
        order = self.rows[record].get("sale_id")
        before = env["sale.order"].delivered_on(order) if order else ""
        self.put(env, record, state="done", date_done=env.now)
        self.touch(env, [record])
        env["sale.order"].touch(env, [order] if order else [])
        if order and env["sale.order"].delivered_on(order) != before:
            env["account.move"].delivered(env, order)

    def _link_to_order(self, env: Env, record: int) -> None:
        """Done goods without an order line get the one of their product, or one of 0 ordered, on the order that the transfer names."""
        row, moves, lines = self.rows[record], env["stock.move"], env["sale.order.line"]
        outside = env["stock.location"].of_usage("customer")
        for move in [moves.rows[i] for i in self.get(row, "move_ids")]:
            goes = move["location_dest_id"] == outside
            if not row.get("sale_id") or move.get("sale_line_id") or move["state"] != "done" or not goes:
                continue
            order = env["sale.order"].rows[row["sale_id"]]
            own = [
                i
                for i in env["sale.order"].get(order, "order_line")
                if lines.rows[i].get("product_id") == move["product_id"]
            ]
            free = {"order_id": order["id"], "product_id": move["product_id"], "product_uom_qty": 0, "price_unit": 0}
            moves.put(env, move["id"], sale_line_id=own[0] if own else lines.make(env, [free])[0])

    def cancel(self, env: Env, ids: list[int]) -> None:
        for record in ids:
            if self.rows[record]["state"] not in FINAL:
                env["stock.move"].cancel(env, self._open_moves(env, record))
                self.put(env, record, state="cancel")

    def refresh(self, env: Env, record: int) -> None:
        """The transfer's state from its moves."""
        moves = env["stock.move"].rows
        states = {moves[i]["state"] for i in self.get(self.rows[record], "move_ids")}
        alive = states - {"cancel"}
        if not alive:
            state = "cancel" if states else "draft"
        elif alive == {"done"}:
            state = "done"
        else:
            state = "assigned" if alive & {"assigned", "partially_available"} else "confirmed"
        self.put(env, record, state=state)

    def _open_moves(self, env: Env, record: int) -> list[int]:
        moves = env["stock.move"].rows
        return [i for i in self.get(self.rows[record], "move_ids") if moves[i]["state"] not in FINAL]

    def _quantities(self, env: Env, record: int) -> dict[int, Decimal]:
        """Return what each open move would ship: if any is picked, only the picked ones (docs/facts/odoo-19.0.md#5 [046])."""
        moves = env["stock.move"].rows
        own = self._open_moves(env, record)
        some_picked = any(moves[i].get("picked") for i in own)
        return {i: moves[i].get("quantity", ZERO) if moves[i].get("picked") or not some_picked else ZERO for i in own}

    def _is_short(self, env: Env, record: int) -> bool:
        moves = env["stock.move"].rows
        return any(q < moves[i].get("product_uom_qty", ZERO) for i, q in self._quantities(env, record).items())

    def _cut(self, env: Env, move: int, quantity: Decimal) -> int:
        moves = env["stock.move"]
        vals = {**moves.copied(env, moves.rows[move]), "product_uom_qty": quantity, "state": "confirmed"}
        return int(moves.make(env, [vals])[0])

    def _back(self, env: Env, record: int, rest: list[int]) -> None:
        moves = env["stock.move"]
        vals = {**self.copied(env, self.rows[record]), "backorder_id": record, "move_ids": []}
        vals["scheduled_date"] = self.rows[record]["scheduled_date"]
        back = self.make(env, [vals])[0]
        for move in rest:
            moves.put(env, move, picking_id=back, reference=self.rows[back]["name"], picked=False)
            moves.follow_line(env, move)
        for each in (record, back):
            self.name_order(env, each)
        moves.reserve(env, rest)
        self.refresh(env, back)

    # Wizards' windows

    def _warns_of_sms(self, env: Env, record: int) -> bool:
        row = self.rows[record]
        company, partner = (
            env["res.company"].rows[row["company_id"]],
            env["res.partner"].rows.get(row.get("partner_id", 0), {}),
        )
        wanted = company.get("stock_move_sms_validation") and not company.get("has_received_warning_stock_sms")
        return bool(wanted and partner.get("phone") and self.get(row, "picking_type_code") == "outgoing")

    def _sms_window(self, env: Env, ids: list[int]) -> dict[str, Any]:
        wizard = env["confirm.stock.sms"].make(env, [{"pick_ids": [[6, 0, ids]]}])[0]
        more = {"name": "SMS", "res_model": "confirm.stock.sms", "views": [[1122, "form"]], "view_id": 1122}
        return {**_WINDOW, **more, "res_id": wizard, "context": {"button_validate_picking_ids": ids}}

    def _backorder_window(self, ids: list[int], short: list[int]) -> dict[str, Any]:
        more = {
            "name": "Create Backorder?",
            "res_model": "stock.backorder.confirmation",
            "views": [[939, "form"]],
            "view_id": 939,
        }
        links = [[4, record] for record in short]
        context = {
            "button_validate_picking_ids": ids,
            "default_show_transfers": len(ids) > 1,
            "default_pick_ids": links,
        }
        return {**_WINDOW, **more, "context": context}


class BackorderConfirmation(Model):
    name, label = "stock.backorder.confirmation", "Backorder Confirmation"
    rec_name = "id"
    declared = f.columns(
        {"pick_ids": f.linked("stock.picking", "Transfers"), "show_transfers": f.boolean("Show Transfers")}
    )

    @public
    def process(self, env: Env, ids: list[int]) -> Any:
        pickings = env.context.get("button_validate_picking_ids") or self.rows[self.one(ids)]["pick_ids"]
        return env["stock.picking"].button_validate(env.but(skip_backorder=True), pickings)

    @public
    def process_cancel_backorder(self, env: Env, ids: list[int]) -> Any:
        short = self.rows[self.one(ids)]["pick_ids"]
        pickings = env.context.get("button_validate_picking_ids") or short
        decided = env.but(skip_backorder=True, picking_ids_not_to_backorder=short)
        return env["stock.picking"].button_validate(decided, pickings)


class ConfirmSms(Model):
    name, label = "confirm.stock.sms", "Confirm Stock SMS"
    rec_name = "id"
    declared = f.columns({"pick_ids": f.linked("stock.picking", "Transfers")})

    @public
    def send_sms(self, env: Env, ids: list[int]) -> Any:
        """Validate after the warning about text messages, and record for the companies that it was shown."""
        pickings = env["stock.picking"]
        own = self.rows[self.one(ids)]["pick_ids"]
        for company in sorted({pickings.rows[i]["company_id"] for i in own}):
            env["res.company"].put(env, company, has_received_warning_stock_sms=True)
        return pickings.button_validate(env.but(skip_sms=True), own)

    @public
    def dont_send_sms(self, env: Env, ids: list[int]) -> Any:
        return self.send_sms(env, ids)
