"""The demo: a seeded Magento and Odoo, the whole chain on a real Airflow, and a comparison of found and planted findings."""
