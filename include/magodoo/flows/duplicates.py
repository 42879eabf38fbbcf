"""Find duplicate candidates: documents that others created in Odoo for the same sale, without its number (docs/business-rules.md#cut-over).

A matched document is never a duplicate, and nothing is adopted twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import text

from magodoo.domain.vocabulary import Kind, Side
from magodoo.extract.odoo_fields import references
from magodoo.flows.load_tables import ExpectedTotals, Table
from magodoo.ledger.changes import LeasedChange
from magodoo.ledger.planned import Request
from magodoo.money import from_units, to_units
from magodoo.staging.completeness import ORDER_NUMBER

if TYPE_CHECKING:
    from magodoo.context import Context


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold the search criteria for the same document created by somebody else (docs/business-rules.md#cut-over).

    Attributes:
        email: The customer's, or "".
        references: What a reference field holds that names it.
    """

    email: str
    references: tuple[str, ...]

    @property
    def own_numbers(self) -> set[str]:
        """Return the numbers by which a record may name this sale."""
        return set(self.references)


class SaleRequest(Request, frozen=True, kw_only=True):
    """Hold what orders, invoices and credit notes request alike.

    Attributes:
        partners: The customer's tables, partner first.
        load: The draft with its lines.
        expect: The totals that the draft must have.
    """

    external_id: str
    partners: tuple[Table, ...]
    load: Table
    expect: ExpectedTotals
    search: Search


Sale = LeasedChange[SaleRequest]


def duplicate_candidates(
    context: Context, kind: Kind, model: str, dated: str, days: Mapping[int, date], changes: Sequence[Sale], *conditions: Any
) -> dict[int, list[Row]]:  # fmt: skip
    """Return, by change id, others' unmatched records of the same customer, currency and total within 30 days that name no other order.

    - kind, model: of the records, as `by_ids` reads them.
    - dated: the field of their day; a draft may have none yet.
    - days: by id of the changes that have one.
    - conditions: further ones of the search, as Odoo's domains have them.

    The search is by customer, as few records have the same customer while many have the same total; a limit would cut
    off what is searched.
    """
    customers = _of_customers(changes)
    if not days or not customers:
        return {}
    client = context.odoo
    since, until = min(days.values()) - NEARBY, max(days.values()) + NEARBY + timedelta(days=1)
    domain = [
        *client.rpc.company_domain(model),
        ["amount_total", "in", sorted({from_units(change.request.expect.total) for change in changes})],
        *("|", "&", [dated, ">=", f"{since}"], [dated, "<", f"{until}"]),
        *("&", [dated, "=", False], ["create_date", ">=", f"{since}"]),
        *customers,
        *conditions,
    ]
    ids = client.rpc.call(model, "search", domain=domain, order="id")
    rows = [row for row in client.documents.by_ids(kind.value, ids).sure if not is_ours(context, row)] if ids else []
    known = matched(context, Side.ODOO, kind, [row["id"] for row in rows])
    words = {row["id"]: set(references(context.instance, row)) for row in rows if row["id"] not in known}
    numbers = _order_numbers(context, set().union(*words.values()))
    return {
        change.id: [
            row for row in rows
            if row["id"] in words and _is_alike(row, change, row[dated], days.get(change.id))
            and not (words[row["id"]] & numbers).difference(change.request.search.own_numbers)
        ]
        for change in changes
    }  # fmt: skip


Row = Mapping[str, Any]
NEARBY = timedelta(days=30)


def is_ours(context: Context, row: Row) -> bool:
    """Return whether we gave the record its external id; other connectors and imports give theirs."""
    return str(row.get("external_id") or "").startswith(f"{context.instance.odoo.prefix}.")


def _of_customers(changes: Iterable[Sale]) -> list[Any]:
    """Return the condition that a record is of one of the customers, by e-mail without regard to case; [] when none has one."""
    emails = sorted({change.request.search.email.lower() for change in changes} - {""})
    literally = [re.sub(r"([\\%_])", r"\\\1", email) for email in emails]
    return ["|"] * (len(emails) - 1) + [["partner_id.email", "=ilike", email] for email in literally]


def _is_alike(row: Row, change: Sale, dated: str | bool, day: date | None) -> bool:
    expect = change.request.expect
    email = str((row.get("partner_id") or {}).get("email") or "").lower()
    return (
        day is not None
        and (not dated or abs(date.fromisoformat(str(dated)[:10]) - day) <= NEARBY)
        and email == change.request.search.email.lower() != ""
        and to_units(row["amount_total"]) == expect.total
        and (row.get("currency_id") or {}).get("name") == expect.currency
    )


def _order_numbers(context: Context, words: Iterable[str]) -> set[str]:
    """Return those of the words that are numbers of Magento orders: a record with such a number belongs to that order.

    An order from before the cut-over that was not changed since is not staged: it is read from Magento.
    """
    prefix, stores = context.instance.odoo.order_number_prefix, context.instance.stores or None
    by_number = {word.removeprefix(prefix): word for word in words if word.startswith(prefix)}
    statement = "select number from document where instance = :instance and side = 'magento' and kind = 'order' and number = any(:numbers)"
    with context.engine.connect() as connection:
        found = connection.scalars(text(statement), {"instance": context.instance.id, "numbers": list(by_number)}).all()
    unknown = sorted(number for number in set(by_number).difference(found) if re.search(ORDER_NUMBER, number))
    asked = context.magento.orders_by_increment(unknown, stores, or_no_store=True)[0] if unknown else ()
    return {by_number[number] for number in (*found, *(str(row["increment_id"]) for row in asked))}


_MATCHED = {
    side: f"select {side}_id from pair where instance = :instance and kind = :kind and {side}_id = any(:ids) and ended_at is null"
    for side in Side
}


def matched(context: Context, side: Side, kind: Kind, ids: Iterable[int]) -> set[int]:
    """Return which of these ids of one side are matched with a document of the other."""
    values = {"instance": context.instance.id, "kind": kind.value, "ids": [str(number) for number in ids]}
    with context.engine.connect() as connection:
        return {int(number) for (number,) in connection.execute(text(_MATCHED[side]), values)}
