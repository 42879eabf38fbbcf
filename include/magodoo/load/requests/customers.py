"""Odoo partners of a Magento customer: never merged, never overwritten, each distinct address a child contact (RULES)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from magodoo.extract.canonical import CanonicalDocument
from magodoo.load.requests.prepared import RequestProblem
from magodoo.load.requests.sources import Sources
from magodoo.load.requests.tables import Table, table
from magodoo.money import dump_json

_ADDRESS = ("firstname", "lastname", "company", "street", "city", "postcode", "region", "country_id", "telephone")


@dataclass(frozen=True)
class Customer:
    """External ids of the partner and the two addresses of an order, and the tables that create them, partner first."""

    partner: str
    billing: str
    shipping: str
    tables: tuple[Table, ...]
    problems: tuple[RequestProblem, ...] = ()

    def as_json(self) -> list[dict[str, Any]]:
        return [part.as_json() for part in self.tables]


def customer(sources: Sources, order: CanonicalDocument) -> Customer:
    """A registered customer by Magento's id, a guest by e-mail; what an existing partner says is never changed."""
    payload = order.payload
    written = [payload.get("billing_address") or {}, _shipping_address(payload)]
    addresses = [_plain_address(each) for each in written]
    billing = addresses[0]
    if not addresses[1]:
        addresses[1], written[1] = billing, written[0]
    partner = sources.instance.external_id("partner", _customer_key(payload, order))
    problems: list[RequestProblem] = []
    tables = [table("res.partner", _partner(sources, order, partner, billing, problems))]
    ids: list[str] = []
    for address, row in zip(addresses, written, strict=True):
        external_id = sources.instance.external_id("addr", _digest(partner + dump_json(address)))
        if external_id not in ids:
            cells = _contact(sources, order, external_id, partner, address, problems)
            tables.append(table("res.partner", cells | _place(sources, row, cells)))
        ids.append(external_id)
    return Customer(partner, ids[0], ids[1], tuple(tables), tuple(dict.fromkeys(problems)))


def _partner(
    sources: Sources,
    order: CanonicalDocument,
    external_id: str,
    billing: Mapping[str, Any],
    problems: list[RequestProblem],
) -> dict[str, str]:
    return {
        "id": external_id,
        "name": _name(billing) or order.customer_name or _email(order) or order.number,
        "email": _email(order),
        "phone": str(billing.get("telephone") or ""),
        "country_id/.id": _country(sources, billing, problems),
        "vat": order.vat or "",
        "company_type": "person",
    }


def _contact(
    sources: Sources,
    order: CanonicalDocument,
    external_id: str,
    partner: str,
    address: Mapping[str, Any],
    problems: list[RequestProblem],
) -> dict[str, str]:
    street = [str(line).strip() for line in address.get("street") or () if str(line).strip()]
    company = str(address.get("company") or "").strip()
    name = _name(address)
    return {
        "id": external_id,
        "parent_id/id": partner,
        "type": "other",
        "name": ", ".join(part for part in (company, name) if part) or order.number,
        "email": _email(order),
        "phone": str(address.get("telephone") or ""),
        "street": street[0] if street else "",
        "street2": ", ".join(street[1:]),
        "zip": str(address.get("postcode") or ""),
        "city": str(address.get("city") or "").strip(),
        "country_id/.id": _country(sources, address, problems),
    }


def _place(sources: Sources, address: Mapping[str, Any], cells: Mapping[str, str]) -> dict[str, str]:
    """The region as Odoo's state of the country; one that Odoo does not list stays readable in the second line of the street."""
    region = address.get("region")
    of = region if isinstance(region, Mapping) else address
    code, name = (str(of.get(key) or "").strip() for key in ("region_code", "region"))
    country = cells["country_id/.id"]
    state = sources.master.state(int(country), code, name) if country else None
    if state is not None:
        return {"state_id/.id": str(state.id)}
    text = name or code
    return {"street2": ", ".join(part for part in (cells["street2"], text) if part)} if text else {}


def _country(sources: Sources, address: Mapping[str, Any], problems: list[RequestProblem]) -> str:
    code = str(address.get("country_id") or "")
    record = sources.master.only("res.country", code)
    if record is None and code:
        problems.append(RequestProblem(f"country:{code}", f"Odoo has no country {code!r}"))
    return str(record.id) if record else ""


def _customer_key(payload: Mapping[str, Any], order: CanonicalDocument) -> str:
    if payload.get("customer_id"):
        return f"c{payload['customer_id']}"
    return f"g_{_digest(_email(order).lower() or f'order {order.source_id}')}"


def _email(order: CanonicalDocument) -> str:
    return str(order.customer_email or order.payload.get("customer_email") or "").strip()


def _name(address: Mapping[str, Any]) -> str:
    """From the address: the customer's own name is cut to 128 characters (facts magento-2.4.7-more 4)."""
    return " ".join(part for name in ("firstname", "lastname") if (part := str(address.get(name) or "").strip()))


def _plain_address(address: Mapping[str, Any]) -> dict[str, Any]:
    return {name: address[name] for name in _ADDRESS if address.get(name)}


def _shipping_address(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    for assignment in (payload.get("extension_attributes") or {}).get("shipping_assignments") or ():
        address = (assignment.get("shipping") or {}).get("address")
        if address:
            return dict(address)
    return {}


def _digest(text: str) -> str:
    """The first 16 hex digits: a name, not a secret."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]
