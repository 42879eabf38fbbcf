"""What becomes of findings and plans once requests were prepared and recorded: problems, refusals, and what depends on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from magodoo.dependencies import requires
from magodoo.reconcile import catalogue
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.plan import PlannedChange
from magodoo.vocabulary import FindingType, Kind

Key = tuple[str, str]
MAPPINGS = frozenset({"sku", "tax", "payment", "journal", "currency", "country", "total", "gift_card", "product_type"})
_COMPARE = "Compare the lines of the order on both sides and put right the one that is wrong, or book the document by hand where it is missing"
WITHOUT_MAPPING = {
    "order": "Read the order again with a backfill of the day on which it was placed; see in Odoo that its order has a customer",
    "shipment": "See on the document's page whether its counterpart is still there and matched; where it was deleted, its finding says what to do",
    "item": _COMPARE,
    "items": _COMPARE,
}


class Problem(Protocol):
    """Why a request cannot be built: `part` as the finding `unmapped` names it."""

    @property
    def part(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def finding(self) -> FindingType: ...
    @property
    def next_step(self) -> str: ...
    @property
    def who(self) -> str: ...


class HalfDone(Protocol):
    """A change of which something is posted while its last step is refused; `reason` says what is posted where."""

    @property
    def kind(self) -> str: ...
    @property
    def source_id(self) -> str: ...
    @property
    def source_number(self) -> str: ...
    @property
    def document_kind(self) -> str: ...
    @property
    def order_key(self) -> str: ...
    @property
    def order_number(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def reason(self) -> str: ...


def without_problems(
    changes: Sequence[PlannedChange],
    problems: Mapping[Key, Sequence[Problem]],
    blocked: Iterable[Key],
    findings: list[Finding],
) -> set[Key]:
    """Take what cannot be written out of the plan, and what depends on it; returns the keys taken out.

    problems: by change key, also those that only warn; blocked: keys without a request. Adds findings, one per order and part
    (`unmapped`, or `tax_mismatch` where no tax can be right), and gives the findings concerned their reason.
    """
    reasons: dict[Key, str] = {}
    told: dict[tuple[str, str], Finding] = {}
    wanted = set(blocked)
    for change in changes:
        for problem in problems.get(change.key, ()):
            told.setdefault((change.order_key, problem.part), _found(change, problem))
        if change.key in wanted:
            reasons[change.key] = (
                "; ".join(problem.message for problem in problems.get(change.key, ())) or "It cannot be written"
            )
    reasons = waiting_for(changes, wanted) | reasons
    known = {finding.key for finding in findings}
    findings += [finding for finding in told.values() if finding.key not in known]
    give_reasons(findings, reasons)
    return set(reasons)


def waiting_for(changes: Sequence[PlannedChange], not_done: Collection[Key]) -> dict[Key, str]:
    """Why changes must wait that depend on one which will not be done, or on one that waits itself.

    changes: by order and step, as they were planned.
    """
    by_order: dict[str, list[PlannedChange]] = defaultdict(list)
    for change in changes:
        by_order[change.order_key].append(change)
    reasons: dict[Key, str] = {}
    for earlier in changes:
        if earlier.key not in not_done and earlier.key not in reasons:
            continue
        for later in by_order[earlier.order_key]:
            if requires((later.kind, later.source_id), (earlier.kind, earlier.source_id)):
                reasons.setdefault(later.key, f"It waits for {earlier.kind.value} of {earlier.source_number}")
    return reasons


def give_reasons(findings: Iterable[Finding], reasons: Mapping[Key, str]) -> None:
    """Findings whose change will not be written say why."""
    for finding in findings:
        if finding.change is not None and finding.change in reasons:
            finding.no_change_reason = reasons[finding.change]
            finding.change = None


def name_half_done(findings: list[Finding], posted: Iterable[HalfDone]) -> None:
    """Payments that are posted and not matched, each in place of the finding that its change was to resolve."""
    of_change = {finding.change: finding for finding in findings if finding.change is not None}
    for row in posted:
        known = of_change.get((row.kind, row.source_id))
        if known is not None:
            findings.remove(known)
        found = known or Finding(
            FindingType.PAYMENT_UNMATCHED,
            Kind(row.document_kind),
            row.order_key,
            row.order_number,
            row.source_id,
            magento_number=row.source_number,
            magento_amount=row.amount,
            currency=row.currency,
        )
        found = replace(found, type=FindingType.PAYMENT_UNMATCHED, part="", change=None, detail=f"In Odoo {row.reason}")
        found.no_change_reason = catalogue.of(FindingType.PAYMENT_UNMATCHED).no_change
        findings.append(found)


def _found(change: PlannedChange, problem: Problem) -> Finding:
    taxed = problem.part.startswith(f"{FindingType.TAX_MISMATCH}/")
    made = Finding(
        FindingType.TAX_MISMATCH if taxed else problem.finding,
        Kind.ORDER,
        order_key=change.order_key,
        order_number=change.order_number,
        magento_id=change.order_key,
        magento_number=change.order_number,
        part=problem.part,
        detail=problem.message,
        next_step=problem.next_step or WITHOUT_MAPPING.get(problem.part.partition(":")[0], ""),
        who=problem.who,
    )
    if taxed:
        made.no_change_reason = "No tax that Odoo knows gives it"
    elif made.type is FindingType.UNMAPPED:
        mapped = problem.part.partition(":")[0] in MAPPINGS and not problem.next_step
        made.no_change_reason = f"It waits for the mapping {problem.part}" if mapped else problem.message
    else:
        made.no_change_reason = problem.message
    return made
