"""What must be true of an order when the chain has converged, read from the two systems; only the reasons are in our tables.

The pipeline's own matching is not asked. A document that an open finding names is set aside with its reason; what is left must be
equal on both sides, kind by kind, to the cent and to the piece.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks, amount, was_refunded_unshipped

from magodoo.extract.odoo_transfers import picking_of
from magodoo.money import from_units
from magodoo_sandbox.seed.entries import exploded

Row = dict[str, Any]
CENTS = Decimal("0.02")  # a document's tolerance in the settings
MODELS = {"order": "sale.order", "invoice": "account.move", "credit_memo": "account.move", "shipment": "stock.picking"}


class Verdict:
    """Complaints about one order, each beginning with a word for what is wrong."""

    def __init__(self, pair: ShopAndBooks, order: int) -> None:
        self.pair, self.order = pair, order
        self.findings = pair.reported(order)
        self.sales = pair.sales(order)
        self.row = pair.shop.order(order)

    def complaints(self) -> list[str]:
        checks = (
            self._doubled, self._too_much, self._invoices, self._memos, self._shipments, self._orders, self._payments, self._set_to_paid,
            self._open,
        )  # fmt: skip
        return [f"{self.row['increment_id']} {complaint}" for check in checks for complaint in check()]

    # Nothing twice

    def _doubled(self) -> Iterable[str]:
        """What the chain made carries the key or the marker of its source: no source has two, and none is a duplicate."""
        made = Counter(row["x_magento_key"] for row in self.pair.pickings(self.order) if row["x_magento_key"])
        for rows in (self._active_invoices(), self._active_memos(), self.pair.shipments(self.order)):
            made.update(marker for row in rows if (marker := _marker(row)))
        for source, count in made.items():
            if count > 1:
                yield f"doubled: {count} documents of {source}"
        sales = [row for row in self.sales if row["state"] != "cancel"]
        if len(sales) > 1:
            yield f"doubled: {len(sales)} sales orders"
        for row in self.findings:
            if row["type"] == "duplicate" and self._made_by_the_chain(row):
                yield f"doubled: {row['message']}"

    def _made_by_the_chain(self, finding: Row) -> bool:
        if finding["odoo_id"] and not finding["magento_id"]:
            return bool(self._chains_own(MODELS[finding["kind"]], [{"id": int(finding["odoo_id"])}]))
        tables = self.pair.shop.tables
        rows = {"invoice": tables.invoices, "shipment": tables.shipments, "credit_memo": tables.creditmemos}[
            finding["kind"]
        ]
        return bool(_marker(rows[int(finding["magento_id"])]))

    def _too_much(self) -> Iterable[str]:
        """The chain never invoices or delivers more than was ordered, whatever people did before."""
        ordered = sum((amount(sale["amount_total"]) for sale in self.sales if sale["state"] == "sale"), Decimal(0))
        invoiced = sum((amount(move["amount_total"]) for move in self._posted("out_invoice")), Decimal(0))
        by_hand = [
            note
            for note in self._posted("out_refund")
            if note["ref"] not in {row["increment_id"] for row in self._active_memos()}
        ]
        reversed_ = sum((amount(note["amount_total"]) for note in by_hand), Decimal(0))
        if (
            ordered
            and self._chains_own("account.move", self._posted("out_invoice"))
            and invoiced - reversed_ > ordered + CENTS
        ):
            yield f"too much invoiced in Odoo: {invoiced} - {reversed_} of {ordered}"
        wanted = self._pieces_ordered()
        for sku, pieces in self._delivered(returned=True).items():
            if pieces > wanted[sku]:
                yield f"too much delivered in Odoo: {pieces} of {wanted[sku]} {sku}"

    # Equal, or it is said why not

    def _invoices(self) -> Iterable[str]:
        policy = self.pair.instance.invoices.to_odoo
        return self._sums("invoice", self._active_invoices(), self._posted_or_draft("out_invoice", policy))

    def _memos(self) -> Iterable[str]:
        policy = self.pair.instance.credit_memos.to_odoo
        return self._sums("credit_memo", self._active_memos(), self._posted_or_draft("out_refund", policy))

    def _sums(self, kind: str, shop: list[Row], books: list[Row]) -> Iterable[str]:
        here = {str(row["entity_id"]): amount(row["grand_total"]) for row in shop}
        there = {str(row["id"]): amount(row["amount_total"]) for row in books}
        named_here, named_there = self._named(kind)
        named_there |= {str(row["id"]) for row in books if row["name"] in self._candidates(kind)}
        rest_here = {key: value for key, value in here.items() if key not in named_here}
        rest_there = {key: value for key, value in there.items() if key not in named_there}
        if kind == "invoice":
            self._leave_out_corrected(rest_there)
        sums = sum(rest_here.values(), Decimal(0)), sum(rest_there.values(), Decimal(0))
        if abs(sums[0] - sums[1]) > CENTS * max(len(rest_here), len(rest_there), 1) or len(rest_here) != len(
            rest_there
        ):
            yield f"unexplained {kind}: Magento {_shown(here, named_here)}, Odoo {_shown(there, named_there)}"

    def _leave_out_corrected(self, invoices: dict[str, Decimal]) -> None:
        """A `corrected_in_odoo` names the credit note; it says that an invoice of the same total is beside it."""
        for finding in self.findings:
            total = amount(from_units(finding["odoo_amount"] or 0))
            beside = [key for key, value in invoices.items() if value == total]
            if finding["type"] == "corrected_in_odoo" and beside:
                del invoices[beside[-1]]

    def _shipments(self) -> Iterable[str]:
        named_here, named_there = self._named("shipment")
        tied = self._candidates("shipment")
        in_magento, in_odoo = self._compared_in_sum()
        named_here |= {
            str(row["entity_id"]) for row in self.pair.shipments(self.order) if row["increment_id"] in in_magento
        }
        tied |= in_odoo
        named_there |= {
            str(row["id"]) for row in self.pair.rows("stock.picking", [["name", "in", sorted(tied)]], "name")
        }
        here: Counter[str] = Counter()
        for shipment in self.pair.shipments(self.order):
            if str(shipment["entity_id"]) not in named_here:
                here += self._pieces_of(shipment)
        there = self._delivered(without=named_there)
        if +here != +there:
            yield f"unexplained shipment: Magento {dict(here)}, Odoo {dict(there)}"

    def _orders(self) -> Iterable[str]:
        """Cancelled on one side only, another total, or documents without an order: only with a finding about the order."""
        said = [row for row in self.findings if row["kind"] == "order"]
        live = [sale for sale in self.sales if sale["state"] in ("sale", "draft", "sent")]
        cancelled = self.row["state"] == "canceled"
        if cancelled and live and not said:
            yield "unexplained order: cancelled in Magento, it stands in Odoo"
        for sale in live:
            smaller = was_refunded_unshipped(self.row) and amount(sale["amount_total"]) < amount(
                self.row["grand_total"]
            )
            if (
                not cancelled
                and amount(sale["amount_total"]) != amount(self.row["grand_total"])
                and not said
                and not smaller
            ):
                yield f"unexplained order: total {amount(self.row['grand_total'])} in Magento, {amount(sale['amount_total'])} in Odoo"

    def _payments(self) -> Iterable[str]:
        """Nobody pays more than the invoice says, and the chain pays only what a provider captured."""
        for kind in ("out_invoice", "out_refund"):
            for move in self._posted(kind):
                paid = [row for row in self.pair.payments(move) if row["state"] not in ("draft", "canceled")]
                if sum((amount(row["amount"]) for row in paid), Decimal(0)) > amount(move["amount_total"]):
                    yield f"paid too much: {len(paid)} payments of {move['name']}"

    def _set_to_paid(self) -> Iterable[str]:
        """Magento shows what the chain wrote as paid: where that waits for the money, what is open again is said."""
        if self.pair.instance.invoices.to_magento != "when_paid":
            return
        moves = {f"account.move:{move['id']}": move for move in self._posted("out_invoice")}
        _, named = self._named("invoice")
        for row in self._active_invoices():
            move = moves.get(_marker(row))
            if move and move["amount_residual"] and str(move["id"]) not in named:
                yield f"unsaid: {move['name']} is paid in Magento and {move['amount_residual']} of it are open in Odoo"

    def _open(self) -> Iterable[str]:
        """What is not done yet, or was refused, is named by a finding, so that somebody checks."""
        for kind, state, reason in self.pair.unfinished(self.order):
            if state in ("leased", "uncertain", "failed"):
                yield f"stuck: {kind} is {state}: {reason}"
            elif not self.findings:
                yield f"unsaid: {kind} is {state}: {reason}"
        for row in self.findings:
            if row["change_id"] is None and not row["no_change_reason"]:
                yield f"unsaid: {row['type']} without a change or a reason"

    # What is there

    def _active_invoices(self) -> list[Row]:
        return [row for row in self.pair.invoices(self.order) if row["state"] != 3]

    def _active_memos(self) -> list[Row]:
        return [row for row in self.pair.memos(self.order) if row["state"] != 3]

    def _posted_or_draft(self, kind: str, policy: str) -> list[Row]:
        """What is posted; and where the policy makes drafts, the chain's drafts."""
        drafts = [move for move in self.pair.moves(self.order, kind) if move["state"] == "draft" and policy == "draft"]
        return [*self._posted(kind), *self._chains_own("account.move", drafts)]

    def _chains_own(self, model: str, rows: list[Row]) -> list[Row]:
        """Those that carry an external id of the chain."""
        names = self.pair.call(model, "get_external_id", [row["id"] for row in rows]) if rows else {}
        own = {int(record) for record, name in names.items() if str(name).startswith("magodoo.")}
        return [row for row in rows if row["id"] in own]

    def _posted(self, kind: str) -> list[Row]:
        return [move for move in self.pair.moves(self.order, kind) if move["state"] == "posted"]

    def _named(self, kind: str) -> tuple[set[str], set[str]]:
        """Ids on both sides of the documents of a kind that open findings name."""
        said = [
            row
            for row in self.findings
            if row["kind"] == kind
            and row["type"] != "tracking_mismatch"  # says nothing of goods
            and (
                row["severity"] != "info" or row["type"] in ("corrected_in_odoo", "replacement", "reversed_before_push")
            )
        ]
        return {row["magento_id"] for row in said if row["magento_id"]}, {
            row["odoo_id"] for row in said if row["odoo_id"]
        }

    def _candidates(self, kind: str) -> set[str]:
        """Return the numbers of Odoo's documents that open ties name as possible counterparts, or that cancel each other."""
        ties = [row["message"] for row in self.findings if row["kind"] == kind and row["type"] == "ambiguous"]
        ties += [
            row["message"] for row in self.findings if row["type"] == "reversed_before_push"
        ]  # names its credit note
        named = [re.search(r"It could be (.+?)\. [A-Z]", message) for message in ties]
        reversed_ones = [row["message"] for row in self.findings if row["type"] == "reversed_before_push"]
        named += [re.search(r"Reversed by (.+?) before", message) for message in reversed_ones]
        return {number for found in named if found for number in found[1].split(", ")}

    def _compared_in_sum(self) -> tuple[set[str], set[str]]:
        """Return the numbers on both sides of the shipments that differ in sum: the finding names all of them in its words."""
        messages = [row["message"] for row in self.findings if row["type"] == "quantity_mismatch"]
        found = [
            re.search(r"\. (\S.*?) in Magento and (\S.*?) in Odoo hold the same articles", each) for each in messages
        ]
        sides: tuple[set[str], set[str]] = (set(), set())
        for match in filter(None, found):
            for side, numbers in zip(sides, match.groups(), strict=True):
                side.update(numbers.rpartition(". ")[2].split(", "))
        return sides

    def _pieces_ordered(self) -> Counter[str]:
        return Counter(
            {item["sku"]: Decimal(str(item["qty_ordered"])) for item in self.pair.desk.money_items(self.order)}
        )

    def _pieces_of(self, shipment: Row) -> Counter[str]:
        """Pieces by SKU as Odoo counts them: a dynamic bundle is its children."""
        items = {item["item_id"]: item for item in self.row["items"]}
        wanted = {
            int(line["order_item_id"]): Decimal(str(line["qty"]))
            for line in shipment["items"]
            if Decimal(str(line["qty"]))
        }
        parts = exploded(self.pair.books.shop, self.pair.histories[self.order], wanted)
        pieces: Counter[str] = Counter()
        for item, quantity in parts.items():
            pieces[items[item]["sku"]] += quantity  # type: ignore[assignment]
        return pieces

    def _delivered(self, *, without: Iterable[str] = (), returned: bool = False) -> Counter[str]:
        """Pieces by SKU that the order's own moves brought, in whichever transfer; `without`: documents, each of them a transfer or
        the order's share of one."""
        left_out = {picking_of(int(each)) for each in without}
        lines = [line for sale in self.sales for line in sale["order_line"]]
        customers = {row["id"] for row in self.pair.rows("stock.location", [["usage", "=", "customer"]], "name")}
        domain = [["sale_line_id", "in", lines], ["state", "=", "done"]]
        pieces: Counter[str] = Counter()
        for move in self.pair.rows("stock.move", domain, "product_id quantity picking_id location_dest_id"):
            sku, quantity = self.pair.sku(move["product_id"][0]), Decimal(str(move["quantity"]))
            if move["location_dest_id"][0] not in customers:
                pieces.subtract({sku: quantity} if returned else {})
            elif move["picking_id"][0] not in left_out:
                pieces.update({sku: quantity})
        return pieces


def _marker(document: Row) -> str:
    """The Odoo document that a Magento document says it was written from."""
    for comment in document.get("comments") or []:
        if found := re.search(r"(account\.move|stock\.picking):\d+", comment["comment"] or ""):
            return found[0]
    return ""


def _shown(documents: dict[str, Decimal], named: set[str]) -> str:
    return "[" + ", ".join(f"{total}{' (said)' if key in named else ''}" for key, total in documents.items()) + "]"
