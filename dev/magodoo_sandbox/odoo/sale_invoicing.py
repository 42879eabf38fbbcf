"""The wizard that invoices orders: what is left to invoice, with the lines' forced taxes copied."""

from __future__ import annotations

from typing import Any

from magodoo_sandbox.odoo import fields as f
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import UserError
from magodoo_sandbox.odoo.loading import Model
from magodoo_sandbox.odoo.model import public
from magodoo_sandbox.odoo.store import Row

_NOTHING = (
    "Cannot create an invoice. No items are available to invoice.\n\n"
    "To resolve this issue, please ensure that:\n"
    "   \u2022 The products have been delivered before attempting to invoice them.\n"
    "   \u2022 The invoicing policy of the product is configured correctly.\n\n"
    "If you want to invoice based on ordered quantities instead:\n"
    "   \u2022 For consumable or storable products, open the product, go to the 'General Information' tab and change "
    "the 'Invoicing Policy' from 'Delivered Quantities' to 'Ordered Quantities'.\n"
    "   \u2022 For services (and other products), change the 'Invoicing Policy' to 'Prepaid/Fixed Price'.\n"
)


class AdvancePayment(Model):
    """Orders of one customer end in one invoice unless `consolidated_billing` is false (docs/facts/odoo-19.0.md#5)."""

    name, label = "sale.advance.payment.inv", "Sales Advance Payment Invoice"
    rec_name = "advance_payment_method"
    declared = f.columns(
        {
            "advance_payment_method": f.choice(
                "Create Invoice",
                "delivered:Regular_invoice percentage:Down_payment_(percentage) fixed:Down_payment_(fixed_amount)",
                default="delivered",
            ),
            "sale_order_ids": f.linked("sale.order", "Sales Orders"),
            "consolidated_billing": f.boolean("Consolidated Billing", default=True),
            "amount": f.real("Down Payment"),
        }
    )

    def complete(self, env: Env, vals: Row) -> None:
        if "sale_order_ids" not in vals and env.context.get("active_ids"):
            vals["sale_order_ids"] = [[6, 0, env.context["active_ids"]]]

    @public
    def create_invoices(self, env: Env, ids: list[int]) -> dict[str, Any]:
        wizard, orders = self.rows[self.one(ids)], env["sale.order"]
        rows = [orders.rows[order] for order in wizard.get("sale_order_ids") or []]
        prepared = [(row, self._lines(env, row)) for row in rows]
        prepared = [(row, lines) for row, lines in prepared if lines]
        if not prepared:
            raise UserError(_NOTHING)
        groups: dict[Any, list[tuple[Row, list[Row]]]] = {}
        for row, lines in prepared:
            together = (row["partner_invoice_id"], row["currency_id"], row["company_id"])
            groups.setdefault(together if wizard.get("consolidated_billing") else row["id"], []).append((row, lines))
        moves = env["account.move"].make(env, [_invoice(group) for group in groups.values()])
        return _window(moves, prepared[0][0])

    def _lines(self, env: Env, order: Row) -> list[Row]:
        lines = env["sale.order.line"]
        own = [lines.rows[i] for i in env["sale.order"].get(order, "order_line")]
        waiting = [line for line in own if lines.qty_to_invoice(line)]
        if all(line.get("is_delivery") for line in waiting):
            return []
        return [_invoice_line(env, line) for line in waiting]


def _invoice(group: list[tuple[Row, list[Row]]]) -> Row:
    first = group[0][0]
    references = [row["client_order_ref"] for row, _ in group if row.get("client_order_ref")]
    return {
        "move_type": "out_invoice",
        "partner_id": first["partner_invoice_id"],
        "partner_shipping_id": first["partner_shipping_id"],
        "currency_id": first["currency_id"],
        "company_id": first["company_id"],
        "ref": ", ".join(references) or False,
        "invoice_origin": ", ".join(sorted(row["name"] for row, _ in group)),
        "invoice_payment_term_id": first.get("payment_term_id", False),
        "narration": first.get("note", False),
        "payment_reference": first.get("reference", False),
        "team_id": first.get("team_id", False),
        "invoice_user_id": first.get("user_id", False),
        "fiscal_position_id": first.get("fiscal_position_id", False),
        "invoice_line_ids": [[0, 0, line] for _, lines in group for line in lines],
    }


def _invoice_line(env: Env, line: Row) -> Row:
    products = env["product.product"]
    product = products.rows.get(line.get("product_id", 0))
    label, text = products.display_name(product) if product else "", str(line.get("name") or "")
    return {
        "product_id": line.get("product_id", False),
        "name": text if not label or label in text else f"{label}\n{text}",
        "quantity": env["sale.order.line"].qty_to_invoice(line),
        "product_uom_id": line.get("product_uom_id", False),
        "price_unit": line.get("price_unit", 0),
        "discount": line.get("discount", 0),
        "tax_ids": [[6, 0, line.get("tax_ids") or []]],
        "extra_tax_data": line.get("extra_tax_data", False),
        "sale_line_ids": [[6, 0, [line["id"]]]],
    }


def _window(moves: list[int], order: Row) -> dict[str, Any]:
    action: dict[str, Any] = {
        "id": 262,
        "display_name": "Invoices",
        "name": "Invoices",
        "type": "ir.actions.act_window",
        "xml_id": "account.action_move_out_invoice_type",
        "path": "invoicing",
        "help": '<p class="o_view_nocontent_smiling_face">Create a customer invoice</p>',
        "binding_model_id": False,
        "binding_type": "action",
        "binding_view_types": "list,form",
        "view_id": [737, "account.out.invoice.list"],
        "domain": "[('move_type', 'in', ['out_invoice', 'out_refund', 'out_receipt'])]",
        "context": {"default_move_type": "out_invoice"},
        "res_id": 0,
        "res_model": "account.move",
        "target": "current",
        "view_mode": "list,kanban,form,activity",
        "mobile_view_mode": "kanban",
        "views": [[743, "form"], [737, "list"], [False, "kanban"], [False, "activity"]],
        "limit": 80,
        "group_ids": [],
        "search_view_id": [746, "account.invoice.select"],
        "embedded_action_ids": [],
        "filter": False,
        "cache": True,
    }
    if len(moves) > 1:
        return {**action, "domain": [["id", "in", moves]]}
    shipping = {"default_partner_id": order["partner_id"], "default_partner_shipping_id": order["partner_shipping_id"]}
    return {
        **action,
        "context": {**action["context"], **shipping, "default_invoice_payment_term_id": None},
        "res_id": moves[0],
    }
