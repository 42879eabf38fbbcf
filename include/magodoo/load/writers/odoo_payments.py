"""The provider's payments and refunds into Odoo: loaded, posted, matched with their document; each step may be repeated."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from magodoo.errors import MagodooError
from magodoo.load.ledger import LeasedChange
from magodoo.load.names import name_of, resolve
from magodoo.load.outcomes import Answers, Changed, Found, NotYet, Written, refused
from magodoo.load.writer import Writer
from magodoo.load.writers.odoo_moves import closed
from magodoo.load.writers.odoo_tables import load_all
from magodoo.money import plain, to_units
from magodoo.odoo.matching import Settlement
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

_POSTED = ("in_process", "paid", "posted")
Rows = dict[str, Mapping[str, Any]]


class WritePayments(Writer):
    """Inbound for invoices, outbound for credit notes; `document` is what the payment settles."""

    _known: Rows | None = None

    def __init__(self, kind: ChangeKind) -> None:
        self.kind = kind
        self.document = Kind.INVOICE if kind is ChangeKind.ODOO_PAYMENT else Kind.CREDIT_MEMO

    def for_group(self) -> Self:
        """What a group pays is read once, for its check and its write."""
        of_group = copy.copy(self)
        of_group._known = {}
        return of_group

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        client, documents = context.books, self._documents(context, changes)
        ids = self._payment_ids(context, changes, documents)
        rows = {row["id"]: row for row in client.by_ids("payment", list(ids.values())).rows} if ids else {}
        answers: Answers = {}
        for change in changes:
            row = rows.get(ids.get(change.request["external_id"], 0))
            document = documents.get(name_of(change.request["document"]))
            if row is None:
                continue
            if row["state"] in ("canceled", "cancelled", "rejected"):
                answers[change.id] = refused("the payment was cancelled in Odoo: a person decides")
                continue
            settled = document is not None and not to_units(document["amount_residual"])
            complete = row["state"] in _POSTED and (settled or bool(row.get("is_reconciled")))
            answers[change.id] = Found(row["id"], complete=complete, before={"state": row["state"]})
        return answers

    def _payment_ids(self, context: Context, changes: Sequence[LeasedChange], documents: Rows) -> dict[str, int]:
        """Our payments that exist, by external id: a payment is linked to its document from its creation on.

        Where Odoo has no such link (before 18), and for a document that is gone, each is asked for by its name. A payment whose
        link somebody took away is found by the write: `load` gives what there is under the name and makes no second one.
        """
        linked = {
            payment["external_id"]: int(payment["id"])
            for document in documents.values()
            for payment in document.get("matched_payment_ids") or ()
            if payment.get("external_id")
        }
        ends = (("account.payment", "invoice_ids"), ("account.move", "matched_payment_ids"))
        has_links = all(context.books.has_field(*end) for end in ends)
        wanted = {change.request["external_id"]: name_of(change.request["document"]) for change in changes}
        unsaid = [name for name, document in wanted.items() if not (has_links and document in documents)]
        asked = context.books.by_external_ids(unsaid) if unsaid else {}
        return {name: id for name, id in linked.items() if name in wanted} | asked

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        documents = self._documents(context, changes)
        locked = max(context.books.lock_dates().values(), default=None)
        problems: dict[int, MagodooError] = {}
        for change in changes:
            document = documents.get(name_of(change.request["document"]))
            problem = _document_problem(document, change) or closed(change, locked)
            if problem is not None:
                problems[change.id] = problem
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        client, documents = context.books, self._documents(context, changes)
        tables = {change.id: _table(change, documents[name_of(change.request["document"])]) for change in changes}
        ids, problems = load_all(client, client.load_payments, list(tables.values()))
        written: Written = {}
        for change in changes:
            name = change.request["external_id"]
            written[change.id] = ids.get(name) or problems.get(name, refused("Odoo did not take it"))
        posted = client.post_payments(list(ids.values()))
        settlements: dict[int, Settlement] = {}
        for change in changes:
            payment = written[change.id]
            if isinstance(payment, int) and payment in posted.refused:
                written[change.id] = posted.refused[payment]
            elif isinstance(payment, int):
                settlements[change.id] = _settlement(payment, documents[name_of(change.request["document"])])
        matched = client.reconcile_payments(list(settlements.values()))
        for id, item in settlements.items():
            answer = matched[item.payment]
            written[id] = answer if isinstance(answer, MagodooError) else item.payment
        return written

    def read_back_ids(self, context: Context, targets: Mapping[LeasedChange, int]) -> dict[LeasedChange, int]:
        ids = resolve(context, list(targets), [change.request["document"] for change in targets])
        return {change: ids[name] for change in targets if (name := name_of(change.request["document"])) in ids}

    def _documents(self, context: Context, changes: Sequence[LeasedChange]) -> Rows:
        """The documents that the changes pay, by name, as this group has read them; without a group as they are now."""
        known = {} if self._known is None else self._known
        unread = [change for change in changes if name_of(change.request["document"]) not in known]
        ids = resolve(context, unread, [change.request["document"] for change in unread])
        found = context.books.by_ids(self.document.value, sorted(set(ids.values()))).rows if ids else []
        rows = {row["id"]: row for row in found}
        known |= {name: rows[id] for name, id in ids.items() if id in rows}
        return known


def _settlement(payment: int, document: Mapping[str, Any]) -> Settlement:
    """At the document's own rate: at Odoo's rate of the day a payment in another currency leaves a residue."""
    total, company_total = to_units(document["amount_total"]), abs(to_units(document["amount_total_signed"]))
    rate = Decimal(total) / company_total if company_total else None
    return Settlement(payment, int(document["id"]), rate)


def _document_problem(document: Mapping[str, Any] | None, change: LeasedChange) -> MagodooError | None:
    if document is None:
        return NotYet("its document is not in Odoo yet")
    if document["state"] == "cancel":
        return refused("its document is cancelled in Odoo")
    if document["state"] != "posted":
        return NotYet("its document is not posted in Odoo yet")
    if not to_units(document["amount_residual"]):
        return Changed("its document is settled in Odoo already")
    currency, expected = (document.get("currency_id") or {}).get("name"), change.request["document_currency"]
    if currency not in (None, expected):
        return refused("its document has another currency in Odoo")
    in_base = change.request["currency"] != expected
    left = abs(to_units(document["amount_residual_signed" if in_base else "amount_residual"]))
    if left < change.request["amount"]:
        return refused(
            f"only {plain(left)} of its document is open in Odoo, the payment is {plain(change.request['amount'])}"
        )
    return None


def _table(change: LeasedChange, document: Mapping[str, Any]) -> dict[str, Any]:
    request = change.request
    partner = document["partner_id"]
    payer = (partner.get("parent_id") or partner)["id"]
    head = {
        "id": request["external_id"],
        "payment_type": request["payment_type"],
        "partner_type": "customer",
        "partner_id/.id": str(payer),
        "amount": plain(request["amount"]),
        "currency_id/.id": str(request["currency_id"]),
        "date": request["date"],
        "journal_id/.id": str(request["journal_id"]),
        "payment_method_line_id/.id": str(request["method_line_id"] or ""),
        "memo": request["memo"],
        "invoice_ids/.id": str(document["id"]),
    }
    filled = {name: cell for name, cell in head.items() if cell != ""}
    return {"model": "account.payment", "fields": list(filled), "rows": [list(filled.values())]}
