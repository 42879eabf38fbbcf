"""Define what reconciling reads: documents and lines of complete orders, as pandas frames with fixed columns and dtypes.

Amounts and quantities are int64 in units of 1/10000. Ids are int64, 0 where there is none (ids of Magento and Odoo are
positive). Words that repeat are categories. Documents have a RangeIndex: the *position* of a document is its row
number, and a line refers to its document by position. Lines are sorted by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import InvariantError
from magodoo.reconcile import rows
from magodoo.reconcile.rows import Document, Line

SIDES = [side.value for side in Side]
KINDS = [kind.value for kind in Kind]
ROLES = ["item", "shipping", "discount", "adjustment", "other", "again", "exchange", "extra"]

FOREIGN_KEY = "odoo-"  # staging's key of an Odoo document whose order exists nowhere

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Units = npt.NDArray[np.int64]

IDS = ("source_id", "order_key", "parent_id", "edit_of", "customer_group", "store_id")
AMOUNTS = (
    *("subtotal", "shipping", "discount", "adjustment", "tax", "untaxed", "grand_total", "base_grand_total"),
    *(
        "open_amount",
        "captured_amount",
        "in_payment",
        "written_off",
        "cash_rounding",
        "quantity",
        "amount_authorized",
        "amount_paid",
        "tendered",
        "paid_online",
    ),
)
WORDS = ("state", "status", "currency", "payment_method", "carrier", "source_code", "flaw", "tendered_by")
TEXTS = (
    *("number", "reference", "other_references", "transaction_id", "customer_name", "customer_email", "tracking"),
    "foreign_units",
    *("addressed", "written", "since", "noted"),
    "set_aside",
    "deleted_store",
    *("credited_by", "settled_by", "einvoice_rejected", "discounted_tax", "refunded_to"),
    *("beside_in", "authorisation"),
)
SEPARATOR = "\x1e"  # between the texts of a list
FLAGS = {
    "active": True,
    "sound": True,
    "without_order": False,
    "consolidated": False,
    "intercompany": False,
    "was_paid": False,
}
TIMES = ("created_at", "deleted_at")

LINE_IDS = ("item_key", "own_item_id", "parent_item_key")
LINE_AMOUNTS = (
    *("quantity", "untaxed", "tax"),
    *("qty_ordered", "qty_invoiced", "qty_shipped", "qty_refunded", "qty_canceled", "qty_open"),
)
LINE_WORDS = ("sku", "product_type")
LINE_FLAGS = {"is_money": True}


@dataclass(frozen=True)
class Frames:
    """Everything about some orders. `canonical` builds it from the columns of the tables, as SQL returns them.

    Attributes:
        documents: one row per document of either side of these orders, deleted ones included (deleted_at set). Columns:
            side, kind (category); IDS (int64; customer_group -1 where unknown); AMOUNTS (int64); WORDS (category, ""
            where unknown); TEXTS (str, "" where unknown); FLAGS (bool); TIMES (datetime64, UTC); document_date
            (datetime64, local date). See below.
        lines: one row per line. Columns: document (int64 position), role (category), LINE_IDS, LINE_AMOUNTS,
            LINE_WORDS, LINE_FLAGS.
        pairs: kind, order_key, magento_id, odoo_id (int64), rule, ended (bool): the active pairs of these orders and,
            marked as ended, those that lost a document.
        quarantine: open rows: side, kind, source_id, reason, number, order_key and concerns (str, "" where unknown);
            one row for each order that a record belongs to or names.
        master: model, key, odoo_id, active, data.
        unlinked: columns of documents. Odoo documents without order key (candidates for `possible_duplicate`), and
            documents of either side whose order exists nowhere (without_order).

    In documents, order_key is the id of the Magento order, or -n if staging stores an Odoo document under `odoo-n`
    because its order exists nowhere. tracking holds sorted numbers joined by SEPARATOR; other_references, also joined,
    is filled for Odoo invoices and credit memos that carry no reference of ours.

    From `details` come: of Magento orders edit_of, amount_authorized, amount_paid, paid_online and deleted_store (of
    orders without a store); of Odoo invoices and credit memos consolidated, in_payment, written_off, credited_by,
    settled_by, einvoice_rejected, cash_rounding, discounted_tax and was_paid; of Odoo orders intercompany; of Odoo
    documents foreign_units; of Magento documents tendered, tendered_by and refunded_to (`name:units,...`); of all
    without_order, flaw (which of its sums fail) and set_aside (what was left out of it when it was read).
    """

    documents: pd.DataFrame
    lines: pd.DataFrame
    pairs: pd.DataFrame
    quarantine: pd.DataFrame
    master: pd.DataFrame
    unlinked: pd.DataFrame

    @cached_property
    def _index(self) -> pd.Index[Any]:
        documents = self.documents
        codes = _codes(documents["side"], documents["kind"])
        return pd.Index(documents["source_id"].to_numpy() * 16 + codes)

    def locate(self, side: Side, kind: Kind, source_ids: Units) -> Positions:
        """Return the positions of documents by id; -1 where there is none."""
        wanted = np.asarray(source_ids, dtype=np.int64) * 16 + SIDES.index(side) * 8 + KINDS.index(kind)
        return self._index.get_indexer(pd.Index(wanted)).astype(np.int64)

    def rows(self, positions: Iterable[int]) -> list[Document]:
        """Return documents as typed rows, in the order of the positions."""
        return rows.documents(self.documents, np.fromiter(positions, dtype=np.int64))

    @cached_property
    def _line_starts(self) -> Positions:
        return np.searchsorted(self.lines["document"].to_numpy(), np.arange(len(self.documents) + 1))

    def lines_of(self, position: int) -> list[Line]:
        """Return the lines of one document as typed rows."""
        return rows.lines(self.line_rows(position))

    def line_rows(self, position: int) -> pd.DataFrame:
        """Return the rows of `lines` of one document."""
        begin, end = self._line_starts[position], self._line_starts[position + 1]
        return self.lines.iloc[begin:end]

    def only(self, keep: Mask) -> Frames:
        """Return the frames with only the documents that the mask keeps, and their lines."""
        if keep.all():
            return self
        moved = np.cumsum(keep) - 1
        lines = self.lines[keep[self.lines["document"].to_numpy()]].reset_index(drop=True)
        lines["document"] = moved[lines["document"].to_numpy()]
        documents = self.documents[keep].reset_index(drop=True)
        return Frames(documents, lines, self.pairs, self.quarantine, self.master, self.unlinked)


def canonical(
    documents: pd.DataFrame | None = None,
    lines: pd.DataFrame | None = None,
    pairs: pd.DataFrame | None = None,
    quarantine: pd.DataFrame | None = None,
    master: pd.DataFrame | None = None,
    unlinked: pd.DataFrame | None = None,
) -> Frames:
    """Return Frames from rows of the tables; columns have the names of the tables, and a missing one gets its default.

    Raises:
        InvariantError: if a line has no document or a document occurs twice, that is, if the tables were read inconsistently.
    """
    frames = Frames(
        documents=_documents(_or_empty(documents)),
        lines=pd.DataFrame(),
        pairs=_pairs(_or_empty(pairs)),
        quarantine=_texts(
            _or_empty(quarantine), ("side", "kind", "source_id", "reason", "number", "order_key", "concerns")
        ),
        master=_or_empty(master).reindex(columns=["model", "key", "odoo_id", "active", "data"]),
        unlinked=_documents(_or_empty(unlinked)),
    )
    if frames._index.has_duplicates:
        raise InvariantError("a document was read twice", system="staging")
    object.__setattr__(frames, "lines", _lines(_or_empty(lines), frames))
    return frames


def _or_empty(frame: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame() if frame is None else frame


def _codes(side: pd.Series, kind: pd.Series) -> Units:
    return side.cat.codes.to_numpy(np.int64) * 8 + kind.cat.codes.to_numpy(np.int64)


@dataclass
class _Columns:
    """Collects the columns of a frame, each converted to its dtype or filled with its default."""

    source: pd.DataFrame
    made: dict[str, Any] = field(default_factory=dict)

    def integers(self, names: Sequence[str], default: int = 0) -> None:
        for name in names:
            self._make(name, default, partial(_integers, default=default))

    def words(self, names: Sequence[str], categories: list[str] | None = None) -> None:
        for name in names:
            self._make(name, "", partial(_words, categories=categories), categories)

    def texts(self, names: Sequence[str]) -> None:
        for name in names:
            self._make(name, "", _text)

    def flags(self, defaults: dict[str, bool]) -> None:
        for name, default in defaults.items():
            self._make(name, default, partial(_flag, default=default))

    def times(self, names: Sequence[str]) -> None:
        for name in names:
            self._make(name, pd.NaT, partial(pd.to_datetime, utc=True))

    def _make(
        self, name: str, default: Any, convert: Callable[[pd.Series], Any], categories: list[str] | None = None
    ) -> None:
        if name in self.source:
            self.made[name] = convert(self.source[name])
            return
        rows = np.zeros(len(self.source), dtype=np.int8)
        if default == "":
            column = pd.Series(pd.Categorical.from_codes(rows, dtype=pd.CategoricalDtype(categories or [""])))
        elif default is pd.NaT:
            column = pd.to_datetime(pd.Series(pd.NaT, index=self.source.index), utc=True)
        else:
            column = pd.Series(default, index=self.source.index)
        self.made[name] = column

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.made, copy=False)


def _documents(source: pd.DataFrame) -> pd.DataFrame:
    source = _with_details(source.reset_index(drop=True))
    columns = _Columns(source)
    columns.words(("side",), SIDES)
    columns.words(("kind",), KINDS)
    columns.integers([name for name in IDS if name not in ("customer_group", "order_key")])
    columns.made["order_key"] = _order_keys(source)
    columns.integers(("customer_group",), default=-1)
    columns.integers(AMOUNTS)
    columns.words(WORDS)
    columns.texts([name for name in TEXTS if name != "tracking"])
    columns.made["tracking"] = _tracking(source)
    columns.flags(FLAGS)
    columns.times(TIMES)
    dates = source["document_date"] if "document_date" in source else pd.Series(pd.NaT, index=source.index)
    columns.made["document_date"] = pd.to_datetime(dates).astype("datetime64[s]")
    return columns.frame()


def _with_details(source: pd.DataFrame) -> pd.DataFrame:
    """Return the documents with the values of `details` that reconciling needs, as columns (see Frames)."""
    if "details" not in source:
        return source
    source = source.copy(deep=False)
    details = [each if isinstance(each, dict) else {} for each in source.pop("details")]
    payments = [each.get("payment") or {} for each in details]
    settlements = [each.get("settlement") or {} for each in details]
    for name, found in (
        ("edit_of", [each.get("edit_of") for each in details]),
        ("without_order", [bool(each.get("without_order")) for each in details]),
        ("consolidated", [bool(each.get("consolidated")) for each in details]),
        ("intercompany", [bool(each.get("intercompany")) for each in details]),
        ("foreign_units", [each.get("foreign_units") for each in details]),
        ("set_aside", [each.get("set_aside") for each in details]),
        ("deleted_store", [each.get("deleted_store") for each in details]),
        ("beside_in", [each.get("beside_in") for each in details]),
        ("authorisation", [each.get("authorisation") for each in details]),
        ("was_paid", [bool(each.get("was_paid")) for each in details]),
        ("in_payment", [each.get("in_payment") for each in settlements]),
        ("written_off", [each.get("written_off") for each in settlements]),
        ("cash_rounding", [each.get("cash_rounding") for each in details]),
        ("discounted_tax", [each.get("discounted_tax") for each in details]),
        ("credited_by", [each.get("credited_by") for each in settlements]),
        ("einvoice_rejected", [each.get("einvoice_rejected") for each in details]),
        ("settled_by", [each.get("words") for each in settlements]),
        ("flaw", [each.get("flaw") for each in details]),
        ("tendered_by", [",".join(sorted(each.get("tendered") or {})) for each in details]),
        ("tendered", [sum((each.get("tendered") or {}).values()) for each in details]),
        ("refunded_to", [_parts_text(each.get("refunded_to")) for each in details]),
        ("amount_authorized", [each.get("amount_authorized") for each in payments]),
        ("amount_paid", [each.get("amount_paid") for each in payments]),
        ("paid_online", [each.get("base_amount_paid_online") for each in payments]),
    ):
        if name not in source:
            source[name] = found
    return source


def _parts_text(parts: Mapping[str, int] | None) -> str:
    return ",".join(f"{name}:{units}" for name, units in sorted((parts or {}).items()))


def _order_keys(source: pd.DataFrame) -> pd.Series:
    if "order_key" not in source:
        return pd.Series(np.zeros(len(source), dtype=np.int64))
    column = source["order_key"]
    if column.dtype == np.int64:
        return column
    words = column.astype(object).fillna("").astype(str)
    return _integers(words.str.replace(FOREIGN_KEY, "-", regex=False), 0)


def order_key_text(order_key: int) -> str | None:
    """Return the order key as the tables store it; None if it is 0."""
    if order_key < 0:
        return f"{FOREIGN_KEY}{-order_key}"
    return str(order_key) if order_key else None


def _tracking(source: pd.DataFrame) -> pd.Series:
    if "tracking" not in source:
        return pd.Series("", index=source.index, dtype=object)
    given = source["tracking"]
    if _is_text(given):
        return given
    return pd.Series([tracks_text(each) for each in given], index=source.index, dtype=object)


def tracks_text(tracks: Any) -> str:
    """Return tracking numbers in one text, joined by SEPARATOR: trimmed, each once, sorted without regard to case."""
    if isinstance(tracks, str) or not isinstance(tracks, Iterable):
        return ""
    numbers = {str(track).strip() for track in tracks} - {""}
    return SEPARATOR.join(sorted(numbers, key=lambda number: (number.upper(), number)))


def tracks_of(text: str) -> list[str]:
    """Return the tracking numbers of a text made by `tracks_text`."""
    return text.split(SEPARATOR) if text else []


def _lines(source: pd.DataFrame, frames: Frames) -> pd.DataFrame:
    source = source.reset_index(drop=True)
    columns = _Columns(source)
    if "document" in source:
        position = source["document"].to_numpy(np.int64)
    elif source.empty:
        position = np.zeros(0, dtype=np.int64)
    else:
        codes = _codes(_words(source["side"], SIDES), _words(source["kind"], KINDS))
        keys = _integers(source["source_id"], 0).to_numpy() * 16 + codes
        position = frames._index.get_indexer(pd.Index(keys)).astype(np.int64)
        if (position < 0).any():
            raise InvariantError(f"{int((position < 0).sum())} lines without their document", system="staging")
    columns.made["document"] = pd.Series(position)
    columns.words(("role",), ROLES)
    columns.integers(LINE_IDS)
    columns.integers(LINE_AMOUNTS)
    columns.words(LINE_WORDS)
    columns.flags(LINE_FLAGS)
    lines = columns.frame()
    in_order = bool((np.diff(position) >= 0).all())
    return lines if in_order else lines.iloc[np.argsort(position, kind="stable")].reset_index(drop=True)


def _pairs(source: pd.DataFrame) -> pd.DataFrame:
    columns = _Columns(source.reset_index(drop=True))
    columns.words(("kind",), KINDS)
    columns.integers(("order_key", "magento_id", "odoo_id"))
    columns.texts(("rule",))
    if "ended_at" in source and "ended" not in source:
        columns.made["ended"] = source["ended_at"].notna().reset_index(drop=True)
    else:
        columns.flags({"ended": False})
    return columns.frame()


def _texts(source: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    columns = _Columns(source.reset_index(drop=True))
    columns.texts(names)
    return columns.frame()


def _integers(column: pd.Series, default: int) -> pd.Series:
    if column.dtype == np.int64:
        return column
    return pd.to_numeric(column, errors="coerce").fillna(default).astype(np.int64)


def _is_text(column: pd.Series) -> bool:
    return column.dtype == object and pd.api.types.infer_dtype(column, skipna=False) in ("string", "empty")


def _text(column: pd.Series) -> pd.Series:
    return column if _is_text(column) else column.fillna("").astype(str).astype(object)


def _flag(column: pd.Series, default: bool) -> pd.Series:
    return column.fillna(default).astype(bool)


def _words(column: pd.Series, categories: list[str] | None) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype) and not column.hasnans:
        if categories is None or list(column.cat.categories) == categories:
            return column
        return column.cat.set_categories(categories)
    filled = column.astype(object).fillna("")
    return filled.astype(pd.CategoricalDtype(categories)) if categories else filled.astype("category")
