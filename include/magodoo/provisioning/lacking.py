"""What the settings name and an Odoo lacks: each record with the exact values that it would have. Nothing is written here.

Only what is missing is named. A record that exists is never changed, archived ones included; what a person has to do to it is in `by_hand`,
as is what nobody should make by a program: taxes, products that are sold, rights of a user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.installation import GROUPS
from magodoo.settings import Instance
from magodoo.settings.extra_totals import Nature

_SERVICES = {
    "shipping_product": "Shipping",
    "shipping_discount_product": "Shipping discount",
    "adjustment_plus_product": "Adjustment refund",
    "adjustment_minus_product": "Adjustment fee",
}
_PRODUCT_CLICKS = (
    "Sales, Products, New: these values; Product Type Service, Invoicing Policy Ordered quantities, no sales tax"
)


class Decides(StrEnum):
    """Who says yes to a record."""

    ACCOUNTING = "accounting"
    IT = "it"


@dataclass(frozen=True)
class Record:
    """A record that is missing.

    `values` by field are texts as Odoo's import takes them; `model_id` is the name of a model, `company_id` a database id.
    `clicks` says how to make it in the browser.
    """

    model: str
    external_id: str
    what: str
    values: Mapping[str, str]
    decides: Decides
    clicks: str
    outstanding: str = ""
    """Of a journal: the external id of the account that its payment methods get."""

    @property
    def undo(self) -> str:
        """Return how to take it back."""
        return undo(self.model, self.values)


@dataclass(frozen=True)
class Plan:
    """What is missing, in the order in which it is made; and what a person does, as (what, how)."""

    records: tuple[Record, ...] = ()
    by_hand: tuple[tuple[str, str], ...] = ()

    def of(self, decides: Decides) -> tuple[Record, ...]:
        """Return the records to which one of the two says yes."""
        return tuple(record for record in self.records if record.decides is decides)


@dataclass
class _Draft:
    records: list[Record] = field(default_factory=list)
    by_hand: list[tuple[str, str]] = field(default_factory=list)


def named(instance: Instance, kind: str, name: str) -> str:
    """Return the external id `<prefix>.provision_<kind>_<instance>_<name>`, its name of small letters, digits and underscores."""
    return (
        f"{instance.odoo.prefix}.provision_{kind}_{instance.id}_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}"
    )


def undo(model: str, values: Mapping[str, str]) -> str:
    """Return how to take a record back, in words of Odoo's menus."""
    name = values.get("default_code") or values.get("code") or values["name"]
    booked = "delete it as long as nothing is booked on it, otherwise archive it"
    return {
        "product.product": f"Sales, Products: archive or delete the product {name}",
        "ir.model.fields": f"Settings, Technical, Fields: delete {name}; its values are lost, and with them which delivery is which shipment",
        "product.pricelist": f"Sales, Products, Pricelists: archive or delete {name}",
        "account.payment.term": f"Accounting, Configuration, Payment Terms: archive or delete {name}",
        "account.account": f"Accounting, Configuration, Chart of Accounts, {name}: after its journal, {booked}",
        "account.journal": f"Accounting, Configuration, Journals, {name}: {booked}",
    }[model]


def plan(client: OdooClient, instance: Instance) -> Plan:
    """Return what the company lacks of what the settings of the instance name. Raises what reading raises."""
    draft = _Draft()
    _products(client, instance, draft)
    _key_field(client, instance, draft)
    _pricelists(client, instance, draft)
    _terms(client, instance, draft)
    _journals(client, instance, draft)
    _rights(client, draft)
    return Plan(tuple(draft.records), tuple(draft.by_hand))


def _products(client: OdooClient, instance: Instance, draft: _Draft) -> None:
    wanted = {getattr(instance.odoo, setting): name for setting, name in _SERVICES.items()}
    for name, extra in instance.extra_totals.items():
        if extra.product and extra.nature is not Nature.PAYMENT_PART:
            wanted.setdefault(extra.product, name.replace("_", " ").capitalize())
    found = {row["default_code"]: row for row in client.master_data.products(list(wanted))}
    for sku, name in wanted.items():
        if sku not in found:
            values = {
                "default_code": sku,
                "name": name,
                "type": "service",
                "invoice_policy": "order",
                "list_price": "0",
                "taxes_id": "",
            }
            draft.records.append(
                Record(
                    "product.product",
                    named(instance, "product", sku),
                    f"service product {sku}",
                    values,
                    Decides.IT,
                    _PRODUCT_CLICKS,
                )
            )
        elif not found[sku]["active"]:
            draft.by_hand.append((f"the product {sku} is archived", "Sales, Products, filter Archived: Unarchive it"))
    cards = instance.gift_cards_sold
    if cards and cards.product and not client.master_data.products([cards.product]):
        how = "Sales, Products, New: a service with this reference, whose income account is the liability of sold gift cards"
        draft.by_hand.append((f"the product {cards.product} of gift cards is missing", how))


def _key_field(client: OdooClient, instance: Instance, draft: _Draft) -> None:
    name = instance.odoo.delivery_key_field
    if client.rpc.has_field("stock.picking", name):
        return
    if not name.startswith("x_"):
        how = "install the module that has it, or set odoo.delivery_key_field to a field of your own (x_...)"
        draft.by_hand.append((f"stock.picking has no field {name}", how))
        return
    values = {
        "name": name, "field_description": "Magento key", "model_id": "stock.picking", "ttype": "char", "state": "manual",
        "index": "1", "copied": "0",
    }  # fmt: skip
    clicks = f"developer mode; Settings, Technical, Fields, New: {name}, model Transfer (stock.picking), type char, Indexed on, Copied off"
    draft.records.append(
        Record(
            "ir.model.fields",
            named(instance, "field", name),
            f"field {name} of deliveries",
            values,
            Decides.IT,
            clicks,
        )
    )


def _pricelists(client: OdooClient, instance: Instance, draft: _Draft) -> None:
    known = [(row["name"], row["currency_id"][1]) for row in client.master_data.pricelists() if row["currency_id"]]
    currencies = {row["name"]: row["active"] for row in client.master_data.currencies()}
    for currency, name in instance.odoo.pricelists.items():
        if not currencies.get(currency):
            draft.by_hand.append(
                (
                    f"the currency {currency} is not active",
                    "Accounting, Configuration, Currencies: activate it and enter its rates",
                )
            )
        if (name, currency) in known:
            continue
        values = {"name": name, "currency_id": currency, "company_id": str(client.rpc.company_id)}
        clicks = "Settings, Sales: Pricelists on; Sales, Products, Pricelists, New: these values"
        draft.records.append(
            Record(
                "product.pricelist",
                named(instance, "pricelist", f"{currency} {name}"),
                f"pricelist {name}",
                values,
                Decides.IT,
                clicks,
            )
        )


def _terms(client: OdooClient, instance: Instance, draft: _Draft) -> None:
    wanted = list(
        dict.fromkeys(method.payment_term for method in instance.payment_methods.values() if method.payment_term)
    )
    known = {row["name"] for row in client.rpc.listed("account.payment.term", ["name"])} if wanted else set()
    for name in wanted:
        if name in known:
            continue
        days = re.search(r"\d+", name)
        values = {
            "name": name, "company_id": str(client.rpc.company_id), "line_ids/value": "percent", "line_ids/value_amount": "100",
            "line_ids/nb_days": days[0] if days else "0",
        }  # fmt: skip
        clicks = "Accounting, Configuration, Payment Terms, New: these values"
        what = f"payment term {name}"
        draft.records.append(
            Record("account.payment.term", named(instance, "term", name), what, values, Decides.ACCOUNTING, clicks)
        )


def _journals(client: OdooClient, instance: Instance, draft: _Draft) -> None:
    wanted = dict(_money_journals(instance))
    rows = client.master_data.journals()
    by_code = {row["code"]: row for row in rows}
    ids = [row["id"] for row in rows if row["code"] in wanted]
    ours = client.external_ids.of("account.journal", ids) if ids else {}
    codes = _Codes(client) if wanted else None
    accounts = (
        client.external_ids.find([named(instance, "account", code) for code in wanted], hidden={}) if wanted else {}
    )
    for code, (name, is_liability) in wanted.items():
        row = by_code.get(code)
        made_here = row is not None and ours.get(row["id"]) == named(instance, "journal", code)
        if row is not None and not made_here:
            if not row["active"]:
                draft.by_hand.append(
                    (
                        f"the journal {code} is archived",
                        "Accounting, Configuration, Journals, filter Archived: Unarchive it",
                    )
                )
            elif not _has_outstanding(row):
                how = f"Accounting, Configuration, Journals, {row['name']}: an outstanding account on its incoming and outgoing payment methods"
                draft.by_hand.append((f"the journal {code} has no outstanding account in both directions", how))
            continue
        if row is not None and _has_outstanding(row):
            continue
        assert codes is not None, "there are journals that are wanted"
        held = named(instance, "account", code)
        account = "" if held in accounts else codes.next(is_liability=is_liability)
        draft.records += _journal(client, instance, code, name, account, is_liability=is_liability)


def _money_journals(instance: Instance) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield (code, (name, whether its outstanding account is a liability)) of the journals of payments, each once."""
    for name, method in instance.payment_methods.items():
        if method.journal:
            yield method.journal, (_titled(name), False)
    for name, extra in instance.extra_totals.items():
        if extra.journal:
            yield extra.journal, (_titled(name), True)


def _titled(code: str) -> str:
    return code.replace("_", " ").strip().capitalize()


def _has_outstanding(row: Mapping[str, Any]) -> bool:
    found = {line["payment_type"] for line in row["method_lines"] if line["payment_account"]}
    return found >= {"inbound", "outbound"}


def _journal(
    client: OdooClient, instance: Instance, code: str, name: str, account: str, *, is_liability: bool
) -> Iterator[Record]:
    """Yield the account, unless an earlier run made it (`account` is ""), and the journal whose payments wait on it."""
    kind = "liability_current" if is_liability else "asset_current"
    label = f"{name} liability" if is_liability else f"{name} clearing"
    held = named(instance, "account", code)
    if account:
        values = {"name": label, "code": account, "account_type": kind, "reconcile": "1"}
        clicks = "Accounting, Configuration, Chart of Accounts, New: these values, Allow Reconciliation on"
        yield Record("account.account", held, f"account {account} {label}", values, Decides.ACCOUNTING, clicks)
    values = {"name": name, "code": code, "type": "bank", "company_id": str(client.rpc.company_id)}
    there = account or label
    clicks = f"Accounting, Configuration, Journals, New: these values; tabs Incoming and Outgoing Payments: outstanding account {there}"
    what = f"journal {code} {name}, payments wait on {there}"
    yield Record("account.journal", named(instance, "journal", code), what, values, Decides.ACCOUNTING, clicks, held)


class _Codes:
    """Free account codes beside those that the company's chart uses for such accounts."""

    def __init__(self, client: OdooClient) -> None:
        rows = client.rpc.listed("account.account", ["code", "account_type"])
        self._taken = {str(row["code"]) for row in rows if row["code"]}
        self._like = {
            kind: sorted(
                str(row["code"]) for row in rows if row["account_type"] == kind and str(row["code"]).isdecimal()
            )
            for kind in ("asset_current", "liability_current")
        }

    def next(self, *, is_liability: bool) -> str:
        found = self._like["liability_current" if is_liability else "asset_current"]
        code = found[-1] if found else "101900"
        while code in self._taken:
            code = str(int(code) + 1).zfill(len(code))
        self._taken.add(code)
        return code


def _rights(client: OdooClient, draft: _Draft) -> None:
    """Say which rights the user of the key lacks: a program gives nobody a right."""
    user = client.installation.user_and_rights()
    missing: Sequence[str] = [group for group in GROUPS if group not in user["groups"]] if user["missing"] else []
    if missing or user["missing"]:
        groups = ", ".join(missing) or "the groups that give them"
        how = f"Settings, Users, {user['name']}: add {groups} (never done by magodoo)"
        draft.by_hand.append((f"the user {user['login']} lacks {', '.join(user['missing'])}", how))
