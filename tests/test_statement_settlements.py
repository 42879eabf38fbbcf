"""The monthly statement of orders that were settled in every other way than by one payment each: nothing is left unexplained."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from accountant import account, bank_line, entry_against, unbooked_payment, unmatch, wizard
from settlements import half_credited
from shop_and_books import ShopAndBooks, amount

from magodoo.money import from_units
from magodoo.pipeline import statement
from magodoo.statement.periods import Month


def test_the_month_is_explained_whatever_settled_its_invoices(pair: ShopAndBooks) -> None:
    names = ("bank", "short", "charges", "entry", "lost", "write-off", "note", "unbooked", "gone")
    orders = {name: pair.order({"SKU-005": 2}, "cashondelivery") for name in names}
    pair.chain()
    moves = {name: pair.bill(order) for name, order in orders.items()}
    bank_line(pair, [moves["bank"], moves["short"]], Decimal("200.00"))
    bank_line(pair, [moves["charges"]], charges=Decimal("3.00"))
    entry_against(pair, moves["entry"], account(pair, "liability_current"))
    entry_against(pair, moves["lost"], account(pair, "expense"))
    rest = {"payment_difference_handling": "reconcile", "writeoff_account_id": account(pair, "expense")}
    wizard(pair, [moves["write-off"]], amount=10.0, **rest)
    half_credited(pair, moves["note"])
    bank_line(pair, [moves["note"]])
    unbooked_payment(pair, [moves["unbooked"]], Decimal("111.09"))
    bank_line(pair, [moves["gone"]])
    pair.chain()
    unmatch(pair, moves["gone"])
    pair.chain()
    pushed = {name for name, order in orders.items() if pair.invoices(order)}
    assert pushed == {"bank", "charges", "gone"}
    assert [row["type"] for row in pair.reported(orders["gone"])] == ["payment_reversed"]
    pair.look()
    kept = statement.make(pair.context(), Month.of(datetime.now(UTC), pair.instance.zone))
    assert (kept.body["unexplained"], kept.unexplained) == ([], False)
    (deducted,) = kept.body["annexes"]["deducted"]
    assert (deducted["what"], from_units(deducted["amount"])) == ("bank_charges", Decimal("3.00"))
    assert deducted["number"] == pair.moves(orders["charges"])[0]["name"]
    invoices = next(row for row in kept.body["rows"] if (row["currency"], row["kind"]) == ("USD", "invoice"))
    missing = from_units(invoices["steps"]["finding:missing_in_magento"]["total"])
    assert amount(missing) == Decimal("111.09") * (len(names) - len(pushed))
