"""Read pages of either system as canonical documents. A row that cannot be read is quarantined; it never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from magodoo.characters import visible
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import Unreadable
from magodoo.extract import authorisations, fields, magento_documents, odoo_documents
from magodoo.extract.canonical import CanonicalDocument, Unread
from magodoo.extract.mirrored import Warehouses
from magodoo.extract.odoo_transfers import picking_of
from magodoo.money import dump_json, parse_json
from magodoo.settings import Instance

if TYPE_CHECKING:
    from magodoo.connectors.magento.client import MagentoClient
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.connectors.odoo.documents import Page

MAGENTO_KINDS = (Kind.ORDER, Kind.INVOICE, Kind.SHIPMENT, Kind.CREDIT_MEMO)
ODOO_KINDS = (*MAGENTO_KINDS, Kind.RETURN)
TRANSFERS = (Kind.SHIPMENT, Kind.RETURN)
MOST_STAMPS = 500  # with as many changes in the overlap, the run is not idle


@dataclass(frozen=True)
class Batch:
    """Hold the documents of one page, and its records that could not be read. `total` is the source's count when reading began."""

    kind: Kind
    documents: list[CanonicalDocument]
    unread: list[Unread] = field(default_factory=list)
    total: int | None = None

    @property
    def stamp(self) -> datetime | None:
        """Return the latest change time of the documents (UTC); None without one."""
        return max((document.updated_at for document in self.documents if document.updated_at), default=None)


class Source(Protocol):
    """Read one side: by time, by order, by id."""

    @property
    def side(self) -> Side:
        """Return the side that is read."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds of document that the side has."""
        ...

    def changed(self, kind: Kind, since: datetime | None, until: datetime | None) -> Iterator[Batch]:
        """Yield the documents of a kind that changed from `since` until `until` (UTC)."""
        ...

    def timestamps(self, kind: Kind, since: datetime) -> dict[str, datetime] | None:
        """Return change times by source id of what changed since; None where that costs as much as reading the documents."""
        ...

    def by_orders(self, kind: Kind, own_order_ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the documents of these orders, by the side's own order ids."""
        ...

    def by_ids(self, kind: Kind, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the documents with these ids."""
        ...

    def existing(self, kind: Kind, ids: Sequence[str]) -> set[str]:
        """Return which of these ids exist."""
        ...

    def record_of(self, kind: Kind, source_id: str) -> str:
        """Return the id of the side's own record that a document is, or is a part of."""
        ...


@dataclass(frozen=True)
class MagentoSource:
    """Read the stores of an instance in Magento."""

    instance: Instance
    client: MagentoClient
    side: Side = Side.MAGENTO
    kinds: tuple[Kind, ...] = MAGENTO_KINDS

    def changed(self, kind: Kind, since: datetime | None, until: datetime | None) -> Iterator[Batch]:
        """Yield the documents of a kind that changed in the instance's stores."""
        pages = self.client.changed(
            kind, since, until, store_ids=self.instance.stores or None, or_no_store=self._takes_deleted
        )
        return self._batches(kind, pages)

    def timestamps(self, kind: Kind, since: datetime) -> dict[str, datetime] | None:
        """Return None: a list of documents takes one request already."""
        return None

    def by_orders(self, kind: Kind, own_order_ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the documents of these orders."""
        return self._batches(kind, self.client.by_order(kind, _numbers(own_order_ids)))

    def by_ids(self, kind: Kind, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the documents with these ids."""
        return self._batches(kind, self.client.by_ids(kind, _numbers(ids)))

    def by_numbers(self, numbers: Sequence[str], request_began_at: datetime) -> Batch:
        """Return orders by their increment ids, in the instance's stores."""
        rows, unread = self.client.orders_by_increment(
            numbers, self.instance.stores or None, or_no_store=self._takes_deleted
        )
        batch = _batch(
            self.instance, self.side, _one(magento_documents.read), Kind.ORDER, rows, request_began_at, unread, None
        )
        authorisations.add(self.client, Kind.ORDER, batch.documents)
        return batch

    def record_of(self, kind: Kind, source_id: str) -> str:
        """Return the document's own id."""
        return source_id

    def existing(self, kind: Kind, ids: Sequence[str]) -> set[str]:
        """Return which of these ids exist."""
        return {str(found) for found in self.client.existing_ids(kind, _numbers(ids))}

    def _batches(self, kind: Kind, pages: Iterable[Any]) -> Iterator[Batch]:
        for page in pages:
            rows = self._ours(kind, page.rows)
            batch = _batch(
                self.instance,
                self.side,
                _one(magento_documents.read),
                kind,
                rows,
                page.request_began_at,
                page.quarantined,
                page.total_count,
            )
            authorisations.add(self.client, kind, batch.documents)
            yield batch

    @property
    def _takes_deleted(self) -> bool:
        return self.instance.deleted_stores != "ignore"

    def _ours(self, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the rows of the instance's stores.

        A document without a store (created without one, or its store view was deleted) belongs to the instance of its
        order.
        """
        if not self.instance.stores:
            return list(rows)
        if kind is Kind.ORDER:
            return [row for row in rows if self._is_ours(row.get("store_id"))]
        storeless = sorted({int(row["order_id"]) for row in rows if row.get("store_id") is None})
        store_of = self.client.stores_of(storeless) if storeless else {}
        own: list[Mapping[str, Any]] = []
        for row in rows:
            store = row.get("store_id")
            if store is not None:
                keep = store in self.instance.stores
            else:
                order = int(row["order_id"])  # an order that does not exist has no known store
                keep = order not in store_of or self._is_ours(store_of[order])
            own += [row] if keep else []
        return own

    def _is_ours(self, store: int | None) -> bool:
        return store in self.instance.stores if store is not None else self._takes_deleted


@dataclass(frozen=True)
class OdooSource:
    """Read the company of an instance in Odoo."""

    instance: Instance
    client: OdooClient
    side: Side = Side.ODOO
    kinds: tuple[Kind, ...] = ODOO_KINDS

    def changed(self, kind: Kind, since: datetime | None, until: datetime | None) -> Iterator[Batch]:
        """Yield the documents of a kind that changed; of transfers also those of the companies that ship for ours."""
        begin = since or datetime.fromisoformat("2000-01-01T00:00:00+00:00")
        others = self._warehouses(kind)
        for page in self.client.documents.changed(kind.value, begin, until):
            yield self._batch(kind, others.without_mirrored(page) if others else page)
        yield from self._changed_in(others, kind, begin, until) if others else ()

    def _changed_in(self, others: Warehouses, kind: Kind, begin: datetime, until: datetime | None) -> Iterator[Batch]:
        """Yield what changed in the companies that ship for ours, and our own transfers of the same orders.

        These may have been read before the mirror existed.
        """
        for view in others.views:
            for page in view.documents.changed(kind.value, begin, until):
                batch = replace(self._batch(kind, others.as_ours(view, page)), total=None)
                yield batch
                if orders := sorted({int(each.own_order_id or 0) for each in batch.documents}):
                    own = others.without_mirrored(self.client.documents.by_order_ids(kind.value, orders))
                    yield replace(self._batch(kind, own), total=None)

    def timestamps(self, kind: Kind, since: datetime) -> dict[str, datetime] | None:
        """Return change times (UTC) by source id; None from `MOST_STAMPS` on, where reading the documents costs no more."""
        others = self._warehouses(kind)
        found: dict[str, datetime] = {}
        for company in (self.client, *(others.views if others else ())):
            newer = company.documents.stamps(kind.value, since, MOST_STAMPS)
            if len(newer) >= MOST_STAMPS:
                return None
            found |= {str(id): moment for id, moment in newer.items()}
        return found

    def by_orders(self, kind: Kind, own_order_ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the documents of these sales orders."""
        orders, others = _numbers(own_order_ids), self._warehouses(kind)
        pages = (
            others.by_orders(kind.value, orders) if others else [self.client.documents.by_order_ids(kind.value, orders)]
        )
        yield from (self._batch(kind, page) for page in pages)

    def by_ids(self, kind: Kind, ids: Sequence[str]) -> Iterator[Batch]:
        """Yield the documents with these ids."""
        yield from (self._batch(kind, page) for page in self.pages(kind, ids))

    def pages(self, kind: Kind, ids: Sequence[str]) -> list[Page]:
        """Return the raw records that documents with these ids are, or are parts of; transfers of mirrors as those of our orders."""
        numbers, others = _own_ids(kind, ids), self._warehouses(kind)
        return others.by_ids(kind.value, numbers) if others else [self.client.documents.by_ids(kind.value, numbers)]

    def orders_named(self, numbers: Sequence[str]) -> Batch:
        """Return sales orders that carry one of these order numbers in a field that may hold them."""
        names = self._fields_of("sale.order", ("client_order_ref", "origin", "name"))
        return self._batch(Kind.ORDER, self.client.documents.by_reference("order", list(numbers), names))

    def documents_named(self, kind: Kind, numbers: Sequence[str]) -> Batch:
        """Return invoices or credit notes that carry one of these order numbers themselves."""
        names = self._fields_of("account.move", ("ref", "invoice_origin", "payment_reference"))
        return self._batch(kind, self.client.documents.by_reference(kind.value, list(numbers), names))

    def orders_of_ours(self, order_keys: Sequence[str]) -> Batch:
        """Return sales orders that carry our external id of these Magento orders; one that may not be read has that name for an id."""
        names = [self.instance.external_id("order", key) for key in order_keys]
        hidden: dict[str, str] = {}
        ids = sorted(set(self.client.external_ids.find(names, hidden=hidden).values()))
        batch = self._batch(Kind.ORDER, self.client.documents.by_ids(Kind.ORDER.value, ids))
        batch.unread.extend(Unread(Kind.ORDER.value, name, why, "", reference=name) for name, why in hidden.items())
        return batch

    def record_of(self, kind: Kind, source_id: str) -> str:
        """Return the id of the transfer for a share of it; else the document's own id."""
        return str(picking_of(int(source_id))) if kind in TRANSFERS and source_id.isdecimal() else source_id

    def existing(self, kind: Kind, ids: Sequence[str]) -> set[str]:
        """Return which of these documents exist. A share is gone once the order has no move in the transfer any more."""
        others = self._warehouses(kind)
        companies = (self.client, *(others.views if others else ()))
        wanted = _own_ids(kind, ids)
        found = {str(id) for each in companies for id in each.documents.existing_ids(kind.value, wanted)}
        shares = (
            [each for each in ids if each not in found and str(picking_of(int(each))) in found]
            if kind in TRANSFERS
            else []
        )
        batches = self.by_ids(kind, shares) if shares else ()
        return found | {document.source_id for batch in batches for document in batch.documents}

    def _warehouses(self, kind: Kind) -> Warehouses | None:
        """Return the companies whose transfers count as ours; None without any."""
        companies = self.instance.odoo.warehouse_companies
        return Warehouses(self.client, companies) if companies and kind in TRANSFERS else None

    def _fields_of(self, model: str, standard: Sequence[str]) -> list[str]:
        return self.client.documents.text_fields(model, self.instance.odoo.reference_fields) or list(standard)

    def _batch(self, kind: Kind, page: Any) -> Batch:
        return _batch(
            self.instance,
            self.side,
            odoo_documents.read_all,
            kind,
            page.rows,
            page.request_began_at,
            page.quarantined,
            page.total_count,
        )


def _batch(
    instance: Instance,
    side: Side,
    read: Callable[[Instance, Kind, Any, datetime], list[CanonicalDocument]],
    kind: Kind,
    rows: Iterable[Mapping[str, Any]],
    request_began_at: datetime,
    quarantined: Iterable[Any],
    total: int | None,
) -> Batch:
    documents = []
    unread = [_unread(instance, side, kind, bad.source_id, bad.reason, _sent(bad), bad.raw) for bad in quarantined]
    for row in rows:
        try:
            documents += read(instance, kind, row, request_began_at)
        except Unreadable as problem:
            name = row.get("entity_id") or row.get("id")
            unread.append(_unread(instance, side, kind, name, str(problem), row, dump_json(row)))
    return Batch(kind, documents, unread, total)


def _unread(
    instance: Instance, side: Side, kind: Kind, source_id: Any, reason: str, row: Mapping[str, Any], raw: str
) -> Unread:
    """Return a refused record with its number and order, where they can be read, so that people can identify it.

    Odoo's records do not name a Magento order by its key, but may by a reference or through their own order. What was received (`raw`)
    stays as it is: it is the evidence, and pages show it with escapes.
    """
    source_id, reason = str(source_id or "?"), visible(reason)
    if side is Side.ODOO:
        naming = odoo_documents.naming(instance, kind, row)
        return Unread(kind.value, source_id, reason, raw, _text(row, "name"), **naming)
    order_key = source_id if kind is Kind.ORDER and source_id != "?" else _text(row, "order_id")
    return Unread(kind.value, source_id, reason, raw, _text(row, "increment_id"), order_key)


def _text(row: Mapping[str, Any], name: str) -> str | None:
    try:
        return fields.key(row, name)
    except Unreadable:
        return None


def _sent(bad: Any) -> Mapping[str, Any]:
    """Return what arrived of a record that was quarantined, if it was an object."""
    row = getattr(bad, "row", None)
    if row is None and bad.raw:
        try:
            row = parse_json(bad.raw)
        except Unreadable:
            return {}
    return row if isinstance(row, Mapping) else {}


def _one(read: Callable[..., CanonicalDocument]) -> Callable[..., list[CanonicalDocument]]:
    return lambda *arguments: [read(*arguments)]


def _numbers(ids: Sequence[str]) -> list[int]:
    return [int(each) for each in ids]


def _own_ids(kind: Kind, ids: Sequence[str]) -> list[int]:
    """Return the ids of the records in Odoo: shares of a transfer are parts of one."""
    numbers = _numbers(ids)
    return sorted(set(map(picking_of, numbers))) if kind in TRANSFERS else numbers
