-- The lines of the sales lists: one row per pair, or per document without counterpart, with what the lists show, filter and sort by.
-- Written whole orders at a time by staging/listed.py, once pairs and findings have changed. One partition per list:
-- a page with its totals reads one list, never a million documents. Columns marked [personal] are blanked with their documents.
create table listed (
    kind text not null, instance text not null,
    side text not null, source_id text not null,    -- the document that stands for the row
    order_key text, magento_id text, odoo_id text,
    match text not null,                            -- matched, differs, missing in Odoo, missing in Magento, not expected, excluded
    finding_id bigint, finding_type text,           -- the most severe open finding about either document
    number text not null, magento_number text, odoo_number text, order_number text not null,
    status text not null,                           -- as the list shows it: Odoo's label of invoices, Magento's of orders and memos
    odoo_state text,
    date timestamptz not null,                      -- when it was made: what a list is sorted and filtered by unless told otherwise
    magento_date timestamptz, order_date timestamptz,
    document_date date, due_date date, accounting_date date,
    customer text not null, ship_to text, email text, phone text,            -- [personal]
    search text not null,                                           -- [personal] numbers, names and e-mail in small letters
    currency text not null, untaxed bigint not null, tax bigint not null, total bigint not null, difference bigint, open_amount bigint, quantity bigint,
    invoiced_magento bigint, invoiced_odoo bigint, paid_magento bigint, paid_odoo bigint,   -- orders only
    shipped_magento bigint, shipped_odoo bigint,                                            -- orders only
    payment_method text, transaction_id text, journal text, country text, vat text, tracking text,
    primary key (kind, instance, side, source_id)
) partition by list (kind);
create table listed_order partition of listed for values in ('order');
create table listed_invoice partition of listed for values in ('invoice');
create table listed_shipment partition of listed for values in ('shipment');
create table listed_credit_memo partition of listed for values in ('credit_memo');
create index listed_by_order on listed (instance, order_key);
create index listed_by_date on listed (date, side, source_id);
-- What people sort by; the newest first among equals. Other columns are sorted as they come.
create index listed_by_match on listed (match, date, side, source_id);
create index listed_by_status on listed (status, date, side, source_id);
create index listed_by_number on listed (number, date, side, source_id);
create index listed_by_order_number on listed (order_number, date, side, source_id);
create index listed_by_customer on listed (customer, date, side, source_id);
create index listed_by_total on listed (total, date, side, source_id);
create index listed_by_untaxed on listed (untaxed, date, side, source_id);

-- How far both sides agreed at the end of a day: one row per instance, day (UTC) and kind, written at the end of every reconcile run.
create table agreement (
    instance text not null, day date not null, kind text not null,
    matched integer not null, differing integer not null, missing_in_odoo integer not null, missing_in_magento integer not null,
    counted_at timestamptz not null default now(),
    primary key (instance, day, kind)
);

-- Fills both at the next look.
update order_work set reconciled_version = 0;
