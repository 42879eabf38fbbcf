"""Captured payment of a Magento invoice -> payment in Odoo; refund of a credit memo -> outbound payment.

Planned only with evidence that the provider has the money, never for an invoice that was written from Odoo. Each
payment is loaded, posted and reconciled with its document, and each step may be repeated. Reconciling is the last
step, and Odoo may refuse it, so account, customer and amount are compared before anything is posted
(`payment_checks`). A payment that is posted and could not be reconciled is half done: it is reported as a finding,
and every later run tries to complete it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from msgspec import UNSET, UnsetType

from magodoo.domain.kinds import ChangeKind, document_of
from magodoo.domain.states import PAYMENT_CANCELLED, PAYMENT_MADE, UNPAID, OdooMovePaymentState, OdooMoveState
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import FixDocument, MagodooError
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.extra_amounts import parts_of, payment_parts
from magodoo.flows.line_amounts import takes_odoo_rate
from magodoo.flows.load_tables import Table, call, load_all
from magodoo.flows.order_plan import STATUS_MISMATCH, OrderPlan, first_reason
from magodoo.flows.order_readiness import made_from_odoo, not_ready
from magodoo.flows.payment_checks import (
    accounts_problem,
    document_problem,
    draft_problem,
    exchange_problem,
    half_done,
    id_in,
    is_settled_by,
    open_account,
    payer_of,
    posted_words,
    settlement_of,
)
from magodoo.flows.periods import in_closed_period, lock_around, payment_held
from magodoo.flows.references import Reference, resolve
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import Answers, DependencyPending, Found, Writer, Written, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared, Request, RequestProblem
from magodoo.money import plain, rounded
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.findings import records
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True, kw_only=True)
class PaymentIntent:
    """Hold what is paid, and by which payment method of Magento.

    Attributes:
        transaction_id: The provider's; None without one.
        closed_period: Whether its date is in a closed period, so that it needs approval.
        part: What of the document was paid by gift card or credit, by its name in `extra_totals`; "" for money.
        given: Units that were refunded to this part instead of money.
    """

    method: str
    transaction_id: str | None = None
    closed_period: bool = False
    part: str = ""
    given: int = 0


class PaymentRequest(Request, frozen=True, kw_only=True):
    """Hold a payment and the document that it settles.

    Attributes:
        payment_type: `inbound`, or `outbound` for a refund.
        amount: Units of `currency`, which is the company's where the method is charged in base currency.
        document_currency: The currency of the document.
        settles: Units of the document's currency that it settles, where the document is at Odoo's own rate and the
            payment in company currency: what was charged is then another amount than what Odoo shows open.
        method_line_id: The journal's payment method line; None without one.
        date: Its ISO date, or "".
        closed_period: Whether its date is in a closed period.
    """

    external_id: str
    document: Reference
    payment_type: str
    amount: int
    currency: str
    document_currency: str
    currency_id: int
    date: str
    journal_id: int
    method_line_id: int | None
    closed_period: bool
    memo: str
    settles: int | UnsetType = UNSET


Change = LeasedChange[PaymentRequest]


def plan_payments(order: OrderPlan) -> None:
    """Plan inbound payments for invoices in Odoo that are unpaid, and for those that this plan posts.

    Planned with evidence that the provider has the money: a captured amount or a transaction id, or a method whose
    invoice means paid. What gift cards, store credit or points paid is planned as a payment of its own. Not planned
    before the cut-over, while the order is not ready, for an invoice made from Odoo, partially paid or blocked, for a
    method that is not listed, not captured or without a journal, and inside a closed period that is held. The finding
    keeps the first of these reasons (docs/business-rules.md#payments).
    """
    closed = not_ready(order)
    _settle(order, closed, Kind.INVOICE, "odoo_invoice", ChangeKind.ODOO_PAYMENT)


def plan_refund_payments(order: OrderPlan) -> None:
    """Plan outbound payments for credit notes in Odoo that are open, and for those that this plan posts.

    Planned when the provider paid the refund out (transaction id); an offline refund stays open and is reported. A
    refund to store credit or points is planned against its liability. The reasons against are those of
    `plan_payments`.
    """
    closed = not_ready(order)
    _settle(order, closed, Kind.CREDIT_MEMO, "odoo_credit_note", ChangeKind.ODOO_REFUND_PAYMENT)
    _credit_given(order, closed)


def _settle(order: OrderPlan, closed: str | None, kind: Kind, written: str, paid: ChangeKind) -> None:
    """Plan payments for documents that are unpaid in Odoo, and for those that are planned.

    written: the kind of change that makes the document; paid: the kind planned here.
    """
    for finding in order.of(STATUS_MISMATCH, kind, "payment"):
        row, entry = order.row(finding), order.partner(order.row(finding))
        partly = (
            "It is partially paid in Odoo: a person decides"
            if entry is not None
            and entry.status == OdooMovePaymentState.PARTIAL
            and entry.grand_total - entry.open_amount > row.tendered
            else None
        )
        reason = first_reason(
            order.cut_over(row),
            closed,
            made_from_odoo(order, row),
            partly,
            order.blocked(row, entry),
            _method_reason(order, row),
            payment_held(order, row),
        )
        if reason:
            finding.no_change_reason = reason
            continue
        _payment(order, paid, row, [finding])
    planned = _planned_rows(order, written)
    for row in planned:
        # Of what gift cards and credit have paid whole, and of a document of 0.00, the provider has nothing.
        has_money = order.facts.captured[row.at] and rounded(row.grand_total - row.tendered) > 0
        if has_money and _method_reason(order, row) is None:
            _payment(order, paid, row, [])
    if closed is None:
        _payment_parts(order, kind, planned, paid)


def _payment_parts(order: OrderPlan, kind: Kind, planned: list[Document], paid: ChangeKind) -> None:
    """Plan a payment for each part that gift card, store credit or points paid: each settles its liability.

    The documents are posted in Odoo or will be by this plan. The evidence is Magento's own document. Payments are
    found by their external ids, so that none is made twice.
    """
    for row in order.active(Side.MAGENTO, kind):
        entry = order.partner(row)
        posted = entry is not None and entry.state == OdooMoveState.POSTED and entry.status in UNPAID
        due = posted and entry is not None and entry.captured_amount < row.tendered
        held = first_reason(
            order.cut_over(row), made_from_odoo(order, row), order.blocked(row, entry), payment_held(order, row)
        )
        if not row.tendered or held or not (due or row in planned):
            continue
        for name in row.tendered_by.split(","):
            _payment(order, paid, row, [], part=name)


def _credit_given(order: OrderPlan, closed: str | None) -> None:
    """Plan the settlement of a credit note against its liability for a refund to store credit or points.

    No money is owed for it (docs/business-rules.md#taxes). The evidence is Magento's own document.
    """
    planned = _planned_rows(order, "odoo_credit_note")
    for finding in order.of(FindingType.REFUNDED_TO_CREDIT, Kind.CREDIT_MEMO):
        row, units = order.row(finding), int(finding.magento_amount or 0)
        entry = order.partner(row)
        posted = entry is not None and entry.state == OdooMoveState.POSTED
        extra = order.instance.extra_totals.get(finding.part)
        reason = first_reason(
            f"No account is set for it under `extra_totals.{finding.part}`" if extra is None else None,
            order.cut_over(row),
            closed,
            made_from_odoo(order, row),
            order.blocked(row, entry),
            payment_held(order, row),
            None if posted or row in planned else "Its credit note is not posted in Odoo",
            f"It is settled otherwise in Odoo ({entry.settled_by or 'in part'}): unmatch that first, or settle it by hand"
            if posted and entry is not None and entry.open_amount < units
            else None,
        )
        if reason:
            finding.no_change_reason = reason
            continue
        _payment(order, ChangeKind.ODOO_REFUND_PAYMENT, row, [finding], part=finding.part, given=units)


def _payment(
    order: OrderPlan, kind: ChangeKind, row: Document, findings: list[Finding], part: str = "", given: int | None = None
) -> None:
    """Plan one payment. It has its document's date: inside a closed period it needs approval as the document does."""
    intent = PaymentIntent(
        method=str(order.order.payment_method),
        transaction_id=row.transaction_id or None,
        closed_period=lock_around(order, row) is not None,
        part=part,
        given=given or 0,
    )
    order.change(kind, row, findings, intent, *filter(None, (part, "" if given is None else "given")))


def _planned_rows(order: OrderPlan, kind: str) -> list[Document]:
    """Return the Magento documents whose entry this plan posts."""
    planned = [change for change in order.planned(kind) if change.intent.post]
    if not planned:
        return []
    wanted = {(change.document_kind, change.source_id) for change in planned}
    rows = [order.facts.rows[at] for at in order.facts.documents[order.order.source_id]]
    return [row for row in rows if row.side == Side.MAGENTO and (row.kind, str(row.source_id)) in wanted]


def _method_reason(order: OrderPlan, row: Document) -> str | None:
    """Return why no payment may be registered for the order's method; None when one may.

    A method that the settings do not list also adds the finding `unmapped`: there is no default journal.
    """
    name = str(order.order.payment_method)
    if not name:
        return "Magento does not say by which payment method the order was paid"
    method = order.instance.payment_methods.get(name)
    if method is None:
        part = f"payment:{name}"
        if not any(finding.part == part for finding in order.added):
            words = f"Payment method {name} has captured money and is not listed in the settings"
            order.added.append(records.unmapped(order.order, part, words))
        return f"The payment method {name} is not listed in the settings"
    if not (method.captured_by_provider or method.invoice_means_paid):
        return f"The payment method {name} is not one that a provider captures"
    if not method.journal:
        return f"The payment method {name} has no journal in the settings"
    evidence = row.captured_amount > 0 or row.transaction_id
    return None if evidence or method.invoice_means_paid else "There is no evidence that the provider has the money"


def prepare_payment(sources: Sources, plan: PlannedChange[PaymentIntent]) -> Prepared:
    """Build the request of a payment in the method's own journal, posted and reconciled with its document.

    Amounts are units of 1/10000 in `currency`, which is the company's where the method is charged in base currency.
    Missing mappings are returned as problems.
    """
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
    method_name = plan.intent.method or order.payment_method or ""
    method = sources.instance.payment_methods.get(method_name)
    part, given = plan.intent.part, plan.intent.given
    code = sources.instance.extra_totals[part].journal if part else method.journal if method else None
    journal = sources.master.only("account.journal", code) if code else None
    if part and journal is not None and (complaint := _no_liability(journal.data, plan.kind)):
        return Prepared(plan, None, problems=[RequestProblem(f"payment:{part}", complaint)])
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
    transaction = "" if part else plan.intent.transaction_id or document.transaction_id or ""
    memo = transaction or f"{order.number} {document.number}"
    direction = "inbound" if inbound else "outbound"
    request = PaymentRequest(
        external_id=sources.instance.external_id(
            name, "_".join([document.source_id, *([part] if part else []), *(["given"] if given else [])])
        ),
        document=sources.reference(kind, document.source_id),
        payment_type=direction,
        amount=amount,
        currency=charged,
        document_currency=document.currency,
        currency_id=currency.id,
        date=document.document_date.isoformat() if document.document_date else "",
        journal_id=journal.id,
        method_line_id=_method_line(journal.data, direction),
        closed_period=plan.intent.closed_period,
        settles=_amount(document, part)
        if charged != document.currency and takes_odoo_rate(sources, document)
        else UNSET,
        memo=f"{memo} {part.replace('_', ' ')}" if part else memo,
    )
    evidence = {"transaction": transaction, "journal": str(journal.data.get("name") or "")}
    return Prepared(plan, request, _calls(request), evidence=evidence)


def _no_liability(journal: Mapping[str, Any], kind: ChangeKind) -> str | None:
    """Return why a journal cannot take a payment part: its outstanding account is not a liability; None when it can.

    A part settles a liability; a journal on another account would post it as money, or not at all.
    """
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
    """Return the units that a payment part settles; without a part, the remainder for the payment method."""
    parts = parts_of(document)
    return rounded(parts[part] if part else document.grand_total - sum(parts.values()))


def _method_line(journal: Mapping[str, Any], payment_type: str) -> int | None:
    """Return the id of the journal's first method line of that direction with an outstanding account; None without any line.

    Without such an account the first line is returned (docs/facts/odoo-19.0.md#5, *Trap*).
    """
    lines = [line for line in journal.get("method_lines") or () if line.get("payment_type") == payment_type]
    with_account = [line for line in lines if line.get("payment_account_id")]
    return int((with_account or lines)[0]["id"]) if lines else None


def _calls(request: PaymentRequest) -> list[dict[str, object]]:
    """Return the calls of the request, in order, as a dry run shows them."""
    payment, document = request.external_id, request.document.as_json()
    head = {
        "id": payment, "payment_type": request.payment_type, "partner_type": "customer",
        "amount": plain(request.amount), "currency_id/.id": str(request.currency_id), "date": request.date,
        "journal_id/.id": str(request.journal_id), "memo": request.memo, "invoice_ids": document,
    }  # fmt: skip
    return [
        call("account.payment", "load", fields=list(head), data=[list(head.values())]),
        call("account.payment", "action_post", ids=[payment]),
        call("account.move.line", "reconcile", ids=[f"receivable lines of {payment} and {document}"]),
    ]


Rows = dict[Reference, Mapping[str, Any]]


class WritePayments(Writer[PaymentRequest]):
    """Write inbound payments for invoices, or outbound ones for credit notes; `document` is the kind that the payment settles."""

    request_type = PaymentRequest
    _known: Rows | None = None

    def __init__(self, kind: ChangeKind) -> None:
        self.kind = kind
        self.document = Kind.INVOICE if kind is ChangeKind.ODOO_PAYMENT else Kind.CREDIT_MEMO

    def for_group(self) -> Self:
        """Return a copy that reads the documents of a group once, for its check and its write."""
        of_group = copy.copy(self)
        of_group._known = {}
        return of_group

    def probe(self, context: Context, changes: Sequence[Change]) -> Answers:
        """Find our payments by external id; one is complete when it is posted and its document is settled by it.

        A posted payment that is not reconciled is reported as incomplete, with a text. One that was cancelled in Odoo is
        refused.
        """
        client, documents = context.odoo, self._documents(context, changes)
        ids = self._payment_ids(context, changes, documents)
        rows = {row["id"]: row for row in client.documents.by_ids("payment", list(ids.values())).sure} if ids else {}
        answers: Answers = {}
        for change in changes:
            row = rows.get(ids.get(change.request.external_id, 0))
            document = documents.get(change.request.document)
            if row is None:
                continue
            if row["state"] in PAYMENT_CANCELLED:
                answers[change.id] = refused("the payment was cancelled in Odoo: a person decides")
                continue
            settled = document is not None and is_settled_by(document, row["id"])
            complete = row["state"] in PAYMENT_MADE and (settled or bool(row.get("is_reconciled")))
            answers[change.id] = Found(
                row["id"], complete=complete, before={"state": row["state"]}, posted=posted_words(row, document),
                number=str(row["name"] or ""),
            )  # fmt: skip
        return answers

    def _payment_ids(self, context: Context, changes: Sequence[Change], documents: Rows) -> dict[str, int]:
        """Return ids of our payments that exist, by external id: a payment is linked to its document from its creation on.

        Where Odoo has no such link (before 18), and for a document that no longer exists, each is looked up by
        external id. A payment whose link somebody removed is found by the write: `load` returns the id under the name
        and creates no second one.
        """
        linked = {
            payment["external_id"]: int(payment["id"])
            for document in documents.values()
            for payment in document.get("matched_payment_ids") or ()
            if payment.get("external_id")
        }
        ends = (("account.payment", "invoice_ids"), ("account.move", "matched_payment_ids"))
        has_links = all(context.odoo.rpc.has_field(*end) for end in ends)
        wanted = {change.request.external_id: change.request.document for change in changes}
        unsaid = [name for name, document in wanted.items() if not (has_links and document in documents)]
        asked = context.odoo.external_ids.find(unsaid) if unsaid else {}
        return {name: id for name, id in linked.items() if name in wanted} | asked

    def check(self, context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
        """Refuse or hold what may not be paid now: by the document's state, a closed period, or what is open on its account."""
        documents = self._documents(context, changes)
        items = context.odoo.payments.open_receivables({int(row["id"]) for row in documents.values()})
        locked = max(context.odoo.company.lock_dates().values(), default=None)
        problems: dict[int, MagodooError] = {}
        for change in changes:
            document = documents.get(change.request.document)
            problem = document_problem(document, change.request) or in_closed_period(
                change.request.date, locked, planned=change.request.closed_period
            )
            if problem is None and document is not None:
                problem = accounts_problem(document, change.request, items.get(document["id"], ())) or exchange_problem(
                    context, document, change.request
                )
            if problem is not None:
                problems[change.id] = problem
        return problems

    def write(self, context: Context, changes: Sequence[Change]) -> Written:
        """Load the payments, compare the drafts with their documents, post them, and reconcile them."""
        client, documents = context.odoo, self._documents(context, changes)
        of_change = {change.id: documents.get(change.request.document) for change in changes}
        written: Written = {
            id: DependencyPending("its document is not in Odoo any more") for id, row in of_change.items() if not row
        }
        payable = {id: row for id, row in of_change.items() if row}
        items = client.payments.open_receivables({int(row["id"]) for row in payable.values()})
        ready = [change for change in changes if change.id in payable]
        tables = [
            _table(change.request, row := payable[change.id], open_account(items.get(row["id"], ())))
            for change in ready
        ]
        ids, problems = load_all(client, client.payments.create, tables)
        heads = client.payments.heads(list(ids.values()))
        for change in ready:
            name = change.request.external_id
            target = ids.get(name)
            document = payable[change.id]
            wrong = draft_problem(heads.get(target or 0), change.request, document, items.get(document["id"], ()))
            written[change.id] = (wrong or target) if target else problems.get(name, refused("Odoo did not take it"))
        self._post_and_match(context, ready, payable, written)
        return written

    def _post_and_match(
        self,
        context: Context,
        changes: Sequence[Change],
        documents: Mapping[int, Mapping[str, Any]],
        written: Written,
    ) -> None:
        """Post the drafts and reconcile them with their documents; what is refused goes into `written`."""
        client = context.odoo
        wanted = {change.id: payment for change in changes if isinstance(payment := written[change.id], int)}
        requests = {change.id: change.request for change in changes}
        posted = client.payments.post(list(wanted.values()))
        written.update({id: posted.refused[payment] for id, payment in wanted.items() if payment in posted.refused})
        settlements = {
            id: settlement_of(payment, documents[id], requests[id])
            for id, payment in wanted.items()
            if payment not in posted.refused
        }
        matched = client.payments.reconcile(list(settlements.values()))
        unmatched = [item.payment for item in settlements.values() if isinstance(matched[item.payment], FixDocument)]
        heads = client.payments.heads(unmatched)
        names = client.payments.account_names([id_in(head["destination_account_id"]) for head in heads.values()])
        for id, item in settlements.items():
            answer = matched[item.payment]
            if isinstance(answer, FixDocument):
                written[id] = half_done(heads.get(item.payment, {}), documents[id], answer, names)
            elif isinstance(answer, MagodooError):
                written[id] = answer

    def read_back_ids(self, context: Context, targets: Mapping[Change, int]) -> dict[Change, int]:
        """Return the ids of the documents that the payments settle: these show what was written."""
        ids = resolve(context, list(targets), [change.request.document for change in targets])
        return {change: ids[document] for change in targets if (document := change.request.document) in ids}

    def _documents(self, context: Context, changes: Sequence[Change]) -> Rows:
        """Return the documents that the changes pay, by name: as this group has read them; without a group, as they are now."""
        known = {} if self._known is None else self._known
        unread = [change for change in changes if change.request.document not in known]
        ids = resolve(context, unread, [change.request.document for change in unread])
        found = context.odoo.documents.by_ids(self.document.value, sorted(set(ids.values()))).sure if ids else []
        rows = {row["id"]: row for row in found}
        known |= {name: rows[id] for name, id in ids.items() if id in rows}
        return known


def _table(request: PaymentRequest, document: Mapping[str, Any], account: int | None) -> Table:
    """Return the `load` table of one payment."""
    head = {
        "id": request.external_id,
        "payment_type": request.payment_type,
        "partner_type": "customer",
        "partner_id/.id": str(payer_of(document)),
        "amount": plain(request.amount),
        "currency_id/.id": str(request.currency_id),
        "date": request.date,
        "journal_id/.id": str(request.journal_id),
        "payment_method_line_id/.id": str(request.method_line_id or ""),
        "memo": request.memo,
        "destination_account_id/.id": str(account or ""),
        "invoice_ids/.id": str(document["id"]),
    }
    filled = {name: cell for name, cell in head.items() if cell != ""}
    return Table("account.payment", tuple(filled), (tuple(filled.values()),))


register(
    Flow(
        ChangeKind.ODOO_PAYMENT,
        plan_payments,
        prepare_payment,
        WritePayments(ChangeKind.ODOO_PAYMENT),
        from_payload=True,
    )
)
register(
    Flow(
        ChangeKind.ODOO_REFUND_PAYMENT,
        plan_refund_payments,
        prepare_payment,
        WritePayments(ChangeKind.ODOO_REFUND_PAYMENT),
        from_payload=True,
    )
)
