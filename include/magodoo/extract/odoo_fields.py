"""Read the fields that only Odoo's rows have: links, external ids of ours, references that may name a Magento order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from magodoo.characters import visible
from magodoo.errors import Unreadable
from magodoo.extract import fields
from magodoo.extract.details import Details
from magodoo.extract.fields import Row
from magodoo.settings import Instance

_SEPARATORS = re.compile(r"[\s,;|]+")
_NUMBER = re.compile(r"_[0-9]{1,18}")  # at the end of an external id: it becomes a key that frames hold as int64
MOST_REFERENCES = 40


def link(row: Row, name: str) -> Row:
    """Return a many2one as an object with `id`: it arrives as an object, an id, `[id, name]` or False (docs/facts/odoo-19.0.md#3)."""
    value = row.get(name)
    if isinstance(value, list):
        value = {"id": value[0], "name": value[1]} if len(value) == 2 else value
    if isinstance(value, int) and not isinstance(value, bool):
        value = {"id": value}
    return fields.inner({name: value}, name)


def link_id(row: Row, name: str) -> str | None:
    """Return the id of a many2one as text; None for none."""
    return fields.identity(link(row, name), "id")


def ids(row: Row, name: str) -> list[int]:
    """Return an x2many of plain ids."""
    value = row.get(name)
    if value is None or value is False:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"{name}: not a list of ids: {value!r:.60}")
    return [int(fields.required_identity({name: each}, name)) for each in value]


def our_reference(instance: Instance, row: Row, *kinds: str) -> str | None:
    """Return the record's external id when we gave it for this instance and one of `kinds`; else None."""
    given = fields.key(row, "external_id")
    begins = tuple(instance.external_id(kind, "") for kind in kinds)
    return given if given and given.startswith(begins) and _NUMBER.fullmatch(given, given.rindex("_")) else None


def is_of_another_instance(instance: Instance, row: Row, *kinds: str) -> bool:
    """Return whether we gave the record its external id for another instance of the same company."""
    given = fields.key(row, "external_id")
    return bool(given) and re.match(
        rf"{re.escape(instance.odoo.prefix)}\.(?:{'|'.join(kinds)})_(?!{re.escape(instance.id)}_)[a-z0-9]+_\d+$", str(given)
    ) is not None  # fmt: skip


def item_of(instance: Instance, sale_line: Row) -> str | None:
    """Return the id of the Magento order item that an order line has by our external id; None without one."""
    reference = our_reference(instance, sale_line, "oi")
    return reference.rsplit("_", 1)[1] if reference else None


def references(instance: Instance, row: Row) -> tuple[str, ...]:
    """Return the values of the fields that may name a Magento order, whole and word by word, without `#`."""
    found: dict[str, None] = {}
    for name in instance.odoo.reference_fields:
        value = fields.words(row, name)
        for word in _parts(value, instance.odoo.reference_prefixes) if value else ():
            if word and len(word) <= fields.LONGEST_KEY:
                found[word] = None
    return tuple(found)[:MOST_REFERENCES]


def _parts(value: str, prefixes: Iterable[str]) -> Iterable[str]:
    """Yield the value, its words, and its words without a prefix."""
    yield value
    for word in _SEPARATORS.split(value):
        plain = word.strip("#()[]")
        yield plain
        yield from (plain.removeprefix(prefix) for prefix in prefixes if prefix and plain.startswith(prefix))


def tax_percent(row: Row) -> Decimal | None:
    """Return the sum of a line's percentage taxes; None when it has none."""
    taxes = [tax for tax in fields.rows(row, "tax_ids") if tax.get("amount_type") in (None, False, "percent")]
    found = [fields.percent(tax, "amount") or Decimal(0) for tax in taxes]
    return sum(found, Decimal(0)) if found else None


def role_of(instance: Instance, sku: str | None) -> str:
    """Return a line's role by its product: our service products have names in the settings; without a product it is `other`."""
    names = instance.odoo
    roles = {
        names.shipping_product: "shipping",
        names.shipping_discount_product: "discount",
        names.adjustment_plus_product: "adjustment",
        names.adjustment_minus_product: "adjustment",
        **{extra.product: "extra" for extra in instance.extra_totals.values() if extra.product},
    }
    return roles.get(sku, "item") if sku else "other"


def addressed(row: Row) -> Details:
    """Return `addressed` of an order's details: the external ids of its customer and addresses, "" for a contact that people made."""
    roles = (("partner", "partner_id"), ("billing", "partner_invoice_id"), ("shipping", "partner_shipping_id"))
    found = {role: fields.words(link(row, name), "external_id", fields.LONGEST_KEY) or "" for role, name in roles}
    return {"addressed": found}


def foreign_units(lines: Iterable[Row]) -> Details:
    """Return `foreign_units` of a document's details: the lines that count in a unit that does not convert into their product's."""
    named = []
    for line in lines:
        units = line.get("foreign_unit")
        if isinstance(units, list) and len(units) == 2:
            sku = fields.words(link(line, "product_id"), "default_code", fields.LONGEST_KEY) or "a product"
            named.append(f"{sku} counts in {units[0]}, its product in {units[1]}")
    return {"foreign_units": visible("; ".join(dict.fromkeys(named)))[: fields.LONGEST]} if named else {}


def is_heading(row: Row) -> bool:
    """Return whether a line is a section or note: text between the lines."""
    return str(row.get("display_type") or "").startswith("line_")


def is_intercompany(order: Row) -> bool:
    """Return whether a sales order is the mirror of another company's purchase: its customer is a company of the same database.

    Odoo delivers to such a customer by a transit location that belongs to nobody; inter-company modules name the
    purchase. The other company itself may be hidden from us.
    """
    place = link(link(order, "partner_id"), "property_stock_customer")
    between = fields.words(place, "usage") == "transit" and not link(place, "company_id")
    return bool(between or link(order, "auto_purchase_order_id"))


def customer(row: Row) -> dict[str, Any]:
    """Return the customer columns of a document, from its partner."""
    partner, ship_to = link(row, "partner_id"), link(row, "partner_shipping_id")
    country = link(ship_to, "country_id") or link(partner, "country_id")
    return {
        "customer_key": fields.identity(partner, "id"),
        "customer_name": fields.prose(partner, "name"),
        "customer_email": fields.email(partner, "email") or fields.email(link(row, "partner_invoice_id"), "email"),
        "customer_phone": fields.prose(partner, "phone"),
        "ship_to_name": fields.prose(ship_to, "name"),
        "country": fields.words(country, "code", 10),
        "vat": fields.words(partner, "vat"),
    }
