"""Read, right before the write, what Odoo itself copies to a document from the record that it is made of.

*Create invoice* copies the head of the order, the credit note's wizard the head of the invoice: customer, delivery
address, payment term, salesperson, texts. A person may have changed any of it in Odoo since the order was imported,
so it is no part of the request. Fiscal position, taxes, journal and dates are ours (docs/business-rules.md#periods-and-numbers), and so
are the reference and the origin, which name Magento's documents; a cell that the request has is
kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from magodoo.domain.vocabulary import Kind
from magodoo.flows.entries import EntryRequest
from magodoo.flows.load_tables import Table
from magodoo.flows.periods import day_of
from magodoo.flows.references import Reference, resolve
from magodoo.flows.ship_dates import shipped_on
from magodoo.ledger.changes import LeasedChange

if TYPE_CHECKING:
    from magodoo.context import Context


Row = Mapping[str, Any]
TERM, DUE = "invoice_payment_term_id", "invoice_date_due"
PARTNER = "partner_id"

OF_ORDER: Mapping[str, str] = {
    # field of the invoice: field of the order (sale.order._prepare_invoice, with sale_stock's)
    PARTNER: "partner_invoice_id",
    "partner_shipping_id": "partner_shipping_id",
    TERM: "payment_term_id",
    "preferred_payment_method_line_id": "preferred_payment_method_line_id",
    "invoice_user_id": "user_id",
    "team_id": "team_id",
    "campaign_id": "campaign_id",
    "medium_id": "medium_id",
    "source_id": "source_id",
    "invoice_incoterm_id": "incoterm",
    "narration": "note",
    "payment_reference": "reference",
}
_ONLY_OF_INVOICES = (TERM, "payment_reference")
"""A credit note is due at once and has no reference that a customer pays by."""
OF_INVOICE: Mapping[str, str] = {name: name for name in OF_ORDER if name not in _ONLY_OF_INVOICES}


def carry(context: Context, changes: Sequence[LeasedChange[EntryRequest]], kind: Kind) -> dict[int, Table]:
    """Return, by change id, the table to load, with the cells that Odoo's own button would have set."""
    named = {change.id: change.request.order for change in changes}
    reversed_entries = {change.id: entry for change in changes if (entry := _reversed_entry(change))}
    orders = _sources(context, changes, "sale.order", OF_ORDER, named)
    invoices = _sources(context, changes, "account.move", OF_INVOICE, reversed_entries)
    shipped = shipped_on(context, {change.source_id for change in changes}) if kind is Kind.INVOICE else {}
    return {
        change.id: _with_cells(
            context, change, kind, orders.get(change.id), invoices.get(change.id), shipped.get(change.source_id)
        )
        for change in changes
    }


def _sources(
    context: Context,
    changes: Sequence[LeasedChange],
    model: str,
    fields: Mapping[str, str],
    references: Mapping[int, Reference],
) -> dict[int, Row]:
    """Return, by change id, the record that its reference names; changes without one are absent."""
    ids = resolve(context, changes, list(references.values())) if references else {}
    if not ids:
        return {}
    found = context.odoo.rpc.listed(model, list(fields.values()), [["id", "in", sorted(set(ids.values()))]])
    rows = {row["id"]: row for row in found}
    targets = {id: ids.get(reference) for id, reference in references.items()}
    return {id: rows[target] for id, target in targets.items() if target in rows}


def _reversed_entry(change: LeasedChange[EntryRequest]) -> Reference | None:
    """Return the reference of the invoice that a credit note reverses, as the request's table names it; None without one."""
    table = change.request.load
    cells = dict(zip(table.fields, table.rows[0], strict=True))
    if name := cells.get("reversed_entry_id/id"):
        return Reference(external_id=name)
    number = cells.get("reversed_entry_id/.id")
    return Reference(odoo_id=int(number)) if number else None


def _dated(table: Table, day: str) -> Table:
    """Return the table with another document date, and payment date where the request has one."""
    first = tuple(
        day if name in ("invoice_date", DUE) else cell for name, cell in zip(table.fields, table.rows[0], strict=True)
    )
    return Table(table.model, table.fields, (first, *table.rows[1:]))


def _with_cells(
    context: Context,
    change: LeasedChange[EntryRequest],
    kind: Kind,
    order: Row | None,
    invoice: Row | None,
    shipped: date | None,
) -> Table:
    """Return the request's table with the cells of its source: of the invoice that a credit note reverses, else of the order.

    The delivery date of an invoice is the day on which Magento shipped its goods.
    """
    is_invoice, day = kind is Kind.INVOICE, day_of(context, change)
    table = _dated(change.request.load, day) if change.request.dated_today else change.request.load
    names, source = (OF_INVOICE, invoice) if invoice is not None else (OF_ORDER, order or {})
    values = {
        field: source[name]
        for field, name in names.items()
        if name in source and (is_invoice or field not in _ONLY_OF_INVOICES)
    }
    if not is_invoice:
        values[TERM] = False
    elif shipped:
        values["delivery_date"] = shipped.isoformat()
    given = {name.partition("/")[0] for name in table.fields}
    if TERM in values and not values[TERM] and day:
        values[DUE] = day  # without a term Odoo takes the day on which the draft is made
    known = context.odoo.rpc.fields("account.move")
    wanted = {
        field: value for field, value in values.items()
        if field in known and (field not in given or (field == PARTNER and value))
    }  # fmt: skip
    return _joined(table, dict(_cell(known[field]["type"], field, value) for field, value in wanted.items()))


def _cell(kind: str, field: str, value: Any) -> tuple[str, str]:
    """Return (column, cell); an empty cell is empty on purpose, as the source has it."""
    if kind == "many2one":
        return f"{field}/.id", str(value[0]) if value else ""
    return field, str(value or "")


def _joined(table: Table, cells: Mapping[str, str]) -> Table:
    """Return the table with more cells of its head; the customer's cell replaces the request's."""
    replaced = f"{PARTNER}/.id" in cells
    fields = enumerate(table.fields)
    kept = [place for place, name in fields if not (replaced and name.partition("/")[0] == PARTNER)]
    rows = [[row[place] for place in kept] + [""] * len(cells) for row in table.rows]
    rows[0][len(kept) :] = cells.values()
    return Table(table.model, (*(table.fields[place] for place in kept), *cells), tuple(map(tuple, rows)))
