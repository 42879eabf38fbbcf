"""The provider's payment of an invoice, or its refund of a credit memo, in Odoo (facts pair 4; RULES, *Payments*)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from magodoo.load.requests.payment_parts import payment_parts
from magodoo.load.requests.prepared import Prepared, RequestProblem
from magodoo.load.requests.sources import Sources
from magodoo.load.requests.tables import call
from magodoo.money import plain, rounded
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.reconcile.plan import PlannedChange


def prepare(sources: Sources, plan: PlannedChange) -> Prepared:
    """A payment in the method's own journal, posted and matched with its document; never for an unlisted method."""
    inbound = plan.kind is ChangeKind.ODOO_PAYMENT
    kind = Kind.INVOICE if inbound else Kind.CREDIT_MEMO
    document, order = sources.magento(kind, plan.source_id), sources.magento(Kind.ORDER, plan.order_key)
    if document is None or order is None:
        return Prepared(plan, None, problems=[RequestProblem("order", "the document or its order is not staged")])
    if parts := payment_parts(order):
        return Prepared(plan, None, problems=parts)
    method_name = str(plan.intent.get("method") or order.payment_method or "")
    method = sources.instance.payment_methods.get(method_name)
    journal = sources.master.only("account.journal", method.journal) if method and method.journal else None
    charged, amount = document.currency, rounded(document.grand_total)
    if method and method.charged_in == "base" and document.company_currency not in ("", document.currency):
        charged, amount = document.company_currency, rounded(document.base_grand_total)
    currency = sources.master.only("res.currency", charged)
    if journal is None or currency is None:
        part = f"payment:{method_name}" if journal is None else f"currency:{charged}"
        why = (
            "no journal of Odoo is mapped to this payment method"
            if journal is None
            else "this currency is not active in Odoo"
        )
        return Prepared(plan, None, problems=[RequestProblem(part, why)])
    name = "pay" if inbound else "cmpay"
    transaction = str(plan.intent.get("transaction_id") or document.transaction_id or "")
    request = {
        "external_id": sources.instance.external_id(name, document.source_id),
        "document": sources.reference(kind, document.source_id).as_json(),
        "payment_type": "inbound" if inbound else "outbound",
        "amount": amount,
        "currency": charged,
        "document_currency": document.currency,
        "currency_id": currency.id,
        "date": document.document_date.isoformat() if document.document_date else "",
        "journal_id": journal.id,
        "method_line_id": _method_line(journal.data, "inbound" if inbound else "outbound"),
        "closed_period": bool(plan.intent.get("closed_period")),
        "memo": transaction or f"{order.number} {document.number}",
    }
    return Prepared(plan, request, _calls(request))


def _method_line(journal: Mapping[str, Any], payment_type: str) -> int | None:
    """The journal's first method of that direction that has an outstanding account (facts odoo-19.0 5, *Trap*)."""
    lines = [line for line in journal.get("method_lines") or () if line.get("payment_type") == payment_type]
    with_account = [line for line in lines if line.get("payment_account_id")]
    return int((with_account or lines)[0]["id"]) if lines else None


def _calls(request: dict[str, object]) -> list[dict[str, object]]:
    payment, document = request["external_id"], request["document"]
    head = {
        "id": payment, "payment_type": request["payment_type"], "partner_type": "customer",
        "amount": plain(int(str(request["amount"]))), "currency_id/.id": str(request["currency_id"]), "date": request["date"],
        "journal_id/.id": str(request["journal_id"]), "memo": request["memo"], "invoice_ids": document,
    }  # fmt: skip
    return [
        call("account.payment", "load", fields=list(head), data=[list(head.values())]),
        call("account.payment", "action_post", ids=[payment]),
        call("account.move.line", "reconcile", ids=[f"receivable lines of {payment} and {document}"]),
    ]
