"""The provider's payment of an invoice, or its refund of a credit memo, in Odoo (facts pair 4; RULES, *Payments*)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from magodoo.dependencies import document_of
from magodoo.extract.canonical import CanonicalDocument
from magodoo.load.requests.payment_parts import parts_of, payment_parts
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
    document, order = (
        sources.magento(kind, document_of(plan.source_id)),
        sources.magento(Kind.ORDER, plan.order_key),
    )
    if document is None or order is None:
        return Prepared(plan, None, problems=[RequestProblem("order", "the document or its order is not staged")])
    if parts := payment_parts(sources, order):
        return Prepared(plan, None, problems=parts)
    method_name = str(plan.intent.get("method") or order.payment_method or "")
    method = sources.instance.payment_methods.get(method_name)
    part = str(plan.intent.get("part") or "")
    code = sources.instance.extra_totals[part].journal if part else method.journal if method else None
    journal = sources.master.only("account.journal", code) if code else None
    if part and journal is not None and (complaint := _no_liability(journal.data, plan.kind)):
        return Prepared(plan, None, problems=[RequestProblem(f"payment:{part}", complaint)])
    given = int(plan.intent.get("given") or 0)
    charged, amount = document.currency, rounded(given) if given else _amount(document, part)
    if not part and method and method.charged_in == "base" and document.company_currency not in ("", document.currency):
        charged, amount = (
            document.company_currency,
            rounded(document.base_grand_total - int(document.details.get("tendered_base") or 0)),
        )
    currency = sources.master.only("res.currency", charged)
    if journal is None or currency is None:
        what = f"payment:{part or method_name}" if journal is None else f"currency:{charged}"
        why = (
            f"no journal of Odoo is mapped to {part.replace('_', ' ') or 'this payment method'}"
            if journal is None
            else "this currency is not active in Odoo"
        )
        return Prepared(plan, None, problems=[RequestProblem(what, why)])
    name = "pay" if inbound else "cmpay"
    transaction = "" if part else str(plan.intent.get("transaction_id") or document.transaction_id or "")
    memo = transaction or f"{order.number} {document.number}"
    request = {
        "external_id": sources.instance.external_id(
            name, "_".join([document.source_id, *([part] if part else []), *(["given"] if given else [])])
        ),
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
        "memo": f"{memo} {part.replace('_', ' ')}" if part else memo,
    }
    return Prepared(plan, request, _calls(request))


def _no_liability(journal: Mapping[str, Any], kind: ChangeKind) -> str | None:
    """What is tendered settles a liability: a journal on another account would book it as money, or as nothing."""
    direction = "inbound" if kind is ChangeKind.ODOO_PAYMENT else "outbound"
    lines = [line for line in journal.get("method_lines") or () if line.get("payment_type") == direction]
    account = next((line["payment_account"] for line in lines if line.get("payment_account")), None)
    if (
        account
        and str(account.get("account_type")).startswith("liability_")
        and account["account_type"] != "liability_payable"
    ):
        return None
    has = f"{account.get('code')} ({account.get('account_type')})" if account else "none"
    return (
        f"the outstanding account of journal {journal.get('code')} is {has}: it must be the liability that is settled"
    )


def _amount(document: CanonicalDocument, part: str) -> int:
    """What a payment part settles; without one, what is left for the payment method."""
    parts = parts_of(document)
    return rounded(parts[part] if part else document.grand_total - sum(parts.values()))


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
