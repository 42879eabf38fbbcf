"""Documents as the pipeline loads them, the call bodies of docs/facts/pair.md#3 to #6."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from magodoo.connectors.odoo.bulk_load import Loaded
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.deliveries import Delivery
from magodoo.flows.load_tables import Draft, Table, complete, fit
from magodoo.money import dump_json
from magodoo_devstack import odoo_provision

MODULE = "magodoo_test"
ORDER_FIELDS = (
    "id", "partner_id/id", "client_order_ref", "origin", "date_order", "pricelist_id/.id", "order_line/id",
    "order_line/product_id/.id", "order_line/name", "order_line/product_uom_qty", "order_line/price_unit",
    "order_line/discount", "order_line/tax_ids/.id", "order_line/extra_tax_data", "order_line/is_delivery",
)  # fmt: skip
MOVE_FIELDS = (
    "id", "move_type", "partner_id/id", "ref", "invoice_origin", "invoice_date", "currency_id/.id",
    "invoice_currency_rate", "reversed_entry_id/id", "invoice_line_ids/id", "invoice_line_ids/product_id/.id",
    "invoice_line_ids/name", "invoice_line_ids/quantity", "invoice_line_ids/price_unit", "invoice_line_ids/discount",
    "invoice_line_ids/tax_ids/.id", "invoice_line_ids/extra_tax_data", "invoice_line_ids/sale_line_ids/id",
)  # fmt: skip
PAYMENT_FIELDS = (
    "id", "payment_type", "partner_type", "partner_id/id", "amount", "currency_id/.id", "date", "journal_id/.id",
    "payment_method_line_id/.id", "memo", "invoice_ids/.id",
)  # fmt: skip

Rows = list[list[str]]


@dataclass(frozen=True)
class Line:
    """A line with the amounts that Magento says, in the document's currency."""

    sku: str
    quantity: str
    price: str
    untaxed: str
    tax: str = "0"
    discount: str = "0"


# Odoo alone computes 3.08 tax on the second (37.31 x 8.25 %); Magento's remainder was 3.07.
LINES = (Line("SKU-A", "2", "19.99", "39.98", "3.30"), Line("SKU-B", "7", "5.33", "37.31", "3.07"))


@dataclass
class Shop:
    """What the rows refer to, by SKU and name."""

    client: OdooClient
    products: dict[str, int]
    tax: int
    currencies: dict[str, int]
    pricelists: dict[str, int]

    @classmethod
    def stocked(cls, client: OdooClient, admin: OdooClient) -> Shop:
        skus = {"SKU-A": "consu", "SKU-B": "consu", "VIRT": "service"}
        made = odoo_provision.make_products(
            admin,
            [
                {"default_code": sku, "name": sku, "type": kind, "is_storable": kind == "consu"}
                for sku, kind in skus.items()
            ],
        )
        odoo_provision.make_stock(admin, made[:2], 100)
        services = client.master_data.products(list(odoo_provision.SERVICES))
        return cls(
            client,
            {**dict(zip(skus, made, strict=True)), **{row["default_code"]: row["id"] for row in services}},
            next(row["id"] for row in client.master_data.taxes() if row["amount"] == Decimal("8.25")),
            {row["name"]: row["id"] for row in client.master_data.currencies() if row["active"]},
            {
                row["name"].split()[-1]: row["id"]
                for row in client.master_data.pricelists()
                if row["name"].startswith("Magento")
            },
        )

    def load_partner(self, number: int = 1) -> None:
        fields = ("id", "name", "email", "phone", "country_id/.id")
        country = next(row["id"] for row in self.client.master_data.countries() if row["code"] == "US")
        row = (f"{MODULE}.partner_{number}", "Roni Cost", f"roni{number}@example.com", "+15550001", str(country))
        loaded = self.client.customers.create(fields, [row])
        assert not loaded.refused

    def load_orders(self, rows: Rows) -> Loaded:
        """Rows of ORDER_FIELDS, under the names of this version."""
        return self.client.orders.create(*self.fitted("sale.order", ORDER_FIELDS, rows))

    def load_moves(self, rows: Rows) -> Loaded:
        """Rows of MOVE_FIELDS; what this version cannot load is written on the drafts, as the pipeline does."""
        loaded = self.client.invoices.create(*self.fitted("account.move", MOVE_FIELDS, rows))
        records: dict[str, list[list[str]]] = {}
        for row in rows:
            records.setdefault(row[0] or next(reversed(records)), []).append(row)
        found = self.client.documents.by_ids("invoice", list(loaded.ids.values())).rows
        found += self.client.documents.by_ids("credit_memo", list(loaded.ids.values())).rows
        drafts = {row["id"] for row in found if row["state"] == "draft"}
        asked = {
            id: Draft(Table("account.move", MOVE_FIELDS, tuple(map(tuple, records[name]))))
            for name, id in loaded.ids.items()
            if id in drafts
        }
        if not self.client.rpc.has_field("account.move.line", "extra_tax_data"):
            complete(self.client, asked)
        return loaded

    def load_payments(self, rows: Rows) -> Loaded:
        """Rows of PAYMENT_FIELDS, under the names of this version."""
        return self.client.payments.create(*self.fitted("account.payment", PAYMENT_FIELDS, rows))

    def update_payments(self, rows: Rows) -> None:
        """Write the same rows once more, over what is there."""
        fitted = self.fitted("account.payment", PAYMENT_FIELDS, rows)
        self.client.bulk_load.load("account.payment", *fitted, create_or_ignore=False)

    def fitted(self, model: str, fields: tuple[str, ...], rows: Rows) -> tuple[list[str], Rows]:
        """Fields and rows as this version takes them."""
        table = fit(self.client, Table(model, fields, tuple(map(tuple, rows))))
        return list(table.fields), list(map(list, table.rows))

    def order_rows(self, number: int, lines: tuple[Line, ...] = LINES, currency: str = "USD") -> list[list[str]]:
        head = [
            f"{MODULE}.order_{number}", f"{MODULE}.partner_1", f"{number:09d}", f"{number:09d}", "2026-11-20 10:00:00",
            str(self.pricelists[currency]),
        ]  # fmt: skip
        rows = []
        for index, line in enumerate(lines):
            taxed = line.sku != "SHIPPING"
            rows.append([
                *(head if not index else [""] * len(head)), f"{MODULE}.oi_{number}_{index}", str(self.products[line.sku]),
                line.sku, line.quantity, line.price, line.discount, str(self.tax) if taxed else "",
                self.forced(line, currency) if taxed else "", "" if taxed else "1",
            ])  # fmt: skip
        return rows

    def move_rows(
        self,
        number: int,
        order: int,
        lines: tuple[Line, ...] = LINES,
        *,
        kind: str = "out_invoice",
        reversed_entry: str = "",
        day: str = "2026-11-20",
        currency: str = "USD",
        rate: str = "1",
    ) -> list[list[str]]:
        refund = kind == "out_refund"
        head = [
            f"{MODULE}.{'cm' if refund else 'inv'}_{number}", kind, f"{MODULE}.partner_1", f"{number:09d}",
            f"{order:09d}", day, str(self.currencies[currency]), rate, reversed_entry,
        ]  # fmt: skip
        rows = []
        for index, line in enumerate(lines):
            taxed = line.sku in ("SKU-A", "SKU-B", "VIRT")
            rows.append([
                *(head if not index else [""] * len(head)), f"{head[0]}_l{index}", str(self.products[line.sku]), line.sku,
                line.quantity, line.price, line.discount, str(self.tax) if taxed else "",
                self.forced(line, currency) if taxed else "", "" if refund else f"{MODULE}.oi_{order}_{index}",
            ])  # fmt: skip
        return rows

    def payment_rows(self, move: int, number: int, amount: str, *, inbound: bool = True) -> list[list[str]]:
        journal = next(row for row in self.client.master_data.journals() if row["code"] == "CARD")
        direction = "inbound" if inbound else "outbound"
        line = next(row for row in journal["method_lines"] if row["payment_type"] == direction)
        return [[
            f"{MODULE}.pay_{direction}_{number}", direction, "customer", f"{MODULE}.partner_1", amount,
            str(self.currencies["USD"]), "2026-11-20", str(journal["id"]), str(line["id"]), f"order {number}", str(move),
        ]]  # fmt: skip

    def forced(self, line: Line, currency: str) -> str:
        """extra_tax_data: Magento's base and tax instead of Odoo's (docs/facts/pair.md#2.1)."""
        rate = Decimal(1) if currency == "USD" else Decimal("0.92")
        base = (Decimal(line.untaxed) / rate).quantize(Decimal("0.01"))
        tax = (Decimal(line.tax) / rate).quantize(Decimal("0.01"))
        amounts = {"base_amount_currency": Decimal(line.untaxed), "tax_amount_currency": Decimal(line.tax),
                   "base_amount": base, "tax_amount": tax}  # fmt: skip
        data: dict[str, Any] = {
            "currency_id": self.currencies[currency], "price_unit": Decimal(line.price), "discount": Decimal(line.discount),
            "quantity": Decimal(line.quantity), "rate": rate, "manual_total_excluded_currency": Decimal(line.untaxed),
            "manual_total_excluded": base, "manual_tax_amounts": {str(self.tax): amounts},
        }  # fmt: skip
        return dump_json(data)

    def confirmed_order(self, number: int, lines: tuple[Line, ...] = LINES) -> int:
        """The id of a confirmed order."""
        self.load_partner()
        loaded = self.load_orders(self.order_rows(number, lines))
        (order,) = loaded.ids.values()
        assert self.client.orders.confirm([order]).ids == [order]
        return order

    def posted_invoice(self, number: int, order: int, lines: tuple[Line, ...] = LINES, **options: str) -> int:
        """The id of a posted invoice of an order."""
        loaded = self.load_moves(self.move_rows(number, order, lines, **options))
        (move,) = loaded.ids.values()
        assert self.client.invoices.post([move]).ids == [move]
        return move

    def shipped(self, order: int, quantities: dict[str, str], *, key: str = "", tracking: str = "") -> int:
        """The id of a done picking that shipped these quantities by SKU."""
        (picking,) = self.client.deliveries.open_transfers([order])
        moves = {move["product_id"]["default_code"]: move["id"] for move in picking["move_ids"]}
        self.client.deliveries.set_quantities({moves[sku]: Decimal(quantities.get(sku, "0")) for sku in moves})
        self.client.deliveries.set_tracking({picking["id"]: Delivery(tracking, key)})
        assert self.client.deliveries.validate([picking["id"]]).ids == [picking["id"]]
        return int(picking["id"])
