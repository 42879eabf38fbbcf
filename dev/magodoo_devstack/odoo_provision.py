"""Set up an Odoo for magodoo over the API, as an administrator would.

The documentation lists the same steps by hand; here they make the template of the live tests and of the demo, with
the names that the sandbox Odoo has (docs/facts/pair.md#3 to #6, #9; docs/facts/odoo-19.0.md#5, #6). Only companies, users and API keys are made
inside Odoo. The second company stays in the first one's country: another one would install that country's modules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.installation import DATABASE_FIELD
from magodoo_sandbox.odoo.provision import CARRIERS, PROVIDERS
from magodoo_sandbox.odoo.system import DATABASE_FIELD_CODE

SYNC_GROUPS = (
    "sales_team.group_sale_salesman_all_leads",
    "account.group_account_invoice",
    "base.group_partner_manager",
    "stock.group_stock_user",
)
TAXES = (("US 8.25%", "8.25"), ("0% Exempt", "0"), ("DE 19%", "19"), ("DE 7%", "7"), ("AT 20%", "20"))
EUR_RATE = 0.92
"""EUR per USD: the number that Magento calls base_to_order_rate."""
SERVICES = {
    "SHIPPING": "Shipping",
    "SHIPDISC": "Shipping discount",
    "ADJ-PLUS": "Adjustment refund",
    "ADJ-MINUS": "Adjustment fee",
}
DELIVERY_KEY = "x_magento_key"
FIRST_COMPANY, SECOND_COMPANY = "Lab Store Inc.", "Lab Store GmbH"

KEYS_SCRIPT = """
import inspect, json
from odoo import Command
base = env.ref("base.main_company")
base.name = {first!r}
second = env["res.company"].create({{
    "name": {second!r}, "country_id": base.country_id.id, "currency_id": env.ref("base.EUR").id}})
env["account.chart.template"].try_loading("generic_coa", second, install_demo=False)
second.currency_id = env.ref("base.EUR")
groups = [env.ref("base.group_user").id] + [env.ref(name).id for name in {groups!r}]
keys = {{}}
groups_field = "group_ids" if "group_ids" in env["res.users"]._fields else "groups_id"  # before 19
def key(user):
    generate = env["res.users.apikeys"].with_user(user).sudo()._generate
    return generate("rpc", "magodoo", *[None] * (len(inspect.signature(generate).parameters) - 2))  # 17 knows no expiry
def user(login, companies, ids):
    made = env["res.users"].with_context(no_reset_password=True).create({{
        "name": login, "login": login, "email": login + "@example.com", groups_field: [Command.set(ids)],
        "company_id": companies[0].id, "company_ids": [Command.set([c.id for c in companies])]}})
    keys[login] = key(made)
user("sync", [base], groups)
user("sync_both", [base, second], groups)
user("weak", [base], [env.ref("base.group_user").id])
user("own_documents", [base], [env.ref("base.group_user").id, env.ref("sales_team.group_sale_salesman").id])
admin = env.ref("base.user_admin")
admin.write({{"company_ids": [Command.link(second.id)]}})
keys["admin"] = key(admin)
env.cr.commit()
print("MADE=" + json.dumps({{"keys": keys, "companies": [base.id, second.id]}}))
"""


@dataclass(frozen=True)
class Access:
    """The API keys of the template's users, and its two companies."""

    keys: dict[str, str]
    companies: list[int]

    def __repr__(self) -> str:
        return f"Access(users={sorted(self.keys)}, companies={self.companies})"


def keys_script() -> str:
    """Return the script that makes users, keys and the second company inside Odoo; `parse_access` reads what it prints."""
    return KEYS_SCRIPT.format(first=FIRST_COMPANY, second=SECOND_COMPANY, groups=SYNC_GROUPS)


def parse_access(printed: str) -> Access:
    line = next(line for line in printed.splitlines() if "MADE=" in line)
    return Access(**json.loads(line.partition("MADE=")[2]))


def provision(admin: OdooClient) -> None:
    """Set up everything that a company needs before Magento is connected; `admin` names the company.

    Raises what the API raises: provisioning happens on a fresh database and repeats nothing.
    """
    make_warehouse(admin)
    make_currency(admin)
    make_taxes(admin)
    make_journals(admin, make_accounts(admin))
    make_services(admin)
    make_carriers(admin)
    add_delivery_key(admin)


def make_warehouse(admin: OdooClient) -> None:
    """Make the company's warehouse, which Odoo makes by itself only for the first company."""
    if not admin.rpc.call("stock.warehouse", "search_count", domain=[["company_id", "=", admin.rpc.company_id]]):
        create(
            admin,
            "stock.warehouse",
            [{"name": f"Warehouse {admin.rpc.company_id}", "code": f"WH{admin.rpc.company_id}"}],
        )


def make_currency(admin: OdooClient) -> None:
    """EUR, its rate, and a pricelist per currency: a sale order takes its currency from there (docs/facts/pair.md#6)."""
    euro = _one(admin, "res.currency", [["name", "=", "EUR"]], active_test=False)
    admin.rpc.write_call("res.currency", "write", ids=[euro], vals={"active": True})
    own = admin.company.row()["currency_id"][0]
    known = own == euro or admin.rpc.call(
        "res.currency.rate", "search", domain=[["currency_id", "=", euro], ["company_id", "=", admin.rpc.company_id]]
    )
    if not known:
        rate = {"currency_id": euro, "name": "2020-01-01", "rate": EUR_RATE, "company_id": admin.rpc.company_id}
        create(admin, "res.currency.rate", [rate])
    lists = [
        {
            "name": f"Magento {name}",
            "currency_id": _one(admin, "res.currency", [["name", "=", name]]),
            "company_id": admin.rpc.company_id,
        }
        for name in ("USD", "EUR")
    ]
    create(admin, "product.pricelist", lists)


def make_taxes(admin: OdooClient) -> None:
    create(
        admin,
        "account.tax",
        [
            {"name": name, "amount": float(rate), "amount_type": "percent", "type_tax_use": "sale",
             "price_include_override": "tax_excluded", "description": name, "company_id": admin.rpc.company_id}
            for name, rate in TAXES
        ],
    )  # fmt: skip


def make_accounts(admin: OdooClient) -> list[int]:
    """Return a clearing account per payment provider: provider balances wait there, never on the bank."""
    accounts = [
        {"name": f"{name} clearing", "code": f"1019{number:02d}", "account_type": "asset_current", "reconcile": True}
        for number, name in enumerate(PROVIDERS.values())
    ]
    return create(admin, "account.account", accounts)


def make_journals(admin: OdooClient, accounts: list[int]) -> None:
    """Make a journal per payment provider; without `payment_account_id` a payment may post no entry (docs/facts/odoo-19.0.md#5)."""
    journals = create(
        admin,
        "account.journal",
        [
            {"name": name, "code": code, "type": "bank", "company_id": admin.rpc.company_id}
            for code, name in PROVIDERS.items()
        ],
    )
    for journal, account in zip(journals, accounts, strict=True):
        lines = admin.rpc.call("account.payment.method.line", "search", domain=[["journal_id", "=", journal]])
        admin.rpc.write_call("account.payment.method.line", "write", ids=lines, vals={"payment_account_id": account})


def make_services(admin: OdooClient) -> None:
    """Shipping, discount and adjustments as products, invoiced on ordered quantities (docs/business-rules.md#taxes)."""
    if admin.rpc.call("product.product", "search_count", domain=[["default_code", "in", list(SERVICES)]]):
        return
    make_products(admin, [{"default_code": code, "name": name, "type": "service"} for code, name in SERVICES.items()])


def make_products(admin: OdooClient, products: list[dict[str, Any]]) -> list[int]:
    """Products without taxes of their own, shared by all companies; ids in order."""
    usual = {"invoice_policy": "order", "taxes_id": [[6, 0, []]], "list_price": 0.0, "type": "consu"}
    return create(admin, "product.product", [{**usual, **product} for product in products])


def make_stock(admin: OdooClient, products: list[int], quantity: int) -> None:
    """Stock that many pieces of each product in the company's warehouse."""
    (warehouse,) = admin.rpc.call(
        "stock.warehouse",
        "search_read",
        domain=[["company_id", "=", admin.rpc.company_id]],
        fields=["lot_stock_id"],
        limit=1,
    )
    quants = [
        {"product_id": product, "location_id": warehouse["lot_stock_id"][0], "inventory_quantity": quantity}
        for product in products
    ]
    made = create(admin, "stock.quant", quants, context={"inventory_mode": True})
    admin.rpc.write_call("stock.quant", "action_apply_inventory", ids=made)


def make_carriers(admin: OdooClient) -> None:
    """Shared by all companies: a carrier's company becomes its product's company, and SHIPPING is everybody's."""
    if admin.rpc.call("delivery.carrier", "search_count", domain=[["name", "in", list(CARRIERS)]]):
        return
    shipping = _one(admin, "product.product", [["default_code", "=", "SHIPPING"]])
    usual = {"delivery_type": "fixed", "product_id": shipping, "fixed_price": 5.0}
    create(admin, "delivery.carrier", [{**usual, "name": name} for name in CARRIERS])


def add_delivery_key(admin: OdooClient) -> None:
    """Make the field that carries the shipment's key: an external id cannot be attached to a picking (docs/facts/pair.md#5.1)."""
    if admin.rpc.has_field("stock.picking", DELIVERY_KEY):
        return
    model = _one(admin, "ir.model", [["model", "=", "stock.picking"]])
    field = {"name": DELIVERY_KEY, "field_description": "Magento key", "model_id": model, "ttype": "char",
             "state": "manual", "index": True, "copied": False}  # fmt: skip
    create(admin, "ir.model.fields", [field])


def add_database_field(admin: OdooClient, *, store: bool = False) -> None:
    """Make the field by which a user without system parameters recognises a copy (docs/how-to/test-on-a-copy.md); `store`: the wrong way."""
    model = _one(admin, "ir.model", [["model", "=", "res.company"]])
    field = {"name": DATABASE_FIELD, "field_description": "Database", "model_id": model, "ttype": "char", "state": "manual",
             "compute": DATABASE_FIELD_CODE, "store": store, "readonly": True, "copied": False}  # fmt: skip
    create(admin, "ir.model.fields", [field])


def create(admin: OdooClient, model: str, values: list[dict[str, Any]], **options: Any) -> list[int]:
    ids: list[int] = admin.rpc.write_call(model, "create", vals_list=values, **options)
    return ids


def _one(admin: OdooClient, model: str, domain: list[Any], **context: Any) -> int:
    (found,) = admin.rpc.call(model, "search", domain=domain, context=context, limit=1)
    return int(found)
