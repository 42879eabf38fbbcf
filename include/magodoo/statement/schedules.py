"""The schedules of a statement: what is open between the two sides, with customers and in the warehouse at a month's end.

Further the cut-off of shipments, gaps in document numbers, and stores that no instance reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from magodoo.domain.states import OdooMoveState
from magodoo.domain.vocabulary import Kind, Side
from magodoo.money import from_units, rounded, to_units
from magodoo.settings import Instance
from magodoo.statement import timing
from magodoo.statement.documents import MONEY_KINDS, Document, Sales
from magodoo.statement.explanation import ROUNDING, Step
from magodoo.statement.periods import Month

if TYPE_CHECKING:
    from magodoo.connectors.magento.client import MagentoClient
    from magodoo.connectors.odoo.client import OdooClient


Row = dict[str, Any]
CENT = 100
NOTABLE = 10_000  # units of 1/10000: rounding above 1.00 per month and currency is marked as notable

# Odoo's documents up to the month's end per Magento order item: only goods, only orders since the cut-over. What was sent in exchange for a
# return left the warehouse as well.
_QUANTITIES = """
    with moved as (
        select l.item_key,
            sum(case d.kind when 'invoice' then l.quantity when 'credit_memo' then -l.quantity else 0 end) as invoiced_net,
            sum(case d.kind when 'invoice' then l.quantity else 0 end) as invoiced,
            sum(case d.kind when 'shipment' then case l.role when 'exchange' then l.qty_ordered else l.quantity end
                when 'return' then -l.quantity else 0 end) as delivered
        from document d join line l on l.instance = d.instance and l.side = d.side and l.kind = d.kind and l.source_id = d.source_id
        where d.instance = :instance and d.side = 'odoo' and d.active and d.deleted_at is null and d.order_key is not null
            and (d.kind in ('invoice', 'credit_memo') and d.accounting_date <= :last or d.kind in ('shipment', 'return') and d.document_date <= :last)
            and l.role in ('item', 'exchange') and l.product_type is distinct from 'service' and l.item_key is not null
        group by l.item_key)
    select o.number as order_number, l.sku, o.currency, l.untaxed, l.qty_ordered, m.invoiced_net - m.delivered as not_delivered,
        m.delivered - m.invoiced as not_invoiced
    from moved m join line l on l.instance = :instance and l.side = 'magento' and l.kind = 'order' and l.item_key = m.item_key and l.role = 'item'
    join document o on o.instance = :instance and o.side = 'magento' and o.kind = 'order' and o.source_id = l.source_id
    left join order_work w on w.instance = :instance and w.order_key = o.source_id
    where (m.invoiced_net > m.delivered or m.delivered > m.invoiced) and not l.is_virtual and coalesce(w.scope, '') <> 'excluded'
        and (cast(:books_from as timestamptz) is null or o.created_at >= :books_from)
    order by o.number, l.sku, l.item_key"""

# `moves` and `open`: what was open at the month's end according to Odoo.
_OPEN = """
    select d.number, coalesce(m.number, '') as magento_number, coalesce(r.number, '') as order_number, d.accounting_date as day, d.due_date,
        d.currency, d.grand_total as total, w.open, coalesce(r.payment_method, '') as payment_method
    from unnest(cast(:moves as text[]), cast(:open as bigint[])) as w (source_id, open)
    join document d on d.instance = :instance and d.side = 'odoo' and d.kind = :kind and d.source_id = w.source_id
    left join document r on r.instance = d.instance and r.side = 'magento' and r.kind = 'order' and r.source_id = d.order_key
    left join pair p on p.instance = d.instance and p.kind = d.kind and p.odoo_id = d.source_id and p.ended_at is null
    left join document m on m.instance = d.instance and m.side = 'magento' and m.kind = d.kind and m.source_id = p.magento_id
    where d.active and d.deleted_at is null and d.order_key is not null order by d.accounting_date, d.number"""

_POSTED_LATER = """
    select d.kind, d.number, coalesce(r.number, '') as order_number, d.document_date as day, d.accounting_date, d.currency, d.grand_total as total
    from document d left join document r on r.instance = d.instance and r.side = 'magento' and r.kind = 'order' and r.source_id = d.order_key
    where d.instance = :instance and d.side = 'odoo' and d.kind in ('invoice', 'credit_memo') and d.active and d.deleted_at is null
        and d.order_key is not null and date_trunc('month', d.document_date) < date_trunc('month', d.accounting_date)
        and (d.document_date between :first and :last or d.accounting_date between :first and :last)
    order by d.document_date, d.number"""

# All goods and all shipping are refunded, but a rest of the money is not: Magento refuses to refund it (docs/facts/magento-2.4.7-more.md#1.3).
_RESIDUES = """
    with memos as (
        select order_key, sum(grand_total) as refunded, sum(shipping) as shipping, max(created_at) as last from document
        where instance = :instance and side = 'magento' and kind = 'credit_memo' and active and deleted_at is null and created_at < :ends
        group by order_key having max(created_at) >= :begins and sum(abs(adjustment)) = 0),
    invoices as (
        select order_key, sum(grand_total) as invoiced, sum(shipping) as shipping from document
        where instance = :instance and side = 'magento' and kind = 'invoice' and active and deleted_at is null and created_at < :ends group by order_key)
    select o.number as order_number, m.last as day, o.currency, i.invoiced, m.refunded, i.invoiced - m.refunded as open
    from memos m join invoices i using (order_key)
    join document o on o.instance = :instance and o.side = 'magento' and o.kind = 'order' and o.source_id = m.order_key
    left join order_work w on w.instance = :instance and w.order_key = m.order_key
    where i.invoiced - m.refunded >= :cent and m.shipping >= i.shipping and coalesce(w.scope, '') <> 'excluded'
        and not exists (select 1 from line l where l.instance = :instance and l.side = 'magento' and l.kind = 'order' and l.source_id = m.order_key
            and l.role = 'item' and l.is_money and l.qty_refunded < l.qty_invoiced)
    order by o.number"""

# Amounts that no field of their order contains and that are in Odoo through a mapping by payment method.
_REMAINDERS = """
    select d.kind, d.number, o.number as order_number, d.document_date as day, l.untaxed as net, l.tax, d.currency,
        coalesce(o.payment_method, '') as payment_method
    from document d join line l on l.instance = d.instance and l.side = d.side and l.kind = d.kind and l.source_id = d.source_id
        and l.role = 'extra'
    join document o on o.instance = d.instance and o.side = 'magento' and o.kind = 'order' and o.source_id = d.order_key
    where d.instance = :instance and d.side = 'magento' and d.kind in ('invoice', 'credit_memo') and d.active and d.deleted_at is null
        and d.document_date between :first and :last and not o.sound and o.payment_method = any(:methods)
        and exists (select 1 from pair p where p.instance = d.instance and p.kind = d.kind and p.magento_id = d.source_id and p.ended_at is null)
    order by d.document_date, d.number"""

# Amounts that count as paid but were deducted, by the day of the entry that deducted them.
_DEDUCTED = """
    select e.what, d.number, coalesce(o.number, '') as order_number, e.day, e.entry, e.amount, d.currency
    from document d cross join lateral jsonb_to_recordset(d.details #> '{settlement,deductions}') as e (what text, amount bigint, entry text, day date)
    left join document o on o.instance = d.instance and o.side = 'magento' and o.kind = 'order' and o.source_id = d.order_key
    where d.instance = :instance and d.side = 'odoo' and d.kind in ('invoice', 'credit_memo') and d.active and d.deleted_at is null
        and d.order_key is not null and d.details #> '{settlement,deductions}' is not null and e.day between :first and :last
    order by e.day, d.number, e.entry"""

_MUTED = """
    select id, type, kind, coalesce(order_number, '') as order_number, coalesce(magento_number, '') as magento_number,
        coalesce(odoo_number, '') as odoo_number, magento_amount, odoo_amount, coalesce(currency, '') as currency, muted_until, muted_by,
        coalesce(muted_reason, '') as reason
    from finding where instance = :instance and resolved_at is null and muted_until > :now order by id"""


# Findings about the month's documents, and about anything else of their orders.
_CRITICAL = """
    select id, type, kind, coalesce(order_number, '') as order_number, coalesce(magento_number, '') as magento_number,
        coalesce(odoo_number, '') as odoo_number, magento_amount, odoo_amount, coalesce(currency, '') as currency
    from finding where instance = :instance and resolved_at is null and severity = 'critical' and coalesce(muted_until <= :now, true)
        and (order_key = any(:orders) or kind = any(:kinds) and (magento_id = any(:magento) or odoo_id = any(:odoo))) order by id"""


def critical(connection: Connection, instance: str, sales: Sales, now: datetime) -> list[Row]:
    """Return the open critical findings about the month's documents and their orders that nobody muted.

    Keys: id, type, kind, order_number, magento_number, odoo_number, magento_amount, odoo_amount (units of 1/10000 or None), currency.
    """
    found = {side: sales.in_month(side) for side in Side}
    values = {
        "instance": instance, "now": now, "kinds": list(MONEY_KINDS), "magento": [one.id for one in found[Side.MAGENTO]],
        "odoo": [one.id for one in found[Side.ODOO]],
        "orders": sorted({one.order_key for side in Side for one in found[side] if one.order_key}),
    }  # fmt: skip
    return [dict(row) for row in connection.execute(text(_CRITICAL), values).mappings()]


def unreadable(connection: Connection, instance: str) -> list[Row]:
    """Return the open quarantine of both sides: side, kind, source_id, day (of first sight: UTC, ISO text).

    Reasons are left out, since they may quote a customer and a stored statement is out of reach of erasure.
    """
    statement = text("""
        select side, kind, source_id, to_char(first_seen at time zone 'UTC', 'YYYY-MM-DD') as day from quarantine
        where instance = :instance and resolved_at is null order by side, kind, source_id""")
    return [dict(row) for row in connection.execute(statement, {"instance": instance}).mappings()]


def still_open(client: OdooClient, month: Month) -> dict[str, dict[str, int]]:
    """Return what was open of invoices and credit notes at the month's end by kind and Odoo id: units in their currency, owed positive.

    It contains all invoices of the company; which of them belong to the instance is decided in staging.
    """
    found: dict[str, dict[str, int]] = {}
    for kind, move_type, sign in ((Kind.INVOICE, "out_invoice", 1), (Kind.CREDIT_MEMO, "out_refund", -1)):
        domain = [["account_id.account_type", "=", "asset_receivable"], ["move_id.move_type", "=", move_type]]
        amounts: dict[str, int] = defaultdict(int)  # an invoice with instalments has several items
        for item in client.general_ledger.open_items(domain, month.last):
            amounts[str(item["move_id"])] += sign * item["open"]
        found[kind.value] = dict(amounts)
    return found


def moved_payments(client: OdooClient, instance: Instance, month: Month) -> list[Row]:
    """Return payments and refunds in the providers' journals whose entry a lock date moved out of their month, or into this one.

    Keys as in schedule posted_after_closing: kind, number, order_number, day, accounting_date, currency, total (units of 1/10000).
    """
    named = [method.journal for method in instance.payment_methods.values()]
    named += [extra.journal for extra in instance.extra_totals.values()]
    journals = {code for code in named if code}
    first, last = f"{month.first}", f"{month.last}"
    domain = [
        *client.rpc.company_domain("account.payment"), ["journal_id.code", "in", sorted(journals)], ["partner_type", "=", "customer"],
        "|", "&", "&", ["date", ">=", first], ["date", "<=", last], ["move_id.date", ">", last],
        "&", "&", ["date", "<", first], ["move_id.date", ">=", first], ["move_id.date", "<=", last],
    ]  # fmt: skip
    ids = client.rpc.call("account.payment", "search", domain=domain, order="date, id")
    rows = client.documents.by_ids("payment", ids).rows if ids else []
    return [
        {
            "kind": "payment" if row["payment_type"] == "inbound" else "refund", "number": str(row["name"] or ""), "order_number": "",
            "day": row["date"], "accounting_date": row["move_id"]["date"], "currency": row["currency_id"]["name"],
            "total": to_units(row["amount"]),
        }
        for row in sorted(rows, key=lambda row: (row["date"], row["id"])) if row["move_id"] and row["move_id"]["state"] == OdooMoveState.POSTED
    ]  # fmt: skip


def read(
    connection: Connection, instance: Instance, month: Month, now: datetime, still_open: Mapping[str, Mapping[str, int]],
    moved: Sequence[Row] = (),
) -> dict[str, list[Row]]:  # fmt: skip
    """Return the schedules read from staging by name, with what is `still_open` and the `moved` payments.

    Amounts and quantities are in units of 1/10000, days are ISO text.
    """
    values = {
        "instance": instance.id, "first": month.first, "last": month.last, "now": now, "books_from": instance.books_from_utc,
        "begins": month.begins, "ends": month.next.begins, "cent": CENT,
    }  # fmt: skip

    def rows(statement: str, **more: Any) -> list[Row]:
        found = connection.execute(text(statement), {**values, **more}).mappings()
        return [{name: _plain(value) for name, value in row.items()} for row in found]

    def open_documents(kind: Kind) -> list[Row]:
        wanted = still_open.get(kind.value, {})
        return rows(_OPEN, kind=kind.value, moves=list(wanted), open=list(wanted.values()))

    quantities = rows(_QUANTITIES)
    waiting = timing.read(connection, instance, month)
    return {
        "timing": timing.roll_forward(waiting, month),
        "lasting": timing.lasting(waiting, month),
        "invoiced_not_delivered": [_valued(row, "not_delivered") for row in quantities if row["not_delivered"] > 0],
        "delivered_not_invoiced": [_valued(row, "not_invoiced") for row in quantities if row["not_invoiced"] > 0],
        "open_receivables": open_documents(Kind.INVOICE),
        "refunds_to_pay": open_documents(Kind.CREDIT_MEMO),
        "posted_after_closing": [*rows(_POSTED_LATER), *moved],
        "deducted": rows(_DEDUCTED),
        "residues": rows(_RESIDUES),
        "remainders": rows(_REMAINDERS, methods=_mapped_methods(instance)),
        "muted": rows(_MUTED),
    }


def _mapped_methods(instance: Instance) -> list[str]:
    """Return payment methods whose orders hold an amount that no field shows and that the settings map."""
    return sorted({extra.remainder.payment_method for extra in instance.extra_totals.values() if extra.remainder})


def rounding(steps: Iterable[Step]) -> list[Row]:
    """Return one row per currency: count of rounded documents, net and absolute sum, and whether the net sum is notable."""
    found: dict[str, list[int]] = defaultdict(list)
    for step in steps:
        if step.line == ROUNDING:
            found[step.currency].append(step.figures.total)
    return [
        {
            "currency": currency, "count": len(amounts), "net": sum(amounts), "absolute": sum(abs(one) for one in amounts),
            "notable": abs(sum(amounts)) > NOTABLE,
        }
        for currency, amounts in sorted(found.items())
    ]  # fmt: skip


def rate_differences(sales: Sales, company_currency: str) -> list[Row]:
    """Return, by currency and kind, how Magento's base amounts become the amounts in company currency of Odoo's documents of the month.

    `compared` are documents in another currency that Magento has with the same total and tax: `magento` is their total in its base
    currency, `odoo` in the company's, net, tax and total the difference. `other` are those of the month that cannot be compared: no
    counterpart, other amounts, or another base currency. Per currency and kind the two `odoo` are the month's total in company currency.
    """
    found: dict[tuple[str, str, bool], Row] = {}
    for one in sales.in_month(Side.ODOO):
        if one.currency == company_currency:
            continue
        other = sales.partner(one)
        same = other is not None and (other.figures.sum, other.currency, other.company_currency) == (
            one.figures.sum,
            one.currency,
            company_currency,
        )
        row = found.setdefault((one.currency, one.kind, not same), _no_difference(one, company_currency, same))
        row["count"] += 1
        row["odoo"] += one.base_total
        if same and other is not None:
            total, tax = one.base_total - other.base_total, one.base_tax - other.base_tax
            row["magento"] += other.base_total
            row["net"], row["tax"], row["total"] = row["net"] + total - tax, row["tax"] + tax, row["total"] + total
    return [found[place] for place in sorted(found)]


def _no_difference(one: Document, company_currency: str, same: bool) -> Row:
    amounts: dict[str, int | None] = dict.fromkeys(("magento", "net", "tax", "total"), 0 if same else None)
    return {
        "documents_in": one.currency, "kind": one.kind, "what": "compared" if same else "other", "count": 0, "odoo": 0, **amounts,
        "currency": company_currency,
    }  # fmt: skip


def _valued(row: Row, name: str) -> Row:
    """Return the row with the net price of the open quantity: its share of the order line, rounded to the cent."""
    quantity, ordered = int(row[name]), row["qty_ordered"]
    share = Decimal(row["untaxed"]) * quantity / ordered if ordered else Decimal(0)
    net = rounded(int(share.to_integral_value(ROUND_HALF_UP)))
    return {
        "order_number": row["order_number"], "sku": row["sku"], "currency": row["currency"], "quantity": quantity, "net": net,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return value.isoformat() if hasattr(value, "isoformat") else value


CutOffRow = dict[str, Any]


def cut_off(connection: Connection, instance: Instance, month: Month) -> list[CutOffRow]:
    """Return goods shipped in Magento and delivered in Odoo in different months, one of them this month: one row per item.

    `quantity` is in units of 1/10000, `day` the earlier day (ISO text), `other_day` the later one, `later` the system with the later day ("":
    not delivered yet).
    """
    values = {
        "instance": instance.id,
        "first": month.first,
        "last": month.last,
        "books_from": instance.books_from_utc,
    }
    rows = [dict(row) for row in connection.execute(text(_LATE), values).mappings()]
    for row in rows:
        row["day"] = row["day"].isoformat()
        row["other_day"] = row["other_day"].isoformat() if row["later"] else ""
        row["quantity"] = int(row["quantity"])
    return rows


# The stock moves of a delivery (`qty_ordered`), components of a kit included; of a shipment without delivery its own items, except
# those that Odoo delivered in other portions by the end of the month.
_LATE = """
    with shipped as (
        select m.source_id as magento_id, m.number as magento_number, m.order_key, m.document_date as day, o.source_id as odoo_id,
            o.number, o.document_date as done
        from document m
        left join pair p on p.instance = m.instance and p.kind = m.kind and p.magento_id = m.source_id and p.ended_at is null
        left join document o on o.instance = m.instance and o.side = 'odoo' and o.kind = m.kind and o.source_id = p.odoo_id and o.active
            and o.deleted_at is null
        left join order_work w on w.instance = m.instance and w.order_key = m.order_key
        where m.instance = :instance and m.side = 'magento' and m.kind = 'shipment' and m.deleted_at is null
            and coalesce(w.scope, '') <> 'excluded'
            and (m.document_date between :first and :last or o.document_date between :first and :last)
            and date_trunc('month', m.document_date) is distinct from date_trunc('month', o.document_date)),
    counted as (
        select d.side, d.order_key, l.item_key, date_trunc('month', d.document_date) as month,
            case d.side when 'odoo' then l.qty_ordered else l.quantity end as quantity
        from document d join line l on l.instance = d.instance and l.side = d.side and l.kind = d.kind and l.source_id = d.source_id
        where d.instance = :instance and d.kind = 'shipment' and d.deleted_at is null and (d.active or d.side = 'magento')
            and l.role = 'item' and d.order_key in (select order_key from shipped where odoo_id is null))
    select r.number as order_number, s.magento_number, coalesce(s.number, '') as number, least(s.day, s.done) as day,
        greatest(s.day, s.done) as other_day, case when s.odoo_id is null then '' when s.done > s.day then 'Odoo' else 'Magento' end as later,
        l.sku, case when s.odoo_id is null then l.quantity else l.qty_ordered end as quantity,
        case when s.odoo_id is null then 0 else l.line_id::bigint end as move_id
    from shipped s join document r on r.instance = :instance and r.side = 'magento' and r.kind = 'order' and r.source_id = s.order_key
    join line l on l.instance = :instance and l.kind = 'shipment' and l.side = case when s.odoo_id is null then 'magento' else 'odoo' end
        and l.source_id = coalesce(s.odoo_id, s.magento_id)
    where (cast(:books_from as timestamptz) is null or r.created_at >= :books_from)
        and case when s.odoo_id is null then l.role = 'item' and l.quantity > 0 else l.qty_ordered > 0 end
        and not (s.odoo_id is null and coalesce((
            select sum(case c.side when 'odoo' then c.quantity else -c.quantity end) >= 0 and bool_or(c.side = 'odoo') from counted c
            where c.order_key = s.order_key and c.item_key = l.item_key and c.month <= date_trunc('month', s.day)), false))
    order by least(s.day, s.done), s.magento_number, l.sku, l.line_id"""


def valued(client: OdooClient, rows: Sequence[CutOffRow], currency: str) -> list[CutOffRow]:
    """Return the rows with `cost` in units of the company's currency: the value of the stock move in Odoo, else the product's cost now."""
    if not rows:
        return []
    values = client.deliveries.values([row["move_id"] for row in rows if row["move_id"]])
    costs = client.master_data.costs(sorted({row["sku"] for row in rows}))
    made = []
    for row in rows:
        cost = values.get(row["move_id"]) or from_units(row["quantity"]) * costs.get(row["sku"], Decimal(0))
        plain = {name: value for name, value in row.items() if name != "move_id"}
        made.append({**plain, "cost": rounded(to_units(cost)), "currency": currency})
    return made


def number_gaps(
    connection: Connection, instance: Instance, month: Month, entries: Sequence[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """Return one row per gap in the document numbers: side, kind, series (store or journal), first, last, count.

    `first` and `last` are the missing numbers as they would be written. `entries` are (journal code, number) of Odoo's entries of the
    month that are no staged documents but use numbers of the same series.
    """
    values = {
        "instance": instance.id, "kinds": list(MONEY_KINDS), "begins": month.begins, "ends": month.next.begins, "first": month.first,
        "last": month.last, "codes": [code for code, _ in entries], "names": [name for _, name in entries],
    }  # fmt: skip
    return [
        {
            "side": row["side"], "kind": row["kind"], "series": row["series"], "count": row["count"],
            "first": f"{row['prefix']}{row['from_number']:0{row['width']}d}", "last": f"{row['prefix']}{row['to_number']:0{row['width']}d}",
        }
        for row in connection.execute(text(_GAPS), values).mappings()
    ]  # fmt: skip


# A gap belongs to the month of the number after it. Deleted and cancelled documents keep their numbers; drafts have none.
_GAPS = """
    with numbered as (
        select side, kind, case side when 'magento' then 'store ' || coalesce(store_id::text, '?') else coalesce(journal, '') end as series,
            regexp_replace(number, '[0-9]+$', '') as prefix, substring(number from '[0-9]+$') as digits,
            case side when 'magento' then created_at >= :begins and created_at < :ends
                else accounting_date between :first and :last end as of_month
        from document where instance = :instance and kind = any(:kinds) and number ~ '[0-9]$' and length(substring(number from '[0-9]+$')) < 19
            and (side = 'magento' or state <> 'draft' and number not like '* %')
        union all
        select 'odoo', 'invoice', code, regexp_replace(name, '[0-9]+$', ''), substring(name from '[0-9]+$'), true
        from unnest(cast(:codes as text[]), cast(:names as text[])) as other (code, name) where name ~ '[0-9]$'),
    in_order as (
        select *, digits::bigint as n, lag(digits::bigint) over (partition by side, kind, series, prefix order by digits::bigint) as before
        from numbered)
    select side, kind, series, prefix, length(digits) as width, before + 1 as from_number, n - 1 as to_number, n - before - 1 as count
    from in_order where of_month and n - before > 1 order by side, kind, series, prefix, n"""


def unread_stores(
    client: MagentoClient, instances: Iterable[Instance], instance: Instance, month: Month
) -> list[dict[str, Any]]:
    """Return one row per Magento store view that is in the `stores` of no instance: store, code, invoices, credit_memos.

    The counts are of the documents that the store created in the month. Empty when an instance of this Magento reads all stores.
    """
    ours = [one for one in instances if one.magento_connection == instance.magento_connection]
    if not all(one.stores for one in ours):
        return []
    known = {store for one in ours for store in one.stores}
    views = {int(view["id"]): str(view.get("code", "")) for view in client.store_views()}
    return [
        {
            "store": store, "code": code,
            "invoices": client.made(Kind.INVOICE, month.begins, month.next.begins, store),
            "credit_memos": client.made(Kind.CREDIT_MEMO, month.begins, month.next.begins, store),
        }
        for store, code in sorted(views.items()) if store and store not in known
    ]  # fmt: skip


def without_store(
    client: MagentoClient, instances: Iterable[Instance], instance: Instance, month: Month
) -> list[dict[str, Any]]:
    """Return one row per document of the month without a store, if every instance ignores these: kind, number, source_id.

    Magento keeps the documents of a deleted store view without a store. Empty when an instance reads them.
    """
    ours = [one for one in instances if one.magento_connection == instance.magento_connection]
    if not all(one.stores and one.deleted_stores == "ignore" for one in ours):
        return []
    rows: list[dict[str, Any]] = []
    for kind in (Kind.INVOICE, Kind.CREDIT_MEMO):
        for page in client.made_without_store(kind, month.begins, month.next.begins):
            rows += [_row(kind, row["entity_id"], row.get("increment_id")) for row in page.rows]
            rows += [_row(kind, each.source_id, None) for each in page.quarantined]
    return rows


def _row(kind: Kind, source_id: int | None, number: str | None) -> dict[str, Any]:
    return {"kind": kind.value, "number": number or "", "source_id": str(source_id or "")}
