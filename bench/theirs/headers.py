"""Two header tables compared by datacompy, and merged by pandas: the least work that finds what differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from bench.clock import Took

KEYS = ["kind", "source_id"]
COMPARED = ["order_key", "currency", "subtotal", "untaxed", "quantity", "grand_total"]


def datacompy(folder: str) -> Took:
    """`datacompy.PandasCompare` on the documents' ids."""
    from datacompy import PandasCompare

    left, right = _read(folder)
    took = Took()
    with took.watch():
        compared = PandasCompare(left, right, join_columns=KEYS)
        compared.matches()
    both = compared.intersect_rows
    equal = both[[f"{name}_match" for name in COMPARED]].all(axis=1)
    took.result = _verdict(len(both), both[~equal], compared.df1_unq_rows, compared.df2_unq_rows)
    return took


def merge(folder: str) -> Took:
    """Return the least work: one outer merge, every column compared."""
    left, right = _read(folder)
    took = Took()
    with took.watch():
        joined = left.merge(right, on=KEYS, how="outer", suffixes=("", "_odoo"), indicator=True)
        both = joined["_merge"] == "both"
        equal = both.copy()
        for name in COMPARED:
            equal &= joined[name] == joined[f"{name}_odoo"]
    alone = {side: joined[joined["_merge"] == f"{side}_only"] for side in ("left", "right")}
    took.result = _verdict(int(both.sum()), joined[both & ~equal], alone["left"], alone["right"])
    return took


def _read(folder: str) -> list[pd.DataFrame]:
    return [
        pd.read_csv(Path(folder) / f"{side}.csv", dtype={"kind": "str", "currency": "str"})
        for side in ("magento", "odoo")
    ]


def _verdict(both: int, *groups: pd.DataFrame) -> dict[str, Any]:
    """As `bench.reconcile.verdict` returns it."""
    names = [sorted(_names(group)) for group in groups]
    digest = hashlib.sha256(repr(names).encode()).hexdigest()[:16]
    counts = dict(zip(("differing", "only_magento", "only_odoo"), map(len, names), strict=True))
    return {"both": both, **counts, "which": digest}


def _names(rows: pd.DataFrame) -> Iterable[str]:
    return [f"{kind} {each}" for kind, each in zip(rows["kind"], rows["source_id"], strict=True)]
