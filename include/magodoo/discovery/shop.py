"""Read what the orders of the last months and Magento's configuration say about an instance. Nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from magodoo.characters import visible
from magodoo.connectors.magento.client import MagentoClient
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixConfiguration, FixDocument, Unreadable
from magodoo.extract import fields, magento_documents
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.settings import Instance

MOST_ORDERS = 3000
"""Orders that are read; where the window holds more, it is made shorter until it does not."""
SHORTEST = timedelta(days=1)
BY_REGION = ("US", "CA")
"""Countries whose sales taxes differ by region."""
CAPTURE = "capture"
ONE = 10_000


@dataclass(frozen=True)
class Store:
    """A store view: its id, code and name, its website, currencies and time zone, and how many orders of the window are its own."""

    id: int
    code: str
    name: str
    website: int = 0
    currency: str = ""
    base_currency: str = ""
    time_zone: str = ""
    orders: int = 0


@dataclass(frozen=True)
class TaxUse:
    """A rate as it was charged: to where, with or without a VAT number, on how many lines of which kinds (goods, service, shipping)."""

    rate: Decimal
    country: str
    region: str = ""
    has_vat: bool = False
    lines: int = 0
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class MethodUse:
    """A payment method: orders paid by it, and how many of them have a captured transaction; None where transactions may not be read."""

    code: str
    orders: int
    captured: int | None = None


@dataclass(frozen=True)
class Source:
    """An inventory source."""

    code: str
    name: str


@dataclass(frozen=True)
class Extra:
    """An amount beside the usual parts of a total: a name of its own where it is known, the fields that hold it, in how many orders."""

    name: str
    fields: tuple[str, ...]
    orders: int
    negative: bool = False


@dataclass(frozen=True)
class Shop:
    """What was read of Magento: the number of `orders` placed in [since, until); `unread` could not be read.

    `carriers`, `currencies` and `skus` count orders or lines; `fractions` are SKUs sold in parts of a piece; `without_rate` counts lines
    whose tax has no rate; `adjusted` counts taxed orders with an adjustment on a credit memo.
    """

    since: datetime
    until: datetime
    orders: int = 0
    unread: int = 0
    stores: tuple[Store, ...] = ()
    taxes: tuple[TaxUse, ...] = ()
    methods: tuple[MethodUse, ...] = ()
    carriers: dict[str, int] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    currencies: dict[str, int] = field(default_factory=dict)
    base_currencies: tuple[str, ...] = ()
    extras: tuple[Extra, ...] = ()
    skus: dict[str, int] = field(default_factory=dict)
    fractions: tuple[str, ...] = ()
    without_rate: int = 0
    adjusted: int = 0
    notes: tuple[str, ...] = ()


def read_shop(client: MagentoClient, instance: Instance, until: datetime, days: int, most: int = MOST_ORDERS) -> Shop:
    """Return what the orders of the last `days` and the configuration show. Raises what reading orders and store views raises.

    Sources, transactions and store configurations that may not be read are named in `notes`. `instance` is read for `stores` only.
    """
    views = [view for view in client.store_views() if int(view.get("id") or 0)]
    ids = [int(view["id"]) for view in views if not instance.stores or int(view["id"]) in instance.stores]
    since = _window(client, ids, until, timedelta(days=days), most)
    orders, unread, methods = _orders(client, instance, since, until)
    notes: list[str] = []
    captured = _captured(client, orders, notes)
    ordered = Counter(order.store_id for order in orders)
    uses, without_rate = _taxes(orders)
    return Shop(
        since=since,
        until=until,
        orders=len(orders),
        unread=unread,
        stores=tuple(_stores(client, views, ordered, notes)),
        taxes=uses,
        methods=tuple(_methods(orders, captured)),
        carriers=dict(methods.most_common()),
        sources=tuple(_sources(client, notes)),
        currencies=dict(Counter(order.currency for order in orders if order.currency).most_common()),
        base_currencies=tuple(sorted({order.company_currency for order in orders if order.company_currency})),
        extras=tuple(_extras(orders)),
        skus=dict(Counter(line.sku for line in _sold(orders) if line.sku).most_common()),
        fractions=tuple(sorted({line.sku for line in _sold(orders) if line.quantity % ONE})),
        without_rate=without_rate,
        adjusted=sum(bool(order.tax) and _is_adjusted(order) for order in orders),
        notes=tuple(notes),
    )


def _is_adjusted(order: CanonicalDocument) -> bool:
    return any(fields.units(order.payload, f"adjustment_{sign}") for sign in ("positive", "negative"))


def _window(client: MagentoClient, stores: list[int], until: datetime, wide: timedelta, most: int) -> datetime:
    """Return the beginning of the longest window that ends now and holds no more than `most` orders, halving it."""
    while wide > SHORTEST and sum(client.made(Kind.ORDER, until - wide, until, store) for store in stores) > most:
        wide /= 2
    return until - max(wide, SHORTEST)


def _orders(
    client: MagentoClient, instance: Instance, since: datetime, until: datetime
) -> tuple[list[CanonicalDocument], int, Counter[str]]:
    """Return the orders placed in the window, the number of those that cannot be read, and orders by carrier code."""
    found: list[CanonicalDocument] = []
    carriers: Counter[str] = Counter()
    unread = 0
    for page in client.changed(Kind.ORDER, since, until, store_ids=instance.stores or None):
        unread += len(page.quarantined)
        for row in page.rows:
            try:
                order = magento_documents.read(instance, Kind.ORDER, row, page.request_began_at)
            except Unreadable:
                unread += 1
                continue
            if order.created_at is None or order.created_at < since:
                continue  # an older one that was changed since
            found.append(order)
            carriers.update(filter(None, [_carrier(row)]))
    return found, unread, carriers


def _carrier(row: dict[str, Any]) -> str:
    """Return the carrier code of an order's shipping method (`ups` of `ups_03`), "" without one."""
    for assignment in fields.rows(fields.inner(row, "extension_attributes"), "shipping_assignments"):
        method = fields.words(fields.inner(assignment, "shipping"), "method", fields.LONGEST_KEY) or ""
        return visible(method.split("_")[0])
    return ""


def _captured(client: MagentoClient, orders: list[CanonicalDocument], notes: list[str]) -> set[int] | None:
    try:
        rows = client.transactions(int(order.source_id) for order in orders)
    except (FixConfiguration, FixDocument, Unreadable) as problem:
        notes.append(f"payment transactions cannot be read, so nothing shows what was captured: {problem}")
        return None
    return {int(row["order_id"]) for row in rows if row["txn_type"] == CAPTURE}


def _stores(
    client: MagentoClient, views: list[dict[str, Any]], ordered: Counter[int | None], notes: list[str]
) -> Iterator[Store]:
    try:
        configured = {int(row["id"]): row for row in client.store_configs()}
    except (FixConfiguration, FixDocument, Unreadable) as problem:
        notes.append(f"the stores' currencies and time zones cannot be read: {problem}")
        configured = {}
    for view in views:
        own = configured.get(int(view["id"]), {})
        yield Store(
            id=int(view["id"]),
            code=_text(view.get("code")),
            name=_text(view.get("name")),
            website=int(view.get("website_id") or 0),
            currency=_text(own.get("default_display_currency_code")),
            base_currency=_text(own.get("base_currency_code")),
            time_zone=_text(own.get("timezone")),
            orders=ordered[int(view["id"])],
        )


def _sources(client: MagentoClient, notes: list[str]) -> Iterator[Source]:
    try:
        rows = client.sources()
    except (FixConfiguration, FixDocument, Unreadable) as problem:
        notes.append(f"inventory sources cannot be read: {problem}")
        return
    for row in rows:
        if row.get("enabled", True):
            yield Source(_text(row.get("source_code")), _text(row.get("name")))


def _methods(orders: list[CanonicalDocument], captured: set[int] | None) -> Iterator[MethodUse]:
    by_method: dict[str, list[int]] = defaultdict(list)
    for order in orders:
        if order.payment_method:
            by_method[order.payment_method].append(int(order.source_id))
    for code, ids in sorted(by_method.items(), key=lambda item: (-len(item[1]), item[0])):
        yield MethodUse(code, len(ids), None if captured is None else len(captured.intersection(ids)))


def _sold(orders: list[CanonicalDocument]) -> Iterator[CanonicalLine]:
    return (line for order in orders for line in order.lines if line.role == "item" and line.is_money)


def _taxes(orders: list[CanonicalDocument]) -> tuple[tuple[TaxUse, ...], int]:
    """Return the rates as they were charged, most frequent first, and the number of lines with a tax whose rate is not known.

    Shipping without tax takes the tax of the goods; it is no use of its own.
    """
    counted: dict[tuple[Decimal, str, str, bool], Counter[str]] = defaultdict(Counter)
    without_rate = 0
    for order in orders:
        for line in order.lines:
            if not (line.untaxed or line.tax) or (line.role != "item" and not line.tax) or not line.is_money:
                continue
            if line.tax and not line.tax_percent:
                without_rate += line.role != "extra"
                continue
            rate = (line.tax_percent or Decimal(0)) if line.tax else Decimal(0)
            country = order.country or ""
            region = _region(order) if country in BY_REGION else ""
            counted[rate, country, region, bool(order.vat) and not rate][_kind(line)] += 1
    uses = [
        TaxUse(rate.normalize(), country, region, has_vat, kinds.total(), tuple(sorted(kinds)))
        for (rate, country, region, has_vat), kinds in counted.items()
    ]
    return tuple(sorted(uses, key=lambda use: (-use.lines, use.country, use.region, use.rate))), without_rate


def _kind(line: CanonicalLine) -> str:
    if line.role in ("shipping", "discount"):
        return "shipping"
    return "service" if line.is_virtual or line.role == "extra" else "goods"


def _region(order: CanonicalDocument) -> str:
    """Return the code of the region that the goods go to, else its name."""
    payload = order.payload
    for assignment in fields.rows(fields.inner(payload, "extension_attributes"), "shipping_assignments"):
        address = fields.inner(fields.inner(assignment, "shipping"), "address")
        if address:
            break
    else:
        address = fields.inner(payload, "billing_address")
    return visible(fields.words(address, "region_code") or fields.words(address, "region") or "")


def _extras(orders: list[CanonicalDocument]) -> Iterator[Extra]:
    """Yield what totals hold beside their parts: payment parts by their name, the rest with the fields that hold it in every such order."""
    tendered: Counter[str] = Counter()
    fixed = wrapped = 0
    others: dict[bool, list[set[str]]] = {True: [], False: []}
    for order in orders:
        tendered.update(order.details.get("tendered", {}).keys())
        whole = sum(line.untaxed for line in order.lines if line.role == "extra")
        if not whole:
            continue
        named = set(str(order.details.get("beside_in", "")).split(", ")) - {"no field of the order", ""}
        if any("weee_tax_applied" in name for name in named):
            fixed += 1
        elif any("gw_" in name or "gift_wrapping" in name for name in named):
            wrapped += 1
        else:
            others[whole < 0].append(named)
    yield from (Extra(name, (), number) for name, number in tendered.most_common())
    if fixed:
        yield Extra("fixed_product_tax", (), fixed)
    if wrapped:
        yield Extra("gift_wrapping", (), wrapped)
    for negative, found in others.items():
        if found:
            shared = set.intersection(*found)
            yield Extra("deduction" if negative else "fee", tuple(sorted(shared)), len(found), negative)


def _text(value: Any) -> str:
    return visible(str(value or ""))
