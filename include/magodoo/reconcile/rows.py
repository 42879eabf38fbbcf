"""Single documents and lines of the frames, as typed rows: for the few that are named in findings and plans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd


class Document(NamedTuple):
    """A document of frames.Frames; `at` is its position there. Amounts and quantities in units, ids 0 and words "" where unknown."""

    at: int
    side: str
    kind: str
    source_id: int
    order_key: int
    parent_id: int
    edit_of: int
    number: str
    reference: str
    state: str
    status: str
    currency: str
    payment_method: str
    transaction_id: str
    tracking: str
    carrier: str
    source_code: str
    shipping: int
    adjustment: int
    grand_total: int
    base_grand_total: int
    captured_amount: int
    document_date: pd.Timestamp  # NaT where unknown


class Line(NamedTuple):
    """A line of frames.Frames."""

    item_key: int
    sku: str
    quantity: int
    qty_ordered: int
    qty_invoiced: int
    qty_shipped: int
    qty_refunded: int
    qty_canceled: int
    qty_open: int


def documents(frame: pd.DataFrame, positions: npt.NDArray[np.int64]) -> list[Document]:
    """Rows of a documents frame, in the order of the positions."""
    if not len(positions):
        return []
    columns = [frame[name].take(positions).astype(object).tolist() for name in Document._fields[1:]]
    return [Document(*values) for values in zip(positions.tolist(), *columns, strict=True)]


def lines(frame: pd.DataFrame) -> list[Line]:
    """All rows of a lines frame."""
    columns = [frame[name].astype(object).tolist() for name in Line._fields]
    return [Line(*values) for values in zip(*columns, strict=True)]
