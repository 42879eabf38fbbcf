"""Orders into Odoo, and cancellations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from magodoo.errors import FixDocument, MagodooError, UnreadableRecord
from magodoo.extract.odoo_fields import is_intercompany
from magodoo.load.ledger import LeasedChange
from magodoo.load.names import name_of, resolve
from magodoo.load.outcomes import Answers, Found, NotYet, Written, not_shown, refused
from magodoo.load.writer import Writer
from magodoo.load.writers.lookalikes import is_ours, lookalikes
from magodoo.load.writers.odoo_tables import load_all, unequal
from magodoo.money import plain, rounded, to_units
from magodoo.vocabulary import ChangeKind, Kind

if TYPE_CHECKING:
    from magodoo.odoo.client import OdooClient
    from magodoo.pipeline.context import Context

_FIELDS = ("client_order_ref", "origin", "name")
CONFIRMED = ("sale", "done")


class ImportOrders(Writer):
    """Partners, draft orders, their totals compared, then confirmed and dated (facts pair 3)."""

    kind = ChangeKind.ORDER_IMPORT
    document = Kind.ORDER

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        numbers = [number for change in changes for number in change.request["search"]["references"]]
        fields = context.books.text_fields("sale.order", context.instance.odoo.reference_fields) or list(_FIELDS)
        rows = context.books.orders_by_reference(numbers, fields).sure
        ours = {row["external_id"]: row for row in rows if row.get("external_id")}
        new = [change for change in changes if change.request["external_id"] not in ours]
        days = {change.id: date.fromisoformat(day[:10]) for change in new if (day := change.request["date_order"])}
        alike = lookalikes(context, Kind.ORDER, "sale.order", "date_order", days, new)
        answers: Answers = {}
        for change in changes:
            own = ours.get(change.request["external_id"])
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

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        problems: dict[int, MagodooError] = {}
        strict = [change for change in changes if not change.request["create_customer"]]
        partners = {change.id: change.request["partners"][0]["rows"][0][0] for change in strict}
        known = context.books.by_external_ids(sorted(set(partners.values()))) if partners else {}
        for change in strict:
            if partners[change.id] not in known:
                problems[change.id] = refused("the customer is not in Odoo and `customers_missing` is `finding`")
        problems |= self._wait_for_replaced(context, changes)
        return problems

    def _wait_for_replaced(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        """An edited order is confirmed only after the one that it replaces was cancelled (RULES)."""
        replaced = {change.id: change.request["replaces"] for change in changes if change.request.get("replaces")}
        ids = context.books.by_external_ids(sorted(set(replaced.values()))) if replaced else {}
        rows = {row["id"]: row for row in context.books.by_ids("order", list(ids.values())).sure} if ids else {}
        standing = {name for name, number in ids.items() if rows.get(number, {}).get("state") in CONFIRMED}
        return {
            id: NotYet("the order that it replaces is not cancelled in Odoo yet")
            for id, name in replaced.items()
            if name in standing
        }

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        client = context.books
        written: Written = load_partners(context, changes)
        ready = [change for change in changes if change.id not in written]
        ids, problems = load_all(client, client.load_orders, [change.request["load"] for change in ready])
        own = {change.id: ids.get(change.request["external_id"]) for change in ready}
        for change in ready:
            if own[change.id] is None:
                written[change.id] = problems.get(change.request["external_id"], refused("Odoo did not take it"))
        rows = {row["id"]: row for row in client.by_ids("order", [id for id in own.values() if id]).rows}
        for change in ready:
            target = own[change.id]
            if target is None:
                continue
            complaint = _not_as_asked(rows.get(target), change)
            written[change.id] = complaint or target
        self._confirm(context, changes, rows, written)
        return written

    def _confirm(
        self, context: Context, changes: Sequence[LeasedChange], rows: Mapping[int, Mapping[str, Any]], written: Written
    ) -> None:
        client = context.books
        wanted = {
            target: change
            for change in changes
            if change.request["confirm"] and isinstance(target := written[change.id], int)
        }
        pending = [target for target in wanted if rows[target]["state"] not in CONFIRMED]
        over = _over_the_limit(client, {target: wanted[target] for target in pending}, rows)
        written.update({wanted[target].id: refused(reason) for target, reason in over.items()})
        pending = [target for target in pending if target not in over]
        done = client.confirm_orders(pending) if pending else None
        for target, problem in (done.refused if done else {}).items():
            written[wanted[target].id] = problem
        notes = {
            target: str(note)
            for target, change in wanted.items()
            if isinstance(written[change.id], int) and (note := change.request.get("transfer_note"))
        }
        if notes:
            client.note_transfers(notes)
        # Confirming overwrites the date (facts pair 3); an earlier attempt may have stopped right before this.
        dates = {
            target: _moment(change)
            for target, change in wanted.items()
            if isinstance(written[change.id], int) and change.request["date_order"]
        }
        if dates:
            client.set_date_order(dates)

    def pair(self, change: LeasedChange, target_id: int) -> tuple[Kind, str, str] | None:
        return Kind.ORDER, change.source_id, str(target_id)


def _moment(change: LeasedChange) -> datetime:
    return datetime.strptime(change.request["date_order"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def _over_the_limit(
    client: OdooClient, orders: Mapping[int, LeasedChange], rows: Mapping[int, Mapping[str, Any]]
) -> dict[int, str]:
    """Orders that the customer's credit limit does not bear: they stay quotations (RULES, *Credit memos*). Reasons by order."""
    owed = {target: change.request["on_credit"] for target, change in orders.items() if change.request["on_credit"]}
    partners = {target: int(rows[target]["partner_id"]["id"]) for target in owed}
    known = client.credit_left(list(partners.values()))
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


class CancelOrders(Writer):
    """Cancel in Odoo what Magento cancelled, while nothing is invoiced or delivered there."""

    kind = ChangeKind.ORDER_CANCEL
    document = Kind.ORDER
    many_steps = False

    def probe(self, context: Context, changes: Sequence[LeasedChange]) -> Answers:
        rows = _order_rows(context, changes)
        return {
            change.id: Found(row["id"], complete=True, before={"state": row["state"]})
            for change in changes
            if (row := rows.get(name_of(change.request["order"]))) and row["state"] == "cancel"
        }

    def check(self, context: Context, changes: Sequence[LeasedChange]) -> dict[int, MagodooError]:
        rows = _order_rows(context, changes)
        shared = context.books.shared_transfers([row["id"] for row in rows.values()]) if rows else {}
        problems: dict[int, MagodooError] = {}
        for change in changes:
            row = rows.get(name_of(change.request["order"]))
            if row is None:
                problems[change.id] = NotYet("the order is not in Odoo yet")
            elif transfers := shared[row["id"]]:
                problems[change.id] = NotYet(
                    f"{', '.join(transfers)} carries its goods with those of other orders, and Odoo would cancel them all: "
                    "take them apart in Odoo first"
                )
            elif any(to_units(line["qty_invoiced"]) or to_units(line["qty_delivered"]) for line in row["order_line"]):
                problems[change.id] = refused("in Odoo the order is invoiced or delivered already: a person decides")
            elif row.get("invoice_ids"):
                problems[change.id] = refused("in Odoo the order has an invoice already: a person decides")
        return problems

    def write(self, context: Context, changes: Sequence[LeasedChange]) -> Written:
        rows = _order_rows(context, changes)
        ids = {change.id: int(rows[name_of(change.request["order"])]["id"]) for change in changes}
        done = context.books.cancel_orders(list(ids.values()))
        return {change: done.refused.get(target, target) for change, target in ids.items()}


def _order_rows(context: Context, changes: Sequence[LeasedChange]) -> dict[str, Mapping[str, Any]]:
    ids = resolve(context, changes, [change.request["order"] for change in changes])
    rows = {row["id"]: row for row in context.books.by_ids("order", sorted(set(ids.values()))).sure}
    return {name: rows[id] for name, id in ids.items() if id in rows}


def load_partners(context: Context, changes: Sequence[LeasedChange]) -> Written:
    """Partners first, then their addresses; an order whose partner is refused is refused with it.

    One of a customer who is there and may not be read, or who is another company's, waits: nothing is loaded below him.
    """
    client = context.books
    written: Written = {}
    for level in (slice(0, 1), slice(1, None)):
        tables = {change.id: change.request["partners"][level] for change in changes if change.id not in written}
        if not any(tables.values()):
            continue
        ids, problems = load_all(client, client.load_partners, [table for some in tables.values() for table in some])
        hidden = client.hidden("res.partner", ids.values())
        problems |= {name: UnreadableRecord(hidden[id], system="odoo") for name, id in ids.items() if id in hidden}
        for change, some in tables.items():
            blamed = [problems[name] for table in some if (name := table["rows"][0][0]) in problems]
            if blamed:
                written[change] = blamed[0]
    return written


def _not_as_asked(row: Mapping[str, Any] | None, change: LeasedChange) -> MagodooError | None:
    if row is None:
        return not_shown("order")
    if row["state"] in CONFIRMED:
        return None
    if row["state"] == "cancel":
        return refused("the order was cancelled in Odoo")
    complaint = unequal(row, change.request["expect"])
    if complaint and rounded(change.amount) > rounded(change.request["expect"]["total"]):
        complaint += " without what was cancelled there: take that off the quotation in Odoo and confirm it there"
    return refused(complaint) if complaint else None


def _is_others(context: Context, row: Mapping[str, Any]) -> bool:
    """Whether others made the order for the customer: neither we, nor another company for its own."""
    return not is_ours(context, row) and not is_intercompany(row)


def _mentions(row: Mapping[str, Any], change: LeasedChange, fields: Sequence[str]) -> bool:
    return any(row.get(field) in change.request["search"]["references"] for field in fields)


def _own_state(row: Mapping[str, Any], change: LeasedChange) -> Found | MagodooError:
    if row["state"] == "cancel":
        return refused("the order was cancelled in Odoo")
    complete = row["state"] in CONFIRMED or not change.request["confirm"]
    dated = not change.request["confirm"] or row.get("date_order") == change.request["date_order"]
    return Found(row["id"], complete=complete and dated, before={"state": row["state"]})


def _judge_foreign(rows: Sequence[Mapping[str, Any]], change: LeasedChange) -> Found | FixDocument:
    """Adopt the one order that somebody else made of this one; anything less clear is for a person."""
    names = ", ".join(str(row["name"]) for row in rows)
    equal = [
        row for row in rows
        if row["state"] != "cancel" and to_units(row["amount_total"]) == change.request["expect"]["total"]
        and (row.get("currency_id") or {}).get("name") == change.request["expect"]["currency"]
    ]  # fmt: skip
    if len(rows) == 1 and equal:
        row = rows[0]
        return Found(row["id"], complete=True, adopted=True, before={"state": row["state"]})
    return refused(f"possible duplicate: {names} in Odoo carries this order's number and is not of ours")
