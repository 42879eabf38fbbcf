"""Where stock is: warehouses, locations, operation types, quants."""

from __future__ import annotations

from decimal import Decimal

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.fields import ZERO
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row


class Warehouse(Model):
    name, label = "stock.warehouse", "Warehouse"
    search_names = ("name", "code")
    declared = f.columns(
        {
            "name": f.char("Warehouse", required=True),
            "code": f.char("Short Name", required=True),
            "company_id": f.one("res.company", "Company", default=own_company),
            "partner_id": f.one("res.partner", "Address"),
            "lot_stock_id": f.one("stock.location", "Location Stock"),
            "in_type_id": f.one("stock.picking.type", "In Type"),
            "out_type_id": f.one("stock.picking.type", "Out Type"),
            "delivery_steps": f.choice(
                "Outgoing Shipments",
                "ship_only:Deliver_(1_step) pick_ship:Pick_then_Deliver_(2_steps) pick_pack_ship:Pick,_Pack,_Deliver",
                default="ship_only",
            ),
            "active": f.boolean("Active", default=True),
        }
    )

    def of(self, company: int) -> int:
        return next((int(row["id"]) for row in self.rows.values() if row["company_id"] == company), 0)

    def created(self, env: Env, ids: list[int]) -> None:
        """A warehouse brings its stock location and its receipts and deliveries."""
        locations, types = env["stock.location"], env["stock.picking.type"]
        for row in (self.rows[record] for record in ids):
            common = {"company_id": row["company_id"]}
            stock = (
                row.get("lot_stock_id")
                or locations.make(env, [{**common, "name": f"{row['code']}/Stock", "usage": "internal"}])[0]
            )
            near = {**common, "warehouse_id": row["id"]}
            incoming = {
                "name": "Receipts",
                "code": "incoming",
                "sequence_code": "IN",
                "default_location_dest_id": stock,
            }
            outgoing = {
                "name": "Delivery Orders",
                "code": "outgoing",
                "sequence_code": "OUT",
                "default_location_src_id": stock,
            }
            made = types.make(env, [{**near, **incoming}, {**near, **outgoing}])
            for kind, back in (made, made[::-1]):
                types.put(env, kind, return_picking_type_id=back)
            self.put(env, row["id"], lot_stock_id=stock, in_type_id=made[0], out_type_id=made[1])


class Location(Model):
    name, label, order = "stock.location", "Inventory Locations", "name, id"
    declared = f.columns(
        {
            "name": f.char("Location Name", required=True),
            "complete_name": f.char("Full Location Name", related="name"),
            "usage": f.choice(
                "Location Type",
                "supplier:Vendor view:Virtual internal:Internal customer:Customer "
                "inventory:Inventory_Loss transit:Transit",
                default="internal",
            ),
            "company_id": f.one("res.company", "Company"),
            "active": f.boolean("Active", default=True),
        }
    )

    def of_usage(self, usage: str) -> int:
        return next(int(row["id"]) for row in self.rows.values() if row["usage"] == usage)

    def short_name(self, location: int) -> str:
        return str(self.rows[location]["name"]).rpartition("/")[2]


class PickingType(Model):
    name, label, order = "stock.picking.type", "Picking Type", "sequence, id"
    declared = f.columns(
        {
            "name": f.char("Operation Type", required=True),
            "sequence": f.integer("Sequence", default=10),
            "code": f.choice(
                "Type of Operation",
                "incoming:Receipt outgoing:Delivery internal:Internal_Transfer dropship:Dropship",
                required=True,
            ),
            "sequence_code": f.char("Sequence Prefix", required=True),
            "warehouse_id": f.one("stock.warehouse", "Warehouse"),
            "company_id": f.one("res.company", "Company", default=own_company),
            "default_location_src_id": f.one("stock.location", "Source Location"),
            "default_location_dest_id": f.one("stock.location", "Destination Location"),
            "return_picking_type_id": f.one("stock.picking.type", "Operation Type for Returns"),
            "create_backorder": f.choice("Create Backorder", "ask:Ask always:Always never:Never", default="ask"),
            "active": f.boolean("Active", default=True),
        }
    )

    def display_name(self, row: Row) -> str:
        warehouse = self.db.tables["stock.warehouse"].get(row.get("warehouse_id", 0))
        return f"{warehouse['name']}: {row['name']}" if warehouse else str(row["name"])

    def next_name(self, env: Env, picking_type: int) -> str:
        row = self.rows[picking_type]
        warehouse = self.db.tables["stock.warehouse"].get(row.get("warehouse_id", 0))
        prefix = f"{warehouse['code']}/{row['sequence_code']}/" if warehouse else f"{row['sequence_code']}/"
        return f"{prefix}{env['sandbox.sequence'].next(env, prefix):05d}"


class Quant(Model):
    """Stock of a product at a location. Negative stock is accepted (docs/facts/odoo-19.0.md#5 [514])."""

    name, label = "stock.quant", "Quants"
    rec_name = "id"
    declared = f.columns(
        {
            "product_id": f.one("product.product", "Product", required=True),
            "location_id": f.one("stock.location", "Location", required=True),
            "quantity": f.real("Quantity"),
            "reserved_quantity": f.real("Reserved Quantity"),
            "inventory_quantity": f.real("Counted Quantity"),
            "company_id": f.one("res.company", "Company", related="location_id.company_id"),
        }
    )

    @public
    def action_apply_inventory(self, env: Env, ids: list[int]) -> None:
        """Books the counted quantities as moves from the inventory location."""
        self.ensure(env, ids)
        moves, source = env["stock.move"], env["stock.location"].of_usage("inventory")
        for row in (self.rows[record] for record in ids):
            difference = row.get("inventory_quantity", ZERO) - row.get("quantity", ZERO)
            vals = {"product_id": row["product_id"], "location_id": source, "location_dest_id": row["location_id"]}
            amounts = {"product_uom_qty": difference, "quantity": difference, "picked": True, "state": "done"}
            user = env["res.users"].display_name(env.user)
            label = {"reference": f"Product Quantity Updated ({user})", "date": env.now}
            move = moves.make(env, [{**vals, **amounts, **label}])[0]
            moves.follow_line(env, move)
            self.add(env, row["product_id"], row["location_id"], quantity=difference)

    def add(self, env: Env, product: int, location: int, quantity: Decimal = ZERO, reserved: Decimal = ZERO) -> None:
        """Move the stock and the reservation of a product at an internal location."""
        if env["stock.location"].rows[location]["usage"] != "internal":
            return
        if not env["product.product"].rows[product].get("is_storable"):
            return
        record = self.at(product, location)
        if record is None:
            record = self.make(env, [{"product_id": product, "location_id": location}])[0]
        row = self.rows[record]
        held = {
            "quantity": row.get("quantity", ZERO) + quantity,
            "reserved_quantity": row.get("reserved_quantity", ZERO) + reserved,
        }
        self.put(env, record, **held)

    def free(self, product: int, location: int) -> Decimal:
        record = self.at(product, location)
        row = self.rows[record] if record else {}
        return Decimal(row.get("quantity", ZERO) - row.get("reserved_quantity", ZERO))

    def at(self, product: int, location: int) -> int | None:
        found = self.db.store.find(self.name, "product_id", product)
        return next((i for i in found if self.rows[i]["location_id"] == location), None)


class ValuationLayer(Model):
    """The layers that 18 reads of an entry which it posts for an exchange difference; nothing is valued here."""

    name, label = "stock.valuation.layer", "Stock Valuation Layer"
    declared = f.columns({"account_move_id": f.one("account.move", "Journal Entry")})
