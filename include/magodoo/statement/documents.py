"""Read the staged invoices and credit memos of a month, with their counterparts, open findings and facts of their orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import Kind, OrderScope, Side
from magodoo.settings import Instance
from magodoo.statement.figures import Cell, Figures, LineSum, charged, split, written
from magodoo.statement.periods import Month

MONEY_KINDS = (Kind.INVOICE.value, Kind.CREDIT_MEMO.value)
Key = tuple[str, str, str]  # side, kind, source id


@dataclass(frozen=True)
class Document:
    """One staged invoice or credit memo; amounts are units of 1/10000 in `currency`, positive on both kinds.

    Attributes:
        day: Decides the month: the local day on which Magento created it, or Odoo's accounting date; None: not posted.
        is_active: Whether the document is active and not deleted.
        partner: Source id of the matched document of the other side.
        by_rate: Its figures by the rates of its lines, also where they are `as charged` in `figures`.
    """

    side: str
    kind: str
    id: str
    number: str
    order_key: str
    order_number: str
    currency: str
    figures: Figures
    day: date | None
    state: str = ""
    is_active: bool = True
    scope: str = OrderScope.IN_SCOPE
    early_order: bool = False  # its order was placed before `books_from`, the cut-over
    early: bool = False  # the document itself is from before `books_from`
    base_total: int = 0
    base_tax: int = 0
    company_currency: str = ""
    invoice_date: date | None = None
    journal: str = ""
    partner: str | None = None
    by_rate: Figures = field(default_factory=Figures)
    adjustment: int = 0  # of a credit memo, without the tax on it
    shared_orders: tuple[str, ...] = ()  # of an Odoo invoice over several orders: the keys of all of them

    @property
    def key(self) -> Key:
        """Return side, kind and source id, unique within an instance."""
        return self.side, self.kind, self.id

    @property
    def of_magento(self) -> bool:
        """Return whether it is a document of Magento."""
        return self.side == Side.MAGENTO.value

    @property
    def total(self) -> int:
        """Return the total with tax in units of 1/10000."""
        return self.figures.total


@dataclass(frozen=True)
class Found:
    """An open finding about a document of the month, with the columns that the statement needs. Amounts are units of 1/10000."""

    id: int
    type: str
    kind: str
    order_key: str
    magento_id: str | None
    odoo_id: str | None
    magento_amount: int | None
    odoo_amount: int | None
    muted: bool = False


@dataclass(frozen=True)
class Sales:
    """Everything staged from which a month's statement is computed."""

    month: Month
    documents: Mapping[Key, Document]
    findings: Sequence[Found] = field(default_factory=tuple)

    def in_month(self, side: Side) -> list[Document]:
        """Return the documents of a side that are active, not deleted, and whose day is in the month."""
        return self._in_month[side.value]

    @cached_property
    def _in_month(self) -> Mapping[str, list[Document]]:
        found: dict[str, list[Document]] = {side.value: [] for side in Side}
        for one in self.documents.values():
            if one.is_active and self.month.holds(one.day):
                found[one.side].append(one)
        return found

    def partner(self, document: Document) -> Document | None:
        """Return the counterpart; None unless it is matched and staged."""
        if document.partner is None:
            return None
        other = Side(document.side).other.value
        return self.documents.get((other, document.kind, document.partner))


# The documents whose day is in the month; binds the parameters of `bounds`.
OF_MONTH = """
        select side, kind, source_id from document where instance = :instance and kind = any(:kinds) and deleted_at is null and active
            and (side = 'magento' and created_at >= :begins and created_at < :ends
                or side = 'odoo' and accounting_date between :first and :last and (order_key is not null or details ? 'without_order'))"""
# The documents of the month, their counterparts, and for Odoo invoices over several orders all invoices of these orders.
_CONCERNED = f"""
    of_month as ({OF_MONTH}),
    matched as (
        select p.kind, p.magento_id, p.odoo_id from pair p where p.instance = :instance and p.ended_at is null and p.kind = any(:kinds)
            and (exists (select 1 from of_month m where m.side = 'magento' and m.kind = p.kind and m.source_id = p.magento_id)
                or exists (select 1 from of_month m where m.side = 'odoo' and m.kind = p.kind and m.source_id = p.odoo_id))),
    several as (
        select c.source_id, o.order_key from document c cross join lateral jsonb_array_elements_text(c.details -> 'sale_orders') as sold (id)
        join document o on o.instance = c.instance and o.side = 'odoo' and o.kind = 'order' and o.source_id = sold.id
        where c.instance = :instance and c.details ? 'consolidated' and c.kind = 'invoice' and o.order_key is not null),
    of_several as (
        select s.source_id, s.order_key from several s where s.source_id in (
            select s.source_id from several s join document d on d.instance = :instance and d.order_key = s.order_key and d.kind = 'invoice'
            join of_month m on m.side = d.side and m.kind = d.kind and m.source_id = d.source_id
            union select s.source_id from several s join of_month m on m.side = 'odoo' and m.kind = 'invoice' and m.source_id = s.source_id)),
    concerned as (
        select side, kind, source_id from of_month
        union select 'magento', kind, magento_id from matched
        union select 'odoo', kind, odoo_id from matched
        union select 'odoo', 'invoice', source_id from of_several
        union select 'magento', 'invoice', d.source_id from of_several s join document d on d.instance = :instance and d.side = 'magento'
            and d.kind = 'invoice' and d.order_key = s.order_key)"""

_DOCUMENTS = f"""
    with {_CONCERNED}
    select d.side, d.kind, d.source_id, d.number, coalesce(d.order_key, '') as order_key, coalesce(r.number, '') as order_number, d.currency,
        d.grand_total - d.tax as net, d.tax, d.adjustment, d.base_grand_total, d.base_tax, d.company_currency,
        d.created_at, d.accounting_date, d.document_date, d.state, coalesce(d.journal, '') as journal,
        d.active and d.deleted_at is null as stands, coalesce(w.scope, 'in_scope') as scope,
        coalesce(r.country, case d.side when 'magento' then d.country end, d.country, '') as country,
        coalesce(r.created_at < :books_from, false) as early_order,
        coalesce(case d.side when 'magento' then d.created_at < :books_from else d.accounting_date < :books_day end, false) as early,
        coalesce(m.odoo_id, o.magento_id) as partner,
        (select array_agg(distinct s.order_key order by s.order_key) from of_several s
            where d.side = 'odoo' and d.kind = 'invoice' and s.source_id = d.source_id) as shared_orders
    from concerned c join document d on d.instance = :instance and d.side = c.side and d.kind = c.kind and d.source_id = c.source_id
    left join document r on r.instance = :instance and r.side = 'magento' and r.kind = 'order' and r.source_id = d.order_key
    left join order_work w on w.instance = :instance and w.order_key = d.order_key
    left join pair m on d.side = 'magento' and m.instance = :instance and m.ended_at is null and m.kind = d.kind and m.magento_id = d.source_id
    left join pair o on d.side = 'odoo' and o.instance = :instance and o.ended_at is null and o.kind = d.kind and o.odoo_id = d.source_id"""

LINES = """
    select l.side, l.kind, l.source_id, l.role, l.tax_percent, sum(l.untaxed)::bigint as net, sum(l.tax)::bigint as tax
    from unnest(cast(:sides as text[]), cast(:of_kinds as text[]), cast(:ids as text[])) as wanted (side, kind, source_id)
    join line l on l.instance = :instance and l.side = wanted.side and l.kind = wanted.kind and l.source_id = wanted.source_id
    where l.is_money group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5"""

# Findings `ambiguous` and `corrected_in_odoo` concern the other documents of their order too.
_FINDINGS = """
    select id, type, kind, coalesce(order_key, '') as order_key, magento_id, odoo_id, magento_amount, odoo_amount,
        coalesce(muted_until > :now, false) as muted
    from finding where instance = :instance and resolved_at is null and (kind = any(:kinds) or type = 'deleted')
        and (magento_id = any(:magento) or odoo_id = any(:odoo)
            or type in ('ambiguous', 'corrected_in_odoo') and order_key = any(:orders)) order by id"""


def read(connection: Connection, instance: Instance, month: Month, now: datetime) -> Sales:
    """Read the documents and findings of a month. `now` (aware) decides which findings are muted."""
    books = instance.books_from_utc
    day = books.astimezone(instance.zone).date() if books else None
    values = {**bounds(instance.id, month), "books_from": books, "books_day": day}
    rows = connection.execute(text(_DOCUMENTS), values).mappings().all()
    lines = line_sums(connection, instance.id, [(row["side"], row["kind"], row["source_id"]) for row in rows])
    found = [_document(instance, dict(row), lines[row["side"], row["kind"], row["source_id"]]) for row in rows]
    documents = {one.key: one for one in sorted(found, key=lambda one: one.key)}
    return Sales(month, documents, _findings(connection, instance.id, documents, now))


def countries(connection: Connection, instance: str, ids: Sequence[int]) -> dict[int, str]:
    """Return the country of the Magento order, else of the document itself, by the ids of Odoo's invoices and credit notes."""
    statement = text(
        "select d.source_id, coalesce(r.country, d.country) as country from document d left join document r on r.instance = d.instance"
        " and r.side = 'magento' and r.kind = 'order' and r.source_id = d.order_key where d.instance = :instance and d.side = 'odoo'"
        " and d.kind = any(:kinds) and d.source_id = any(:ids) and coalesce(r.country, d.country) is not null"
    )
    values = {"instance": instance, "kinds": list(MONEY_KINDS), "ids": [f"{each}" for each in ids]}
    return {int(row["source_id"]): row["country"] for row in connection.execute(statement, values).mappings()}


def bounds(instance: str, month: Month) -> dict[str, Any]:
    """Return the parameters that OF_MONTH binds."""
    return {
        "instance": instance, "kinds": list(MONEY_KINDS), "begins": month.begins, "ends": month.next.begins, "first": month.first,
        "last": month.last,
    }  # fmt: skip


def line_sums(connection: Connection, instance: str, keys: Sequence[Key]) -> Mapping[Key, list[LineSum]]:
    """Return by document key the sums of its lines, one LineSum per role and tax rate."""
    result: dict[Key, list[LineSum]] = defaultdict(list)
    sides, kinds, ids = zip(*keys, strict=True) if keys else ((), (), ())
    values = {"instance": instance, "sides": list(sides), "of_kinds": list(kinds), "ids": list(ids)}
    for row in connection.execute(text(LINES), values).mappings():
        result[row["side"], row["kind"], row["source_id"]].append(
            LineSum(row["role"], row["tax_percent"], row["net"], row["tax"])
        )
    return result


def _document(instance: Instance, row: Mapping[str, Any], lines: list[LineSum]) -> Document:
    magento = row["side"] == Side.MAGENTO.value
    made: datetime | None = row["created_at"]
    by_rate = split(row["net"], row["tax"], row["country"], lines)
    local = made.astimezone(instance.zone).date() if made else None
    return Document(
        side=row["side"], kind=row["kind"], id=row["source_id"], number=row["number"], order_key=row["order_key"],
        order_number=row["order_number"], currency=row["currency"], state=row["state"], is_active=row["stands"], scope=row["scope"],
        figures=as_charged_cells(instance, by_rate), by_rate=by_rate, day=local if magento else row["accounting_date"],
        early_order=row["early_order"], early=row["early"], base_total=row["base_grand_total"],
        base_tax=row["base_tax"], company_currency=row["company_currency"],
        invoice_date=local if magento else row["document_date"], partner=row["partner"], journal=row["journal"],
        adjustment=row["adjustment"],
        shared_orders=tuple(row["shared_orders"] or ()),
    )  # fmt: skip


def as_charged_cells(instance: Instance, figures: Figures) -> Figures:
    """Return the figures without the rates of taxes `as charged`: each side names its own, and neither is wrong.

    Tax in a country that has such rules is charged by one of them, unless another rule of the country names its rate.
    """
    countries = {rule.country for rule in instance.taxes if rule.as_charged and rule.country}
    if not countries:
        return figures
    named = {
        Cell(country, written(Decimal(rule.rate)))
        for rule in instance.taxes if not rule.as_charged for country in countries if rule.country in (None, country)
    }  # fmt: skip
    return charged(figures, countries, named)


def _findings(connection: Connection, instance: str, documents: Mapping[Key, Document], now: datetime) -> list[Found]:
    values = {
        "instance": instance, "kinds": list(MONEY_KINDS), "now": now,
        "magento": [one.id for one in documents.values() if one.of_magento],
        "odoo": [one.id for one in documents.values() if not one.of_magento],
        "orders": sorted({one.order_key for one in documents.values() if one.order_key}),
    }  # fmt: skip
    return [Found(**row) for row in connection.execute(text(_FINDINGS), values).mappings()]
