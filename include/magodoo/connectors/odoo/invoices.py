"""Invoices and credit notes in Odoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from magodoo.connectors.odoo.bulk_load import BulkLoad, Loaded, Table
from magodoo.connectors.odoo.document_steps import Done, advance
from magodoo.connectors.odoo.rpc import Rpc
from magodoo.domain.states import OdooMoveState
from magodoo.errors import FixDocument


class Invoices:
    """Writes invoices and credit notes (docs/facts/pair.md#3)."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._bulk_load = rpc, BulkLoad(rpc)

    def create(self, fields: Sequence[str], rows: Table) -> Loaded:
        """Create the draft invoices and credit notes that do not exist yet. See `BulkLoad.create`."""
        return self._bulk_load.create("account.move", fields, rows)

    def force_taxes(self, move_id: int, taxes: Mapping[int, Decimal]) -> None:
        """Set the tax amounts of a draft, by tax id, in its currency: exact to the cent in versions without `extra_tax_data`.

        They are lost when the document is reset to draft (docs/facts/pair.md#2.1). Raises FixDocument unless each tax has exactly one line.
        """
        domain = [
            *self._rpc.company_domain("account.move.line"),
            ["move_id", "=", move_id],
            ["tax_line_id", "!=", False],
        ]
        lines = self._rpc.search_read("account.move.line", domain, ["tax_line_id", "amount_currency"], order="id")
        if sorted(line["tax_line_id"][0] for line in lines) != sorted(taxes):
            raise FixDocument(
                f"document {move_id} has other tax lines than expected", system="odoo", call="account.move.write"
            )
        move = self._rpc.record("account.move", move_id, ["move_type"])
        sign = 1 if move["move_type"] == "out_refund" else -1
        forced = [[1, line["id"], {"amount_currency": sign * taxes[line["tax_line_id"][0]]}] for line in lines]
        self._rpc.write_call("account.move", "write", ids=[move_id], vals={"line_ids": forced})

    def post(self, ids: Sequence[int]) -> Done:
        """Post invoices and credit notes. A lock date does not refuse them but changes `date`: read it back (docs/facts/pair.md#10)."""
        return advance(
            self._rpc,
            "account.move",
            "action_post",
            ids,
            pending=(OdooMoveState.DRAFT,),
            wanted=(OdooMoveState.POSTED,),
        )

    def set_delivery_dates(self, dates: Mapping[int, str]) -> None:
        """Set the delivery date (ISO) of invoices, drafts and posted ones, by id."""
        self._bulk_load.update("account.move", (".id", "delivery_date"), [(str(id), day) for id, day in dates.items()])
