"""Canonical documents made by hand, and what is in staging: for tests of staging and extraction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.settings import Instance
from magodoo.staging import connect
from magodoo.staging.documents import Staged, stage
from magodoo.timestamps import utc_now

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def instance(**more: Any) -> Instance:
    return Instance.model_validate({"id": "us", "magento_connection": "m", "odoo_connection": "o", **more})


def item(line_id: int, sku: str, quantity: int = 1, **more: Any) -> CanonicalLine:
    units = quantity * 10_000
    return CanonicalLine(str(line_id), sku=sku, quantity=units, qty_ordered=units, **more)


def magento_order(order_id: int, number: str, **more: Any) -> CanonicalDocument:
    lines = more.pop("lines", [])
    for line in lines:
        line.item_key = line.own_item_id = line.line_id
    key = str(order_id)
    defaults: dict[str, Any] = {
        "order_key": key, "own_order_id": key, "grand_total": 266400, "currency": "USD", "customer_email": "ann@example.com",
        "request_began_at": NOON, "state": "processing", "updated_at": NOON, "created_at": NOON, "store_id": 1,
    }  # fmt: skip
    return CanonicalDocument(
        "us", "magento", "order", key, number, lines=lines, payload={"id": order_id}, **{**defaults, **more}
    )


def magento_document(kind: str, source_id: int, order_id: int, **more: Any) -> CanonicalDocument:
    defaults: dict[str, Any] = {
        "number": f"{source_id:09}", "order_key": str(order_id), "own_order_id": str(order_id), "request_began_at": NOON, "state": "2",
    }  # fmt: skip
    return CanonicalDocument("us", "magento", kind, str(source_id), payload={"id": source_id}, **{**defaults, **more})


def odoo_order(order_id: int, *references: str, **more: Any) -> CanonicalDocument:
    lines = more.pop("lines", [])
    for line in lines:
        line.own_item_id = line.line_id
    defaults: dict[str, Any] = {
        "own_order_id": str(order_id), "grand_total": 266400, "currency": "USD", "customer_email": "ann@example.com",
        "request_began_at": NOON, "state": "sale", "number": f"S{order_id:05}", "created_at": NOON,
    }  # fmt: skip
    return CanonicalDocument(
        "us",
        "odoo",
        "order",
        str(order_id),
        other_references=references,
        lines=lines,
        payload={"id": order_id},
        **{**defaults, **more},
    )


def odoo_document(kind: str, source_id: int, order_id: int | None = None, **more: Any) -> CanonicalDocument:
    defaults: dict[str, Any] = {
        "number": f"{kind.upper()}/{source_id}", "own_order_id": str(order_id) if order_id else None, "request_began_at": NOON,
        "state": "posted", "created_at": NOON,
    }  # fmt: skip
    return CanonicalDocument("us", "odoo", kind, str(source_id), payload={"id": source_id}, **{**defaults, **more})


def put(engine: Engine, *documents: CanonicalDocument, of: Instance | None = None) -> Staged:
    with engine.begin() as connection:
        return stage(connection, of or instance(), documents, utc_now())


@contextmanager
def emptied(url: str) -> Iterator[Engine]:
    """An engine of a staging database whose tables are empty: quicker than a database of its own for each test."""
    engine = connect(url)
    with engine.begin() as connection:
        for table in (
            *("document", "line", "payload", "order_work", "master", "quarantine", "watermark", "run", "pair"),
            *("shipment_group", "finding", "listed", "unlisted"),
        ):
            connection.execute(text(f"delete from {table}"))
    yield engine
    engine.dispose()


def rows(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement), values)]


def value(engine: Engine, statement: str, **values: Any) -> Any:
    (row,) = rows(engine, statement, **values)
    return row[0]


def key_of(engine: Engine, kind: str, source_id: int, side: str = "odoo") -> str | None:
    return value(
        engine, "select order_key from document where side = :side and kind = :kind and source_id = :id",
        side=side, kind=kind, id=str(source_id),
    )  # fmt: skip


def versions(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(text("select order_key, staged_version from order_work")).all())  # type: ignore[arg-type]
