"""magodoo: keeps Magento 2 and Odoo sales documents in agreement. Plain Python; never imports airflow."""

__version__ = "0.1.0"
