"""Probe, check and write customer invoices and credit notes: what both kinds share in Odoo.

Drafts are loaded, their totals compared to the cent, then they are posted (docs/facts/pair.md#4 and #5.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from magodoo.domain.states import CONFIRMED_IN_ODOO, OdooMoveState, OdooOrderState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import MagodooError
from magodoo.flows.carried_over import carry
from magodoo.flows.customers import load_partners
from magodoo.flows.duplicates import duplicate_candidates, is_ours, matched
from magodoo.flows.entries import EntryRequest
from magodoo.flows.load_tables import Draft, complete, load_all, rate_of, unequal, unequal_in_company, unrated
from magodoo.flows.periods import day_of, in_closed_period, numberings_now, out_of_series
from magodoo.flows.references import Reference, resolve
from magodoo.ledger.behaviour import (
    Answers,
    DependencyPending,
    Found,
    SourceChanged,
    Writer,
    Written,
    not_shown,
    refused,
)
from magodoo.ledger.changes import LeasedChange
from magodoo.money import to_units

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.context import Context


EntryT = TypeVar("EntryT", bound=EntryRequest)


class WriteEntries(Writer[EntryT]):
    """Write invoices or credit notes; a draft that is not equal to its source is not posted."""

    move_type: str

    def probe(self, context: Context, changes: Sequence[LeasedChange[EntryT]]) -> Answers:
        """Find each document by our external id, else an equal one that others made; nothing is adopted twice."""
        orders = resolve(context, changes, [change.request.order for change in changes])
        around = self._surroundings(context, changes, orders)
        ours = {row["external_id"]: row for row in around.rows.values() if row.get("external_id")}
        taken: set[int] = set()
        answers: Answers = {}
        for change in changes:
            own = ours.get(change.request.external_id)
            linked = around.of_order.get(orders.get(change.request.order, 0), set())
            answer = _own_state(own, change) if own else self._foreign(context, change, around, linked, taken)
            if answer is not None:
                answers[change.id] = answer
            if isinstance(answer, Found):
                taken.add(answer.target_id)
        return answers

    def _surroundings(
        self, context: Context, changes: Sequence[LeasedChange[EntryT]], orders: Mapping[Reference, int]
    ) -> _Surroundings:
        """Return the moves around the changes: of their orders, with their numbers, duplicate candidates, and which are matched."""
        client, word = context.odoo, self.document.value
        numbers = sorted({number for change in changes for number in change.request.search.own_numbers})
        fields = client.documents.text_fields("account.move", context.instance.odoo.reference_fields) or list(_FIELDS)
        rows = {row["id"]: row for row in client.documents.by_reference(word, numbers, fields).sure}
        of_order: dict[int, set[int]] = {}
        for row in client.documents.by_order_ids(word, sorted(set(orders.values()))).sure if orders else ():
            rows[row["id"]] = row
        for row in rows.values():
            for order_id in _orders_of(row):
                of_order.setdefault(order_id, set()).add(row["id"])
        days = {change.id: date.fromisoformat(day) for change in changes if (day := change.request.date)}
        kind = ["move_type", "=", self.move_type]
        alike = duplicate_candidates(context, self.document, "account.move", "invoice_date", days, changes, kind)
        return _Surroundings(rows, of_order, alike, matched(context, Side.ODOO, self.document, rows), fields)

    def _foreign(
        self, context: Context, change: LeasedChange[EntryT], around: _Surroundings, linked: set[int], taken: set[int]
    ) -> Found | MagodooError | None:
        """Return what an equal document of others means; None when there is none.

        A single posted one on the order is adopted. Several, or a draft on the order, are refused until a person
        decides, and so is one that is not linked to any order.
        """
        free = [
            row for row in around.rows.values()
            if row["id"] not in around.matched | taken and not is_ours(context, row) and _equal(row, change)
        ]  # fmt: skip
        on_order = [row for row in free if row["id"] in linked]
        posted = [row for row in on_order if row["state"] == OdooMoveState.POSTED]
        if len(posted) == 1:
            return Found(posted[0]["id"], complete=True, adopted=True, before={"state": OdooMoveState.POSTED})
        if on_order:
            names = ", ".join(str(row["name"] or f"draft {row['id']}") for row in on_order)
            return refused(
                f"possible duplicate: {names} on the order is equal, was made by hand and is not posted alone"
            )
        # Orders and invoices have separate numberings: a number on another order's document belongs to that order.
        named = [row for row in free if _mentions(row, change, around.fields)]
        loose = [row for row in around.alike.get(change.id, ()) if row["id"] not in taken]
        found = {row["id"]: row for row in (*named, *loose) if not _orders_of(row)}
        if found:
            names = ", ".join(str(row["name"] or f"draft {number}") for number, row in found.items())
            return refused(f"possible duplicate: {names} in Odoo has the same total and is not linked to the order")
        return None

    def check(self, context: Context, changes: Sequence[LeasedChange[EntryT]]) -> dict[int, MagodooError]:
        """Refuse or hold what cannot be posted now because of its order, currency rate, period, numbering, or the quantity still to invoice."""
        client = context.odoo
        ids = resolve(context, changes, [change.request.order for change in changes])
        orders = (
            {row["id"]: row for row in client.documents.by_ids("order", sorted(set(ids.values()))).sure} if ids else {}
        )
        locked = max(client.company.lock_dates().values(), default=None)
        last = numberings_now(context, changes)
        problems: dict[int, MagodooError] = {}
        claimed: dict[int, int] = {}
        for change in changes:
            order = orders.get(ids.get(change.request.order, 0))
            problem = (
                _order_problem(order)
                or self.refusal(change)
                or _rate_problem(context, change)
                or _unrated(client, change)
                or in_closed_period(change.request.date, locked, planned=change.request.closed_period)
                or out_of_series(change, last.get(self.move_type, ()), day_of(context, change))
                or self.no_room(order, change, claimed)
            )
            if problem is not None:
                problems[change.id] = problem
        return problems

    def refusal(self, change: LeasedChange[EntryT]) -> MagodooError | None:
        """Return why a change may never be written, whatever its order is; None when it may."""
        return None

    def no_room(
        self, order: Mapping[str, Any] | None, change: LeasedChange[EntryT], claimed: dict[int, int]
    ) -> MagodooError | None:
        """Return why the order cannot take the document now; None when it can.

        claimed: units by order line id that earlier changes of the group take.
        """
        return None

    def write(self, context: Context, changes: Sequence[LeasedChange[EntryT]]) -> Written:
        """Load partners, then drafts, compare them with their sources, and post those that are equal."""
        client = context.odoo
        written: Written = load_partners(context, [change for change in changes if change.request.partners])
        ready = [change for change in changes if change.id not in written]
        tables = carry(context, ready, self.document)
        ids, problems = load_all(client, client.invoices.create, [tables[change.id] for change in ready])
        made = {ids[name]: change for change in ready if (name := change.request.external_id) in ids}
        rows = self._drafts(client, made)
        to_post: dict[int, LeasedChange[EntryT]] = {}
        for change in ready:
            name = change.request.external_id
            target = ids.get(name)
            if target is None:
                written[change.id] = problems.get(name, refused("Odoo did not take it"))
                continue
            complaint = _not_as_asked(rows.get(target), change)
            written[change.id] = complaint or target
            if not complaint and change.request.post and rows[target]["state"] == OdooMoveState.DRAFT:
                to_post[target] = change
        done = client.invoices.post(list(to_post)) if to_post else None
        for target, problem in (done.refused if done else {}).items():
            written[to_post[target].id] = problem
        return written

    def _drafts(self, client: OdooClient, made: Mapping[int, LeasedChange[EntryT]]) -> dict[int, Mapping[str, Any]]:
        """Return the loaded documents by id, with the rate, taxes and company amounts written where lines could not carry them."""
        rows: dict[int, Mapping[str, Any]] = {
            row["id"]: row for row in client.documents.by_ids(self.document.value, list(made)).rows
        }
        drafts = [id for id, row in rows.items() if row["state"] == OdooMoveState.DRAFT]
        if client.rpc.has_field("account.move.line", "extra_tax_data"):
            # Only the company amount of a line without tax can differ: nothing on the line forces it.
            drafts = [id for id in drafts if unequal_in_company(rows[id], _draft(made[id]))]
        if drafts:
            complete(client, {id: _draft(made[id]) for id in drafts})
            rows |= {row["id"]: row for row in client.documents.by_ids(self.document.value, drafts).rows}
        return rows

    def pair(self, change: LeasedChange[EntryT], target_id: int) -> tuple[Kind, str, str] | None:
        """Return the match of the Magento document with the written one."""
        return self.document, change.source_id, str(target_id)


_FIELDS = ("name", "ref", "invoice_origin", "payment_reference")


@dataclass(frozen=True)
class _Surroundings:
    """Hold moves of the kind around some changes.

    Attributes:
        rows: Those of their orders or with their numbers, by id.
        of_order: Ids of the moves linked to each sale order.
        alike: Duplicate candidates, by change id.
        matched: Ids of moves that are matched with other documents.
        fields: The reference fields that were searched.
    """

    rows: Mapping[int, Mapping[str, Any]]
    of_order: Mapping[int, set[int]]
    alike: Mapping[int, Sequence[Mapping[str, Any]]]
    matched: set[int]
    fields: Sequence[str]


def _own_state(row: Mapping[str, Any], change: LeasedChange[EntryRequest]) -> Found | MagodooError:
    if row["state"] == OdooMoveState.CANCEL:
        return refused("it was cancelled in Odoo: a person decides")
    complete = row["state"] == OdooMoveState.POSTED or not change.request.post
    return Found(row["id"], complete=complete, before={"state": row["state"]})


def _not_as_asked(row: Mapping[str, Any] | None, change: LeasedChange[EntryRequest]) -> MagodooError | None:
    if row is None:
        return not_shown("document")
    if row["state"] == OdooMoveState.CANCEL:
        return refused("it was cancelled in Odoo")
    complaint = None
    if row["state"] == OdooMoveState.DRAFT:
        complaint = unequal(row, change.request.expect) or unequal_in_company(row, _draft(change))
    return refused(complaint) if complaint else None


def _order_problem(order: Mapping[str, Any] | None) -> MagodooError | None:
    if order is None:
        return DependencyPending("the order is not in Odoo yet")
    if order["state"] == OdooOrderState.CANCEL:
        return refused("the order is cancelled in Odoo")
    return None if order["state"] in CONFIRMED_IN_ODOO else DependencyPending("the order is not confirmed in Odoo yet")


def _draft(change: LeasedChange[EntryRequest]) -> Draft:
    return Draft(change.request.load, change.request.company or None)


def _rate_problem(context: Context, change: LeasedChange[EntryRequest]) -> MagodooError | None:
    """Return why a document in another currency than the company's may not be written now: nobody chose a rate, or another one."""
    request, own = change.request, context.odoo.company.currency()
    if request.expect.currency == own:
        return None
    choice = context.instance.company_rate
    if choice is None:
        return DependencyPending(
            f"it is in {request.expect.currency}, the company's currency is {own}, and whose rate counts is not set:"
            " set `company_rate` of the instance to magento or odoo"
        )
    if (choice == "odoo") != (rate_of(request.load) is None):
        return SourceChanged("`company_rate` was changed since it was planned")
    base = request.company.currency if request.company else request.expect.currency
    if choice == "magento" and base != own and (request.company or rate_of(request.load) == 1):
        return refused(
            f"Magento's base currency is {base} and the company's is {own}: Magento's base amounts cannot be its amounts in company"
            " currency; set `company_rate` to odoo"
        )
    return None


def _unrated(client: OdooClient, change: LeasedChange[EntryRequest]) -> MagodooError | None:
    complaint = unrated(client, change.request.load)
    return refused(complaint) if complaint else None


def _equal(row: Mapping[str, Any], change: LeasedChange[EntryRequest]) -> bool:
    expect = change.request.expect
    return (
        to_units(row["amount_total"]) == expect.total and (row.get("currency_id") or {}).get("name") == expect.currency
    )


def _mentions(row: Mapping[str, Any], change: LeasedChange[EntryRequest], fields: Sequence[str]) -> bool:
    numbers = change.request.search.own_numbers
    return any(row.get(field) in numbers for field in fields if row.get(field))


def _orders_of(row: Mapping[str, Any]) -> set[int]:
    """Return the ids of the sale orders that a move's lines are linked to."""
    orders: set[int] = set()
    for line in row.get("invoice_line_ids") or ():
        for sale_line in line.get("sale_line_ids") or ():
            order = sale_line.get("order_id")
            number = order.get("id") if isinstance(order, Mapping) else order[0] if isinstance(order, list) else order
            orders |= {int(number)} if number else set()
    return orders
