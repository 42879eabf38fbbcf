"""The Odoo side of the seed: Magento documents entered into the books, linked as magodoo links them or by hand.

Written apart from the pipeline's own requests, on purpose: what both get equal to the cent is equal twice. It speaks only Odoo's
API, so that the sandbox and a live Odoo 19 are filled by the same calls (facts pair 3 to 5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from magodoo.sandbox.seed.shop import CARD, History, Shop

KEEP = {"mode": "update", "noupdate": True, "tracking_disable": True}
QUIET = {"skip_backorder": True, "skip_sms": True}
SERVICES = ("SHIPPING", "SHIPDISC", "ADJ-PLUS", "ADJ-MINUS")
COMPANY = 1
HAND = "by_hand"  # the key of the invoice that Odoo made last without Magento
JOURNALS = {CARD: "CARD", "banktransfer": "BNK1", "cashondelivery": "BNK1", "checkmo": "BNK1"}


class Rpc(Protocol):
    """One call to Odoo as an administrator."""

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any: ...


@dataclass
class Entry:
    """A line of a sale order or an invoice before it is written."""

    key: str
    sku: str
    name: str
    quantity: Decimal
    price: Decimal
    net: Decimal
    tax: Decimal
    percent: Decimal
    base_net: Decimal
    base_tax: Decimal
    discount: Decimal = Decimal(0)
    delivery: bool = False


@dataclass
class Names:
    """Database ids of what the lines refer to."""

    products: dict[str, int] = field(default_factory=dict)
    taxes: dict[Decimal, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)
    pricelists: dict[str, int] = field(default_factory=dict)
    journals: dict[str, int] = field(default_factory=dict)
    method_lines: dict[tuple[int, str], int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)


class Books:
    """Enters documents into Odoo. `instance` is the id that stands in the references of linked records."""

    def __init__(self, rpc: Rpc, shop: Shop, instance: str) -> None:
        self.rpc, self.shop, self.instance = rpc, shop, instance
        self.names = Names()
        self.pickings: dict[int, int] = {}  # Magento shipment id -> picking id
        self.moves: dict[str, int] = {}  # "inv_7", "cm_3" -> account.move id
        self.orders: dict[int, int] = {}  # Magento order id -> sale.order id

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any:
        """A call in the first company only: the administrator may have several."""
        return self.rpc.call(
            model, method, ids, context={"allowed_company_ids": [COMPANY], **(context or {})}, **arguments
        )

    def provision(self, skus: Mapping[str, tuple[str, Decimal, bool]]) -> None:
        """Products by SKU (name, price, storable), and the ids of what the database already has."""
        for sku, (name, price, storable) in skus.items():
            values = {
                "default_code": sku,
                "name": name,
                "list_price": float(price),
                "type": "consu" if storable else "service",
                "is_storable": storable,
                "invoice_policy": "order",
            }
            self.names.products[sku] = self._one(self.call("product.product", "create", vals_list=[values]))
        self._stock([self.names.products[sku] for sku, (_, _, storable) in skus.items() if storable])
        for sku in SERVICES:
            self.names.products[sku] = self._find("product.product", [["default_code", "=", sku]])
        for row in self._rows("account.tax", [["type_tax_use", "=", "sale"]], ["amount"]):
            self.names.taxes.setdefault(Decimal(str(row["amount"])).normalize(), row["id"])
        self.names.currencies = {
            row["name"]: row["id"] for row in self._rows("res.currency", [["active", "=", True]], ["name"])
        }
        for row in self._rows("product.pricelist", [], ["currency_id"]):
            self.names.pricelists.setdefault(row["currency_id"][1], row["id"])
        self.names.journals = {row["code"]: row["id"] for row in self._rows("account.journal", [], ["code"])}
        for row in self._rows("account.payment.method.line", [], ["journal_id", "payment_type"]):
            if row["journal_id"]:
                self.names.method_lines.setdefault((row["journal_id"][0], row["payment_type"]), row["id"])
        self.names.countries = {row["code"]: row["id"] for row in self._rows("res.country", [], ["code"])}

    def _stock(self, products: Sequence[int]) -> None:
        """Plenty of everything in the first warehouse."""
        location = self._rows("stock.warehouse", [["company_id", "=", COMPANY]], ["lot_stock_id"])[0]["lot_stock_id"][0]
        wanted = [
            {"product_id": product, "location_id": location, "inventory_quantity": 100_000} for product in products
        ]
        quants = self.call("stock.quant", "create", vals_list=wanted, context={"inventory_mode": True})
        self.call("stock.quant", "action_apply_inventory", quants)

    # Documents

    def order(self, history: History, *, linked: bool = True, confirmed: bool = True) -> int:
        """The sale order of a Magento order; `linked` gives it our external ids, otherwise only its number as reference."""
        row = self.shop.row("order", history.order)
        partner = self._partner(row, linked)
        values: dict[str, str] = {
            "client_order_ref": row["increment_id"],
            "origin": row["increment_id"] if linked else "",
            "date_order": row["created_at"],
            "pricelist_id/.id": str(self.names.pricelists[row["order_currency_code"]]),
        }
        entries = self.order_entries(history)
        fields = ["id", "partner_id/id", *values, *_LINE_FIELDS["order_line"]]
        head = [self.xmlid("order", history.order) if linked else self._hand("so"), partner, *values.values()]
        rows = self._line_rows(
            head,
            entries,
            row["order_currency_code"],
            row,
            lambda entry: self.xmlid(*_order_line_key(entry, history.order)) if linked else self._hand("sol"),
        )
        self.orders[history.order] = self._load("sale.order", fields, rows)
        if confirmed:
            self.call("sale.order", "action_confirm", [self.orders[history.order]])
        return self.orders[history.order]

    def invoice(self, history: History, invoice: int, *, linked: bool = True, post: bool = True, change: Any = None, ref: str | None = None,
                with_order: bool = True, currency: str = "") -> int:  # fmt: skip
        """The customer invoice of a Magento invoice. `change(entries)` may damage its lines before they are written."""
        row = self.shop.row("invoice", invoice)
        entries = self.document_entries(history, row, "invl", invoice)
        return self._move(history, row, entries, "out_invoice", ("inv", invoice), linked=linked, post=post, change=change, ref=ref,
                          with_order=with_order, currency=currency)  # fmt: skip

    def invoice_of_order(self, history: History, *, post: bool = True) -> int:
        """The invoice that Odoo itself makes of a whole order, with Odoo's own wizard."""
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
        """A credit note of a whole invoice, by Odoo's own wizard, posted."""
        move = self.moves[f"inv_{invoice}"]
        journal = self._rows("account.move", [["id", "=", move]], ["journal_id"])[0]["journal_id"][0]
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
        """The number of a record as people read it."""
        return str(self._rows(model, [["id", "=", record]], ["name"])[0]["name"])

    def total(self, move: int) -> Decimal:
        return Decimal(str(self._rows("account.move", [["id", "=", move]], ["amount_total"])[0]["amount_total"]))

    def credit_note(
        self, history: History, memo: int, *, linked: bool = True, post: bool = True, change: Any = None
    ) -> int:
        """The credit note of a credit memo; its lines are not linked to order lines (facts pair 5.5)."""
        row = self.shop.row("credit_memo", memo)
        entries = self.document_entries(history, row, "cml", memo)
        return self._move(
            history, row, entries, "out_refund", ("cm", memo), linked=linked, post=post, change=change, with_order=False
        )

    def pay(
        self, history: History, key: str, amount: Decimal, currency: str, *, outbound: bool = False, memo: str = ""
    ) -> None:
        """Registers a payment for `key` ("inv_7") in the method's journal and matches it."""
        move = self.moves[key]
        partner = self._rows("account.move", [["id", "=", move]], ["partner_id", "invoice_date"])[0]
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
        entry = self._rows("account.payment", [["id", "=", payment]], ["move_id"])[0]["move_id"][0]
        lines = self._rows(
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
        """Validates the order's open delivery for quantities by Magento item id; the rest becomes a backorder."""
        order = self.orders[history.order]
        picking = self._rows(
            "stock.picking",
            [["sale_id", "=", order], ["state", "not in", ["done", "cancel"]], ["picking_type_code", "=", "outgoing"]],
            ["name"],
        )[0]["id"]
        lines = self._lines_by_item(history)
        for move in self._rows("stock.move", [["picking_id", "=", picking]], ["sale_line_id"]):
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
        """The delivery of a Magento shipment."""
        row = self.shop.row("shipment", shipment)
        quantities = {int(item["order_item_id"]): Decimal(str(item["qty"])) for item in row["items"]}
        quantities = self._exploded(history, quantities)
        if change:
            quantities = change(quantities)
        tracks = [track["track_number"] for track in row.get("tracks") or []] if tracking is None else tracking
        return self.deliver(history, quantities, shipment=shipment if linked else None, tracking=tracks)

    def give_back(self, picking: int, quantity: Decimal | None = None) -> int:
        """A return of a delivery, validated; all of it, or `quantity` of its first line."""
        made = self._one(
            self.call(
                "stock.return.picking",
                "create",
                vals_list=[{"picking_id": picking}],
                context={"active_id": picking, "active_model": "stock.picking"},
            )
        )
        lines = self._rows("stock.return.picking.line", [["wizard_id", "=", made]], ["move_id"])
        for position, line in enumerate(lines):
            done = self._rows("stock.move", [["id", "=", line["move_id"][0]]], ["quantity"])[0]["quantity"]
            wanted = done if quantity is None else (float(quantity) if position == 0 else 0)
            self.call("stock.return.picking.line", "write", [line["id"]], vals={"quantity": float(wanted)})
        returned = int(self.call("stock.return.picking", "action_create_returns", [made])["res_id"])
        for move in self._rows("stock.move", [["picking_id", "=", returned]], ["product_uom_qty"]):
            self.call(
                "stock.move", "write", [move["id"]], vals={"quantity": float(move["product_uom_qty"]), "picked": True}
            )
        self.call("stock.picking", "button_validate", [returned], context=QUIET)
        return returned

    # Lines

    def order_entries(self, history: History) -> list[Entry]:
        row = self.shop.row("order", history.order)
        entries = [
            self._entry(f"oi_{item['item_id']}", item, item["qty_ordered"], item)
            for item in self.shop.money_items(history.order)
        ]
        return entries + self._extras(
            row, f"oship_{history.order}", f"osd_{history.order}", row.get("shipping_discount_amount")
        )

    def document_entries(self, history: History, row: Any, prefix: str, number: int) -> list[Entry]:
        """Lines of an invoice or credit memo: money rows, shipping, shipping discount, adjustments."""
        money = {item["item_id"]: item for item in self.shop.money_items(history.order)}
        entries = []
        for item in row["items"]:
            source = money.get(item["order_item_id"])
            if source is not None and _d(item.get("qty")):
                entries.append(self._entry(f"{prefix}_{number}_{item['order_item_id']}", item, item["qty"], source))
        given = sum((_d(item.get("discount_amount")) for item in row["items"]), Decimal(0))
        shipping_discount = -_d(row.get("discount_amount")) - given
        entries += self._extras(row, f"{prefix}_{number}_ship", f"{prefix}_{number}_sd", shipping_discount)
        for name, sku, sign in (("adjustment_positive", "ADJ-PLUS", 1), ("adjustment_negative", "ADJ-MINUS", -1)):
            amount, base = sign * _d(row.get(name)), sign * _d(row.get(f"base_{name}"))
            if amount:
                entries.append(
                    Entry(
                        f"{prefix}_{number}_{sku}",
                        sku,
                        "Adjustment",
                        Decimal(1),
                        amount,
                        amount,
                        Decimal(0),
                        Decimal(0),
                        base,
                        Decimal(0),
                    )
                )
        return entries

    def _entry(self, key: str, item: Any, quantity: Any, source: Any) -> Entry:
        quantity, price, discount = _d(quantity), _d(item["price"]), _d(item.get("discount_amount"))
        gross = price * quantity
        net = gross - discount + _d(item.get("discount_tax_compensation_amount"))
        base_net = (
            _d(item["base_price"]) * quantity
            - _d(item.get("base_discount_amount"))
            + _d(item.get("base_discount_tax_compensation_amount"))
        )
        percent = (100 * discount / gross).quantize(Decimal("0.01")) if gross else Decimal(0)
        return Entry(key, item["sku"], item["name"], quantity, price, net, _d(item.get("tax_amount")), _d(source.get("tax_percent")), base_net,
                     _d(item.get("base_tax_amount")), percent)  # fmt: skip

    def _extras(self, row: Any, ship_key: str, discount_key: str, shipping_discount: Any) -> list[Entry]:
        entries = []
        shipping, tax = _d(row.get("shipping_amount")), _d(row.get("shipping_tax_amount"))
        if shipping:
            percent = Decimal(19) if tax else Decimal(0)
            entries.append(Entry(ship_key, "SHIPPING", "Shipping", Decimal(1), shipping, shipping, tax, percent, _d(row["base_shipping_amount"]),
                                 _d(row.get("base_shipping_tax_amount")), delivery=True))  # fmt: skip
        amount = _d(shipping_discount)
        if amount:
            rate = _d(row.get("base_to_order_rate")) or Decimal(1)
            entries.append(Entry(discount_key, "SHIPDISC", "Shipping discount", Decimal(1), -amount, -amount, Decimal(0), Decimal(0),
                                 (-amount / rate).quantize(Decimal("0.01")), Decimal(0)))  # fmt: skip
        return entries

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
        """`load()` rows: the head stands on the first, each further row has a line alone."""
        rows = []
        for position, entry in enumerate(entries):
            tax = self.names.taxes[entry.percent.normalize()]
            extra = self._forced(entry, tax, currency, _d(row.get("base_to_order_rate")) or Decimal(1))
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
        """`extra_tax_data`: base and tax of the line in both currencies, as Magento has them (facts pair 2.1)."""
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
            "invoice_currency_rate": "1" if currency else f"{_d(row.get('base_to_order_rate')) or 1:f}",
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
            linked_lines=(lambda entry: str(lines.get(_sale_key(entry, history.order), ""))) if with_order else None,
        )
        move = self._load("account.move", fields, rows)
        self.moves[f"{key[0]}_{key[1]}"] = move
        if post:
            self.call("account.move", "action_post", [move])
        return move

    # Names

    def xmlid(self, kind: str, number: Any) -> str:
        return f"magodoo.{kind}_{self.instance}_{number}"

    def _plain_xmlid(self, key: str) -> str:
        kind, _, rest = key.partition("_")
        return f"magodoo.{kind}_{self.instance}_{rest}"

    def _hand(self, what: str) -> str:
        """What a person makes by hand has no reference of ours; load() wants an id all the same, in a module of its own."""
        self._counter = getattr(self, "_counter", 0) + 1
        return f"by_hand.{what}_{self._counter}"

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
        rows = self._rows("sale.order.line", [["order_id", "=", self.orders[history.order]]], ["sequence"], order="id")
        return dict(zip([entry.key for entry in self.order_entries(history)], [row["id"] for row in rows], strict=True))

    def _lines_by_item(self, history: History) -> dict[int, int]:
        return {
            line: int(key.split("_")[1]) for key, line in self._sale_lines(history).items() if key.startswith("oi_")
        }

    def _exploded(self, history: History, quantities: Mapping[int, Decimal]) -> dict[int, Decimal]:
        """A dynamic bundle ships by its parent in Magento, by its children in Odoo (facts pair 5.1)."""
        items = {item["item_id"]: item for item in self.shop.row("order", history.order)["items"]}
        money = {item["item_id"] for item in self.shop.money_items(history.order)}
        out = {}
        for item, quantity in quantities.items():
            children = [
                child for child in items.values() if child.get("parent_item_id") == item and child["item_id"] in money
            ]
            for child in children:
                out[child["item_id"]] = quantity * _d(child["qty_ordered"]) / _d(items[item]["qty_ordered"])
            if not children:
                out[item] = quantity
        return out

    # Calls

    def _load(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
        answer = self.call(model, "load", context=KEEP, fields=list(fields), data=[list(row) for row in rows])
        if not answer["ids"]:
            raise RuntimeError(f"{model}: {answer['messages']}")
        return int(answer["ids"][0])

    def _rows(self, model: str, domain: list[Any], fields: Sequence[str], order: str = "id") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call(model, "search_read", domain=domain, fields=list(fields), order=order)
        return found

    def _find(self, model: str, domain: list[Any]) -> int:
        return int(self._rows(model, domain, ["display_name"])[0]["id"])

    def _one(self, made: Any) -> int:
        return int(made[0] if isinstance(made, list) else made)


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


def _order_line_key(entry: Entry, order: int) -> tuple[str, str]:
    kind, _, number = entry.key.partition("_")
    return kind, number


def _sale_key(entry: Entry, order: int) -> str:
    """The sale line that an invoice line belongs to: `invl_7_5` -> `oi_5`; shipping -> `oship_<order>`."""
    last = entry.key.rsplit("_", 1)[1]
    return {"ship": f"oship_{order}", "sd": f"osd_{order}"}.get(last, f"oi_{last}")


def _d(value: Any) -> Decimal:
    return Decimal(str(value)) if value not in (None, "", False) else Decimal(0)
