"""What an administrator sets up once before the pipeline may write (docs/facts/pair.md#4, #5, #6 and #9), by the API's own code.

Two companies (US in USD, Germany in EUR), taxes of five rates, EUR at 0.92, a journal with a clearing account per
payment provider, service products for shipping, discounts and adjustments, delivery methods, the key field on
transfers, and API keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.installation import DE, EUR, USD, install, install_chart

PROVIDERS = {"CARD": "Card payments", "PPAL": "PayPal", "CHQ": "Cheque and money order"}
CARRIERS = ("Flat Rate - Fixed", "UPS Ground", "DHL Paket")
# Whatever their names, they are of the company's fiscal country, as on the live Odoo: it refuses invoices with others.
_TAXES = (("US 8.25%", "8.25"), ("0% Exempt", "0"), ("DE 19%", "19"), ("DE 7%", "7"), ("AT 20%", "20"))
_SERVICES = (
    ("SHIPPING", "Shipping"),
    ("SHIPDISC", "Shipping discount"),
    ("ADJ-PLUS", "Adjustment refund"),
    ("ADJ-MINUS", "Adjustment fee"),
)


def provision(
    db: OdooDatabase,
    *,
    sync_key: str = "sync-key",
    admin_key: str = "admin-key",
    providers: Mapping[str, str] = PROVIDERS,
    company: str = "Lab Store Inc.",
) -> None:
    """Installs an empty database and prepares it for both companies; logins are `sync` and `admin`."""
    env = install(db, company)
    with db.lock, db.store.transaction():
        _open_second_company(env)
        db.give_keys(sync=sync_key, admin=admin_key)
        env["res.currency"].change(env, [EUR], {"active": True})
        env["res.currency.rate"].make(env, [{"currency_id": EUR, "name": "2020-01-01", "rate": Decimal("0.92")}])
        env["product.pricelist"].make(
            env, [{"name": "Magento USD", "currency_id": USD}, {"name": "Magento EUR", "currency_id": EUR}]
        )
        products = env["product.product"].make(env, [_service(code, name) for code, name in _SERVICES])
        env["delivery.carrier"].make(env, [{"name": name, "product_id": products[0]} for name in CARRIERS])
        for company_id in sorted(env["res.company"].rows):
            _prepare_books(env, company_id, providers)
        _add_key_field(env)


def _service(code: str, name: str) -> dict[str, Any]:
    return {
        "default_code": code,
        "name": name,
        "type": "service",
        "invoice_policy": "order",
        "list_price": 0,
        "taxes_id": [],
    }


def _open_second_company(env: Env) -> None:
    partner = env["res.partner"].make(env, [{"name": "Lab Store GmbH", "is_company": True, "country_id": DE}])[0]
    facts = {"partner_id": partner, "currency_id": EUR, "country_id": DE, "account_fiscal_country_id": DE}
    made = env["res.company"].make(env, [{"name": "Lab Store GmbH", **facts, "chart_template": "generic_coa"}])[0]
    for user in env["res.users"].rows.values():
        env["res.users"].put(env, user["id"], company_ids=[1, made])
    install_chart(env, made)
    env["account.tax.group"].make(env, [{"name": "Tax 19%", "country_id": DE}])
    env["stock.warehouse"].make(env, [{"name": "Lab Store GmbH", "code": "WH2", "company_id": made}])


def _prepare_books(env: Env, company: int, providers: Mapping[str, str]) -> None:
    taxes = [{"name": name, "amount": Decimal(rate)} for name, rate in _TAXES]
    common = {"type_tax_use": "sale", "price_include_override": "tax_excluded", "company_id": company}
    env["account.tax"].make(env, [{**tax, **common} for tax in taxes])
    for code, name in providers.items():
        journal = env["account.journal"].make(
            env, [{"name": name, "code": code, "type": "bank", "company_id": company}]
        )[0]
        clearing = {
            "name": f"{name} clearing",
            "code": f"1015{journal:02d}",
            "account_type": "asset_current",
            "reconcile": True,
        }
        account = env["account.account"].make(env, [{**clearing, "company_ids": [[6, 0, [company]]]}])[0]
        methods = env.db.store.find("account.payment.method.line", "journal_id", journal)
        env["account.payment.method.line"].change(env, methods, {"payment_account_id": account})


def _add_key_field(env: Env) -> None:
    model = env.db.store.find("ir.model", "model", "stock.picking")[0]
    field = {"name": "x_magento_key", "field_description": "Magento key", "model_id": model, "ttype": "char"}
    env["ir.model.fields"].make(env, [{**field, "state": "manual", "index": True, "copied": False}])
