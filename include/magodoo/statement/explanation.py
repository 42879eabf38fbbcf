"""Assign every document of a month to a line of the statement, and compute the steps from Magento's total to Odoo's.

A step adds its figures to Magento's total. Equal documents of the same month need no step. What no rule, policy or open finding
accounts for becomes a step of the line UNEXPLAINED that names its documents; a finding whose amounts are not those of the
documents accounts for nothing. An open finding is no explanation: it says where a difference is that nobody has corrected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from magodoo.domain.adjustments import AT_THE_ORDERS_RATES
from magodoo.domain.states import OdooMoveState
from magodoo.domain.vocabulary import FindingType, Kind, OrderScope, Severity, Side
from magodoo.money import rounded, shown
from magodoo.reconcile import catalogue
from magodoo.settings import Instance
from magodoo.statement.documents import Document, Found, Key, Sales
from magodoo.statement.figures import Amount, Figures, added

AGREES, EXCLUDED, NOT_IMPORTED, EARLY, DRAFT = (
    "agrees",
    "excluded",
    "not_imported",
    "before_books_from",
    "draft_by_policy",
)
LATER, EARLIER = "booked_in_another_month", "of_another_month"
ROUNDING, RATES, SHARED, UNEXPLAINED = "rounding", "between_tax_rates", "consolidated", "unexplained"
WITHIN = "tax_within_adjustments"
FINDING = "finding:"
CENT = 100

_T = FindingType
# Findings that account for a document without a counterpart, the most specific first.
ALONE = (
    _T.CLOSED_PERIOD, _T.DRAFT_WAITING, _T.POSSIBLE_DUPLICATE, _T.DUPLICATE, _T.STRADDLES_BOOKS_FROM, _T.NOT_REPRESENTABLE,
    _T.CAPTURE_NEEDED, _T.AUTHORISATION_VOIDED, _T.AMBIGUOUS, _T.CORRECTED_IN_ODOO,
    _T.REVERSED_BEFORE_PUSH, _T.CANCELLED_IN_ODOO, _T.WITHOUT_ORDER, _T.DELETED, _T.OVER_REFUNDED,
    _T.ARITHMETIC, _T.STATUS_MISMATCH, _T.MISSING_IN_ODOO, _T.MISSING_IN_MAGENTO,
)  # fmt: skip
# Findings that account for a difference between two matched documents.
APART = (_T.TOTAL_MISMATCH, _T.CURRENCY_MISMATCH, _T.TAX_MISMATCH, _T.ROUNDING)
_OF_THE_ORDER = (_T.AMBIGUOUS, _T.CORRECTED_IN_ODOO)


@dataclass(frozen=True)
class Step:
    """`figures` are added to Magento's total of `currency` and `kind`. `documents` are those that the step is about."""

    line: str
    currency: str
    kind: str
    figures: Figures
    documents: tuple[Document, ...]
    why: str = ""
    muted: bool = False


@dataclass
class Explanation:
    """All steps of a month, and the statement line of each of its documents by key."""

    steps: list[Step] = field(default_factory=list)
    lines: dict[Key, str] = field(default_factory=dict)


def finding_type(line: str) -> FindingType | None:
    """Return the type of finding of a line; None for a line that is of no finding."""
    return FindingType(line.removeprefix(FINDING)) if line.startswith(FINDING) else None


def is_uncorrected(line: str) -> bool:
    """Return whether a line holds differences that somebody has to correct: those of findings that are not only for information."""
    type_ = finding_type(line)
    return type_ is not None and catalogue.of(type_).severity != Severity.INFO


def explain(sales: Sales, instance: Instance) -> Explanation:
    """Return the steps of a month and the line of each document. Every document of the month gets exactly one line."""
    return _Explaining(sales, instance).run()


class _Explaining:
    def __init__(self, sales: Sales, instance: Instance) -> None:
        self.sales, self.instance = sales, instance
        self.result = Explanation()
        self.by_document: dict[tuple[str, str], list[Found]] = defaultdict(list)
        self.by_order: dict[str, list[Found]] = defaultdict(list)
        for found in sales.findings:
            for side, id_ in ((Side.MAGENTO, found.magento_id), (Side.ODOO, found.odoo_id)):
                if id_ is not None:
                    self.by_document[side.value, id_].append(found)
            if found.type in _OF_THE_ORDER and found.order_key:
                self.by_order[found.order_key].append(found)
        self.corrections = self._corrections()
        self.reversals = self._reversals()

    def run(self) -> Explanation:
        """Assign the matched documents, then Odoo invoices over several orders, then documents without a counterpart."""
        alone: list[Document] = []
        for side in Side:
            for document in self.sales.in_month(side):
                other = self.sales.partner(document)
                if other is None or not other.is_active:
                    alone.append(document)
                elif document.of_magento or not self.sales.month.holds(other.day):
                    self._matched(document, other)
        for document in self._without_shared(alone):
            self._alone(document)
        return self.result

    # Matched

    def _matched(self, document: Document, other: Document) -> None:
        magento, odoo = (document, other) if document.of_magento else (other, document)
        if not self.sales.month.holds(other.day):
            self._in_two_months(magento, odoo)
            return
        line, why, muted = self._difference(magento, odoo)
        for one in (magento, odoo):
            self.result.lines[one.key] = line
        self._apart(line, magento, odoo, why, muted)

    def _in_two_months(self, magento: Document, odoo: Document) -> None:
        """Subtract the figures in Magento's month; add them in Odoo's month, with what differs."""
        if self.sales.month.holds(magento.day):
            self._step(LATER, -magento.figures, (magento, odoo), magento, f"in Odoo {odoo.day}")
            return
        line, why, muted = self._difference(magento, odoo)
        self._step(EARLIER, magento.figures, (odoo, magento), magento, f"in Magento {magento.day}")
        self._apart(line, magento, odoo, why, muted)

    def _apart(self, line: str, magento: Document, odoo: Document, why: str, muted: bool) -> None:
        if line == AGREES:
            return
        if magento.currency != odoo.currency:
            self._step(line, -magento.figures, (magento, odoo), magento, why, muted)
            self._step(line, odoo.figures, (odoo, magento), odoo, why, muted)
            return
        self._step(line, odoo.figures - magento.figures, (magento, odoo), magento, why, muted)

    def _difference(self, magento: Document, odoo: Document) -> tuple[str, str, bool]:
        """Return the line of two matched documents, the reason as text, and whether a person muted the finding."""
        one, two = magento.figures.sum, odoo.figures.sum
        total, tax = two.total - one.total, two.tax - one.tax
        if magento.currency == odoo.currency:
            if not odoo.figures - magento.figures:
                return AGREES, "", False
            if not total and not tax:
                return RATES, "", False
            if not total and self._is_within(magento, odoo, tax):
                return WITHIN, "", False
            for found in self._about(magento, odoo):
                if found.type == _T.CASH_ROUNDING and _fits(found, one, two):
                    return FINDING + found.type, "", found.muted
            tolerance = self.instance.tolerance_units(magento.currency)
            within = abs(total) <= tolerance or rounded(one.total) == rounded(two.total)
            if within and (total or abs(tax) <= tolerance):
                return ROUNDING, "", False
        for found in self._about(magento, odoo):
            if found.type in APART and _fits(found, one, two):
                return FINDING + found.type, "", found.muted
        result = f"Magento {shown(one.total, magento.currency)} {magento.currency}, Odoo {shown(two.total, odoo.currency)} {odoo.currency}"
        return UNEXPLAINED, f"{result}, and no open finding says so", False

    def _is_within(self, magento: Document, odoo: Document, tax: int) -> bool:
        """Return whether two credit memos differ by the tax within their adjustments alone, and reconciling found nothing wrong with it."""
        if self.instance.adjustment_tax != AT_THE_ORDERS_RATES or not (magento.adjustment and odoo.adjustment):
            return False
        moved = magento.adjustment - odoo.adjustment
        return tax == moved and not any(found.type in APART for found in self._about(magento, odoo))

    def _about(self, magento: Document, odoo: Document) -> list[Found]:
        return [
            found for found in self.by_document["magento", magento.id]
            if found.kind == magento.kind and found.odoo_id == odoo.id
        ]  # fmt: skip

    # Alone

    def _alone(self, document: Document) -> None:
        line, why, muted = self._reason(document)
        self.result.lines[document.key] = line
        figures = -document.figures if document.of_magento else document.figures
        self._step(line, figures, (document,), document, why, muted)

    def _reason(self, document: Document) -> tuple[str, str, bool]:
        other = self.sales.partner(document)
        if document.scope == OrderScope.EXCLUDED:
            return EXCLUDED, "", False
        if document.early_order and document.early:
            return EARLY, "", False
        found = self._finding_of(document)
        if found is not None:
            return FINDING + found.type, "", found.muted
        if document.key in self.corrections:
            return FINDING + _T.CORRECTED_IN_ODOO.value, "", False
        if document.key in self.reversals:
            return FINDING + _T.REVERSED_BEFORE_PUSH.value, "", False
        if document.of_magento and other is not None and other.state == OdooMoveState.DRAFT:
            return DRAFT, "", False
        if document.scope == OrderScope.NOT_EXPECTED:
            return NOT_IMPORTED, "", False
        return UNEXPLAINED, "it has no counterpart, and no open finding says so", False

    def _finding_of(self, document: Document) -> Found | None:
        own = [*self.by_document[document.side, document.id], *self.by_order[document.order_key]]
        known = [found for found in own if self._is_about(found, document)]
        ranked = [found for type_ in ALONE for found in known if found.type == type_]
        return ranked[0] if ranked else None

    @staticmethod
    def _is_about(found: Found, document: Document) -> bool:
        named, amount = found.odoo_id, found.odoo_amount
        if document.of_magento:
            named, amount = found.magento_id, found.magento_amount
        if found.type == _T.AMBIGUOUS:
            return found.kind == document.kind
        if found.type == _T.DELETED and named == document.id:
            return True
        return found.kind == document.kind and named == document.id and _near(amount, document.total)

    def _corrections(self) -> set[Key]:
        """Return Odoo's replacement invoices that offset a credit note of the finding `corrected_in_odoo`, one for one."""
        free: dict[tuple[str, int], int] = defaultdict(int)
        for found in self.sales.findings:
            if found.type == _T.CORRECTED_IN_ODOO and found.kind == Kind.CREDIT_MEMO and found.odoo_amount is not None:
                free[found.order_key, found.odoo_amount] += 1
        taken: set[Key] = set()
        for one in self.sales.documents.values():
            fits = not one.of_magento and one.is_active and one.kind == Kind.INVOICE and one.partner is None
            if fits and free[one.order_key, one.total]:
                free[one.order_key, one.total] -= 1
                taken.add(one.key)
        return taken

    def _reversals(self) -> set[Key]:
        """Return Odoo's credit notes that offset an invoice of the finding `reversed_before_push`, up to its total."""
        left: dict[str, int] = defaultdict(int)
        for found in self.sales.findings:
            if found.type == _T.REVERSED_BEFORE_PUSH and found.odoo_amount is not None:
                left[found.order_key] += found.odoo_amount
        taken: set[Key] = set()
        for one in sorted(self.sales.documents.values(), key=lambda one: one.key):
            fits = not one.of_magento and one.is_active and one.kind == Kind.CREDIT_MEMO and one.partner is None
            if fits and one.total <= left[one.order_key]:
                left[one.order_key] -= one.total
                taken.add(one.key)
        return taken

    # Odoo invoices over several orders

    def _without_shared(self, alone: Sequence[Document]) -> list[Document]:
        """Assign Odoo invoices over several orders together with the Magento invoices of these orders, and return the remaining documents."""
        several = [one for one in self.sales.documents.values() if one.shared_orders and one.is_active]
        left = {one.key: one for one in alone}
        for odoo in sorted(several, key=lambda one: one.key):
            covered = [one for one in self.sales.documents.values() if self._is_share(one, odoo)]
            if covered and self._finding_of(odoo) is None:
                self._shared(odoo, covered)
                for one in (odoo, *covered):
                    left.pop(one.key, None)
        return list(left.values())

    def _is_share(self, one: Document, odoo: Document) -> bool:
        fits = one.of_magento and one.is_active and one.kind == odoo.kind and one.partner is None
        return (
            fits
            and one.order_key in odoo.shared_orders
            and one.key not in self.result.lines
            and self._finding_of(one) is None
        )

    def _shared(self, odoo: Document, covered: Sequence[Document]) -> None:
        month = self.sales.month
        equal = abs(odoo.total - sum(one.total for one in covered)) <= self.instance.tolerance_units(odoo.currency)
        equal &= {one.currency for one in covered} == {odoo.currency}
        line = SHARED if equal else UNEXPLAINED
        why = (
            f"stands for {', '.join(one.number for one in covered)}"
            if equal
            else "its total is not that of its orders' invoices"
        )
        for one in (odoo, *covered):
            if month.holds(one.day):
                self.result.lines[one.key] = line
                self._step(line, -one.figures if one.of_magento else one.figures, (one,), one, why)

    def _step(
        self,
        line: str,
        figures: Figures,
        about: tuple[Document, ...],
        place: Document,
        why: str = "",
        muted: bool = False,
    ) -> None:
        if about[0].is_active and self.sales.month.holds(about[0].day):
            self.result.lines.setdefault(about[0].key, line)
        if figures:
            self.result.steps.append(Step(line, place.currency, place.kind, figures, about, why, muted))


def unexplained(steps: Iterable[Step]) -> list[Step]:
    """Return the steps that nothing accounts for."""
    return [step for step in steps if step.line == UNEXPLAINED]


def sums(steps: Iterable[Step], currency: str, kind: str) -> dict[str, Figures]:
    """Return by line the sum of its steps of one currency and kind."""
    parts: dict[str, list[Figures]] = defaultdict(list)
    for step in steps:
        if (step.currency, step.kind) == (currency, kind):
            parts[step.line].append(step.figures)
    return {line: added(figures) for line, figures in parts.items()}


def _fits(found: Found, magento: Amount, odoo: Amount) -> bool:
    """Return whether a finding's amounts are these; a finding about tax is compared with the tax."""
    of_tax = found.type == _T.TAX_MISMATCH
    left, right = (magento.tax, odoo.tax) if of_tax else (magento.total, odoo.total)
    return _near(found.magento_amount, left) and _near(found.odoo_amount, right)


def _near(noted: int | None, actual: int) -> bool:
    """Return whether two amounts are equal within a cent: findings have the currency's decimals, Magento's credit memos have four."""
    return noted is None or abs(noted - actual) <= CENT
