"""Changed documents of Odoo, page by page, and documents by ids, orders or references.

Within a run pages follow (write_date, id). A page ends in the middle of a second, and Odoo compares whole seconds while it sorts by
microseconds (docs/facts/odoo-19.0.md#4): so the next page starts at that second again, without the records already read. The caller adds the
overlap between runs: write_date is the start of a transaction, whose rows become visible later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from magodoo.connectors.odoo.external_ids import ExternalIds
from magodoo.connectors.odoo.record_kinds import DELIVERY_KEY, READINGS, Reading, Tree, with_key, without
from magodoo.connectors.odoo.record_trees import TreePage, TreeReader
from magodoo.connectors.odoo.rpc import ARCHIVED_TOO, Row, Rpc
from magodoo.connectors.odoo.settlements import Settlements
from magodoo.connectors.odoo.units import Units
from magodoo.connectors.odoo.visibility import Refused, Visibility
from magodoo.errors import (
    FixConfiguration,
    FixDocument,
    Forbidden,
    MagodooError,
    Unavailable,
    Unreadable,
    UnreadableRecord,
)
from magodoo.money import dump_json
from magodoo.timestamps import utc, utc_now

PAGE_SIZE = 500
BATCH = 500
MOST_POISONED = 20
LONGEST_RAW = 100_000


class Quarantined(NamedTuple):
    """A record that cannot be read: its id if known, what arrived, the reason, and in `row` the part that could be read."""

    source_id: int | None
    raw: str
    reason: str
    row: Row | None = None


@dataclass(frozen=True)
class Page:
    """Rows of one page in the order of reading: the shape of `record_kinds`, plus `external_id`.

    `request_began_at` is UTC of this machine; `total_count` is Odoo's count when the run began.
    """

    rows: list[Row]
    request_began_at: datetime
    total_count: int
    quarantined: list[Quarantined] = field(default_factory=list)

    @property
    def sure(self) -> list[Row]:
        """Return the rows, for callers that write next: an unreadable record may be the one that they are about to create.

        Raises UnreadableRecord when a requested record cannot be read.
        """
        if self.quarantined:
            raise UnreadableRecord(self.quarantined[0].reason, system="odoo")
        return self.rows


class Documents:
    """Reads orders, invoices, credit notes, payments and transfers of one company, with their external ids and in product units."""

    def __init__(
        self,
        rpc: Rpc,
        number_fields: Sequence[str] = (),
        delivery_key: str = DELIVERY_KEY,
        condition: Callable[[], list[Any]] = list,
    ) -> None:
        """Create a reader.

        Args:
            rpc: The company's connection.
            number_fields: Fields that may contain a Magento number (`odoo.reference_fields`), read of every document in addition to its tree.
                Other programs have fields of their own.
            delivery_key: Field of a transfer with the delivery key (`odoo.delivery_key_field`).
            condition: Returns a domain that further narrows what is read.
        """
        self._rpc, self._condition = rpc, condition
        self._number_fields, self._delivery_key = number_fields, delivery_key
        self._trees, self._external_ids, self._units = TreeReader(rpc), ExternalIds(rpc), Units(rpc)
        self._visibility, self._settlements = Visibility(rpc), Settlements(rpc)

    def text_fields(self, model: str, names: Sequence[str]) -> list[str]:
        """Return those of the names that are text fields of the model. A search for a number in another type would be an error."""
        known = self._rpc.fields(model)
        types = {name: known.get(self._rpc.name_of(model, name) or "", {}).get("type") for name in names}
        return [name for name, kind in types.items() if kind in ("char", "text")]

    def changed(
        self, kind: str, since: datetime, until: datetime | None = None, *, page_size: int = PAGE_SIZE
    ) -> Iterator[Page]:
        """Yield pages of documents of `kind` with since <= write_date < until, oldest first; at least one page.

        A record that is written again during the run may be returned twice or, within the second that is being read, only by the next run.
        Raises ValueError for naive times.
        """
        reading = READINGS[kind]
        base = self._base_domain(reading)
        if until is not None:
            base.append(["write_date", "<", stamp(until)])
        second, seen, isolated = stamp(since), set[int](), set[int]()
        total: int | None = None
        while True:
            domain = [*base, ["write_date", ">=", second]]
            if seen or isolated:
                domain.append(["id", "not in", sorted(seen | isolated)])
            page = self._page(reading, domain, page_size)
            total = page.total_count if total is None else total
            yield Page(page.rows, page.request_began_at, total, page.quarantined)
            read = [(row["write_date"], row["id"]) for row in page.rows]
            newly = {bad.source_id for bad in page.quarantined if bad.source_id} - isolated
            if len(page.rows) + len(page.quarantined) < page_size:
                return
            last = read[-1][0] if read else second
            if last < second or any(id in seen for _, id in read) or not (read or newly):
                raise Unavailable("the same page came twice, or an earlier one", system="odoo", call=kind)
            seen = {id for at, id in read if at == last} | (seen if last == second else set())
            isolated |= newly
            second = last

    def by_ids(self, kind: str, ids: Sequence[int]) -> Page:
        """Return the documents with these ids. Missing ones are left out; those that exist but may not be read are quarantined."""
        page = self._selected(kind, ["id"], ids)
        missing = set(ids) - {row["id"] for row in page.rows} - {bad.source_id for bad in page.quarantined}
        if missing:
            hidden = self._visibility.hidden(READINGS[kind].model, missing)
            page.quarantined.extend(Quarantined(id, "", reason) for id, reason in sorted(hidden.items()))
        return page

    def by_order_ids(self, kind: str, sale_order_ids: Sequence[int]) -> Page:
        """Return the documents of these sales orders, linked by their lines or by the picking.

        Credit notes whose lines are not linked to order lines are found through the invoice that they reverse, payments through the invoices and
        credit notes that they were made for or matched with.
        """
        if kind == "payment":
            return self.by_ids("payment", self._payments_of(sale_order_ids))
        return self._selected(kind, self._order_paths(kind), sale_order_ids)

    def by_reference(self, kind: str, numbers: Sequence[str], fields: Sequence[str]) -> Page:
        """Return the documents of a kind with one of the numbers in one of the fields (`client_order_ref`, `ref` ...)."""
        return self._selected(kind, list(fields), numbers)

    def existing_ids(self, kind: str, ids: Sequence[int]) -> set[int]:
        """Return which of the ids still are documents of this kind, in this company and visible to this user.

        A deleted record leaves no other trace, nor does one that has become a document of another kind.
        """
        reading = READINGS[kind]
        model = reading.model
        found: set[int] = set()
        for part in _parts(ids, 5000):
            domain = [*self._base_domain(reading), ["id", "in", part]]
            found.update(self._rpc.call(model, "search", domain=domain, context=ARCHIVED_TOO))
        return found

    def count(self, kind: str, since: datetime | None = None, until: datetime | None = None) -> int:
        """Return the number of documents of a kind, written in the interval."""
        reading = READINGS[kind]
        domain = self._base_domain(reading)
        domain += [["write_date", ">=", stamp(since)]] if since else []
        domain += [["write_date", "<", stamp(until)]] if until else []
        return int(self._rpc.call(reading.model, "search_count", domain=domain, context=ARCHIVED_TOO))

    def stamps(self, kind: str, since: datetime, limit: int) -> dict[int, datetime]:
        """Return `write_date` (UTC) by id of at most `limit` documents of a kind written since: one small request."""
        reading = READINGS[kind]
        domain = [*self._base_domain(reading), ["write_date", ">=", stamp(since)]]
        rows = self._rpc.search_read(reading.model, domain, ["write_date"], limit=limit, context=ARCHIVED_TOO)
        return {
            row["id"]: datetime.fromisoformat(str(row["write_date"])).replace(tzinfo=UTC)
            for row in rows
            if row["write_date"]
        }

    def orders_of_edited_contacts(self, since: datetime, limit: int) -> tuple[list[int], datetime | None]:
        """Return the newest sales orders whose customer or contacts were written since, and the last write of a contact (UTC) or None.

        An edit of a contact does not change the order's `write_date`. At most `limit` orders; records that may not be read are left out.
        """
        edited = ["write_date", ">=", stamp(since)]
        contacts = ("partner_id", "partner_invoice_id", "partner_shipping_id")
        domain = [
            *self._rpc.company_domain("sale.order"),
            "|",
            "|",
            *([f"{name}.write_date", *edited[1:]] for name in contacts),
        ]
        found = self._rpc.call("sale.order", "search", domain=domain, order="id desc", limit=limit)
        if not found:
            return [], None
        edits = [*self._rpc.company_domain("res.partner"), edited]
        rows = self._rpc.search_read(
            "res.partner", edits, ["write_date"], order="write_date desc", limit=1, context=ARCHIVED_TOO
        )
        return [int(id) for id in found], utc(str(rows[0]["write_date"])) if rows else None

    def missing_fields(self, kind: str) -> list[str]:
        """Return the paths of a kind that this server or user does not have; they are left out of every row."""
        reading = READINGS[kind]
        return self._trees.fitting(reading.model, reading.tree)[1]

    def _tree(self, reading: Reading) -> Tree:
        tree = with_key(reading.tree, self._delivery_key) if reading.model == "stock.picking" else reading.tree
        return {**{name: {} for name in self.text_fields(reading.model, self._number_fields)}, **tree}

    def _base_domain(self, reading: Reading) -> list[Any]:
        return [*self._rpc.company_domain(reading.model), *plain_domain(reading.domain), *self._condition()]

    def _order_paths(self, kind: str) -> list[str]:
        paths = READINGS[kind].order_paths
        return [*paths, *(f"reversed_entry_id.{path}" for path in paths)] if kind == "credit_memo" else list(paths)

    def _payments_of(self, sale_order_ids: Sequence[int]) -> list[int]:
        links = [
            name
            for name in ("matched_payment_ids", "reconciled_payment_ids")
            if self._rpc.has_field("account.move", name)
        ]
        fields = [str(self._rpc.name_of("account.move", name)) for name in links]
        found: set[int] = set()
        for part in _parts(sale_order_ids, BATCH):
            (path,) = READINGS["invoice"].order_paths
            domain = ["|", [path, "in", part], [f"reversed_entry_id.{path}", "in", part]]
            domain = [*self._rpc.company_domain("account.move"), *domain]
            rows = self._rpc.search_read("account.move", domain, fields)
            found.update(id for row in rows for name in fields for id in row[name])
            if "reconciled_payment_ids" not in links:
                found |= self._settlements.payments_of([int(row["id"]) for row in rows])
        return sorted(found)

    def _selected(self, kind: str, paths: list[str], values: Sequence[Any]) -> Page:
        """Return one page of all documents with one of the values at one of the paths, read in parallel batches."""
        reading = READINGS[kind]

        def read(part: list[Any]) -> Page:
            either = ["|"] * (len(paths) - 1) + [[path, "in", part] for path in paths]
            return self._page(reading, [*self._base_domain(reading), *either], None)

        began = utc_now()
        pages = self._rpc.in_parallel(read, _parts(list(dict.fromkeys(values)), BATCH))
        rows = {row["id"]: row for page in pages for row in page.rows}
        bad = [item for page in pages for item in page.quarantined]
        return Page(list(rows.values()), pages[0].request_began_at if pages else began, len(rows) + len(bad), bad)

    def _page(self, reading: Reading, domain: list[Any], limit: int | None) -> Page:
        began = utc_now()
        bad: list[Quarantined] = []
        try:
            found = self._trees.read(reading.model, self._tree(reading), domain, order="write_date, id", limit=limit)
        except (FixDocument, Unreadable, Forbidden) as problem:
            found = self._without_the_poisoned(reading, domain, limit, bad, problem)
        bad += [Quarantined(_id(row), dump_json(row)[:LONGEST_RAW], reason) for row, reason in found.flawed]
        dated = [row for row in found.rows if row["write_date"]]
        bad += [Quarantined(row["id"], "", "no write_date") for row in found.rows if not row["write_date"]]
        problems = self._settlements.add(dated) if reading.model == "account.move" else {}
        bad += [
            Quarantined(row["id"], dump_json(row)[:LONGEST_RAW], problems[row["id"]])
            for row in dated
            if row["id"] in problems
        ]
        dated = [row for row in dated if row["id"] not in problems]
        self._external_ids.add(dated, reading.named)
        self._units.convert(dated)
        incomplete = self._visibility.hidden_in_lists(reading.model, self._tree(reading), dated) if dated else {}
        bad += [_quarantined(row, incomplete[row["id"]]) for row in dated if row["id"] in incomplete]
        return Page([row for row in dated if row["id"] not in incomplete], began, found.total, bad)

    def _without_the_poisoned(
        self, reading: Reading, domain: list[Any], limit: int | None, bad: list[Quarantined], problem: MagodooError
    ) -> TreePage:
        """Return the page without the records that fail; those are added to `bad`.

        Records that refer to something unreadable are identified directly, others by halving. A failure that no record causes is raised (the ids
        cannot be listed either, a whole model may not be read).
        """
        asked: dict[str, Any] = {"domain": domain, "context": ARCHIVED_TOO}
        ids = list(self._rpc.call(reading.model, "search", **asked, order="write_date, id", limit=limit))
        count = int(self._rpc.call(reading.model, "search_count", **asked))
        if not ids:
            raise problem
        if isinstance(problem, Forbidden | UnreadableRecord):
            refused = self._visibility.refused_below(reading.model, self._tree(reading), ids)
            bad += self._what_is_left(reading, refused)
            ids = [id for id in ids if id not in refused.reasons]
        isolated: list[Quarantined] = []
        page = self._halved(reading, ids, isolated) if ids else TreePage([], 0, [])
        bad += isolated
        if len(isolated) > MOST_POISONED and not page.rows:
            raise _too_many(reading, problem) from problem
        return page._replace(total=count)

    def _halved(self, reading: Reading, part: list[int], bad: list[Quarantined]) -> TreePage:
        """Read these records in halves until those that cannot be read are alone; add those to `bad`."""
        try:
            only = [*self._rpc.company_domain(reading.model), ["id", "in", part]]
            return self._trees.read(reading.model, self._tree(reading), only, order="write_date, id")
        except (FixDocument, Unreadable, Forbidden) as failure:
            if len(part) > 1:
                middle = len(part) // 2
                left, right = (
                    self._halved(reading, part[:middle], bad),
                    self._halved(reading, part[middle:], bad),
                )
                return TreePage(left.rows + right.rows, 0, left.flawed + right.flawed)
            bad.append(Quarantined(part[0], "", str(failure)))
            if len(bad) > MOST_POISONED and not isinstance(failure, Forbidden | UnreadableRecord):
                raise _too_many(reading, failure) from failure
            return TreePage([], 0, [])

    def _what_is_left(self, reading: Reading, refused: Refused) -> list[Quarantined]:
        """Return what can be read of the refused records, without the paths that lead to unreadable records."""
        tree = without(self._tree(reading), refused.paths)
        domain = [["id", "in", sorted(refused.reasons)]]
        try:
            found = self._trees.read(reading.model, tree, domain) if refused.reasons else TreePage([], 0, [])
        except (FixDocument, Unreadable, Forbidden):
            found = TreePage([], 0, [])  # only the reason is known of them
        self._external_ids.add(found.rows, reading.named)
        rows = {row["id"]: row for row in found.rows}
        return [
            _quarantined(rows[id], reason) if id in rows else Quarantined(id, "", reason)
            for id, reason in sorted(refused.reasons.items())
        ]


def _quarantined(row: Row, reason: str) -> Quarantined:
    return Quarantined(row["id"], dump_json(row)[:LONGEST_RAW], reason, row)


def _too_many(reading: Reading, failure: MagodooError) -> FixConfiguration:
    return FixConfiguration(
        f"more than {MOST_POISONED} records of a page cannot be read: {failure}", system="odoo", call=reading.model
    )


def plain_domain(domain: Sequence[Any]) -> list[Any]:
    """Return a domain as JSON: conditions as lists, operators unchanged."""
    return [each if isinstance(each, str) else list(each) for each in domain]


def stamp(moment: datetime) -> str:
    """Return a time as Odoo's domains take it: UTC, whole seconds, no zone. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _id(row: Any) -> int | None:
    """Return the id of an invalid row, or None."""
    id = row.get("id") if isinstance(row, dict) else None
    return id if isinstance(id, int) and not isinstance(id, bool) else None


def _parts(values: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(values[start : start + size]) for start in range(0, len(values), size)]
