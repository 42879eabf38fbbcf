"""The provider's payments and refunds into Odoo: loaded, posted, matched with their document; each step may be repeated.

Matching is the last step and the one that Odoo may refuse, so that account, customer and amount are compared before anything is
posted. What is posted and not matched all the same is HalfDone: a finding, and completed by a later run.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from magodoo.errors import FixConfiguration, FixDocument, MagodooError
from magodoo.load.ledger import LeasedChange
from magodoo.load.names import name_of, resolve
from magodoo.load.outcomes import Answers, Changed, Found, HalfDone, NotYet, Written, not_shown, refused
from magodoo.load.writer import Writer
from magodoo.load.writers.odoo_moves import closed
from magodoo.load.writers.odoo_tables import load_all
from magodoo.money import plain, shown, to_units
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
        rows = {row["id"]: row for row in client.by_ids("payment", list(ids.values())).sure} if ids else {}
        answers: Answers = {}
        for change in changes:
            row = rows.get(ids.get(change.request["external_id"], 0))
            document = documents.get(name_of(change.request["document"]))
            if row is None:
                continue
            if row["state"] in ("canceled", "cancelled", "rejected"):
                answers[change.id] = refused("the payment was cancelled in Odoo: a person decides")
                continue
            settled = document is not None and _settled_by(document, row["id"])
            complete = row["state"] in _POSTED and (settled or bool(row.get("is_reconciled")))
            answers[change.id] = Found(
                row["id"], complete=complete, before={"state": row["state"]}, posted=_posted_words(row, document),
                number=str(row["name"] or ""),
            )  # fmt: skip
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
        items = context.books.open_receivables({int(row["id"]) for row in documents.values()})
        locked = max(context.books.lock_dates().values(), default=None)
        problems: dict[int, MagodooError] = {}
        for change in changes:
            document = documents.get(name_of(change.request["document"]))
            problem = _document_problem(document, change) or closed(change, locked)
            if problem is None and document is not None:
                problem = _accounts_problem(document, change, items.get(document["id"], ()))
            if problem is not None:
                problems[change.id] = problem
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        client, documents = context.books, self._documents(context, changes)
        of_change = {change.id: documents.get(name_of(change.request["document"])) for change in changes}
        written: Written = {
            id: NotYet("its document is not in Odoo any more") for id, row in of_change.items() if not row
        }
        payable = {id: row for id, row in of_change.items() if row}
        items = client.open_receivables({int(row["id"]) for row in payable.values()})
        ready = [change for change in changes if change.id in payable]
        tables = [_table(change, row := payable[change.id], _account(items.get(row["id"], ()))) for change in ready]
        ids, problems = load_all(client, client.load_payments, tables)
        heads = client.payment_heads(list(ids.values()))
        for change in ready:
            name = change.request["external_id"]
            target = ids.get(name)
            document = payable[change.id]
            wrong = _not_as_asked(heads.get(target or 0), change, document, items.get(document["id"], ()))
            written[change.id] = (wrong or target) if target else problems.get(name, refused("Odoo did not take it"))
        self._post_and_match(context, ready, payable, written)
        return written

    def _post_and_match(
        self,
        context: Context,
        changes: Sequence[LeasedChange],
        documents: Mapping[int, Mapping[str, Any]],
        written: Written,
    ) -> None:
        """The steps that book: what is refused goes into `written`."""
        client = context.books
        wanted = {change.id: payment for change in changes if isinstance(payment := written[change.id], int)}
        posted = client.post_payments(list(wanted.values()))
        written.update({id: posted.refused[payment] for id, payment in wanted.items() if payment in posted.refused})
        settlements = {
            id: _settlement(payment, documents[id]) for id, payment in wanted.items() if payment not in posted.refused
        }
        matched = client.reconcile_payments(list(settlements.values()))
        unmatched = [item.payment for item in settlements.values() if isinstance(matched[item.payment], FixDocument)]
        heads = client.payment_heads(unmatched)
        names = client.account_names([_id(head["destination_account_id"]) for head in heads.values()])
        for id, item in settlements.items():
            answer = matched[item.payment]
            if isinstance(answer, FixDocument):
                written[id] = _half_done(heads.get(item.payment, {}), documents[id], answer, names)
            elif isinstance(answer, MagodooError):
                written[id] = answer

    def read_back_ids(self, context: Context, targets: Mapping[LeasedChange, int]) -> dict[LeasedChange, int]:
        ids = resolve(context, list(targets), [change.request["document"] for change in targets])
        return {change: ids[name] for change in targets if (name := name_of(change.request["document"])) in ids}

    def _documents(self, context: Context, changes: Sequence[LeasedChange]) -> Rows:
        """The documents that the changes pay, by name, as this group has read them; without a group as they are now."""
        known = {} if self._known is None else self._known
        unread = [change for change in changes if name_of(change.request["document"]) not in known]
        ids = resolve(context, unread, [change.request["document"] for change in unread])
        found = context.books.by_ids(self.document.value, sorted(set(ids.values()))).sure if ids else []
        rows = {row["id"]: row for row in found}
        known |= {name: rows[id] for name, id in ids.items() if id in rows}
        return known


def _settled_by(document: Mapping[str, Any], payment: int) -> bool:
    """Whether the document is settled, and by this payment where Odoo says by which."""
    by = document.get("reconciled_payment_ids")
    return not to_units(document["amount_residual"]) and (by is None or payment in {row["id"] for row in by})


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
    paid = change.request["currency"]
    in_base = paid != expected
    left = abs(to_units(document["amount_residual_signed" if in_base else "amount_residual"]))
    if left < change.request["amount"]:
        return refused(
            f"only {shown(left, paid)} of its document is open in Odoo, the payment is {shown(change.request['amount'], paid)}"
        )
    return None


Items = Sequence[Mapping[str, Any]]


def _accounts_problem(document: Mapping[str, Any], change: LeasedChange, items: Items) -> MagodooError | None:
    """Odoo matches a payment with the lines of one account: what is open there must bear it."""
    names = list({line["account_id"][0]: str(line["account_id"][1]) for line in items}.values())
    if not names:
        return refused(f"Odoo shows no open receivable line of {document['name']}: a person registers the payment")
    if len(names) > 1:
        return refused(
            f"what is open of {document['name']} is on several accounts ({', '.join(names)}): a person registers the payment"
        )
    paid = change.request["currency"]
    in_base = paid != change.request["document_currency"]
    left = abs(sum(to_units(line["amount_residual" if in_base else "amount_residual_currency"]) for line in items))
    if left < change.request["amount"]:
        return refused(
            f"only {shown(left, paid)} of {document['name']} is open on {names[0]}, the payment is"
            f" {shown(change.request['amount'], paid)}"
        )
    return None


def _account(items: Items) -> int | None:
    """The account on which a document is open; None when nothing is, or on several."""
    accounts = {int(line["account_id"][0]) for line in items}
    return next(iter(accounts)) if len(accounts) == 1 else None


def _payer(document: Mapping[str, Any]) -> int:
    """The customer who owes it: the document's own commercial entity, which a company below a holding is itself."""
    return int((document.get("commercial_partner_id") or document["partner_id"])["id"])


def _not_as_asked(
    head: Mapping[str, Any] | None, change: LeasedChange, document: Mapping[str, Any], items: Items
) -> MagodooError | None:
    """Why this draft may not be posted: it would book something else, or could not be matched. None once it is posted."""
    if head is None:
        return not_shown("payment")
    if head["state"] != "draft":
        return None
    problem = _document_problem(document, change) or _accounts_problem(document, change, items)
    if problem is not None:
        return problem
    request = change.request
    pairs = {
        "amount": (to_units(head["amount"]), request["amount"]),
        "currency": (_id(head["currency_id"]), request["currency_id"]),
        "customer": (_id(head["partner_id"]), _payer(document)),
        "receivable account": (_id(head["destination_account_id"]), _account(items)),
    }
    other = [name for name, (there, wanted) in pairs.items() if there != wanted]
    if other:
        draft = f"draft payment {head['name'] or head['id']}"
        return NotYet(
            f"{draft} has another {' and '.join(other)} than {document['name']}: delete the draft, then it is made anew"
        )
    if not head["outstanding_account_id"]:
        return FixConfiguration(
            f"payment {head['id']} would be posted without a journal entry", system="odoo",
            call="account.payment.action_post", hint="set an outstanding account on the journal's method lines",
        )  # fmt: skip
    return None


def _posted_words(payment: Mapping[str, Any], document: Mapping[str, Any] | None) -> str:
    """What is posted and not matched, for a finding; "" of a draft."""
    if payment["state"] not in _POSTED:
        return ""
    amount = f"{plain(to_units(payment['amount']), 2)} {payment['currency_id']['name']}"
    of = document["name"] if document is not None else "its document"
    return f"payment {payment['name']} of {amount} is posted and is not matched with {of}"


def _half_done(
    head: Mapping[str, Any], document: Mapping[str, Any], problem: MagodooError, accounts: Mapping[int, str]
) -> HalfDone:
    """What is posted on which account and for whom, and why it is not matched."""
    currency, customer = (
        str(value[1]) if isinstance(value := head.get(name), list | tuple) else "?"
        for name in ("currency_id", "partner_id")
    )
    account = accounts.get(_id(head.get("destination_account_id")), "?")
    name = str(head.get("name") or f"payment {head.get('id')}")
    return HalfDone(
        f"payment {name} of {plain(to_units(head.get('amount', 0)), 2)} {currency} by {customer} is posted on {account} and is not"
        f" matched with {document['name']}: {problem.args[0]}",
        int(head.get("id", 0)), name,
    )  # fmt: skip


def _id(value: Any) -> int:
    return int(value[0]) if isinstance(value, list | tuple) else int(value or 0)


def _table(change: LeasedChange, document: Mapping[str, Any], account: int | None) -> dict[str, Any]:
    request = change.request
    head = {
        "id": request["external_id"],
        "payment_type": request["payment_type"],
        "partner_type": "customer",
        "partner_id/.id": str(_payer(document)),
        "amount": plain(request["amount"]),
        "currency_id/.id": str(request["currency_id"]),
        "date": request["date"],
        "journal_id/.id": str(request["journal_id"]),
        "payment_method_line_id/.id": str(request["method_line_id"] or ""),
        "memo": request["memo"],
        "destination_account_id/.id": str(account or ""),
        "invoice_ids/.id": str(document["id"]),
    }
    filled = {name: cell for name, cell in head.items() if cell != ""}
    return {"model": "account.payment", "fields": list(filled), "rows": [list(filled.values())]}
