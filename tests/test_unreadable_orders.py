"""A document whose order could not be read waits for it: whatever is wrong with the order, it is never said to be of no order."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from magento_double import DOCUMENTS
from reconcile_sales import Sales
from staged import NOON, instance

from magodoo.connectors.magento.needed import SHAPES
from magodoo.connectors.magento.pagination import Page, Quarantined, raw_text
from magodoo.connectors.magento.schema import Fate, sound
from magodoo.domain.vocabulary import MATCHED_KINDS, Kind
from magodoo.errors import Unreadable
from magodoo.extract.reading import MagentoSource

REFUSING = {
    kind: sorted(name for name, known in SHAPES[kind].fields.items() if known.missing is Fate.REFUSED)
    for kind in MATCHED_KINDS
}


class OnePage:
    """A shop of one page, read as the client reads it."""

    def __init__(self, kind: Kind, row: Any) -> None:
        try:
            self.page = Page([sound(SHAPES[kind], row)], NOON, 1, [])
        except Unreadable as problem:
            known = row.get("entity_id") if type(row.get("entity_id")) is int else None
            self.page = Page([], NOON, 1, [Quarantined(known, raw_text(row), str(problem.args[0]))])

    def changed(self, kind: Kind, since: datetime | None, until: datetime | None, **_: Any) -> Iterator[Page]:
        yield self.page


@st.composite
def refused(draw: st.DrawFn) -> tuple[Kind, Any, Any, str]:
    """A recorded document, and the same with a field missing, or something else in it, that it cannot do without."""
    kind = draw(st.sampled_from(MATCHED_KINDS))
    row = draw(st.sampled_from(DOCUMENTS[kind]))
    name = draw(st.sampled_from(REFUSING[kind]))
    changed = copy.deepcopy(row)
    if draw(st.booleans()) or name == "items":
        changed.pop(name)
    else:
        changed[name] = draw(st.sampled_from([None, [5], {"a": 1}, True]))
    return kind, row, changed, name


@given(refused())
def test_a_quarantined_document_names_its_number_its_order_and_the_reason(document: tuple[Kind, Any, Any, str]) -> None:
    kind, row, changed, name = document
    (batch,) = MagentoSource(instance(), OnePage(kind, changed)).changed(kind, None, None)  # type: ignore[arg-type]
    (unread,) = batch.unread
    assert name in unread.reason
    order_key = "entity_id" if kind is Kind.ORDER else "order_id"
    assert unread.number == (None if name == "increment_id" else row["increment_id"])
    assert unread.order_key == (None if name == order_key else str(row[order_key]))


def quarantined(order: int, kind: str = "order", **more: str) -> dict[str, str]:
    words = {"number": f"M-order-{order}", "order_key": str(order), "reason": "items[0]: sku is missing"}
    return {"side": "magento", "kind": kind, "source_id": str(order), **words, **more}


@st.composite
def sales_of_an_unread_order(draw: st.DrawFn) -> Sales:
    """Documents of order 1, which is not staged, and perhaps an order 2 that is."""
    sales = Sales()
    sales.items[1] = {11: 2}
    for _ in range(draw(st.integers(1, 4))):
        make = draw(st.sampled_from([sales.invoice, sales.shipment, sales.memo]))
        make(1, {11: draw(st.integers(1, 2))}, active=draw(st.booleans()), without_order=False)
    if draw(st.booleans()):
        sales.sold(2)
    sales.quarantine.append(quarantined(1))
    return sales


@given(sales_of_an_unread_order())
def test_documents_of_an_unreadable_order_wait_and_no_advice_would_book_them_twice(sales: Sales) -> None:
    found = sales.reconcile()
    assert found.changes == []
    active = {int(row["source_id"]) for row in sales.documents if row["order_key"] == "1" and row["active"]}
    waiting = [finding for finding in found.result.findings if finding.type == "missing_in_odoo"]
    assert {int(finding.magento_id or 0) for finding in waiting} == active
    assert all(
        finding.no_change_reason == "Its order M-order-1 cannot be read: items[0]: sku is missing"
        for finding in waiting
    )
    assert all("by hand" not in finding.advice or "must not" in finding.advice for finding in waiting)
    assert found.one("quarantined").order_key == "1"
    assert {name for name in found.names} <= {"missing_in_odoo", "quarantined"}


def test_an_order_whose_latest_state_cannot_be_read_is_left_alone() -> None:
    sales = Sales().sold()
    sales.invoice(1)
    sales.delivery(1)
    sales.quarantine.append(quarantined(1, reason="grand_total: not an amount"))
    found = sales.reconcile()
    assert found.changes == []
    held = [finding.no_change_reason for finding in found.result.findings if finding.type.startswith("missing")]
    assert held == ["The order as it is now cannot be read: grand_total: not an amount"] * 2


def test_a_document_that_cannot_be_read_holds_its_kind_and_nothing_else() -> None:
    sales = Sales(shipments={"tracking": "off"}).sold()
    sales.invoice(1)
    sales.shipment(1)
    sales.quarantine.append(quarantined(1, "invoice", source_id="99", number="000000099", reason="qty is missing"))
    found = sales.reconcile()
    assert [change.split()[0] for change in found.changes] == ["odoo_delivery"]
    (held,) = [
        each.no_change_reason for each in found.result.findings if each.type == "missing_in_odoo" and not each.change
    ]
    assert held == "Another invoice of the order cannot be read: qty is missing"
