"""The Odoo side of the seed: Magento documents entered into Odoo, linked as magodoo links them or by hand.

It is independent of the pipeline's requests on purpose, so that each verifies the other to the cent. It speaks only Odoo's
API, so that the sandbox and a live Odoo 19 are filled by the same calls (docs/facts/pair.md#3 to #5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from magodoo_sandbox.seed.desk import Desk, Rpc
from magodoo_sandbox.seed.entries import (
    Entry,
    amount_of,
    document_entries,
    exploded,
    order_entries,
    order_line_key,
    sale_key,
)
from magodoo_sandbox.seed.shop import CARD, History, Shop

QUIET = {"skip_backorder": True, "skip_sms": True}
HAND = "by_hand"  # the key of the invoice that Odoo made last without Magento
JOURNALS = {CARD: "CARD", "banktransfer": "BNK1", "cashondelivery": "BNK1", "checkmo": "BNK1"}


class Books(Desk):
    """Enters the documents of a Magento into Odoo."""

    def __init__(self, rpc: Rpc, shop: Shop, instance: str, company: int = 1) -> None:
        super().__init__(rpc, instance, company)
        self.shop = shop
        self.pickings: dict[int, int] = {}  # Magento shipment id -> picking id
        self.moves: dict[str, int] = {}  # "inv_7", "cm_3" -> account.move id
        self.orders: dict[int, int] = {}  # Magento order id -> sale.order id

    def order(self, history: History, *, linked: bool = True, confirmed: bool = True) -> int:
        """Return the sale order of a Magento order; `linked` gives it our external ids, otherwise only its number as reference."""
        row = self.shop.row("order", history.order)
        partner = self._partner(row, linked)
        values: dict[str, str] = {
            "client_order_ref": row["increment_id"],
            "origin": row["increment_id"] if linked else "",
            "date_order": row["created_at"],
            "pricelist_id/.id": str(self.names.pricelists[row["order_currency_code"]]),
        }
        entries = order_entries(self.shop, history)
        fields = ["id", "partner_id/id", *values, *_LINE_FIELDS["order_line"]]
        head = [self.xmlid("order", history.order) if linked else self._hand("so"), partner, *values.values()]
        rows = self._line_rows(
            head,
            entries,
            row["order_currency_code"],
            row,
            lambda entry: self.xmlid(*order_line_key(entry)) if linked else self._hand("sol"),
        )
        self.orders[history.order] = self._load("sale.order", fields, rows)
        if confirmed:
            self.call("sale.order", "action_confirm", [self.orders[history.order]])
        return self.orders[history.order]

    def invoice(self, history: History, invoice: int, *, linked: bool = True, post: bool = True, change: Any = None, ref: str | None = None,
                with_order: bool = True, currency: str = "") -> int:  # fmt: skip
        """Return the customer invoice of a Magento invoice. `change(entries)` may damage its lines before they are written."""
        row = self.shop.row("invoice", invoice)
        entries = document_entries(self.shop, history, row, "invl", invoice)
        return self._move(history, row, entries, "out_invoice", ("inv", invoice), linked=linked, post=post, change=change, ref=ref,
                          with_order=with_order, currency=currency)  # fmt: skip

    def invoice_of_order(self, history: History, *, post: bool = True) -> int:
        """Return the invoice that Odoo itself makes of a whole order, with Odoo's own wizard."""
        order = self.orders[history.order]
        values = {
            "sale_order_ids": [[6, 0, [order]]],
            "advance_payment_method": "delivered",
            "consolidated_billing": False,
        }
        wizard = self._one(self.call("sale.advance.payment.inv", "create", vals_list=[values]))
        move = int(self.call("sale.advance.payment.inv", "create_invoices", [wizard])["res_id"])
        if post:
            self.call("account.move", "action_post", [move])
        return move

    def reverse(self, history: History, invoice: int) -> int:
        """Return a credit note of a whole invoice, by Odoo's own wizard, posted."""
        move = self.moves[f"inv_{invoice}"]
        journal = self.found("account.move", [["id", "=", move]], ["journal_id"])[0]["journal_id"][0]
        context = {"active_model": "account.move", "active_ids": [move]}
        wizard = self._one(
            self.call(
                "account.move.reversal",
                "create",
                vals_list=[{"journal_id": journal, "reason": "wrong address"}],
                context=context,
            )
        )
        note = int(self.call("account.move.reversal", "refund_moves", [wizard], context=context)["res_id"])
        self.call("account.move", "action_post", [note])
        return note

    def number(self, model: str, record: int) -> str:
        """Return the number of a record as people read it."""
        return str(self.found(model, [["id", "=", record]], ["name"])[0]["name"])

    def total(self, move: int) -> Decimal:
        return Decimal(str(self.found("account.move", [["id", "=", move]], ["amount_total"])[0]["amount_total"]))

    def credit_note(
        self, history: History, memo: int, *, linked: bool = True, post: bool = True, change: Any = None
    ) -> int:
        """Return the credit note of a credit memo; its lines are not linked to order lines (docs/facts/pair.md#5.5)."""
        row = self.shop.row("credit_memo", memo)
        entries = document_entries(self.shop, history, row, "cml", memo)
        return self._move(
            history, row, entries, "out_refund", ("cm", memo), linked=linked, post=post, change=change, with_order=False
        )

    def pay(
        self, history: History, key: str, amount: Decimal, currency: str, *, outbound: bool = False, memo: str = ""
    ) -> None:
        """Register a payment for `key` ("inv_7") in the method's journal and matches it."""
        move = self.moves[key]
        partner = self.found("account.move", [["id", "=", move]], ["partner_id", "invoice_date"])[0]
        journal = self.names.journals[JOURNALS[history.payment]]
        kind = "outbound" if outbound else "inbound"
        fields = [
            "id",
            "payment_type",
            "partner_type",
            "partner_id/.id",
            "amount",
            "currency_id/.id",
            "date",
            "journal_id/.id",
            "payment_method_line_id/.id",
            "memo",
            "invoice_ids/.id",
        ]
        row = [
            self._hand("payment")
            if key == HAND
            else self.xmlid("pay" if key.startswith("inv") else "cmpay", key.split("_")[1]),
            kind,
            "customer",
            str(partner["partner_id"][0]),
            f"{amount:.2f}",
            str(self.names.currencies[currency]),
            str(partner["invoice_date"]),
            str(journal),
            str(self.names.method_lines[(journal, kind)]),
            memo,
            str(move),
        ]
        payment = self._load("account.payment", fields, [row])
        self.call("account.payment", "action_post", [payment])
        entry = self.found("account.payment", [["id", "=", payment]], ["move_id"])[0]["move_id"][0]
        lines = self.found(
            "account.move.line",
            [
                ["move_id", "in", [entry, move]],
                ["account_id.account_type", "=", "asset_receivable"],
                ["reconciled", "=", False],
            ],
            ["move_id"],
        )
        self.call("account.move.line", "reconcile", [line["id"] for line in lines])

    def deliver(
        self,
        history: History,
        quantities: Mapping[int, Decimal],
        *,
        shipment: int | None = None,
        tracking: Sequence[str] = (),
    ) -> int:
        """Validate the order's open delivery for quantities by Magento item id; the rest becomes a backorder."""
        order = self.orders[history.order]
        picking = self.found(
            "stock.picking",
            [["sale_id", "=", order], ["state", "not in", ["done", "cancel"]], ["picking_type_code", "=", "outgoing"]],
            ["name"],
        )[0]["id"]
        lines = self._lines_by_item(history)
        for move in self.found("stock.move", [["picking_id", "=", picking]], ["sale_line_id"]):
            quantity = quantities.get(lines.get(move["sale_line_id"][0], 0), Decimal(0))
            self.call("stock.move", "write", [move["id"]], vals={"quantity": float(quantity), "picked": bool(quantity)})
        values: dict[str, Any] = {"carrier_tracking_ref": ",".join(tracking)} if tracking else {}
        if shipment is not None:
            values["x_magento_key"] = f"ship_{self.instance}_{shipment}"
            self.pickings[shipment] = picking
        if values:
            self.call("stock.picking", "write", [picking], vals=values)
        done = self.call("stock.picking", "button_validate", [picking], context=QUIET)
        if done is not True:
            raise RuntimeError(f"delivery {picking} was not validated: {done}")
        return picking

    def delivery_of(
        self,
        history: History,
        shipment: int,
        *,
        linked: bool = True,
        tracking: Sequence[str] | None = None,
        change: Any = None,
    ) -> int:
        """Return the delivery of a Magento shipment."""
        row = self.shop.row("shipment", shipment)
        quantities = {int(item["order_item_id"]): Decimal(str(item["qty"])) for item in row["items"]}
        quantities = exploded(self.shop, history, quantities)
        if change:
            quantities = change(quantities)
        tracks = [track["track_number"] for track in row.get("tracks") or []] if tracking is None else tracking
        return self.deliver(history, quantities, shipment=shipment if linked else None, tracking=tracks)

    def give_back(self, picking: int, quantity: Decimal | None = None) -> int:
        """Return a return of a delivery, validated; all of it, or `quantity` of its first line."""
        made = self._one(
            self.call(
                "stock.return.picking",
                "create",
                vals_list=[{"picking_id": picking}],
                context={"active_id": picking, "active_model": "stock.picking"},
            )
        )
        lines = self.found("stock.return.picking.line", [["wizard_id", "=", made]], ["move_id"])
        for position, line in enumerate(lines):
            done = self.found("stock.move", [["id", "=", line["move_id"][0]]], ["quantity"])[0]["quantity"]
            wanted = done if quantity is None else (float(quantity) if position == 0 else 0)
            self.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": float(wanted)})
        returned = int(self.call("stock.return.picking", "action_create_returns", [made])["res_id"])
        for move in self.found("stock.move", [["picking_id", "=", returned]], ["product_uom_qty"]):
            self.call(
                "stock.move", "write", [move["id"]], vals={"quantity": float(move["product_uom_qty"]), "picked": True}
            )
        self.call("stock.picking", "button_validate", [returned], context=QUIET)
        return returned

    def _line_rows(
        self,
        head: list[str],
        entries: Sequence[Entry],
        currency: str,
        row: Any,
        key: Any,
        *,
        order: bool = True,
        linked_lines: Any = None,
    ) -> list[list[str]]:
        """`load()` rows: the head is in the first, each further row has a line only."""
        rows = []
        for position, entry in enumerate(entries):
            tax = self.names.taxes[entry.percent.normalize()]
            extra = self._forced(entry, tax, currency, amount_of(row.get("base_to_order_rate")) or Decimal(1))
            line = [
                key(entry),
                str(self.names.products[entry.sku]),
                entry.name,
                f"{entry.quantity:f}",
                f"{entry.price:f}",
                f"{entry.discount:f}",
                str(tax),
                extra,
            ]
            line += [str(int(entry.delivery))] if order else [linked_lines(entry)] if linked_lines else []
            rows.append((head if position == 0 else [""] * len(head)) + line)
        return rows

    def _forced(self, entry: Entry, tax: int, currency: str, rate: Decimal) -> str:
        """`extra_tax_data`: base and tax of the line in both currencies, as Magento has them (docs/facts/pair.md#2.1)."""
        amounts = {
            "base_amount_currency": entry.net,
            "tax_amount_currency": entry.tax,
            "base_amount": entry.base_net,
            "tax_amount": entry.base_tax,
        }
        data: dict[str, Any] = {
            "currency_id": self.names.currencies[currency], "price_unit": entry.price, "discount": entry.discount, "quantity": entry.quantity, "rate": rate,
            "manual_total_excluded_currency": entry.net, "manual_total_excluded": entry.base_net, "manual_tax_amounts": {str(tax): amounts},
        }  # fmt: skip
        return json.dumps(data, default=float)

    def _move(self, history: History, row: Any, entries: list[Entry], move_type: str, key: tuple[str, int], *, linked: bool, post: bool,
              change: Any = None, ref: str | None = None, with_order: bool = True, currency: str = "") -> int:  # fmt: skip
        order = self.shop.row("order", history.order)
        if change:
            change(entries)
        values = {
            "move_type": move_type,
            "ref": row["increment_id"] if ref is None else ref,
            "invoice_origin": order["increment_id"] if with_order or linked or move_type == "out_refund" else "",
            "invoice_date": str(row["created_at"])[:10],
            "currency_id/.id": str(self.names.currencies[currency or row["order_currency_code"]]),
            "invoice_currency_rate": "1" if currency else f"{amount_of(row.get('base_to_order_rate')) or 1:f}",
        }
        names = _LINE_FIELDS["invoice_line_ids"] + (["invoice_line_ids/sale_line_ids/.id"] if with_order else [])
        fields = ["id", "partner_id/id", *values, *names]
        head = [self.xmlid(*key) if linked else self._hand("move"), self._partner(order, linked), *values.values()]
        lines = self._sale_lines(history) if with_order else {}
        rows = self._line_rows(
            head,
            entries,
            currency or row["order_currency_code"],
            {} if currency else order,
            lambda entry: self._plain_xmlid(entry.key) if linked else self._hand("aml"),
            order=False,
            linked_lines=(lambda entry: str(lines.get(sale_key(entry, history.order), ""))) if with_order else None,
        )
        move = self._load("account.move", fields, rows)
        self.moves[f"{key[0]}_{key[1]}"] = move
        if values["invoice_currency_rate"] != "1" and not self.has("account.move.line", "extra_tax_data"):
            # before 19 `load` ignores it (docs/facts/odoo-versions.md#4)
            self.call(
                "account.move", "write", [move], vals={"invoice_currency_rate": float(values["invoice_currency_rate"])}
            )
        if post:
            self.call("account.move", "action_post", [move])
        return move

    def _partner(self, order: Any, linked: bool) -> str:
        email = order["customer_email"].lower()
        name = (
            f"c{order['customer_id']}"
            if order.get("customer_id")
            else f"g_{hashlib.sha1(email.encode(), usedforsecurity=False).hexdigest()[:16]}"
        )
        key = f"magodoo.partner_{self.instance}_{name}" if linked else f"by_hand.partner_{name}"
        address = order["billing_address"]
        country = str(self.names.countries[address["country_id"]])
        fields = ["id", "name", "email", "phone", "street", "city", "zip", "country_id/.id"]
        row = [
            key,
            f"{address['firstname']} {address['lastname']}",
            email,
            address.get("telephone") or "",
            address["street"][0],
            address["city"],
            address["postcode"],
            country,
        ]
        self._load("res.partner", fields, [row])
        return key

    def _sale_lines(self, history: History) -> dict[str, int]:
        """Sale order line ids by our key of the line (`oi_5`, `oship_3`)."""
        rows = self.found("sale.order.line", [["order_id", "=", self.orders[history.order]]], ["sequence"], order="id")
        return dict(
            zip([entry.key for entry in order_entries(self.shop, history)], [row["id"] for row in rows], strict=True)
        )

    def _lines_by_item(self, history: History) -> dict[int, int]:
        return {
            line: int(key.split("_")[1]) for key, line in self._sale_lines(history).items() if key.startswith("oi_")
        }


_LINE_FIELDS = {
    "order_line": [
        f"order_line/{name}"
        for name in (
            "id",
            "product_id/.id",
            "name",
            "product_uom_qty",
            "price_unit",
            "discount",
            "tax_ids/.id",
            "extra_tax_data",
            "is_delivery",
        )
    ],
    "invoice_line_ids": [
        f"invoice_line_ids/{name}"
        for name in (
            "id",
            "product_id/.id",
            "name",
            "quantity",
            "price_unit",
            "discount",
            "tax_ids/.id",
            "extra_tax_data",
        )
    ],
}
