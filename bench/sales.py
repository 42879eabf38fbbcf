"""Invented sales, the same for everyone: documents of both sides as frames, as canonical documents, as staged rows.

An order has an invoice nine times in ten, a shipment and a credit memo less often, so that 1,000,000 documents are those of
200,000 orders on both sides. DIFFERING of Odoo's amounts differ by a cent, MISSING of the documents are missing on a side.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd

from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.settings import Instance
from magodoo.staging import connect

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHARES = {"order": 1.0, "invoice": 0.9, "shipment": 0.45, "credit_memo": 0.15}
DIFFERING, MISSING = 0.02, 0.01
LINES = 3
ODOO_IDS = 1_000  # Odoo's id is Magento's plus this, which only the checks use
INSTANCE = Instance(id="us", magento_connection="m", odoo_connection="o")
_EXTERNAL = {
    "order": "magodoo.order_us_",
    "invoice": "magodoo.inv_us_",
    "credit_memo": "magodoo.cm_us_",
    "shipment": "ship_us_",
}


def headers(documents: int) -> pd.DataFrame:
    """About so many documents of both sides, one row each; columns as table `document` has them, ids int64."""
    chance = np.random.default_rng(1)
    orders = int(documents / 2 / sum(SHARES.values()))
    amounts = chance.integers(1_000, 25_000, orders) * 100
    parts = []
    for kind, share in SHARES.items():
        order = np.arange(1, int(orders * share) + 1)
        ids = order if kind == "order" else order + 7
        amount = amounts[: len(order)] * {"shipment": 0, "credit_memo": 1}.get(kind, 2)
        reference = np.array([f"{_EXTERNAL[kind]}{each}" for each in ids], dtype=object)
        parts.append(_side("magento", kind, ids, order, amount, ""))
        drift = np.where(chance.random(len(order)) < DIFFERING, 100, 0) * (amount > 0)
        parts.append(_side("odoo", kind, ids + ODOO_IDS, order, amount + drift, reference))
    both = pd.concat(parts, ignore_index=True)
    kept = (chance.random(len(both)) >= MISSING) | (both["kind"] == "order")
    words = ("side", "kind", "state", "status", "currency")
    return both[kept].reset_index(drop=True).astype(dict.fromkeys(words, "category"))


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
            "own_order_id": order if side == "magento" else order + ODOO_IDS,
            "number": np.array([f"{side[0]}{each:09}" for each in ids], dtype=object),
            "reference": reference,
            "state": states[side == "odoo"],
            "status": "paid" if side == "odoo" else "",
            "currency": "USD",
            "grand_total": amount,
            "base_grand_total": amount,
            "subtotal": amount,
            "untaxed": amount,
            "quantity": LINES * 20_000,
            "created_at": pd.Timestamp("2026-11-10", tz="UTC"),
            "document_date": pd.Timestamp("2026-11-10"),
        }
    )


def lines(documents: pd.DataFrame, each: int = LINES) -> pd.DataFrame:
    """Return the same items on every document of an order; `document` is the row number of its document."""
    position = np.repeat(np.arange(len(documents)), each)
    turn = np.tile(np.arange(each), len(documents))
    order = documents["order_key"].to_numpy()[position]
    total = documents["grand_total"].to_numpy()[position]
    amount = total // each + np.where(turn == each - 1, total % each, 0)
    return pd.DataFrame(
        {
            "document": position,
            "item_key": order * 10 + turn,
            "quantity": 20_000,
            "qty_ordered": np.where(documents["kind"].to_numpy()[position] == "order", 20_000, 0),
            "gross": amount,
            "untaxed": amount,
            "sku": pd.Categorical.from_codes((turn % 100).astype(np.int8), [f"SKU{number}" for number in range(100)]),
        }
    )


def fill(url: str, documents: int) -> int:
    """Put these documents with their lines into a migrated staging database, all due; returns the number of documents."""
    frame = headers(documents)
    engine = connect(url)
    with engine.begin() as connection:
        _copy(connection, "document", _document_rows(frame))
        for start in range(0, len(frame), 100_000):
            part = frame.iloc[start : start + 100_000].reset_index(drop=True)
            _copy(connection, "line", _line_rows(part))
    engine.dispose()
    complete(url)
    return len(frame)


def complete(url: str) -> None:
    """Make a database of staged documents ready for reconciling: both sides known as a whole, with their master data."""
    engine = connect(url)
    with engine.begin() as connection:
        for statement in _AROUND:
            connection.exec_driver_sql(statement)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")
    engine.dispose()


# Everything was fetched from both sides; the master data that the planned requests name.
_AROUND = (
    """insert into order_work (instance, order_key, staged_version, completed_version)
    select 'us', source_id, 1, 1 from document where side = 'magento' and kind = 'order'
    on conflict (instance, order_key) do update set completed_version = order_work.staged_version""",
    """insert into payload (instance, side, kind, source_id, payload, hash, request_began_at)
    select 'us', side, kind, source_id, jsonb_build_object('entity_id', source_id::bigint, 'increment_id', number), '', now()
    from document where side = 'magento' and kind = 'order' on conflict do nothing""",
    """insert into watermark (instance, side, kind, stamp, last_success_at)
    select distinct 'us', side, kind, now(), now() from document""",
    "insert into run (instance, stage, finished_at, ok) values ('us', 'magento_extract', now(), true), ('us', 'odoo_extract', now(), true)",
    """insert into master (instance, model, key, odoo_id, data)
    select 'us', 'product.product', 'SKU' || n, 100 + n, '{"type": "consu", "active": true}' from generate_series(0, 99) n
    union all values ('us', 'res.currency', 'USD', 1, '{"decimal_places": 2}'::jsonb),
        ('us', 'ir.config_parameter', 'database.uuid', 1, '{"value": "00000000-0000-4000-8000-000000000000"}')""",
)  # fmt: skip


def _document_rows(frame: pd.DataFrame) -> pd.DataFrame:
    rows = frame.assign(
        instance="us", company_currency="USD", request_began_at=NOW, updated_at=NOW, resolved_at=NOW, version=1,
        company_id=1, store_id=1,
    )  # fmt: skip
    return rows.assign(reference=rows["reference"].replace("", None))


def _line_rows(part: pd.DataFrame) -> pd.DataFrame:
    rows = lines(part)
    document = part.iloc[rows.pop("document").to_numpy()].reset_index(drop=True)
    rows[["side", "kind", "source_id"]] = document[["side", "kind", "source_id"]]
    return rows.assign(instance="us", line_id=rows["item_key"])


def _copy(connection: object, table: str, rows: pd.DataFrame) -> None:
    buffer = io.StringIO()
    rows.to_csv(buffer, index=False, header=False)
    buffer.seek(0)
    force = ", force_not_null (state)" if "state" in rows else ""
    with connection.connection.driver_connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.copy_expert(f"copy {table} ({', '.join(rows.columns)}) from stdin (format csv{force})", buffer)


def canonical(documents: int, size: int) -> Iterator[list[CanonicalDocument]]:
    """Documents as extraction hands them to staging, orders before what belongs to them, in batches of `size`."""
    batch: list[CanonicalDocument] = []
    for row in headers(documents).itertuples(index=False):
        batch.append(_document(row))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _document(row: object) -> CanonicalDocument:
    total, order, source = int(row.grand_total), int(row.order_key), str(row.source_id)  # type: ignore[attr-defined]
    side, kind = str(row.side), str(row.kind)  # type: ignore[attr-defined]
    items = [
        CanonicalLine(
            str(order * 10 + turn), item_key=str(order * 10 + turn), own_item_id=str(order * 10 + turn), sku=f"SKU{turn}",
            name=f"Article {turn}", product_type="simple", quantity=20_000, price=total // LINES // 2, gross=total // LINES,
            untaxed=total // LINES, base_untaxed=total // LINES, qty_ordered=20_000 if kind == "order" else 0,
        )
        for turn in range(LINES)
    ]  # fmt: skip
    document = CanonicalDocument(
        "us", side, kind, source, str(row.number), str(row.state), NOW, order_key=str(order) if side == "magento" else None,  # type: ignore[attr-defined]
        own_order_id=str(row.own_order_id), reference=str(row.reference) or None, status=str(row.status) or None,  # type: ignore[attr-defined]
        currency="USD", company_currency="USD", subtotal=total, untaxed=total, grand_total=total, base_grand_total=total,
        quantity=LINES * 20_000, payment_method="checkmo", store_id=1, company_id=1, customer_key=str(order % 5000),
        customer_name=f"Customer {order % 5000}", customer_email=f"customer{order % 5000}@example.com", country="US",
        document_date=date(2026, 11, 10), created_at=datetime(2026, 11, 10, tzinfo=UTC), updated_at=NOW, lines=items,
    )  # fmt: skip
    document.payload = _payload(document)
    return document


def _payload(document: CanonicalDocument) -> dict[str, object]:
    """Return what Magento sends of a document: the usual fields and its items."""
    head: dict[str, object] = {
        "entity_id": int(document.source_id), "increment_id": document.number, "order_id": int(document.own_order_id or 0),
        "state": document.state, "created_at": "2026-11-10 00:00:00", "updated_at": "2026-11-22 00:00:00",
        "order_currency_code": "USD", "base_currency_code": "USD", "store_id": 1, "customer_email": document.customer_email,
        "customer_firstname": "Ada", "customer_lastname": "Lovelace", "payment": {"method": "checkmo"},
        "extension_attributes": {"shipping_assignments": []},
    }  # fmt: skip
    for name in ("grand_total", "base_grand_total", "subtotal", "base_subtotal", "shipping_amount", "tax_amount"):
        head[name] = document.grand_total // 10_000
    head["items"] = [
        {"entity_id": int(line.line_id), "sku": line.sku, "name": line.name, "qty": 2, "price": line.price // 10_000,
         "row_total": line.gross // 10_000, "order_item_id": int(line.line_id), "tax_amount": 0, "discount_amount": 0}
        for line in document.lines
    ]  # fmt: skip
    return head
