"""What can be done to an order: invoice, ship, track, refund, cancel, hold, comment, authorise, capture."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from magodoo_sandbox.magento import catalog, documents
from magodoo_sandbox.magento import order_rules as rules
from magodoo_sandbox.magento.amounts import Row, cents, dec, of, stored
from magodoo_sandbox.magento.documents import Comment
from magodoo_sandbox.magento.invoicing import book_invoice, check_invoice, draft_invoice
from magodoo_sandbox.magento.payments import Payments
from magodoo_sandbox.magento.pricing import TaxSettings
from magodoo_sandbox.magento.refunding import (
    RefundArguments,
    RefundDraft,
    book_refund,
    check_refund,
    draft_invoice_refund,
    draft_refund,
)
from magodoo_sandbox.magento.refusals import bad, document_errors, no_such_entity
from magodoo_sandbox.magento.shipping import book_shipment, check_shipment, draft_shipment, take_from_source

Quantities = Mapping[int | None, Any] | None
"""Order item id to quantity; None or empty is everything left."""

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


class Changes(Payments):
    """The operations; `MagentoShop` adds the catalogue, orders and state."""

    def order(self, order_id: int) -> Row:
        return _found(self.tables.orders.get(order_id))

    @abstractmethod
    def tax_of(self, store: Row) -> TaxSettings: ...

    @abstractmethod
    def is_gateway(self, order: Row) -> bool: ...

    def invoice(
        self, order_id: int, items: Quantities = None, *, comment: Comment | str | None = None, capture: bool = True
    ) -> int:
        """Invoice the quantities and return the invoice id. The invoice is always marked paid (docs/facts/magento-2.4.7.md#5)."""
        order = self.order(order_id)
        draft = draft_invoice(order, _wanted(items), list(self.tables.invoices.of_order(order_id)))
        check_invoice(draft)
        stamp = self.clock.stamp()
        book_invoice(draft)
        self._settle(order, rules.resolve_state(order, self._has_memos(order), in_progress=True))
        row = documents.invoice_row(self.tables, draft, stamp, _comment(comment))
        self.tables.invoices[row["entity_id"]] = row
        order["updated_at"] = stamp
        for item in order["items"]:
            item["updated_at"] = stamp
        if capture and self.is_gateway(order):
            self.charge(order, row)
            row.pop("can_void_flag")
        return int(row["entity_id"])

    def ship(
        self,
        order_id: int,
        items: Quantities = None,
        *,
        tracks: Sequence[Row] = (),
        source: str = "default",
        comment: Comment | str | None = None,
        by_clerk: bool = False,
    ) -> int:
        """Ship the quantities, at most the open ones, and return the shipment id. Tracks are dicts.

        `by_clerk`: in the admin, which counts no part of a bundle that ships together as shipped, and lists a bundle whose parts
        ship separately in every parcel.
        """
        order = self.order(order_id)
        draft = draft_shipment(order, _wanted(items), by_clerk=by_clerk)
        check_shipment(draft, list(tracks))
        take_from_source(draft, self.tables.source_items, source)
        stamp = self.clock.stamp()
        before = order.get("state"), order.get("status")
        book_shipment(draft, stamp, by_clerk=by_clerk)
        row = documents.shipment_row(self.tables, draft, stamp, _comment(comment), source)
        row["tracks"] = [documents.track_row(self.tables, row, track, stamp) for track in tracks]
        self.tables.shipments[row["entity_id"]] = row
        if order.get("state") == "new":
            rules.set_state(order, rules.resolve_state(order, self._has_memos(order), in_progress=True))
        rules.settle_state(order, self._has_memos(order))
        if before != (order.get("state"), order.get("status")):
            order["updated_at"] = stamp
        return int(row["entity_id"])

    def add_track(
        self, shipment_id: int, track_number: str, title: str = "", carrier_code: str = "custom", **more: Any
    ) -> Row:
        """Add a track; the shipment's updated_at does not move (docs/facts/magento-2.4.7.md#4). Raises Refusal without a number."""
        shipment = self.tables.shipments.get(shipment_id)
        if shipment is None or not track_number:
            raise bad("Could not save the shipment tracking.")
        track = {"track_number": track_number, "title": title, "carrier_code": carrier_code, **more}
        row = documents.track_row(self.tables, shipment, track, self.clock.stamp())
        shipment["tracks"].append(row)
        return row

    def delete_track(self, track_id: int) -> bool:
        """True also when there was none (docs/facts/magento-2.4.7.md#5.2)."""
        for shipment in self.tables.shipments.values():
            shipment["tracks"] = [track for track in shipment["tracks"] if track["entity_id"] != track_id]
        return True

    def refund(
        self,
        order_id: int,
        items: Quantities = None,
        *,
        shipping: Any = None,
        adjustment_positive: Any = None,
        adjustment_negative: Any = None,
        return_to_stock: Iterable[int] = (),
        comment: Comment | str | None = None,
        notify: bool = False,
    ) -> int:
        """Refund offline and return the credit memo id; it names no invoice (docs/facts/magento-2.4.7.md#5.3).

        Amounts in base currency; `shipping=None` refunds all shipping that is left.
        """
        order = self.order(order_id)
        arguments = _arguments(shipping, adjustment_positive, adjustment_negative, return_to_stock)
        store = catalog.find_store(self.tables, order["store_id"])
        wanted = _wanted(items)
        gross = self.tax_of(store).gross_shipping_refunds
        draft = draft_refund(order, wanted, arguments, gross_shipping=gross)
        check_refund(draft, wanted)
        return self._book(order, draft, _comment(comment), notify=notify)

    def refund_invoice(
        self,
        invoice_id: int,
        items: Quantities = None,
        *,
        shipping: Any = None,
        adjustment_positive: Any = None,
        adjustment_negative: Any = None,
        return_to_stock: Iterable[int] = (),
        online: bool = False,
        comment: Comment | str | None = None,
        notify: bool = False,
    ) -> int:
        """Refund one invoice of a gateway order and return the credit memo id. Not for offline methods (docs/facts/magento-2.4.7.md#5.3)."""
        invoice = _found(self.tables.invoices.get(invoice_id))
        order = self.order(invoice["order_id"])
        if order.get("state") == "closed" or not self.is_gateway(order):
            messages = ["We can't create creditmemo for the invoice."]
            if order.get("state") == "closed":
                messages.insert(0, "A creditmemo can not be created when an order has a status of closed")
            raise document_errors("Creditmemo", messages)
        wanted = _wanted(items)
        arguments = _arguments(shipping, adjustment_positive, adjustment_negative, return_to_stock)
        memos = list(self.tables.creditmemos.of_order(order["entity_id"]))
        refunded = documents.refunded_by_invoice(memos, invoice)
        draft = draft_invoice_refund(order, invoice, wanted, refunded, arguments)
        check_refund(draft, wanted)
        memo = self._book(order, draft, _comment(comment), notify=notify, online=online)
        if online:
            self.give_back(order, self.tables.creditmemos[memo])
        else:
            invoice["base_total_refunded"] = stored(
                of(invoice, "base_total_refunded") + draft.header["base_grand_total"]
            )
            invoice |= {"is_used_for_refund": 1, "updated_at": self.clock.stamp()}
        return memo

    def _book(
        self, order: Row, draft: RefundDraft, comment: Comment | None, *, notify: bool, online: bool = False
    ) -> int:
        stamp = self.clock.stamp()
        book_refund(draft, stamp, online=online)
        self._restock(order, draft)
        row = documents.creditmemo_row(self.tables, draft, stamp, comment)
        self.tables.creditmemos[row["entity_id"]] = row
        state = rules.resolve_state(order, True)
        default = rules.DEFAULT_STATUS[state]
        order["status"] = order["status"] if state == order.get("state") else default
        order["state"] = state
        rules.settle_state(order, True)
        order |= {"customer_note_notify": int(notify), "updated_at": stamp}
        if not online:
            amount = self.in_base_currency(order, cents(draft.header["base_grand_total"]))
            self.note(order, f"We refunded {amount} offline.", "creditmemo", int(notify))
        return int(row["entity_id"])

    def _restock(self, order: Row, draft: RefundDraft) -> None:
        """Returned pieces go to the default source; no document shows it (docs/facts/magento-2.4.7-more.md#3)."""
        for line, item in draft.lines:
            if item["item_id"] in draft.arguments.return_to_stock_items:
                sku = str(item.get("_product_sku", item["sku"]))
                catalog.set_stock(self.tables, sku, catalog.stock_of(self.tables, sku) + line["qty"])

    def cancel(self, order_id: int) -> bool:
        """Cancel what is not invoiced; False when Magento would do nothing (docs/facts/magento-2.4.7.md#5)."""
        order = self.order(order_id)
        if not rules.can_cancel(order):
            return False
        state = "canceled"
        for item in order["items"]:
            if state != "processing" and rules.to_refund(order, item) > 0:
                state = "processing" if rules.stays_open_when_cancelled(order, item) else "complete"
            _cancel_item(order, item)
        for prefix in ("", "base_"):
            _cancel_totals(order, prefix)
        rules.set_state(order, state)
        rules.settle_state(order, self._has_memos(order))
        stamp = self.clock.stamp()
        order["updated_at"] = stamp
        for item in order["items"]:
            item["updated_at"] = stamp
        return True

    def hold(self, order_id: int) -> bool:
        order = self.order(order_id)
        if not rules.can_hold(order):
            raise bad("A hold action is not available.")
        order |= {"hold_before_state": order["state"], "hold_before_status": order["status"]}
        rules.set_state(order, "holded")
        order["updated_at"] = self.clock.stamp()
        return True

    def unhold(self, order_id: int) -> bool:
        order = self.order(order_id)
        if not rules.can_unhold(order):
            raise bad("You cannot remove the hold.")
        order["state"], order["status"] = order.pop("hold_before_state"), order.pop("hold_before_status")
        order["updated_at"] = self.clock.stamp()
        return True

    def comment(
        self, order_id: int, text: str, *, status: str | None = None, visible: bool = False, notified: int | None = 0
    ) -> bool:
        """Add a comment; only the order's current status may come with it (docs/facts/magento-2.4.7-more.md#5). updated_at stays."""
        order = self.order(order_id)
        if status is not None and status != order.get("status"):
            message = (
                'Unable to add comment: The status "%1" is not part of the order\n                 status history.'
            )
            raise bad(message, [status])
        row = documents.history_row(self.tables, order, text, self.clock.stamp(), None, notified)
        order["status_histories"].append(row | {"is_visible_on_front": int(visible)})
        return True

    def comment_document(self, kind: str, parent_id: int, comment: Comment, notified: int = 0) -> Row:
        """Return a comment on an invoice, shipment or credit memo; the document's updated_at stays."""
        document = _found(self.tables.documents(kind).get(parent_id))
        sequence = f"{kind[:-1]}_comments"
        row = documents.comment_row(self.tables, sequence, parent_id, comment, self.clock.stamp(), notified)
        document["comments"].append(row)
        return row

    def note(self, order: Row, text: str, entity_name: str, notified: int | None = None) -> None:
        """Add a line of history that Magento itself writes."""
        row = documents.history_row(self.tables, order, text, self.clock.stamp(), entity_name, notified)
        order["status_histories"].append(row)

    def in_base_currency(self, order: Row, amount: Decimal) -> str:
        code = str(order["base_currency_code"])
        sign = "-" if amount < 0 else ""
        return f"{sign}{_SYMBOLS.get(code, code)}{abs(amount):,.2f}"

    def _has_memos(self, order: Row) -> bool:
        return any(True for _ in self.tables.creditmemos.of_order(order["entity_id"]))

    def _settle(self, order: Row, state: str) -> None:
        rules.set_state(order, state)
        rules.settle_state(order, self._has_memos(order))


def _cancel_item(order: Row, item: Row) -> None:
    qty = rules.to_cancel(order, item)
    item["qty_canceled"] = of(item, "qty_canceled") + qty
    share = qty / of(item, "qty_ordered")
    item["tax_canceled"] = stored(of(item, "tax_canceled") + of(item, "base_tax_amount") * share)
    item["discount_tax_compensation_canceled"] = stored(of(item, "discount_tax_compensation_amount") * share)


def _cancel_totals(order: Row, prefix: str) -> None:
    for canceled, whole, done in (
        ("subtotal_canceled", "subtotal", "subtotal_invoiced"),
        ("tax_canceled", "tax_amount", "tax_invoiced"),
        ("shipping_canceled", "shipping_amount", "shipping_invoiced"),
        ("discount_canceled", "discount_amount", "discount_invoiced"),
        ("total_canceled", "grand_total", "total_paid"),
    ):
        left = abs(of(order, prefix + whole)) - abs(of(order, prefix + done))
        order[prefix + canceled] = stored(left)


def _found(row: Row | None) -> Row:
    if row is None:
        raise no_such_entity()
    return row


def _wanted(items: Quantities) -> dict[int | None, Decimal]:
    return {item_id: dec(qty) for item_id, qty in (items or {}).items()}


def _comment(comment: Comment | str | None) -> Comment | None:
    return Comment(comment) if isinstance(comment, str) else comment


def _arguments(shipping: Any, positive: Any, negative: Any, return_to_stock: Iterable[int]) -> RefundArguments:
    shipping, positive, negative = (None if value is None else dec(value) for value in (shipping, positive, negative))
    return RefundArguments(shipping, positive, negative, tuple(return_to_stock))
