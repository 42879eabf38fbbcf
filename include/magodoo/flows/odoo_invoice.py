"""Magento invoice -> customer invoice in Odoo, equal to the cent (docs/facts/pair.md#4 and #5.2).

Planned for an invoice that is missing in Odoo, depending on the setting `invoices.to_odoo`. What invoices share with credit notes
is in `entries` (plan and request) and `entry_writing` (probe, check, write).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import MagodooError
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.entries import (
    EntryIntent,
    EntryKind,
    EntryRequest,
    nothing_to_book,
    order_line_of,
    plan_entry,
    prepare_entry,
)
from magodoo.flows.entry_writing import WriteEntries
from magodoo.flows.line_amounts import MoneyLines
from magodoo.flows.order_plan import MISSING_IN_ODOO, STATUS_MISMATCH, OrderPlan, first_reason
from magodoo.flows.order_readiness import made_from_odoo, not_ready
from magodoo.flows.registry import Flow, register
from magodoo.flows.shortage import no_room
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import PlannedChange, Prepared, RequestProblem
from magodoo.money import plain, to_units


@dataclass(frozen=True)
class InvoiceIntent(EntryIntent):
    """Hold how an invoice is written."""


class SoldLine(NamedTuple):
    """Name a sale order line, by its external id or its id as text, with the units that were sold of it."""

    order_line: str
    units: int


class InvoiceRequest(EntryRequest, frozen=True, kw_only=True):
    """Hold an invoice; every line names its order line.

    Attributes:
        beyond: The lines of which Odoo's order holds only a part, so that the invoice exceeds it.
    """

    beyond: tuple[SoldLine, ...] | UnsetType = UNSET


def plan_invoices(order: OrderPlan) -> None:
    """Plan the invoices that are missing in Odoo, and the posting of drafts of ours.

    Planned for the findings `missing_in_odoo` of an invoice and `status_mismatch` with part `draft`. Not planned
    while `invoices.to_odoo` is off, before the cut-over, while the order is not ready, and for an invoice that could
    not be read, was made from an Odoo document, is blocked, or is more than the order in Odoo has left to invoice:
    the finding keeps the first of these reasons.
    """
    closed = not_ready(order)
    policy = order.instance.invoices.to_odoo
    for finding in (*order.of(MISSING_IN_ODOO, Kind.INVOICE), *order.of(STATUS_MISMATCH, Kind.INVOICE, "draft")):
        row = order.row(finding)
        if nothing_to_book(order, finding, row):
            continue
        reason = first_reason(
            "The setting `invoices.to_odoo` is off" if policy == "off" else None,
            order.cut_over(row),
            closed,
            order.unreadable(Kind.INVOICE),
            made_from_odoo(order, row),
            order.blocked(row),
            no_room(order, row, Side.ODOO),
        )
        plan_entry(order, finding, row, ChangeKind.ODOO_INVOICE, reason, InvoiceIntent(post=policy == "post"))


def prepare_invoice_entry(sources: Sources, plan: PlannedChange[InvoiceIntent]) -> Prepared:
    """Build the request of a draft invoice; every line names its order line."""
    return prepare_entry(sources, plan, INVOICE)


def _due_at_once(
    sources: Sources, order: CanonicalDocument, plan: PlannedChange[InvoiceIntent], head: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return cells that make an invoice due at once, without a payment term, where a provider captures the payment; else none."""
    if not _is_captured(sources, order):
        return {}
    return {"invoice_payment_term_id": None, "invoice_date_due": head["invoice_date"]}


def _is_captured(sources: Sources, order: CanonicalDocument) -> bool:
    """Return whether a provider captures the payment of the order, whatever the customer's terms are."""
    method = sources.instance.payment_methods.get(order.payment_method or "")
    return method is not None and method.captured_by_provider


def _unlinked(sources: Sources, document: CanonicalDocument, money: MoneyLines) -> list[RequestProblem]:
    """Return a problem for each item without an order line in Odoo: the order would stay open to be invoiced again."""
    return [
        RequestProblem(
            f"sku:{line.source.sku}",
            f"the matched Odoo order has no line for item {line.source.item_key} ({line.source.sku})",
            next_step=f"Add a line of {line.source.sku} to the order in Odoo, or book {document.number} there by hand, with its number as reference",
            who="accounting",
        )
        for line in money.lines
        if line.source.role == "item" and order_line_of(sources, document, line) is None
    ]


def _beyond(
    sources: Sources, document: CanonicalDocument, money: MoneyLines, without: dict[str, int]
) -> dict[str, tuple[SoldLine, ...]]:
    """Return `beyond` for the items of which Odoo's order holds only a part."""
    order = sources.magento(Kind.ORDER, str(document.own_order_id or document.order_key))
    sold = {line.item_key: line.qty_ordered - line.qty_canceled for line in order.lines} if order else {}
    found = []
    for line in money.lines:
        key = line.source.item_key
        if line.source.role == "item" and key in without and (link := order_line_of(sources, document, line)):
            found.append(SoldLine(link.cell, sold[key]))
    return {"beyond": tuple(found)} if found else {}


INVOICE = EntryKind(
    Kind.INVOICE,
    InvoiceRequest,
    "inv",
    "out_invoice",
    linked=True,
    cells=_due_at_once,
    problems=_unlinked,
    more=_beyond,
)


class WriteInvoices(WriteEntries[InvoiceRequest]):
    """Write invoices; none takes more than the order's lines have left to invoice."""

    kind = ChangeKind.ODOO_INVOICE
    request_type = InvoiceRequest
    document = Kind.INVOICE
    move_type = "out_invoice"

    def no_room(
        self, order: Mapping[str, Any] | None, change: LeasedChange[InvoiceRequest], claimed: dict[int, int]
    ) -> MagodooError | None:
        """Return a refusal when the order's lines have less left to invoice than the request takes: somebody invoiced them meanwhile.

        claimed: units by order line id that earlier changes of the group take; those of this change are added.
        """
        if order is None:
            return None
        lines = {
            str(name): line for line in order["order_line"] for name in (line.get("external_id"), line["id"]) if name
        }
        sold = dict(change.request.beyond or ())
        for name, units in _asked(change):
            line = lines.get(name)
            if line is None:
                return refused("the order in Odoo has lost a line that the invoice needs")
            ordered = max(
                to_units(line["product_uom_qty"]), sold.get(name, 0)
            )  # what was refunded before it shipped is invoiced too
            left = ordered - to_units(line["qty_invoiced"]) - claimed.get(line["id"], 0)
            if units > left:
                return refused(
                    f"the order in Odoo has {plain(max(left, 0))} of {line['name'][:60]!r} left to invoice, not {plain(units)}"
                )
            claimed[line["id"]] = claimed.get(line["id"], 0) + units
        return None


def _asked(change: LeasedChange[InvoiceRequest]) -> Iterable[tuple[str, int]]:
    """Yield (sale order line, units) of the lines that the request links."""
    fields = change.request.load.fields
    for suffix in ("id", ".id"):
        column = f"invoice_line_ids/sale_line_ids/{suffix}"
        if column in fields:
            link, quantity = fields.index(column), fields.index("invoice_line_ids/quantity")
            for row in change.request.load.rows:
                if row[link]:
                    yield row[link], to_units(row[quantity])


register(Flow(ChangeKind.ODOO_INVOICE, plan_invoices, prepare_invoice_entry, WriteInvoices(), from_payload=True))
