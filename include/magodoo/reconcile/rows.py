"""Return single documents and lines of the frames as typed rows, for the few that findings and plans name."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd


class Document(NamedTuple):
    """A document of dataset.Frames; `at` is its position there.

    Amounts and quantities are in units; ids are 0 and words "" where unknown.
    """

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
    foreign_units: str
    flaw: str
    tendered_by: str
    shipping: int
    adjustment: int
    grand_total: int
    base_grand_total: int
    captured_amount: int
    open_amount: int
    in_payment: int
    written_off: int
    credited_by: str
    einvoice_rejected: str
    settled_by: str
    refunded_to: str
    beside_in: str
    authorisation: str
    tendered: int
    document_date: date | None  # None where unknown


class Line(NamedTuple):
    """A line of dataset.Frames; quantities in units."""

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
    """Return rows of a documents frame, in the order of the positions."""
    if not len(positions):
        return []
    columns = [_values(frame[name].array, positions) for name in Document._fields[1:]]
    return list(map(Document._make, zip(positions.tolist(), *columns, strict=True)))


def _values(column: pd.api.extensions.ExtensionArray, positions: npt.NDArray[np.int64]) -> list[Any]:
    """Return values at some positions as Python objects, days as date.

    Uses numpy, as pandas' own `take` is slow for a few rows.
    """
    if isinstance(column, pd.Categorical):
        words = column.categories.tolist()
        return [words[code] for code in column.codes[positions].tolist()]
    values = column.to_numpy()[positions]
    chosen: list[Any] = (values.astype("datetime64[D]") if values.dtype.kind == "M" else values).tolist()
    return chosen


def lines(frame: pd.DataFrame) -> list[Line]:
    """Return all rows of a lines frame."""
    columns = [frame[name].astype(object).tolist() for name in Line._fields]
    return list(map(Line._make, zip(*columns, strict=True)))
