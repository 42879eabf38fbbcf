"""Say whether a tax rule fits a line, from what Magento and the settings know of its order: destination, origin, worth, day, VAT number.

What nobody knows is not guessed: a rule that asks for it neither fits nor is passed over (docs/business-rules.md#taxes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from magodoo.domain.vocabulary import Kind, Side
from magodoo.extract.addresses import billing_address, shipping_address
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.flows.sources import Sources
from magodoo.money import from_units, rounded, shown
from magodoo.settings.tax_rules import TaxRule

VALID = (1, "1", True)


@dataclass(frozen=True)
class Unknown:
    """Hold why a condition cannot be decided."""

    why: str


Answer = bool | Unknown


def fits(rule: TaxRule, sources: Sources, order: CanonicalDocument, line: CanonicalLine, kind: str | None) -> Answer:
    """Return whether every condition of a rule but its rate fits a line; Unknown where all others fit and one cannot be decided."""
    own = (
        rule.country in (None, order.country)
        and rule.kind in (None, kind)
        and rule.has_vat in (None, bool(order.vat))
        and rule.customer_group in (None, order.customer_group)
        and rule.payment_method in (None, order.payment_method)
        and rule.store in (None, order.store_id)
    )
    if not own:
        return False
    answers = list(_asked(rule, sources, order, line))
    if False in answers:
        return False
    return next((answer for answer in answers if isinstance(answer, Unknown)), True)


def _asked(rule: TaxRule, sources: Sources, order: CanonicalDocument, line: CanonicalLine) -> Iterator[Answer]:
    """Yield the answer to each further condition that the rule has."""
    if rule.region is not None or rule.postcodes:
        yield _destination(rule, order)
    if rule.vat_checked is not None:
        yield _vat(rule.vat_checked, order)
    if rule.valid_from is not None:
        day = order.document_date
        yield Unknown("Magento names no day on which the order was placed") if day is None else day >= rule.valid_from
    if rule.consignment_above is not None or rule.consignment_up_to is not None:
        yield _consignment(rule, order)
    if rule.from_source is not None or rule.from_country is not None:
        yield _origin(rule, sources, order, line)


def _destination(rule: TaxRule, order: CanonicalDocument) -> Answer:
    address = shipping_address(order.payload)
    if not address:
        return Unknown("the order's address is not kept any more, so that its region and postcode are not known")
    return rule.fits_region(*region_of(address)) and rule.fits_postcode(str(address.get("postcode") or ""))


def region_of(address: Mapping[str, object]) -> tuple[str, str]:
    """Return code and name of an address's region, "" where it has none; some extensions send the region as an object."""
    region = address.get("region")
    of = region if isinstance(region, Mapping) else address
    return str(of.get("region_code") or "").strip(), str(of.get("region") or "").strip()


def _vat(wanted: bool, order: CanonicalDocument) -> Answer:
    if order.vat and not order.payload:
        return Unknown("the order's addresses are not kept any more, so that the check of its VAT number is not known")
    return (checked_on(order) is not None) is wanted


def checked_on(order: CanonicalDocument) -> date | None:
    """Return the day on which Magento found the order's VAT number valid; None where it did not, or names no day.

    Magento stores the answer of the European Commission's service on the address that its taxes are based on; the day is a
    text that begins with an ISO date.
    """
    for address in (billing_address(order.payload), shipping_address(order.payload)):
        if not order.vat or address.get("vat_id") != order.vat or address.get("vat_is_valid") not in VALID:
            continue
        try:
            return date.fromisoformat(str(address.get("vat_request_date") or "")[:10])
        except ValueError:
            continue
    return None


def consignment(order: CanonicalDocument) -> Decimal:
    """Return what the goods of an order are worth in Magento's base currency: after discount, without tax, shipping and services."""
    worth = (line.base_untaxed for line in order.lines if line.role == "item" and line.is_money and not line.is_virtual)
    return from_units(rounded(sum(worth)))


def _consignment(rule: TaxRule, order: CanonicalDocument) -> Answer:
    worth = consignment(order)
    above, up_to = rule.consignment_above, rule.consignment_up_to
    return (above is None or worth > above) and (up_to is None or worth <= up_to)


def _origin(rule: TaxRule, sources: Sources, order: CanonicalDocument, line: CanonicalLine) -> Answer:
    """Return whether a line is shipped from the rule's source or country; Unknown where nobody says, or it comes from several."""
    codes = origins(sources, order, line)
    if not codes:
        why = "no shipment and no order in Odoo names a source yet, and `odoo.warehouses` names several or none"
        return Unknown(f"where {_named(line)} is shipped from is not known: {why}")
    countries = sources.instance.source_countries
    silent = [code for code in sorted(codes) if code not in countries]
    if rule.from_country is not None and silent:
        return Unknown(f"`source_countries` names no country of the source {silent[0]!r}, which ships {_named(line)}")
    of_source = {rule.from_source in (None, code) for code in codes}
    of_country = {rule.from_country in (None, countries.get(code)) for code in codes}
    if len(of_source) > 1 or len(of_country) > 1:
        return Unknown(
            f"{_named(line)} is shipped from several sources, {' and '.join(sorted(codes))}, of which the rule is for some"
        )
    return of_source == of_country == {True}


def origins(sources: Sources, order: CanonicalDocument, line: CanonicalLine) -> set[str]:
    """Return the Magento codes of the sources that a line is shipped from; empty where nobody says.

    These are the sources of Magento's shipments that hold the item (of any, for a line that is no item); before the first one
    the warehouse of the order in Odoo, and where the settings know one source only, that one.
    """
    keys = {line.item_key, *(each.item_key for each in order.lines if each.parent_item_key == line.item_key)}
    keys |= {line.parent_item_key} if line.parent_item_key else set()
    shipped = {
        document.source_code
        for (side, kind, _), document in sources.documents.items()
        if (side, kind, document.order_key) == (Side.MAGENTO, Kind.SHIPMENT, order.source_id) and document.source_code
        if line.role != "item" or any(each.item_key in keys and each.quantity for each in document.lines)
    }
    if shipped:
        return {code for code in shipped if code}
    theirs = sources.counterpart(Kind.ORDER, order.source_id)
    if theirs is not None and theirs.source_code:
        return {theirs.source_code}
    known = {*sources.instance.odoo.warehouses.values(), *sources.instance.source_countries}
    return known if len(known) == 1 else set()


def described(rules: list[TaxRule], order: CanonicalDocument) -> str:
    """Return what the order is in the terms that rules ask for, to be read beside *no tax rule fits*; "" where they ask for nothing else."""
    parts = []
    if any(rule.region for rule in rules):
        parts.append(f"region {region_of(shipping_address(order.payload))[0] or 'none'}")
    if any(rule.vat_checked is not None for rule in rules):
        day = checked_on(order)
        parts.append(f"VAT number checked on {day}" if day else "VAT number not found valid by Magento")
    if any(rule.valid_from for rule in rules):
        parts.append(f"placed on {order.document_date}")
    if any(rule.consignment_above is not None or rule.consignment_up_to is not None for rule in rules):
        worth = shown(int(consignment(order) * 10_000), order.company_currency)
        parts.append(f"goods worth {worth} {order.company_currency}")
    return f" ({', '.join(parts)})" if parts else ""


def _named(line: CanonicalLine) -> str:
    return f"item {line.sku}" if line.role == "item" else {"shipping": "the shipping"}.get(line.role, "the amount")
