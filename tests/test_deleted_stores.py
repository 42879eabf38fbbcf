"""Rows of store views that were deleted have no store: with `stores` set they are read and reported, and never lost in silence."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from magento_double import DOCUMENTS
from reconcile_sales import Sales
from staged import NOON, instance

from magodoo.connectors.magento.pagination import Page
from magodoo.connectors.magento.search import Search
from magodoo.domain.vocabulary import MATCHED_KINDS, Kind
from magodoo.extract.reading import MagentoSource

STORES = st.sampled_from([None, 1, 2, 4])


class Shop:
    """A page of one kind, and the stores of some orders: what the client answers."""

    def __init__(self, rows: list[Any], store_of: dict[int, int | None]) -> None:
        self.rows, self.store_of = rows, store_of
        self.asked: list[Any] = []

    def changed(self, kind: Kind, since: Any, until: Any, **how: Any) -> Iterator[Page]:
        self.asked.append(how)
        yield Page(self.rows, NOON, len(self.rows), [])

    def stores_of(self, order_ids: Iterable[int]) -> dict[int, int | None]:
        return {order: self.store_of[order] for order in order_ids if order in self.store_of}


@st.composite
def shops(draw: st.DrawFn) -> tuple[Kind, Shop]:
    """Recorded documents of one kind, of whatever stores, and of orders of whatever stores or none."""
    kind = draw(st.sampled_from(MATCHED_KINDS))
    rows, store_of = [], {}
    for row in DOCUMENTS[kind][:6]:
        row = copy.deepcopy(row)
        row["store_id"] = draw(STORES)
        if row["store_id"] is None and draw(st.booleans()):
            del row["store_id"]
        if kind is not Kind.ORDER and draw(st.booleans()):
            store_of[row["order_id"]] = draw(STORES)
        rows.append(row)
    return kind, Shop(rows, store_of)


@given(shops(), st.sampled_from(["report", "ours", "ignore"]))
def test_a_document_without_a_store_is_read_unless_its_order_is_of_another_store(
    case: tuple[Kind, Shop], choice: Any
) -> None:
    kind, shop = case
    source = MagentoSource(instance(stores=[1, 4], deleted_stores=choice), shop)  # type: ignore[arg-type]
    (batch,) = source.changed(kind, None, None)
    assert shop.asked == [{"store_ids": (1, 4), "or_no_store": choice != "ignore"}]

    def is_ours(store: int | None) -> bool:
        return store in (1, 4) if store is not None else choice != "ignore"

    wanted = [
        str(row["entity_id"])
        for row in shop.rows
        if (
            is_ours(row.get("store_id"))
            if kind is Kind.ORDER or row.get("store_id") is not None
            else row["order_id"] not in shop.store_of or is_ours(shop.store_of[row["order_id"]])
        )
    ]
    assert [document.source_id for document in batch.documents] == wanted
    assert batch.unread == []


@given(shops())
def test_without_stores_in_the_settings_everything_is_read(case: tuple[Kind, Shop]) -> None:
    kind, shop = case
    (batch,) = MagentoSource(instance(), shop).changed(kind, None, None)  # type: ignore[arg-type]
    assert len(batch.documents) == len(shop.rows)


def test_the_stores_and_none_are_one_group_of_the_search() -> None:
    search = Search().where("updated_at", "gteq", "2026-11-22 09:00:00").of_stores([1, 3], or_none=True)
    place = "searchCriteria[filter_groups][1][filters]"
    assert search.query()[3:9] == [
        (f"{place}[0][field]", "store_id"), (f"{place}[0][value]", "1,3"), (f"{place}[0][condition_type]", "in"),
        (f"{place}[1][field]", "store_id"), (f"{place}[1][value]", "1"), (f"{place}[1][condition_type]", "null"),
    ]  # fmt: skip
    assert len(Search().of_stores([1], or_none=False).query()) == len(Search().where("store_id", "eq", 1).query())


DELETED = {"deleted_store": "Main Website, German"}


def sold(**settings: Any) -> Sales:
    sales = Sales(**settings)
    sales.order(1, **DELETED)
    sales.invoice(1)
    sales.shipment(1)
    return sales


def test_an_order_of_a_deleted_store_view_is_reported_with_its_documents_and_not_written() -> None:
    found = sold(stores=[1]).reconcile()
    assert found.changes == []
    assert found.types == [
        "missing_in_odoo invoice M-invoice-101", "missing_in_odoo order M-order-1", "missing_in_odoo shipment M-shipment-102",
    ]  # fmt: skip
    for finding in found.result.findings:
        assert "(Main Website, German) was deleted" in (finding.no_change_reason or "")
        assert "`deleted_stores`" in finding.advice


def test_the_advice_about_it_can_be_followed() -> None:
    wanted = ["odoo_order_import 1", "odoo_invoice 101", "odoo_delivery 102"]
    assert sold(stores=[1], deleted_stores="ours").reconcile().changes == wanted
    assert sold().reconcile().changes == wanted, "without `stores` every order is of this instance"


def test_an_order_written_before_its_store_view_was_deleted_continues() -> None:
    sales = sold(stores=[1])
    sales.odoo_order(1)
    assert sales.reconcile().changes == ["odoo_invoice 101", "odoo_delivery 102"]
