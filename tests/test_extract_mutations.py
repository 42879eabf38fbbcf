"""Whatever a shop or a hostile customer puts into a document: it is staged, found unsound, or set apart; nothing else happens."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import recorded_documents as recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from staged import NOON, emptied, instance, put, value

from magodoo.domain.vocabulary import Kind
from magodoo.errors import Unreadable
from magodoo.extract import magento_documents, odoo_documents
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.reading import MagentoSource

SAMPLES = [("magento", kind, row) for kind, row in recorded.magento()][::7] + [
    ("odoo", kind, row) for kind, row in recorded.odoo()
]
READERS = {"magento": magento_documents.read, "odoo": odoo_documents.read}

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**40, Decimal("1e300"), Decimal("1e999999"), Decimal("1e-999999"), Decimal("-1e-300"), Decimal("0.00005"), Decimal("99999999999")]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["", "0", "abc", "1e400", "NaN", "\0", "\ud800", "\\", "2026-13-45 99:99:99", "9" * 3000, "=1+1", "'; drop table document; --"]),
    st.sampled_from([[], {}, [[]], [None], [1, "two", None], {"id": []}, {"id": {"id": 1}}, [{}], [{}, {}]]),
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in steps:
        yield (*path, name)
        yield from places(inner, (*path, name))


PLACES = [list(places(row)) for _, _, row in SAMPLES]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str, Any]:
    """A recorded document of which one to three places hold something else, or nothing."""
    index = draw(st.integers(0, len(SAMPLES) - 1))
    side, kind, original = SAMPLES[index]
    row = copy.deepcopy(original)
    for path in draw(st.lists(st.sampled_from(PLACES[index]), min_size=1, max_size=3)):
        try:
            holder = row
            for step in path[:-1]:
                holder = holder[step]
            if draw(st.booleans()) and isinstance(holder, dict):
                holder.pop(path[-1])
            else:
                holder[path[-1]] = draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier mutation took this place away
    return side, kind, row


def read(side: str, kind: str, row: Any) -> CanonicalDocument | None:
    try:
        return READERS[side](instance(), kind, row, NOON)
    except Unreadable:
        return None


@settings(max_examples=600, deadline=None)
@given(mutated())
def test_a_damaged_document_is_read_or_refused(mutation: tuple[str, str, Any]) -> None:
    document = read(*mutation)
    if document is not None and document.sound and document.kind != "shipment" and document.side == "magento":
        parts = document.subtotal + document.shipping + document.discount + document.adjustment + document.tax
        assert parts == document.grand_total


@pytest.mark.parametrize("field", ["city", "company", "street"])
def test_an_address_with_half_a_character_is_read(field: str) -> None:
    order = recorded.magento_row("order", 1)
    order["billing_address"] |= {field: ["\ud800"] if field == "street" else "\ud800"}
    assert read("magento", "order", order) is not None


@pytest.fixture(scope="module")
def engine(module_staging_url: str) -> Iterator[Engine]:
    with emptied(module_staging_url) as engine:
        yield engine


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(mutated(), min_size=15, max_size=25))
def test_what_was_read_can_be_staged(engine: Engine, mutations: list[tuple[str, str, Any]]) -> None:
    documents = [document for mutation in mutations if (document := read(*mutation)) is not None]
    staged = put(engine, *documents)
    assert staged.read == len({document.key for document in documents})
    assert value(engine, "select count(*) from document where instance = 'us'") > 0 or not documents


class OnePage:
    """A shop of one page."""

    def __init__(self, *rows: Any) -> None:
        self.rows = list(rows)

    def changed(self, *_: Any, **__: Any) -> Iterator[Any]:
        from magodoo.connectors.magento.pagination import Page, Quarantined

        yield Page(self.rows, NOON, len(self.rows) + 1, [Quarantined(None, "{", "not JSON")])


def test_one_corrupted_document_stops_no_other() -> None:
    good = recorded.magento_row("invoice", 1)
    source = MagentoSource(instance(), OnePage({**good, "entity_id": 2, "grand_total": "x"}, good))  # type: ignore[arg-type]
    (batch,) = source.changed(Kind.INVOICE, None, None)
    assert [document.source_id for document in batch.documents] == ["1"]
    assert [(unread.source_id, unread.reason) for unread in batch.unread] == [
        ("?", "not JSON"),
        ("2", "grand_total: not an amount: 'x'"),
    ]
