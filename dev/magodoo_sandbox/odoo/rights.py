"""Who may do what: groups per model and operation, companies, and the salesman's own documents (docs/facts/pair.md#9).

A model that is not listed may be read by every user and changed by the administrator only.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from magodoo_sandbox.odoo.domains import compile_domain
from magodoo_sandbox.odoo.env import Env
from magodoo_sandbox.odoo.errors import AccessError
from magodoo_sandbox.odoo.store import Row

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.database import OdooDatabase

# id: (external id, name, ids of the implied groups)
GROUPS: dict[int, tuple[str, str, tuple[int, ...]]] = {
    1: ("base.group_user", "Role / User", ()),
    2: ("base.group_system", "Role / Administrator", (1, 3)),
    3: ("base.group_erp_manager", "Access Rights", (1,)),
    4: ("sales_team.group_sale_salesman", "Sales/User: Own Documents Only", (1,)),
    5: ("sales_team.group_sale_salesman_all_leads", "Sales/User: All Documents", (4,)),
    6: ("sales_team.group_sale_manager", "Sales/Administrator", (5,)),
    7: ("account.group_account_invoice", "Accounting/Invoicing", (1,)),
    8: ("account.group_account_manager", "Accounting/Administrator", (7,)),
    9: ("base.group_partner_manager", "Contact/Creation", (1,)),
    10: ("stock.group_stock_user", "Inventory/User", (1,)),
    11: ("stock.group_stock_manager", "Inventory/Administrator", (10,)),
    12: ("product.group_product_manager", "Products/Create", (1,)),
}
SYNC_GROUPS = [5, 7, 9, 10]
ADMIN_GROUPS = [2, 6, 8, 9, 11, 12]
_SYSTEM, _ERP, _SALES, _SALES_ADMIN, _INVOICING, _ACCOUNTANT, _PARTNERS, _STOCK, _STOCK_ADMIN, _PRODUCTS = (
    2, 3, 4, 6, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
_VERBS = {"read": "access", "create": "create", "write": "modify", "unlink": "delete"}

Groups = tuple[int, ...]
_BOOKS: dict[str, Groups] = {
    "read": (_INVOICING, _SALES),
    "create": (_INVOICING,),
    "write": (_INVOICING,),
    "unlink": (_INVOICING,),
}
_SHIPPING: dict[str, Groups] = {"create": (_STOCK, _SALES), "write": (_STOCK, _SALES), "unlink": (_STOCK,)}
_ORDERS: dict[str, Groups] = {"create": (_SALES,), "write": (_SALES, _INVOICING), "unlink": (_SALES_ADMIN,)}


def _changed_by(*groups: int) -> dict[str, Groups]:
    return dict.fromkeys(("create", "write", "unlink"), groups)


ACCESS: dict[str, dict[str, Groups]] = {
    "res.partner": {
        **_changed_by(_PARTNERS, _SALES_ADMIN, _STOCK_ADMIN),
        "write": (_PARTNERS, _SALES, _STOCK_ADMIN),
    },
    "res.users": _changed_by(_ERP),
    "res.groups": _changed_by(_ERP),
    "res.company": _changed_by(_ERP),
    "res.currency": _changed_by(_ACCOUNTANT, _SYSTEM),
    "res.currency.rate": _changed_by(_ACCOUNTANT, _SYSTEM),
    "res.partner.category": _changed_by(_PARTNERS),
    "ir.model.data": dict.fromkeys(_VERBS, (_ERP,)),
    "ir.rule": dict.fromkeys(_VERBS, (_ERP,)),
    "ir.model.fields": _changed_by(_SYSTEM),
    "ir.module.module": dict.fromkeys(_VERBS, (_SYSTEM,)),
    "ir.config_parameter": dict.fromkeys(_VERBS, (_SYSTEM,)),
    "mail.message": _changed_by(1),
    "decimal.precision": dict.fromkeys(_VERBS, (_SYSTEM,)),
    "product.product": _changed_by(_PRODUCTS),
    "product.template": _changed_by(_PRODUCTS),
    "product.pricelist": _changed_by(_PRODUCTS, _SALES_ADMIN, _STOCK_ADMIN),
    "account.tax": _changed_by(_ACCOUNTANT),
    "account.account": _changed_by(_ACCOUNTANT),
    "account.journal": _changed_by(_ACCOUNTANT),
    "account.payment.method.line": _changed_by(_ACCOUNTANT),
    "account.fiscal.position": _changed_by(_ACCOUNTANT),
    "account.fiscal.position.account": _changed_by(_ACCOUNTANT),
    "account.move": _BOOKS,
    "account.move.line": _BOOKS,
    "account.payment": {**_BOOKS, "read": (_INVOICING,)},
    "account.payment.register": _BOOKS,
    "account.move.reversal": _BOOKS,
    "account.partial.reconcile": _BOOKS,
    "account.bank.statement.line": {"read": (_INVOICING,), **_changed_by(_ACCOUNTANT)},
    "sale.order": _ORDERS,
    "sale.order.line": {**_ORDERS, "unlink": (_SALES,)},
    "sale.advance.payment.inv": _changed_by(_SALES),
    "crm.team": _changed_by(_SALES_ADMIN),
    "delivery.carrier": _changed_by(_STOCK_ADMIN, _SALES_ADMIN),
    "stock.warehouse": _changed_by(_STOCK_ADMIN),
    "stock.location": _changed_by(_STOCK_ADMIN),
    "stock.picking.type": _changed_by(_STOCK_ADMIN),
    "stock.quant": _changed_by(_STOCK_ADMIN),
    "stock.valuation.layer": dict.fromkeys(_VERBS, (_STOCK_ADMIN,)),
    "stock.picking": _SHIPPING,
    "stock.move": _SHIPPING,
    "stock.move.line": _SHIPPING,
    "stock.backorder.confirmation": _changed_by(_STOCK),
    "confirm.stock.sms": _changed_by(_STOCK),
    "stock.return.picking": _changed_by(_STOCK),
    "stock.return.picking.line": _changed_by(_STOCK),
}
_INHERITED = frozenset(
    {
        "account.journal",
        "account.tax",
        "account.account",
        "account.payment.method.line",
        "product.product",
        "res.partner",
    }
)
_OWNER = {"sale.order": "user_id", "account.move": "invoice_user_id"}
# A journal needs an account of its own, and that is what Odoo refuses first (docs/facts/pair.md#9).
_REFUSED_FIRST = {("account.journal", "create"): "account.account"}


class Rights:
    """The rights of one database."""

    def __init__(self, db: OdooDatabase) -> None:
        self._db = db

    def allows(self, env: Env, model: str, operation: str) -> bool:
        groups = self._needed(model, operation)
        return env.sudo or groups is None or not env.groups.isdisjoint(groups)

    def check(self, env: Env, model: str, operation: str) -> None:
        """AccessError that names the groups which may."""
        if not operation or self.allows(env, model, operation):
            return
        model = _REFUSED_FIRST.get((model, operation), model)
        names = sorted(GROUPS[group][1] for group in self._needed(model, operation) or ())
        allowed = "\n".join(f"\t- {name}" for name in names)
        raise AccessError(
            f"You are not allowed to {_VERBS[operation]} '{self._db.models[model].label}' ({model}) records.\n\n"
            f"This operation is allowed for the following groups:\n{allowed}\n\n"
            "Contact your administrator to request access if necessary."
        )

    def visible(self, env: Env, model: Any) -> Callable[[Row], bool] | None:
        """Return the record rules as a predicate, None when nothing is hidden: companies, own documents of a salesman, own keys."""
        rules: list[Callable[[Row], bool]] = []
        if "company_id" in model.fields and model.name != "res.users" and len(self._db.tables["res.company"]) > 1:
            companies = {*env.company_ids, False}
            if model.name in _INHERITED:  # a branch uses what belongs to the companies above it
                known = self._db.models["res.company"]
                companies |= {
                    int(each) for own in env.company_ids for each in known.path(known.rows[own]).split("/") if each
                }
            company = model.getter("company_id")
            rules.append(lambda row: company(row) in companies)
        if model.name == "res.company" and not env.sudo and _ERP not in env.groups:
            allowed = set(env.company_ids)
            rules.append(lambda row: row["id"] in allowed)
        owner, uid = _OWNER.get(model.name), env.uid
        if owner and not env.sudo and _SALES in env.groups and env.groups.isdisjoint((5, 7)):
            rules.append(lambda row: row.get(owner, False) in (uid, False) and row.get("move_type") != "entry")
        if model.name == "res.users.apikeys" and not env.sudo and _ERP not in env.groups:
            rules.append(lambda row: row.get("user_id") == uid)
        rules += [] if env.sudo else self._written_rules(model)
        if not rules:
            return None
        return rules[0] if len(rules) == 1 else lambda row: all(rule(row) for rule in rules)

    def _written_rules(self, model: Any) -> list[Callable[[Row], bool]]:
        """Rules that somebody wrote: they hold for everybody but the superuser."""
        models = self._db.tables["ir.model"]
        return [
            compile_domain(model, ast.literal_eval(rule["domain_force"])).test
            for rule in self._db.tables["ir.rule"].values()
            if rule.get("active") and models[rule["model_id"]]["model"] == model.name
        ]

    @staticmethod
    def _needed(model: str, operation: str) -> Groups | None:
        if model in ACCESS:
            return ACCESS[model].get(operation)
        return None if operation == "read" else (_SYSTEM,)
