"""Matching, comparing and planning: canonical frames in, pairs, findings and planned changes out. Knows no server and
no staging.

The story is `orders.reconcile`. `store` owns the tables pair and finding, `catalogue` says what each type of finding
means.
"""
