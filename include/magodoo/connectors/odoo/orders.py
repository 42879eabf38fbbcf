"""Customers and sales orders in Odoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from magodoo.connectors.odoo.bulk_load import BulkLoad, Loaded, Table
from magodoo.connectors.odoo.document_steps import Done, advance
from magodoo.connectors.odoo.documents import stamp
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.domain.states import CONFIRMED_IN_ODOO, QUOTATION, OdooOrderState


class Customers:
    """Creates the partners that orders and invoices name."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._bulk_load = rpc, BulkLoad(rpc)

    def create(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the customers that do not exist yet. See `BulkLoad.create`."""
        return self._bulk_load.create("res.partner", fields, rows)

    def credit_left(self, partners: Sequence[int]) -> dict[int, tuple[int, Decimal]]:
        """Return (commercial partner, credit left) by partner, for those with a limit; in company currency, negative beyond it.

        Empty where the company uses no credit limits. Open receivables and the uninvoiced part of confirmed orders are deducted.
        """
        if not partners or not self._rpc.has_field("res.company", "account_use_credit_limit"):
            return {}
        (company,) = self._rpc.listed("res.company", ["account_use_credit_limit"], [["id", "=", self._rpc.company_id]])
        if not company["account_use_credit_limit"]:
            return {}
        heads = self._rpc.read("res.partner", sorted(set(partners)), ["commercial_partner_id"])
        head_of = {row["id"]: row["commercial_partner_id"][0] for row in heads}
        names = ["credit", "credit_limit"]
        names += ["credit_to_invoice"] if self._rpc.has_field("res.partner", "credit_to_invoice") else []
        rows = self._rpc.read("res.partner", sorted(set(head_of.values())), names)
        left = {
            row["id"]: Decimal(row["credit_limit"]) - row["credit"] - row.get("credit_to_invoice", 0)
            for row in rows
            if row["credit_limit"]
        }
        return {partner: (head, left[head]) for partner, head in head_of.items() if head in left}


class Orders:
    """Writes sales orders."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._bulk_load = rpc, BulkLoad(rpc)

    def create(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the sales orders that do not exist yet. See `BulkLoad.create`."""
        return self._bulk_load.create("sale.order", fields, rows)

    def rewrite(self, fields: Sequence[str], rows: Table) -> None:
        """Write the lines of drafts of ours again. See `BulkLoad.update`."""
        self._bulk_load.update("sale.order", fields, rows)

    def confirm(self, ids: Sequence[int]) -> Done:
        """Confirm orders. Odoo sets date_order to now; `set_dates` restores it."""
        return advance(self._rpc, "sale.order", "action_confirm", ids, pending=QUOTATION, wanted=CONFIRMED_IN_ODOO)

    def cancel(self, ids: Sequence[int]) -> Done:
        """Cancel orders. Deliveries that are done stay; the others are cancelled."""
        context = {"disable_cancel_warning": True}
        return advance(
            self._rpc,
            "sale.order",
            "action_cancel",
            ids,
            pending=(*QUOTATION, OdooOrderState.SALE),
            wanted=(OdooOrderState.CANCEL,),
            context=context,
        )

    def set_dates(self, dates: Mapping[int, datetime]) -> None:
        """Set the dates (UTC) of orders, by id. The currency rate of an order depends on its date."""
        rows = [(str(id), stamp(moment)) for id, moment in dates.items()]
        self._bulk_load.update("sale.order", (".id", "date_order"), rows)
