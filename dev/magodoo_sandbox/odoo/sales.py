"""Sales orders: prices and taxes of lines, confirmation with deliveries, what is delivered and invoiced."""

from __future__ import annotations

from decimal import Decimal

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo import taxes
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.fields import ZERO
from magodoo_sandbox.odoo.ledger import own_company
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row
from magodoo_sandbox.odoo.taxes import Terms

_INVOICE_STATUS = "upselling:Upselling_Opportunity invoiced:Fully_Invoiced to~invoice:To_Invoice no:Nothing_to_Invoice"
_STATUS = f.choice("Invoice Status", _INVOICE_STATUS, compute="invoice_status")


class Team(Model):
    name, label = "crm.team", "Sales Team"
    declared = f.columns(
        {
            "name": f.char("Sales Team", required=True),
            "active": f.boolean("Active", default=True),
            "company_id": f.one("res.company", "Company"),
        }
    )


class Carrier(Model):
    name, label, order = "delivery.carrier", "Shipping Methods", "sequence, id"
    declared = f.columns(
        {
            "name": f.char("Delivery Method", required=True),
            "sequence": f.integer("Sequence", default=10),
            "delivery_type": f.choice("Provider", "fixed:Fixed_Price base_on_rule:Based_on_Rules", default="fixed"),
            "product_id": f.one("product.product", "Delivery Product", required=True),
            "fixed_price": f.real("Fixed Price"),
            "tracking_url": f.char("Tracking Link"),
            "company_id": f.one("res.company", "Company"),
            "active": f.boolean("Active", default=True),
        }
    )


class Order(Model):
    name, label, order = "sale.order", "Sales Order", "date_order desc, id desc"
    search_names = ("name", "client_order_ref")
    owned = ("order_line",)
    of_one_company = ("partner_id",)
    declared = f.columns(
        {
            "name": f.char("Order Reference", index=True, copy=False),
            "state": f.choice(
                "Status",
                "draft:Quotation sent:Quotation_Sent sale:Sales_Order cancel:Cancelled",
                default="draft",
                readonly=True,
                copy=False,
            ),
            "locked": f.boolean("Locked", copy=False),
            "client_order_ref": f.char("Customer Reference", index=True, copy=False),
            "origin": f.char("Source Document", index=True),
            "date_order": f.moment("Order Date", default=lambda env: env.now, required=True, copy=False),
            "partner_id": f.one("res.partner", "Customer", required=True),
            "partner_invoice_id": f.one("res.partner", "Invoice Address"),
            "partner_shipping_id": f.one("res.partner", "Delivery Address"),
            "pricelist_id": f.one("product.pricelist", "Pricelist"),
            "currency_id": f.one("res.currency", "Currency"),
            "company_id": f.one("res.company", "Company", default=own_company),
            "warehouse_id": f.one("stock.warehouse", "Warehouse"),
            "carrier_id": f.one("delivery.carrier", "Delivery Method"),
            "team_id": f.one("crm.team", "Sales Team"),
            "user_id": f.one("res.users", "Salesperson", default=lambda env: env.uid),
            "fiscal_position_id": f.one("account.fiscal.position", "Fiscal Position"),
            "payment_term_id": f.one("account.payment.term", "Payment Terms"),
            "commitment_date": f.moment("Delivery Date", copy=False),
            "note": f.text("Terms and conditions"),
            "reference": f.char("Payment Ref.", copy=False),
            "order_line": f.many("sale.order.line", "order_id", "Order Lines"),
            "amount_untaxed": f.money("Untaxed Amount", readonly=True, copy=False),
            "amount_tax": f.money("Taxes", readonly=True, copy=False),
            "amount_total": f.money("Total", readonly=True, copy=False),
            "invoice_status": _STATUS,
            "invoice_ids": f.linked("account.move", "Invoices", compute="invoices"),
            "invoice_count": f.integer("Invoice Count", compute="invoice_count"),
            "picking_ids": f.many("stock.picking", "sale_id", "Transfers"),
            "delivery_status": f.choice(
                "Delivery Status",
                "pending:Not_Delivered started:Started partial:Partially_Delivered full:Fully_Delivered",
                compute="delivery_status",
            ),
        }
    )

    # Derived

    def invoices(self, row: Row) -> list[int]:
        lines, items = self.db.models["sale.order.line"], self.db.tables["account.move.line"]
        linked = (i for line in self.get(row, "order_line") for i in lines.get(lines.rows[line], "invoice_lines"))
        return sorted({items[i]["move_id"] for i in linked})

    def invoice_count(self, row: Row) -> int:
        return len(self.invoices(row))

    def invoice_status(self, row: Row) -> str:
        """Return an order with only its delivery left to invoice has nothing to invoice (docs/facts/odoo-19.0.md#5 [022])."""
        lines = self.db.models["sale.order.line"]
        if row["state"] != "sale":
            return "no"
        own = [lines.rows[i] for i in self.get(row, "order_line") if not lines.rows[i].get("display_type")]
        by_status: dict[str, list[Row]] = {}
        for line in own:
            by_status.setdefault(lines.invoice_status(line), []).append(line)
        waiting = by_status.get("to invoice", [])
        if any(not line.get("is_delivery") for line in waiting):
            return "to invoice"
        if waiting or not own:
            return "no"
        return "invoiced" if set(by_status) == {"invoiced"} else "no"

    def delivery_status(self, row: Row) -> str | bool:
        lines, pickings = self.db.models["sale.order.line"], self.db.tables["stock.picking"]
        states = {pickings[i]["state"] for i in self.get(row, "picking_ids")}
        if not states or states == {"cancel"}:
            return False
        if states <= {"done", "cancel"}:
            return "full"
        if "done" not in states:
            return "pending"
        delivered = any(lines.qty_delivered(lines.rows[i]) for i in self.get(row, "order_line"))
        return "partial" if delivered else "started"

    def delivered_on(self, order: int) -> str:
        """Return the date of the order's first done delivery, empty if there is none."""
        pickings, places = self.db.tables["stock.picking"], self.db.tables["stock.location"]
        own = (pickings[i] for i in self.get(self.rows[order], "picking_ids"))
        out = [
            p["date_done"][:10]
            for p in own
            if p["state"] == "done" and places[p["location_dest_id"]]["usage"] == "customer"
        ]
        return min(out, default="")

    # Writing

    def complete(self, env: Env, vals: Row) -> None:
        company = env["res.company"].rows[vals["company_id"]]
        vals["name"] = vals.get("name") or f"S{env['sandbox.sequence'].next(env, 'sale.order'):05d}"
        vals["date_order"] = vals["date_order"] or env.now
        for address in ("partner_invoice_id", "partner_shipping_id"):
            vals[address] = vals.get(address) or vals.get("partner_id")
        partner = env["res.partner"].rows.get(int(vals.get("partner_id") or 0), {})
        vals.setdefault("payment_term_id", partner.get("property_payment_term_id", False))
        if not vals.get("pricelist_id"):
            lists = env["product.pricelist"].rows.values()
            own = (r["id"] for r in lists if r.get("active") and r["currency_id"] == company["currency_id"])
            vals["pricelist_id"] = next(own, False)
        # A currency that is given directly is overridden by the pricelist's (docs/facts/pair.md#6).
        price_list = env["product.pricelist"].rows.get(int(vals["pricelist_id"] or 0))
        vals["currency_id"] = price_list["currency_id"] if price_list else company["currency_id"]
        vals["warehouse_id"] = vals.get("warehouse_id") or env["stock.warehouse"].of(vals["company_id"])

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        vals.pop("currency_id", None)
        if vals.get("pricelist_id"):
            vals["currency_id"] = env["product.pricelist"].rows[int(vals["pricelist_id"])]["currency_id"]

    def created(self, env: Env, ids: list[int]) -> None:
        self.total(env, ids)

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        self.total(env, ids)

    def before_unlink(self, env: Env, ids: list[int]) -> None:
        if any(self.rows[record]["state"] not in ("draft", "cancel") for record in ids):
            raise UserError("You can not delete a sent quotation or a confirmed sales order. You must first cancel it.")

    def total(self, env: Env, ids: list[int]) -> None:
        """Prices of lines and the order's sums; new lines of a confirmed order are delivered too."""
        lines = env["sale.order.line"]
        for record in ids:
            row = self.rows[record]
            own = [lines.rows[i] for i in self.get(row, "order_line") if not lines.rows[i].get("display_type")]
            results = taxes.compute(own, env["account.tax"].rows, self._terms(env, row), "product_uom_qty")
            tax = sum((part.amount for result in results for part in result.taxes.values()), ZERO)
            untaxed = sum((result.base.amount for result in results), ZERO)
            for line, result in zip(own, results, strict=True):
                amounts = {"price_subtotal": result.subtotal, "price_total": result.total}
                lines.put(env, line["id"], price_tax=result.total - result.subtotal, **amounts)
            self.put(env, record, amount_untaxed=untaxed, amount_tax=tax, amount_total=untaxed + tax)
            if row["state"] == "sale":
                env["stock.picking"].deliver(env, record)

    def _terms(self, env: Env, row: Row) -> Terms:
        company = env["res.company"].rows[row["company_id"]]
        digits = env["res.currency"].rows[row["currency_id"]].get("decimal_places", 2)
        rounding = company.get("tax_calculation_rounding_method") == "round_globally"
        return Terms(row["currency_id"], row["currency_id"], Decimal(1), digits, digits, rounding)

    # Life

    @public
    def action_confirm(self, env: Env, ids: list[int]) -> bool:
        """Overwrite date_order with now, and creates deliveries (docs/facts/odoo-19.0.md#5)."""
        self.ensure(env, ids)
        if any(self.rows[record]["state"] not in ("draft", "sent") for record in ids):
            raise UserError("Some orders are not in a state requiring confirmation.")
        for record in ids:
            self._refuse_own_company(env, self.rows[record])
            self.put(env, record, state="sale", date_order=env.now)
            env["stock.picking"].deliver(env, record)
        self.touch(env, ids)
        return True

    @public
    def action_cancel(self, env: Env, ids: list[int]) -> bool | Row:
        """Open deliveries and draft invoices are cancelled, done deliveries stay (docs/facts/pair.md#3). Before 19 a person is asked first."""
        self.ensure(env, ids)
        asks = self.db.series < 19 and not env.context.get("disable_cancel_warning")
        if asks and any(self.rows[record]["state"] != "draft" for record in ids):
            return {
                "type": "ir.actions.act_window",
                "res_model": "sale.order.cancel",
                "view_mode": "form",
                "target": "new",
            }
        if any(self.rows[record].get("locked") for record in ids):
            raise UserError("You cannot cancel a locked order. Please unlock it first.")
        moves = env["account.move"]
        for record in ids:
            row = self.rows[record]
            env["stock.picking"].cancel(env, self.get(row, "picking_ids"))
            drafts = [i for i in self.invoices(row) if moves.rows[i]["state"] == "draft"]
            if drafts:
                moves.button_cancel(env, drafts)
            self.put(env, record, state="cancel")
        self.touch(env, ids)
        return True

    @public
    def action_draft(self, env: Env, ids: list[int]) -> bool:
        self.ensure(env, ids)
        for record in ids:
            if self.rows[record]["state"] in ("cancel", "sent"):
                self.put(env, record, state="draft")
        return True

    @public
    def action_lock(self, env: Env, ids: list[int]) -> None:
        self.ensure(env, ids)
        for record in ids:
            self.put(env, record, locked=True)

    @public
    def action_unlock(self, env: Env, ids: list[int]) -> None:
        self.ensure(env, ids)
        for record in ids:
            self.put(env, record, locked=False)

    def _refuse_own_company(self, env: Env, row: Row) -> None:
        """Facts pair 3: the company cannot be its own customer."""
        own = {company.get("partner_id") for company in env["res.company"].rows.values()}
        lines, products = env["sale.order.line"].rows, env["product.product"].rows
        for line in (lines[i] for i in self.get(row, "order_line")):
            product = products.get(line.get("product_id", 0))
            if row["partner_shipping_id"] in own and product and product["type"] == "consu":
                name = env["product.product"].display_name(product)
                raise UserError(
                    f'No rule has been found to replenish "{name}" in "Inter-warehouse transit".\n'
                    "Verify the routes configuration on the product."
                )


class OrderLine(Model):
    name, label, order = "sale.order.line", "Sales Order Line", "order_id, sequence, id"
    declared = f.columns(
        {
            "order_id": f.one("sale.order", "Order Reference", required=True),
            "sequence": f.integer("Sequence", default=10),
            "product_id": f.one("product.product", "Product"),
            "product_uom_id": f.one("uom.uom", "Unit"),
            "name": f.text("Description"),
            "display_type": f.choice("Display Type", "line_section:Section line_note:Note"),
            "product_uom_qty": f.real("Quantity", digits=2),
            "price_unit": f.real("Unit Price"),
            "discount": f.real("Discount (%)", digits=2),
            "tax_ids": f.linked("account.tax", "Taxes"),
            "extra_tax_data": f.json("Extra Tax Data"),
            "is_delivery": f.boolean("Is a Delivery"),
            "is_downpayment": f.boolean("Is a down payment"),
            "price_subtotal": f.money("Subtotal", readonly=True, copy=False),
            "price_tax": f.real("Total Tax", readonly=True, copy=False),
            "price_total": f.money("Total", readonly=True, copy=False),
            "qty_delivered": f.real("Delivery Quantity", compute="qty_delivered"),
            "qty_delivered_manual": f.real("Delivered by hand", copy=False),
            "qty_invoiced": f.real("Invoiced Quantity", compute="qty_invoiced"),
            "qty_to_invoice": f.real("Quantity To Invoice", compute="qty_to_invoice"),
            "invoice_status": _STATUS,
            "invoice_lines": f.linked("account.move.line", "Invoice Lines", compute="invoice_lines"),
            "move_ids": f.many("stock.move", "sale_line_id", "Stock Moves"),
            "state": f.char("Order Status", related="order_id.state"),
            "company_id": f.one("res.company", "Company", related="order_id.company_id"),
            "currency_id": f.one("res.currency", "Currency", related="order_id.currency_id"),
            "order_partner_id": f.one("res.partner", "Customer", related="order_id.partner_id"),
        }
    )

    def display_name(self, row: Row) -> str:
        order = self.db.tables["sale.order"][row["order_id"]]
        partner = self.db.tables["res.partner"].get(order["partner_id"], {})
        text = str(row.get("name") or "").split("\n")[0]
        return f"{order['name']} - {text} ({partner.get('ref') or partner.get('name')})"

    def invoice_lines(self, row: Row) -> list[int]:
        return self.db.store.find("account.move.line", "sale_line_ids", row["id"])

    def qty_invoiced(self, row: Row) -> Decimal:
        """Drafts count, cancelled documents do not, credit notes count against (docs/facts/pair.md#5.5)."""
        items, moves = self.db.tables["account.move.line"], self.db.tables["account.move"]
        total = ZERO
        for item in (items[i] for i in self.invoice_lines(row)):
            move = moves[item["move_id"]]
            if move["state"] != "cancel":
                quantity = self.in_unit_of(row, item.get("quantity", ZERO), item.get("product_uom_id"))
                total += -quantity if move["move_type"] == "out_refund" else quantity
        return total

    def qty_delivered(self, row: Row) -> Decimal:
        """Done moves to the customer less returns that are to be refunded; services by hand."""
        if not self._is_goods(row):
            return Decimal(row.get("qty_delivered_manual", ZERO))
        moves, locations = self.db.tables["stock.move"], self.db.tables["stock.location"]
        total = ZERO
        own = [moves[i] for i in self.get(row, "move_ids")]
        if any(move["product_id"] != row["product_id"] for move in own):
            return self._kits_delivered(row, own)
        for move in own:
            if move["state"] != "done":
                continue
            quantity = self.in_unit_of(row, move.get("quantity", ZERO), move.get("product_uom"))
            if locations[move["location_dest_id"]]["usage"] == "customer":
                total += quantity
            elif move.get("to_refund"):
                total -= quantity
        return total

    def in_unit_of(self, row: Row, quantity: Decimal, unit: int | None) -> Decimal:
        """Return a quantity of an invoice line or stock move in the unit of its order line."""
        converted: Decimal = self.db.models["uom.uom"].counted_in(quantity, unit or 0, row.get("product_uom_id") or 0)
        return converted

    def _kits_delivered(self, row: Row, moves: list[Row]) -> Decimal:
        """Return a kit is delivered as far as its scarcest component is, less returns that are to be refunded: each move to the
        customer asks for its share of the whole order line."""
        locations = self.db.tables["stock.location"]
        asked: dict[int, Decimal] = {}
        done: dict[int, Decimal] = {}
        for move in (move for move in moves if move["state"] != "cancel"):
            product, is_done = move["product_id"], move["state"] == "done"
            quantity = move["quantity"] if is_done else move["product_uom_qty"]
            if locations[move["location_dest_id"]]["usage"] == "customer":
                asked[product] = asked.get(product, ZERO) + quantity
                done[product] = done.get(product, ZERO) + (quantity if is_done else ZERO)
            elif is_done and move.get("to_refund"):
                done[product] = done.get(product, ZERO) - quantity
        return Decimal(
            min((row["product_uom_qty"] * done[each] // asked[each] for each in asked if asked[each]), default=ZERO)
        )

    def qty_to_invoice(self, row: Row) -> Decimal:
        if self.db.tables["sale.order"][row["order_id"]]["state"] != "sale" or row.get("display_type"):
            return ZERO
        product = self.db.tables["product.product"].get(row.get("product_id", 0), {})
        policy = product.get("invoice_policy", "order")
        base = self.qty_delivered(row) if policy == "delivery" else row.get("product_uom_qty", ZERO)
        return Decimal(base - self.qty_invoiced(row))

    def invoice_status(self, row: Row) -> str:
        if self.db.tables["sale.order"][row["order_id"]]["state"] != "sale":
            return "no"
        if self.qty_to_invoice(row):
            return "to invoice"
        return "invoiced" if self.qty_invoiced(row) >= row.get("product_uom_qty", ZERO) else "no"

    def complete(self, env: Env, vals: Row) -> None:
        if "qty_delivered" in vals:
            vals["qty_delivered_manual"] = vals.pop("qty_delivered")
        if vals.get("display_type"):
            return
        vals.setdefault("product_uom_qty", 1)
        product = env["product.product"].rows.get(int(vals.get("product_id") or 0))
        if not product:
            return
        vals["name"] = vals.get("name") or env["product.product"].display_name(product)
        vals.setdefault("product_uom_id", product.get("uom_id"))
        each = env["uom.uom"].counted_in(Decimal(1), int(vals["product_uom_id"]), product.get("uom_id") or 0)
        vals.setdefault("price_unit", product.get("list_price", ZERO) * each)
        if "tax_ids" not in vals:
            company = env["sale.order"].rows[vals["order_id"]]["company_id"]
            taxes_ = env["account.tax"].rows
            vals["tax_ids"] = [[6, 0, [t for t in product.get("taxes_id") or [] if taxes_[t]["company_id"] == company]]]

    def before_write(self, env: Env, ids: list[int], vals: Row) -> None:
        if "qty_delivered" in vals:
            vals["qty_delivered_manual"] = vals.pop("qty_delivered")

    def before_unlink(self, env: Env, ids: list[int]) -> None:
        if any(
            self.get(self.rows[record], "state") == "sale" and self.rows[record].get("product_id") for record in ids
        ):
            raise UserError(
                "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something "
                "gets invoiced or delivered).\nSet the quantity to 0 instead."
            )

    def created(self, env: Env, ids: list[int]) -> None:
        env["sale.order"].total(env, sorted({self.rows[i]["order_id"] for i in ids}))

    def written(self, env: Env, ids: list[int], vals: Row) -> None:
        orders = sorted({self.rows[i]["order_id"] for i in ids})
        env["sale.order"].total(env, orders)
        env["sale.order"].touch(env, orders)

    def unlinked(self, env: Env, rows: list[Row]) -> None:
        env["sale.order"].total(env, sorted({row["order_id"] for row in rows}))

    def _is_goods(self, row: Row) -> bool:
        product = self.db.tables["product.product"].get(row.get("product_id", 0))
        return bool(product) and product["type"] == "consu"  # type: ignore[index]
