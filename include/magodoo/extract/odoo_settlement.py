"""Split what settled an Odoo invoice or credit note into money and other entries: the evidence of payment.

Money is (a) what partial reconciliations with payment, bank and cash entries settled of this document, and (b)
payments that are registered on it and made no entry: those are *in payment*. A write-off, a set-off against another
document and an entry of any other kind are no money, and neither is what a payment's own entry writes off. What a
bank or provider keeps of a statement line (its charges) is the merchant's cost: posted on expense accounts alone and
up to `invoices.bank_charges_percent` it counts as received. So does the discount that the document's payment term
grants for early payment, up to its percentage. Both are listed in the month's statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import Any

from magodoo.domain.vocabulary import Kind
from magodoo.extract import fields
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.details import Deduction, SettlementDetails
from magodoo.extract.fields import Row
from magodoo.extract.odoo_fields import link
from magodoo.money import shown
from magodoo.settings import Instance

MOST_WORDS = 8
CENT = 100
_DOCUMENTS = {"out_invoice": "invoice", "out_refund": "credit note", "out_receipt": "sales receipt",
              "in_invoice": "vendor bill", "in_refund": "vendor credit note", "in_receipt": "purchase receipt"}  # fmt: skip


@dataclass
class Settlement:
    """Hold what settled a document, in units of its currency.

    Attributes:
        paid: By payment, bank and cash entries.
        in_payment: By registered payments without a journal entry.
        written_off: By journal entries on income or expense accounts.
        deductions: What counts as paid and was not received.
        credits: By credit note (its id) that settled a part of an invoice.
        words: One phrase for each entry, in an accountant's terms.
    """

    paid: int = 0
    in_payment: int = 0
    written_off: int = 0
    deductions: list[Deduction] = field(default_factory=list)
    credits: dict[int, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def write_settlement(instance: Instance, document: CanonicalDocument, row: Row) -> None:
    """Set captured_amount, what (a) settled, and write the rest of the evidence into `details` (`extract.details.Details`)."""
    if not document.active:
        return
    found = _Evidence(document, instance.invoices.bank_charges_percent).of(row)
    settled = max(document.grand_total - document.open_amount, 0)
    document.captured_amount = min(found.paid, settled)
    if found.words:
        settlement: SettlementDetails = {
            "in_payment": found.in_payment,
            "credited_by": ",".join(f"{id}:{amount}" for id, amount in sorted(found.credits.items())),
            "words": "; ".join([*found.words[:MOST_WORDS], *(["and more"] if len(found.words) > MOST_WORDS else [])]),
        }
        if found.written_off:
            settlement["written_off"] = found.written_off
        if found.deductions:
            settlement["deductions"] = found.deductions
        document.details["settlement"] = settlement
    money = document.captured_amount + (found.in_payment if instance.invoices.in_payment_counts else 0)
    enough = document.grand_total - instance.tolerance_units(document.currency)
    if document.grand_total > 0 and 0 < money >= enough - sum(found.credits.values()):
        document.details["was_paid"] = True


def is_unpaid(document: CanonicalDocument) -> bool:
    """Return whether a document, as it was just read, is not paid; one of 0.00 needs no money."""
    return document.grand_total > 0 and not document.details.get("was_paid")


class _Evidence:
    def __init__(self, document: CanonicalDocument, charges_percent: Decimal) -> None:
        self.document, self.charges_percent = document, charges_percent
        self.found, self.discount = Settlement(), 0

    def of(self, row: Row) -> Settlement:
        traced, self.discount = 0, _most_discount(self.document, row)
        for part in fields.rows(row, "settlements"):
            amount = fields.whole(part, "amount")
            traced += amount
            self._part(amount, fields.inner(part, "entry"))
        settled = max(self.document.grand_total - self.document.open_amount, 0)
        if settled > traced and "settlements" in row:
            self._describe(settled - traced, "that cannot be traced to an entry")
        for payment in fields.rows(row, "unbooked_payments"):
            self._unbooked(payment)
        return self.found

    def _part(self, amount: int, entry: Row) -> None:
        name = fields.prose(entry, "name") or ""
        kind = fields.words(entry, "move_type") or ""
        if not kind:
            self._describe(amount, f"by {name}, an entry that the user of the API key cannot see (another company?)")
        elif kind == "entry":
            self._entry(amount, entry, f"{name} ({fields.prose(entry, 'journal') or ''})")
        else:
            if kind == "out_refund" and self.document.kind == Kind.INVOICE:
                note = int(fields.required_identity(entry, "id"))
                self.found.credits[note] = self.found.credits.get(note, 0) + amount
            self._describe(amount, f"set off against {_DOCUMENTS.get(kind, 'document')} {name}")

    def _entry(self, amount: int, entry: Row, name: str) -> None:
        if fields.flag(entry, "is_exchange"):
            self.found.paid += amount
            return
        is_payment, is_statement = fields.flag(entry, "is_payment"), fields.flag(entry, "is_statement")
        accounts = _listed(entry.get("accounts"))
        if not (is_payment or is_statement or fields.flag(entry, "has_liquidity")):
            how = "written off by" if fields.flag(entry, "is_result") else "settled without bank, cash or payment by"
            self._describe(amount, f"{how} journal entry {name}{f' on {accounts}' if accounts else ''}")
            self.found.written_off += amount if fields.flag(entry, "is_result") else 0
            return
        beside = _beside(amount, entry)
        if granted := beside if beside <= self.discount else 0:
            self.discount -= granted
            self._deduct("discount", granted, entry, f"granted as discount for early payment with {name}")
        charges = 0 if granted or is_payment or not self._are_charges(entry) else beside
        if charges:
            self._deduct("bank_charges", charges, entry, f"kept by the bank or provider with {name}")
        lost = beside - granted - charges
        self.found.paid += amount - lost
        word = "payment" if is_payment else "bank statement line" if is_statement else "journal entry"
        if came := amount - beside:
            self._describe(came, f"paid by {word} {name}")
        if lost:
            self._describe(lost, f"written off with {word} {name} on {accounts or 'other accounts'}")

    def _are_charges(self, entry: Row) -> bool:
        """Return whether what a bank line posts beside the money is bank charges: on expense accounts only, and within the allowance."""
        kept, gross = fields.whole(entry, "other"), fields.whole(entry, "gross")
        return fields.flag(entry, "is_expense") and Decimal(kept) * 100 <= self.charges_percent * gross

    def _deduct(self, what: str, amount: int, entry: Row, words: str) -> None:
        name, day = fields.prose(entry, "name") or "", fields.words(entry, "date") or ""
        self.found.deductions.append({"what": what, "amount": amount, "entry": name, "day": day})
        self._describe(amount, words)

    def _unbooked(self, payment: Row) -> None:
        """Add a payment without a journal entry; of one that pays several documents and is less than they owe, each gets its share."""
        amount, due, open_ = fields.whole(payment, "amount"), fields.whole(payment, "due"), self.document.open_amount
        currency = (fields.words(payment, "currency", 3) or "").upper()
        share = 0
        if currency == self.document.currency and due > 0 and open_ > 0:
            share = min(open_, amount * open_ // due)
        share = min(share, max(open_ - self.found.in_payment, 0))
        self.found.in_payment += share
        name = f"{fields.prose(payment, 'name') or ''} ({fields.prose(payment, 'journal') or ''})"
        which = f"{shown(amount, currency)} {currency} of" if share == 0 and open_ else "by"
        if open_:
            self._describe(
                share,
                f"registered {which} payment {name} without a journal entry, and not seen on the bank account yet",
            )

    def _describe(self, amount: int, what: str) -> None:
        self.found.words.append(f"{shown(amount, self.document.currency)} {self.document.currency} {what}")


def _beside(amount: int, entry: Row) -> int:
    """Return a document's share of what an entry that brought money posts beside it: charges, discounts, write-offs."""
    kept, gross = fields.whole(entry, "other"), fields.whole(entry, "gross")
    if kept <= 0 or gross <= 0:
        return 0
    return min(amount, int((Decimal(amount) * kept / gross).to_integral_value(ROUND_UP)))


def _most_discount(document: CanonicalDocument, row: Row) -> int:
    """Return what the document's payment term grants for early payment, in units, with a cent for its rounding; 0 without."""
    term = link(row, "invoice_payment_term_id")
    percent = fields.percent(term, "discount_percentage") if term.get("early_discount") else None
    return int(document.grand_total * percent / 100) + CENT if percent else 0


def _listed(names: Any) -> str:
    if isinstance(names, str) or not isinstance(names, Sequence):
        return ""
    return ", ".join(str(name) for name in names)
