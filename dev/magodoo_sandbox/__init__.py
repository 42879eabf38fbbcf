"""Two small servers that behave as a live Magento 2.4.7 and a live Odoo 19 were recorded to behave."""
