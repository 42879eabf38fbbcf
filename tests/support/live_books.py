"""The shop's sandbox with a live Odoo 19 in the place of the sandbox Odoo: the stories of the rules are told over both."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shop_and_books
from live_administrator import Administrator
from shop_and_books import ShopAndBooks

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import MagodooError
from magodoo_devstack.live_odoo import LiveOdoo
from magodoo_devstack.odoo_past import OdooPast
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.seed.books import Books


class Clerk(Administrator):
    """Calls as the administrator makes them: today over the API, at a moment of the past inside Odoo's own Python."""

    def __init__(self, client: OdooClient, open_past: Callable[[], OdooPast]) -> None:
        super().__init__(client)
        self.db = self  # where the stories set the time of a sandbox
        self._open = open_past
        self._past: OdooPast | None = None
        self._moment: datetime | None = None
        self._entered = False  # whether anything was done at this moment

    @property
    def now(self) -> datetime | None:
        return self._moment

    @now.setter
    def now(self, moment: datetime | None) -> None:
        if self._past and self._entered:
            self._past.clock(datetime.now(UTC))
            # Once this is answered, what was done is committed.
            self._past.call("res.company", "search_count", domain=[])
        self._entered = False
        self._moment = moment

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any:
        if self._moment is None:
            return super().call(model, method, ids, context=context, **arguments)
        self._past = self._past or self._open()
        if not self._entered:
            self._past.clock(self._moment)
            self._entered = True
        try:
            return self._past.call(model, method, ids, context=context, **arguments)
        except MagodooError:
            self._past, self._entered = (
                None,
                False,
            )  # it ends with the first call that fails; the next story opens another
            raise


class ShopAndLiveBooks(ShopAndBooks):
    """As ShopAndBooks."""

    def __init__(self, live: LiveOdoo, database: str, *others: Any, **policy: Any) -> None:
        super().__init__(*others, **policy)
        self.live, self.database = live, database

    def books_connection(self) -> OdooConnection:
        return self.live.connection("sync", self.database)

    def writes(self) -> list[str]:
        """Those of Magento; what was written to Odoo stands in the ledger of changes."""
        return [entry["path"] for entry in self.magento.app.log if entry["method"] != "GET"]

    def authority_answers(self, moves: list[int], state: str) -> None:
        """By SQL: Odoo asks the authority itself, and nobody else may write its answer."""
        stamp = "update account_move set l10n_it_edi_state = %s, write_date = now() at time zone 'utc' where id = %s"
        for move in moves:
            self.live.sql(self.database, stamp, state, move)

    def show_in_payment(self, move: int) -> None:
        self.live.sql(self.database, "update account_move set payment_state = 'in_payment' where id = %s", move)


def as_advised(admin: OdooClient) -> None:
    """What preflight advises before 19: orders of the stories arrive to the cent, and payments in another currency are matched."""
    keep_cents(admin)
    (group,) = admin.rpc.search_read(
        "ir.model.data", [["module", "=", "stock"], ["name", "=", "group_stock_manager"]], ["res_id"]
    )
    users = admin.rpc.call("res.users", "search", domain=[["login", "=", "sync"]])
    field = str(admin.rpc.name_of("res.users", "group_ids"))
    admin.rpc.write_call("res.users", "write", ids=users, vals={field: [[4, group["res_id"]]]})


def keep_cents(admin: OdooClient) -> None:
    """Six digits of unit prices, and taxes rounded for the whole document."""
    (digits,) = admin.rpc.call("decimal.precision", "search", domain=[["name", "=", "Product Price"]])
    admin.rpc.write_call("decimal.precision", "write", ids=[digits], vals={"digits": 6})
    globally = {"tax_calculation_rounding_method": "round_globally"}
    admin.rpc.write_call("res.company", "write", ids=[admin.rpc.company_id], vals=globally)


@contextmanager
def shop_and_live_books(
    live: LiveOdoo, staging_url: str, docs: Path, modules: Sequence[str] = ()
) -> Iterator[ShopAndLiveBooks]:
    """A pair of its own with a fresh database of the live Odoo, provisioned as the sandbox's is, and with more `modules`."""
    template = shop_and_books.template_of_pairs()
    shop = copy.copy(template[0])
    shop.magento = template[0].magento.copy()
    database = live.clone()
    if modules:
        live.install(database, *modules)
    with OdooClient.connect(live.connection("admin", database)) as admin, ExitStack() as pasts:
        clerk = Clerk(admin, lambda: pasts.enter_context(live.past(database)))
        books = Books(clerk, shop, "us")
        books.provision(shop_and_books.goods(shop))
        if not admin.rpc.has_field("account.move.line", "extra_tax_data"):
            as_advised(admin)
        with pytest.MonkeyPatch.context() as patch, RunningMagento(shop.magento) as magento:
            patch.setenv("MAGODOO_DATA_DOCS", str(docs))
            pair = ShopAndLiveBooks(live, database, shop, books, magento, clerk, staging_url, lease_seconds=600)
            yield pair
            pair.engine.dispose()
    live.drop(database)


def template(pair: ShopAndLiveBooks, sku: str) -> int:
    """The template of a product."""
    (row,) = pair.rows("product.product", [["default_code", "=", sku]], "product_tmpl_id")
    return int(row["product_tmpl_id"][0])


def sent_by_vendor(pair: ShopAndLiveBooks, sku: str) -> None:
    """The product is dropshipped (`stock_dropshipping`)."""
    (vendor,) = pair.call("res.partner", "create", vals_list=[{"name": "Vendor", "email": "vendor@example.com"}])
    (route,) = pair.rows("stock.route", [["name", "=", "Dropship"]], "name")
    sent = {"route_ids": [[4, route["id"]]], "seller_ids": [[0, 0, {"partner_id": vendor, "price": 1}]]}
    pair.call("product.template", "write", [template(pair, sku)], vals=sent)
