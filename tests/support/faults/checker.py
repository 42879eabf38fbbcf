"""Counts what is in the two systems, and reads nothing else: no ledger, no staging."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from load_lab import Lab
from shop_and_books import was_refunded_unshipped

from faults.history import History, sales_of


@dataclass
class Count:
    """What was found wrong, with a line for each."""

    duplicates: int = 0
    lost: int = 0
    wrong_amount: int = 0
    unfinished: int = 0
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
        sales = sales_of(lab, history, history.cancelled)
        order = lab.shop.order(history.order)
        total, found = _amount(order["grand_total"]), [_amount(sale["amount_total"]) for sale in sales]
        if was_refunded_unshipped(
            order
        ):  # imported after the refund, it is smaller: how often it is there is what counts
            found = [total if amount < total else amount for amount in found]
        count.of(f"{number} orders", found, [total])
        if history.cancelled:
            count.of(f"{number} cancelled, still open", [Decimal(sale["id"]) for sale in sales_of(lab, history)], [])
        elif len(sales) == 1:
            (_led_by_magento if history.leads == "magento" else _led_by_odoo)(lab, history, number, sales[0], count)
    return count


def _led_by_magento(lab: Lab, history: History, number: str, sale: dict[str, Any], count: Count) -> None:
    tables, card = lab.shop.tables, history.payment == "card"
    for kind, rows, ids in (
        ("out_invoice", tables.invoices, history.invoices),
        ("out_refund", tables.creditmemos, history.memos),
    ):
        domain = [["move_type", "=", kind], ["invoice_origin", "=", number], ["state", "!=", "cancel"]]
        moves = lab.records("account.move", "ref state amount_total payment_state", domain)
        wanted = [_amount(rows[i]["grand_total"]) for i in ids]
        count.of(f"{number} {kind}", [_amount(move["amount_total"]) for move in moves], wanted)
        count.of(f"{number} payments of {kind}", _payments(lab, moves), wanted if card else [])
        unfinished = [move for move in moves if move["state"] != "posted" or (card and move["payment_state"] != "paid")]
        count.unfinished += len(unfinished)
        count.lines += [f"{number} {move['ref']} is {move['state']}, {move['payment_state']}" for move in unfinished]
    shipments = [tables.shipments[i] for i in history.shipments]
    pickings = _pickings(lab, sale["id"], "outgoing")
    count.of(f"{number} deliveries", _moved(lab, pickings), [_pieces(row) for row in shipments])
    count.of(f"{number} returns", _moved(lab, _pickings(lab, sale["id"], "incoming")), history.returned)
    _compare_tracks(number, shipments, pickings, count)


def _led_by_odoo(lab: Lab, history: History, number: str, sale: dict[str, Any], count: Count) -> None:
    tables = lab.shop.tables
    for what, kind, rows, made in (
        ("invoices", "out_invoice", tables.invoices, history.invoices),
        ("credit memos", "out_refund", tables.creditmemos, history.memos),
    ):
        domain = [["id", "in", made], ["state", "=", "posted"]]
        wanted = [_amount(move["amount_total"]) for move in lab.records("account.move", "amount_total", domain)]
        found = [_amount(row["grand_total"]) for row in rows.of_order(history.order)]
        count.of(f"{number} Magento {what}", found, wanted)
        everyones = [["invoice_origin", "=", sale["name"]], ["move_type", "=", kind], ["state", "!=", "cancel"]]
        if kind == "out_invoice":  # a credit note of the wizard's has no origin of its own
            standing = lab.records("account.move", "amount_total", everyones)
            count.of(f"{number} {what} in Odoo", [_amount(move["amount_total"]) for move in standing], wanted)
    shipments = list(tables.shipments.of_order(history.order))
    pickings = _pickings(lab, sale["id"], "outgoing")
    count.of(f"{number} Magento shipments", [_pieces(row) for row in shipments], _moved(lab, pickings))
    _compare_tracks(number, shipments, pickings, count)


def _compare_tracks(number: str, shipments: list[Any], pickings: list[dict[str, Any]], count: Count) -> None:
    """Tracking numbers of the whole order: once each, the same on both sides."""
    magento = sorted(track["track_number"] for row in shipments for track in row["tracks"])
    odoo = sorted(part for row in pickings for part in (row["carrier_tracking_ref"] or "").split(",") if part)
    if magento == odoo and len(set(odoo)) == len(odoo):
        return
    count.lines.append(f"{number} tracking numbers: {magento} in Magento, {odoo} in Odoo")
    count.duplicates += sum(len(numbers) - len(set(numbers)) for numbers in (magento, odoo))
    count.lost += len(set(magento) ^ set(odoo))


def _payments(lab: Lab, moves: list[dict[str, Any]]) -> list[Decimal]:
    """Payments that settle these entries."""
    rows = lab.records("account.payment", "amount invoice_ids", [["state", "not in", ["canceled", "draft"]]])
    ids = {move["id"] for move in moves}
    return [_amount(row["amount"]) for row in rows if set(row["invoice_ids"]) & ids]


def _pickings(lab: Lab, sale: int, direction: str) -> list[dict[str, Any]]:
    domain = [["sale_id", "=", sale], ["state", "=", "done"], ["picking_type_code", "=", direction]]
    return lab.records("stock.picking", "id carrier_tracking_ref", domain)


def _moved(lab: Lab, pickings: list[dict[str, Any]]) -> list[Decimal]:
    """Pieces of each transfer."""
    ids = [row["id"] for row in pickings]
    moves = lab.records("stock.move", "picking_id quantity", [["picking_id", "in", ids], ["state", "=", "done"]])
    done: Counter[int] = Counter()
    for move in moves:
        done[move["picking_id"][0]] += Decimal(str(move["quantity"]))
    return [Decimal(done[picking]) for picking in ids]


def _pieces(shipment: Any) -> Decimal:
    return sum((Decimal(item["qty"]) for item in shipment["items"]), Decimal(0))


def _amount(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
