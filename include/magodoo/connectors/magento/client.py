"""The client of one Magento: lists by change and by key, and the few documents that the pipeline may write."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from magodoo.connectors.http import Stats
from magodoo.connectors.magento import versions, writes
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.magento.connection_test import ConnectionReport, check_connection
from magodoo.connectors.magento.http import Http
from magodoo.connectors.magento.items import Lines
from magodoo.connectors.magento.needed import ONLY_ID, ONLY_NUMBER, ONLY_STORE, SHAPES, TRANSACTION
from magodoo.connectors.magento.pagination import ByChange, ById, Listing, Page, Quarantined, walk
from magodoo.connectors.magento.schema import Shape
from magodoo.connectors.magento.search import EPOCH, Search, batches, read_stamp, stamp, up_to_the_second
from magodoo.connectors.magento.writes import Track
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixConfiguration, FixDocument, InvariantError, OutcomeUnknown, UnknownField, Unreadable

PATHS = {
    Kind.ORDER: "/orders",
    Kind.INVOICE: "/invoices",
    Kind.SHIPMENT: "/shipments",
    Kind.CREDIT_MEMO: "/creditmemos",
}
MOST_PAGES_OF_A_SMALL_LIST = 1000


class MagentoClient:
    """Reads and writes one Magento. Reads may run in several threads; `kind` is a `Kind` or its value.

    Every method raises the errors of `magodoo.errors`. Reads: TransientError (after their own retries), FixConfiguration, Unreadable.
    Writes: Unreachable or TooLate (nothing was sent), OutcomeUnknown, FixDocument, InvariantError (refused before sending).
    """

    def __init__(self, connection: MagentoConnection, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.connection = connection
        self._http = Http(connection, sleep)

    @property
    def stats(self) -> Stats:
        """Return the counters of this client's requests."""
        return self._http.stats

    def until(self, moment: float) -> Self:
        """Return this client for writes up to a moment (`uptime()`): later ones raise TooLate."""
        bounded = copy.copy(self)
        bounded._http = self._http.until(moment)
        return bounded

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the HTTP session."""
        self._http.close()

    # Reading documents

    def changed(
        self,
        kind: Kind | str,
        since: datetime | None,
        until: datetime | None = None,
        *,
        store_ids: Sequence[int] | None = None,
        or_no_store: bool = False,
    ) -> Iterator[Page]:
        """Yield pages of the documents with updated_at in [since, until), oldest first; at least one page, perhaps empty.

        A document that changes during the run is returned again. Bounds are aware times; the caller adds the overlap.

        Args:
            kind: Kind of document.
            since: Lower bound; None for all.
            until: Upper bound; None for none.
            store_ids: Only documents of these stores.
            or_no_store: Also documents without a store, because their store view was deleted.
        """
        search = Search()
        if until is not None:
            search = search.where("updated_at", "lt", up_to_the_second(until))
        if store_ids:
            search = search.of_stores(store_ids, or_none=or_no_store)
        begin = EPOCH
        if since is not None:
            asked = stamp(since)  # raises for a naive time before it is compared
            begin = EPOCH if since < EPOCH else read_stamp(asked)
        pages = walk(self._http, _listing(kind), search, ByChange(begin), self.connection.page_size)
        return _prefetched(pages) if self.connection.parallel > 1 else pages

    def by_order(self, kind: Kind | str, order_ids: Iterable[int]) -> Iterator[Page]:
        """Yield pages of the documents of these orders; for kind order, the orders themselves."""
        field = "entity_id" if Kind(kind) is Kind.ORDER else "order_id"
        return self._by_keys(_listing(kind), field, order_ids)

    def by_ids(self, kind: Kind | str, ids: Iterable[int]) -> Iterator[Page]:
        """Yield pages of the documents with these entity ids. Ids that do not exist are left out."""
        return self._by_keys(_listing(kind), "entity_id", ids)

    def existing_ids(self, kind: Kind | str, ids: Iterable[int]) -> set[int]:
        """Return which of these entity ids exist. Raises Unreadable if a row of the answer cannot be identified."""
        found: set[int] = set()
        projection = Search(fields="items[entity_id],total_count")
        for page in self._by_keys(_listing(kind, ONLY_ID), "entity_id", ids, projection):
            found |= {row["entity_id"] for row in page.rows}
            for source_id, _, reason in page.quarantined:
                if source_id is None:
                    raise Unreadable(f"one {Kind(kind).words} cannot be identified: {reason}", system="magento")
                found.add(source_id)
        return found

    def stores_of(self, order_ids: Iterable[int]) -> dict[int, int | None]:
        """Return the store id of each order that exists; None where it has no store or cannot be read."""
        found: dict[int, int | None] = {}
        projection = Search(fields="items[entity_id,store_id],total_count")
        for page in self._by_keys(_listing(Kind.ORDER, ONLY_STORE), "entity_id", order_ids, projection):
            found |= {row["entity_id"]: row.get("store_id") for row in page.rows}
            found |= {each.source_id: None for each in page.quarantined if each.source_id is not None}
        return found

    def made(self, kind: Kind | str, since: datetime, until: datetime, store_id: int) -> int:
        """Return the number of documents that a store created in [since, until). One request, no rows."""
        search = (
            Search()
            .where("created_at", "gteq", since)
            .where("created_at", "lt", until)
            .where("store_id", "eq", store_id)
        )
        return self._count(PATHS[Kind(kind)], search)

    def made_without_store(self, kind: Kind | str, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield pages of documents created in [since, until) whose store view was deleted: only ids and numbers."""
        search = Search(fields="items[entity_id,increment_id],total_count")
        search = search.where("created_at", "gteq", since).where("created_at", "lt", until).where("store_id", "null", 1)
        return walk(self._http, _listing(kind, ONLY_NUMBER), search, ById(), self.connection.page_size)

    def orders_by_increment(
        self, numbers: Sequence[str], store_ids: Sequence[int] | None = None, *, or_no_store: bool = False
    ) -> tuple[list[dict[str, Any]], list[Quarantined]]:
        """Return the orders with these numbers, and the quarantined ones. Numbers are unique only within a store.

        Texts that cannot be an order number are ignored.
        """
        wanted = {number for number in numbers if number and "," not in number and len(number) <= 50}
        search = Search().of_stores(store_ids, or_none=or_no_store) if store_ids else Search()
        pages = list(self._by_keys(_listing(Kind.ORDER), "increment_id", sorted(wanted), search))
        rows = [row for page in pages for row in page.rows if row["increment_id"] in wanted]
        return rows, [each for page in pages for each in page.quarantined]

    def transactions(self, order_ids: Iterable[int]) -> list[dict[str, Any]]:
        """Return the payment transactions of these orders, children included. Raises Unreadable if one is invalid."""
        listing = Listing("/transactions", TRANSACTION, key="transaction_id")
        rows: list[dict[str, Any]] = []
        for page in self._by_keys(listing, "order_id", order_ids):
            if page.quarantined:
                raise Unreadable(f"transaction {page.quarantined[0].source_id}: {page.quarantined[0].reason}")
            rows += page.rows
        return rows

    # Reading configuration

    def store_views(self) -> list[dict[str, Any]]:
        """Return the store views, as Magento sends them."""
        return _objects(self._http.read("/store/storeViews").body)

    def store_configs(self) -> list[dict[str, Any]]:
        """Return currencies and time zone of each store view, as Magento sends them."""
        return _objects(self._http.read("/store/storeConfigs").body)

    def tax_rates(self) -> list[dict[str, Any]]:
        """Return the tax rates, as Magento sends them."""
        return self._small_list("/taxRates/search")

    def sources(self) -> list[dict[str, Any]]:
        """Return the inventory sources; none where multi-source inventory is not installed."""
        try:
            return self._small_list("/inventory/sources")
        except UnknownField as problem:
            if "match any route" in str(problem):
                return []
            raise

    def modules(self) -> list[str]:
        """Return the names of the installed modules. Raises Unreadable if the answer is no list."""
        names = self._http.read("/modules").body
        if not isinstance(names, list):
            raise Unreadable("an answer that is no list of modules", system="magento")
        return [str(name) for name in names]

    def version(self) -> str:
        """Return the published version, such as `Magento/2.4 (Community)`, or "" where it is not published."""
        return versions.published(self._http.text("/magento_version"))

    def shop_version(self) -> versions.ShopVersion:
        """Return the version, from what is published and the modules, as far as they may be read."""
        modules: list[str] | None = None
        with suppress(FixConfiguration, FixDocument, Unreadable):  # a missing right, or a shop without the route
            modules = self.modules()
        return versions.of_shop(self.version(), modules)

    def ping(self) -> int:
        """Return the number of orders: one cheap request that needs a valid login."""
        return self._count("/orders", Search())

    def _count(self, path: str, search: Search) -> int:
        body = self._http.read(path, search.counting().query()).body
        if not isinstance(body, Mapping) or not isinstance(body.get("total_count"), int):
            raise Unreadable("an answer without a count", system="magento", call=f"GET {path.lstrip('/')}")
        return int(body["total_count"])

    def test_connection(self, *, writes: bool = True) -> ConnectionReport:
        """Report which of host, store code, token or ACL resource is wrong. Sends nothing that could change data."""
        report = check_connection(self._http, self.connection, writes=writes)
        if report.ok:
            report.version = self.shop_version().text
        return report

    # Writing

    def create_invoice(
        self,
        order_id: int,
        items: Lines,
        comment: str,
        *,
        capture: bool = False,
        notify: bool = False,
        order: Mapping[str, Any] | None = None,
    ) -> int:
        """Create an invoice and return its id. The order is read to check the items unless a current one is given.

        Magento marks the invoice as paid and puts all remaining shipping on the first one (docs/facts/magento-2.4.7.md#5). Raises InvariantError for `capture`.
        """
        if capture:
            raise InvariantError("an invoice is never captured", system="magento")
        body = writes.invoice_body(self._order(order_id, order), items, comment, notify=notify)
        return self._create(f"/order/{int(order_id)}/invoice", body)

    def create_shipment(
        self,
        order_id: int,
        items: Lines,
        tracks: Sequence[Track],
        comment: str,
        source_code: str | None = None,
        notify: bool = False,
        *,
        order: Mapping[str, Any] | None = None,
    ) -> int:
        """Create a shipment and return its id. The caller reads it back: see `items.quantity_differences`."""
        current = self._order(order_id, order)
        body = writes.shipment_body(current, items, tracks, comment, source_code, notify=notify)
        return self._create(f"/order/{int(order_id)}/ship", body)

    def add_track(self, order_id: int, shipment_id: int, track: Track) -> int:
        """Add a tracking number and return its id. Magento accepts duplicates (docs/facts/magento-2.4.7.md#5.2): check first."""
        entity = {"order_id": int(order_id), "parent_id": int(shipment_id)} | track.body()
        return self._create("/shipment/track", {"entity": entity})

    def create_credit_memo(
        self,
        order_id: int,
        items: Lines,
        shipping_amount: Decimal,
        adjustment_positive: Decimal,
        adjustment_negative: Decimal,
        comment: str,
        return_to_stock: Sequence[int] = (),
        notify: bool = False,
        *,
        order: Mapping[str, Any] | None = None,
    ) -> int:
        """Create a credit memo, an offline refund of the order, and return its id. Amounts are in base currency."""
        body = writes.credit_memo_body(
            self._order(order_id, order),
            items,
            comment,
            shipping=shipping_amount,
            adjustment_positive=adjustment_positive,
            adjustment_negative=adjustment_negative,
            return_to_stock=return_to_stock,
            notify=notify,
        )
        return self._create(f"/order/{int(order_id)}/refund", body)

    def comment_order(self, order_id: int, comment: str, status: str | None = None) -> None:
        """Add a comment to the order's history. It is not visible to the customer and not mailed."""
        self._confirm(f"/orders/{int(order_id)}/comments", writes.comment_body(comment, status))

    def set_transaction_reference(self, kind: Kind | str, document_id: int, reference: str) -> None:
        """Set the `transaction_id` of an invoice or credit memo, so that it can be found by it.

        Raises FixDocument if it already has a provider's transaction id, InvariantError for another kind of document.
        """
        paths = {Kind.INVOICE: "/invoices", Kind.CREDIT_MEMO: "/creditmemo"}
        if Kind(kind) not in paths:
            raise InvariantError(f"a {Kind(kind).words} has no transaction id", system="magento")
        document = self._one(Kind(kind), document_id)
        if document.get("transaction_id") == reference:
            return
        if document.get("transaction_id"):
            raise FixDocument(
                f"{Kind(kind).words} {document_id} has the transaction id of a provider", system="magento"
            )
        self._create(paths[Kind(kind)], writes.transaction_body(document, reference))

    def cancel_order(self, order_id: int) -> None:
        """Cancel an order. For tests and manual use: the pipeline never cancels. Raises FixDocument if Magento refuses."""
        self._confirm(f"/orders/{int(order_id)}/cancel", {})

    def _create(self, path: str, body: Mapping[str, Any]) -> int:
        return writes.created_id(self._http.write("POST", path, body).body, call=f"POST {path.lstrip('/')}")

    def _confirm(self, path: str, body: Mapping[str, Any]) -> None:
        """Send a call that Magento answers with `true`, or with `false` and status 200 if it did nothing (docs/facts/magento-2.4.7.md#5)."""
        where = {"system": "magento", "call": f"POST {path.lstrip('/')}"}
        answer = self._http.write("POST", path, body).body
        if answer is False:
            raise FixDocument("Magento did nothing: the order's state does not allow it", **where)
        if answer is not True:
            raise OutcomeUnknown("neither yes nor no was answered", **where)

    def _order(self, order_id: int, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
        order = given or self._one(Kind.ORDER, order_id)
        if order["entity_id"] != order_id:
            raise InvariantError(f"order {order['entity_id']} was given for order {order_id}", system="magento")
        return order

    def _one(self, kind: Kind, number: int) -> dict[str, Any]:
        for page in self.by_ids(kind, [number]):
            if page.rows:
                return page.rows[0]
            if page.quarantined:
                raise Unreadable(f"{kind.words} {number}: {page.quarantined[0].reason}", system="magento")
        raise FixDocument(f"there is no {kind.words} {number}", system="magento")

    def _by_keys(
        self, listing: Listing, field: str, keys: Iterable[int] | Iterable[str], search: Search | None = None
    ) -> Iterator[Page]:
        size = self.connection.page_size

        def read(batch: Sequence[int] | Sequence[str]) -> list[Page]:
            wanted = (search or Search()).where(field, "in", batch)
            return list(walk(self._http, listing, wanted, ById(listing.key), size))

        cut = list(batches(keys, size))
        if self.connection.parallel < 2 or len(cut) < 2:
            for batch in cut:
                yield from read(batch)
            return
        with ThreadPoolExecutor(self.connection.parallel, thread_name_prefix="magento") as pool:
            # At most two rounds are read in advance: pages stay in memory until they are consumed.
            step = self.connection.parallel * 2
            for start in range(0, len(cut), step):
                for pages in pool.map(read, cut[start : start + step]):
                    yield from pages

    def _small_list(self, path: str) -> list[dict[str, Any]]:
        """Return all rows of a configuration list, page by page. Such lists do not change while they are read."""
        rows: list[dict[str, Any]] = []
        for number in range(1, MOST_PAGES_OF_A_SMALL_LIST):
            body = self._http.read(path, Search(sort=()).paged(self.connection.page_size, number).query()).body
            page = _objects(body.get("items") if isinstance(body, Mapping) else body)
            if not page or page == rows[-len(page) :]:
                break
            rows += page
            if not isinstance(body, Mapping) or len(rows) == body.get("total_count"):
                break
        return rows


def _prefetched(pages: Iterator[Page]) -> Iterator[Page]:
    """Yield the same pages; the next one is fetched while the caller works on the current one."""
    with ThreadPoolExecutor(1, thread_name_prefix="magento") as pool:
        coming = pool.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = pool.submit(next, pages, None)
            yield page


def _listing(kind: Kind | str, shape: Shape | None = None) -> Listing:
    return Listing(PATHS[Kind(kind)], shape or SHAPES[Kind(kind)])


def _objects(body: Any) -> list[dict[str, Any]]:
    rows = [] if body is None else body
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable("an answer that is no list of objects", system="magento")
    return rows
