"""Sixty orders of two currencies with their documents, findings and changes, staged by SQL: what the pages' tests read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from magodoo.domain.vocabulary import Side
from magodoo.settings import Instance
from magodoo.staging import connect, sales_lines
from magodoo.statement import documents, explanation, schedules, statement, store
from magodoo.statement.general_ledger import GeneralLedger
from magodoo.statement.periods import Month
from magodoo.timestamps import utc_now

ORDERS = 60
HOSTILE = """<script>alert("x")</script><img src=x onerror=alert(1)>"""
FORMULA = '=HYPERLINK("http://evil.example";"x")'

_STATEMENTS = (
    # Orders 1 to 60 on both sides; the 7th is not in Odoo, the 8th is excluded.
    """insert into document (instance, side, kind, source_id, order_key, own_order_id, number, state, status, currency, subtotal, shipping, tax,
        untaxed, grand_total, quantity, payment_method, customer_name, customer_email, customer_phone, ship_to_name, country, created_at,
        updated_at, request_began_at, version)
    select 'us', side, 'order', id, n::text, id, case side when 'odoo' then 'S' || lpad(n::text, 5, '0') else lpad(n::text, 9, '0') end,
        case side when 'odoo' then 'sale' else 'processing' end, case side when 'odoo' then 'invoiced' else 'complete' end,
        case n % 10 when 0 then 'EUR' else 'USD' end, 1000000 + n * 100, 50000, 80000, 1050000 + n * 100, 1130000 + n * 100, 20000, 'card',
        'Customer ' || n, 'customer' || n || '@example.com', '555-' || n, 'Receiver ' || n, 'US', made, made, now(), n
    from (select n, side, case side when 'odoo' then 's' else '' end || n as id, timestamptz '2026-10-01' + n * interval '7 hours' as made
        from generate_series(1, 60) n, unnest(array['magento', 'odoo']) side where side = 'magento' or n not in (7, 8)) made""",
    """insert into document (instance, side, kind, source_id, order_key, own_order_id, number, state, status, currency, subtotal, shipping, tax,
        untaxed, grand_total, open_amount, quantity, tracking, journal, document_date, due_date, accounting_date, created_at, updated_at,
        request_began_at, version)
    select o.instance, o.side, k.kind, k.sign || o.source_id, o.order_key, o.own_order_id,
        case o.side when 'odoo' then k.word || o.order_key else '1' || o.number end, case o.side when 'odoo' then k.odoo else k.magento end,
        case when o.side = 'odoo' and k.kind = 'invoice' then case when o.order_key::int % 4 = 0 then 'not_paid' else 'paid' end end,
        o.currency, o.subtotal, o.shipping, o.tax, o.untaxed, o.grand_total + case when o.side = 'odoo' and o.order_key = '5' then 10000 else 0 end,
        case when o.side = 'odoo' and o.order_key::int % 4 = 0 then o.grand_total else 0 end, o.quantity,
        case k.kind when 'shipment' then array['1Z' || o.order_key] else '{}'::text[] end, case o.side when 'odoo' then 'INV' end,
        o.created_at::date, o.created_at::date + 30, o.created_at::date, o.created_at + interval '1 hour', o.updated_at, now(), o.version
    from document o, (values ('invoice', 'i', 'INV/2026/', 'posted', '2', 1), ('shipment', 'd', 'WH/OUT/', 'done', '', 1),
        ('credit_memo', 'c', 'RINV/2026/', 'posted', '2', 6)) as k (kind, sign, word, odoo, magento, every)
    where o.kind = 'order' and o.order_key::int % k.every = 0""",
    # The invoices of the 9th order have not found each other; the 11th order has none in Magento.
    """insert into pair (instance, kind, order_key, magento_id, odoo_id, rule, created_at)
    select m.instance, m.kind, m.order_key, m.source_id, o.source_id, 'external_id', m.created_at from document m
    join document o on o.instance = m.instance and o.side = 'odoo' and o.kind = m.kind and o.order_key = m.order_key
    where m.side = 'magento' and not (m.kind = 'invoice' and m.order_key = '9')""",
    "insert into order_work (instance, order_key, staged_version, reconciled_version) select distinct 'us', order_key, 0, 0 from document",
    "update order_work set scope = 'excluded' where order_key = '8'",
    """insert into line (instance, side, kind, source_id, line_id, item_key, role, sku, name, quantity, untaxed, tax)
    select d.instance, d.side, d.kind, d.source_id, role, case role when 'item' then '1' end, role, 'SKU-1', 'Article 1', 20000,
        case role when 'item' then d.subtotal else d.shipping + (d.grand_total - d.untaxed - d.tax) end, case role when 'item' then d.tax else 0 end
    from document d, unnest(array['item', 'shipping']) role where d.kind = 'invoice'""",
    """insert into payload (instance, side, kind, source_id, payload, hash, request_began_at)
    select instance, side, kind, source_id, jsonb_build_object('entity', source_id, 'total', 113.05), 'h', now() from document where kind = 'invoice'""",
    """insert into finding (instance, type, severity, kind, order_key, order_number, magento_id, odoo_id, magento_number, odoo_number,
        magento_amount, odoo_amount, difference, currency, message, who, next_step, first_seen)
    select 'us', f.type, f.severity, m.kind, m.order_key, lpad(m.order_key, 9, '0'), m.source_id, o.source_id, m.number, o.number, m.grand_total,
        o.grand_total, o.grand_total - m.grand_total, m.currency, f.message, 'accounting', 'look at it', now() - f.days * interval '1 day'
    from (values ('total_mismatch', 'critical', 'invoice', '5', 'the two sides hold different amounts', 3),
        ('missing_in_odoo', 'warning', 'order', '7', 'it has no counterpart in Odoo', 9),
        ('missing_in_odoo', 'warning', 'invoice', '7', 'it has no counterpart in Odoo', 9),
        ('missing_in_odoo', 'warning', 'shipment', '7', 'it has no counterpart in Odoo', 9),
        ('ambiguous', 'warning', 'invoice', '9', 'several are equally good', 2),
        ('rounding', 'info', 'invoice', '6', 'a cent', 1)) as f (type, severity, kind, order_key, message, days)
    join document m on m.side = 'magento' and m.kind = f.kind and m.order_key = f.order_key
    left join pair p on p.kind = m.kind and p.magento_id = m.source_id left join document o on o.side = 'odoo' and o.kind = p.kind and o.source_id = p.odoo_id""",
    """insert into change (instance, kind, target, step, order_key, order_number, source_id, source_number, document_kind, amount, currency, request_hash,
        state, verdict, approval, held_by, reason, dag_run)
    values ('us', 'odoo_invoice', 'odoo', 2, '7', '000000007', 'i7', '1000000007', 'invoice', 1130700, 'USD', 'h1', 'planned', 'released', 'waiting', null, null, 'run 1'),
        ('us', 'odoo_delivery', 'odoo', 4, '7', '000000007', 'd7', '1000000007', 'shipment', 0, 'USD', 'h2', 'planned', 'held', 'not_needed', 'totals_explained', null, 'run 1'),
        ('us', 'odoo_order_import', 'odoo', 0, '7', '000000007', '7', '000000007', 'order', 1130700, 'USD', 'h3', 'planned', 'released', 'waiting', null, null, 'run 1'),
        ('us', 'magento_invoice', 'magento', 9, '3', '000000003', 'is3', 'INV/2026/3', 'invoice', 1130300, 'USD', 'h4', 'refused', 'released', 'not_needed', null, 'Magento said no', 'run 0')""",
    'insert into change_body (change_id, request, calls) select id, \'{}\', \'[{"system": "odoo", "model": "account.move", "method": "load"}]\' from change',
    "update finding set change_id = (select id from change where kind = 'odoo_invoice') where type = 'missing_in_odoo' and kind = 'invoice'",
    "insert into quarantine (instance, side, kind, source_id, reason, payload) values ('us', 'magento', 'invoice', '66', 'not an amount', '{\"grand_total\": \"abc\"}')",
    """insert into run (instance, stage, dag_run, finished_at, ok, counts) values ('us', 'reconcile', 'run 1', now(), true, '{"orders": 60}'),
        ('us', 'quality', 'run 1', now(), false, '{"invoice": {"read": 7, "stale": 0}}')""",
    """insert into agreement (instance, day, kind, matched, differing, missing_in_odoo, missing_in_magento)
    select 'us', current_date - n, kind, 40 + n, 3, 2, 1 from generate_series(1, 40) n, unnest(array['order', 'invoice', 'shipment', 'credit_memo']) kind""",
    'insert into preflight (instance, ok, kinds, settings_hash, lines) values (\'us\', false, \'{}\', \'h\', \'[{"instance": "us", "name": "rights", "status": "error", "found": "no right to post", "todo": "give it"}]\')',
)


@contextmanager
def staged_sales(url: str) -> Iterator[Engine]:
    """The staging database at `url` with all of it."""
    engine = connect(url)
    with engine.begin() as connection:
        stage(connection)
    yield engine
    engine.dispose()


def stage(connection: Connection) -> None:
    """Stage all of it, and write the lines of the lists."""
    for sql in _STATEMENTS:
        connection.execute(text(sql))
    connection.execute(
        text("update document set customer_name = :hostile where kind = 'order' and order_key = '2'"),
        {"hostile": HOSTILE},
    )
    connection.execute(
        text("update document set customer_name = :formula where kind = 'order' and order_key = '13'"),
        {"formula": FORMULA},
    )
    sales_lines.refresh(connection, "us", [str(number) for number in range(1, ORDERS + 1)], without_order=True)
    sales_lines.note_agreement(connection, "us", utc_now())


def keep_statement(
    connection: Connection,
    now: datetime,
    month: str = "2026-10",
    *,
    separate_duties: bool = True,
    unreadable: Sequence[dict[str, str]] = (),
) -> None:
    """The statement of a month of these sales, over a ledger that is empty: it explains nothing of it."""
    instance = Instance(id="us", magento_connection="m", odoo_connection="o", separate_duties=separate_duties)
    of = Month.read(month, instance.zone)
    sales = documents.read(connection, instance, of, now)
    assert sales.in_month(Side.ODOO)
    sources = statement.Sources(
        instance=instance, sales=sales, explanation=explanation.explain(sales, instance), ledger=GeneralLedger("USD", {1: "INV"}, totals={}),
        ledger_steps=[], by_rate={}, clearing=[], gaps=[], unread_stores=[], without_store=[], unreadable=unreadable,
        schedules={**schedules.read(connection, instance, of, now, {}), "critical": schedules.critical(connection, "us", sales, now)}, over=True,
    )  # fmt: skip
    store.keep(connection, "us", of.first, statement.statement(sources), now, "run 1")
