"""Whole orders as frames: columns, dtypes, positions, what has no order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, text
from staged import NOON, emptied, instance, item, magento_document, magento_order, odoo_document, odoo_order, put

from magodoo.domain.vocabulary import Kind, Side
from magodoo.reconcile import dataset as shape
from magodoo.reconcile.dataset import Frames
from magodoo.staging.frames import read_frames
from magodoo.staging.order_linking import mark_without_order


@pytest.fixture
def engine(module_staging_url: str) -> Iterator[Engine]:
    with emptied(module_staging_url) as engine:
        yield engine


def read(engine: Engine, *order_keys: str) -> Frames:
    with engine.connect() as connection:
        return read_frames(connection, instance(), order_keys)


def test_the_frames_of_no_order_are_empty_and_typed(engine: Engine) -> None:
    frames = read(engine)
    assert len(frames.documents) == len(frames.lines) == len(frames.unlinked) == 0
    assert frames.documents["grand_total"].dtype == np.int64
    assert isinstance(frames.documents["created_at"].dtype, pd.DatetimeTZDtype)


def test_amounts_ids_and_times_come_typed(engine: Engine) -> None:
    details = {"edit_of": 6, "payment": {"amount_authorized": 266400, "amount_paid": 0}}
    put(
        engine,
        magento_order(7, "000000007", details=details, document_date=date(2026, 11, 20), tracking=()),
        magento_document("shipment", 70, 7, tracking=("1z 2", " 1Z1"), lines=[item(1, "A", item_key="71")]),
    )
    frames = read(engine, "7")
    for name in (*shape.IDS, *shape.AMOUNTS):
        assert frames.documents[name].dtype == np.int64, name
    order = frames.documents.loc[frames.locate(Side.MAGENTO, Kind.ORDER, np.array([7]))[0]]
    assert (order.edit_of, order.amount_authorized, order.customer_group, order.without_order) == (6, 266400, -1, False)
    assert order.created_at == NOON
    assert order.document_date == pd.Timestamp("2026-11-20")
    shipment = frames.documents.loc[frames.locate(Side.MAGENTO, Kind.SHIPMENT, np.array([70]))[0]]
    assert shipment.tracking == "1z 2\x1e1Z1"
    assert pd.isna(shipment.created_at) and pd.isna(shipment.document_date) and pd.isna(shipment.deleted_at)


def test_lines_are_grouped_by_their_documents(engine: Engine) -> None:
    put(
        engine,
        *[
            magento_order(n, f"{n:09}", lines=[item(n * 10 + k, f"SKU {k}", k + 1) for k in range(n)])
            for n in range(1, 12)
        ],
    )
    frames = read(engine, "3", "11", "1")
    for number in (1, 3, 11):
        (position,) = frames.locate(Side.MAGENTO, Kind.ORDER, np.array([number]))
        assert [line.item_key for line in frames.lines_of(position)] == [number * 10 + k for k in range(number)]


def test_text_from_magento_is_never_read_as_a_missing_value(engine: Engine) -> None:
    put(engine, magento_order(7, "NA", customer_name='null, "NaN"\nnone', status="nan", lines=[item(1, "NA")]))
    frames = read(engine, "7")
    order = frames.documents.loc[0]
    assert (order.number, order.customer_name, order.status) == ("NA", 'null, "NaN"\nnone', "nan")
    assert frames.lines["sku"].tolist() == ["NA"]


def test_odoo_documents_nobody_explains_are_candidates_for_duplicates(engine: Engine) -> None:
    bill = {"grand_total": 50_000, "currency": "USD"}
    put(engine, magento_order(7, "000000007"), magento_document("invoice", 70, 7, created_at=NOON, **bill))
    put(
        engine,
        odoo_document("invoice", 1, **bill),
        odoo_document("invoice", 2, **bill | {"grand_total": 50_001}),
        odoo_document("invoice", 3, **bill | {"currency": "EUR"}),
        odoo_document("invoice", 4, **bill | {"created_at": NOON - timedelta(days=31)}),
        odoo_document("credit_memo", 5, **bill),
    )
    assert read(engine, "7").unlinked["source_id"].tolist() == [1]
    assert read(engine, "8").unlinked.empty


def test_documents_without_order_come_with_every_reading(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), magento_document("invoice", 70, 99), odoo_order(5, "000000088"))
    with engine.begin() as connection:
        mark_without_order(connection, instance(), ["99", "odoo-5"])
    unlinked = read(engine).unlinked
    assert sorted(zip(unlinked["side"], unlinked["order_key"], strict=True)) == [("magento", 99), ("odoo", -5)]
    assert unlinked["without_order"].all()


def test_pairs_and_open_quarantine_come_along(engine: Engine) -> None:
    put(engine, magento_order(7, "000000007"), odoo_order(1, "000000007"))
    with engine.begin() as connection:
        connection.execute(
            text("""insert into pair (instance, kind, order_key, magento_id, odoo_id, rule)
                values ('us', 'order', '7', '7', '1', 'reference')""")
        )
        connection.execute(
            text("""insert into quarantine (instance, side, kind, source_id, reason, resolved_at)
                values ('us', 'magento', 'invoice', '8', 'no amount', null), ('us', 'odoo', 'order', '9', 'mended', now())""")
        )
    frames = read(engine, "7")
    assert frames.pairs[["kind", "magento_id", "odoo_id", "ended"]].values.tolist() == [["order", 7, 1, False]]
    assert frames.quarantine["source_id"].tolist() == ["8"]
