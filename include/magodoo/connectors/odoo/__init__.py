"""Odoo: the client, over JSON-2 and JSON-RPC, and what Odoo sends."""
