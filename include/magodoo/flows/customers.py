"""Build and load the Odoo partners of a Magento customer: never merged, never overwritten, each address a child contact (docs/business-rules.md#taxes)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from magodoo.errors import UnreadableRecord
from magodoo.extract.addresses import addressed, billing_address, plain_address, shipping_address
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.duplicates import SaleRequest
from magodoo.flows.load_tables import Table, load_all, table
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import Written
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import RequestProblem

if TYPE_CHECKING:
    from magodoo.context import Context


@dataclass(frozen=True)
class Customer:
    """Hold the external ids of the partner and the two addresses of an order, and the tables that create them, partner first."""

    partner: str
    billing: str
    shipping: str
    tables: tuple[Table, ...]
    problems: tuple[RequestProblem, ...] = ()


def customer(sources: Sources, order: CanonicalDocument) -> Customer:
    """Return the partner and contacts of an order's customer: a registered one by Magento's id, a guest by e-mail.

    An existing partner is never changed.
    """
    payload = order.payload
    names = addressed(sources.instance, payload, _email(order), order.source_id)
    written = {names.billing: billing_address(payload)}
    written.setdefault(names.shipping, shipping_address(payload))
    problems: list[RequestProblem] = []
    billing = plain_address(billing_address(payload))
    tables = [table("res.partner", _partner(sources, order, names.partner, billing, problems))]
    for external_id, row in written.items():
        cells = _contact(sources, order, external_id, names.partner, plain_address(row), problems)
        tables.append(table("res.partner", cells | _place(sources, row, cells)))
    return Customer(*names, tuple(tables), tuple(dict.fromkeys(problems)))


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
    """Return the region as Odoo's state of the country; one that Odoo does not list is appended to the second line of the street."""
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


def _email(order: CanonicalDocument) -> str:
    return str(order.customer_email or order.payload.get("customer_email") or "").strip()


def _name(address: Mapping[str, Any]) -> str:
    """Return the name of the address: the customer's own name is cut to 128 characters (docs/facts/magento-2.4.7-more.md#4)."""
    return " ".join(part for name in ("firstname", "lastname") if (part := str(address.get(name) or "").strip()))


def load_partners(context: Context, changes: Sequence[LeasedChange[SaleRequest]]) -> Written:
    """Load partners, then their addresses; return the changes whose partner failed, with the error.

    A customer that exists and may not be read, or that belongs to another company, gets `UnreadableRecord`, and no
    address is loaded below it: the change waits.
    """
    client = context.odoo
    written: Written = {}
    for level in (slice(0, 1), slice(1, None)):
        tables = {change.id: change.request.partners[level] for change in changes if change.id not in written}
        if not any(tables.values()):
            continue
        ids, problems = load_all(client, client.customers.create, [table for some in tables.values() for table in some])
        hidden = client.visibility.hidden("res.partner", ids.values())
        problems |= {name: UnreadableRecord(hidden[id], system="odoo") for name, id in ids.items() if id in hidden}
        for change, some in tables.items():
            blamed = [problems[name] for table in some if (name := table.rows[0][0]) in problems]
            if blamed:
                written[change] = blamed[0]
    return written
