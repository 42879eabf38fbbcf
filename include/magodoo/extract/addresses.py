"""Name a customer and the two addresses of a Magento order in Odoo: what is written under these names, and what was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from magodoo.money import dump_json
from magodoo.settings import Instance

_ADDRESS = ("firstname", "lastname", "company", "street", "city", "postcode", "region", "country_id", "telephone")


class Addressed(NamedTuple):
    """Hold the external ids of the partner and of its contacts for billing and shipping; an address's id changes with its content."""

    partner: str
    billing: str
    shipping: str


def addressed(instance: Instance, payload: Mapping[str, Any], email: str, order_id: str) -> Addressed:
    """Return the external ids of an order's customer: by Magento's id, for a guest by e-mail, without either by the order.

    Raises:
        TypeError: The payload holds something else than addresses.
        AttributeError: As above.
    """
    billing, shipping = billing_address(payload), shipping_address(payload)
    key = f"c{payload['customer_id']}" if payload.get("customer_id") else None
    partner = instance.external_id("partner", key or f"g_{digest(email.lower() or f'order {order_id}')}")
    names = [
        instance.external_id("addr", digest(partner + dump_json(plain_address(each)))) for each in (billing, shipping)
    ]
    return Addressed(partner, *names)


def billing_address(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the order's billing address; empty without one."""
    return payload.get("billing_address") or {}


def shipping_address(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the order's shipping address; without one the billing address."""
    for assignment in (payload.get("extension_attributes") or {}).get("shipping_assignments") or ():
        address = (assignment.get("shipping") or {}).get("address")
        if address and plain_address(address):
            return dict(address)
    return billing_address(payload)


def plain_address(address: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an address that are written, without empty ones."""
    return {name: address[name] for name in _ADDRESS if address.get(name)}


def digest(text: str) -> str:
    """Return the first 16 hex digits of the text's SHA-1: a name, not a secret."""
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:16]


def family(name: str) -> str:
    """Return an external id without the part of one record: `magodoo.addr_us`."""
    return name.rpartition("_")[0]
