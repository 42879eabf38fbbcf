"""A Magento order as a sale order in Odoo (facts pair 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.notes import transfer_note
from magodoo.load.requests.customers import customer
from magodoo.load.requests.money_lines import MoneyLine, decimals_of, money_lines
from magodoo.load.requests.payment_parts import payment_parts
from magodoo.load.requests.prepared import Prepared, RequestProblem
from magodoo.load.requests.remaining import nothing_left, remaining
from magodoo.load.requests.sources import Sources
from magodoo.load.requests.tables import Table, call, figure, table
from magodoo.money import rounded
from magodoo.vocabulary import Kind

if TYPE_CHECKING:
    from magodoo.reconcile.plan import PlannedChange


def prepare(sources: Sources, plan: PlannedChange) -> Prepared:
    """Partner and addresses, the draft order with its lines, then confirm and give it its own date again."""
    order = sources.magento(Kind.ORDER, plan.source_id)
    if order is None:
        return Prepared(plan, None, problems=[RequestProblem("order", "the order is not staged")])
    order = remaining(order, decimals_of(sources, order.currency))
    instance, who, money = sources.instance, customer(sources, order), money_lines(sources, order, order)
    external_id = instance.external_id("order", order.source_id)
    number = f"{instance.odoo.order_number_prefix}{order.number}"
    created = order.created_at.strftime("%Y-%m-%d %H:%M:%S") if order.created_at else ""
    pricelist, problems = _pricelist(sources, order)
    head = {
        "id": external_id,
        "partner_id/id": who.partner,
        "partner_invoice_id/id": who.billing,
        "partner_shipping_id/id": who.shipping,
        "client_order_ref": number,
        "origin": number,
        "date_order": created,
        "pricelist_id/.id": pricelist,
        "carrier_id/.id": _carrier(sources, order),
        "team_id/.id": str(instance.odoo.sales_team_id or ""),
        "fiscal_position_id": money.fiscal_position,  # or none: Odoo would choose one by the country
        "payment_term_id": _payment_term(sources, order),
        **instance.odoo.order_values,
    }
    problems = [*nothing_left(order), *who.problems, *money.problems, *payment_parts(sources, order), *problems]
    if problems:
        return Prepared(plan, None, problems=problems)
    draft = table("sale.order", head, "order_line", [_line(sources, order, line) for line in money.lines])
    confirm = plan.intent.get("as", "confirmed") == "confirmed"
    replaces = plan.intent.get("replaces")
    request = {
        "external_id": external_id,
        "number": number,
        "partners": who.as_json(),
        "create_customer": instance.customers_missing == "create",
        "load": draft.as_json(),
        "confirm": confirm,
        "date_order": created,
        "on_credit": rounded(order.base_grand_total) if _is_on_credit(sources, order) else None,
        "replaces": instance.external_id("order", replaces) if replaces else None,
        "expect": money.expect(order.currency),
        "search": {"email": order.customer_email or "", "references": instance.written_as(number)},
    }
    if note := transfer_note(order.payload):
        request["transfer_note"] = note
    return Prepared(plan, request, _calls(request, who.tables, draft))


def _line(sources: Sources, order: CanonicalDocument, line: MoneyLine) -> dict[str, str]:
    instance, source = sources.instance, line.source
    name = {"shipping": "oship", "discount": "osd"}.get(source.role)
    external_id = instance.external_id(name, order.source_id) if name else instance.external_id("oi", source.item_key)
    if source.role == "extra":
        link = sources.extra_line(order.source_id, source)
        external_id = link.cell if link else ""
    return {
        "id": external_id,
        "product_id/.id": str(line.product_id),
        "name": line.name,
        "product_uom_qty": figure(line.quantity),
        "price_unit": figure(line.price),
        "discount": figure(line.discount),
        "tax_ids/.id": str(line.tax_id or ""),
        "extra_tax_data": line.extra_tax_data,
        "is_delivery": "1" if source.role == "shipping" else "",
    }


def _pricelist(sources: Sources, order: CanonicalDocument) -> tuple[str, list[RequestProblem]]:
    """The pricelist decides the order's currency, whatever is passed beside it (facts pair 6)."""
    name = sources.instance.odoo.pricelists.get(order.currency)
    found = sources.master.only("product.pricelist", name) if name else None
    if found:
        return str(found.id), []
    if name is None:
        listed = sources.master.keys("product.pricelist")
        fitting = [
            record
            for key in listed
            for record in sources.master.active("product.pricelist", key)
            if _currency_of(record.data) == order.currency
        ]
        if len(fitting) == 1:
            return str(fitting[0].id), []
    return "", [RequestProblem(f"currency:{order.currency}", f"no pricelist is mapped for {order.currency}")]


def _currency_of(data: object) -> str:
    value = data.get("currency") or data.get("currency_id") if isinstance(data, dict) else None
    return str(value[1]) if isinstance(value, list | tuple) and len(value) == 2 else str(value or "")


def _carrier(sources: Sources, order: CanonicalDocument) -> str:
    """The mapped delivery method of the shipping method's carrier (`flatrate_flatrate`: flatrate); none is no obstacle."""
    assignments = (order.payload.get("extension_attributes") or {}).get("shipping_assignments") or [{}]
    method = str((assignments[0].get("shipping") or {}).get("method") or "")
    mapped = sources.instance.odoo.carriers
    name = mapped.get(method) or mapped.get(method.split("_")[0])
    record = sources.master.only("delivery.carrier", name) if name else None
    return str(record.id) if record else ""


def _is_on_credit(sources: Sources, order: CanonicalDocument) -> bool:
    """Whether the customer still owes it: no provider takes the money, and no invoice of Magento means that it came."""
    method = sources.instance.payment_methods.get(order.payment_method or "")
    return method is None or not (method.captured_by_provider or method.invoice_means_paid)


def _payment_term(sources: Sources, order: CanonicalDocument) -> str:
    method = sources.instance.payment_methods.get(order.payment_method or "")
    return (method.payment_term if method else None) or ""


def _calls(request: dict[str, object], partners: tuple[Table, ...], draft: Table) -> list[dict[str, object]]:
    external_id = request["external_id"]
    calls = [part.call() for part in partners] + [draft.call()]
    if request["confirm"]:
        calls.append(call("sale.order", "action_confirm", ids=[external_id]))
        if note := request.get("transfer_note"):
            calls.append(call("stock.picking", "write", ids=[f"transfers of {external_id}"], vals={"note": note}))
        calls.append(call("sale.order", "write", ids=[external_id], vals={"date_order": request["date_order"]}))
    return calls
