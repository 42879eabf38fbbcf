"""The sandbox Odoo answers the exchanges of the lab as the live Odoo 19 answered them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sandbox_odoo_lab_calls as calls
import sandbox_odoo_lab_documents as documents
from sandbox_odoo_replay import RECORDINGS, Story

from magodoo_sandbox.odoo import OdooDatabase
from magodoo_sandbox.odoo.installation import install

PARTS = (
    documents.play_shop, documents.play_deliveries, documents.play_invoices, documents.play_payments,
    documents.play_refunds, documents.play_returns,
    calls.play_errors, calls.play_reads, calls.play_loads, calls.play_posting, calls.play_direct_payments, calls.play_keys, calls.play_create_or_ignore, calls.play_classic_rpc,
)  # fmt: skip


@pytest.fixture(scope="module")
def story() -> Story:
    db = OdooDatabase()
    install(db)
    story = Story("lab", db)
    for part in PARTS:
        part(story)
    return story


@pytest.mark.parametrize("name", sorted(path.stem for path in (RECORDINGS / "lab").glob("*.json")))
def test_answers_as_recorded(story: Story, name: str, replayed: Callable[[str, int], None]) -> None:
    replayed("Odoo", 1)
    assert story.differences[name] == []


def test_enough_exchanges_are_replayed() -> None:
    assert len(list(RECORDINGS.glob("*/*.json"))) > 350
