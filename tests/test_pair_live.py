"""The whole chain on a real pair: a live Magento and a live Odoo 19, each with documents that the other lacks.

`make test-pair` runs it. One settings file, two connections, the goods in Odoo; one round in `apply`, one that must find nothing.
What came of it is read from the two systems, never from the pipeline's tables; only what was reported stands there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from live_administrator import Administrator
from live_shop import CONFIGURABLE, COUPON, DYNAMIC, FIXED, LiveShop, missing_login
from sqlalchemy import text

from magodoo import staging
from magodoo.magento import MagentoClient, Track
from magodoo.magento.http import Http
from magodoo.odoo.client import OdooClient
from magodoo.pipeline import extract, load, quality, reconcile
from magodoo.pipeline.context import Context
from magodoo.sandbox.seed.books import Books
from magodoo.sandbox.seed.shop import History, Shop
from magodoo.sandbox.seed.write import demo_settings
from magodoo.settings import read_settings
from magodoo.stack.live_odoo import live_odoo
from magodoo.vocabulary import MATCHED_KINDS, Kind

pytestmark = [
    pytest.mark.live_pair,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(bool(missing_login()), reason=f"not run: {missing_login()}"),
]

Row = dict[str, Any]
GOODS = {"LIVE-A": True, "LIVE-B": True, "LIVE-C-RED": True, "LIVE-V": False, FIXED: True}
TWO_LINES = [("LIVE-A", 3), ("LIVE-B", 2)]
NOTE = "made by a person"
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


class Desk(Shop):
    """What the clerks of the books see of the live shop: rows as the shop shows them now."""

    def __init__(self, shop: LiveShop) -> None:
        self.client = MagentoClient(shop.connection)

    def row(self, kind: str, entity_id: int) -> Any:
        return next(row for page in self.client.by_ids(kind, [entity_id]) for row in page.rows)


class LivePair:
    """Both systems, the people in them, and the chain between."""

    def __init__(self, shop: LiveShop, odoo: Any, staging_url: str, folder: Path) -> None:
        self.shop, self.odoo = shop, odoo
        self.begun = datetime.now(UTC).replace(microsecond=0)
        self.client, self.http = MagentoClient(shop.connection), Http(shop.connection)
        self.engine = staging.connect(staging_url)
        self.desk = Desk(shop)
        self.admin = OdooClient(odoo.connection("admin"))
        self.books = Books(Administrator(self.admin), self.desk, "us")
        self.books.provision({sku: (sku, ZERO, storable) for sku, storable in GOODS.items()})
        self.settings = self._settings(folder)
        self.orders: dict[str, int] = {}
        self.runs = 0
        self.counts: Row = {}

    def _settings(self, folder: Path) -> Any:
        """The one settings file."""
        written = demo_settings(self.begun)
        instance = written["instances"]["us"]
        instance["books_from"] = (self.begun - timedelta(seconds=1)).replace(tzinfo=None).isoformat(sep=" ")
        instance |= {"mode": {"default": "apply"}, "credit_memos": {"to_magento": "when_paid"}}
        path = folder / "magodoo.yaml"
        path.write_text(yaml.safe_dump(written))
        return read_settings(path)

    def context(self) -> Context:
        self.runs += 1
        return Context(
            settings=self.settings,
            instance=self.settings.instances["us"],
            engine=self.engine,
            magento=MagentoClient(self.shop.connection),
            odoo=OdooClient(self.odoo.connection("sync")),
            dag_run=f"pair__{self.runs}",
        )

    def look(self) -> None:
        extract.run(self.context(), "magento")
        extract.run(self.context(), "odoo")
        reconcile.run(self.context())

    def round(self) -> Row:
        self.look()
        quality.run(self.context())
        return dict(load.run(self.context()))

    def sql(self, statement: str, **values: Any) -> list[Row]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]

    # People

    def buy(self, name: str, cart: Any = TWO_LINES, **options: str) -> tuple[int, dict[str, int]]:
        order = self.orders[name] = self.shop.buy(cart, **options)
        items = self.desk.row("order", order)["items"]
        return order, {item["sku"]: item["item_id"] for item in items if not item.get("parent_item_id")}

    def everything(self, order: int, *, ship: bool = True) -> None:
        """The shop invoices and ships all of an order."""
        self.http.write("POST", f"/order/{order}/invoice", {})
        if ship:
            self.http.write("POST", f"/order/{order}/ship", {"tracks": [Track(f"1Z{order}", "UPS", "ups").body()]})

    def history(self, name: str, payment: str) -> History:
        return History(self.orders[name], self.begun, payment)

    # What both hold

    def in_shop(self, order: int) -> dict[Kind, list[Row]]:
        return {
            kind: [row for page in self.client.by_order(kind, [order]) for row in page.rows] for kind in MATCHED_KINDS
        }

    def in_books(self, order: int) -> dict[str, list[Row]]:
        number = self.desk.row("order", order)["increment_id"]
        rows = Administrator(self.admin)
        sales = rows.call(
            "sale.order",
            "search_read",
            domain=[["client_order_ref", "=", number]],
            fields=["name", "state", "amount_total"],
        )
        origins = [number, *(row["name"] for row in sales)]
        fields = ["move_type", "amount_total", "amount_tax", "state", "payment_state"]
        moves = rows.call(
            "account.move",
            "search_read",
            domain=[["invoice_origin", "in", origins], ["state", "=", "posted"]],
            fields=fields,
        )
        pickings = rows.call(
            "stock.picking", "search_read",
            domain=[["sale_id", "in", [row["id"] for row in sales]], ["state", "=", "done"], ["picking_type_code", "=", "outgoing"]],
            fields=["carrier_tracking_ref"],
        )  # fmt: skip
        return {
            "sales": [row for row in sales if row["state"] != "cancel"],
            "invoices": [row for row in moves if row["move_type"] == "out_invoice"],
            "notes": [row for row in moves if row["move_type"] == "out_refund"],
            "pickings": pickings,
        }

    def account(self, name: str) -> tuple[Row, Row]:
        """Amounts and tracking numbers of an order's documents, of the shop and of the books."""
        shop, books = self.in_shop(self.orders[name]), self.in_books(self.orders[name])

        def amounts(rows: list[Row], *fields: str) -> list[list[Decimal]]:
            return sorted([cents(row.get(field)) for field in fields] for row in rows)

        def numbers(text: Any) -> list[str]:
            return sorted(each for each in str(text or "").split(",") if each)

        return (
            {
                "invoices": amounts(shop[Kind.INVOICE], "grand_total", "tax_amount"),
                "notes": amounts(shop[Kind.CREDIT_MEMO], "grand_total", "tax_amount"),
                "deliveries": sorted(
                    sorted(t["track_number"] for t in row.get("tracks") or []) for row in shop[Kind.SHIPMENT]
                ),
            },
            {
                "invoices": amounts(books["invoices"], "amount_total", "amount_tax"),
                "notes": amounts(books["notes"], "amount_total", "amount_tax"),
                "deliveries": sorted(numbers(row["carrier_tracking_ref"]) for row in books["pickings"]),
            },
        )

    def state(self) -> Row:
        """Every document of the orders as it stands, to compare before and after."""
        return {name: (self.in_shop(order), self.in_books(order)) for name, order in self.orders.items()}


def cents(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))


def shop_alone(pair: LivePair) -> None:
    """Documents that only the shop has."""
    for name, cart, options in (
        ("whole", TWO_LINES, {}),
        ("transfer", TWO_LINES, {"payment": "banktransfer"}),
        ("kinds", [(CONFIGURABLE, 2), (DYNAMIC, 1), (FIXED, 1), ("LIVE-V", 1)], {}),
        ("coupon", TWO_LINES, {"coupon": COUPON}),
        ("euro", TWO_LINES, {"store": "eu", "country": "DE"}),
        ("virtual", [("LIVE-V", 2)], {}),
    ):
        order, _ = pair.buy(name, cart, **options)  # type: ignore[arg-type]
        pair.everything(order, ship=name != "virtual")
    order, items = pair.buy("parts")
    pair.client.create_invoice(order, [(items["LIVE-A"], TWO)], NOTE)
    pair.client.create_invoice(order, [(items["LIVE-A"], ONE), (items["LIVE-B"], TWO)], NOTE)
    pair.client.create_shipment(order, [(items["LIVE-A"], TWO)], [Track("1ZP1"), Track("1ZP2")], NOTE)
    order, items = pair.buy("refunded")
    pair.everything(order)
    pair.client.create_credit_memo(order, [(items["LIVE-A"], ONE)], TWO, ONE, ZERO, NOTE)
    order, items = pair.buy("euro refunded", store="eu", country="DE", coupon=COUPON)
    pair.everything(order)
    pair.client.create_credit_memo(order, [(items["LIVE-B"], ONE)], ONE, ZERO, ZERO, NOTE)
    pair.buy("pending")
    order, _ = pair.buy("cancelled")
    pair.client.cancel_order(order)


def books_alone(pair: LivePair) -> None:
    """Documents that only the books have; a clerk entered the orders, one was linked by an earlier import."""
    for name, linked in (("billed", True), ("billed by hand", False), ("delivered in part", True)):
        pair.buy(name, payment="cashondelivery")
        history = pair.history(name, "cashondelivery")
        pair.books.order(history, linked=linked)
        items = pair.desk.money_items(history.order)
        if name != "delivered in part":
            move = pair.books.invoice_of_order(history)
            pair.books.moves[f"inv_{-move}"] = move
            (row,) = pair.books.call("account.move", "read", [move], fields=["amount_residual"])
            pair.books.pay(history, f"inv_{-move}", cents(row["amount_residual"]), "USD")
        quantity = ONE if name == "delivered in part" else None
        pair.books.deliver(
            history,
            {item["item_id"]: quantity or Decimal(str(item["qty_ordered"])) for item in items},
            tracking=[f"DHL{history.order}"],
        )


@pytest.fixture(scope="module")
def pair(module_staging_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePair]:
    """The pair after its one round, with what that round counted in `counts`."""
    shop = LiveShop()
    shop.provision()
    folder = tmp_path_factory.mktemp("pair")
    with live_odoo() as odoo, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAGODOO_DATA_DOCS", str(folder / "docs"))
        made = LivePair(shop, odoo, module_staging_url, folder)
        shop_alone(made)
        books_alone(made)
        made.counts = made.round()
        made.look()
        yield made
        made.engine.dispose()


BOTH = ("whole", "transfer", "kinds", "coupon", "euro", "virtual", "parts", "refunded", "euro refunded", "billed", "billed by hand",
        "delivered in part")  # fmt: skip


@pytest.mark.parametrize("name", BOTH)
def test_both_hold_the_same_documents(pair: LivePair, name: str) -> None:
    key = str(pair.orders[name])
    told = pair.sql("select type, kind, message from finding where order_key = :key and resolved_at is null", key=key)
    told += pair.sql(
        "select kind, state, reason from change where order_key = :key and state not in ('done', 'superseded')", key=key
    )
    shop, books = pair.account(name)
    assert shop == books, told
    assert any(shop.values()), "nothing was compared"


def test_what_is_not_to_be_written_is_not(pair: LivePair) -> None:
    assert not pair.in_books(pair.orders["pending"])["sales"], "a pending cheque is imported when it is paid"
    assert not pair.in_books(pair.orders["cancelled"])["sales"]


def test_every_remaining_difference_is_a_finding(pair: LivePair) -> None:
    """No change is left without an end, and no document without its match unless a finding names it."""
    unfinished = pair.sql(
        "select kind, source_number, state, reason from change where state not in ('done', 'superseded')"
    )
    assert unfinished == []
    for name, order in pair.orders.items():
        shop, books = pair.account(name)
        findings = pair.sql("select type from finding where order_key = :key and resolved_at is null", key=str(order))
        assert shop == books or findings, name


def test_a_second_run_changes_nothing(pair: LivePair) -> None:
    before = pair.state()
    known = pair.sql("select count(*) as n from change where state <> 'superseded'")
    counts = pair.round()
    assert counts["applied"] == 0, counts
    assert pair.sql("select count(*) as n from change where state <> 'superseded'") == known
    assert pair.state() == before
