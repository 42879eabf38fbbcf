"""How long reconciling takes: a million canonical documents of both sides, headers alone and with lines, findings and plans.

    python bench/reconcile.py [--documents 1000000] [--lines 3] [--unreferenced]

Prints seconds per step, the peak of memory, and the time of a plain outer merge of the same two header tables as the yardstick
(datacompy's pandas comparison, when it is installed, is measured beside it).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from magodoo.reconcile import compare, match, orders, planning, quantities
from magodoo.reconcile.frames import Frames, canonical
from magodoo.reconcile.situation import Situation
from magodoo.reconcile.view import View
from magodoo.settings.model import Instance

NOW = datetime(2026, 11, 22, tzinfo=UTC)
# Documents per order, so that 1,000,000 documents are those of 200,000 orders: order, invoice, and part of them shipped and refunded.
SHARES = {"order": 1.0, "invoice": 0.9, "shipment": 0.45, "credit_memo": 0.15}
DIFFERING, MISSING = 0.02, 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=3)
    parser.add_argument("--unreferenced", action="store_true", help="Odoo's documents carry no reference of ours")
    chosen = parser.parse_args()
    documents = headers(chosen.documents, chosen.unreferenced)
    print(f"{len(documents):,} documents of {int((documents['kind'] == 'order').sum() / 2):,} orders")
    yardstick(documents)
    measure("headers alone", documents, None)
    if chosen.lines:
        measure(f"with {chosen.lines} lines each", documents, lines(documents, chosen.lines))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def headers(documents: int, unreferenced: bool) -> pd.DataFrame:
    """Both sides' documents; DIFFERING of the Odoo amounts differ, MISSING are missing on either side."""
    chance = np.random.default_rng(1)
    number = int(documents / 2 / sum(SHARES.values()))
    amounts = chance.integers(1_000, 25_000, number) * 100
    parts = []
    for kind, share in SHARES.items():
        order = np.arange(1, int(number * share) + 1)
        source_id = order if kind == "order" else order + 7
        amount = amounts[: len(order)] * {"shipment": 0, "credit_memo": 1}.get(kind, 2)
        words = {"invoice": "inv", "credit_memo": "cm", "shipment": "ship", "order": "order"}[kind]
        prefix = f"{'' if kind == 'shipment' else 'magodoo.'}{words}_us_"
        referenced = not unreferenced or kind == "order"
        reference = np.array([f"{prefix}{each}" for each in source_id], dtype=object) if referenced else ""
        parts.append(_side("magento", kind, source_id, order, amount, ""))
        drift = np.where(chance.random(len(order)) < DIFFERING, 100, 0) * (amount > 0)
        parts.append(_side("odoo", kind, source_id + 1_000, order, amount + drift, reference))
    both = pd.concat(parts, ignore_index=True)
    kept = (chance.random(len(both)) >= MISSING) | (both["kind"] == "order")
    return both[kept].reset_index(drop=True).astype({name: "category" for name in ("side", "kind", "state", "status")})


def _side(
    side: str, kind: str, ids: np.ndarray, order: np.ndarray, amount: np.ndarray, reference: object
) -> pd.DataFrame:
    states = {"order": ("processing", "sale"), "shipment": ("", "done")}.get(kind, ("2", "posted"))
    return pd.DataFrame(
        {
            "side": side,
            "kind": kind,
            "source_id": ids,
            "order_key": order,
            "number": np.array([f"{side[0]}{each:09}" for each in ids], dtype=object),
            "reference": reference,
            "state": states[side == "odoo"],
            "status": "paid" if side == "odoo" else "",
            "currency": pd.Categorical.from_codes(np.zeros(len(ids), np.int8), ["USD"]),
            "grand_total": amount,
            "base_grand_total": amount,
            "subtotal": amount,
            "untaxed": amount,
            "quantity": 60_000,
            "created_at": pd.Timestamp("2026-11-10", tz="UTC"),
            "document_date": pd.Timestamp("2026-11-10"),
        }
    )


def lines(documents: pd.DataFrame, each: int) -> pd.DataFrame:
    """The same items on every document of an order."""
    position = np.repeat(np.arange(len(documents)), each)
    turn = np.tile(np.arange(each), len(documents))
    order = documents["order_key"].to_numpy()[position]
    amount = documents["grand_total"].to_numpy()[position] // each
    return pd.DataFrame(
        {
            "document": position,
            "item_key": order * 10 + turn,
            "quantity": 20_000,
            "qty_ordered": 20_000,
            "gross": amount,
            "untaxed": amount,
            "sku": pd.Categorical.from_codes((turn % 100).astype(np.int8), [f"SKU{number}" for number in range(100)]),
        }
    )


def measure(title: str, documents: pd.DataFrame, rows: pd.DataFrame | None) -> None:
    instance = Instance(id="us", magento_connection="m", odoo_connection="o")
    print(f"\n{title}")
    with timed("frames"):
        frames: Frames = canonical(documents, rows)
    began = time.process_time()
    with timed("quantities"):
        view = View(frames, instance, NOW)
        counted = quantities.count(view)
    with timed("match"):
        matching = match.match(view, counted)
    with timed("compare"):
        situation = Situation(view, counted, matching, compare.compare(view, matching, counted))
    print(f"  {'match and compare':20} {time.process_time() - began:6.2f} s")
    with timed("findings"):
        found = orders.find(situation)
    with timed("plan"):
        found, changes = planning.plan(situation, found)
    print(f"  {'all':20} {time.process_time() - began:6.2f} s, {len(found):,} findings, {len(changes):,} changes")


def yardstick(documents: pd.DataFrame) -> None:
    """What others need for the same two header tables."""
    sides = [documents[documents["side"] == side].copy() for side in ("magento", "odoo")]
    sides[1]["source_id"] -= 1_000
    columns = ["kind", "source_id", "order_key", "currency", "subtotal", "untaxed", "quantity", "grand_total"]
    left, right = (side[columns].astype({"kind": str, "currency": str}) for side in sides)
    with timed("yardstick: merge"):
        joined = left.merge(right, on=["kind", "source_id"], how="outer", suffixes=("", "_odoo"), indicator=True)
        _ = int((joined["grand_total"] != joined["grand_total_odoo"]).sum())
    try:
        import datacompy
    except ImportError:
        print("  datacompy is not installed")
        return
    with timed("datacompy"):
        compared = datacompy.PandasCompare(left, right, join_columns=["kind", "source_id"])
        compared.matches()


@contextmanager
def timed(title: str) -> Iterator[None]:
    began = time.process_time()
    yield
    print(f"  {title:20} {time.process_time() - began:6.2f} s")


if __name__ == "__main__":
    main()
