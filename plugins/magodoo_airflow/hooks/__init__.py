"""Hooks: the clients of Magento and Odoo from Airflow connections."""
