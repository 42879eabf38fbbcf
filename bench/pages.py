"""`pages`: how fast the sales pages answer with a million documents staged.

Stages documents of both sides by SQL into a database of its own, requests every list with every kind of filter and the overview,
each several times; the 95th percentiles are of the slowest page. The whole answer is measured, from the route to the rendered page,
without the network and without Airflow's login.
"""

from __future__ import annotations

import itertools
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.contest import CHECKOUT, WrongResult, tell
from bench.databases import databases
from bench.entry import Entry, write

sys.path.insert(0, str(CHECKOUT / "tests" / "support"))

from magodoo.timestamps import utc_now
from magodoo_airflow.pages.sales_lists import SALES_LISTS

LIMITS = {"/": 500}
ORDERS_SHARE = 160_000 / 1_000_000
PAGES = (
    "/",
    *(
        f"/list/{name}{query}"
        for name in ("orders", "invoices", "shipments", "credit_memos")
        for query in (
            "", "?match=differs", "?match=matched", "?match=missing+in+Odoo", "?since=2026-03-01&until=2026-03-31", "?search=000123456",
            "?search=customer+77", "?search=nobody", "?sort=customer&direction=asc", "?sort=match", "?sort=date&direction=asc",
        )
    ),
    *(
        f"/list/{listing.name}?sort={column.key}&direction={direction}"
        for listing in SALES_LISTS
        for column, direction in zip(
            (column for column in listing.columns if column.sortable and not column.extra), itertools.cycle(("desc", "asc"))
        )
    ),
    "/list/invoices?status=not_paid", "/list/orders?status=complete",
    "/list/invoices?tab=open", "/list/credit_memos?tab=to_pay",
    "/findings", "/findings?search=000123456", "/findings?type=total_mismatch", "/findings?tab=all", "/findings?severity=critical",
    "/changes", "/changes?tab=waiting", "/changes?tab=held", "/changes?search=000123456", "/quarantine", "/runs",
    "/document/us/magento/invoice/i77",
)  # fmt: skip

ORDERS = """
insert into document (instance, side, kind, source_id, order_key, own_order_id, number, state, status, currency, company_currency, subtotal,
    shipping, tax, untaxed, grand_total, open_amount, quantity, payment_method, customer_name, customer_email, customer_phone, ship_to_name,
    country, document_date, created_at, updated_at, request_began_at, version, active)
select 'us', side, 'order', case side when 'odoo' then 's' else '' end || i, i, case side when 'odoo' then 's' else '' end || i,
    case side when 'odoo' then 'S' || i else lpad(i::text, 9, '0') end, case side when 'odoo' then 'sale' else 'processing' end,
    case when side = 'odoo' then 'invoiced' when i % 3 = 0 then 'complete' else 'processing' end, case i % 9 when 0 then 'EUR' else 'USD' end, 'USD',
    amount, 50000, amount / 10, amount + 50000, amount + amount / 10 + 50000, 0, 20000, 'checkmo',
    'Customer ' || i % 50000, 'customer' || i % 50000 || '@example.com', '555 ' || i, 'Customer ' || i % 50000, 'US', (made)::date, made, made, now(), i, true
from (select i, side, (i % 991 + 10) * 10000::bigint as amount, timestamptz '2026-11-20' - i * interval '3 minutes' as made
    from generate_series(1, :orders) i, unnest(array['magento', 'odoo']) side where side = 'magento' or i % 97 <> 0) made
"""
DOCUMENTS = """
insert into document (instance, side, kind, source_id, order_key, own_order_id, number, state, status, currency, company_currency, subtotal,
    shipping, tax, untaxed, grand_total, open_amount, quantity, customer_name, customer_email, journal, tracking,
    document_date, due_date, accounting_date, created_at, updated_at, request_began_at, version, active)
select o.instance, o.side, k.kind, k.sign || o.source_id, o.order_key, o.own_order_id,
    case o.side when 'odoo' then k.word || '/2026/' || o.order_key else '1' || o.number end, case o.side when 'odoo' then k.odoo_state else k.magento_state end,
    case when k.kind <> 'invoice' or o.side = 'magento' then null when o.order_key::int % 5 = 0 then 'not_paid' else 'paid' end,
    o.currency, 'USD', o.subtotal, o.shipping, o.tax, o.untaxed, o.grand_total + case when o.side = 'odoo' and o.order_key::int % 211 = 0 then 100 else 0 end,
    case when o.side = 'odoo' and o.order_key::int % 5 = 0 then o.grand_total else 0 end, o.quantity, o.customer_name, o.customer_email,
    'INV', case k.kind when 'shipment' then array['1Z' || o.order_key] else '{}'::text[] end,
    o.document_date, o.document_date + 30, o.document_date, o.created_at + interval '1 hour', o.updated_at, now(), o.version, true
from document o, (values ('invoice', 'i', 'INV', 'posted', '2', 1), ('shipment', 'd', 'WH/OUT', 'done', '', 1), ('credit_memo', 'c', 'RINV', 'posted', '2', 6))
    as k (kind, sign, word, odoo_state, magento_state, every)
where o.kind = 'order' and o.order_key::int % k.every = 0 and not (o.side = 'odoo' and o.order_key::int % 131 = 0)
"""
REST = (
    """insert into pair (instance, kind, order_key, magento_id, odoo_id, rule)
    select m.instance, m.kind, m.order_key, m.source_id, o.source_id, 'external_id' from document m
    join document o on o.instance = m.instance and o.side = 'odoo' and o.kind = m.kind and o.order_key = m.order_key where m.side = 'magento'""",
    "insert into order_work (instance, order_key, staged_version, reconciled_version) select distinct 'us', order_key, 1, 1 from document",
    """insert into finding (instance, type, severity, kind, order_key, order_number, magento_id, odoo_id, magento_number, odoo_number, magento_amount,
        odoo_amount, difference, currency, message, first_seen, resolved_at)
    select m.instance, case when o.source_id is null then 'missing_in_odoo' else 'total_mismatch' end,
        case when o.source_id is null then 'warning' else 'critical' end, m.kind, m.order_key,
        m.number, m.source_id, o.source_id, m.number, o.number, m.grand_total, o.grand_total, o.grand_total - m.grand_total, m.currency,
        'A difference', now() - (m.order_key::int % 40) * interval '1 day', case when m.order_key::int % 3 = 0 then now() end
    from document m left join document o on o.instance = m.instance and o.side = 'odoo' and o.kind = m.kind and o.order_key = m.order_key
    where m.side = 'magento' and (o.source_id is null or o.grand_total <> m.grand_total)""",
    """insert into change (instance, kind, target, step, order_key, order_number, source_id, source_number, document_kind, amount, currency,
        request_hash, state, verdict, approval)
    select m.instance, 'odoo_' || m.kind, 'odoo', 2, m.order_key, m.number, m.source_id, m.number, m.kind, m.grand_total, m.currency, 'h',
        case when m.order_key::int % 10 = 0 then 'planned' else 'done' end, case when m.order_key::int % 20 = 0 then 'held' else 'released' end,
        case when m.order_key::int % 30 = 0 then 'waiting' else 'not_needed' end
    from document m where m.side = 'magento' and m.kind in ('invoice', 'credit_memo')""",
    """insert into agreement (instance, day, kind, matched, differing, missing_in_odoo, missing_in_magento)
    select 'us', current_date - n, kind, 1000, n, n, 0 from generate_series(1, 29) n, unnest(array['order', 'invoice', 'shipment', 'credit_memo']) kind""",
)


SIZES = {"quick": 2_000, "full": 1_000_000}


def measure(size: int, runs: int) -> Entry:
    """`size` documents; `runs` is how often twelve rounds of all pages are requested."""
    with databases() as server, tempfile.TemporaryDirectory() as folder:
        url = server.staged()
        documents = fill(url, round(size * ORDERS_SHARE))
        from pages_double import client

        logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line for each request would bury the figures
        with client(Path(folder), url) as browser:
            slowest = p95(browser, 12 * runs)
    lists = {page: took for page, took in slowest.items() if page not in LIMITS}
    worst = max(lists, key=lambda page: lists[page])
    ours = {
        "lists_p95_ms": lists[worst], "overview_p95_ms": slowest["/"], "slowest_list": worst, "documents": documents,
        "p95_ms": slowest,
    }  # fmt: skip
    return Entry(None, None, ours, {}, size, runs)


def p95(browser: Any, rounds: int) -> dict[str, float]:
    """Return the 95th percentile in ms of so many answers of each page, after one that compiles the template.

    All pages are requested in turns, so that a short disturbance affects one answer of many pages, not all of one page.
    """
    times: dict[str, list[float]] = {page: [] for page in PAGES}
    for turn, page in itertools.product(range(rounds + 1), PAGES):
        began = time.perf_counter()
        answer = browser.get(page)
        if turn:
            times[page].append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise WrongResult(f"{page}: {answer.status_code} {answer.text[:500]}")
    return {page: round(statistics.quantiles(taken, n=20, method="inclusive")[-1], 1) for page, taken in times.items()}


def main(size: str, runs: int, documents: int | None) -> None:
    write("pages", measure(documents or SIZES[size], runs))


def fill(url: str, orders: int) -> int:
    """Migrate the database and stage so many orders with their documents; returns the number of documents."""
    from sqlalchemy import text

    from magodoo import staging
    from magodoo.staging import sales_lines

    engine = staging.connect(url)
    with engine.begin() as connection:
        for statement in (ORDERS, DOCUMENTS, *REST):
            connection.execute(text(statement), {"orders": orders})
            connection.exec_driver_sql("analyze")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")
    started = time.monotonic()
    for start in range(1, orders + 1, 5000):
        with engine.begin() as connection:
            sales_lines.refresh(connection, "us", [str(key) for key in range(start, min(start + 5000, orders + 1))])
    took = time.monotonic() - started
    with engine.begin() as connection:
        sales_lines.note_agreement(connection, "us", utc_now())
        count = connection.execute(text("select count(*) from document")).scalar_one()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")
    engine.dispose()
    tell(f"  writing the lines of the lists took {took:.1f} s, {1000 * took / orders:.2f} ms an order")
    return int(count)
