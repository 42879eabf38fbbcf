"""The Odoo client: everything that the pipeline reads and writes in Odoo.

    calls (caller) <- trees <- external ids <- units <- settlements <- reads <- master data <- ledger <- loading <- writers <- matching <- OdooClient

Each layer is a module with one subject and can be used by itself.
"""

from __future__ import annotations

from magodoo.connectors.odoo.connection_test import ConnectionReport, examine
from magodoo.connectors.odoo.payment_matching import Matching


class OdooClient(Matching):
    """One company of one Odoo database, as the user of the key. Nothing is sent before the first call."""

    def test_connection(self) -> ConnectionReport:
        """Report what is wrong with the connection, if anything. Failures of `magodoo.errors` are reported, not raised."""
        return examine(self)
