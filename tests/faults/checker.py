"""Counts what stands in the two systems, and reads nothing else: no ledger, no staging."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from load_lab import Lab

from faults.history import History, sales_of


@dataclass
class Count:
    """What was found wrong, with a line for each."""

    duplicates: int = 0
    lost: int = 0
    wrong_amount: int = 0
    lines: list[str] = field(default_factory=list)

    def of(self, what: str, found: list[Decimal], wanted: list[Decimal]) -> None:
        """Compare amounts (or quantities) as multisets: how many there are first, then how much they say."""
        if len(found) > len(wanted):
            self.duplicates += len(found) - len(wanted)
        elif len(found) < len(wanted):
            self.lost += len(wanted) - len(found)
        elif sorted(found) != sorted(wanted):
            self.wrong_amount += 1
        if sorted(found) != sorted(wanted):
            self.lines.append(f"{what}: {[str(each) for each in found]} instead of {[str(each) for each in wanted]}")


def check(lab: Lab, histories: list[History]) -> Count:
    """All of these orders, in both systems."""
    count = Count()
    for history in histories:
        number = lab.shop.order(history.order)["increment_id"]
        sales = sales_of(lab, history)
        total = _amount(lab.shop.order(history.order)["grand_total"])
        count.of(f"{number} orders", [_amount(sale["amount_total"]) for sale in sales], [total])
        if len(sales) == 1:
            (_led_by_magento if history.leads == "magento" else _led_by_odoo)(lab, history, number, sales[0], count)
    return count


def _led_by_magento(lab: Lab, history: History, number: str, sale: dict[str, Any], count: Count) -> None:
    tables = lab.shop.tables
    for kind, rows, ids in (
        ("out_invoice", tables.invoices, history.invoices),
        ("out_refund", tables.creditmemos, history.memos),
    ):
        domain = [["move_type", "=", kind], ["invoice_origin", "=", number], ["state", "!=", "cancel"]]
        moves = lab.records("account.move", "ref state amount_total payment_state", domain)
        count.of(
            f"{number} {kind}",
            [_amount(move["amount_total"]) for move in moves],
            [_amount(rows[i]["grand_total"]) for i in ids],
        )
        open_ones = [move for move in moves if move["state"] != "posted"]
        unpaid = [move for move in moves if history.payment == "card" and move["payment_state"] != "paid"]
        count.lost += len(open_ones) + len(unpaid)
        count.lines += [
            f"{number} {move['ref']} is {move['state']}, {move['payment_state']}" for move in [*open_ones, *unpaid]
        ]
    paid = [_amount(tables.invoices[i]["grand_total"]) for i in history.invoices] if history.payment == "card" else []
    entries = [payment for i in history.invoices for payment in _payments(lab, i)]
    count.of(f"{number} payments", entries, paid)
    delivered = _delivered(lab, sale["id"])
    wanted = [
        sum((Decimal(item["qty"]) for item in tables.shipments[i]["items"]), Decimal(0)) for i in history.shipments
    ]
    count.of(f"{number} deliveries", delivered, wanted)


def _led_by_odoo(lab: Lab, history: History, number: str, sale: dict[str, Any], count: Count) -> None:
    moves = lab.records("account.move", "amount_total", [["id", "in", sale["invoice_ids"]], ["state", "=", "posted"]])
    invoices = list(lab.shop.tables.invoices.of_order(history.order))
    count.of(
        f"{number} Magento invoices",
        [_amount(row["grand_total"]) for row in invoices],
        [_amount(m["amount_total"]) for m in moves],
    )
    shipped = [
        sum((Decimal(item["qty"]) for item in row["items"]), Decimal(0))
        for row in lab.shop.tables.shipments.of_order(history.order)
    ]
    count.of(f"{number} Magento shipments", shipped, _delivered(lab, sale["id"]))
    count.of(
        f"{number} invoices in Odoo",
        [_amount(m["amount_total"]) for m in moves],
        [_amount(m["amount_total"]) for m in moves[:1]],
    )


def _payments(lab: Lab, invoice: int) -> list[Decimal]:
    """Payments of one Magento invoice, by the reference that a payment of ours carries and by what matched it."""
    number = lab.shop.tables.invoices[invoice]["increment_id"]
    (order,) = {lab.shop.tables.invoices[invoice]["order_id"]}
    domain = [
        ["ref", "=", number],
        ["move_type", "=", "out_invoice"],
        ["invoice_origin", "=", lab.shop.order(order)["increment_id"]],
    ]
    moves = [move["id"] for move in lab.records("account.move", "id", domain)]
    rows = lab.records("account.payment", "amount state invoice_ids", [["state", "not in", ["canceled", "draft"]]])
    return [_amount(row["amount"]) for row in rows if set(row["invoice_ids"]) & set(moves)]


def _delivered(lab: Lab, sale: int) -> list[Decimal]:
    domain = [["sale_id", "=", sale], ["state", "=", "done"], ["picking_type_code", "=", "outgoing"]]
    pickings = [row["id"] for row in lab.records("stock.picking", "id", domain)]
    moves = lab.records("stock.move", "picking_id quantity", [["picking_id", "in", pickings], ["state", "=", "done"]])
    done: Counter[int] = Counter()
    for move in moves:
        done[move["picking_id"][0]] += Decimal(str(move["quantity"]))
    return [Decimal(done[picking]) for picking in pickings]


def _amount(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
