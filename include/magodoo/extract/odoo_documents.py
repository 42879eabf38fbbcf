"""Read what Odoo sent as canonical documents: orders, customer invoices, credit notes, deliveries, returns.

The rows are those of `magodoo.connectors.odoo.record_kinds`. order_key is left open: staging finds it
(`order_linking`). So is the company's currency, which is a field of the company only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from magodoo.characters import is_storable
from magodoo.connectors.odoo.record_kinds import DELIVERY_KEY
from magodoo.domain.states import CONFIRMED_IN_ODOO, TRANSFER_ENDED, OdooMoveState, OdooTransferState
from magodoo.domain.tracking import LONGEST, numbers_of
from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import Unreadable
from magodoo.extract import fields, written
from magodoo.extract import odoo_fields as odoo
from magodoo.extract import odoo_transfers as transfers
from magodoo.extract.canonical import CanonicalDocument, CanonicalLine
from magodoo.extract.fields import Row
from magodoo.extract.odoo_einvoice import rejection
from magodoo.extract.odoo_settlement import write_settlement
from magodoo.extract.odoo_totals import write_amounts, write_parts
from magodoo.settings import Instance

SERVICE = "service"


def read(instance: Instance, kind: Kind | str, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return the canonical document of one raw row of `kind`.

    Raises:
        Unreadable: The row is damaged; nothing else is raised.
    """
    if not isinstance(row, Mapping):
        raise Unreadable(f"not an object: {row!r:.60}")
    if not is_storable(row):
        raise Unreadable("a text that cannot be stored: it holds a NUL or half a character")
    document = READERS[Kind(kind)](instance, row, request_began_at)
    ids = [line.line_id for line in document.lines]
    if len(ids) != len(set(ids)):
        raise Unreadable("lines: one id stands twice")
    return document


def read_all(instance: Instance, kind: Kind | str, row: Row, request_began_at: datetime) -> list[CanonicalDocument]:
    """Return the documents of one raw row: a transfer of several orders is one document for each.

    Raises:
        Unreadable: The row is damaged; nothing else is raised.
    """
    if not isinstance(row, Mapping):
        raise Unreadable(f"not an object: {row!r:.60}")
    parts: Iterable[Row] = transfers.shares(row) if kind in (Kind.SHIPMENT, Kind.RETURN) else [row]
    return [read(instance, kind, part, request_began_at) for part in parts]


def naming(instance: Instance, kind: Kind, row: Row) -> dict[str, Any]:
    """Return what names orders in a row that cannot be read whole: own_orders, reference, other_references of `Unread`."""
    names = {Kind.ORDER: ("order",), Kind.INVOICE: ("inv",), Kind.CREDIT_MEMO: ("cm",)}.get(kind, ("ship",))
    is_picking = kind in (Kind.SHIPMENT, Kind.RETURN)
    try:
        sold = [odoo.link(move, "sale_line_id") for move in fields.rows(row, "move_ids")]
        sold += [line for each in fields.rows(row, "invoice_line_ids") for line in fields.rows(each, "sale_line_ids")]
        own = {odoo.link_id(line, "order_id") for line in sold} | {odoo.link_id(row, "sale_id")}
        own |= {fields.identity(row, "id")} if kind is Kind.ORDER else set()
        named = odoo.our_reference(instance, row, *names) or (_delivery_key(instance, row) if is_picking else None)
        return {
            "own_orders": tuple(sorted(each for each in own if each)),
            "reference": named,
            "other_references": odoo.references(instance, row),
        }
    except Unreadable:
        return {}


def order(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return a sale order or quotation."""
    document = _head(instance, Kind.ORDER, row, request_began_at, "order")
    document.own_order_id = document.source_id
    document.active = document.state in CONFIRMED_IN_ODOO
    document.status = fields.words(row, "invoice_status", fields.LONGEST_KEY)
    document.currency = _currency(row)
    document.document_date = fields.local_day(fields.moment(row, "date_order"), instance.zone)
    document.source_code = _source_code(instance, odoo.link(row, "warehouse_id"))
    document.carrier = fields.words(odoo.link(row, "carrier_id"), "name")
    lines = [line for line in fields.rows(row, "order_line") if not odoo.is_heading(line)]
    document.lines = [_order_line(instance, line, document.active) for line in lines]
    document.quantity = sum(line.qty_ordered for line in document.lines if line.role == "item")
    document.details = {
        "invoice_status": fields.words(row, "invoice_status"),
        "delivery_status": fields.words(row, "delivery_status"),
        "invoice_ids": odoo.ids(row, "invoice_ids"),
        "picking_ids": odoo.ids(row, "picking_ids"),
        "warehouse": fields.words(odoo.link(row, "warehouse_id"), "code"),
        "pricelist": fields.words(odoo.link(row, "pricelist_id"), "name"),
        **odoo.foreign_units(lines),
        **odoo.addressed(row),
        "written": written.of_odoo(row),
    }
    if document.reference is None and odoo.is_intercompany(row):
        document.details["intercompany"] = True
    write_parts(document, row)
    return document


def invoice(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return a customer invoice."""
    return _move(instance, Kind.INVOICE, row, request_began_at)


def credit_note(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return a credit note, of kind credit_memo; amounts are positive (docs/facts/odoo-19.0.md#3)."""
    document = _move(instance, Kind.CREDIT_MEMO, row, request_began_at)
    document.parent_id = odoo.link_id(row, "reversed_entry_id")
    return document


def delivery(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return what a transfer brings to the customer for one order; active once it is done."""
    document = _picking(instance, Kind.SHIPMENT, row, request_began_at)
    document.parent_id = odoo.link_id(row, "backorder_id")
    return document


def returned(instance: Instance, row: Row, request_began_at: datetime) -> CanonicalDocument:
    """Return what a transfer takes back from the customer."""
    document = _picking(instance, Kind.RETURN, row, request_began_at)
    document.parent_id = odoo.link_id(row, "return_id")
    return document


def _head(instance: Instance, kind: Kind, row: Row, request_began_at: datetime, *names: str) -> CanonicalDocument:
    source_id = fields.required_identity(row, "id")
    foreign = odoo.is_of_another_instance(instance, row, *names)
    name = fields.key(row, "name")
    return CanonicalDocument(
        instance=instance.id,
        side=Side.ODOO.value,
        kind=kind.value,
        source_id=source_id,
        # A draft invoice has no name yet; Odoo itself shows `(* 42)`.
        number=name if name and name != "/" else f"* {source_id}",
        state=fields.words(row, "state", fields.LONGEST_KEY) or "",
        request_began_at=request_began_at,
        reference=odoo.our_reference(instance, row, *names),
        other_references=() if foreign else odoo.references(instance, row),
        company_id=_company(row),
        created_at=fields.moment(row, "create_date"),
        updated_at=fields.moment(row, "write_date"),
        payload=dict(row),
        **odoo.customer(row),
    )


def _move(instance: Instance, kind: Kind, row: Row, request_began_at: datetime) -> CanonicalDocument:
    document = _head(instance, kind, row, request_began_at, "inv" if kind is Kind.INVOICE else "cm")
    document.active = document.state == OdooMoveState.POSTED
    document.status = fields.words(row, "payment_state", fields.LONGEST_KEY)
    document.currency = _currency(row)
    document.rate = fields.rate(row, "invoice_currency_rate")
    document.journal = fields.words(odoo.link(row, "journal_id"), "code", fields.LONGEST_KEY)
    document.document_date = fields.day(row, "invoice_date")
    document.accounting_date = fields.day(row, "date")
    document.due_date = fields.day(row, "invoice_date_due")
    sign = 1 if kind is Kind.INVOICE else -1
    lines = [line for line in fields.rows(row, "invoice_line_ids") if not odoo.is_heading(line)]
    document.lines = [_move_line(instance, line, -sign) for line in lines]
    orders = sorted({int(order) for line in lines for order in _orders_of(line)})
    document.own_order_id = str(orders[0]) if orders else None
    document.details = {"consolidated": True, "sale_orders": orders} if len(orders) > 1 else {}
    document.details |= odoo.foreign_units(lines)
    document.details |= rejection(row)
    write_parts(document, row)
    document.base_grand_total = sign * fields.units(row, "amount_total_signed")
    document.base_tax = sign * fields.units(row, "amount_tax_signed")
    document.open_amount = fields.units(row, "amount_residual")
    document.quantity = sum(line.quantity for line in document.lines if line.role == "item")
    write_settlement(instance, document, row)
    return document


def _picking(instance: Instance, kind: Kind, row: Row, request_began_at: datetime) -> CanonicalDocument:
    document = _head(instance, kind, row, request_began_at, "ship")
    document.reference = _delivery_key(instance, row)
    document.active = document.state == OdooTransferState.DONE
    document.own_order_id = odoo.link_id(row, "sale_id")
    carrier = odoo.link(row, "carrier_id")
    typed, provider = fields.words(row, "carrier_tracking_ref", LONGEST), fields.words(carrier, "delivery_type")
    document.tracking = numbers_of(typed or "", provider or "")
    document.carrier = fields.words(carrier, "name")
    document.source_code = _source_code(instance, odoo.link(odoo.link(row, "picking_type_id"), "warehouse_id"))
    document.document_date = fields.local_day(fields.moment(row, "date_done"), instance.zone)
    moves = [move for move in transfers.moves_of(row) if transfers.direction(move) is kind]
    document.lines = [_picking_line(instance, move, document.state) for move in moves]
    document.details = odoo.foreign_units(moves)
    if (noted := written.notes_of_odoo(row)) is not None and document.state not in TRANSFER_ENDED:
        document.details["noted"] = noted
    document.quantity = sum(line.quantity for line in document.lines)
    if share_of := fields.identity(row, "share_of"):
        document.reference = None
        document.other_references = document.other_references if share_of == document.source_id else ()
        document.details.pop("foreign_units", None)
        document.details["sale_orders"] = odoo.ids(row, "sale_orders")
    return document


def _delivery_key(instance: Instance, row: Row) -> str | None:
    """Return our key on a transfer; what was delivered before the settings named another field has it in the usual one."""
    given = transfers.own_key(row, instance.odoo.delivery_key_field) or transfers.own_key(row, DELIVERY_KEY)
    begins = f"ship_{instance.id}_"
    plain = given.removeprefix(f"{instance.odoo.prefix}.") if given else ""
    return plain if plain.startswith(begins) and plain[len(begins) :].isdigit() else None


def _order_line(instance: Instance, line: Row, confirmed: bool) -> CanonicalLine:
    line_id = fields.required_identity(line, "id")
    product = odoo.link(line, "product_id")
    made = _line(instance, line_id, product, line)
    made.item_key, made.own_item_id = odoo.item_of(instance, line), line_id
    if fields.flag(line, "is_downpayment"):
        made.role = "other"
    elif fields.flag(line, "is_delivery"):
        made.role = "shipping" if fields.units(line, "price_subtotal") >= 0 else "discount"
    made.quantity = made.qty_ordered = fields.units(line, "product_uom_qty")
    made.qty_invoiced = fields.units(line, "qty_invoiced")
    made.qty_shipped = fields.units(line, "qty_delivered")
    made.is_virtual = product.get("type") == SERVICE
    goods = made.role == "item" and not made.is_virtual
    made.qty_open = max(made.qty_ordered - made.qty_shipped, 0) if confirmed and goods else 0
    write_amounts(made, line)
    return made


def _move_line(instance: Instance, line: Row, balance_sign: int) -> CanonicalLine:
    made = _line(instance, fields.required_identity(line, "id"), odoo.link(line, "product_id"), line)
    sale_lines = fields.rows(line, "sale_line_ids")
    if sale_lines:
        made.own_item_id = fields.required_identity(sale_lines[0], "id")
        made.item_key = odoo.item_of(instance, sale_lines[0])
    made.quantity = fields.units(line, "quantity")
    write_amounts(made, line)
    made.base_untaxed = balance_sign * fields.units(line, "balance")
    return made


def _picking_line(instance: Instance, move: Row, state: str) -> CanonicalLine:
    """Return a line of a transfer: if done, what was moved; if open, what is demanded, which is still to be delivered."""
    made = _line(instance, fields.required_identity(move, "id"), odoo.link(move, "product_id"), move)
    sale_line = odoo.link(move, "sale_line_id")
    made.own_item_id = fields.identity(sale_line, "id")
    made.item_key = odoo.item_of(instance, sale_line)
    demand = fields.units(move, "product_uom_qty")
    made.quantity = fields.units(move, "quantity") if state == OdooTransferState.DONE else demand
    made.qty_ordered = made.quantity  # stays when staging turns a kit's components into kits
    made.qty_open = 0 if state in TRANSFER_ENDED or move.get("state") == OdooTransferState.DONE else demand
    if transfers.is_sent_again(move):
        made.role, made.qty_open = "again", 0
    return made


def _line(instance: Instance, line_id: str, product: Row, row: Row) -> CanonicalLine:
    sku = fields.words(product, "default_code", fields.LONGEST_KEY)
    role = odoo.role_of(instance, sku)
    if role == "other" and fields.identity(product, "id"):
        role = "item"  # a product without a reference cannot be mapped, but it is goods
    return CanonicalLine(
        line_id=line_id,
        role=role,
        product_type=fields.words(product, "type", fields.LONGEST_KEY),
        sku=sku or "",
        name=fields.prose(row, "name") or "",
        tax_percent=odoo.tax_percent(row),
    )


def _orders_of(line: Row) -> list[str]:
    return [order for each in fields.rows(line, "sale_line_ids") if (order := odoo.link_id(each, "order_id"))]


def _currency(row: Row) -> str:
    return (fields.words(odoo.link(row, "currency_id"), "name", 3) or "").upper()


def _company(row: Row) -> int | None:
    found = odoo.link_id(row, "company_id")
    return fields.small({"company_id": int(found)}, "company_id") if found else None


def _source_code(instance: Instance, warehouse: Row) -> str | None:
    code = fields.words(warehouse, "code", fields.LONGEST_KEY)
    return instance.odoo.warehouses.get(code) if code else None


READERS: dict[Kind, Callable[[Instance, Any, datetime], CanonicalDocument]] = {
    Kind.ORDER: order,
    Kind.INVOICE: invoice,
    Kind.CREDIT_MEMO: credit_note,
    Kind.SHIPMENT: delivery,
    Kind.RETURN: returned,
}
