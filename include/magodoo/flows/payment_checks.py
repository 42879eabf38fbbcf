"""Check a document and its draft payment before anything is posted, and describe a payment that is half done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from magodoo.connectors.odoo.payments import Settlement
from magodoo.domain.states import PAYMENT_MADE, OdooMoveState, OdooPaymentState
from magodoo.errors import FixConfiguration, MagodooError
from magodoo.ledger.behaviour import DependencyPending, HalfDone, SourceChanged, not_shown, refused
from magodoo.money import plain, shown, to_units

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.flows.odoo_payment import PaymentRequest

Items = Sequence[Mapping[str, Any]]


def document_problem(document: Mapping[str, Any] | None, request: PaymentRequest) -> MagodooError | None:
    """Return why a document cannot be paid now: missing, cancelled, not posted, settled, another currency, or too little open."""
    if document is None:
        return DependencyPending("its document is not in Odoo yet")
    if document["state"] == OdooMoveState.CANCEL:
        return refused("its document is cancelled in Odoo")
    if document["state"] != OdooMoveState.POSTED:
        return DependencyPending("its document is not posted in Odoo yet")
    if not to_units(document["amount_residual"]):
        return SourceChanged("its document is settled in Odoo already")
    currency, expected = (document.get("currency_id") or {}).get("name"), request.document_currency
    if currency not in (None, expected):
        return refused("its document has another currency in Odoo")
    in_base, due, paid = _due(request)
    left = abs(to_units(document["amount_residual_signed" if in_base else "amount_residual"]))
    if left < due:
        return refused(f"only {shown(left, paid)} of its document is open in Odoo, the payment is {shown(due, paid)}")
    return None


def _due(request: PaymentRequest) -> tuple[bool, int, str]:
    """Return whether what is open is compared in company currency, the units that must be open, and their currency."""
    if request.settles:
        return False, request.settles, request.document_currency
    return request.currency != request.document_currency, request.amount, request.currency


def exchange_problem(context: Context, document: Mapping[str, Any], request: PaymentRequest) -> MagodooError | None:
    """Return why a payment could be posted and not matched; None when it can.

    Matching a document in another currency books an exchange difference, except with exactly its open amount in company
    currency, at its own rate. Before 19 Odoo reads its valuation layers when it does.
    """
    own = context.odoo.company.currency()
    if own == request.document_currency or context.odoo.installation.may_book_exchange_differences():
        return None
    exact = abs(to_units(document["amount_residual_signed"])) == request.amount and not request.settles
    if request.currency == own and exact:
        return None
    return DependencyPending(
        f"matching it with a document in {request.document_currency} books an exchange difference, for which Odoo"
        f" {context.odoo.rpc.version} reads its valuation layers: add the user of the connection to Inventory / Administrator,"
        " or register the payment by hand"
    )


def accounts_problem(document: Mapping[str, Any], request: PaymentRequest, items: Items) -> MagodooError | None:
    """Return why a payment cannot be reconciled with the document; None when it can.

    Odoo reconciles a payment with the lines of one account: what is open there must cover it.
    """
    names = list({line["account_id"][0]: str(line["account_id"][1]) for line in items}.values())
    if not names:
        return refused(f"Odoo shows no open receivable line of {document['name']}: a person registers the payment")
    if len(names) > 1:
        return refused(
            f"what is open of {document['name']} is on several accounts ({', '.join(names)}): a person registers the payment"
        )
    in_base, due, paid = _due(request)
    left = abs(sum(to_units(line["amount_residual" if in_base else "amount_residual_currency"]) for line in items))
    if left < due:
        return refused(
            f"only {shown(left, paid)} of {document['name']} is open on {names[0]}, the payment is {shown(due, paid)}"
        )
    return None


def open_account(items: Items) -> int | None:
    """Return the account on which a document is open; None when nothing is, or on several."""
    accounts = {int(line["account_id"][0]) for line in items}
    return next(iter(accounts)) if len(accounts) == 1 else None


def payer_of(document: Mapping[str, Any]) -> int:
    """Return the id of the customer who owes the document: its commercial entity, which a company below a holding is itself."""
    return int((document.get("commercial_partner_id") or document["partner_id"])["id"])


def draft_problem(
    head: Mapping[str, Any] | None, request: PaymentRequest, document: Mapping[str, Any], items: Items
) -> MagodooError | None:
    """Return why this draft may not be posted: it would post something else, or could not be reconciled. None once it is posted."""
    if head is None:
        return not_shown("payment")
    if head["state"] != OdooPaymentState.DRAFT:
        return None
    problem = document_problem(document, request) or accounts_problem(document, request, items)
    if problem is not None:
        return problem
    pairs = {
        "amount": (to_units(head["amount"]), request.amount),
        "currency": (id_in(head["currency_id"]), request.currency_id),
        "customer": (id_in(head["partner_id"]), payer_of(document)),
        "receivable account": (id_in(head["destination_account_id"]), open_account(items)),
    }
    other = [name for name, (there, wanted) in pairs.items() if there != wanted]
    if other:
        draft = f"draft payment {head['name'] or head['id']}"
        return DependencyPending(
            f"{draft} has another {' and '.join(other)} than {document['name']}: delete the draft, then it is made anew"
        )
    if not head["outstanding_account_id"]:
        return FixConfiguration(
            f"payment {head['id']} would be posted without a journal entry", system="odoo",
            call="account.payment.action_post", hint="set an outstanding account on the journal's method lines",
        )  # fmt: skip
    return None


def is_settled_by(document: Mapping[str, Any], payment: int) -> bool:
    """Return whether the document is settled, and by this payment where Odoo shows by which."""
    by = document.get("reconciled_payment_ids")
    return not to_units(document["amount_residual"]) and (by is None or payment in {row["id"] for row in by})


def settlement_of(payment: int, document: Mapping[str, Any], request: PaymentRequest) -> Settlement:
    """Return the settlement at the document's own rate: at Odoo's rate of the day a payment in another currency leaves a residue.

    Where the payment says what it settles, the rate is that of the two: the rest is an exchange difference.
    """
    if request.settles:
        return Settlement(payment, int(document["id"]), Decimal(request.settles) / request.amount)
    total, company_total = to_units(document["amount_total"]), abs(to_units(document["amount_total_signed"]))
    rate = Decimal(total) / company_total if company_total else None
    return Settlement(payment, int(document["id"]), rate)


def posted_words(payment: Mapping[str, Any], document: Mapping[str, Any] | None) -> str:
    """Return what is posted and not reconciled, as a finding words it; "" for a draft."""
    if payment["state"] not in PAYMENT_MADE:
        return ""
    amount = f"{plain(to_units(payment['amount']), 2)} {payment['currency_id']['name']}"
    of = document["name"] if document is not None else "its document"
    return f"payment {payment['name']} of {amount} is posted and is not matched with {of}"


def half_done(
    head: Mapping[str, Any], document: Mapping[str, Any], problem: MagodooError, accounts: Mapping[int, str]
) -> HalfDone:
    """Return the error with the posted amount, account and customer, and why the payment is not reconciled."""
    currency, customer = (
        str(value[1]) if isinstance(value := head.get(name), list | tuple) else "?"
        for name in ("currency_id", "partner_id")
    )
    account = accounts.get(id_in(head.get("destination_account_id")), "?")
    name = str(head.get("name") or f"payment {head.get('id')}")
    return HalfDone(
        f"payment {name} of {plain(to_units(head.get('amount', 0)), 2)} {currency} by {customer} is posted on {account} and is not"
        f" matched with {document['name']}: {problem.args[0]}",
        int(head.get("id", 0)), name,
    )  # fmt: skip


def id_in(value: Any) -> int:
    """Return the id of a many2one as Odoo reads it; 0 for none."""
    return int(value[0]) if isinstance(value, list | tuple) else int(value or 0)
