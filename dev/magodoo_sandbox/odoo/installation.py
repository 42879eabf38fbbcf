"""A freshly installed Odoo 19: company in the US, generic chart, warehouse, users, with the ids of the recordings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.rights import ADMIN_GROUPS, GROUPS, SYNC_GROUPS

USD, EUR, US, DE = 1, 126, 233, 57
MODULES = (
    "base", "web", "rpc", "mail", "product", "account", "account_payment", "sale", "sale_management",
    "sale_stock", "stock", "stock_account", "stock_delivery", "delivery", "stock_sms", "sms", "contacts", "l10n_us",
)  # fmt: skip
_NOT_INSTALLED = ("base_automation", "mrp", "point_of_sale", "website_sale", "account_edi")
_COUNTRIES = (
    (12, "Austria", "AT"), (20, "Belgium", "BE"), (38, "Canada", "CA"), (43, "Switzerland", "CH"),
    (DE, "Germany", "DE"), (59, "Denmark", "DK"), (68, "Spain", "ES"), (75, "France", "FR"),
    (109, "Italy", "IT"), (165, "Netherlands", "NL"), (178, "Poland", "PL"), (197, "Sweden", "SE"),
    (231, "United Kingdom", "GB"), (US, "United States", "US"),
)  # fmt: skip
_CURRENCIES = (
    (USD, "USD", "United States dollar", "$", True),
    (EUR, "EUR", "Euro", "€", False),
    (142, "GBP", "Pound sterling", "£", False),
    (4, "CHF", "Swiss franc", "CHF", False),
    (10, "DKK", "Danish krone", "kr", False),
    (17, "PLN", "Polish złoty", "zł", False),
)
# id in the first company, code, name, type, may be reconciled
_CHART = (
    (1, "101000", "Current Assets", "asset_current", False),
    (5, "121000", "Account Receivable", "asset_receivable", True),
    (14, "211000", "Account Payable", "liability_payable", True),
    (20, "252000", "Tax Received", "liability_current", False),
    (26, "400000", "Product Sales", "income", False),
    (27, "441000", "Foreign Exchange Gain", "income_other", False),
    (30, "641000", "Foreign Exchange Loss", "expense", False),
    (50, "101401", "Bank", "asset_cash", False),
    (51, "101402", "Outstanding Receipts", "asset_current", True),
    (52, "101403", "Outstanding Payments", "asset_current", True),
    (53, "101409", "Bank Suspense Account", "asset_current", False),
)
_JOURNALS = (
    ("Sales", "INV", "sale", 5),
    ("Purchases", "BILL", "purchase", 6),
    ("Miscellaneous Operations", "MISC", "general", 7),
    ("Exchange Difference", "EXCH", "general", 9),
    ("Cash Basis Taxes", "CABA", "general", 10),
    ("Bank", "BNK1", "bank", 7),
    ("Inventory Valuation", "STJ", "general", 8),
)


def install(db: OdooDatabase, company: str = "Lab Store Inc.") -> Env:
    """Fill an empty database; answers the administrator's environment."""
    env = Env(db, 1, db.stamp(), sudo=True)
    with db.lock, db.store.transaction():
        _install_world(env)
        _install_company(env, company)
        _install_users(env)
        install_chart(env, 1, first=True)
        _install_shop(env)
        _install_stock(env)
    return db.env("admin")


def install_chart(env: Env, company: int, *, first: bool = False) -> None:
    """Accounts, taxes and journals of a company; the first one gets the ids of the recordings."""
    accounts = [
        {**({"id": i} if first else {}), "code": code, "name": name, "account_type": kind, "reconcile": reconcile}
        for i, code, name, kind, reconcile in _CHART
    ]
    made = env["account.account"].make(env, [{**account, "company_ids": [[6, 0, [company]]]} for account in accounts])
    named = dict(zip((row[2] for row in _CHART), made, strict=True))
    own = {"default_account_id": named["Bank"], "suspense_account_id": named["Bank Suspense Account"]}
    journals = [
        {"name": name, "code": code, "type": kind, "sequence": order, "company_id": company}
        | (own if kind == "bank" else {})
        for name, code, kind, order in _JOURNALS
    ]
    of_journals = dict(zip((row[1] for row in _JOURNALS), env["account.journal"].make(env, journals), strict=True))
    env["res.company"].put(env, company, tax_cash_basis_journal_id=of_journals["CABA"])
    if first:
        taxes = (("15%", 15, "sale"), ("15%", 15, "purchase"), ("0% Exports", 0, "sale"), ("0% Imports", 0, "purchase"))
        env["account.tax.group"].make(env, [{"name": "Tax 15%"}])
        env["account.tax"].make(env, [_tax(name, rate, use) for name, rate, use in taxes])


def _tax(name: str, rate: int, use: str) -> dict[str, Any]:
    return {"name": name, "amount": rate, "type_tax_use": use, "company_id": 1, "tax_group_id": 1}


def _install_world(env: Env) -> None:
    _make(env, "res.country", ({"id": i, "name": name, "code": code} for i, name, code in _COUNTRIES))
    _make(env, "res.country.state", [{"id": 13, "name": "California", "code": "CA", "country_id": US},
                                     {"id": 52, "name": "Texas", "code": "TX", "country_id": US}])  # fmt: skip
    _make(env, "res.lang", [{"name": "English (US)", "code": "en_US", "iso_code": "en"}])
    keys = ("id", "name", "full_name", "symbol", "active")
    _make(env, "res.currency", (dict(zip(keys, currency, strict=True)) for currency in _CURRENCIES))
    states = [{"name": name, "shortdesc": name, "state": "installed", "author": "Odoo S.A."} for name in MODULES]
    states += [
        {"name": name, "shortdesc": name, "state": "uninstalled", "author": "Odoo S.A."} for name in _NOT_INSTALLED
    ]
    _make(env, "ir.module.module", states)
    _make(env, "ir.model", ({"model": model.name, "name": model.label} for model in env.db.models.values()))
    _make(env, "res.groups", ({"id": i, "name": name} for i, (_, name, _) in GROUPS.items()))
    for group_id, (_, _, implied) in GROUPS.items():
        env["res.groups"].put(env, group_id, implied_ids=list(implied))
    _make(env, "uom.uom", [
        {"name": "Units"}, {"name": "Dozens", "relative_factor": 12, "relative_uom_id": 1, "active": False},
        {"name": "Pack of 6", "relative_factor": 6, "relative_uom_id": 1}, {"name": "kg"},
        {"name": "g", "relative_factor": "0.001", "relative_uom_id": 4},
    ])  # fmt: skip
    _make(env, "decimal.precision", [{"name": name, "digits": 2} for name in ("Product Unit", "Product Price")])
    uuid = {"key": "database.uuid", "value": "00000000-0000-4000-8000-000000000019"}
    _make(env, "ir.config_parameter", [uuid])


def _install_company(env: Env, name: str) -> None:
    _make(env, "res.partner", [{"name": name, "is_company": True, "country_id": US, "email": "info@example.com"}])
    facts = {"name": name, "partner_id": 1, "currency_id": USD, "country_id": US, "account_fiscal_country_id": US}
    _make(env, "res.company", [{**facts, "chart_template": "generic_coa", "stock_move_sms_validation": True}])


def _install_users(env: Env) -> None:
    people: tuple[tuple[str, str, list[int]], ...] = (
        ("__system__", "OdooBot", []), ("admin", "Administrator", ADMIN_GROUPS), ("public", "Public user", []),
        ("portaltemplate", "Portal User Template", []), ("sync", "Magento Sync", SYNC_GROUPS),
        ("limited", "Limited Sales", [4]),
    )  # fmt: skip
    for login, name, groups in people:
        partner = _make(env, "res.partner", [{"name": name, "active": login not in ("__system__", "public")}])[0]
        access = {"group_ids": [[6, 0, groups]], "company_id": 1, "company_ids": [[6, 0, [1]]]}
        _make(env, "res.users", [{"login": login, "partner_id": partner, "active": bool(groups), **access}])


def _install_shop(env: Env) -> None:
    _make(env, "product.pricelist", [{"name": "Default", "currency_id": USD}])
    service = {"name": "Standard delivery", "default_code": "Delivery_007", "type": "service", "list_price": 0}
    _make(env, "product.product", [service])
    _make(env, "delivery.carrier", [{"name": "Standard delivery", "product_id": 1}])
    _make(env, "crm.team", [{"name": "Sales"}])
    _make(env, "account.payment.term", [{"name": "Immediate Payment"}])


def _install_stock(env: Env) -> None:
    places = (
        ("Vendors", "supplier"), ("Customers", "customer"), ("Inter-warehouse transit", "transit"), ("WH", "view"),
        ("WH/Stock", "internal"), ("Inventory adjustment", "inventory"),
    )  # fmt: skip
    _make(env, "stock.location", ({"name": name, "usage": usage} for name, usage in places))
    env["stock.location"].put(env, 5, company_id=1)
    _make(env, "stock.warehouse", [{"name": "My Company", "code": "WH", "company_id": 1, "lot_stock_id": 5}])
    _make(env, "ir.model.data", [{"module": "stock", "name": "warehouse0", "model": "stock.warehouse", "res_id": 1}])


def _make(env: Env, model: str, rows: Iterable[dict[str, Any]]) -> list[int]:
    return list(env[model].make(env, list(rows)))
