"""Writing documents to Magento: what invoices, shipments and credit memos share.

Items are always explicit: an empty list is refused here, as Magento would take it for everything. Each document is
one call, on an order that was just read. It is found by the marker in its comment, else an equal one that is matched
with nothing is adopted. Nothing is ever captured, voided, refunded online or cancelled (docs/facts/magento-2.4.7.md#5
and 7).

What Magento would make of explicit items is computed before the call, so that nothing else is ever written. The last
open quantity of a line takes the rest of its amounts, a part takes its share, rounded per line: the documents of an
order sum to the order.
"""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import msgspec

from magodoo.connectors.magento.bundles import BUNDLE, is_priced_by_parts, with_own_prices
from magodoo.connectors.magento.items import check_lines, quantity_differences
from magodoo.connectors.magento.writes import Marker, find_marker
from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import FRAUD, NOTHING_IS_PLANNED, NOTHING_IS_WRITTEN
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import MagodooError
from magodoo.extract import magento_totals
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.magento_orders import read_items
from magodoo.extract.magento_rows import applied_fixed_taxes, fixed_tax, tax_on_fixed_tax
from magodoo.extract.magento_totals import Totals, tendered
from magodoo.flows.duplicates import matched
from magodoo.flows.order_plan import Bundle, Item, OrderPlan, first_reason
from magodoo.flows.shortage import no_room
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import Answers, Found, SourceChanged, Writer, Written, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Request, RequestProblem
from magodoo.money import from_units, rounded, shown, to_units
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import payments
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


MISSING_IN_MAGENTO = FindingType.MISSING_IN_MAGENTO


class OrderItem(NamedTuple):
    """Name an order item by its id, with units of it."""

    id: int
    units: int


class DocumentRequest(Request, frozen=True, kw_only=True):
    """Hold what every new document of Magento names.

    Attributes:
        marker: The text of its comment, by which it is found again.
        notify: Whether the customer gets Magento's mail.
    """

    order_id: int
    marker: str
    notify: bool
    items: tuple[OrderItem, ...]


class ExpectedTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the total in units that Magento must make of the document."""

    total: int
    currency: str


class MoneyRequest(DocumentRequest, frozen=True, kw_only=True):
    """Hold what invoices and credit memos name."""

    expect: ExpectedTotal


def plan_document(
    order: OrderPlan, finding: Finding, row: Document, kind: ChangeKind, reason: str | None, intent: object
) -> None:
    """Plan a Magento document for a finding, or keep the reason why none may be written."""
    if reason:
        finding.no_change_reason = reason
        return
    order.change(kind, row, [finding], intent)


def not_ready_in_magento(order: OrderPlan, row: Document) -> str | None:
    """Return why nothing may be written onto the order in Magento for a document of Odoo; None when it may.

    Causes, the first counts: cut-over, an order that is closed, held or suspected of fraud, an unreadable record, a
    document that was made from a Magento document, a blocking finding, no quantity left.
    """
    state = order.order.state
    return first_reason(
        order.cut_over(row),
        f"The order is {state} in Magento" if state in NOTHING_IS_PLANNED or order.order.status == FRAUD else None,
        order.unreadable(Kind(row.kind)),
        "It was made from a Magento document which is gone" if row.reference else None,
        order.blocked(row),
        no_room(order, row, Side.MAGENTO),
    )


def why_not_paid(order: OrderPlan, row: Document, setting: str) -> str:
    """Return why a document does not count as paid under a setting."""
    return payments.why_not_paid(row, setting, in_payment_counts=order.instance.invoices.in_payment_counts)


def sorted_by_bundle(
    order: OrderPlan, row: Document
) -> tuple[dict[int, int], list[tuple[Bundle, dict[int, int]]], str | None]:
    """Return a document's units by item, those of bundles' parts apart, and why not all of it can be named (None when it can).

    The first is units by item outside of bundles, the second a list of (bundle, units by item of its parts).
    """
    single: dict[int, int] = {}
    parts: dict[int, dict[int, int]] = {}
    for key, quantity in order.facts.items.get(row.at, ()):
        item = int(key)
        if item == 0:
            return {}, [], f"{_foreign(order, row)} is no item of the order"
        if item in order.facts.bundle_of:
            parts.setdefault(order.facts.bundle_of[item].item, {})[item] = quantity
        else:
            single[item] = quantity
    reason = None if single or parts else "It holds none of the order's items"
    return single, [(order.facts.bundles[item], quantities) for item, quantities in parts.items()], reason


def as_items(units: dict[int, int]) -> tuple[Item, ...]:
    """Return units by item id as items, in the order of the ids."""
    return tuple(Item(str(item), units[item]) for item in sorted(units))


def _foreign(order: OrderPlan, row: Document) -> str:
    """Return the SKU of the first line that is no item of the Magento order."""
    lines = order.facts.situation.view.frames.lines_of(row.at)
    return next((str(line.sku) for line in lines if not line.item_key and line.sku), "A line of it")


def staged(
    sources: Sources, plan: PlannedChange, named: Iterable[Item], kind: Kind, may_be_empty: bool = False
) -> tuple[CanonicalDocument | None, tuple[OrderItem, ...], list[RequestProblem]]:
    """Return the Odoo document of a plan, the named items of its order, and the problems that prevent a request.

    An empty list of items is a problem unless `may_be_empty`: Magento would take it for everything.
    """
    document, order = sources.odoo(kind, plan.source_id), sources.magento(Kind.ORDER, plan.order_key)
    if document is None or order is None:
        return None, (), [RequestProblem("order", "the document or its order is not staged")]
    known = {line.item_key for line in order.lines if line.role == "item"}
    items = tuple(OrderItem(int(key), units) for key, units in named if units)
    problems = [
        RequestProblem(f"item:{key}", f"the order has no item {key}") for key, _ in items if str(key) not in known
    ]
    if not items and not may_be_empty:
        problems.append(RequestProblem("items", "no item of the order stands in the document"))
    if len({key for key, _ in items}) != len(items):
        problems.append(RequestProblem("items", "an item stands in it twice: Magento would take the last one only"))
    return document, items, problems


def request_head(sources: Sources, plan: PlannedChange, model: str) -> dict[str, Any]:
    """Return the fields that every request for Magento has: order id, marker, whether to notify the customer."""
    marker = Marker(sources.instance.id, sources.database_uuid, model, int(plan.source_id))
    return {"order_id": int(plan.order_key), "marker": str(marker), "notify": sources.instance.notify_customers}


def item_rows(items: Iterable[OrderItem]) -> list[dict[str, Any]]:
    """Return items as the rows of Magento's API, quantities as Decimal."""
    return [{"order_item_id": key, "qty": from_units(units)} for key, units in items]


def comment_of(request: DocumentRequest) -> dict[str, Any]:
    """Return the comment that carries the marker, invisible to the customer."""
    return {"comment": request.marker, "is_visible_on_front": 0}


def magento_call(path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a POST to Magento as a dry run shows it."""
    return {"system": "magento", "method": "POST", "path": path, "body": body}


def total_of(document: CanonicalDocument) -> int:
    """Return the total of Magento's document in units, without the rounding to cash, which Magento does not have."""
    return document.grand_total - int(document.details.get("cash_rounding") or 0)


Row = Mapping[str, Any]
DocumentT = TypeVar("DocumentT", bound=DocumentRequest)
MoneyT = TypeVar("MoneyT", bound=MoneyRequest)


class MagentoDocument(Writer[DocumentT]):
    """Find, check and create one kind of Magento document: by the marker in its comment, else an equal unmatched one is adopted."""

    group_size = 25
    write_size = 1
    many_steps = False
    one_per_order = True
    _known: dict[int, Row] | None = None

    def probe(self, context: Context, changes: Sequence[LeasedChange[DocumentT]]) -> Answers:
        """Find each document by its marker; else adopt an equal one without a marker that is matched with nothing."""
        rows = _rows(context, self.document, changes)
        taken = matched(context, Side.MAGENTO, self.document, [int(row["entity_id"]) for row in rows])
        answers: Answers = {}
        for change in changes:
            of_order = [row for row in rows if int(row["order_id"]) == change.request.order_id]
            own = next((row for row in of_order if str(find_marker(row)) == change.request.marker), None)
            counted = taken | self._counted(change)
            equal = [row for row in of_order if row["entity_id"] not in counted and find_marker(row) is None]
            theirs = [row for row in equal if self._equal(context, row, change)]
            if own is not None:
                answers[change.id] = Found(int(own["entity_id"]), complete=True)
            elif theirs:
                answers[change.id] = Found(int(theirs[0]["entity_id"]), complete=True, adopted=True)
                taken.add(int(theirs[0]["entity_id"]))
        return answers

    def check(self, context: Context, changes: Sequence[LeasedChange[DocumentT]]) -> dict[int, MagodooError]:
        """Refuse what the order, read just now, does not allow: its state, its open quantities, or a total that would differ."""
        orders = self._orders(context, changes)
        problems: dict[int, MagodooError] = {}
        for change in changes:
            order = orders.get(change.request.order_id)
            try:
                complaint = (
                    "the order does not exist in Magento" if order is None else self._objection(context, order, change)
                )
                if order is not None:
                    check_lines(self.document, order, lines_of(change.request))
            except MagodooError as problem:
                problems[change.id] = problem
                continue
            if complaint:
                problems[change.id] = refused(complaint)
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange[DocumentT]]) -> Written:
        """Create the documents one by one."""
        orders = self._orders(context, changes)
        return {change.id: self._written(context, orders, change) for change in changes}

    def for_group(self) -> Self:
        """Return a copy that reads the orders of a group once, for its check and all its writes: a list of them takes Magento 8 ms an order."""
        of_group = copy.copy(self)
        of_group._known = {}
        return of_group

    def _orders(self, context: Context, changes: Sequence[LeasedChange[DocumentT]]) -> Mapping[int, Row]:
        """Return the orders of the changes by id: as this group has read them; without a group, as they are now."""
        known = {} if self._known is None else self._known
        unread = [change for change in changes if change.request.order_id not in known]
        if unread:
            known |= {int(row["entity_id"]): row for row in _rows(context, Kind.ORDER, unread)}
        return known

    def _written(
        self, context: Context, orders: Mapping[int, Row], change: LeasedChange[DocumentT]
    ) -> int | MagodooError:
        """Return the new document's id, or the error that creating it raised."""
        order = orders.get(change.request.order_id)
        if order is None:
            return SourceChanged("the order is gone from Magento")
        try:
            return self._create(context, order, change)
        except MagodooError as problem:
            return problem

    def _counted(self, change: LeasedChange[DocumentT]) -> set[int]:
        """Return the ids of documents that represent others together, so that none of them is an earlier attempt of this one."""
        return set()

    @abstractmethod
    def _equal(self, context: Context, row: Row, change: LeasedChange[DocumentT]) -> bool:
        """Return whether a document of the order is what the request would make."""

    def _objection(self, context: Context, order: Row, change: LeasedChange[DocumentT]) -> str | None:
        """Return why this may not be written on the order as it is now; None when it may."""
        return f"the order is {order['state']} in Magento" if order.get("state") in NOTHING_IS_WRITTEN else None

    @abstractmethod
    def _create(self, context: Context, order: Row, change: LeasedChange[DocumentT]) -> int:
        """Create the document and return its id."""

    def pair(self, change: LeasedChange[DocumentT], target_id: int) -> tuple[Kind, str, str] | None:
        """Return the match of the Magento document with its source in Odoo."""
        return self.document, str(target_id), change.source_id


class MoneyDocument(MagentoDocument[MoneyT]):
    """Find, check and create one kind of Magento document that has a total."""

    def _equal(self, context: Context, row: Row, change: LeasedChange[MoneyT]) -> bool:
        """Return whether a document of the order has the same items and total as the request."""
        sold = to_units(row.get("grand_total")) + tendered_of(context, row)
        same_items = not quantity_differences(row, lines_of(change.request))
        return same_items and rounded(sold) == rounded(change.request.expect.total)


def tendered_of(context: Context, row: Row) -> int:
    """Return the units of an order or document that gift cards and credit paid: they lower its total and not what it sells."""
    return sum(tendered(context.instance, row).values())


def currency_of(order: Row) -> str:
    """Return the order's currency code, or ""."""
    return str(order.get("order_currency_code") or "")


def lines_of(request: DocumentRequest) -> list[tuple[int, Decimal]]:
    """Return (order item id, quantity) of the request; quantities as Decimal."""
    return [(item.id, from_units(item.units)) for item in request.items]


def _rows(context: Context, kind: Kind, changes: Sequence[LeasedChange[DocumentRequest]]) -> list[dict[str, Any]]:
    """Return the documents of a kind of the changes' orders."""
    orders = sorted({change.request.order_id for change in changes})
    return [row for page in context.magento.by_order(kind, orders) for row in page.rows]


OrderRow = Mapping[str, Any]


def unpredictable(order: OrderRow, tendered: int) -> str | None:
    """Return why no document of an order can be predicted: its total holds an amount outside its parts, such as an extension's fee.

    tendered: units of the order that gift cards and credit paid; they lower Magento's total and not what it sells.
    """
    _, read = read_items(order)
    beside = Totals.of(order, tendered, adjusted=False).beside
    if beside in (0, fixed_tax(item for item in order["items"] if str(item["item_id"]) in read.gross)):
        return None
    currency = str(order.get("order_currency_code") or "")
    where = ", ".join(magento_totals.holding(order, beside)) or "no field of the order holds it"
    return (
        f"{shown(beside, currency)} {currency} of the order's total are in no part of it ({where}), and only the extension that adds them knows"
        " which of its documents holds them: make this one in Magento, and the two are matched"
    )


def money_rows(order: OrderRow, items: Iterable[OrderItem]) -> list[tuple[OrderRow, Decimal]]:
    """Return the rows that carry money with the units of each: the parts of a dynamic bundle replace it (docs/facts/magento-2.4.7.md#5.4)."""
    rows = {int(row["item_id"]): row for row in with_own_prices(order["items"])}
    wanted: list[tuple[OrderRow, Decimal]] = []
    for item_id, units in items:
        row = rows[item_id]
        parts = [part for part in rows.values() if part.get("parent_item_id") == row["item_id"]]
        by_parts = row.get("product_type") == BUNDLE and parts and is_priced_by_parts(row, parts)
        for money in parts if by_parts else [row]:
            ordered = to_units(row["qty_ordered"])
            wanted.append((money, Decimal(units) * to_units(money["qty_ordered"]) / ordered if ordered else Decimal(0)))
    return wanted


def fixed_tax_of(row: OrderRow, wanted: Decimal, everything: bool, done: str) -> int:
    """Return the fixed product tax with the tax on it, in units (docs/facts/magento-versions.md); `done` names what earlier documents hold."""
    applied = applied_fixed_taxes(row)
    # Magento stores the whole of an item on each of its taxes: the first one is enough.
    before = next((each for each in applied if each.get(f"weee_amount_{done}") is not None), {})
    net = part_of(
        to_units(row.get("weee_tax_applied_row_amount")),
        wanted,
        row,
        to_units(before.get(f"weee_amount_{done}")),
        everything,
    )
    tax = part_of(tax_on_fixed_tax(row), wanted, row, to_units(before.get(f"weee_tax_amount_{done}")), everything)
    return net + tax


def part_of(amount: int, wanted: Decimal, row: OrderRow, done: int, everything: bool) -> int:
    """Return the units of a document's part of an amount: the rest when `everything` is taken, else the share, rounded half up."""
    if everything:
        return amount - done
    ordered = to_units(row["qty_ordered"])
    return half_up(Decimal(amount) * wanted / ordered) if ordered else 0


def half_up(units: Decimal) -> int:
    """Return units rounded half up to the cent."""
    return rounded(int(units.to_integral_value(ROUND_HALF_UP)))
