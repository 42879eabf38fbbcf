"""The clients of the two systems: Magento's REST interface and Odoo's JSON-2 and JSON-RPC."""
