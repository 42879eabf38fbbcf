"""The nightly refresh: read open and recently closed orders again, regardless of their timestamps.

A late tracking number changes no timestamp, and a deletion leaves no trace (docs/facts/magento-2.4.7.md#4, docs/facts/odoo-19.0.md#4). Neither does a new
mapping, product or policy: orders with a finding that depends on one are reconciled again.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from more_itertools import chunked

from magodoo.domain.vocabulary import Side
from magodoo.notifications.alerts import queue_key_expiry
from magodoo.pipeline import master_data, order_completion
from magodoo.staging import deletion, runs
from magodoo.staging.work_queue import WorkQueue

if TYPE_CHECKING:
    from magodoo.context import Context

BATCH = 100


def run(context: Context) -> dict[str, int]:
    """Read both sides of every order that is open or was changed within `refresh_days` again, and mark deleted documents.

    Returns counts: orders, documents per side, products, deleted, ripe (due because of their age), unsettled (due because of a finding
    without a change), key_warnings (emails that an API key expires).
    """
    from magodoo.reconcile.repository import Findings

    instance = context.instance
    with runs.recorded(context.engine, instance.id, "refresh", context.dag_run, context.now) as counts:
        with context.engine.connect() as connection:
            keys = WorkQueue(connection, instance.id).may_change(context.now() - timedelta(days=instance.refresh_days))
            before = deletion.count(connection, instance.id)
        read: Counter[str] = Counter(orders=len(keys))
        for part in chunked(keys, BATCH):
            for side in Side:
                context.go_on()
                read[side.value] += order_completion.read(context, side, part)
        read["products"] = master_data.refresh_products(context)
        with context.engine.begin() as connection:
            queue = WorkQueue(connection, instance.id)
            today = context.now().astimezone(instance.zone).date()
            read["ripe"] = queue.bump_aged(today - timedelta(days=instance.refund_return_days))
            unsettled = Findings(connection, instance.id).unsettled()
            queue.bump(unsettled)
            read["unsettled"] = len(unsettled)
        with context.engine.connect() as connection:
            read["deleted"] = deletion.count(connection, instance.id) - before
        expires = context.odoo.installation.key_expiry()
        with context.engine.begin() as connection:
            queued = queue_key_expiry(connection, instance, context.settings.ui_url, expires, context.now())
            read["key_warnings"] = queued
        counts.update(read)
    return dict(counts)
