"""Sums of journal items: by document, account and tax, on both sides alike, and equal to what the documents say."""

from __future__ import annotations

from datetime import date

import pytest
from odoo_shop import LINES, PAYMENT_FIELDS, Line, Shop

from magodoo.connectors.odoo import record_trees
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.versions import Version
from magodoo.money import to_units

REVENUE = [["account_id.account_type", "not in", ["asset_receivable", "liability_payable"]]]


def booked(shop: Shop) -> tuple[int, int]:
    """An invoice over goods and shipping, and a payment of a part in a provider's journal."""
    shop.confirmed_order(1, (*LINES, Line("SHIPPING", "1", "5.00", "5.00")))
    move = shop.posted_invoice(1, 1)
    client = shop.client
    (payment,) = shop.load_payments(shop.payment_rows(move, 1, "50.00")).ids.values()
    client.payments.post([payment])
    return move, payment


def test_the_items_of_an_invoice_sum_to_its_totals(shop: Shop, client: OdooClient) -> None:
    move, _ = booked(shop)
    (row,) = client.documents.by_ids("invoice", [move]).rows
    sums = client.general_ledger.sums([["move_id", "=", move], *REVENUE], ["move_id", "currency_id", "tax_line_id"])
    net = -sum(one["amount_currency"] for one in sums if one["tax_line_id"] is None)
    tax = -sum(one["amount_currency"] for one in sums if one["tax_line_id"] is not None)
    assert (net, tax) == (to_units(row["amount_untaxed"]), to_units(row["amount_tax"]))
    assert {one["move_id"] for one in sums} == {move}
    assert client.general_ledger.entries([move])[move]["name"] == row["name"]


def test_tax_bases_are_summed_for_each_of_their_taxes(shop: Shop, client: OdooClient) -> None:
    move, _ = booked(shop)
    lines = client.general_ledger.items(
        [["move_id", "=", move], ["tax_ids", "!=", False]], ["tax_ids", "amount_currency"]
    )
    wanted: dict[int, int] = {}
    for line in lines:
        for tax in line["tax_ids"]:
            wanted[tax] = wanted.get(tax, 0) + to_units(line["amount_currency"])
    found = client.general_ledger.sums([["move_id", "=", move], ["tax_ids", "!=", False]], ["tax_ids", "currency_id"])
    assert {row["tax_ids"]: row["amount_currency"] for row in found} == wanted
    assert wanted


def test_the_older_api_gives_the_same_sums(shop: Shop, client: OdooClient) -> None:
    booked(shop)
    new = client.general_ledger.sums([], ["account_id", "journal_id", "currency_id"])
    transport = client.rpc.transport
    own = transport.version
    transport.version = Version(18)  # 19 still answers read_group
    try:
        old = client.general_ledger.sums([], ["account_id", "journal_id", "currency_id"])
    finally:
        transport.version = own
    key = sorted(repr(sorted(row.items())) for row in new)
    assert sorted(repr(sorted(row.items())) for row in old) == key
    assert key


def test_money_held_by_a_provider_is_open_on_its_clearing_account(shop: Shop, client: OdooClient) -> None:
    _, payment = booked(shop)
    (account,) = {
        row["account_id"]
        for row in client.general_ledger.sums([["payment_id", "=", payment], ["balance", ">", 0]], ["account_id"])
    }
    captured = [["account_id", "=", account], ["payment_id.payment_type", "=", "inbound"]]
    (row,) = client.general_ledger.sums(captured, ["currency_id"], ["amount_currency"])
    assert (row["amount_currency"], row["count"]) == (500_000, 1)
    assert client.general_ledger.sums([["account_id", "=", account], ["payment_id", "=", False]], ["currency_id"]) == []
    (item,) = client.general_ledger.items(
        [["account_id", "=", account], ["reconciled", "=", False], ["amount_residual", "!=", 0]],
        ["amount_residual_currency"],
    )
    assert to_units(item["amount_residual_currency"]) == 500_000
    assert client.master_data.accounts([account])[account]["account_type"] == "asset_current"


@pytest.mark.parametrize("nested", [True, False])
def test_an_amount_open_on_a_date_includes_what_was_paid_later(
    shop: Shop, client: OdooClient, monkeypatch: pytest.MonkeyPatch, nested: bool
) -> None:
    """An invoice of October, paid in part in November and in part in December; a credit note that a refund closed in November."""
    if not nested:  # before 17 the items are read model by model
        monkeypatch.setattr(record_trees, "NESTED_READ_SINCE", 99)
    shop.confirmed_order(1, (*LINES, Line("SHIPPING", "1", "5.00", "5.00")))
    invoice = shop.posted_invoice(1, 1, day="2026-10-20")
    memo = shop.posted_invoice(2, 1, kind="out_refund", day="2026-10-25")
    for number, (move, amount, day, inbound) in enumerate(
        [
            (invoice, "50.00", "2026-11-20", True),
            (invoice, "10.00", "2026-12-02", True),
            (memo, "83.66", "2026-11-20", False),
        ]
    ):
        (row,) = shop.payment_rows(move, number, amount, inbound=inbound)
        row[PAYMENT_FIELDS.index("date")] = day
        (payment,) = shop.load_payments([row]).ids.values()
        client.payments.post([payment])
        client.payments.reconcile_one(payment, move)
    (total,) = {to_units(row["amount_total"]) for row in client.documents.by_ids("invoice", [invoice]).rows}
    receivable = [["account_id.account_type", "=", "asset_receivable"], ["move_id", "in", [invoice, memo]]]

    def told(day: date) -> dict[int, int]:
        return {row["move_id"]: row["open"] for row in client.general_ledger.open_items(receivable, day, page=1)}

    assert told(date(2026, 10, 19)) == {}
    assert told(date(2026, 10, 31)) == {invoice: total, memo: -836_600}
    assert told(date(2026, 11, 30)) == {invoice: total - 500_000}
    assert told(date(2026, 12, 31)) == {invoice: total - 600_000}
