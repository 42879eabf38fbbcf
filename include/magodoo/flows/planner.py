"""Plan the smallest set of changes that resolves the findings under the settings, in an order that can be carried out.

Every finding gets the change that would resolve it, or the reason why there is none. Orders are planned one by
one, and only those with something to resolve. Then each change gets its full request. A change that cannot be built
or was refused before leaves the plan, with everything that requires it, and its findings keep the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import msgspec
from sqlalchemy import Connection

from magodoo.characters import is_storable
from magodoo.domain.kinds import document_of, requires
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.errors import InvariantError
from magodoo.flows import order_readiness
from magodoo.flows.order_plan import Facts
from magodoo.flows.order_readiness import not_ready
from magodoo.flows.registry import flows
from magodoo.flows.sources import Sources, read_sources
from magodoo.ledger.planned import PlannedChange, Prepared, RequestProblem, fingerprint
from magodoo.reconcile import catalogue
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.situation import Situation

if TYPE_CHECKING:
    from magodoo.context import Context


def plan(situation: Situation, findings: list[Finding]) -> tuple[list[Finding], list[PlannedChange]]:
    """Return all findings, with those that planning adds (`unmapped`, `closed_period`), and the changes, by order and step."""
    facts = Facts.gather(situation, findings)
    changes: list[PlannedChange] = []
    added: list[Finding] = []
    for order_id in sorted(facts.by_order):
        order = facts.order_plan(order_id)
        if order is None:
            continue
        if order_id in facts.held_by_unread:
            for finding in order.findings:
                finding.no_change_reason = facts.held_by_unread[order_id]
                if finding.type in (FindingType.MISSING_IN_ODOO, FindingType.MISSING_IN_MAGENTO):
                    finding.next_step = order_readiness.WHEN_READ
            continue
        for kind, flow in flows().items():  # in step order, so that later flows see the changes that they depend on
            if kind.target is Side.MAGENTO or order.concerns_odoo:
                flow.plan(order)
        if order.concerns_odoo:
            order_readiness.advise(order, not_ready(order))
        changes += sorted(order.changes, key=lambda change: change.kind.step)
        added += order.added
    every = [*findings, *added]
    for finding in every:
        if finding.change is None and finding.no_change_reason is None:
            finding.no_change_reason = catalogue.of(finding.type).no_change
    return every, changes


def prepare(connection: Connection, context: Context, planned: Sequence[PlannedChange]) -> list[Prepared]:
    """Return the full request of each planned change, or the problems that prevent it (they become `unmapped` findings).

    Pairs must be stored already: they decide which Odoo records are somebody else's. `request` is None when problems
    prevent it.
    """
    if not planned:
        return []
    sources = read_sources(connection, context.instance, {plan.order_key for plan in planned})
    sources.database_uuid = _database_uuid(sources, context, planned)
    return prepare_from(sources, planned)


def prepare_from(sources: Sources, planned: Sequence[PlannedChange]) -> list[Prepared]:
    """Return the full requests as `prepare` does, from sources that are already read."""
    return [_with_source(sources, _storable(_prepared(sources, plan))) for plan in planned]


def _prepared(sources: Sources, plan: PlannedChange) -> Prepared:
    """Return the request of one change, or a problem if retention or erasure has blanked the order's customer."""
    order = sources.magento(Kind.ORDER, plan.order_key)
    if flows()[plan.kind].from_payload and order is not None and not order.payload:
        why = "who bought, and how it was paid, was blanked by retention or erasure: a person books it"
        return Prepared(plan, None, problems=[RequestProblem("order", why)])
    return flows()[plan.kind].prepare(sources, plan)


def _storable(prepared: Prepared) -> Prepared:
    """Return the request, or a problem where a text of it (of a setting, say) has a character that neither a table nor a hash takes."""
    if is_storable(prepared.stored):
        return prepared
    why = "a text of its request holds a NUL or half a character, which cannot be stored"
    return Prepared(prepared.planned, None, problems=[RequestProblem("text", why)])


def _with_source(sources: Sources, prepared: Prepared) -> Prepared:
    """Return the request with the fingerprint of its source document added."""
    plan = prepared.planned
    document = sources.documents.get(
        (plan.kind.target.other.value, Kind(plan.document_kind).value, document_of(plan.source_id))
    )
    if prepared.request is None or document is None:
        return prepared
    return replace(prepared, request=msgspec.structs.replace(prepared.request, source=fingerprint(document)))


def _database_uuid(sources: Sources, context: Context, planned: Sequence[PlannedChange]) -> str:
    """Return the uuid of the Odoo database that a marker names; "" unless a Magento document is planned."""
    if all(plan.kind.target is Side.ODOO for plan in planned):
        return ""
    known = sources.master.only("ir.config_parameter", "database.uuid")
    if known:
        return str(known.data["value"])
    if context.odoo_client is None:
        raise InvariantError("a marker needs the Odoo database's uuid, and this step has no Odoo client", system="odoo")
    return context.odoo_client.installation.database_uuid()


Key = tuple[str, str]
MAPPINGS = frozenset({"sku", "tax", "payment", "journal", "currency", "country", "total", "gift_card", "product_type"})
_COMPARE = "Compare the lines of the order on both sides and put right the one that is wrong, or book the document by hand where it is missing"
WITHOUT_MAPPING = {
    "order": "Read the order again with a backfill of the day on which it was placed; see in Odoo that its order has a customer",
    "text": "Correct the text where it comes from: the document in Magento or Odoo, or the settings file",
    "shipment": "See on the document's page whether its counterpart is still there and matched; where it was deleted, its finding says what to do",
    "item": _COMPARE,
    "items": _COMPARE,
}


class Problem(Protocol):
    """State why a request cannot be built: `part` as the finding `unmapped` names it."""

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
    """Describe a change that is partly posted and whose last step is refused; `reason` states what is posted where."""

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
    """Take changes that cannot be written out of the plan, with what depends on them, and return the keys taken out.

    problems: by change key, also those that only warn; blocked: keys without a request. Adds findings, one per order
    and part (`unmapped`, or `tax_mismatch` where no tax can be right), and sets the reason of the findings concerned.
    """
    reasons: dict[Key, str] = {}
    by_problem: dict[tuple[str, str], Finding] = {}
    wanted = set(blocked)
    for change in changes:
        for problem in problems.get(change.key, ()):
            by_problem.setdefault((change.order_key, problem.part), _found(change, problem))
        if change.key in wanted:
            reasons[change.key] = (
                "; ".join(problem.message for problem in problems.get(change.key, ())) or "It cannot be written"
            )
    reasons = waiting_for(changes, wanted) | reasons
    known = {finding.key for finding in findings}
    findings += [finding for finding in by_problem.values() if finding.key not in known]
    give_reasons(findings, reasons)
    return set(reasons)


def waiting_for(changes: Sequence[PlannedChange], not_done: Collection[Key]) -> dict[Key, str]:
    """Return, by key, why changes must wait that depend on one which will not be done, or on one that waits itself.

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
    """Set the reason of findings whose change will not be written, and remove the change from them."""
    for finding in findings:
        if finding.change is not None and finding.change in reasons:
            finding.no_change_reason = reasons[finding.change]
            finding.change = None


def name_half_done(findings: list[Finding], posted: Iterable[HalfDone]) -> None:
    """Add a finding for each payment that is posted and not reconciled, in place of the one that its change was to resolve."""
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


__all__ = ["Prepared", "RequestProblem", "Sources", "prepare", "prepare_from"]
