"""Part of `load`: Magento invoices written through the ledger, beside the bare POSTs of the same requests.

The sandbox answers as slowly as a Magento 2.4.7 on two cores did: 127 ms for an invoice, 240 ms for a list of 25 orders with their
items, 60 ms for one of 25 invoices; without that the time would be the sandbox's own.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from bench.clock import Took
from bench.contest import CHECKOUT
from bench.waiting import waited

sys.path.insert(0, str(CHECKOUT / "tests" / "support"))
LATENCY = (("POST", r"/invoice$", 0.127), ("GET", r"/orders$", 0.24), ("GET", r"/invoices$", 0.06))


def ours(staging: str, orders: int) -> Took:
    """`pipeline.load` of so many Magento invoices of orders that Odoo invoiced; the bare POSTs to a copy of its data for comparison."""
    import requests
    from shop_and_books import shop_and_books

    from magodoo.domain.vocabulary import Side
    from magodoo.pipeline import load
    from magodoo_sandbox.magento import RunningSandbox

    os.environ.setdefault("TQDM_DISABLE", "1")
    took, sent = Took(), []
    send = requests.Session.send

    def noted(session: Any, request: Any, **options: Any) -> Any:
        if request.method == "POST" and request.url.endswith("/invoice"):
            sent.append((request.url, request.body))
        return send(session, request, **options)

    with (
        tempfile.TemporaryDirectory() as docs,
        shop_and_books(staging, Path(docs), invoices={"to_magento": "when_posted"}) as pair,
    ):
        for _ in range(orders):
            order = pair.order()
            pair.at(0)
            pair.enter_order(order)
            pair.bill(order)
        pair.look()
        pair.release()
        before = pair.shop.copy()
        _slow(pair.magento.faults)
        with mock.patch.object(requests.Session, "send", noted), waited() as spent, took.watch():
            counts = load.run(pair.context(), targets=[Side.MAGENTO])
        bare = Took()
        with RunningSandbox(before) as copy, requests.Session() as session:
            _slow(copy.faults)
            session.headers.update({"Authorization": f"Bearer {copy.token}", "Content-Type": "application/json"})
            with bare.watch():
                for url, body in sent:
                    session.post(url.replace(pair.magento.url, copy.url), body, timeout=60).raise_for_status()
            written = [
                sorted(row["grand_total"] for row in shop.tables.invoices.values()) for shop in (pair.shop, copy.shop)
            ]
    assert written[0] == written[1] and len(written[0]) == orders == len(sent), f"{counts}: {written}"
    took.result, took.more = {"invoices": orders}, {"bare_seconds": bare.seconds, "waited": spent}
    return took


def _slow(faults: Any) -> None:
    for method, path, seconds in LATENCY:
        faults.add("latency", method=method, path=path, seconds=seconds)
