"""The Odoo client, over JSON-2 and JSON-RPC, and the records that Odoo returns."""
