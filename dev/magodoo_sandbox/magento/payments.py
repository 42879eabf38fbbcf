"""Money evidence of gateway orders: authorisations, captures, online refunds, and their transactions."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from decimal import Decimal

from magodoo_sandbox.magento.amounts import Row, add, cents, of
from magodoo_sandbox.magento.order_rules import set_state
from magodoo_sandbox.magento.refusals import bad, no_such_entity
from magodoo_sandbox.magento.store import Clock, Tables


class Payments(ABC):
    """Gateway operations. A gateway is any payment method that is not one of Magento's offline ones."""

    tables: Tables
    clock: Clock

    @abstractmethod
    def note(self, order: Row, text: str, entity_name: str, notified: int | None = None) -> None: ...

    @abstractmethod
    def in_base_currency(self, order: Row, amount: Decimal) -> str: ...

    @abstractmethod
    def order(self, order_id: int) -> Row: ...

    def new_number(self) -> str:
        """Return the part of a transaction's id that differs from all others."""
        return secrets.token_hex(6)

    def authorize(self, order_id: int, txn_id: str = "") -> str:
        """Reserve the whole amount: nothing is paid, the order is processing. Returns the transaction id."""
        order = self.order(order_id)
        txn_id = txn_id or f"AUTH-{self.new_number()}"
        payment = order["payment"]
        payment |= {"amount_authorized": order["grand_total"], "base_amount_authorized": order["base_grand_total"]}
        payment["last_trans_id"] = txn_id
        set_state(order, "processing")
        order["updated_at"] = self.clock.stamp()
        self._transaction(order, txn_id, "authorization", None, closed=False)
        amount = self.in_base_currency(order, of(order, "base_grand_total"))
        self.note(order, f'Authorized amount of {amount}. Transaction ID: "{txn_id}"', "order")
        return txn_id

    def void_authorisation(self, order_id: int) -> str:
        """Void the provider's authorisation: `amount_authorized` and the state stay as they are (`Payment::_void`).

        Returns the transaction id.
        """
        order = self.order(order_id)
        (hold,) = (row for row in self._transactions(order) if row["txn_type"] == "authorization")
        txn_id = f"{hold['txn_id']}-void"
        hold["is_closed"] = 1
        self._transaction(order, txn_id, "void", hold, closed=False)
        order["payment"]["last_trans_id"] = txn_id
        set_state(order, "processing")
        order["updated_at"] = self.clock.stamp()
        amount = self.in_base_currency(order, of(order, "base_grand_total"))
        self.note(order, f'Voided authorization. Amount: {amount}. Transaction ID: "{txn_id}"', "order")
        return txn_id

    def charge(self, order: Row, invoice: Row, txn_id: str = "") -> str:
        """Capture an invoice with the provider: transaction, transaction_id and last_trans_id. Returns the id."""
        txn_id = txn_id or f"CAP-{self.new_number()}"
        parent = next((row for row in self._transactions(order) if row["txn_type"] == "authorization"), None)
        self._transaction(order, txn_id, "capture", parent, closed=False)
        if parent is not None:
            parent["is_closed"] = 1
        payment = order["payment"]
        payment["last_trans_id"] = txn_id
        add(payment, "base_amount_paid_online", of(invoice, "base_grand_total"))
        invoice["transaction_id"] = txn_id
        amount = self.in_base_currency(order, of(invoice, "base_grand_total"))
        self.note(order, f'Captured amount of {amount} online. Transaction ID: "{txn_id}"', "invoice")
        return txn_id

    def capture(self, invoice_id: int, txn_id: str = "") -> bool:
        """POST /V1/invoices/:id/capture: refused for offline methods, and captures again each time for a gateway."""
        invoice = self._invoice(invoice_id)
        order = self.order(invoice["order_id"])
        if "amount_authorized" not in order["payment"]:
            raise bad("The capture action is not available.")
        self.charge(order, invoice, txn_id)
        invoice["updated_at"] = order["updated_at"] = self.clock.stamp()
        return True

    def void(self, invoice_id: int) -> bool:
        if "amount_authorized" not in self.order(self._invoice(invoice_id)["order_id"])["payment"]:
            raise bad("The void action is not available.")
        return True

    def give_back(self, order: Row, memo: Row, txn_id: str = "") -> str:
        """Return an online refund's evidence: the credit memo's transaction_id and a refund transaction."""
        txn_id = txn_id or f"REF-{self.new_number()}"
        invoice = self.tables.invoices.get(memo.get("invoice_id") or 0) or {}
        captures = [row for row in self._transactions(order) if row["txn_id"] == invoice.get("transaction_id")]
        parent = captures[0] if captures else None
        self._transaction(order, txn_id, "refund", parent, closed=True)
        if parent is not None:
            parent["is_closed"] = 1
        memo["transaction_id"] = order["payment"]["last_trans_id"] = txn_id
        amount = self.in_base_currency(order, cents(of(memo, "base_grand_total")))
        self.note(order, f'We refunded {amount} online. Transaction ID: "{txn_id}"', "creditmemo", 0)
        return txn_id

    def _transactions(self, order: Row) -> list[Row]:
        return [row for row in self.tables.transactions if row["order_id"] == order["entity_id"]]

    def _transaction(self, order: Row, txn_id: str, kind: str, parent: Row | None, *, closed: bool) -> None:
        row: Row = {"transaction_id": self.tables.next_id("transactions")}
        if parent is not None:
            row["parent_id"] = parent["transaction_id"]
        row |= {"order_id": order["entity_id"], "payment_id": order["payment"]["entity_id"], "txn_id": txn_id}
        row |= {"parent_txn_id": parent["txn_id"] if parent else None, "txn_type": kind, "is_closed": int(closed)}
        row |= {"additional_information": [], "created_at": self.clock.stamp(), "child_transactions": []}
        self.tables.transactions.append(row)

    def _invoice(self, invoice_id: int) -> Row:
        row = self.tables.invoices.get(invoice_id)
        if row is None:
            raise no_such_entity()
        return row
