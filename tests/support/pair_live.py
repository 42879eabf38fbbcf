"""A real pair before a running Airflow: a live Magento, a live Odoo 19, two Airflow connections, one settings file.

The people of both houses act over the systems' own interfaces; the pipeline is touched only through Airflow.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from live_administrator import Administrator
from live_shop import FIXED, FIXED_APART, LiveShop
from rich.console import Console
from sqlalchemy import text

from magodoo import staging
from magodoo.connectors.magento import MagentoClient, Track
from magodoo.connectors.magento.connection import BearerToken, OAuth1
from magodoo.connectors.magento.http import Http
from magodoo.connectors.odoo.client import OdooClient
from magodoo.domain.vocabulary import MATCHED_KINDS, Kind
from magodoo_devstack import lifecycle, runner
from magodoo_devstack.airflow import Api
from magodoo_devstack.demo.chain import Chain
from magodoo_devstack.environment import cluster_of, environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.live_odoo import LiveOdoo
from magodoo_devstack.odoo_provision import add_delivery_key
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State
from magodoo_sandbox.seed.books import Books
from magodoo_sandbox.seed.shop import History, Shop
from magodoo_sandbox.seed.write import demo_settings

CHECKOUT = Path(__file__).resolve().parents[2]
INSTANCE = "us"
GOODS = {"LIVE-A": True, "LIVE-B": True, "LIVE-C-RED": True, "LIVE-V": False, FIXED: True, FIXED_APART: True}
ZERO = Decimal(0)

Row = dict[str, Any]


class Desk(Shop):
    """What the clerks of Odoo see of the live shop: rows as the shop shows them now."""

    def __init__(self, shop: LiveShop) -> None:
        self.client = MagentoClient(shop.connection)

    def row(self, kind: str, entity_id: int) -> Any:
        return next(row for page in self.client.by_ids(kind, [entity_id]) for row in page.rows)


class People:
    """Both systems and who works in them."""

    def __init__(self, shop: LiveShop, odoo: LiveOdoo) -> None:
        self.shop, self.odoo = shop, odoo
        self.begun = datetime.now(UTC).replace(microsecond=0)
        self.client, self.http = MagentoClient(shop.connection), Http(shop.connection)
        self.desk = Desk(shop)
        self.admin = Administrator(OdooClient.connect(odoo.connection("admin")))
        self.books = Books(self.admin, self.desk, INSTANCE)
        self.books.provision({sku: (sku, ZERO, storable) for sku, storable in GOODS.items()})
        self.other_company = Administrator(
            OdooClient.connect(odoo.connection("admin", company=odoo.access.companies[1]))
        )
        self.orders: dict[str, int] = {}

    def buy(self, name: str, cart: Any, **options: str) -> tuple[int, dict[str, int]]:
        """A guest's order, known by `name` from now on; its id and its item ids by SKU."""
        order = self.orders[name] = self.shop.buy(cart, **options)
        items = self.desk.row("order", order)["items"]
        return order, {item["sku"]: item["item_id"] for item in items if not item.get("parent_item_id")}

    def parts_of(self, order: int, sku: str) -> dict[str, int]:
        """Item ids by SKU of the parts of the order's bundle of that product."""
        items = self.desk.row("order", order)["items"]
        (bundle,) = (
            item["item_id"] for item in items if item["sku"].startswith(sku) and not item.get("parent_item_id")
        )
        return {item["sku"]: item["item_id"] for item in items if item.get("parent_item_id") == bundle}

    def run_sql(self, statements: str) -> None:
        """What no interface of Magento does, in the shop's own database."""
        command = shlex.split(os.environ["MAGENTO_SQL"])
        subprocess.run(command, input=statements, text=True, check=True, capture_output=True, timeout=60)

    def pieces_sent(self, order: int) -> list[dict[str, int]]:
        """Pieces by SKU of each done delivery in Odoo, the fullest first."""
        call, sales = self.admin.call, [row["id"] for row in self._sales(order, "name")]
        domain = [["picking_id.sale_id", "in", sales], ["state", "=", "done"]]
        moves = call("stock.move", "search_read", domain=domain, fields=["picking_id", "product_id", "quantity"])
        goods = call("product.product", "read", [row["product_id"][0] for row in moves], fields=["default_code"])
        sku = {row["id"]: row["default_code"] for row in goods}
        sent: dict[int, dict[str, int]] = {}
        for row in moves:
            sent.setdefault(row["picking_id"][0], {})[sku[row["product_id"][0]]] = int(row["quantity"])
        return sorted(sent.values(), key=lambda pieces: -len(pieces))

    def ships_to(self, order: int) -> tuple[str, str, str]:
        """City, state and country of the delivery address in Odoo."""
        (sale,) = self._sales(order, "partner_shipping_id")
        fields = ["city", "state_id", "country_code"]
        (row,) = self.admin.call("res.partner", "read", [sale["partner_shipping_id"][0]], fields=fields)
        return row["city"], row["state_id"][1] if row["state_id"] else "", row["country_code"]

    def everything(self, order: int, *, ship: bool = True, tracked: bool = True) -> None:
        """The shop invoices and ships all of an order."""
        self.http.write("POST", f"/order/{order}/invoice", {})
        if ship:
            tracks = [Track(f"1Z{order}", "UPS", "ups").body()] if tracked else []
            self.http.write("POST", f"/order/{order}/ship", {"tracks": tracks})

    def history(self, name: str, payment: str = "checkmo") -> History:
        return History(self.orders[name], self.begun, payment)

    def in_magento(self, order: int) -> dict[Kind, list[Row]]:
        return {
            kind: [row for page in self.client.by_order(kind, [order]) for row in page.rows] for kind in MATCHED_KINDS
        }

    def in_odoo(self, order: int) -> dict[str, list[Row]]:
        """Sale orders, posted invoices and credit notes and done deliveries of a Magento order."""
        number = self.desk.row("order", order)["increment_id"]
        call = self.admin.call
        sales = self._sales(order, "name", "state", "amount_total")
        origins = [number, *(row["name"] for row in sales)]
        moves = call(
            "account.move", "search_read", domain=[["invoice_origin", "in", origins], ["state", "=", "posted"]],
            fields=["move_type", "amount_total", "amount_tax", "state", "payment_state"],
        )  # fmt: skip
        pickings = call(
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

    def _sales(self, order: int, *fields: str) -> list[Row]:
        number = self.desk.row("order", order)["increment_id"]
        return list(
            self.admin.call(
                "sale.order", "search_read", domain=[["client_order_ref", "=", number]], fields=list(fields)
            )
        )

    def enter_twin(self, name: str) -> None:
        """The other company of this Odoo has an order of its own with the number of one of the shop's."""
        number = self.desk.row("order", self.orders[name])["increment_id"]
        call = self.other_company.call
        (partner,) = call("res.partner", "create", vals_list=[{"name": "A customer of the other company"}])
        line = {"product_id": self.books.names.products["LIVE-A"], "product_uom_qty": 3, "price_unit": 19.99}
        values = {"partner_id": partner, "client_order_ref": number, "order_line": [[0, 0, line]]}
        call("sale.order", "action_confirm", call("sale.order", "create", vals_list=[values]))

    def of_other_company(self) -> dict[str, list[Row]]:
        """All documents of the other company."""
        fields = {"sale.order": ["state", "client_order_ref"], "account.move": ["state"], "account.payment": ["state"],
                  "stock.picking": ["state"]}  # fmt: skip
        call = self.other_company.call
        return {
            model: call(
                model,
                "search_read",
                domain=[["company_id", "=", self.other_company.client.rpc.company_id]],
                fields=names,
            )
            for model, names in fields.items()
        }

    def account(self, name: str) -> tuple[Row, Row]:
        """Amounts and tracking numbers of an order's documents, in Magento and in Odoo."""
        shop, books = self.in_magento(self.orders[name]), self.in_odoo(self.orders[name])

        def amounts(rows: list[Row], *fields: str) -> list[list[Decimal]]:
            return sorted([cents(row.get(field)) for field in fields] for row in rows)

        def numbers(told: Any) -> list[str]:
            return sorted(each for each in str(told or "").split(",") if each)

        tracks = [numbers(",".join(t["track_number"] for t in row.get("tracks") or [])) for row in shop[Kind.SHIPMENT]]
        return (
            {
                "invoices": amounts(shop[Kind.INVOICE], "grand_total", "tax_amount"),
                "notes": amounts(shop[Kind.CREDIT_MEMO], "grand_total", "tax_amount"),
                "deliveries": sorted(tracks),
            },
            {
                "invoices": amounts(books["invoices"], "amount_total", "amount_tax"),
                "notes": amounts(books["notes"], "amount_total", "amount_tax"),
                "deliveries": sorted(numbers(row["carrier_tracking_ref"]) for row in books["pickings"]),
            },
        )

    def state(self) -> Row:
        """Every document of the orders as it is, to compare before and after."""
        return {name: (self.in_magento(order), self.in_odoo(order)) for name, order in self.orders.items()}


class Deployment:
    """Airflow with its two connections and the settings file, as the engineer who sets the pair up sees it."""

    def __init__(self, layout: Layout, state: State) -> None:
        self.layout, self.state, self.settings = layout, state, state.settings
        self.api: Api = lifecycle.api(state)
        self.engine = staging.connect(cluster_of(layout, state).url("magodoo"))
        self.chain = Chain(self.api, [INSTANCE], wake_up_seconds=60)

    def connect(self, name: str, **fields: Any) -> None:
        """What the form *Add connection* sends."""
        self.api.call("POST", "connections", json={"connection_id": name, **fields})

    def press_test(self, name: str, **fields: Any) -> Row:
        """What the button *Test* of that form answers."""
        return dict(self.api.call("POST", "connections/test", json={"connection_id": name, **fields}))

    def preflight(self) -> subprocess.CompletedProcess[str]:
        """`make preflight` beside this Airflow."""
        return subprocess.run(
            [self.layout.program("python"), "-m", "magodoo_airflow.preflight"],
            env=environment(self.layout, self.state), capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def sql(self, statement: str, **values: Any) -> list[Row]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement), values).mappings()]


def connections(people: People) -> dict[str, Row]:
    """The two connections' fields, by id."""
    shop, odoo = people.shop.connection, people.odoo.connection("sync")
    if isinstance(shop.auth, BearerToken):
        login: Row = {"password": shop.auth.token, "extra": '{"auth": "bearer"}'}
    else:
        assert isinstance(shop.auth, OAuth1), "the pair is connected by a token or by four OAuth keys"
        tokens = (
            f'{{"access_token": "{shop.auth.access_token}", "access_token_secret": "{shop.auth.access_token_secret}"}}'
        )
        login = {"login": shop.auth.consumer_key, "password": shop.auth.consumer_secret, "extra": tokens}
    return {
        "magento_pair": {"conn_type": "magento", "host": shop.base_url, **login},
        "odoo_pair": {
            "conn_type": "odoo", "host": odoo.url, "schema": odoo.database, "login": "sync", "password": odoo.api_key,
            "extra": f'{{"company_id": {odoo.company_id}}}',
        },
    }  # fmt: skip


def settings_file(folder: Path, begun: datetime) -> Path:
    """The one settings file: everything is written, in both directions."""
    written = demo_settings(begun)
    instance = written["instances"][INSTANCE]
    instance["books_from"] = (begun - timedelta(seconds=1)).replace(tzinfo=None).isoformat(sep=" ")
    instance |= {"magento_connection": "magento_pair", "odoo_connection": "odoo_pair", "title": "The pair"}
    instance["payment_methods"]["purchaseorder"] = instance["payment_methods"]["card"]  # which may only authorise
    instance |= {"mode": {"default": "apply"}, "credit_memos": {"to_magento": "when_paid"}}
    path = folder / "magodoo.yaml"
    path.write_text(yaml.safe_dump(written, sort_keys=False))
    return path


@contextmanager
def deployment(folder: Path, settings: Path, environ: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A running Airflow over `settings`, with no sandbox beside it; afterwards nothing of it is left."""
    environ.setenv("MAGODOO_SETTINGS", str(settings))
    layout = Layout(folder)
    (folder / "dags").symlink_to(CHECKOUT / "dags")
    try:
        made = Deployment(layout, lifecycle.up(layout, Progress(Console(quiet=True))))
        yield made
        made.engine.dispose()
    finally:
        lifecycle.down(layout)
    assert runner.marked(layout) == []


def cents(value: Any) -> Decimal:
    return Decimal(str(value or 0)).quantize(Decimal("0.01"))


class Lacking:
    """What an administrator prepares once in Odoo, taken away and given back by the steps that preflight names."""

    FIELD = "x_magento_key"

    def __init__(self, people: People) -> None:
        self.call, self.admin = people.admin.call, people.admin.client
        (self.product,) = self._found("product.product", [["default_code", "=", "SHIPDISC"]])
        (self.tax,) = self._found("account.tax", [["name", "=", "DE 19%"], ["company_id", "=", 1]])
        self.lines = self._found(
            "account.payment.method.line", [["journal_id.code", "=", "CARD"], ["journal_id.company_id", "=", 1]]
        )
        rows = self.call("account.payment.method.line", "read", self.lines, fields=["payment_account_id"])
        self.accounts = {row["id"]: row["payment_account_id"][0] for row in rows}

    def take_away(self) -> None:
        fields = self._found("ir.model.fields", [["model", "=", "stock.picking"], ["name", "=", self.FIELD]])
        self.call("ir.model.fields", "unlink", fields)
        self._write("product.product", [self.product], active=False)
        self._write("account.tax", [self.tax], active=False)
        self._write("account.payment.method.line", self.lines, payment_account_id=False)

    def give_back(self) -> None:
        with OdooClient.connect(self.admin.connection) as fresh:  # this one knows the field still
            add_delivery_key(fresh)
        self._write("product.product", [self.product], active=True)
        self._write("account.tax", [self.tax], active=True)
        for line, account in self.accounts.items():
            self._write("account.payment.method.line", [line], payment_account_id=account)

    def _found(self, model: str, domain: list[Any]) -> list[int]:
        return list(self.call(model, "search", domain=domain))

    def _write(self, model: str, ids: list[int], **vals: Any) -> None:
        self.call(model, "write", ids, vals=vals)
