"""Read complete orders as pandas frames for reconciling.

Rows are copied out as CSV, only the columns that are used, and no amount is a NUMERIC on the way. Columns and dtypes
are those of `magodoo.reconcile.dataset.Frames`: ids, amounts and quantities int64 (units of 1/10000), times datetime64
UTC, words as categories. pandas is imported when frames are read.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.settings import Instance
from magodoo.staging import quarantine

if TYPE_CHECKING:
    import pandas as pd

    from magodoo.reconcile.dataset import Frames

DUPLICATE_DAYS = 30
_NO_TIME = -(2**63)  # int64's NaT
_SEPARATOR = "\x1e"

_COMPARED = ("vat", "billing", "shipping", "billing_company", "shipping_company", "noted")


def _joined(name: str) -> str:
    """Return SQL that joins the values of a detail in one text, "" for each that is missing."""
    words = ", ".join(f"coalesce(d.details #>> '{{{name},{key}}}', '')" for key in _COMPARED)
    return f"concat_ws(e'\\x1e', {words})"


_DETAILS = {
    "order_key": "replace(d.order_key, 'odoo-', '-')",
    "edit_of": "d.details ->> 'edit_of'",
    "amount_authorized": "d.details #>> '{payment,amount_authorized}'",
    "amount_paid": "d.details #>> '{payment,amount_paid}'",
    "paid_online": "d.details #>> '{payment,base_amount_paid_online}'",
    "without_order": "(d.details ? 'without_order')",
    "consolidated": "(d.details ? 'consolidated')",
    "intercompany": "(d.details ? 'intercompany')",
    "foreign_units": "d.details ->> 'foreign_units'",
    "addressed": "case when d.details ? 'addressed' then concat_ws(e'\\x1e', d.details #>> '{addressed,partner}',"
    " d.details #>> '{addressed,billing}', d.details #>> '{addressed,shipping}', coalesce(d.vat, '')) end",
    "written": "case when d.kind = 'order' and d.details ? 'written' then " + _joined("written") + " end",
    "since": "case when d.kind = 'order' and d.details ? 'since' then " + _joined("since") + " end",
    "noted": "d.details ->> 'noted'",
    "set_aside": "d.details ->> 'set_aside'",
    "deleted_store": "d.details ->> 'deleted_store'",
    "beside_in": "d.details ->> 'beside_in'",
    "authorisation": "d.details ->> 'authorisation'",
    "was_paid": "(d.details ? 'was_paid')",
    "in_payment": "d.details #>> '{settlement,in_payment}'",
    "written_off": "d.details #>> '{settlement,written_off}'",
    "cash_rounding": "d.details ->> 'cash_rounding'",
    "discounted_tax": "d.details ->> 'discounted_tax'",
    "credited_by": "d.details #>> '{settlement,credited_by}'",
    "einvoice_rejected": "d.details ->> 'einvoice_rejected'",
    "settled_by": "d.details #>> '{settlement,words}'",
    "flaw": "d.details ->> 'flaw'",
    # Few documents have any: the JSON of the others is not expanded.
    "tendered_by": "case when d.details ? 'tendered' then (select string_agg(part.key, ',' order by part.key)"
    " from jsonb_each_text(d.details -> 'tendered') part) end",
    "tendered": "case when d.details ? 'tendered' then (select sum(part.value::bigint)::text"
    " from jsonb_each_text(d.details -> 'tendered') part) end",
    "refunded_to": "case when d.details ? 'refunded_to' then (select string_agg(part.key || ':' || part.value, ',' order by part.key)"
    " from jsonb_each_text(d.details -> 'refunded_to') part) end",
    "other_references": "case when d.side = 'odoo' and d.kind in ('invoice', 'credit_memo') and coalesce(d.reference, '') = ''"
    f" then array_to_string(d.other_references, e'\\x{ord(_SEPARATOR):02x}') end",
    "tracking": f"array_to_string(d.tracking, e'\\x{ord(_SEPARATOR):02x}')",
}


def read_frames(connection: Connection, instance: Instance, order_keys: Collection[str]) -> Frames:
    """Return everything staged about these orders, deleted documents included, and documents without an order.

    See `Frames.unlinked` for the latter.
    """
    from magodoo.reconcile import dataset
    from magodoo.reconcile.repository import Pairs

    where = {"instance": instance.id, "orders": list(order_keys)}
    # Every document is read once, so that memoizing costs more than it saves. With the default random_page_cost the planner
    # scanned all lines of a large staging database instead of using the index, which took two and a half times as long.
    connection.execute(text("set local enable_memoize = off; set local random_page_cost = 1.1"))
    _choose(connection, "chosen_document", _CHOSEN, where)
    _choose(connection, "chosen_unlinked", f"{_LOOKALIKES} union {_WITHOUT_ORDER}", where | {"days": DUPLICATE_DAYS})
    return dataset.canonical(
        documents=_read_documents(connection, "chosen_document"),
        lines=_read_lines(connection),
        pairs=Pairs(connection, instance.id).read(order_keys),
        quarantine=_quarantine(connection, instance, order_keys),
        master=_query(
            connection,
            "select model, key, odoo_id, active, data from master where instance = :instance "
            " and model in ('res.company', 'ir.config_parameter')",
            where,
        ),
        unlinked=_read_documents(connection, "chosen_unlinked"),
    )


# Duplicate candidates: Odoo documents without an order that have the kind, currency and total of a Magento document read here,
# within a month of it. Beside them, every document whose order exists nowhere.
_LOOKALIKES = """
    select o.instance, o.side, o.kind, o.source_id from document m join document o on o.instance = m.instance
        and o.side = 'odoo' and o.kind = m.kind and o.grand_total = m.grand_total and o.currency = m.currency
        and o.order_key is null and o.deleted_at is null
    where m.instance = :instance and m.side = 'magento' and m.order_key = any(:orders) and m.grand_total <> 0
        and abs(coalesce(m.document_date, m.created_at::date) - coalesce(o.document_date, o.created_at::date)) <= :days"""
_CHOSEN = """
    select instance, side, kind, source_id from document where instance = :instance and order_key = any(:orders)"""
_WITHOUT_ORDER = """
    select instance, side, kind, source_id from document where instance = :instance and details ? 'without_order'"""


def _choose(connection: Connection, table: str, keys: str, where: Mapping[str, Any]) -> None:
    """Fill a temporary table with the numbered keys of the documents to read.

    Later statements join it, so that they all read the same documents.
    """
    connection.execute(
        text(f"""create temp table if not exists {table}
            (position bigint, instance text, side text, kind text, source_id text) on commit delete rows""")
    )
    connection.execute(text(f"truncate {table}"))
    connection.execute(
        text(f"""
        insert into {table}
            select row_number() over () - 1, instance, side, kind, source_id from ({keys}) wanted"""),
        where,
    )
    connection.execute(text(f"analyze {table}"))


def _read_documents(connection: Connection, chosen: str) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from magodoo.reconcile import dataset

    numbers = [*dataset.IDS, *dataset.AMOUNTS]
    words = ["side", "kind", *dataset.WORDS]
    columns = {
        **{name: f"coalesce({_DETAILS.get(name, f'd.{name}')}, {_default(name)})" for name in numbers},
        **{name: f"coalesce({_DETAILS.get(name, f'd.{name}')}, '')" for name in words},
        **{name: f"coalesce({_DETAILS.get(name, f'd.{name}')}, '')" for name in dataset.TEXTS},
        **{name: f"({_DETAILS.get(name, f'd.{name}')})::int" for name in dataset.FLAGS},
        **{
            name: f"coalesce(round(date_part('epoch', d.{name}) * 1000000)::bigint, {_NO_TIME})"
            for name in dataset.TIMES
        },
        "document_date": f"coalesce((d.document_date - date '1970-01-01')::bigint, {_NO_TIME})",
    }
    chosen_rows = f"{chosen} c join document d using (instance, side, kind, source_id) order by c.position"
    kinds_of = {name: "category" for name in words} | {name: "object" for name in dataset.TEXTS}
    read = _copy_out(connection, columns, chosen_rows, kinds_of)
    for name in dataset.TIMES:
        stamps = read[name].to_numpy(np.int64).view("datetime64[us]")
        read[name] = pd.Series(stamps).dt.tz_localize("UTC")
    read["document_date"] = read["document_date"].to_numpy(np.int64).view("datetime64[D]").astype("datetime64[s]")
    tracks = [dataset.tracks_text(each.split(_SEPARATOR)) if each else "" for each in read["tracking"].tolist()]
    read["tracking"] = pd.Series(tracks, dtype=object)
    return read


def _read_lines(connection: Connection) -> pd.DataFrame:
    from magodoo.reconcile import dataset

    columns = {
        "document": "c.position",
        **{name: f"coalesce(l.{name}, '0')" for name in dataset.LINE_IDS},
        **{name: f"l.{name}" for name in dataset.LINE_AMOUNTS},
        **{name: f"coalesce(l.{name}, '')" for name in ("role", *dataset.LINE_WORDS)},
        **{name: f"l.{name}::int" for name in dataset.LINE_FLAGS},
    }
    chosen_rows = "chosen_document c join line l using (instance, side, kind, source_id)"
    return _copy_out(connection, columns, chosen_rows, {name: "category" for name in ("role", *dataset.LINE_WORDS)})


def _default(name: str) -> str:
    return "'-1'" if name == "customer_group" else "'0'"


def _copy_out(
    connection: Connection, columns: Mapping[str, str], chosen_rows: str, kinds_of: Mapping[str, str]
) -> pd.DataFrame:
    """Return the result of a SELECT by COPY as CSV; columns not named in `kinds_of` are int64."""
    import pandas as pd

    listed = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    buffer = io.BytesIO()
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(
            f"copy (select {listed} from {chosen_rows}) to stdout with (format csv, encoding 'utf8')", buffer
        )
    buffer.seek(0)
    dtypes = {name: kinds_of.get(name, "int64") for name in columns}
    return pd.read_csv(
        buffer, names=list(columns), dtype=dtypes, keep_default_na=False, na_filter=False, encoding="utf-8"
    )


def _quarantine(connection: Connection, instance: Instance, order_keys: Collection[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        quarantine.open_rows(connection, instance, list(order_keys)), columns=list(quarantine.Open._fields)
    )


def _query(connection: Connection, statement: str, where: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    answer = connection.execute(text(statement), dict(where))
    names = [str(name) for name in answer.keys()]  # noqa: SIM118
    return pd.DataFrame([tuple(row) for row in answer], columns=names)
