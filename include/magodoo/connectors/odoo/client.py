"""The Odoo client: everything that the pipeline asks of Odoo, under one name.

    calls (caller) <- trees <- external ids <- units <- settlements <- reads <- master data <- ledger <- loading <- writers <- matching <- OdooClient

Each layer is a module with one subject; each is usable by itself.
"""

from __future__ import annotations

from magodoo.connectors.odoo.connection_test import ConnectionReport, examine
from magodoo.connectors.odoo.payment_matching import Matching


class OdooClient(Matching):
    """One company of one Odoo database, as the user of the key; nothing is contacted before the first call."""

    def test_connection(self) -> ConnectionReport:
        """What is wrong with the connection, if anything; never raises for what a person can mend."""
        return examine(self)
