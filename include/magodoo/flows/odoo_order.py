"""Magento order -> sale order in Odoo.

Planned for an order that is missing in Odoo and that the settings import, and for a quotation of ours once the order has
progressed in Magento. The request has the partner with the addresses, the draft order with its lines, and the date.
The order is written as a draft, its totals are compared to the cent, then it is confirmed and given its own date
again (docs/facts/pair.md#3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, UnsetType

from magodoo.domain.kinds import ChangeKind
from magodoo.domain.states import CANCELLED_IN_ODOO, CONFIRMED_IN_ODOO, QUOTATION, MagentoOrderState, OdooOrderState
from magodoo.domain.vocabulary import Kind
from magodoo.errors import FixDocument, MagodooError
from magodoo.extract.canonical import CanonicalDocument
from magodoo.extract.odoo_fields import is_intercompany
from magodoo.extract.written import transfer_note
from magodoo.flows import order_drafts, order_readiness
from magodoo.flows.customers import customer, load_partners
from magodoo.flows.duplicates import SaleRequest, Search, duplicate_candidates, is_ours
from magodoo.flows.extra_amounts import payment_parts
from magodoo.flows.line_amounts import MoneyLine, decimals_of, money_lines
from magodoo.flows.load_tables import call, figure, load_all, table, unequal
from magodoo.flows.order_cents import cents_problem, is_rounded, refusal
from magodoo.flows.order_contents import nothing_left, remaining
from magodoo.flows.order_plan import MISSING_IN_ODOO, STATUS_MISMATCH, OrderPlan, first_reason
from magodoo.flows.order_readiness import held_in_magento
from magodoo.flows.registry import Flow, register
from magodoo.flows.sources import Sources
from magodoo.ledger.behaviour import Answers, DependencyPending, Found, Writer, Written, not_shown, refused
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Prepared, RequestProblem
from magodoo.money import plain, rounded, to_units

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.context import Context
    from magodoo.ledger.planned import PlannedChange


@dataclass(frozen=True)
class OrderIntent:
    """Hold how an order is imported.

    Attributes:
        confirm: Whether it is confirmed; otherwise it is imported as a quotation.
        replaces: Magento's id of the order that it replaces, which was edited.
    """

    confirm: bool = True
    replaces: int | None = None


class OrderRequest(SaleRequest, frozen=True, kw_only=True):
    """Hold an order with its customer.

    Attributes:
        number: Its number as Odoo's reference fields hold it.
        create_customer: Whether a customer who is not in Odoo is created.
        confirm: Whether it is confirmed once its totals were read back equal.
        date_order: When it was placed, in UTC as Odoo writes it, or "".
        on_credit: Units of the company currency that the customer owes for it; None where it is paid otherwise.
        replaces: The external id of the order that it replaces, which is cancelled first.
        transfer_note: What the customer wrote, for its transfers.
    """

    number: str
    create_customer: bool
    confirm: bool
    date_order: str
    on_credit: int | None
    replaces: str | None = None
    transfer_note: str | UnsetType = UNSET


Change = LeasedChange[OrderRequest]


def plan_order(order: OrderPlan) -> None:
    """Plan the import of an order that is missing in Odoo, or the confirmation of a quotation of ours.

    Planned for the findings `missing_in_odoo` of the order and `status_mismatch` with part `draft`. Not planned for
    an order from before the cut-over, one that Magento holds, one that could not be read, one that the settings keep
    out, a blocked one, and one that replaces an order which nothing will cancel: the finding keeps the first of these
    reasons.
    """
    view, row = order.facts.situation.view, order.order
    for finding in (*order.of(MISSING_IN_ODOO, Kind.ORDER), *order.of(STATUS_MISMATCH, Kind.ORDER, "draft")):
        reason = first_reason(
            order.cut_over(row), held_in_magento(order), order.unreadable(Kind.ORDER), order_readiness.why_kept_out(order), order.blocked(row),
            _replaced_order(order),
        )  # fmt: skip
        if reason:
            finding.no_change_reason = reason
            finding.next_step = (
                order_readiness.kept_out_advice(order) if reason == order_readiness.why_kept_out(order) else ""
            )
            continue
        confirm = view.imported_as(row.state, row.payment_method) == "confirmed"
        intent = OrderIntent(confirm, replaces=int(row.edit_of) or None)
        order.change(ChangeKind.ORDER_IMPORT, row, [finding], intent)


def _replaced_order(order: OrderPlan) -> str | None:
    """Return why an edited order cannot be imported: nothing will cancel the order that it replaces; None when it can be.

    The predecessor is cancelled in Odoo only if nothing of it is posted or done, and before the new order is
    confirmed. The new order would wait forever for one that is never cancelled.
    """
    situation = order.facts.situation
    if not order.order.edit_of:
        return None
    view = situation.view
    keys = view.column("order_key") == int(order.order.edit_of)
    old = keys & situation.odoo_orders & ~view.word_is("state", CANCELLED_IN_ODOO)
    moved = keys & ~view.is_magento & situation.is_document & view.active
    if old.any() and moved.any():
        return "The order that it replaces is invoiced or delivered in Odoo: a person decides"
    if (keys & situation.odoo_orders & view.word_is("state", CONFIRMED_IN_ODOO)).any():
        if not order.instance.orders.cancel:
            return "The order that it replaces stands in Odoo, and the setting `orders.cancel` is off"
        if not (
            keys & view.is_magento & view.word_is("state", {MagentoOrderState.CANCELED}) & ~view.before_cut_over
        ).any():
            return "The order that it replaces stands in Odoo and is not cancelled automatically: a person decides"
    return None


def prepare_order(sources: Sources, plan: PlannedChange[OrderIntent]) -> Prepared:
    """Build the request of an import: partner and addresses, the draft order with its lines, confirmation, and the order's own date.

    Totals under `expect` are units of 1/10000; `date_order` is UTC, as Odoo stores it. What cannot be mapped is
    returned as problems.
    """
    order = sources.magento(Kind.ORDER, plan.source_id)
    if order is None:
        return Prepared(plan, None, problems=[RequestProblem("order", "the order is not staged")])
    order = remaining(order, decimals_of(sources, order.currency))
    instance, who, money = sources.instance, customer(sources, order), money_lines(sources, order, order)
    external_id = instance.external_id("order", order.source_id)
    number = f"{instance.odoo.order_number_prefix}{order.number}"
    created = order.created_at.strftime("%Y-%m-%d %H:%M:%S") if order.created_at else ""
    pricelist, problems = _pricelist(sources, order)
    head = {
        "id": external_id,
        "partner_id/id": who.partner,
        "partner_invoice_id/id": who.billing,
        "partner_shipping_id/id": who.shipping,
        "client_order_ref": number,
        "origin": number,
        "date_order": created,
        "pricelist_id/.id": pricelist,
        "carrier_id/.id": _carrier(sources, order),
        "team_id/.id": str(instance.odoo.sales_team_id or ""),
        "fiscal_position_id": money.fiscal_position,  # empty on purpose without one: Odoo would choose one by the country
        "payment_term_id": _payment_term(sources, order),
        **instance.odoo.order_values,
    }
    cents = cents_problem(sources, order, money)
    problems = [*nothing_left(order), *who.problems, *money.problems, *cents, *payment_parts(sources, order), *problems]
    if problems:
        return Prepared(plan, None, problems=problems)
    replaces = plan.intent.replaces
    request = OrderRequest(
        external_id=external_id,
        number=number,
        partners=who.tables,
        create_customer=instance.customers_missing == "create",
        load=table("sale.order", head, "order_line", [_line(sources, order, line) for line in money.lines]),
        confirm=plan.intent.confirm,
        date_order=created,
        on_credit=rounded(order.base_grand_total) if _is_on_credit(sources, order) else None,
        replaces=instance.external_id("order", str(replaces)) if replaces else None,
        expect=money.expect(order.currency),
        search=Search(email=order.customer_email or "", references=tuple(instance.written_as(number))),
        transfer_note=transfer_note(order.payload) or UNSET,
    )
    return Prepared(plan, request, _calls(request), evidence={"taxes": money.evidence})


def _line(sources: Sources, order: CanonicalDocument, line: MoneyLine) -> dict[str, str]:
    """Return the cells of one order line, by column of `load`."""
    instance, source = sources.instance, line.source
    name = {"shipping": "oship", "discount": "osd"}.get(source.role)
    external_id = instance.external_id(name, order.source_id) if name else instance.external_id("oi", source.item_key)
    if source.role == "extra":
        link = sources.extra_line(order.source_id, source)
        external_id = link.cell if link else ""
    return {
        "id": external_id,
        "product_id/.id": str(line.product_id),
        "name": line.name,
        "product_uom_qty": figure(line.quantity),
        "price_unit": figure(line.price),
        "discount": figure(line.discount),
        "tax_ids/.id": str(line.tax_id or ""),
        "extra_tax_data": line.extra_tax_data,
        "is_delivery": "1" if source.role == "shipping" else "",
    }


def _pricelist(sources: Sources, order: CanonicalDocument) -> tuple[str, list[RequestProblem]]:
    """Return the database id of the pricelist as a cell, and the problem when none is certain.

    The pricelist decides the order's currency, whatever is passed beside it (docs/facts/pair.md#6). Without a mapping the
    only active pricelist in the order's currency is taken.
    """
    name = sources.instance.odoo.pricelists.get(order.currency)
    found = sources.master.only("product.pricelist", name) if name else None
    if found:
        return str(found.id), []
    if name is None:
        listed = sources.master.keys("product.pricelist")
        fitting = [
            record
            for key in listed
            for record in sources.master.active("product.pricelist", key)
            if _currency_of(record.data) == order.currency
        ]
        if len(fitting) == 1:
            return str(fitting[0].id), []
    return "", [RequestProblem(f"currency:{order.currency}", f"no pricelist is mapped for {order.currency}")]


def _currency_of(data: object) -> str:
    value = data.get("currency") or data.get("currency_id") if isinstance(data, dict) else None
    return str(value[1]) if isinstance(value, list | tuple) and len(value) == 2 else str(value or "")


def _carrier(sources: Sources, order: CanonicalDocument) -> str:
    """Return the delivery method mapped to the shipping method's carrier (`flatrate_flatrate`: flatrate) as a cell; "" without one."""
    assignments = (order.payload.get("extension_attributes") or {}).get("shipping_assignments") or [{}]
    method = str((assignments[0].get("shipping") or {}).get("method") or "")
    mapped = sources.instance.odoo.carriers
    name = mapped.get(method) or mapped.get(method.split("_")[0])
    record = sources.master.only("delivery.carrier", name) if name else None
    return str(record.id) if record else ""


def _is_on_credit(sources: Sources, order: CanonicalDocument) -> bool:
    """Return whether the customer still owes the order: no provider captures its payment, and no invoice in Magento means that it is paid."""
    method = sources.instance.payment_methods.get(order.payment_method or "")
    return method is None or not (method.captured_by_provider or method.invoice_means_paid)


def _payment_term(sources: Sources, order: CanonicalDocument) -> str:
    method = sources.instance.payment_methods.get(order.payment_method or "")
    return (method.payment_term if method else None) or ""


def _calls(request: OrderRequest) -> list[dict[str, object]]:
    """Return the calls of the request, in order, as a dry run shows them."""
    external_id = request.external_id
    calls = [table.call() for table in (*request.partners, request.load)]
    if request.confirm:
        calls.append(call("sale.order", "action_confirm", ids=[external_id]))
        if note := request.transfer_note:
            calls.append(call("stock.picking", "write", ids=[f"transfers of {external_id}"], vals={"note": note}))
        calls.append(call("sale.order", "write", ids=[external_id], vals={"date_order": request.date_order}))
    return calls


_FIELDS = ("client_order_ref", "origin", "name")


class ImportOrders(Writer[OrderRequest]):
    """Load partners and draft orders, compare their totals, then confirm and date the orders (docs/facts/pair.md#3)."""

    kind = ChangeKind.ORDER_IMPORT
    request_type = OrderRequest
    document = Kind.ORDER

    def probe(self, context: Context, changes: Sequence[Change]) -> Answers:
        """Find each order by our external id, else by its number in Odoo's reference fields, else as a duplicate candidate.

        An order of others with this number is adopted when it is the only one and has the same total; otherwise the
        change is refused.
        """
        numbers = [number for change in changes for number in change.request.search.references]
        fields = context.odoo.documents.text_fields("sale.order", context.instance.odoo.reference_fields) or list(
            _FIELDS
        )
        rows = context.odoo.documents.by_reference("order", numbers, fields).sure
        ours = {row["external_id"]: row for row in rows if row.get("external_id")}
        new = [change for change in changes if change.request.external_id not in ours]
        days = {change.id: date.fromisoformat(day[:10]) for change in new if (day := change.request.date_order)}
        alike = duplicate_candidates(context, Kind.ORDER, "sale.order", "date_order", days, new)
        answers: Answers = {}
        for change in changes:
            own = ours.get(change.request.external_id)
            theirs = [row for row in rows if _is_others(context, row) and _mentions(row, change, fields)]
            if own is not None:
                answers[change.id] = _own_state(own, change)
            elif theirs:
                answers[change.id] = _judge_foreign(theirs, change)
            elif alike.get(change.id):
                names = ", ".join(str(row["name"]) for row in alike[change.id])
                answers[change.id] = refused(
                    f"possible duplicate: {names} in Odoo has the same customer and total and names no other order"
                )
        return answers

    def check(self, context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
        """Refuse orders whose customer is missing where `customers_missing` is `finding`, and those that Odoo would not come to the cent with.

        Hold those whose predecessor is not cancelled yet.
        """
        problems: dict[int, MagodooError] = {}
        strict = [change for change in changes if not change.request.create_customer]
        partners = {change.id: change.request.partners[0].rows[0][0] for change in strict}
        known = context.odoo.external_ids.find(sorted(set(partners.values()))) if partners else {}
        for change in strict:
            if partners[change.id] not in known:
                problems[change.id] = refused("the customer is not in Odoo and `customers_missing` is `finding`")
        for change in changes:
            if why := refusal(context.odoo, change.request.load, change.request.expect):
                problems[change.id] = refused(why)
        problems |= self._wait_for_replaced(context, changes)
        return problems

    def _wait_for_replaced(self, context: Context, changes: Sequence[Change]) -> dict[int, MagodooError]:
        """Return `DependencyPending` by change id while the order that an edited order replaces is still confirmed in Odoo."""
        replaced = {change.id: change.request.replaces for change in changes if change.request.replaces}
        ids = context.odoo.external_ids.find(sorted(set(replaced.values()))) if replaced else {}
        rows = (
            {row["id"]: row for row in context.odoo.documents.by_ids("order", list(ids.values())).sure} if ids else {}
        )
        standing = {name for name, number in ids.items() if rows.get(number, {}).get("state") in CONFIRMED_IN_ODOO}
        return {
            id: DependencyPending("the order that it replaces is not cancelled in Odoo yet")
            for id, name in replaced.items()
            if name in standing
        }

    def write(self, context: Context, changes: Sequence[Change]) -> Written:
        """Load partners, then draft orders; confirm those whose totals are equal. A repeated call continues what exists."""
        client = context.odoo
        written: Written = load_partners(context, changes)
        ready = [change for change in changes if change.id not in written]
        ids, problems = load_all(client, client.orders.create, [change.request.load for change in ready])
        own = {change.id: ids.get(change.request.external_id) for change in ready}
        for change in ready:
            if own[change.id] is None:
                written[change.id] = problems.get(change.request.external_id, refused("Odoo did not take it"))
        made = {target: change for change in ready if (target := own[change.id]) is not None}
        rows: dict[int, Mapping[str, Any]] = {
            row["id"]: row for row in client.documents.by_ids("order", list(made)).rows
        }
        stale = {
            target: change
            for target, change in made.items()
            if (row := rows.get(target)) and row["state"] in QUOTATION and _not_as_asked(client, row, change)
        }
        renewed, kept = order_drafts.renew(context, self.kind, stale)
        rows |= renewed
        for target, change in made.items():
            complaint = kept.get(target) or _not_as_asked(client, rows.get(target), change)
            written[change.id] = complaint or target
        self._confirm(context, changes, rows, written)
        return written

    def _confirm(
        self, context: Context, changes: Sequence[Change], rows: Mapping[int, Mapping[str, Any]], written: Written
    ) -> None:
        """Confirm the written drafts within the credit limit, add the transfer note, and set the order date; refusals go into `written`."""
        client = context.odoo
        wanted = {
            target: change
            for change in changes
            if change.request.confirm and isinstance(target := written[change.id], int)
        }
        pending = [target for target in wanted if rows[target]["state"] not in CONFIRMED_IN_ODOO]
        over = _over_the_limit(client, {target: wanted[target] for target in pending}, rows)
        written.update({wanted[target].id: refused(reason) for target, reason in over.items()})
        pending = [target for target in pending if target not in over]
        done = client.orders.confirm(pending) if pending else None
        for target, problem in (done.refused if done else {}).items():
            written[wanted[target].id] = problem
        notes = {
            target: note
            for target, change in wanted.items()
            if isinstance(written[change.id], int) and (note := change.request.transfer_note)
        }
        if notes:
            client.deliveries.add_notes(notes)
        # Confirming overwrites the date (docs/facts/pair.md#3); an earlier attempt may have stopped right before this.
        dates = {
            target: _moment(change)
            for target, change in wanted.items()
            if isinstance(written[change.id], int) and change.request.date_order
        }
        if dates:
            client.orders.set_dates(dates)

    def pair(self, change: Change, target_id: int) -> tuple[Kind, str, str] | None:
        """Return the match of the Magento order with the written sale order."""
        return Kind.ORDER, change.source_id, str(target_id)


def _moment(change: Change) -> datetime:
    """Return the order date of the request as an aware datetime in UTC."""
    return datetime.strptime(change.request.date_order, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _over_the_limit(
    client: OdooClient, orders: Mapping[int, Change], rows: Mapping[int, Mapping[str, Any]]
) -> dict[int, str]:
    """Return, by order id, why the customer's credit limit does not cover the order: it stays a quotation (docs/business-rules.md#credit-memos).

    Several orders of one customer are counted in turn against the remaining limit, in units of the company currency.
    """
    owed = {target: change.request.on_credit for target, change in orders.items() if change.request.on_credit}
    partners = {target: int(rows[target]["partner_id"]["id"]) for target in owed}
    known = client.customers.credit_left(list(partners.values()))
    left = {head: to_units(credit) for head, credit in known.values()}
    over: dict[int, str] = {}
    for target, amount in owed.items():
        if partners[target] not in known:
            continue
        head = known[partners[target]][0]
        if amount > left[head]:
            over[target] = (
                f"over the credit limit: the customer has {plain(max(left[head], 0))} left and the order is {plain(amount)};"
                " it stays a quotation until a person confirms it in Odoo"
            )
        else:
            left[head] -= amount
    return over


def _not_as_asked(client: OdooClient, row: Mapping[str, Any] | None, change: Change) -> MagodooError | None:
    """Return why a loaded draft may not be confirmed: it cannot be read, was cancelled, or its totals differ; None when it may.

    Tax that an Odoo before 19 rounded itself is no difference.
    """
    if row is None:
        return not_shown("order")
    if row["state"] in CONFIRMED_IN_ODOO:
        return None
    if row["state"] == OdooOrderState.CANCEL:
        return refused("the order was cancelled in Odoo")
    complaint = unequal(row, change.request.expect)
    if complaint and is_rounded(client, row, change.request.load, change.request.expect):
        return None
    if complaint and rounded(change.amount) > rounded(change.request.expect.total):
        complaint += " without what was cancelled there: take that off the quotation in Odoo and confirm it there"
    return refused(complaint) if complaint else None


def _is_others(context: Context, row: Mapping[str, Any]) -> bool:
    """Return whether somebody else made the order for the customer: it is neither ours nor an intercompany order."""
    return not is_ours(context, row) and not is_intercompany(row)


def _mentions(row: Mapping[str, Any], change: Change, fields: Sequence[str]) -> bool:
    return any(row.get(field) in change.request.search.references for field in fields)


def _own_state(row: Mapping[str, Any], change: Change) -> Found | MagodooError:
    """Return the progress of our own order; refuse a cancelled one.

    It is complete once it is confirmed and has Magento's date; a quotation that is not to be confirmed is complete at
    once.
    """
    if row["state"] == OdooOrderState.CANCEL:
        return refused("the order was cancelled in Odoo")
    complete = row["state"] in CONFIRMED_IN_ODOO or not change.request.confirm
    dated = not change.request.confirm or row.get("date_order") == change.request.date_order
    return Found(row["id"], complete=complete and dated, before={"state": row["state"]})


def _judge_foreign(rows: Sequence[Mapping[str, Any]], change: Change) -> Found | FixDocument:
    """Adopt the only order that somebody else created for this sale; refuse anything ambiguous, which a person has to decide."""
    names = ", ".join(str(row["name"]) for row in rows)
    equal = [
        row for row in rows
        if row["state"] != OdooOrderState.CANCEL and to_units(row["amount_total"]) == change.request.expect.total
        and (row.get("currency_id") or {}).get("name") == change.request.expect.currency
    ]  # fmt: skip
    if len(rows) == 1 and equal:
        row = rows[0]
        return Found(row["id"], complete=True, adopted=True, before={"state": row["state"]})
    return refused(f"possible duplicate: {names} in Odoo carries this order's number and is not of ours")


register(Flow(ChangeKind.ORDER_IMPORT, plan_order, prepare_order, ImportOrders(), from_payload=True))
