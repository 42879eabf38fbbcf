"""The Odoo client: everything that the pipeline asks of Odoo, under one name."""

from __future__ import annotations

from magodoo.odoo.caller import OdooCaller


class OdooClient(OdooCaller):
    """One company of one Odoo database."""
