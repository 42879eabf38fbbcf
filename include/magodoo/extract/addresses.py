"""The names that a customer and the two addresses of a Magento order get in Odoo: what is written under them, and what was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from magodoo.money import dump_json
from magodoo.settings import Instance

_ADDRESS = ("firstname", "lastname", "company", "street", "city", "postcode", "region", "country_id", "telephone")


class Addressed(NamedTuple):
    """External ids of the partner and of its contacts for billing and shipping; an address changes its name with its content."""

    partner: str
    billing: str
    shipping: str


def addressed(instance: Instance, payload: Mapping[str, Any], email: str, order_id: str) -> Addressed:
    """The names of an order's customer: by Magento's id, a guest by e-mail, without either by the order.

    Raises TypeError or AttributeError where the payload holds something else than addresses.
    """
    billing, shipping = billing_address(payload), shipping_address(payload)
    key = f"c{payload['customer_id']}" if payload.get("customer_id") else None
    partner = instance.external_id("partner", key or f"g_{digest(email.lower() or f'order {order_id}')}")
    names = [
        instance.external_id("addr", digest(partner + dump_json(plain_address(each)))) for each in (billing, shipping)
    ]
    return Addressed(partner, *names)


def billing_address(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return payload.get("billing_address") or {}


def shipping_address(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where it is shipped to; without such an address the billing address."""
    for assignment in (payload.get("extension_attributes") or {}).get("shipping_assignments") or ():
        address = (assignment.get("shipping") or {}).get("address")
        if address and plain_address(address):
            return dict(address)
    return billing_address(payload)


def plain_address(address: Mapping[str, Any]) -> dict[str, Any]:
    """What of an address is written."""
    return {name: address[name] for name in _ADDRESS if address.get(name)}


def digest(text: str) -> str:
    """The first 16 hex digits: a name, not a secret."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:16]


def family(name: str) -> str:
    """An external id without what is particular to one record: `magodoo.addr_us`."""
    return name.rpartition("_")[0]
