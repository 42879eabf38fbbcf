"""The vectorised matching against an independent, slow, obviously correct one, on random sales; and its independence of order."""

from __future__ import annotations

import random

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from oracle import KINDS, Pairs, oracle, pieces_moved
from reconcile_sales import NOW, Sales, reconcile

from magodoo.reconcile.dataset import Frames, canonical

# A seed does not shrink into a smaller case: only the failing seed is reported.
QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "phases": (Phase.reuse, Phase.generate)}


def random_sales(seed: int, orders: int = 6) -> Sales:
    """Orders with documents on both sides: referenced or not, equal or not, cancelled, doubled, in quantities that may not fit."""
    chance = random.Random(seed)
    sales = Sales(payment_methods={"card": {"captured_by_provider": True, "journal": "C"}})
    for order in range(1, orders + 1):
        items = {order * 10 + line: chance.randint(1, 4) for line in range(1, chance.randint(2, 4))}
        sales.order(order, items=items, payment_method=chance.choice(["card", "checkmo"]))
        if chance.random() < 0.9:
            sales.odoo_order(order, ours=chance.random() < 0.7)
        for kind in KINDS:
            for _ in range(chance.randint(0, 3)):
                _random_document(sales, chance, order, items, kind)
    return sales


def _random_document(sales: Sales, chance: random.Random, order: int, items: dict[int, int], kind: str) -> None:
    moved = {item: chance.randint(1, ordered) for item, ordered in items.items() if chance.random() < 0.7}
    moved = moved or {next(iter(items)): 1}
    of = 0
    if chance.random() < 0.85:
        make = {"invoice": sales.invoice, "shipment": sales.shipment, "credit_memo": sales.memo}[kind]
        of = make(
            order, moved, active=chance.random() < 0.9, tracking=[chance.choice("ABC")] if chance.random() < 0.3 else []
        )
    for _ in range(chance.choice([0, 1, 1, 1, 2])):
        there = dict(moved)
        if chance.random() < 0.2:
            there[next(iter(there))] = 1
        make = {"invoice": sales.odoo_invoice, "shipment": sales.delivery, "credit_memo": sales.odoo_note}[kind]
        extra = {"tracking": [chance.choice("ABC")]} if kind == "shipment" and chance.random() < 0.3 else {}
        ours = bool(of) and chance.random() < 0.5
        if not ours and kind != "shipment" and chance.random() < 0.4:
            named = of or sales.next_id
            extra = {
                "other_references": chance.choice(
                    (f"M-{kind}-{named}", f"memo\x1eM-{kind}-{named}", f"M-order-{order}")
                )
            }
        make(order, there, of=of if ours else 0, **extra)
        of = of if chance.random() < 0.1 else 0


# The oracle: plain Python over dicts, one order and kind at a time, every assignment tried.


def matched(frames: Frames, sales: Sales) -> tuple[Pairs, set[tuple[str, int]]]:
    result = reconcile(frames, sales.instance, NOW)
    rows = result.pairs.itertuples()
    found = {(str(row.kind), int(row.magento_id), int(row.odoo_id)) for row in rows if row.kind != "order"}
    tied = {
        (each.kind.value, int(each.magento_id or 0))
        for each in result.findings
        if each.type == "ambiguous" and each.kind != "order"
    }
    return found, tied


@pytest.mark.parametrize("seed", range(25))
def test_matching_agrees_with_the_oracle(seed: int) -> None:
    sales = random_sales(seed)
    frames = sales.frames()
    pairs, ambiguous = oracle(frames)
    found, tied = matched(frames, sales)
    extra = found - pairs
    assert pairs <= found
    assert all(_cannot_both_stand(frames, pair) for pair in extra), "only tier 5 goes beyond the oracle"
    assert tied <= {(kind, id_) for side, kind, id_ in ambiguous if side == "magento"}
    assert {id_ for _, id_ in tied}.isdisjoint({one for _, one, _ in found})


def _cannot_both_stand(frames: Frames, pair: tuple[str, int, int]) -> bool:
    """The only unpaired documents of either side, with an item in common."""
    kind, one, two = pair
    rows = {(row.side, row.source_id): row.Index for row in frames.documents.itertuples() if row.kind == kind}
    return bool(pieces_moved(frames, rows["magento", one]).keys() & pieces_moved(frames, rows["odoo", two]).keys())


@settings(max_examples=8, **QUICK)
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False))
def test_the_result_does_not_depend_on_the_order_of_the_rows(seed: int, shuffle: random.Random) -> None:
    _assert_the_same_in_every_order(random_sales(seed, orders=4), shuffle)


@pytest.mark.parametrize("seed", [16216, 16269])
def test_which_of_equal_documents_is_reversed_does_not_depend_on_the_order_of_the_rows(seed: int) -> None:
    """Two equal credit notes without a parent in one, two equal invoices in the other."""
    _assert_the_same_in_every_order(random_sales(seed, orders=4), random.Random(seed))


@settings(max_examples=15, **QUICK)
@given(
    invoices=st.lists(st.integers(1, 2), min_size=1, max_size=4),
    notes=st.lists(st.tuples(st.integers(1, 2), st.booleans()), min_size=1, max_size=4),
    known=st.booleans(),
    policy=st.sampled_from(["when_paid", "when_posted"]),
    shuffle=st.randoms(use_true_random=False),
)
def test_equal_odoo_invoices_and_credit_notes_are_distinguished_by_their_ids(
    invoices: list[int], notes: list[tuple[int, bool]], known: bool, policy: str, shuffle: random.Random
) -> None:
    """Pieces of each; a note with a parent names the first invoice of Odoo; one invoice may be in Magento too."""
    sales = Sales(invoices={"to_magento": policy})
    sales.order(1, items={11: 20})
    sales.odoo_order(1)
    if known:
        sales.invoice(1, {11: invoices[0]})
    first, *_ = [sales.odoo_invoice(1, {11: pieces}) for pieces in invoices]
    for pieces, has_parent in notes:
        sales.odoo_note(1, {11: pieces}, parent_id=first if has_parent else 0)
    _assert_the_same_in_every_order(sales, shuffle)


def _assert_the_same_in_every_order(sales: Sales, shuffle: random.Random) -> None:
    once = reconcile(sales.frames(), sales.instance, NOW)
    for _ in range(2):
        for rows in (sales.documents, sales.lines):
            shuffle.shuffle(rows)
        again = reconcile(sales.frames(), sales.instance, NOW)
        pd.testing.assert_frame_equal(once.pairs, again.pairs)
        assert [_comparable(each) for each in once.findings] == [_comparable(each) for each in again.findings]
        assert once.changes == again.changes


def _comparable(finding) -> tuple:
    return finding.key, finding.message, finding.change, finding.no_change_reason, finding.severity


@settings(max_examples=4, **QUICK)
@given(seed=st.integers(0, 10**6))
def test_orders_are_matched_independently(seed: int) -> None:
    """Reconciled together or alone, an order has the same findings: chunks may be cut anywhere."""
    sales = random_sales(seed, orders=4)
    together = reconcile(sales.frames(), sales.instance, NOW)
    apart = []
    for order in range(1, 5):
        key = str(order)
        documents = [row for row in sales.documents if row["order_key"] == key]
        ids = {(row["side"], row["kind"], row["source_id"]) for row in documents}
        lines = [row for row in sales.lines if (row["side"], row["kind"], row["source_id"]) in ids]
        alone = canonical(pd.DataFrame(documents), pd.DataFrame(lines))
        apart += [_comparable(each) for each in reconcile(alone, sales.instance, NOW).findings]
    assert sorted(apart) == [_comparable(each) for each in together.findings]


@pytest.mark.parametrize("seed", range(8))
def test_pairs_kept_from_the_last_run_change_nothing(seed: int) -> None:
    sales = random_sales(seed)
    once = reconcile(sales.frames(), sales.instance, NOW)
    sales.pairs += [{**row, "ended": False} for row in once.pairs.astype(str).to_dict("records")]
    again = reconcile(sales.frames(), sales.instance, NOW)
    pd.testing.assert_frame_equal(once.pairs, again.pairs)
    assert [each.key for each in once.findings] == [each.key for each in again.findings]
