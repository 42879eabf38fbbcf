"""Read a Magento order as a canonical document: its head, its money rows, its payment, its relations to edited orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from magodoo.characters import visible
from magodoo.connectors.magento import bundles
from magodoo.domain.states import MagentoOrderState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import Unreadable
from magodoo.extract import fields, magento_totals, written
from magodoo.extract.addresses import addressed
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.details import Details
from magodoo.extract.fields import Row
from magodoo.extract.magento_rows import Rows, fixed_tax, read_rows
from magodoo.extract.magento_totals import Sums, complete, shipping_line, totals_of
from magodoo.settings import Instance

VIRTUAL = ("virtual", "downloadable")


def order(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return an order with its items, its shipping and what discounted the shipping."""
    document = _head(instance, row, request_began_at)
    totals, base = totals_of(instance, document, row, adjusted=False)
    document.lines, read = read_items(row)
    sums = Sums.of(document.lines, sum(read.base_gross.values()), fixed_tax(fields.rows(row, "items")))
    document.lines += shipping_line(
        totals, base, name=fields.prose(row, "shipping_description") or "", tax_percent=_shipping_percent(row)
    )
    complete(document, totals, base, sums, read.flaw)
    document.details |= _beside(document)
    document.quantity = sum(line.qty_ordered for line in document.lines if line.role == "item" and line.is_money)
    return document


def _head(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    source_id = fields.required_identity(row, "entity_id")
    created = fields.moment(row, "created_at")
    billing, shipping = fields.inner(row, "billing_address"), _shipping_address(row)
    payment = fields.inner(row, "payment")
    email = fields.email(row, "customer_email") or fields.email(billing, "email")
    customer_id = fields.identity(row, "customer_id")
    state = fields.words(row, "state", fields.LONGEST_KEY) or ""
    return CanonicalDocument(
        instance=instance.id,
        side=Side.MAGENTO.value,
        kind=Kind.ORDER.value,
        source_id=source_id,
        number=fields.required_key(row, "increment_id"),
        state=state,
        status=fields.words(row, "status", fields.LONGEST_KEY),
        active=state != MagentoOrderState.CANCELED,
        request_began_at=request_began_at,
        order_key=source_id,
        own_order_id=source_id,
        currency=fields.words(row, "order_currency_code", 3) or "",
        company_currency=fields.words(row, "base_currency_code", 3) or "",
        rate=fields.rate(row, "base_to_order_rate"),
        open_amount=fields.units(row, "total_due"),
        payment_method=fields.words(payment, "method", fields.LONGEST_KEY),
        transaction_id=fields.words(payment, "last_trans_id", fields.LONGEST_KEY),
        store_id=fields.small(row, "store_id"),
        customer_key=customer_id or email,
        customer_name=fields.person(billing) or fields.person(row, "customer_firstname", "customer_lastname"),
        customer_email=email,
        customer_phone=fields.prose(billing, "telephone"),
        ship_to_name=fields.person(shipping),
        country=fields.words(shipping, "country_id", 10) or fields.words(billing, "country_id", 10),
        vat=vat_of(row),
        customer_group=fields.small(row, "customer_group_id"),
        document_date=fields.local_day(created, instance.zone),
        created_at=created,
        updated_at=fields.moment(row, "updated_at"),
        details=_details(instance, row, payment, customer_id, email or "")
        | _deleted_store(row)
        | fields.set_aside(row),
        payload=fields.payload(row),
    )


def vat_of(row: Row) -> str | None:
    """Return the VAT number of the billing address, else the customer's."""
    return fields.words(fields.inner(row, "billing_address"), "vat_id") or fields.words(row, "customer_taxvat")


def _beside(document: CanonicalDocument) -> Details:
    """Return the fields that hold what the total has beside its parts, where it has any."""
    whole = next((line.untaxed for line in document.lines if line.role == "extra"), 0)
    return (
        {"beside_in": ", ".join(magento_totals.holding(document.payload, whole)) or "no field of the order"}
        if whole
        else {}
    )


def _deleted_store(row: Row) -> Details:
    """Return the name of a deleted store view, with those of its website and store; {} where the order has a store."""
    if row.get("store_id") is not None:
        return {}
    name = fields.words(row, "store_name") or ""
    return {
        "deleted_store": ", ".join(part for line in name.splitlines() if (part := visible(line).strip()))
        or "without a name"
    }


def _details(instance: Instance, row: Row, payment: Row, customer_id: str | None, email: str) -> Details:
    """Return the order's `details` (`extract.details.Details`); amounts in units."""
    edit_of = fields.identity(row, "relation_parent_id")
    edited_as = fields.identity(row, "relation_child_id")
    shipping_percent = _shipping_percent(row)
    return {
        **_addresses(instance, row, email),
        **({"noted": noted} if (noted := written.notes_of_magento(row)) else {}),
        "edit_of": int(edit_of) if edit_of else None,
        "edited_as": int(edited_as) if edited_as else None,
        "is_virtual": fields.flag(row, "is_virtual"),
        "is_guest": fields.flag(row, "customer_is_guest"),
        "customer_id": int(customer_id) if customer_id else None,
        "shipping_description": fields.prose(row, "shipping_description"),
        "shipping_tax_percent": None if shipping_percent is None else str(shipping_percent),
        "totals": {
            name: fields.units(row, f"total_{name}") for name in ("invoiced", "paid", "refunded", "canceled", "due")
        },
        "payment": {
            "method": fields.words(payment, "method", fields.LONGEST_KEY),
            "last_trans_id": fields.words(payment, "last_trans_id", fields.LONGEST_KEY),
            "amount_authorized": fields.units(payment, "amount_authorized"),
            "amount_paid": fields.units(payment, "amount_paid"),
            "amount_refunded": fields.units(payment, "amount_refunded"),
            "base_amount_paid": fields.units(payment, "base_amount_paid"),
            "base_amount_paid_online": fields.units(payment, "base_amount_paid_online"),
        },
    }


def _addresses(instance: Instance, row: Row, email: str) -> Details:
    """Return the external ids under which the customer and the addresses would be written; {} for damaged addresses."""
    try:
        names = addressed(instance, row, email, fields.required_identity(row, "entity_id"))
        billing = fields.inner(row, "billing_address")
        content = written.of_magento(row, fields.words(row, "increment_id") or "", vat_of(row))
    except (TypeError, AttributeError):
        return {}
    return {"addressed": names._asdict(), "written": content} if billing else {}


def read_items(row: Row) -> tuple[list[CanonicalLine], Rows]:
    """Return the item lines of an order as Magento sends it, and how its rows were read (units by item id).

    Which rows carry money: a configurable's and a fixed bundle's parent, a dynamic bundle's children (docs/facts/pair.md#1).

    Raises:
        Unreadable: An item's id is missing, or two items have the same.
    """
    items = bundles.with_own_prices(fields.rows(row, "items"))
    by_id = {fields.required_identity(item, "item_id"): item for item in items}
    if len(by_id) != len(items):
        raise Unreadable("items: one item_id stands twice")
    dynamic = _dynamic_bundles(by_id)
    money = {item_id: item for item_id, item in by_id.items() if _carries_money(item_id, item, by_id, dynamic)}
    read = read_rows(money, row)
    return [_item(item_id, item, read) for item_id, item in by_id.items()], read


def _dynamic_bundles(by_id: Mapping[str, Row]) -> set[str]:
    """Return the ids of bundles whose parts carry the price."""
    parts: dict[str, list[Row]] = {
        item_id: [] for item_id, item in by_id.items() if item.get("product_type") == bundles.BUNDLE
    }
    for item in by_id.values():
        parent = fields.identity(item, "parent_item_id")
        if parent in parts:
            parts[parent].append(item)
    return {item_id for item_id, own in parts.items() if own and bundles.is_priced_by_parts(by_id[item_id], own)}


def _carries_money(item_id: str, item: Row, by_id: Mapping[str, Row], dynamic: set[str]) -> bool:
    parent = fields.identity(item, "parent_item_id")
    if parent in by_id:
        return parent in dynamic
    return item_id not in dynamic


def _item(item_id: str, item: Row, read: Rows) -> CanonicalLine:
    is_money = item_id in read.gross
    line = CanonicalLine(
        line_id=item_id,
        item_key=item_id,
        own_item_id=item_id,
        parent_item_key=fields.identity(item, "parent_item_id"),
        product_type=fields.words(item, "product_type", fields.LONGEST_KEY),
        sku=fields.words(item, "sku", fields.LONGEST_KEY) or "",
        name=fields.prose(item, "name") or "",
        is_money=is_money,
        is_virtual=fields.flag(item, "is_virtual") or item.get("product_type") in VIRTUAL,
        quantity=fields.units(item, "qty_ordered"),
        price=fields.units(item, "price"),
        discount_percent=fields.percent(item, "discount_percent") or Decimal(0),
        tax_percent=fields.percent(item, "tax_percent"),
        qty_ordered=fields.units(item, "qty_ordered"),
        qty_invoiced=fields.units(item, "qty_invoiced"),
        qty_shipped=fields.units(item, "qty_shipped"),
        qty_refunded=fields.units(item, "qty_refunded"),
        qty_canceled=fields.units(item, "qty_canceled"),
    )
    if is_money:
        line.gross = read.gross[item_id]
        line.discount = fields.units(item, "discount_tax_compensation_amount") - fields.units(item, "discount_amount")
        line.untaxed = line.gross + line.discount
        line.tax = fields.units(item, "tax_amount")
        line.base_tax = fields.units(item, "base_tax_amount")
        line.base_untaxed = (
            read.base_gross[item_id]
            - fields.units(item, "base_discount_amount")
            + fields.units(item, "base_discount_tax_compensation_amount")
        )
    return line


def _shipping_address(row: Row) -> Row:
    for assignment in fields.rows(fields.inner(row, "extension_attributes"), "shipping_assignments"):
        address = fields.inner(fields.inner(assignment, "shipping"), "address")
        if address:
            return address
    return {}


def _shipping_percent(row: Row) -> Decimal | None:
    """Return the rate of the tax on shipping; None where it is not given. Invoices and credit memos never have it (docs/facts/magento-2.4.7-more.md#1.1)."""
    found = [
        fields.percent(tax, "percent") or Decimal(0)
        for applied in fields.rows(fields.inner(row, "extension_attributes"), "item_applied_taxes")
        if applied.get("type") == "shipping"
        for tax in fields.rows(applied, "applied_taxes")
    ]
    return sum(found, Decimal(0)) if found else None
