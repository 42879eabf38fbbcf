"""A small shop and its books over HTTP with a staging database: customers and clerks act, the chain runs, both systems are read.

What people do in the shop is `MagentoShop`'s, what they do in Odoo is the seed's `Books`, written apart from the pipeline's own
requests. What came of it is read from the systems themselves, never from the pipeline's tables; only what was reported
(findings, mails) stands there.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from permit import permit
from sqlalchemy import text

from magodoo import staging
from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.context import Context
from magodoo.ledger import decisions
from magodoo.notifications import alerts
from magodoo.pipeline import extract, load, quality, reconcile
from magodoo.quality import gate
from magodoo.settings import Instance, Settings
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import Address, Line
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import RunningSandbox as RunningOdoo
from magodoo_sandbox.seed.books import HAND, Books
from magodoo_sandbox.seed.shop import CARD, History, Shop
from magodoo_sandbox.seed.write import demo_settings

Row = dict[str, Any]
GOODS = {"SKU-001": 2, "SKU-002": 3}
NO_LIMITS = {
    "changes_per_run": 10**6, "changes_per_day": 10**6, "document_amount": 10**6, "run_amount": 10**9, "refund_amount": 10**6,
    "first_writes": 0,
}  # fmt: skip
DAY = timedelta(days=1)


class ShopAndBooks:
    """Both systems and the chain between them. Orders are Magento's order ids throughout."""

    def __init__(
        self, shop: Shop, books: Books, magento: RunningMagento, odoo: RunningOdoo, staging_url: str, **policy: Any
    ) -> None:
        self.shop, self.books = shop.magento, books
        self.desk = shop
        self.magento, self.odoo = magento, odoo
        self.engine = staging.connect(staging_url)
        self.instance = Instance.model_validate(merged(_instance(), policy))
        self.histories: dict[int, History] = {}
        self.looked = True
        self.teller = ""
        self.tellers: dict[str, str] = {}
        self._people = itertools.count(1)
        self._runs = itertools.count(1)

    # The chain

    def context(self) -> Context:
        permit(self.engine, self.instance)
        return Context(
            settings=Settings(instances={"us": self.instance}),
            instance=self.instance,
            engine=self.engine,
            magento_client=MagentoClient(
                MagentoConnection(self.magento.url, BearerToken(self.magento.token)), sleep=lambda seconds: None
            ),
            odoo_client=OdooClient.connect(
                self.books_connection(),
                number_fields=self.instance.odoo.reference_fields,
                delivery_key=self.instance.odoo.delivery_key_field,
            ),
            dag_run=f"test__{next(self._runs)}",
            now=lambda: datetime.now(UTC),
        )

    def books_connection(self) -> OdooConnection:
        """Odoo as the restricted user that the pipeline works as."""
        return OdooConnection(self.odoo.url, self.odoo.db.name, "sync-key", self.instance.odoo.company_id, "sync")

    @contextmanager
    def policy(self, **policy: Any) -> Iterator[None]:
        """Other settings for a while."""
        usual = self.instance
        self.instance = Instance.model_validate(merged(usual.model_dump(exclude_unset=True), policy))
        try:
            yield
        finally:
            self.instance = usual

    def look(self) -> Row:
        """Extract both sides and reconcile what is due."""
        context = self.context()
        self.looked = True
        extract.run(context, "magento")
        extract.run(context, "odoo")
        return reconcile.run(context)

    def chain(self, *, data_docs: bool = False) -> Row:
        """One round; `data_docs` judges with every check of the suites, otherwise the gate is told that none failed."""
        counts: Row = {"reconcile": self.look()}
        if data_docs:
            counts["quality"] = quality.run(self.context())
        else:
            self.release()
        counts["load"] = load.run(self.context())
        self.looked = False
        return counts

    def release(self) -> None:
        """The gate's verdict on what waits, were no check to fail."""
        with self.engine.begin() as connection:
            gate.judge(connection, self.instance, ())

    def find_more_to_do(self) -> dict[str, str]:
        """Another round, which must find nothing to do. Returns by story what it planned or wrote all the same."""
        known, writes = self._changes("true"), len(self.writes())
        done = self._changes("state = 'done'")
        self.look()
        load.run(self.context())
        more = (self._changes("state <> 'superseded'") - known) | (self._changes("state = 'done'") - done)
        if len(self.writes()) != writes and not more:
            return dict.fromkeys(self.tellers.values(), f"{self.writes()[writes:]}")
        return {
            self.tellers[order]: f"{what}: {state} {reason or ''}" for _, order, what, state, reason in self._told(more)
        }

    def run(self, **options: Any) -> Row:
        """One round, then another, which must find nothing more to do. Returns the counts of the first."""
        counts = self.chain(**options)
        assert self.find_more_to_do() == {}, "a second run has something to do"
        return counts

    def _changes(self, condition: str) -> set[int]:
        with self.engine.connect() as connection:
            return set(connection.scalars(text(f"select id from change where {condition}")))

    def _told(self, changes: set[int]) -> list[Any]:
        statement = (
            "select id, order_key, kind || ' of ' || source_number, state, reason from change where id = any(:ids)"
        )
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement), {"ids": list(changes)}))

    def writes(self) -> list[str]:
        """The calls that write which both systems have received so far."""
        posts = [entry["path"] for entry in self.magento.app.log if entry["method"] != "GET"]
        return posts + [entry["path"] for entry in self.odoo.app.log if _writes(str(entry["path"]))]

    def approve(self, order: int) -> None:
        """A person agrees to what waits of an order."""
        statement = "select id from change where order_key = :order and approval = 'waiting' and state = 'planned'"
        with self.engine.begin() as connection:
            waiting = list(connection.scalars(text(statement), {"order": str(order)}))
            decisions.approve(connection, waiting, "clerk", "", utc_now())

    # The shop

    def order(self, lines: Mapping[str, int] | Sequence[Line] = GOODS, payment: str = "banktransfer", *, days_ago: float = 0,
              email: str = "", **more: Any) -> int:  # fmt: skip
        """An order of a customer of its own; a card's payment is authorised, as a provider does."""
        number = next(self._people)
        cart = [Line(sku, quantity) for sku, quantity in lines.items()] if isinstance(lines, Mapping) else list(lines)
        person = Address(
            firstname="Kim",
            lastname=f"No {number}",
            street=(f"{number} Elm St",),
            email=email or f"kim{number}@example.com",
        )
        self.at(days_ago)
        options = {"billing": person, "shipping_amount": Decimal(5), **more}
        order = self.shop.place_order(cart, payment=payment, **options)
        if payment == CARD:
            self.shop.authorize(order)
        self.tellers[str(order)] = self.teller
        self.histories[order] = History(order, self.shop.now or datetime.now(UTC), payment)
        self.at(0)
        return order

    def at(self, days_ago: float) -> None:
        """What happens next in the shop and in Odoo happens so many days ago; 0 is now."""
        moment = datetime.now(UTC).replace(microsecond=0) - days_ago * DAY if days_ago else None
        self.shop.now = self.odoo.db.now = moment

    def touch(self, order: int, minutes_ago: float = 0) -> None:
        """Somebody saved the order and its documents just now: their `updated_at` moves."""
        stamp = f"{datetime.now(UTC) - timedelta(minutes=minutes_ago):%Y-%m-%d %H:%M:%S}"
        tables = self.shop.tables
        for row in (
            self.shop.order(order),
            *self.invoices(order),
            *self.shipments(order),
            *tables.creditmemos.of_order(order),
        ):
            row["updated_at"] = stamp

    def items(self, order: int) -> dict[str, int]:
        """Order item ids by SKU, without the parents of bundles and configurables' children."""
        return {
            item["sku"]: item["item_id"] for item in self.shop.order(order)["items"] if not item.get("parent_item_id")
        }

    def invoices(self, order: int) -> list[Row]:
        return list(self.shop.tables.invoices.of_order(order))

    def shipments(self, order: int) -> list[Row]:
        return list(self.shop.tables.shipments.of_order(order))

    def memos(self, order: int) -> list[Row]:
        return list(self.shop.tables.creditmemos.of_order(order))

    def shop_row(self, kind: str, number: int) -> Row:
        return dict(self.desk.row(kind, number))

    # Odoo

    def rows(self, model: str, domain: list[Any], fields: str) -> list[Row]:
        return list(self.call(model, "search_read", domain=domain, fields=fields.split(), order="id"))

    def call(self, model: str, method: str, ids: Any = None, **arguments: Any) -> Any:
        return self.books.call(model, method, ids, **arguments)

    def authority_answers(self, moves: list[int], state: str) -> None:
        """The authority's answer to electronic invoices arrives in Odoo."""
        self.call("account.move", "write", moves, vals={"l10n_it_edi_state": state})

    def sales(self, order: int) -> list[Row]:
        number = self.shop.order(order)["increment_id"]
        fields = "name state amount_total amount_untaxed amount_tax invoice_status client_order_ref partner_id order_line currency_id"
        return self.rows("sale.order", [["client_order_ref", "=", number]], fields)

    def moves(self, order: int, kind: str = "out_invoice") -> list[Row]:
        number = self.shop.order(order)["increment_id"]
        sale = [row["name"] for row in self.sales(order)]
        domain = [["move_type", "=", kind], ["invoice_origin", "in", [number, *sale]]]
        fields = (
            "name ref state payment_state amount_untaxed amount_tax amount_total amount_residual invoice_date date currency_id"
            " reversed_entry_id invoice_origin invoice_line_ids partner_id"
        )
        return self.rows("account.move", domain, fields)

    def notes(self, order: int) -> list[Row]:
        return self.moves(order, "out_refund")

    def payments(self, move: Row) -> list[Row]:
        """Payments of an invoice or credit note."""
        found = self.rows("account.payment", [], "amount journal_id payment_type state memo invoice_ids currency_id")
        return [row for row in found if move["id"] in row["invoice_ids"]]

    def pickings(self, order: int, kind: str = "outgoing") -> list[Row]:
        sales = [row["id"] for row in self.sales(order)]
        domain = [["sale_id", "in", sales], ["picking_type_code", "=", kind]]
        return self.rows(
            "stock.picking", domain, "name state carrier_tracking_ref carrier_id x_magento_key move_ids backorder_id"
        )

    def moved(self, picking: Row) -> dict[str, float]:
        """Quantities of a transfer by SKU."""
        rows = self.rows(
            "stock.move", [["picking_id", "=", picking["id"]]], "product_id quantity product_uom_qty state"
        )
        done = picking["state"] == "done"
        pieces: dict[str, float] = {}
        for row in rows:
            sku = self.sku(row["product_id"][0])
            pieces[sku] = pieces.get(sku, 0) + row["quantity" if done else "product_uom_qty"]
        return pieces

    def to_invoice(self, order: int) -> float:
        """What Odoo would still offer to invoice on the order."""
        rows = self.rows(
            "sale.order.line", [["order_id", "in", [row["id"] for row in self.sales(order)]]], "qty_to_invoice"
        )
        return sum(row["qty_to_invoice"] for row in rows)

    def enter_order(self, order: int, **options: Any) -> int:
        """A clerk (or an earlier run, when linked) enters the order."""
        return self.books.order(self.histories[order], **options)

    def of(self, order: int) -> History:
        """The order as the seed's books know it, with the sales order that stands for it."""
        if order not in self.books.orders:
            self.books.orders[order] = self.sales(order)[0]["id"]
        return self.histories[order]

    def bill(
        self, order: int, quantities: Mapping[str, int] | None = None, *, shipping: bool = True, post: bool = True
    ) -> int:
        """A clerk invoices the order in Odoo: all of it, or these quantities by SKU, with or without the shipping."""
        move = self.books.invoice_of_order(self.of(order), post=False)
        if quantities is not None:
            for line in self.rows(
                "account.move.line", [["move_id", "=", move], ["display_type", "=", "product"]], "product_id"
            ):
                sku = self.sku(line["product_id"][0])
                quantity = quantities.get(sku, int(shipping) if sku == "SHIPPING" else 0)
                if quantity:
                    self.call("account.move.line", "write", [line["id"]], vals={"quantity": quantity})
                else:
                    self.call("account.move.line", "unlink", [line["id"]])
        if post:
            self.call("account.move", "action_post", [move])
        return move

    def pay(self, order: int, move: int, amount: Decimal | None = None, *, outbound: bool = False) -> None:
        """A clerk registers the customer's payment in the bank journal."""
        self.books.moves[HAND] = move
        row = self.rows("account.move", [["id", "=", move]], "amount_residual currency_id")[0]
        amount = Decimal(str(row["amount_residual"])) if amount is None else amount
        self.books.pay(self.histories[order], HAND, amount, row["currency_id"][1], outbound=outbound)

    def reverse(self, move: int) -> int:
        """A credit note of a whole move, by Odoo's wizard, posted: it settles the move."""
        self.books.moves[f"inv_{-move}"] = move
        return self.books.reverse(History(0, datetime.now(UTC), ""), -move)

    def write_off(self, move: int) -> None:
        """An accountant writes off what is open of an invoice: an entry of its own, matched with it."""
        of_invoice = [["move_id", "=", move], ["display_type", "=", "payment_term"], ["reconciled", "=", False]]
        (open_,) = self.rows("account.move.line", of_invoice, "account_id amount_residual")
        (journal,) = self.rows("account.journal", [["code", "=", "MISC"]], "name")
        expense = self.rows("account.account", [["account_type", "=", "expense"]], "name")[0]["id"]
        account, rest = open_["account_id"][0], float(open_["amount_residual"])
        values = {
            "move_type": "entry", "journal_id": journal["id"],
            "line_ids": [
                [0, 0, {"account_id": expense, "balance": rest, "name": "Write-off"}],
                [0, 0, {"account_id": account, "balance": -rest, "name": "Write-off"}],
            ],
        }  # fmt: skip
        (entry,) = self.call("account.move", "create", vals_list=[values])
        self.call("account.move", "action_post", [entry])
        (counter,) = self.rows("account.move.line", [["move_id", "=", entry], ["account_id", "=", account]], "name")
        self.call("account.move.line", "reconcile", [open_["id"], counter["id"]])

    def show_in_payment(self, move: int) -> None:
        """As Odoo's Accounting app shows what is paid and not yet seen on the bank statement; Community has no such state."""
        self.odoo.db.tables["account.move"][move]["payment_state"] = "in_payment"

    def deliver(self, order: int, quantities: Mapping[str, int] | None = None, tracking: Sequence[str] = ()) -> int:
        """The warehouse validates a delivery in Odoo: everything, or quantities by SKU and a backorder."""
        history = self.of(order)
        lines = {key: item for item, key in self._sold(order).items()}
        wanted = {lines[sku]: Decimal(each) for sku, each in quantities.items()} if quantities is not None else None
        if wanted is None:
            wanted = {item["item_id"]: Decimal(str(item["qty_ordered"])) for item in self.desk.money_items(order)}
        return self.books.deliver(history, wanted, tracking=tracking)

    def _sold(self, order: int) -> dict[int, str]:
        """SKUs by item id of the items that carry money: what Odoo's order lines are."""
        return {item["item_id"]: item["sku"] for item in self.desk.money_items(order)}

    def sku(self, product: int) -> str:
        return next(sku for sku, known in self.books.names.products.items() if known == product)

    # What was reported

    def findings(self, order: int) -> set[tuple[str, str, str]]:
        """(type, kind, part) of the open findings of an order."""
        return {(row["type"], row["kind"], row["part"] or "") for row in self.reported(order)}

    def reported(self, order: int, **wanted: str) -> list[Row]:
        """The open findings of an order, whole, once what the chain wrote was looked at; `wanted` selects by columns."""
        if not self.looked:
            self.look()
        statement = "select * from finding where order_key = :order and resolved_at is null order by id"
        with self.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(text(statement), {"order": str(order)}).mappings()]
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def said_of(self, number: str) -> list[Row]:
        """The open findings that name a document by its number in the shop, whatever its order."""
        if not self.looked:
            self.look()
        statement = "select * from finding where magento_number = :number and resolved_at is null order by id"
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement), {"number": number}).mappings()]

    def last_run(self, stage: str) -> Row:
        """What was noted about the last run of a stage."""
        statement = "select instance, ok, message from run where stage = :stage order by id desc limit 1"
        with self.engine.connect() as connection:
            return dict(connection.execute(text(statement), {"stage": stage}).mappings().one())

    def unfinished(self, order: int) -> list[tuple[str, str, str]]:
        """(kind, state, reason) of the order's changes that were not done, or are not done yet."""
        statement = "select kind, state, coalesce(reason, '') from change where order_key = :order and state not in ('done', 'superseded') order by id"
        with self.engine.connect() as connection:
            return [(row[0], row[1], row[2]) for row in connection.execute(text(statement), {"order": str(order)})]

    def account_of(self, teller: str) -> str:
        """What is reported and unfinished of a story's orders, for a test that fails."""
        lines = []
        for order in (int(key) for key, name in self.tellers.items() if name == teller):
            lines += [f"order {order}: {self.unfinished(order)}"]
            lines += [
                f"  {row['type']} {row['kind']} {row['part'] or ''}: {row['message']} / {row['no_change_reason']}"
                for row in self.reported(order)
            ]
        return "\n".join(lines)

    def mails(self, words: str) -> list[str]:
        """Texts of the mails that name `words`; what is due is queued first, as a run of the gate does."""
        with self.engine.begin() as connection:
            alerts.queue_findings(connection, self.instance, "http://airflow.example", utc_now())
        with self.engine.connect() as connection:
            rows = connection.execute(text("select * from mail order by id")).mappings().all()
        return [str(dict(row)) for row in rows if words in str(dict(row))]


@contextmanager
def shop_and_books(
    staging_url: str, docs: Path, make: Callable[..., ShopAndBooks] | None = None, **policy: Any
) -> Iterator[ShopAndBooks]:
    """A pair of its own: the goods are in the shop, in Odoo and in stock; nothing was sold yet. Everything is in `apply`.

    `make` makes a pair of another class from the same arguments.
    """
    template = template_of_pairs()
    shop = copy.copy(template[0])
    shop.magento = template[0].magento.copy()
    database = OdooDatabase()
    database.load(copy.deepcopy(template[1]))
    books = Books(database, shop, "us")
    books.names = copy.deepcopy(template[2])
    with pytest.MonkeyPatch.context() as patch, RunningMagento(shop.magento) as magento, RunningOdoo(database) as odoo:
        patch.setenv("MAGODOO_DATA_DOCS", str(docs))
        pair = (make or ShopAndBooks)(shop, books, magento, odoo, staging_url, **policy)
        yield pair
        pair.engine.dispose()


@functools.cache
def template_of_pairs() -> tuple[Shop, Row, Any]:
    """Shop, state of Odoo, and the ids in it, set up once."""
    shop = Shop(1, datetime.now(UTC) - 60 * DAY)
    shop.magento.now = None
    database = OdooDatabase()
    database.provision(sync_key="sync-key", admin_key="admin-key")
    books = Books(database, shop, "us")
    books.provision(goods(shop))
    return shop, database.dump(), books.names


def goods(shop: Shop) -> dict[str, tuple[str, Decimal, bool]]:
    """What is sold, as `Books.provision` takes it."""
    sold = {
        product["sku"]: (product["name"], Decimal(str(product["price"])), product["type_id"] != "virtual")
        for product in shop.magento.tables.products
        if product["type_id"] in ("simple", "virtual") or (product["type_id"] == "bundle" and not product["_dynamic"])
    }
    return sold | {"FEE": ("Fee", Decimal(0), False)}


def _instance() -> Row:
    """The demo's settings, applying, without limits."""
    instance = demo_settings(datetime.now(UTC))["instances"]["us"]
    return merged(
        instance,
        {"id": "us", "mode": {"default": "apply"}, "limits": NO_LIMITS, "settle_seconds": 0, "lease_seconds": 60,
         "magento_overlap_seconds": 2, "odoo_overlap_seconds": 2, "quality": {"volume_share": 0}},
    )  # fmt: skip


def merged(whole: Mapping[str, Any], part: Mapping[str, Any]) -> Row:
    """`part` laid over `whole`, section by section."""
    return {**whole, **{
        name: merged(whole[name], value) if isinstance(value, Mapping) and isinstance(whole.get(name), Mapping) else value
        for name, value in part.items()
    }}  # fmt: skip


def _writes(path: str) -> bool:
    """Whether an Odoo method changes something, by its name."""
    return path.rsplit("/", 1)[-1].startswith(("load", "write", "create", "unlink", "action_", "button_", "reconcile"))


def amount(value: Any) -> Decimal:
    """An amount of either system, to the cent."""
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))


def was_refunded_unshipped(order: Row) -> bool:
    """Whether something of a Magento order was refunded before it left: imported afterwards, Odoo's order is smaller by it."""
    return any(
        item["qty_refunded"] > 0 and item["qty_ordered"] - item["qty_canceled"] > item["qty_shipped"]
        for item in order["items"]
        if item["product_type"] not in ("virtual", "downloadable")
    )
