"""Plan customer invoices and credit notes, and build their requests: what both kinds share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.vocabulary import FindingType, Kind, Side
from magodoo.extract.canonical import CanonicalDocument
from magodoo.flows.customers import customer
from magodoo.flows.duplicates import SaleRequest, Search
from magodoo.flows.extra_amounts import extra_lines, payment_parts
from magodoo.flows.line_amounts import MoneyLine, MoneyLines, money_lines, takes_odoo_rate
from magodoo.flows.load_tables import CompanyAmounts, Table, call, figure, table
from magodoo.flows.order_contents import left_out
from magodoo.flows.order_plan import MISSING_IN_ODOO, Item, OrderPlan
from magodoo.flows.periods import before_the_series, closed_period
from magodoo.flows.references import Reference
from magodoo.flows.sources import Sources
from magodoo.ledger.planned import Prepared, RequestProblem
from magodoo.money import rounded
from magodoo.reconcile.finding import Finding
from magodoo.reconcile.rows import Document

if TYPE_CHECKING:
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True, kw_only=True)
class EntryIntent:
    """Hold how an invoice or credit note is written.

    Attributes:
        post: Whether it is posted; otherwise it stays a draft.
        closed_period: Whether its date is in a closed period, so that it needs approval.
        dated_today: Whether it gets today's date, because the numbering of its journal has passed its own.
    """

    post: bool = True
    closed_period: bool = False
    dated_today: bool = False


class EntrySearch(Search, frozen=True, kw_only=True):
    """Hold the search criteria for the same invoice or credit note created by somebody else.

    Attributes:
        order_references: What a reference field holds that names its order.
        date: Its ISO date, or "".
    """

    order_references: tuple[str, ...]
    date: str

    @property
    def own_numbers(self) -> set[str]:
        """Return the numbers by which a record may name this sale."""
        return {*self.references, *self.order_references}


class EntryRequest(SaleRequest, frozen=True, kw_only=True):
    """Hold an invoice or credit note.

    Attributes:
        post: Whether it is posted once its totals were read back equal.
        closed_period: Whether its date is in a closed period.
        date: Its ISO date, or "".
        quantities: The items of Magento's document.
        dated_today: Whether it gets the date on which it is written.
        company: What it must show in company currency; left out where it is in that currency, or Odoo's rate is taken.
    """

    order: Reference
    post: bool
    closed_period: bool
    date: str
    quantities: tuple[Item, ...]
    search: EntrySearch
    dated_today: bool | UnsetType = UNSET
    company: CompanyAmounts | UnsetType = UNSET


def plan_entry(
    order: OrderPlan, finding: Finding, row: Document, kind: ChangeKind, reason: str | None, intent: EntryIntent
) -> None:
    """Plan an invoice or credit note, unless a reason, a closed period or the numbering of its journal holds it.

    An entry inside a closed period is held where the setting `closed_period` is `hold`.
    """
    if reason:
        finding.no_change_reason = reason
        return
    period = closed_period(order, finding, row)
    if period and order.instance.closed_period == "hold":
        finding.no_change_reason = f"{period[0].detail}: the setting `closed_period` is `hold`"
        return
    early = before_the_series(order, finding, row) if intent.post else []
    if early and finding.no_change_reason:
        return
    intent = replace(intent, closed_period=bool(period), dated_today=bool(early))
    order.change(kind, row, [finding, *period, *early], intent)


def nothing_to_book(order: OrderPlan, finding: Finding, row: Document) -> bool:
    """Return whether a document of zero is not posted; its finding then becomes `nothing_to_book`, with the reason.

    docs/business-rules.md#credit-memos: it is posted where its invoice was; otherwise, and if the settings require it, it
    is information.
    """
    if rounded(row.grand_total) or finding.type is not MISSING_IN_ODOO:
        return False
    if order.instance.zero_documents == "information":
        reason = "The setting `zero_documents` is `information`"
    elif row.kind == Kind.CREDIT_MEMO and not _is_invoiced(order):
        reason = "No invoice of the order is in Odoo: there is nothing that it would take back"
    else:
        return False
    finding.type, finding.no_change_reason = FindingType.NOTHING_TO_BOOK, reason
    return True


def _is_invoiced(order: OrderPlan) -> bool:
    """Return whether an invoice of the order is in Odoo, or will be after this plan."""
    return bool(order.active(Side.ODOO, Kind.INVOICE)) or bool(order.planned("odoo_invoice"))


@dataclass(frozen=True)
class EntryKind:
    """Describe how invoices and credit notes differ in a request.

    `apart` and `more` are given the units by item that Odoo's order is without.

    Attributes:
        request_type: The class of its requests.
        name: The kind's name in external ids.
        linked: Whether every line names its order line, or only those of `apart`.
        cells: Return further cells of the head, from the head so far.
        apart: Return the units by item that get a line of their own.
        more: Return further fields of the request.
        problems: Return what prevents the lines.
    """

    kind: Kind
    request_type: type[EntryRequest]
    name: str
    move_type: str
    linked: bool
    cells: Callable[[Sources, CanonicalDocument, PlannedChange, Mapping[str, str | None]], dict[str, str | None]]
    apart: Callable[[Sources, CanonicalDocument, PlannedChange, dict[str, int]], dict[str, int]] = lambda *_: {}
    more: Callable[[Sources, CanonicalDocument, MoneyLines, dict[str, int]], dict[str, Any]] = lambda *_: {}
    problems: Callable[[Sources, CanonicalDocument, MoneyLines], list[RequestProblem]] = lambda *_: []


def prepare_entry(sources: Sources, plan: PlannedChange[EntryIntent], of: EntryKind) -> Prepared:
    """Build the request of a draft with forced taxes, and of its posting once its totals were read back equal.

    `expect` and `quantities` are units of 1/10000. Missing mappings and sums that fail are returned as problems.
    """
    document, order = sources.magento(of.kind, plan.source_id), sources.magento(Kind.ORDER, plan.order_key)
    if document is None or order is None:
        return Prepared(plan, None, problems=[RequestProblem("order", "the document or its order is not staged")])
    without = left_out(sources, order)
    money = money_lines(sources, order, document, of.apart(sources, document, plan, without))
    head, partners, problems = _head(sources, order, document, plan, of)
    lines = [_line(sources, document, line, index, of) for index, line in enumerate(money.lines)]
    problems += of.problems(sources, document, money)
    problems = [*money.problems, *payment_parts(sources, order), *problems]
    if problems:
        return Prepared(plan, None, problems=problems)
    draft = table("account.move", {**head, "fiscal_position_id": money.fiscal_position}, "invoice_line_ids", lines)
    request = of.request_type(
        external_id=_external_id(sources, document, of),
        order=sources.reference(Kind.ORDER, order.source_id),
        partners=partners,
        load=draft,
        post=plan.intent.post,
        closed_period=plan.intent.closed_period,
        date=_day(document),
        expect=money.expect(document.currency),
        quantities=_quantities(document),
        search=_search(sources, order, document),
        dated_today=plan.intent.dated_today or UNSET,
        company=_in_company(document, money, lines),
        **of.more(sources, document, money, without),
    )
    calls = [draft.call()]
    if request.post:
        calls.append(call("account.move", "action_post", ids=[request.external_id]))
    evidence: dict[str, Any] = {"taxes": money.evidence}
    if document.currency != document.company_currency:
        evidence["company_rate"] = head["invoice_currency_rate"] or "of Odoo"
    return Prepared(plan, request, calls, evidence=evidence)


def _in_company(
    document: CanonicalDocument, money: MoneyLines, lines: Sequence[Mapping[str, str]]
) -> CompanyAmounts | UnsetType:
    """Return what the document must show in company currency: Magento's base amounts; UNSET where these are not asked for."""
    if money.company_tax is None:
        return UNSET
    nets = {cells["id"]: line.company_net for cells, line in zip(lines, money.lines, strict=True)}
    return CompanyAmounts(sum(nets.values()), money.company_tax, document.company_currency, nets)


def _external_id(sources: Sources, document: CanonicalDocument, of: EntryKind) -> str:
    return sources.instance.external_id(of.name, document.source_id)


def _day(document: CanonicalDocument) -> str:
    """Return the document's ISO date, or ""."""
    return document.document_date.isoformat() if document.document_date else ""


def _head(
    sources: Sources,
    order: CanonicalDocument,
    document: CanonicalDocument,
    plan: PlannedChange[EntryIntent],
    of: EntryKind,
) -> tuple[dict[str, str | None], tuple[Table, ...], list[RequestProblem]]:
    """Return the cells of the document's head, the tables of partners to create, and the problems."""
    instance = sources.instance
    problems: list[RequestProblem] = []
    currency = sources.master.only("res.currency", document.currency)
    if currency is None:
        problems.append(RequestProblem(f"currency:{document.currency}", f"{document.currency} is not active in Odoo"))
    partner, partners, more = _partner(sources, order)
    foreign = document.company_currency and document.currency != document.company_currency
    rate = figure(document.rate) if foreign else "1"
    head: dict[str, str | None] = {
        "id": _external_id(sources, document, of),
        "move_type": of.move_type,
        **partner,
        "ref": document.number,
        "invoice_origin": f"{instance.odoo.order_number_prefix}{order.number}",
        "invoice_date": _day(document),
        "currency_id/.id": str(currency.id) if currency else "",
        "invoice_currency_rate": "" if takes_odoo_rate(sources, document) else rate,
        "journal_id/.id": _journal(sources, problems),
        **instance.odoo.invoice_values,
    }
    head |= of.cells(sources, order, plan, head)
    return head, partners, [*problems, *more]


def _partner(
    sources: Sources, order: CanonicalDocument
) -> tuple[dict[str, str], tuple[Table, ...], list[RequestProblem]]:
    """Return the cell of the partner, the tables that create it, and the problems.

    The partner is the billing address for an order of ours, and the one that a person chose on an order of theirs. A
    customer who was deleted in Magento leaves registered orders without an id: the partner of the Odoo order is kept
    for them.
    """
    theirs = sources.counterpart(Kind.ORDER, order.source_id)
    deleted = not order.payload.get("customer_id") and order.payload.get("customer_is_guest") in (0, False)
    is_kept = deleted and theirs is not None and theirs.customer_key
    if sources.reference(Kind.ORDER, order.source_id).external_id and not is_kept:
        who = customer(sources, order)
        return {"partner_id/id": who.billing}, who.tables, list(who.problems)
    if theirs is None or not theirs.customer_key:
        return {}, (), [RequestProblem("order", "the matched Odoo order has no customer")]
    return {"partner_id/.id": theirs.customer_key}, (), []


def _line(sources: Sources, document: CanonicalDocument, line: MoneyLine, index: int, of: EntryKind) -> dict[str, str]:
    """Return the cells of one line, by column of `load`.

    Refund lines are not linked to order lines, or Odoo would offer to invoice them again (docs/facts/pair.md#5.5), except
    those of `apart`.
    """
    cells = {
        "id": sources.instance.external_id(of.name, f"{document.source_id}_l{index}"),
        "product_id/.id": str(line.product_id),
        "name": line.name,
        "quantity": figure(line.quantity),
        "price_unit": figure(line.price),
        "discount": figure(line.discount),
        "tax_ids/.id": str(line.tax_id or ""),
        "extra_tax_data": line.extra_tax_data,
    }
    link = order_line_of(sources, document, line) if of.linked or line.apart else None
    if link:
        cells[f"sale_line_ids{link.column}"] = link.cell
    return cells


def order_line_of(sources: Sources, document: CanonicalDocument, line: MoneyLine) -> Reference | None:
    """Return the reference of the sale order line that a line invoices; None when it has none."""
    order_id = str(document.own_order_id or document.order_key)
    if line.source.role == "item":
        return sources.order_line(order_id, str(line.source.item_key))
    if line.source.role in ("shipping", "discount"):
        return sources.shipping_line(order_id, line.source.role)
    if line.source.role == "extra" and not _is_invoiced_in_part(sources, document, line):
        return sources.extra_line(order_id, line.source)
    return None


def _is_invoiced_in_part(sources: Sources, document: CanonicalDocument, line: MoneyLine) -> bool:
    """Return whether an earlier invoice holds a part of an amount of quantity 1: that one has invoiced the piece, whatever it cost.

    Fixed product tax is counted by the pieces of its item, and each invoice has its own.
    """
    order = sources.magento(Kind.ORDER, str(document.own_order_id or document.order_key))
    if order is None or "." in line.source.line_id:
        return False
    return any(
        line.source.line_id in (each.line_id for each in extra_lines(sources, order, other)[0])
        for (side, kind, _), other in sources.documents.items()
        if (side, kind, other.order_key) == (document.side, document.kind, document.order_key)
        and other.active
        and int(other.source_id) < int(document.source_id)
    )


def _journal(sources: Sources, problems: list[RequestProblem]) -> str:
    code = sources.instance.odoo.sales_journal
    record = sources.master.only("account.journal", code) if code else None
    if code and record is None:
        problems.append(RequestProblem(f"journal:{code}", f"Odoo shows the user of the connection no journal {code!r}"))
    return str(record.id) if record else ""


def _quantities(document: CanonicalDocument) -> tuple[Item, ...]:
    lines = [line for line in document.lines if line.role == "item" and line.quantity]
    return tuple(Item(line.item_key or "", line.quantity) for line in lines)


def _search(sources: Sources, order: CanonicalDocument, document: CanonicalDocument) -> EntrySearch:
    """Return the search criteria for the same document created by somebody else (docs/business-rules.md#cut-over)."""
    prefix = sources.instance.odoo.order_number_prefix
    return EntrySearch(
        email=order.customer_email or "",
        references=tuple(sources.instance.written_as(document.number)),
        order_references=tuple(sources.instance.written_as(f"{prefix}{order.number}")),
        date=_day(document),
    )
