"""Documents of every kind in Odoo, and rules that hide their records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from odoo_shop import LINES, MODULE, MOVE_FIELDS, ORDER_FIELDS, Shop

from magodoo.connectors.odoo.client import OdooClient

EVER = datetime(2020, 1, 1, tzinfo=UTC)
KINDS = ("order", "invoice", "credit_memo", "shipment", "return", "payment")


@dataclass(frozen=True)
class Sold:
    """An order with everything that may follow, of a customer and goods of its own: ids by kind, and of the records behind them."""

    documents: dict[str, int]
    records: dict[str, int]


def sell(shop: Shop, number: int) -> Sold:
    """Order 1 is taxed, order 2 is not, so that they have no tax in common."""
    client, line = shop.client, LINES[number - 1]
    lines = (
        line,
        replace(line, quantity="1", price="0", untaxed="0", tax="0"),
    )  # goods that are given away have no amount
    shop.load_partner(number)

    def own(rows: list[list[str]], fields: tuple[str, ...], lines: str) -> list[list[str]]:
        taxes = [fields.index(f"{lines}/{name}") for name in ("tax_ids/.id", "extra_tax_data")]
        for row in rows:
            row[:] = [f"{MODULE}.partner_{number}" if value == f"{MODULE}.partner_1" else value for value in row]
            if number == 2:
                row[taxes[0]] = row[taxes[1]] = ""
        return rows

    (order,) = shop.load_orders(own(shop.order_rows(number, lines), ORDER_FIELDS, "order_line")).ids.values()
    client.orders.confirm([order])
    (move,) = shop.load_moves(own(shop.move_rows(number, number, lines), MOVE_FIELDS, "invoice_line_ids")).ids.values()
    client.invoices.post([move])
    invoice = client.documents.by_ids("invoice", [move]).sure[0]
    paid = shop.payment_rows(move, number, str(invoice["amount_total"]))
    paid[0][3] = f"{MODULE}.partner_{number}"
    (payment,) = shop.load_payments(paid).ids.values()
    client.payments.post([payment])
    client.payments.reconcile_one(payment, move)
    (picking,) = client.deliveries.open_transfers([order])
    client.deliveries.set_quantities(
        {each["id"]: Decimal(str(each["product_uom_qty"])) for each in picking["move_ids"]}
    )
    client.deliveries.validate([picking["id"]])
    (done,) = client.documents.by_ids("shipment", [picking["id"]]).sure
    back = client.deliveries.create_return(picking["id"], {done["move_ids"][0]["id"]: Decimal(1)})
    client.deliveries.validate([back])
    memo = own(
        shop.move_rows(number, number, lines[:1], kind="out_refund", reversed_entry=f"{MODULE}.inv_{number}"),
        MOVE_FIELDS,
        "invoice_line_ids",
    )
    (note,) = shop.load_moves(memo).ids.values()
    client.invoices.post([note])
    row = client.documents.by_ids("order", [order]).sure[0]
    return Sold(
        dict(zip(KINDS, (order, move, note, picking["id"], back, payment), strict=True)),
        {
            "sale.order": order, "sale.order.line": row["order_line"][1]["id"], "account.move": move,
            "account.move.line": invoice["invoice_line_ids"][1]["id"], "stock.picking": picking["id"],
            "stock.move": done["move_ids"][1]["id"], "res.partner": row["partner_id"]["id"],
            "product.product": shop.products[line.sku], "account.tax": shop.tax, "account.payment": payment,
        },
    )  # fmt: skip


def hide(admin: OdooClient, model: str, id: int) -> int:
    """The record rule that hides one record from everybody."""
    (of,) = admin.rpc.call("ir.model", "search", domain=[["model", "=", model]])
    rule = {"name": "hidden", "model_id": of, "domain_force": f"[('id', '!=', {id})]"}
    return int(admin.rpc.write_call("ir.rule", "create", vals_list=[rule])[0])


@contextmanager
def hidden(admin: OdooClient, model: str, id: int) -> Iterator[None]:
    made = hide(admin, model, id)
    yield
    admin.rpc.write_call("ir.rule", "unlink", ids=[made])


ARCHIVABLE = ("res.partner", "product.product", "account.tax")
