"""A month of sales over both sandboxes in which everything happens that a statement has a line for, and what it must say.

What is expected is added up here from the rows of the two systems when things happen, never from staging: amounts of Magento's own
tables, amounts that Odoo's own interface gives.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from components import made_of, validate
from shop_and_books import ShopAndBooks, amount

from magodoo.statement.periods import Month
from magodoo_sandbox.magento import Line
from magodoo_sandbox.seed.books import Entry
from magodoo_sandbox.seed.plants import EXCLUDED_EMAIL

ZONE = ZoneInfo("America/New_York")
INVOICE, MEMO = "invoice", "credit_memo"
Place = tuple[str, str, str]  # currency, kind, line


@dataclass
class Sold:
    """The month, and by place what its total (with tax) must be."""

    pair: ShopAndBooks
    month: Month
    expected: dict[Place, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    orders: dict[str, int] = field(default_factory=dict)
    moves: dict[str, int] = field(default_factory=dict)
    open: dict[str, Decimal] = field(default_factory=dict)  # by Odoo's number: what was open at the month's end

    def add(self, line: str, total: Any, currency: str = "USD", kind: str = INVOICE) -> None:
        self.expected[currency, kind, line] += Decimal(str(total))

    def at(self, day: int, hour: int = 12, minute: int = 0) -> datetime:
        """A local moment of the month; day 0 is the last one of the month before."""
        return datetime.combine(self.month.first + timedelta(days=day - 1), time(hour, minute), ZONE).astimezone(UTC)


def policy(month: Month) -> dict[str, Any]:
    """The cut-over is in the morning of the month's fifth day."""
    return {
        "time_zone": "America/New_York",
        "books_from": f"{month.first + timedelta(days=4)} 06:00:00",
        "closed_period": "post_in_open_period",
        "separate_duties": True,
    }


def sell(pair: ShopAndBooks) -> Sold:
    """Let everything happen; the pair is under `policy` already."""
    sold = Sold(pair, Month.of(datetime.now(UTC), ZONE).before)
    pair.shop.add_product("SKU-UNKNOWN", name="Odoo has none", price=Decimal("21.50"), stock=100)
    for happen in (
        _before_the_cut_over, _of_another_month, _plain, _partial, _in_euro, _excluded, _at_the_last_minute, _booked_later, _rounded,
        _different, _missing, _paid_on_delivery, _kits_and_bundles, _hand_made, _journal_entry,
    ):  # fmt: skip
        happen(sold)
    pair.at(0)
    pair.chain()
    pair.chain()
    pair.look()
    _posted_after_closing(sold)
    _deliveries(sold)
    _payout(sold)
    pair.at(0)
    _paid_since(sold)
    pair.look()
    return sold


# What happens


def _order(sold: Sold, name: str, moment: datetime, lines: Any = None, **options: Any) -> int:
    pair = sold.pair
    order = pair.order(lines or {"SKU-001": 2, "SKU-002": 3}, days_ago=_ago(moment), **options)
    sold.orders[name] = order
    return order


def _ago(moment: datetime) -> float:
    return (datetime.now(UTC).replace(microsecond=0) - moment) / timedelta(days=1)


def _go_to(pair: ShopAndBooks, moment: datetime) -> None:
    pair.shop.now = pair.odoo.db.now = moment


def _invoice(sold: Sold, order: int, moment: datetime, items: Any = None, *, counted: bool = True) -> dict[str, Any]:
    pair = sold.pair
    _go_to(pair, moment)
    number = pair.shop.invoice(order, items)
    row = pair.shop_row("invoice", number)
    pair.at(0)
    if counted:
        sold.add("magento", row["grand_total"], row["order_currency_code"])
    return row


def _in_odoo(sold: Sold, total: Any, currency: str = "USD", kind: str = INVOICE) -> None:
    for line in ("odoo", "ledger"):
        sold.add(line, total, currency, kind)


def _booked(sold: Sold, order: int, row: dict[str, Any], day: date, change: Any = None) -> Decimal:
    """A clerk enters the order and its invoice, dated so."""
    pair = sold.pair
    pair.enter_order(order)
    move = pair.books.invoice(pair.histories[order], row["entity_id"], post=False, change=change)
    pair.call("account.move", "write", [move], vals={"invoice_date": f"{day}", "date": f"{day}"})
    pair.call("account.move", "action_post", [move])
    (made,) = pair.rows("account.move", [["id", "=", move]], "amount_total date")
    assert made["date"] == f"{day}"
    sold.moves[f"of {order}"] = move
    return amount(made["amount_total"])


def _plain(sold: Sold) -> None:
    order = _order(sold, "plain", sold.at(8), payment="card")
    row = _invoice(sold, order, sold.at(9))
    _in_odoo(sold, row["grand_total"])


def _partial(sold: Sold) -> None:
    """Two invoices over parts, and a credit memo over a part of the first."""
    pair = sold.pair
    order = _order(sold, "partial", sold.at(8), {"SKU-001": 3, "SKU-003": 2})
    items = pair.items(order)
    first = _invoice(sold, order, sold.at(9), {items["SKU-001"]: 2})
    second = _invoice(sold, order, sold.at(10), {items["SKU-001"]: 1, items["SKU-003"]: 2})
    _in_odoo(sold, first["grand_total"])
    _in_odoo(sold, second["grand_total"])
    _go_to(pair, sold.at(12))
    memo = pair.shop.refund(order, {items["SKU-001"]: 1}, shipping=0)
    row = pair.shop_row("credit_memo", memo)
    sold.add("magento", row["grand_total"], kind=MEMO)
    sold.add("rounding", amount(row["grand_total"]) - Decimal(str(row["grand_total"])), kind=MEMO)
    _in_odoo(sold, amount(row["grand_total"]), kind=MEMO)


def _in_euro(sold: Sold) -> None:
    """The German store: another currency, another rate of tax, taxed shipping; a refund of everything too."""
    pair = sold.pair
    person = pair.desk.address("eu", "ute@example.com", "Ute", "Groß")
    order = _order(sold, "euro", sold.at(14), {"SKU-004": 2}, store="eu", billing=person)
    row = _invoice(sold, order, sold.at(14, 15))
    _in_odoo(sold, row["grand_total"], "EUR")
    other = _order(sold, "euro back", sold.at(15), {"SKU-005": 1}, store="eu", billing=person)
    row = _invoice(sold, other, sold.at(15, 15))
    _in_odoo(sold, row["grand_total"], "EUR")
    _go_to(pair, sold.at(20))
    memo = pair.shop_row("credit_memo", pair.shop.refund(other))
    sold.add("magento", memo["grand_total"], "EUR", MEMO)
    _in_odoo(sold, memo["grand_total"], "EUR", MEMO)


def _excluded(sold: Sold) -> None:
    order = _order(sold, "excluded", sold.at(11), email=EXCLUDED_EMAIL)
    row = _invoice(sold, order, sold.at(11, 14))
    sold.add("excluded", -Decimal(str(row["grand_total"])))


def _before_the_cut_over(sold: Sold) -> None:
    order = _order(sold, "early", sold.at(2))
    row = _invoice(sold, order, sold.at(3))
    sold.pair.touch(order)  # it is read at all
    sold.add("before_books_from", -Decimal(str(row["grand_total"])))


def _of_another_month(sold: Sold) -> None:
    """Invoiced on the evening before the month, booked by a clerk in it."""
    order = _order(sold, "of the month before", sold.at(0, 10))
    row = _invoice(sold, order, sold.at(0, 22), counted=False)
    total = _booked(sold, order, row, sold.month.first + timedelta(days=1))
    assert total == amount(row["grand_total"])
    sold.add("of_another_month", total)
    _in_odoo(sold, total)


def _at_the_last_minute(sold: Sold) -> None:
    """Half an hour before the month ends here, it has begun in UTC: no difference in time."""
    last = sold.month.last.day
    order = _order(sold, "last minute", sold.at(last, 23, 20))
    row = _invoice(sold, order, sold.at(last, 23, 30))
    assert str(row["created_at"])[:10] == f"{sold.month.next.first}"
    _in_odoo(sold, row["grand_total"])


def _booked_later(sold: Sold) -> None:
    """Invoiced on the last day, booked by a clerk on the first one of the next month."""
    order = _order(sold, "booked later", sold.at(sold.month.last.day, 9))
    row = _invoice(sold, order, sold.at(sold.month.last.day, 10))
    _booked(sold, order, row, sold.month.next.first)
    sold.add("booked_in_another_month", -Decimal(str(row["grand_total"])))


def _dearer(by: str) -> Any:
    def change(entries: list[Entry]) -> None:
        entry = next(one for one in entries if one.sku == "SHIPPING")
        entry.price, entry.net = entry.price + Decimal(by), entry.net + Decimal(by)
        entry.base_net += Decimal(by)

    return change


def _rounded(sold: Sold) -> None:
    order = _order(sold, "rounded", sold.at(16))
    row = _invoice(sold, order, sold.at(16, 14))
    total = _booked(sold, order, row, sold.at(16).date(), _dearer("0.01"))
    sold.add("rounding", total - amount(row["grand_total"]))
    _in_odoo(sold, total)


def _different(sold: Sold) -> None:
    order = _order(sold, "different", sold.at(17))
    row = _invoice(sold, order, sold.at(17, 14))
    total = _booked(sold, order, row, sold.at(17).date(), _dearer("7.00"))
    assert total - amount(row["grand_total"]) == 7
    sold.add("finding:total_mismatch", 7)
    _in_odoo(sold, total)


def _missing(sold: Sold) -> None:
    """Odoo does not know the product, so that nothing can be written."""
    order = _order(sold, "missing", sold.at(18), {"SKU-UNKNOWN": 1})
    row = _invoice(sold, order, sold.at(18, 14))
    sold.add("finding:missing_in_odoo", -Decimal(str(row["grand_total"])))


def _paid_on_delivery(sold: Sold) -> None:
    _order(sold, "delivered", sold.at(19), {"SKU-006": 4}, payment="cashondelivery")


def _kits_and_bundles(sold: Sold) -> None:
    """SKU-009 is a kit in Odoo, of two SKU-010 and one SKU-011; Magento has bundles of a dynamic and of a fixed price."""
    for name, lines in (("kit", {"SKU-009": 3}), ("bundle", [Line("BUNDLE-DYN", 2)])):
        order = _order(sold, name, sold.at(13), lines)
        row = _invoice(sold, order, sold.at(13, 15))
        _in_odoo(sold, row["grand_total"])
    _order(sold, "kit sent", sold.at(13), {"SKU-009": 2}, payment="cashondelivery")
    _order(sold, "fixed bundle", sold.at(13), [Line("BUNDLE-FIX", 2)], payment="cashondelivery")


def _hand_made(sold: Sold) -> None:
    """An invoice of the same journal that has nothing to do with the shop."""
    pair = sold.pair
    (stranger,) = pair.call("res.partner", "create", vals_list=[{"name": "Walk-in", "email": "walkin@example.com"}])
    tax = pair.books.names.taxes[Decimal("8.25")]
    line = {
        "product_id": pair.books.names.products["SKU-012"],
        "quantity": 1,
        "price_unit": 100,
        "tax_ids": [[6, 0, [tax]]],
    }
    values = {
        "move_type": "out_invoice", "partner_id": stranger, "invoice_date": f"{sold.at(21).date()}", "invoice_line_ids": [[0, 0, line]],
    }  # fmt: skip
    (move,) = pair.call("account.move", "create", vals_list=[values])
    pair.call("account.move", "action_post", [move])
    sold.moves["not Magento"] = move
    sold.add("ledger:not_magento", "108.25")
    sold.add("ledger", "108.25")


def _journal_entry(sold: Sold) -> None:
    """A correction of the revenue in the sales journal, booked by hand against the bank."""
    pair = sold.pair
    accounts = {row["code"]: row["id"] for row in pair.rows("account.account", [["company_ids", "in", [1]]], "code")}
    lines = [
        [0, 0, {"account_id": accounts["400000"], "credit": 12.5, "name": "correction"}],
        [0, 0, {"account_id": accounts["101401"], "debit": 12.5, "name": "correction"}],
    ]
    entry = {
        "move_type": "entry", "journal_id": pair.books.names.journals["INV"], "date": f"{sold.at(22).date()}", "line_ids": lines,
    }  # fmt: skip
    (move,) = pair.call("account.move", "create", vals_list=[entry])
    pair.call("account.move", "action_post", [move])
    sold.moves["entry"] = move
    sold.add("ledger:entries_by_hand", "12.5")
    sold.add("ledger", "12.5")


def _posted_after_closing(sold: Sold) -> None:
    """The month is closed; an invoice of it that comes late is posted today, with approval."""
    pair = sold.pair
    pair.call("res.company", "write", [1], vals={"sale_lock_date": f"{sold.month.last}"})
    order = _order(sold, "closed", sold.at(23))
    row = _invoice(sold, order, sold.at(24))
    pair.touch(order)
    pair.chain()
    pair.approve(order)
    pair.chain()
    pair.call("res.company", "write", [1], vals={"sale_lock_date": False})
    (move,) = pair.moves(order)
    assert move["date"] > f"{sold.month.last}" >= move["invoice_date"]
    sold.moves["closed"] = move["id"]
    sold.add("booked_in_another_month", -Decimal(str(row["grand_total"])))


def _deliveries(sold: Sold) -> None:
    """The warehouse delivers one order before the customer is invoiced, and a part of another; kits and parts of bundles too.

    Of three kits that were sold one is delivered, then two; the first comes back.
    """
    pair, orders = sold.pair, sold.orders
    _go_to(pair, sold.at(25))
    done = [
        pair.deliver(orders["delivered"], {"SKU-006": 3}),
        pair.deliver(orders["plain"], {"SKU-001": 2, "SKU-002": 1}),
        pair.deliver(orders["bundle"], {"SKU-002": 4}),
        pair.deliver(orders["fixed bundle"], {"BUNDLE-FIX": 1}),
    ]
    for name, parts in (("kit sent", (2,)), ("kit", (1, 2))):
        made_of(pair, orders[name], {"SKU-010": 2 * sum(parts), "SKU-011": sum(parts)})
        for kits in parts:
            picking = next(row for row in pair.pickings(orders[name]) if row["state"] != "done")
            validate(pair, picking["id"], dict(zip(picking["move_ids"], (2 * kits, kits), strict=True)))
            done.append(picking["id"])
    done.append(pair.books.give_back(done[-2]))
    pair.at(0)
    pair.call("stock.picking", "write", done, vals={"carrier_tracking_ref": "1Z"})  # it is read again


def _payout(sold: Sold) -> None:
    """The provider pays out 30.00; somebody books it from the clearing account to the bank. Another 20.00 come, and are matched, today."""
    _book_payout(sold, 30.0, sold.at(26).date())
    moved = _book_payout(sold, 20.0, datetime.now(UTC).date())
    pair = sold.pair
    on_it = [["account_id.name", "=", "Card payments clearing"]]
    captured, *_ = pair.rows("account.move.line", [*on_it, ["payment_id", "!=", False]], "id")
    (paid_out,) = pair.rows("account.move.line", [*on_it, ["move_id", "=", moved]], "id")
    pair.call("account.move.line", "reconcile", [captured["id"], paid_out["id"]])


def _book_payout(sold: Sold, amount: float, day: date) -> int:
    pair = sold.pair
    accounts = {row["name"]: row["id"] for row in pair.rows("account.account", [["company_ids", "in", [1]]], "name")}
    lines = [
        [0, 0, {"account_id": accounts["Bank"], "debit": amount, "name": "payout"}],
        [0, 0, {"account_id": accounts["Card payments clearing"], "credit": amount, "name": "payout"}],
    ]
    entry = {
        "move_type": "entry", "journal_id": pair.books.names.journals["MISC"], "date": f"{day}", "ref": "payout", "line_ids": lines,
    }  # fmt: skip
    (move,) = pair.call("account.move", "create", vals_list=[entry])
    pair.call("account.move", "action_post", [move])
    return int(move)


def _paid_since(sold: Sold) -> None:
    """What was owed at the month's end and is paid today, in part or whole; what was paid in time."""
    today = datetime.now(UTC).date()
    (different,), (rounded,), (before,), (euro,) = (
        sold.pair.moves(sold.orders[name]) for name in ("different", "rounded", "of the month before", "euro")
    )
    _pay(sold, before, sold.at(20).date())
    _pay(sold, rounded, sold.at(28).date(), 4)
    for move in (different, rounded, euro):
        _pay(sold, move, today)
    (memo,) = sold.pair.notes(sold.orders["partial"])
    assert memo["amount_residual"]
    _pay(sold, memo, today)
    sold.open = {move["name"]: amount(move["amount_total"]) for move in (different, rounded, euro, memo)}
    sold.open[rounded["name"]] -= 4


def _pay(sold: Sold, move: dict[str, Any], day: date, part: int = 0) -> None:
    """A clerk registers a payment of what is open, or of a part, by Odoo's wizard."""
    pair = sold.pair
    context = {"active_model": "account.move", "active_ids": [move["id"]]}
    values = {
        "payment_date": f"{day}",
        "journal_id": pair.books.names.journals["BNK1"],
        **({"amount": part} if part else {}),
    }
    wizard = pair.call("account.payment.register", "create", vals_list=[values], context=context)
    pair.call("account.payment.register", "action_create_payments", wizard, context=context)
    (left,) = pair.rows("account.move", [["id", "=", move["id"]]], "amount_residual")
    assert bool(left["amount_residual"]) == bool(part)
