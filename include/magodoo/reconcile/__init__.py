"""Match and compare Magento and Odoo documents: canonical frames in, pairs and findings out.

Accesses neither system and not the staging database, except `repository`, which owns the tables pair, finding and
shipment_group, and `explain`. Start at `orders.reconcile`. `catalogue` describes each type of finding.
"""
