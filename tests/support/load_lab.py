"""A small shop and its Odoo, both over HTTP, with a staging database: where writers are tried.

Plans are made by hand here: what is tried is the writing, not the planning.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ledger_changes import intent_of
from permit import permit
from sqlalchemy import text

from magodoo import staging
from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.context import Context
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import MATCHED_KINDS, Kind
from magodoo.extract import magento_documents, odoo_documents
from magodoo.flows import planner
from magodoo.ledger.changes import Changes
from magodoo.ledger.decisions import Verdicts
from magodoo.ledger.planned import PlannedChange
from magodoo.pipeline import load
from magodoo.settings import Instance, Settings
from magodoo.staging import documents as staged_documents
from magodoo.staging.master_data import MasterData
from magodoo.timestamps import utc_now
from magodoo_sandbox.magento import Address, Line, MagentoShop
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import RunningSandbox as RunningOdoo

SKUS = {"A": "19.99", "B": "5.33", "C": "8.39"}
POLICY: dict[str, Any] = {
    "id": "us",
    "magento_connection": "m",
    "odoo_connection": "o",
    "mode": {"default": "apply"},
    "books_from": "2020-01-01",
    "invoices": {"to_magento": "when_posted"},
    "limits": {
        "first_writes": 0, "changes_per_run": 10**6, "changes_per_day": 10**6, "document_amount": 10**6, "run_amount": 10**9,
        "refund_amount": 10**6,
    },
    "taxes": [{"rate": "8.25", "odoo_tax": "US 8.25%"}, {"rate": "19", "odoo_tax": "DE 19%"}],
    "payment_methods": {"card": {"captured_by_provider": True, "journal": "CARD", "authorises": True}, "checkmo": {}},
    "odoo": {"pricelists": {"USD": "Magento USD", "EUR": "Magento EUR"}},
    "company_rate": "magento",
    "adjustment_tax": "none",
    "settle_seconds": 1,
    "lease_seconds": 30,
}  # fmt: skip


class Died(BaseException):
    """The worker is gone: nothing of ours runs any more."""


class Lab:
    """Both systems, their clients, and the context of a load run. `odoo` has `url`, `db` (name, call) and, in a sandbox, faults."""

    def __init__(self, magento: RunningMagento, odoo: Any, url: str, odoo_key: str = "sync-key", **policy: Any) -> None:
        self.magento, self.odoo, self.odoo_key = magento, odoo, odoo_key
        self.shop, self.db = magento.shop, odoo.db
        self.instance = Instance.model_validate({**POLICY, **policy})
        self.engine = staging.connect(url)
        self.context = self.a_context()
        self._stock_odoo()

    def a_context(self, run: str = "test") -> Context:
        permit(self.engine, self.instance)
        magento = MagentoConnection(self.magento.url, BearerToken(self.magento.token))
        odoo = OdooConnection(self.odoo.url, self.db.name, self.odoo_key, 1)
        return Context(
            settings=Settings(instances={"us": self.instance}),
            instance=self.instance,
            engine=self.engine,
            magento_client=MagentoClient(magento, sleep=lambda seconds: None),
            odoo_client=OdooClient.connect(
                odoo,
                number_fields=self.instance.odoo.reference_fields,
                delivery_key=self.instance.odoo.delivery_key_field,
            ),
            dag_run=run,
            now=lambda: datetime.now(UTC),
        )

    def with_policy(self, **policy: Any) -> None:
        self.instance = Instance.model_validate({**self.instance.model_dump(exclude_unset=True), **policy})
        self.context = self.a_context()

    def _stock_odoo(self) -> None:
        for sku, price in SKUS.items():
            values = {
                "default_code": sku,
                "name": f"Article {sku}",
                "list_price": price,
                "type": "consu",
                "is_storable": True,
            }
            values["invoice_policy"] = "order"
            (product,) = self.db.call("product.product", "create", vals_list=[values])
            quant = {"product_id": product, "location_id": self._location(), "inventory_quantity": 100_000}
            (id,) = self.db.call("stock.quant", "create", vals_list=[quant], context={"inventory_mode": True})
            self.db.call("stock.quant", "action_apply_inventory", [id])

    def _location(self) -> int:
        rows = self.db.call("stock.warehouse", "search_read", domain=[["company_id", "=", 1]], fields=["lot_stock_id"])
        return int(rows[0]["lot_stock_id"][0])

    # The shop

    def order(self, lines: dict[str, int] | None = None, payment: str = "checkmo", **more: Any) -> int:
        cart = [Line(sku, quantity) for sku, quantity in (lines or {"A": 2, "B": 3}).items()]
        more.setdefault("billing", Address(email=more.pop("email", "guest@example.com")))
        number = self.shop.place_order(cart, payment=payment, shipping_amount=Decimal(5), **more)
        if payment == "card":
            self.shop.authorize(number)
        return number

    def reverse(self, move: int) -> int:
        """The credit note that a person makes of a whole invoice in Odoo, posted and paid out, whatever the invoice is."""
        (row,) = self.records("account.move", "journal_id", [["id", "=", move]])
        context = {"active_model": "account.move", "active_ids": [move]}
        values = {"journal_id": row["journal_id"][0], "reason": "returned"}
        (wizard,) = self.db.call("account.move.reversal", "create", vals_list=[values], context=context)
        note = int(self.db.call("account.move.reversal", "refund_moves", ids=[wizard], context=context)["res_id"])
        self.db.call("account.move", "action_post", ids=[note])
        (due,) = self.records(
            "account.move.line", "id", [["move_id", "=", note], ["display_type", "=", "payment_term"]]
        )
        self.db.call("account.move.line", "remove_move_reconcile", ids=[due["id"]])
        context = {"active_model": "account.move", "active_ids": [note]}
        (wizard,) = self.db.call("account.payment.register", "create", vals_list=[{}], context=context)
        self.db.call("account.payment.register", "action_create_payments", ids=[wizard], context=context)
        return note

    def items(self, order: int) -> dict[str, int]:
        return {item["sku"]: item["item_id"] for item in self.shop.order(order)["items"]}

    # Staging

    def read(self) -> None:
        """Both sides into staging, and Odoo's master data."""
        magento, odoo, context = self.context.magento_client, self.context.odoo_client, self.context
        assert magento is not None and odoo is not None
        documents = [
            magento_documents.read(self.instance, kind, row, page.request_began_at)
            for kind in MATCHED_KINDS
            for page in magento.changed(kind, None)
            for row in page.rows
        ]
        for name in ("order", "invoice", "credit_memo", "shipment", "return"):
            for page in odoo.documents.changed(name, datetime(2000, 1, 1, tzinfo=UTC)):
                documents += [
                    odoo_documents.read(self.instance, Kind(name), row, page.request_began_at) for row in page.rows
                ]
        skus = [*SKUS, "SHIPPING", "SHIPDISC", "ADJ-PLUS", "ADJ-MINUS"]
        with context.engine.begin() as connection:
            staged_documents.stage(connection, self.instance, documents, utc_now())
            for model, key, rows in (
                ("account.tax", "name", odoo.master_data.taxes()), ("res.currency", "name", odoo.master_data.currencies()),
                ("product.pricelist", "name", odoo.master_data.pricelists()), ("account.journal", "code", odoo.master_data.journals()),
                ("res.country", "code", odoo.master_data.countries()), ("delivery.carrier", "name", odoo.master_data.carriers()),
            ):  # fmt: skip
                MasterData(connection, "us", utc_now()).replace(model, key, rows)
            MasterData(connection, "us", utc_now()).replace_products(skus, odoo.master_data.products(skus))
            MasterData(connection, "us", utc_now()).put_fact(
                "ir.config_parameter", "database.uuid", {"value": odoo.installation.database_uuid()}
            )

    # Plans

    def planned(self, kind: ChangeKind, source: int, document: Kind, order: int, **intent: Any) -> PlannedChange:
        with self.engine.connect() as connection:
            row = connection.execute(
                text(
                    "select number, grand_total, currency from document where kind = :kind and source_id = :id and side = :side"
                ),
                {"kind": document.value, "id": str(source), "side": kind.target.other.value},
            ).one()
        number, total, currency = row
        return PlannedChange(
            kind,
            str(order),
            f"order {order}",
            document,
            str(source),
            number,
            total,
            currency,
            total,
            intent_of(kind, **intent),
        )

    def plan(self, *planned: PlannedChange) -> list[int]:
        """Record and release, as reconcile and the gate do. Returns ledger ids in the order given."""
        with self.engine.begin() as connection:
            prepared = planner.prepare(connection, self.context, planned)
            assert not [problem for item in prepared for problem in item.problems], [item.problems for item in prepared]
            recorded = Changes(connection, self.instance.id).record(
                prepared, "test", {plan.order_key for plan in planned}, now=utc_now()
            )
        self.release()
        return [recorded.ids[plan.key] for plan in planned if plan.key in recorded.ids]

    def release(self) -> None:
        """The gate finds nothing wrong with whatever is planned."""
        with self.engine.begin() as connection:
            verdicts = Verdicts(connection, "us")
            verdicts.release([(row.id, row.request_hash) for row in verdicts.unchecked()])

    def whole_order(self, order: int, *invoices: int, paid: bool = False) -> list[PlannedChange]:
        plans = [self.planned(ChangeKind.ORDER_IMPORT, order, Kind.ORDER, order, confirm=True)]
        for invoice in invoices:
            plans.append(self.planned(ChangeKind.ODOO_INVOICE, invoice, Kind.INVOICE, order, post=True))
            if paid:
                plans.append(self.planned(ChangeKind.ODOO_PAYMENT, invoice, Kind.INVOICE, order, method="card"))
        return plans

    def shipped_one(self, order: int) -> PlannedChange:
        """A clerk delivers one A of the order in Odoo; what is planned in Magento for it."""
        self.plan(*self.whole_order(order))
        self.load()
        picking = self.records("stock.picking", "id move_ids")[-1]
        self.db.call("stock.move", "write", ids=picking["move_ids"], vals={"quantity": 1, "picked": True})
        quiet = {"skip_sms": True, "skip_backorder": True}
        self.db.call("stock.picking", "button_validate", ids=[picking["id"]], context=quiet)
        self.read()
        item = [[str(self.items(order)["A"]), 10_000]]
        return self.planned(ChangeKind.MAGENTO_SHIPMENT, picking["id"], Kind.SHIPMENT, order, items=item, tracks=[])

    def load(self, **options: Any) -> dict[str, int]:
        return load.run(self.context, **options)

    def state(self, change: int) -> tuple[str, str]:
        with self.engine.connect() as connection:
            row = connection.execute(text("select state, reason from change where id = :id"), {"id": change}).one()
        return row.state, row.reason or ""

    def states(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(text("select state from change order by id")))

    # Odoo

    def records(self, model: str, fields: str, domain: list[Any] | None = None) -> list[dict[str, Any]]:
        return list(self.db.call(model, "search_read", domain=domain or [], fields=fields.split(), order="id"))

    def moves(self, kind: str = "out_invoice") -> list[dict[str, Any]]:
        fields = "name state ref amount_untaxed amount_tax amount_total payment_state amount_residual"
        return self.records("account.move", fields, [["move_type", "=", kind]])


@contextmanager
def lab(url: str, *, magento_port: int = 0, odoo_port: int = 0, token: str = "", **policy: Any) -> Iterator[Lab]:
    """A lab on a staging database of its own.

    With `token` the shop knows this bearer too, for processes that are told about it before the lab is there.
    """
    database = OdooDatabase()
    database.load(copy.deepcopy(provisioned()))
    shop = stocked_shop()
    if token:
        shop.accounts.add_integration(token)
    with RunningMagento(shop, port=magento_port) as magento, RunningOdoo(database, port=odoo_port) as odoo:
        made = Lab(magento, odoo, url, **policy)
        yield made
        made.engine.dispose()


def stocked_shop() -> MagentoShop:
    """A shop with a tax and some products."""
    shop = MagentoShop()
    shop.add_tax_rate("US", Decimal("8.25"), "US-8.25")
    for sku, price in SKUS.items():
        shop.add_product(sku, price=price, stock=100_000)
    return shop


@functools.cache
def provisioned() -> dict[str, Any]:
    """The state of a provisioned Odoo, which is set up once and loaded by each lab."""
    database = OdooDatabase()
    database.provision()
    return database.dump()
