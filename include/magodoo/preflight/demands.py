"""Checks of what a company requires of users but Odoo does not require of programs: analytic plans, and fields required by a form only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from magodoo.connectors.odoo.rpc import expect_rows
from magodoo.domain.kinds import Need
from magodoo.errors import FixDocument, Forbidden, UnknownField, Unreadable
from magodoo.preflight.results import Outcome, some
from magodoo.preflight.subject import Check, Subject

_DOMAINS = {"invoice": "invoices", "sale_order": "orders"}
_TODO_PLAN = (
    "add a distribution model in Odoo (Accounting, Configuration, Analytic Distribution Models) that gives one without conditions; magodoo"
    " leaves analytic distribution to these models"
)
_CONDITIONS = ("partner_id", "partner_category_id", "product_id", "product_categ_id", "account_prefix")
MODELS: dict[str, tuple[str, Need]] = {
    "sale.order": ("orders", Need.ORDERS),
    "account.move": ("invoices and credit notes", Need.ENTRIES),
    "res.partner": ("customers", Need.CUSTOMERS),
    "account.payment": ("payments", Need.PAYMENTS),
}
_SIMPLE = ("char", "text", "selection", "boolean", "integer")
_LISTS = ("order_line/", "invoice_line_ids/")  # the lists that are written
# Fields that the requests fill, or Odoo from them; fields of a list are prefixed with its name.
_WRITTEN = {
    "sale.order": {"partner_id", "partner_invoice_id", "partner_shipping_id", "date_order", "pricelist_id", "currency_id", "order_line/product_id",
                   "order_line/name", "order_line/product_uom_qty", "order_line/price_unit"},
    "account.move": {"partner_id", "invoice_date", "date", "journal_id", "currency_id", "ref", "invoice_line_ids/product_id", "invoice_line_ids/name",
                     "invoice_line_ids/quantity", "invoice_line_ids/price_unit", "invoice_line_ids/account_id"},
    "res.partner": {"name", "email", "phone", "street", "city", "zip", "country_id"},
    "account.payment": {"partner_id", "amount", "date", "journal_id", "currency_id", "payment_method_line_id", "payment_type", "memo"},
}  # fmt: skip


def analytic(subject: Subject) -> Outcome:
    """Check for analytic plans that are mandatory on invoices or orders and that no distribution model fills."""
    client = subject.odoo
    demanded: dict[int, tuple[str, list[str]]] = {}
    try:
        for domain, words in _DOMAINS.items():
            plans = client.rpc.call(
                "account.analytic.plan", "get_relevant_plans", business_domain=domain, company_id=client.rpc.company_id
            )
            for plan in expect_rows(plans, "account.analytic.plan.get_relevant_plans"):
                if plan.get("applicability") == "mandatory":
                    demanded.setdefault(int(plan["id"]), (str(plan["name"]), []))[1].append(words)
    except (UnknownField, Forbidden):
        return Outcome("no analytic accounting, or it is not switched on for this user")
    outcome = Outcome(some(name for name, _ in demanded.values()) or "no analytic plan is mandatory")
    given = _given(subject) if demanded else {}
    for id, (name, where) in demanded.items():
        message = (
            f"the analytic plan {name} is mandatory for people on {some(where)}, and Odoo demands nothing of programs"
        )
        conditions = given.get(id)
        if not conditions:
            outcome.warn(f"{message}: no distribution model gives an account of it, so it stays empty", _TODO_PLAN)
        elif "" not in conditions:
            outcome.warn(f"{message}: models give one only for {some(conditions)}; elsewhere none applies", _TODO_PLAN)
    return outcome


def _given(subject: Subject) -> dict[int, list[str]]:
    """Return by root plan the conditions under which a distribution model gives an account of it; "" is unconditionally."""
    client = subject.odoo
    model = "account.analytic.distribution.model"
    accounts = client.rpc.listed("account.analytic.account", ["root_plan_id", "plan_id"])
    plan_of = {row["id"]: (row.get("root_plan_id") or row.get("plan_id") or [0])[0] for row in accounts}
    given: dict[int, list[str]] = {}
    for row in client.rpc.listed(model, [*_CONDITIONS, "analytic_distribution", "company_id"]):
        if row.get("company_id") and row["company_id"][0] not in client.rpc.companies:
            continue
        words = [f"{name.removesuffix('_id')} {_shown(row[name])}" for name in _CONDITIONS if row.get(name)]
        for key in row.get("analytic_distribution") or {}:
            for account in str(key).split(","):
                given.setdefault(plan_of.get(int(account), 0) if account.isdecimal() else 0, []).append(
                    " and ".join(words)
                )
    return given


def _shown(value: Any) -> str:
    return str(value[1]) if isinstance(value, list) and len(value) == 2 else str(value)


def fields(subject: Subject) -> Outcome:
    """Check for fields that a form always requires of users and that neither the requests nor a default fills."""
    outcome = Outcome("no form demands more than what is written")
    for model, (words, need) in MODELS.items():
        if not subject.needs(need):
            continue
        try:
            unset = sorted(set(_demanded(subject, model)) - _WRITTEN[model] - set(_configured(subject, model)))
        except (UnknownField, Forbidden, FixDocument, Unreadable) as problem:
            outcome.warn(f"the form of {model} could not be looked at: {problem}", "see yourself what it demands")
            continue
        if unset:
            todo = (
                "give a value in odoo.order_values or odoo.invoice_values where that is possible, or a default in Odoo"
            )
            outcome.warn(f"people must fill {some(unset)} on {words}; it stays empty on ours", todo)
    return outcome


def _configured(subject: Subject, model: str) -> Mapping[str, str]:
    names = subject.instance.odoo
    return {"sale.order": names.order_values, "account.move": names.invoice_values}.get(model, {})


def _demanded(subject: Subject, model: str) -> Iterator[str]:
    """Yield fields (of a list: `order_line/x`) that the form always requires and the model does not, and that have no default."""
    client = subject.odoo
    views = client.rpc.call(model, "get_views", views=[[False, "form"]])
    arch = views["views"]["form"]["arch"] if isinstance(views, dict) else "<form/>"
    known = client.rpc.call(model, "fields_get", attributes=["type", "relation", "required", "readonly"])
    found = [
        (path, field)
        for path, field in _required(_parsed(str(arch), model), "")
        if "/" in path or not known.get(path, {}).get("required")
    ]
    own = [path for path, _ in found if "/" not in path]
    defaults = client.rpc.call(model, "default_get", fields=own) if own else {}
    yield from (path for path, _ in found if "/" in path or not (defaults or {}).get(path))


def _parsed(arch: str, model: str) -> ElementTree.Element:
    """Return the form as a tree. Raises Unreadable for invalid XML and for entities, which are never expanded (XML attacks)."""
    if re.search(r"<!\s*(doctype|entity)", arch, re.IGNORECASE):
        raise Unreadable("a form with entities", system="odoo", call=f"{model}.get_views")
    try:
        return ElementTree.fromstring(arch)  # noqa: S314 - without entities there is nothing to expand
    except ElementTree.ParseError as problem:
        raise Unreadable(f"no form: {problem}", system="odoo", call=f"{model}.get_views") from None


def _required(node: ElementTree.Element, above: str) -> Iterator[tuple[str, ElementTree.Element]]:
    for child in node:
        inside = above
        if child.tag == "field":
            path = f"{above}{child.get('name')}"
            if _is_required(child) and above in ("", *_LISTS):
                yield path, child
            inside = f"{path}/"
        yield from _required(child, inside)


def _is_required(field: ElementTree.Element) -> bool:
    """Return whether the field is required unconditionally.

    Conditions depend on what users enter and are not evaluated. Before Odoo 17 `modifiers` hold the flags. Invisible fields require nothing.
    """
    modifiers: dict[str, Any] = json.loads(field.get("modifiers") or "{}")
    hidden = field.get("invisible") in ("1", "True", "true") or modifiers.get("invisible") is True
    return not hidden and (field.get("required") in ("1", "True", "true") or modifiers.get("required") is True)


def other_values(subject: Subject) -> Outcome:
    """Check that the fields in `order_values` and `invoice_values` exist and are of a simple type."""
    names = subject.instance.odoo
    wanted = {"sale.order": names.order_values, "account.move": names.invoice_values}
    outcome = Outcome(some(f"{model}.{name}" for model, values in wanted.items() for name in values) or "none are set")
    for model, values in wanted.items():
        known = (
            subject.odoo.rpc.call(model, "fields_get", attributes=["type", "relation", "readonly"]) if values else {}
        )
        for name in values:
            facts = known.get(name)
            if facts is None:
                outcome.complain(f"{model} has no field {name}", "correct the setting", stops=True)
            elif name.startswith("x_") and facts["type"] not in _SIMPLE:
                message = f"{model}.{name} is a {facts['type']}: only {some(_SIMPLE)} may be given"
                outcome.complain(message, "take it out of the setting, or give it a default in Odoo", stops=True)
    return outcome


CHECKS: tuple[tuple[str, Check], ...] = (
    ("Books: analytic distribution", analytic),
    ("Books: fields demanded of people", fields),
    ("Books: other values", other_values),
)
