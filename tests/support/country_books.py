"""A shop of a country with its own Odoo company: over the sandbox at a fixed time, over a live Odoo 19 with Odoo's own chart of accounts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import tax_month
from chart_companies import CHARTS, add_companies
from country_shops import CountryShop
from live_books import Clerk
from shop_and_books import ShopAndBooks, merged

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.context import Context
from magodoo.settings import Instance, Settings
from magodoo.statement.periods import Month
from magodoo_devstack import odoo_provision
from magodoo_devstack.live_odoo import LiveOdoo
from magodoo_sandbox.magento import RunningSandbox as RunningMagento
from magodoo_sandbox.magento.pricing import TaxSettings
from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import RunningSandbox as RunningOdoo
from magodoo_sandbox.seed.books import Books
from magodoo_sandbox.seed.shop import Shop

FIXED = datetime(2026, 11, 2, 7, tzinfo=UTC)
"""When the month is closed over the sandbox: October 2026 is over everywhere."""
COST = Decimal("0.45")  # of the price


class CountryMagento(Shop):
    """Magento as the merchant has set it up: one store in the currency, rates by country, region and postcode."""

    def __init__(self, own: CountryShop) -> None:
        self.own = own
        super().__init__(1, FIXED - timedelta(days=60))

    def _catalogue(self) -> None:
        own, shop = self.own, self.magento
        shop.now, numbers = self.until, itertools.count(1)
        shop.new_number = lambda: f"{own.country}{next(numbers):06d}"  # type: ignore[method-assign]
        (store,) = (row for row in shop.tables.stores if row["code"] == "default")
        money = dict.fromkeys(("_base_currency", "_currency", "_global_currency"), own.currency)
        store |= {"name": own.title, "_timezone": own.zone, **money}
        shop.set_tax(
            TaxSettings(
                prices_include_tax=own.gross, shipping_includes_tax=own.gross, discount_includes_tax=own.gross,
                shipping_class="shipping", country=own.country,
            )
        )  # fmt: skip
        regions = {to.region_code: to.region_id for to in own.places.values()}
        for rate in own.rates:
            where = {"region_id": regions[rate.region] if rate.region else 0, "postcode": rate.postcode}
            code = f"{rate.country} {rate.region} {rate.postcode.rstrip('*')} {rate.tax_class} {rate.percent}"
            shop.add_tax_rate(rate.country, rate.percent, " ".join(code.split()), rate.tax_class, **where)
        for sku, (name, price, tax_class, kind) in own.prices.items():
            shop.add_product(sku, name=name, price=price, tax_class=tax_class, product_type=kind, stock=100_000)

    def _stocked(self) -> list[str]:
        return list(self.own.prices)


class CountryPair(ShopAndBooks):
    """Both systems of such a shop and the chain. `today` is the time of what happens now; None: the real one."""

    def __init__(self, own: CountryShop, today: datetime | None, settings: Mapping[str, Any], *others: Any) -> None:
        super().__init__(*others)
        self.instance = Instance.model_validate(merged(self.instance.model_dump(exclude_unset=True), settings))
        self.own, self.today = own, today
        self.chain_in_shop: datetime | None = None  # when Magento makes what the chain writes; None: now
        self.month = Month.of(self.now(), self.instance.zone).before

    def now(self) -> datetime:
        return self.today or datetime.now(UTC)

    def context(self) -> Context:
        if self.today:
            self.today += timedelta(minutes=5)
            self.at(0)
        settings = Settings(instances={self.instance.id: self.instance})
        return replace(super().context(), settings=settings, now=self.now)

    def at(self, days_ago: float) -> None:
        assert not days_ago, "a month has moments: `go_to`"
        self.odoo.db.now = self.today
        self.shop.now = self.chain_in_shop or self.today

    def touch(self, order: int, minutes_ago: float = 0) -> None:
        stamp = f"{self.now():%Y-%m-%d %H:%M:%S}"
        for row in (self.shop.order(order), *self.invoices(order), *self.shipments(order), *self.memos(order)):
            row["updated_at"] = stamp

    def go_to(self, moment: datetime) -> None:
        """What happens next in the shop and in Odoo happens then."""
        self.shop.now = self.odoo.db.now = moment


class LiveCountryPair(CountryPair):
    """The same with a company of a live Odoo."""

    live: LiveOdoo
    database: str

    def books_connection(self) -> OdooConnection:
        return self.live.connection("sync", self.database, self.instance.odoo.company_id)

    def writes(self) -> list[str]:
        """Those of Magento; what was written to Odoo stands in the ledger of changes."""
        return [entry["path"] for entry in self.magento.app.log if entry["method"] != "GET"]


def policy(own: CountryShop, company: int, month: Month) -> dict[str, Any]:
    """The settings of such a shop: one person prepares the statement, another signs it."""
    return {
        "id": own.id, "title": own.title, "time_zone": own.zone, "books_from": f"{month.first} 00:00:00", "taxes": [dict(rule) for rule in own.rules],
        "odoo": {"company_id": company, "pricelists": {own.currency: f"Magento {own.currency}"}}, "separate_duties": True, "lease_seconds": 600,
    }  # fmt: skip


def goods(own: CountryShop) -> dict[str, tuple[str, Decimal, bool]]:
    """What is sold, as `Books.provision` takes it."""
    return {sku: (name, Decimal(price), kind != "virtual") for sku, (name, price, _, kind) in own.prices.items()}


# The sandbox


@contextmanager
def on_the_sandbox(own: CountryShop, staging_url: str, docs: Path) -> Iterator[CountryPair]:
    """A pair whose Odoo has the country's taxes and grids, without its chart. It is always the same day."""
    shop, database = CountryMagento(own), OdooDatabase(f"shop_{own.id}")
    database.now = FIXED - timedelta(days=60)
    database.provision(sync_key="sync-key", admin_key="admin-key", company=own.title)
    with pytest.MonkeyPatch.context() as patch, RunningMagento(shop.magento) as magento, RunningOdoo(database) as odoo:
        patch.setenv("MAGODOO_DATA_DOCS", str(docs))
        move_company(database, own)
        with OdooClient.connect(OdooConnection(odoo.url, database.name, "admin-key", 1, "admin")) as admin:
            make_pricelist(admin, own)
            make_taxes(admin, own)
        books = Books(database, shop, own.id)
        provision(books, own)
        month = Month.of(FIXED, ZoneInfo(own.zone)).before
        pair = CountryPair(own, FIXED, policy(own, 1, month), shop, books, magento, odoo, staging_url)
        pair.at(0)
        yield pair
        pair.engine.dispose()


def move_company(database: OdooDatabase, own: CountryShop) -> None:
    """The first company is in the country and keeps its accounts in the currency."""
    env = database.env("admin")
    with database.lock, database.store.transaction():
        country = database.store.find("res.country", "code", own.country)[0]
        currency = database.store.find("res.currency", "name", own.currency)[0]
        env["res.currency"].change(env, [currency], {"active": True})
        places = {"country_id": country, "account_fiscal_country_id": country}
        env["res.company"].put(env, 1, currency_id=currency, **places)
        env["res.partner"].put(env, env["res.company"].rows[1]["partner_id"], country_id=country)
        env["account.tax.group"].make(env, [{"name": f"VAT {own.country}", "country_id": country}])


def make_taxes(admin: OdooClient, own: CountryShop) -> None:
    """The taxes of the chart with their grids, and the fiscal positions of the rules."""
    (country,) = tax_month.rows(admin, "res.country", [["code", "=", own.country]], "code")
    names = sorted({grid for tax in own.taxes for grid in (*tax.base, *tax.tax)})
    tags = tax_month.grids(admin, country["id"], dict.fromkeys(names, "-"))
    (received, *_) = tax_month.rows(admin, "account.account", [["name", "=", "Tax Received"]], "code")
    for tax in own.taxes:
        account = liability(admin, tax) if tax.own_account else received["id"]
        tax_month.tax(admin, tax.name, tags, tax.rate, tax.base, tax.tax, account=account)
    for position in dict.fromkeys(rule["fiscal_position"] for rule in own.rules):
        tax_month.create(admin, "account.fiscal.position", {"name": position})


# The live Odoo


def company_of(admin: OdooClient, own: CountryShop) -> None:
    """What an administrator adds to a company that Odoo's chart made: warehouse, pricelist, clearing accounts, taxes that he needs."""
    odoo_provision.make_warehouse(admin)
    make_pricelist(admin, own)
    odoo_provision.make_journals(admin, odoo_provision.make_accounts(admin))
    company = [["company_id", "=", admin.rpc.company_id], ["type_tax_use", "=", "sale"]]
    names = [["name", "in", [tax.name for tax in own.taxes]], ["active", "in", [True, False]]]
    there = {row["name"]: row["id"] for row in tax_month.rows(admin, "account.tax", [*company, *names], "name")}
    admin.rpc.write_call("account.tax", "write", ids=list(there.values()), vals={"active": True})
    for tax in own.taxes:
        if tax.own_account:
            tax_month.tax(admin, tax.name, {}, tax.rate, (), (), account=liability(admin, tax))
        elif tax.name not in there:
            raise AssertionError(f"the chart of {own.country} has no tax {tax.name!r}")
    if own.secured:
        journals = tax_month.rows(admin, "account.journal", [company[0], ["type", "=", "sale"]], "code")
        secured = {"restrict_mode_hash_table": True}
        admin.rpc.write_call("account.journal", "write", ids=[row["id"] for row in journals], vals=secured)


@contextmanager
def charts(live: LiveOdoo, *countries: str) -> Iterator[tuple[str, dict[str, int]]]:
    """A database of the live Odoo with a company for each country and its chart; yields its name and the companies by country."""
    database = live.clone()
    yield database, add_companies(live, database, [CHARTS[country] for country in countries])
    live.drop(database)


@contextmanager
def on_a_live_odoo(
    live: LiveOdoo, database: str, company: int, own: CountryShop, staging_url: str, docs: Path
) -> Iterator[LiveCountryPair]:
    """A pair with that company, set up for it."""
    shop = CountryMagento(own)
    with OdooClient.connect(live.connection("admin", database, company)) as admin, ExitStack() as pasts:
        company_of(admin, own)
        clerk = Clerk(admin, lambda: pasts.enter_context(live.past(database)))
        books = Books(clerk, shop, own.id, company)
        provision(books, own)
        month = Month.of(datetime.now(UTC), ZoneInfo(own.zone)).before
        with pytest.MonkeyPatch.context() as patch, RunningMagento(shop.magento) as magento:
            patch.setenv("MAGODOO_DATA_DOCS", str(docs))
            pair = LiveCountryPair(own, None, policy(own, company, month), shop, books, magento, clerk, staging_url)
            pair.live, pair.database = live, database
            pair.at(0)
            yield pair
            pair.engine.dispose()


# Both


def provision(books: Books, own: CountryShop) -> None:
    """The products, their cost, and the accounts that some of them have of their own."""
    books.module = f"by_hand_{own.id}"  # several companies share the database
    books.provision(goods(own))
    for sku, (_, price, _, kind) in own.prices.items():
        values: dict[str, Any] = {}
        if kind != "virtual":
            values["standard_price"] = float((Decimal(price) * COST).quantize(Decimal("0.01")))
        if sku in own.income and books.company != 1:  # a chart
            (account,) = books.found("account.account", [["code", "=", own.income[sku]]], ["code"])
            values["property_account_income_id"] = account["id"]
        books.call("product.product", "write", [books.names.products[sku]], vals=values)


def make_pricelist(admin: OdooClient, own: CountryShop) -> None:
    """An order takes its currency from the pricelist."""
    name = f"Magento {own.currency}"
    if admin.rpc.call("product.pricelist", "search_count", domain=[["name", "=", name]]):
        return
    (currency,) = tax_month.rows(admin, "res.currency", [["name", "=", own.currency]], "name")
    values = {"name": name, "currency_id": currency["id"], "company_id": admin.rpc.company_id}
    tax_month.create(admin, "product.pricelist", values)


def liability(admin: OdooClient, tax: Any) -> int:
    """The account on which a state's tax is owed."""
    number = tax_month.rows(admin, "account.account", [["code", "=like", "2529%"]], "code")
    code = f"2529{len(number) + 1:02d}"
    values: Mapping[str, Any] = {"name": f"{tax.name} payable", "code": code, "account_type": "liability_current"}
    return tax_month.create(admin, "account.account", dict(values))
