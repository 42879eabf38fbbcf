"""docs/business-rules.md#payments and #taxes: on which account and for whom invoices and payments are booked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from shop_and_books import ShopAndBooks, amount
from stories import Story, run_chain, story

from magodoo_sandbox.magento import Address

ABROAD: dict[str, Any] = {
    "taxes": [
        {"rate": "8.25", "odoo_tax": "US 8.25%", "country": "US"},
        {"rate": "0", "odoo_tax": "0% Exempt", "country": "FR", "fiscal_position": "Receivable abroad"},
    ]
}
PARIS = Address(country="FR", city="Paris", postcode="75001", email="fr@example.com")


def receivables(pair: ShopAndBooks) -> tuple[int, int]:
    """The usual receivable account, and one for customers abroad to which the fiscal position of `ABROAD` leads."""
    domain = [["account_type", "=", "asset_receivable"], ["company_ids", "in", [pair.instance.odoo.company_id]]]
    known = {row["code"]: row["id"] for row in pair.rows("account.account", domain, "code")}
    usual = known["121000"]
    if "121999" in known:
        return usual, known["121999"]
    values = {"code": "121999", "name": "Receivable abroad", "account_type": "asset_receivable", "reconcile": True}
    (abroad,) = pair.call("account.account", "create", vals_list=[values])
    rule = {"account_src_id": usual, "account_dest_id": abroad}
    position = {"name": "Receivable abroad", "account_ids": [[0, 0, rule]]}
    pair.call("account.fiscal.position", "create", vals_list=[position])
    return usual, abroad


def booked(pair: ShopAndBooks, move: int) -> tuple[set[int], set[int]]:
    """(accounts, partners) of a document's receivable lines."""
    domain = [["move_id", "=", move], ["display_type", "=", "payment_term"]]
    rows = pair.rows("account.move.line", domain, "account_id partner_id")
    return {row["account_id"][0] for row in rows}, {row["partner_id"][0] for row in rows}


def paid_by(pair: ShopAndBooks, move: int) -> list[tuple[str, int, int]]:
    """(state, account, partner) of the payments that name a document."""
    fields = "state destination_account_id partner_id"
    rows = pair.rows("account.payment", [["invoice_ids", "in", [move]]], fields)
    return [(row["state"], row["destination_account_id"][0], row["partner_id"][0]) for row in rows]


@story(**ABROAD)
def test_the_payment_is_on_the_receivable_account_of_its_invoice(pair: ShopAndBooks) -> Story:
    _, abroad = receivables(pair)
    order = pair.order({"SKU-001": 2}, "card", billing=PARIS)
    pair.shop.invoice(order)
    yield run_chain()
    (move,) = pair.moves(order)
    (partner,) = booked(pair, move["id"])[1]
    assert paid_by(pair, move["id"]) == [("paid", abroad, partner)]
    assert (move["payment_state"], move["amount_residual"]) == ("paid", 0)


@story(**ABROAD)
def test_the_refund_s_payment_is_on_the_receivable_account_of_its_credit_note(pair: ShopAndBooks) -> Story:
    _, abroad = receivables(pair)
    order = pair.order({"SKU-001": 2}, "card", billing=PARIS)
    pair.shop.invoice(order)
    yield run_chain()
    pair.shop.refund_invoice(pair.invoices(order)[0]["entity_id"], None, online=True)
    yield run_chain()
    (note,) = pair.notes(order)
    (partner,) = booked(pair, note["id"])[1]
    assert paid_by(pair, note["id"]) == [("paid", abroad, partner)]
    assert (note["payment_state"], note["amount_residual"]) == ("paid", 0)


@story()
def test_a_customer_whose_receivable_account_changed_after_posting_pays_on_the_invoice_s(pair: ShopAndBooks) -> Story:
    usual, other = receivables(pair)
    order = pair.order({"SKU-001": 2}, "card")
    yield run_chain()
    move = pair.bill(order)
    (partner,) = booked(pair, move)[1]
    pair.call("res.partner", "write", [partner], vals={"property_account_receivable_id": other})
    pair.shop.invoice(order)
    yield run_chain()
    assert paid_by(pair, move) == [("paid", usual, partner)]
    assert pair.moves(order)[0]["payment_state"] == "paid"


@story()
def test_a_company_below_a_holding_pays_its_own_invoice(pair: ShopAndBooks) -> Story:
    at_work = Address("Kim", "Buyer", street=("1 Office Rd",), email="buyer@subsidiary.example")
    order = pair.order({"SKU-001": 2}, "card", shipping=at_work)
    yield run_chain()
    (sale,) = pair.rows("sale.order", [["id", "=", pair.sales(order)[0]["id"]]], "partner_id partner_shipping_id")
    holding, subsidiary = sale["partner_id"][0], sale["partner_shipping_id"][0]
    assert holding != subsidiary
    pair.call("res.partner", "write", [subsidiary], vals={"is_company": True})
    pair.call("sale.order", "write", [sale_id := sale["id"]], vals={"partner_invoice_id": subsidiary})
    move = pair.bill(order)
    pair.shop.invoice(order)
    yield run_chain()
    (row,) = pair.rows("account.move", [["id", "=", move]], "commercial_partner_id payment_state")
    assert (row["commercial_partner_id"][0], row["payment_state"]) == (subsidiary, "paid"), sale_id
    assert [partner for _, _, partner in paid_by(pair, move)] == [subsidiary]


@story(restless=True)
def test_a_payment_that_is_posted_and_not_matched_is_a_finding_until_the_next_run_completes_it(
    pair: ShopAndBooks,
) -> Story:
    usual, other = receivables(pair)
    order = pair.order({"SKU-001": 2}, "card")
    yield run_chain()
    move, payment = paid_apart(pair, order, other)
    yield run_chain()
    (row,) = pair.rows("account.payment", [["id", "=", payment]], "name")
    (found,) = pair.reported(order)
    assert (found["type"], found["severity"], found["who"]) == ("payment_unmatched", "critical", "accounting")
    due, number = amount(pair.moves(order)[0]["amount_residual"]), pair.moves(order)[0]["name"]
    for words in (row["name"], f"{due} USD", "121999", number, "121000"):
        assert words in found["message"], words
    assert "register no second one" in found["next_step"]
    assert [entry["payment_state"] for entry in pair.moves(order)] == ["not_paid"]
    transfer(pair, due, usual, other, [move, payment])
    yield run_chain()
    assert pair.reported(order) == []
    assert [entry["payment_state"] for entry in pair.moves(order)] == ["paid"]
    assert len(paid_by(pair, move)) == 1 and pair.unfinished(order) == []


@story(restless=True)
def test_a_payment_that_is_posted_and_not_matched_stays_a_finding_when_its_invoice_changes_in_magento(
    pair: ShopAndBooks,
) -> Story:
    usual, other = receivables(pair)
    order = pair.order({"SKU-001": 2}, "card")
    yield run_chain()
    move, payment = paid_apart(pair, order, other)
    yield run_chain()
    (invoice,) = pair.invoices(order)
    pair.shop.tables.invoices[invoice["entity_id"]] |= {"state": 3, "updated_at": pair.shop.clock.stamp()}
    pair.touch(order)
    yield run_chain()
    yield run_chain()
    (found,) = [row for row in pair.reported(order) if row["type"] == "payment_unmatched"]
    assert "is not matched with" in found["message"] and "changed since the plan" in found["message"]
    transfer(pair, amount(pair.moves(order)[0]["amount_residual"]), usual, other, [move, payment])
    yield run_chain()
    assert not [row for row in pair.reported(order) if row["type"] == "payment_unmatched"]
    assert len(paid_by(pair, move)) == 1 and pair.unfinished(order) == []


def paid_apart(pair: ShopAndBooks, order: int, account: int) -> tuple[int, int]:
    """Invoice the order in both systems and post our payment on another account. Returns Odoo's invoice and the payment."""
    move = pair.bill(order)
    pair.shop.invoice(order)
    (invoice,) = pair.invoices(order)
    return move, post_payment(pair, f"magodoo.pay_us_{invoice['entity_id']}", move, account)


def post_payment(pair: ShopAndBooks, name: str, move: int, account: int) -> int:
    """A payment of ours, as an earlier run may have posted it: on an account that is not the document's."""
    (row,) = pair.rows("account.move", [["id", "=", move]], "amount_total partner_id")
    (journal,) = pair.rows("account.journal", [["code", "=", "CARD"]], "name")
    head = {
        "id": name, "payment_type": "inbound", "partner_type": "customer", "partner_id/.id": str(row["partner_id"][0]),
        "amount": str(amount(row["amount_total"])), "journal_id/.id": str(journal["id"]),
        "destination_account_id/.id": str(account), "invoice_ids/.id": str(move),
    }  # fmt: skip
    ours = {"mode": "update", "noupdate": True, "tracking_disable": True}
    answer = pair.call("account.payment", "load", fields=list(head), data=[list(head.values())], context=ours)
    (payment,) = answer["ids"]
    pair.call("account.payment", "action_post", [payment])
    return int(payment)


def transfer(pair: ShopAndBooks, due: Decimal, to: int, source: int, documents: list[int]) -> None:
    """An accountant books a payment over to another receivable account and matches both sides."""
    move, payment = documents
    (journal,) = pair.rows("account.journal", [["code", "=", "MISC"]], "name")
    lines = [[0, 0, {"account_id": source, "debit": float(due)}], [0, 0, {"account_id": to, "credit": float(due)}]]
    values = {"move_type": "entry", "journal_id": journal["id"], "line_ids": lines}
    (entry,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [entry])
    (paid,) = pair.rows("account.payment", [["id", "=", payment]], "move_id")
    for account, moves in ((to, [entry, move]), (source, [entry, paid["move_id"][0]])):
        domain = [["move_id", "in", moves], ["account_id", "=", account], ["reconciled", "=", False]]
        items = [row["id"] for row in pair.rows("account.move.line", domain, "id")]
        pair.call("account.move.line", "reconcile", items)


HELD: dict[str, Any] = {"chronological_series": "hold"}
TODAY: dict[str, Any] = {"chronological_series": "date_today"}


def late_invoice(pair: ShopAndBooks) -> Story:
    """An order whose invoice of two days ago arrives after one of today was posted."""
    late, punctual = (pair.order({"SKU-001": 2}, "cashondelivery", days_ago=4) for _ in range(2))
    pair.shop.invoice(punctual)
    yield run_chain()
    pair.at(2)
    pair.shop.invoice(late)
    pair.at(0)
    pair.touch(late)
    yield run_chain()
    return late


@story(**HELD)
def test_a_document_dated_before_the_last_of_its_journal_is_held_where_series_follow_the_dates(
    pair: ShopAndBooks,
) -> Story:
    order = yield from late_invoice(pair)
    assert pair.moves(order) == []
    (found,) = pair.reported(order, type="out_of_series")
    assert (found["severity"], found["who"]) == ("warning", "accounting")
    assert "the last one posted is of" in found["message"]


@story(**TODAY)
def test_a_document_dated_before_the_last_of_its_journal_is_dated_today_by_setting(pair: ShopAndBooks) -> Story:
    order = yield from late_invoice(pair)
    (move,) = pair.moves(order)
    (invoice,) = pair.invoices(order)
    assert move["invoice_date"] > invoice["created_at"][:10] and move["state"] == "posted"
    numbers = pair.rows(
        "account.move", [["move_type", "=", "out_invoice"], ["state", "=", "posted"]], "name invoice_date"
    )
    by_number = [row["invoice_date"] for row in sorted(numbers, key=lambda row: row["name"])]
    assert by_number[-2:] == sorted(by_number[-2:])


@story()
def test_where_no_series_is_asked_for_a_document_keeps_its_date(pair: ShopAndBooks) -> Story:
    order = yield from late_invoice(pair)
    assert [move["invoice_date"] for move in pair.moves(order)] == [pair.invoices(order)[0]["created_at"][:10]]
