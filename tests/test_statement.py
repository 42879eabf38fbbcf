"""The monthly statement over both systems: every line against numbers added up apart from it, and damage that nothing explains."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import statement_month
from shop_and_books import ShopAndBooks, amount
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from statement_month import ZONE, Sold

from magodoo.errors import FixDocument
from magodoo.money import from_units
from magodoo.pipeline import statement
from magodoo.statement import schedules, store, summary
from magodoo.statement.periods import Month

Row = dict[str, Any]
KITS = ("kit", "kit sent")  # orders


@pytest.fixture(scope="module")
def sold(pair: ShopAndBooks) -> Iterator[Sold]:
    """The month, under its policy for all tests of this module."""
    month = Month.of(datetime.now(UTC), ZONE).before
    with pair.policy(**statement_month.policy(month)):
        yield statement_month.sell(pair)


@pytest.fixture(scope="module")
def kept(sold: Sold) -> store.Kept:
    return statement.make(sold.pair.context(), sold.month)


@pytest.fixture(scope="module")
def body(kept: store.Kept) -> Row:
    return kept.body


def figures(body: Row) -> dict[tuple[str, str, str], Decimal]:
    """Totals of all lines that are not zero, by currency, kind and line."""
    found = {}
    for row in body["rows"]:
        lines = {name: row[name] for name in ("magento", "odoo", "ledger")} | row["steps"]
        lines |= {f"ledger:{name}": one for name, one in row["ledger_steps"].items()}
        found |= {
            (row["currency"], row["kind"], line): from_units(one["total"])
            for line, one in lines.items()
            if one["total"]
        }
    return found


def test_every_line_of_the_statement_has_the_expected_amount(sold: Sold, body: Row) -> None:
    wanted = {place: total for place, total in sold.expected.items() if total}
    assert figures(body) == wanted


def test_nothing_is_unexplained(kept: store.Kept) -> None:
    assert (kept.body["unexplained"], kept.unexplained) == ([], False)


def test_the_month_in_short_adds_up_and_says_what_must_be_paid(body: Row) -> None:
    for one in summary.table(body):
        magento, settings, findings, unexplained, odoo, others, left, ledger = one.amounts
        assert (magento + settings + findings + unexplained, odoo + others + left) == (odoo, ledger)
        assert (unexplained, left) == (0, 0)
    (invoices,) = (one for one in summary.table(body) if one.title == "Invoices in USD")
    row = next(row for row in body["rows"] if (row["currency"], row["kind"]) == ("USD", "invoice"))
    missing, different = (row["steps"][f"finding:{name}"]["total"] for name in ("missing_in_odoo", "total_mismatch"))
    assert invoices.amounts[2] == missing + different
    left = f"{from_units(abs(missing) + abs(different)):.2f} USD"
    assert summary.verdict(body) == f"agrees except for uncorrected differences of {left}"
    assert f"Missing in Odoo {from_units(missing):.2f} USD, Totals differ 7.00 USD" in summary.sentence(body)
    memos = {**body, "uncorrected": {}, "rows": [row for row in body["rows"] if row["kind"] == "credit_memo"]}
    assert summary.verdict(memos) == summary.AGREES


def test_every_cell_adds_up(body: Row) -> None:
    for row in body["rows"]:
        for cell in row["cells"]:
            lines = dict(cell["lines"])
            nothing = {"net": 0, "tax": 0}
            magento, odoo = lines.pop("magento", nothing), lines.pop("odoo", nothing)
            for part in ("net", "tax"):
                assert magento[part] + sum(one[part] for one in lines.values()) == odoo[part]
        for part in ("net", "tax", "total"):
            assert sum(cell["lines"].get("odoo", {}).get(part, 0) for cell in row["cells"]) == row["odoo"][part]
    places = {(row["currency"], cell["country"], cell["rate"]) for row in body["rows"] for cell in row["cells"]}
    assert {("USD", "US", "8.25"), ("EUR", "DE", "19")} <= places


def test_the_ledger_s_accounts_and_taxes_are_those_of_odoo(sold: Sold, body: Row) -> None:
    """Balances as Odoo's own items give them, one by one."""
    month = sold.month
    domain = [
        ["company_id", "=", 1],
        ["parent_state", "=", "posted"],
        ["date", ">=", f"{month.first}"],
        ["date", "<=", f"{month.last}"],
    ]
    items = sold.pair.rows("account.move.line", [*domain, ["account_id.code", "=", "400000"]], "balance")
    (account,) = body["accounts"]
    assert account["code"] == "400000"
    assert from_units(account["balance"]) == -sum(Decimal(str(item["balance"])) for item in items)
    assert account["balance"] == sum(
        row["company"]["ledger"] * (1 if row["kind"] == "invoice" else -1) for row in body["rows"]
    )
    for tax in body["taxes"]:
        assert (tax["net"], tax["tax"]) == (tax["documents_net"], tax["documents_tax"])


def test_the_table_by_country_adds_up_to_the_accounts_and_to_the_taxes(body: Row) -> None:
    rows = [row for row in body["annexes"]["tax_by_country"] if row["span"] == "month"]
    assert sum(row["net"] + row["tax"] for row in rows) == sum(row["own_journals"] for row in body["accounts"])
    of_one = [row for row in rows if row["tax_name"] == "US 8.25%"]
    known = [row for row in body["taxes"] if row["tax_name"] == "US 8.25%"]
    for part in ("net", "tax"):
        signed = [row[part] * (1 if row["kind"] == "invoice" else -1) for row in known]
        assert sum(row[part] for row in of_one) == sum(signed) != 0
    assert {("US 8.25%", "US"), ("DE 19%", "DE")} <= {(row["tax_name"], row["country"]) for row in rows}
    assert {row["span"] for row in body["annexes"]["tax_by_country"]} == {"month", "quarter_to_date"}
    free = [row["net"] for row in rows if row["rate"] == "0" or row["what"]]
    by_hand = [row["net"] for row in body["annexes"]["entries_by_hand"]]  # in the accounts, and no sale
    assert sum(row["net"] for row in body["annexes"]["zero_rated"]) == sum(free) - sum(by_hand)


def test_the_schedules_list_what_is_open(sold: Sold, body: Row) -> None:
    annexes, orders = (
        body["annexes"],
        {name: sold.pair.shop.order(order)["increment_id"] for name, order in sold.orders.items()},
    )
    kits = {orders[name] for name in KITS}
    delivered = [row for row in annexes["delivered_not_invoiced"] if row["order_number"] not in kits]
    assert [(row["order_number"], row["sku"], row["quantity"]) for row in delivered] == [
        (orders["delivered"], "SKU-006", 30_000), (orders["fixed bundle"], "BUNDLE-FIX", 10_000),
    ], "a bundle of a fixed price as one"  # fmt: skip
    waiting = {(row["order_number"], row["sku"]): row["quantity"] for row in annexes["invoiced_not_delivered"]}
    assert waiting[orders["plain"], "SKU-002"] == 20_000
    assert (orders["plain"], "SKU-001") not in waiting
    assert waiting[orders["partial"], "SKU-001"] == 20_000, "three invoiced, one refunded"
    assert waiting[orders["bundle"], "SKU-006"] == 20_000, "of the bundle one part is not delivered"
    assert (orders["bundle"], "SKU-002") not in waiting
    owed = {row["order_number"] for row in annexes["open_receivables"]}
    assert orders["plain"] not in owed
    assert {orders["partial"], orders["rounded"]} <= owed
    assert orders["closed"] not in owed, "its accounting date lies after the month"
    assert [row["order_number"] for row in annexes["posted_after_closing"]] == [orders["closed"]]
    assert annexes["gaps"] == [], "the number of the entry by hand is no gap"
    (rounding,) = annexes["rounding"]
    assert (rounding["net"], rounding["notable"]) == (100, False)


def test_the_schedules_count_kits_and_not_their_components(sold: Sold, body: Row) -> None:
    numbers = {sold.pair.shop.order(sold.orders[name])["increment_id"] for name in KITS}
    delivered, waiting = (
        [(row["sku"], row["quantity"]) for row in body["annexes"][name] if row["order_number"] in numbers]
        for name in ("delivered_not_invoiced", "invoiced_not_delivered")
    )
    assert (delivered, waiting) == ([("SKU-009", 20_000)], [("SKU-009", 10_000)]), (
        "one of three that were invoiced came back"
    )


def test_an_amount_open_at_month_end_is_listed_though_it_was_paid_since(sold: Sold, body: Row) -> None:
    annexes, pair = body["annexes"], sold.pair
    told = {row["number"]: from_units(row["open"]) for row in annexes["open_receivables"] + annexes["refunds_to_pay"]}
    assert {number: told.get(number) for number in sold.open} == sold.open
    rows = pair.rows("account.move", [["name", "in", list(told)]], "name amount_residual")
    now = {row["name"]: amount(row["amount_residual"]) for row in rows}
    assert {number: now[number] for number in sold.open} == dict.fromkeys(sold.open, 0)
    assert {number: told[number] for number in told.keys() - sold.open} == {
        number: now[number] for number in told.keys() - sold.open
    }
    paid_in_time = sold.pair.moves(sold.orders["of the month before"])[0]["name"]
    assert paid_in_time not in told


def test_a_store_that_no_instance_reads_is_named_with_what_it_made(sold: Sold, body: Row) -> None:
    pair, month = sold.pair, sold.month
    assert body["annexes"]["unread_stores"] == [], "without `stores` all of them are read"
    views = {view["code"]: int(view["id"]) for view in pair.context().magento.store_views()}
    euro = [
        pair.shop_row("invoice", row["entity_id"])
        for name in ("euro", "euro back")
        for row in pair.invoices(sold.orders[name])
    ]
    assert {row["store_id"] for row in euro} == {views["eu"]}
    others = tuple(number for number in views.values() if number not in (0, views["eu"]))
    with pair.policy(stores=others):
        made = schedules.unread_stores(pair.context().magento, [pair.instance], pair.instance, month)
    assert made == [{"store": views["eu"], "code": "eu", "invoices": 2, "credit_memos": 1}]
    second = pair.instance.model_copy(update={"id": "eu", "stores": (views["eu"],)})
    first = pair.instance.model_copy(update={"stores": others})
    assert schedules.unread_stores(pair.context().magento, [first, second], first, month) == []


def test_documents_without_a_store_that_every_instance_ignores_are_named(sold: Sold, body: Row) -> None:
    assert body["annexes"]["without_store"] == [], "without `stores` all of them are read"
    pair, month = sold.pair, sold.month
    rows = {
        kind: row
        for kind, found in (("invoice", pair.invoices), ("credit_memo", pair.memos))
        for name in ("euro", "euro back")
        for row in found(sold.orders[name])
    }
    stores = {kind: row["store_id"] for kind, row in rows.items()}
    for row in rows.values():
        row["store_id"] = None
    try:
        shop = pair.context().magento
        first = pair.instance.model_copy(update={"stores": (1,), "deleted_stores": "ignore"})
        second = first.model_copy(update={"id": "eu", "stores": (2,)})
        made = schedules.without_store(shop, [first, second], first, month)
        assert sorted((row["kind"], row["number"], row["source_id"]) for row in made) == sorted(
            (kind, row["increment_id"], str(row["entity_id"])) for kind, row in rows.items()
        )
        for change in ({"deleted_stores": "report"}, {"deleted_stores": "ours"}, {"stores": ()}):
            reads_them = second.model_copy(update=change)
            assert schedules.without_store(shop, [first, reads_them], first, month) == []
    finally:
        for kind, row in rows.items():
            row["store_id"] = stores[kind]
    told = {**body, "annexes": {**body["annexes"], "without_store": made}}
    assert f" {len(made)} documents are not counted here" in summary.sentence(told)
    assert summary.sentence(body) in summary.sentence(told), "the verdict itself stays"


def test_the_clearing_account_shows_what_nobody_has_cleared(sold: Sold, body: Row) -> None:
    (row,) = [row for row in body["clearing"] if row["currency"] == "USD"]
    (invoice,) = sold.pair.invoices(sold.orders["plain"])
    captured = amount(invoice["grand_total"])
    told = {
        name: from_units(row[name]) for name in ("opening", "captured", "refunded", "others", "closing", "unexplained")
    }
    assert told == {
        "opening": 0, "captured": captured, "refunded": 0, "others": -30, "closing": captured - 30, "unexplained": 0,
    }  # fmt: skip
    assert [from_units(item["open"]) for item in row["old"]] == [captured]


def test_the_same_documents_give_the_same_statement(sold: Sold, kept: store.Kept) -> None:
    again = statement.make(sold.pair.context(), sold.month)
    assert (again.id, again.hash, again.intact) == (kept.id, kept.hash, True)


# Damage, last: each test leaves its own behind.


def unexplained(made: store.Kept) -> dict[str, Decimal]:
    """By number, what nothing explains; the sums of the rows are checked against it."""
    named = {row["number"]: from_units(row["total"]) for row in made.body["unexplained"]}
    steps = sum(
        row["steps"]["unexplained"]["total"] + row["ledger_steps"]["unexplained"]["total"] for row in made.body["rows"]
    )
    assert from_units(steps) == sum(named.values())
    return named


def test_an_invoice_posted_after_the_last_extract_is_named(sold: Sold) -> None:
    pair = sold.pair
    line = {
        "product_id": pair.books.names.products["SKU-012"],
        "quantity": 1,
        "price_unit": 11,
        "tax_ids": [[6, 0, []]],
    }
    (stranger,) = pair.call("res.partner", "create", vals_list=[{"name": "Late"}])
    values = {
        "move_type": "out_invoice", "partner_id": stranger, "invoice_date": f"{sold.at(27).date()}", "invoice_line_ids": [[0, 0, line]],
    }  # fmt: skip
    (move,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [move])
    (name,) = [row["name"] for row in pair.rows("account.move", [["id", "=", move]], "name")]
    made = statement.make(pair.context(), sold.month)
    assert (made.unexplained, unexplained(made)) == (True, {name: 11})
    pair.look()
    assert not statement.make(pair.context(), sold.month).unexplained


@pytest.mark.parametrize(
    ("damage", "side"),
    [
        ("update document set grand_total = grand_total + 50000 where {which}", "magento"),
        ("delete from finding where magento_id = '{id}' and kind = 'invoice'", "missing"),
        ("update pair set ended_at = now() where magento_id = '{id}' and kind = 'invoice'", "pair"),
    ],
)
def test_an_unexplained_change_in_odoo_is_named_with_its_amount(sold: Sold, damage: str, side: str) -> None:
    pair = sold.pair
    (row,) = pair.invoices(sold.orders["missing" if side == "missing" else "plain"])
    which = f"side = 'magento' and kind = 'invoice' and source_id = '{row['entity_id']}'"
    total = amount(row["grand_total"])
    with pair.engine.connect() as connection:
        number = connection.scalar(text(f"select number from document where side = 'odoo' and kind = 'invoice' and source_id = (select odoo_id from pair where kind = 'invoice' and magento_id = '{row['entity_id']}' order by id desc limit 1)"))  # fmt: skip
    wanted = {
        "magento": {row["increment_id"]: Decimal(-5)}, "missing": {row["increment_id"]: -total},
        "pair": {row["increment_id"]: -total, number: total},
    }[side]  # fmt: skip
    saved = _tables(pair)
    with pair.engine.begin() as connection:
        connection.execute(text(damage.format(which=which, id=row["entity_id"])))
    try:
        made = statement.make(pair.context(), sold.month)
        assert (made.unexplained, unexplained(made)) == (True, wanted)
        assert summary.verdict(made.body) == summary.UNEXPLAINED
        assert ("one document is named" if len(wanted) == 1 else "2 documents are named") in summary.sentence(made.body)
    finally:
        _restore(pair, saved)
    assert not statement.make(pair.context(), sold.month).unexplained


def _tables(pair: ShopAndBooks) -> dict[str, list[Any]]:
    with pair.engine.connect() as connection:
        return {
            "document": list(connection.execute(text("select side, kind, source_id, grand_total from document"))),
            "finding": list(connection.execute(text("select to_jsonb(f)::text from finding f"))),
            "pair": list(connection.execute(text("select id, ended_at from pair"))),
        }


def _restore(pair: ShopAndBooks, saved: dict[str, list[Any]]) -> None:
    with pair.engine.begin() as connection:
        for side, kind, source_id, total in saved["document"]:
            connection.execute(
                text(
                    "update document set grand_total = :total where side = :side and kind = :kind and source_id = :id"
                ),
                {"total": total, "side": side, "kind": kind, "id": source_id},
            )
        for id_, ended in saved["pair"]:
            connection.execute(text("update pair set ended_at = :ended where id = :id"), {"id": id_, "ended": ended})
        for (row,) in saved["finding"]:
            connection.execute(
                text("insert into finding overriding system value select * from jsonb_populate_record(null::finding, cast(:row as jsonb))"
                     " on conflict do nothing"),
                {"row": row},
            )  # fmt: skip


# The signature


def test_a_signed_statement_is_frozen_and_what_comes_later_shows_as_changes(sold: Sold) -> None:
    pair = sold.pair
    made = statement.make(pair.context(), sold.month)
    with pair.engine.begin() as connection:
        with pytest.raises(FixDocument, match="made again"):
            store.sign(connection, made.id, "another hash", "anna", "", datetime.now(UTC))
        with pytest.raises(FixDocument, match="Nobody has prepared"):
            store.sign(connection, made.id, made.hash, "anna", "", datetime.now(UTC))
        store.prepare(connection, made.id, made.hash, "bert", datetime.now(UTC))
        with pytest.raises(FixDocument, match="another person"):
            store.sign(connection, made.id, made.hash, "bert", "", datetime.now(UTC))
        store.sign(connection, made.id, made.hash, "anna", "", datetime.now(UTC), all_noted(made.body))
    for damage in (
        "update statement set body = '{}' where id = :id", "delete from statement where id = :id",
        "update statement_document set net = 0 where statement_id = :id", "delete from statement_document where statement_id = :id",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="frozen"), pair.engine.begin() as connection:
            connection.execute(text(damage), {"id": made.id})
    counts = statement.run(pair.context())
    assert counts["mails"] == 0, "nothing changed since it was signed"
    late = pair.bill(sold.orders["delivered"], post=False)
    day = f"{sold.at(28).date()}"
    pair.call("account.move", "write", [late], vals={"invoice_date": day, "date": day})
    pair.call("account.move", "action_post", [late])
    pair.look()
    with pair.engine.connect() as connection:
        frozen = store.signed(connection, "us", sold.month.first)
        assert frozen is not None
        (looked_at,) = store.changes(connection, frozen, sold.month)
    assert statement.run(pair.context())["mails"] == 1
    with pair.engine.connect() as connection:
        frozen, now = store.signed(connection, "us", sold.month.first), store.latest(connection, "us", sold.month.first)
        assert frozen is not None and now is not None
        changes = store.changes(connection, frozen, sold.month)
        (month,) = store.months(connection, ["us"])
        mail = connection.execute(
            text("select subject, pdf, csv from mail where topic = 'statement' order by id desc limit 1")
        ).one()
    assert (frozen.hash, frozen.signed_by, frozen.intact, month.changed) == (made.hash, "anna", True, True)
    (change,) = changes
    assert looked_at == {**change, "line_after": None}, "seen at once, explained by the next statement"
    assert change["line_after"] is not None
    (entry,) = pair.rows("account.move", [["id", "=", late]], "name amount_total")
    assert (change["number"], change["total_before"], from_units(change["total_after"])) == (
        entry["name"],
        None,
        amount(entry["amount_total"]),
    )
    moved = {one["line"]: from_units(one["after"] - one["before"]) for one in store.moved_lines(frozen.body, now.body)}
    assert moved["odoo"] == moved["ledger"] == amount(entry["amount_total"])
    assert "changes after sign-off" in mail.subject
    assert bytes(mail.pdf).startswith(b"%PDF") and entry["name"] not in mail.subject
    with pytest.raises(FixDocument, match="signed before"), pair.engine.begin() as connection:
        store.sign(connection, now.id, now.hash, "bert", "", datetime.now(UTC))
    assert month.state == "changed since anna approved it"
    revise(sold, now)


def revise(sold: Sold, now: store.Kept) -> None:
    """The changed month is prepared and signed again: version 2 says what moved, version 1 stays."""
    first, engine = sold.month.first, sold.pair.engine
    with engine.begin() as connection:
        store.prepare(connection, now.id, now.hash, "anna", datetime.now(UTC))
        (month,) = store.months(connection, ["us"])
        assert month.state == "changed since anna approved it; revision prepared by anna"
        store.sign(connection, now.id, now.hash, "bert", "one more invoice", datetime.now(UTC), all_noted(now.body))
    with engine.connect() as connection:
        one, two = store.signed(connection, "us", first, 1), store.signed(connection, "us", first)
        assert one is not None and two is not None
        assert [(kept.version, kept.signed_by, kept.intact) for kept in (one, two)] == [
            (1, "anna", True),
            (2, "bert", True),
        ]
        assert store.moved_lines(one.body, two.body)
        (month,) = store.months(connection, ["us"])
    assert month.state == "revised by bert"
    with engine.begin() as connection:
        with pytest.raises(FixDocument, match="where it was filed"):
            store.file(connection, two.id, "bert", " ", datetime.now(UTC))
        store.file(connection, two.id, "bert", "return of the month", datetime.now(UTC))
    with pytest.raises(DBAPIError, match="stays recorded"), engine.begin() as connection:
        connection.execute(text("delete from statement_filing"))
    with engine.connect() as connection:
        assert [month.state for month in store.months(connection, ["us"])] == ["filed"]


def all_noted(body: Row) -> dict[str, str]:
    return dict.fromkeys(store.to_note(body), "looked at")


def test_a_month_that_is_not_over_cannot_be_signed(sold: Sold) -> None:
    pair = sold.pair
    made = statement.make(pair.context(), Month.of(datetime.now(UTC), ZONE))
    with pytest.raises(FixDocument, match="not over"), pair.engine.begin() as connection:
        store.sign(connection, made.id, made.hash, "anna", "note", datetime.now(UTC))


def test_amounts_that_magento_cannot_refund_are_listed(sold: Sold) -> None:
    """Both are refunded, and some cents of one are left; of a third the merchant kept the shipping on purpose."""
    pair, day = sold.pair, sold.at(12)
    orders = [pair.order(days_ago=(datetime.now(UTC) - day).total_seconds() / 86_400) for _ in range(3)]
    pair.shop.now = day
    for order in orders:
        pair.shop.invoice(order)
        pair.shop.refund(order, shipping=0 if order is orders[2] else None)
    pair.at(0)
    (memo,) = pair.memos(orders[0])
    for name in ("discount_amount", "base_discount_amount", "grand_total", "base_grand_total"):
        memo[name] = Decimal(str(memo.get(name) or 0)) - Decimal("0.16")
    for order in orders:
        pair.touch(order)
    pair.look()
    (row,) = statement.make(pair.context(), sold.month).body["annexes"]["residues"]
    assert (row["order_number"], from_units(row["open"])) == (
        pair.shop.order(orders[0])["increment_id"],
        Decimal("0.16"),
    )
    assert row["invoiced"] - row["refunded"] == row["open"]


def test_each_use_of_a_remainder_that_is_mapped_by_payment_method_is_listed(sold: Sold) -> None:
    pair, day = sold.pair, sold.at(13)
    ago = (datetime.now(UTC) - day).total_seconds() / 86_400
    orders = [pair.order(payment="cashondelivery", days_ago=ago) for _ in range(2)]
    pair.shop.now = day
    for order in orders:
        pair.shop.invoice(order)
    pair.at(0)
    for document in (pair.shop.order(orders[0]), *pair.invoices(orders[0])):
        for name in ("grand_total", "base_grand_total"):
            document[name] = Decimal(str(document[name])) + Decimal("5.33")
    fee = {"nature": "charge", "product": "FEE", "remainder": {"payment_method": "cashondelivery", "amount": "5.33"}}
    with pair.policy(extra_totals={"cod_fee": fee}):
        for order in orders:
            pair.touch(order)
        pair.chain()
        (row,) = statement.make(pair.context(), sold.month).body["annexes"]["remainders"]
    assert (row["number"], row["order_number"]) == tuple(
        each["increment_id"] for each in (*pair.invoices(orders[0]), pair.shop.order(orders[0]))
    )
    assert (from_units(row["net"]), row["tax"], row["payment_method"]) == (Decimal("5.33"), 0, "cashondelivery")


def test_a_payment_that_a_lock_date_moved_is_posted_after_closing(sold: Sold) -> None:
    pair, day = sold.pair, sold.at(14)
    order = pair.order(payment="card", days_ago=(datetime.now(UTC) - day).total_seconds() / 86_400)
    pair.shop.now = pair.odoo.db.now = day
    invoice = pair.shop.invoice(order)
    pair.enter_order(order)
    pair.books.invoice(pair.histories[order], invoice)
    pair.at(0)
    pair.call("res.company", "write", [1], vals={"fiscalyear_lock_date": f"{sold.month.last}"})
    pair.books.pay(pair.histories[order], f"inv_{invoice}", amount(pair.invoices(order)[0]["grand_total"]), "USD")
    pair.call("res.company", "write", [1], vals={"fiscalyear_lock_date": False})
    pair.touch(order)
    pair.look()
    moved = statement.make(pair.context(), sold.month).body["annexes"]["posted_after_closing"]
    (row,) = [row for row in moved if row["kind"] == "payment"]
    assert row["day"] <= f"{sold.month.last}" < row["accounting_date"]
    assert from_units(row["total"]) == amount(pair.invoices(order)[0]["grand_total"])
