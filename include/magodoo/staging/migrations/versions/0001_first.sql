-- Staging, findings and the change ledger. Amounts and quantities are bigint of 1/10000 ("units"); times are timestamptz (UTC).
-- Columns marked [personal] are blanked by retention and erasure.

create sequence content_version;

-- What a side sent, as it was sent. One row per source document. payload [personal].
create table payload (
    instance text not null, side text not null, kind text not null, source_id text not null,
    payload jsonb, hash text not null,
    request_began_at timestamptz not null,
    primary key (instance, side, kind, source_id)
);

-- Canonical documents. One row per document of either side; kinds: order, invoice, shipment, credit_memo, return (Odoo only).
-- grand_total = subtotal + shipping + discount + adjustment + tax holds on every sound row; untaxed = grand_total - tax.
create table document (
    instance text not null, side text not null, kind text not null, source_id text not null,
    order_key text,                 -- Magento order's entity_id; null: not resolved or without order
    own_order_id text,              -- the side's own order id (Magento: order_id, Odoo: sale.order id)
    number text not null,           -- increment id / INV/2026/00001 / WH/OUT/00001 / S00001
    reference text,                 -- our reference found on it: external id (Odoo), marker (Magento), delivery key (picking)
    other_references text[] not null default '{}', -- client_order_ref, origin, ref, payment_reference, original_increment_id ...
    parent_id text,                 -- credit memo: its invoice (reversed_entry_id); delivery: backorder_of; return: the delivery
    state text not null,            -- as the side says: Magento order state / '1','2','3'; Odoo draft, posted, done, cancel, sale ...
    status text,                    -- Magento order status / Odoo payment_state / delivery_status
    active boolean not null default true,  -- false: cancelled or draft; not a document of the books
    currency text not null default '', company_currency text not null default '',
    subtotal bigint not null default 0, shipping bigint not null default 0, discount bigint not null default 0,
    adjustment bigint not null default 0, tax bigint not null default 0, untaxed bigint not null default 0,
    grand_total bigint not null default 0,
    base_grand_total bigint not null default 0, base_tax bigint not null default 0,
    open_amount bigint not null default 0,   -- Odoo: amount_residual; Magento order: total_due
    captured_amount bigint not null default 0, -- Magento: evidence that the provider has the money; Odoo: paid through payments
    rate numeric(18,8) not null default 1,   -- base_to_order_rate / invoice_currency_rate
    quantity bigint not null default 0,
    payment_method text, transaction_id text,
    store_id integer, company_id integer, journal text,
    customer_key text,              -- Magento customer id or lower-cased guest e-mail [personal]; Odoo partner id
    customer_name text, customer_email text, customer_phone text, ship_to_name text,   -- [personal]
    country text, vat text,
    customer_group integer,
    tracking text[] not null default '{}', carrier text, source_code text,
    document_date date,             -- local date of the instance (Odoo: invoice_date / date_done)
    accounting_date date, due_date date,
    created_at timestamptz, updated_at timestamptz,
    sound boolean not null default true,     -- false: own arithmetic does not add up (finding `arithmetic`)
    details jsonb not null default '{}',     -- kind-specific facts: see extract/details.py
    deleted_at timestamptz,
    request_began_at timestamptz not null, staged_at timestamptz not null default now(),
    version bigint not null,
    resolved_at timestamptz,        -- null: its order has to be looked for (staging/resolve.py)
    primary key (instance, side, kind, source_id)
);
create index document_to_resolve on document (instance, side, kind) where resolved_at is null;
create index document_by_other_reference on document using gin (other_references) where side = 'odoo';
create index document_without_order on document (instance) where details ? 'without_order';
create index document_by_order on document (instance, order_key, kind, side);
create index document_by_own_order on document (instance, side, own_order_id);
create index document_by_number on document (instance, side, kind, number);
create index document_by_reference on document (instance, side, reference) where reference is not null;
create index document_by_total on document (instance, side, kind, grand_total) where active and deleted_at is null;
create index document_by_date on document (instance, side, kind, created_at desc, source_id);

-- Lines of documents. role: item, shipping, discount (shipping discount line), adjustment, other (Odoo line that maps to nothing).
create table line (
    instance text not null, side text not null, kind text not null, source_id text not null, line_id text not null,
    item_key text,                  -- Magento order_item_id; on Odoo lines through the sale line's external id or by SKU
    own_item_id text,               -- Odoo: sale.order.line id the line belongs to; Magento: order_item_id
    parent_item_key text,           -- Magento order items only
    role text not null default 'item', product_type text, sku text not null default '', name text not null default '',
    is_money boolean not null default true,  -- carries amounts of its own (docs/facts/pair.md#1: configurable parent, bundle children ...)
    is_virtual boolean not null default false,
    quantity bigint not null default 0, price bigint not null default 0, discount_percent numeric(9,4) not null default 0,
    gross bigint not null default 0,         -- row before discount, without tax
    discount bigint not null default 0,      -- <= 0
    untaxed bigint not null default 0,       -- gross + discount (+ compensation)
    tax bigint not null default 0, base_untaxed bigint not null default 0, base_tax bigint not null default 0,
    tax_percent numeric(9,4),
    qty_ordered bigint not null default 0, qty_invoiced bigint not null default 0, qty_shipped bigint not null default 0,
    qty_refunded bigint not null default 0, qty_canceled bigint not null default 0,
    qty_open bigint not null default 0,      -- Odoo order lines: still to be delivered on open pickings
    primary key (instance, side, kind, source_id, line_id)
);

-- Odoo master data that mappings need: model product.product by SKU, account.tax by name, res.currency by name ...
create table master (
    instance text not null, model text not null, key text not null, odoo_id bigint not null,
    active boolean not null default true, data jsonb not null default '{}', seen_at timestamptz not null default now(),
    primary key (instance, model, key, odoo_id)
);

-- Where a scheduled extract stands: the largest stamp that the source returned, never a clock of ours.
create table watermark (
    instance text not null, side text not null, kind text not null,
    stamp timestamptz not null, last_success_at timestamptz not null, rows_read bigint not null default 0,
    source_count bigint, complete boolean not null default true,
    primary key (instance, side, kind)
);

-- Work list of reconcile: an order is due when its staged version is newer than its reconciled one.
create table order_work (
    instance text not null, order_key text not null,
    staged_version bigint not null, reconciled_version bigint not null default 0,
    completed_version bigint not null default 0,   -- both sides fetched by key up to this version
    scope text not null default 'in_scope',        -- in_scope, excluded, not_expected (Magento state not imported): set by reconcile
    primary key (instance, order_key)
);
create index order_due on order_work (instance, staged_version) where staged_version > reconciled_version;

-- A document of one side and its counterpart. At most one active pair per document.
create table pair (
    id bigint generated always as identity primary key,
    instance text not null, kind text not null, order_key text not null,
    magento_id text not null, odoo_id text not null, rule text not null,
    confirmed_by text, created_at timestamptz not null default now(), ended_at timestamptz
);
create unique index pair_magento on pair (instance, kind, magento_id) where ended_at is null;
create unique index pair_odoo on pair (instance, kind, odoo_id) where ended_at is null;
create index pair_by_order on pair (instance, order_key);

-- The differences between the sides. One row per difference and place, open or resolved; it is reopened, never written twice.
create table finding (
    id bigint generated always as identity primary key,
    instance text not null, type text not null, severity text not null,
    kind text not null, order_key text,             -- kind of the document
    order_number text,
    magento_id text, odoo_id text, magento_number text, odoo_number text,
    part text not null default '',                  -- which part differs: tax, shipping ... / 'sku:ABC' for unmapped
    magento_value text, odoo_value text,            -- both sides as words (statuses, tracks, quantities)
    magento_amount bigint, odoo_amount bigint, difference bigint, currency text,
    message text not null, effect text not null default '', who text not null default '', next_step text not null default '',
    change_id bigint, no_change_reason text,        -- the change that would settle it, or why none may
    first_seen timestamptz not null default now(), last_seen timestamptz not null default now(),
    resolved_at timestamptz, reopened_at timestamptz, reopened integer not null default 0,
    muted_until timestamptz, muted_by text, muted_reason text,
    mailed_at timestamptz
);
-- The same difference at the same place is the same finding, also after it was resolved.
create unique index finding_identity on finding
    (instance, type, kind, coalesce(order_key, ''), coalesce(magento_id, ''), coalesce(odoo_id, ''), part);
create index finding_open on finding (instance, order_key) where resolved_at is null;

-- The change ledger. Rows stay for ever; before, after and request lie in change_body [personal].
create table change (
    id bigint generated always as identity primary key,
    instance text not null, kind text not null, target text not null, step smallint not null,
    order_key text not null, order_number text not null default '',
    source_id text not null,                        -- the source document (or payment, track, return) that the change is for
    source_number text not null default '',
    document_kind text not null,
    state text not null default 'planned', verdict text not null default 'unchecked', approval text not null default 'not_needed',
    held_by text,                                   -- the check that holds it
    amount bigint not null default 0, currency text not null default '', company_amount bigint not null default 0,
    request_hash text not null,                     -- of the body's request; an approval and a verdict belong to it
    checked_hash text, approved_hash text,
    approved_by text, approved_at timestamptz, approval_reason text,
    attempts integer not null default 0, target_id text, target_number text,
    lease_token bigint not null default 0, leased_by text, lease_until timestamptz,
    not_before timestamptz,                         -- uncertain: closed until the settle time is over
    reason text,                                    -- why it was refused, failed, held
    dag_run text, planned_at timestamptz not null default now(), written_at timestamptz, finished_at timestamptz
);
-- At most one open change per (instance, kind, source document).
create unique index change_open on change (instance, kind, source_id) where state in ('planned', 'approved', 'leased', 'uncertain');
create index change_by_order on change (instance, order_key);
create index change_due on change (instance, target, state, verdict);
create sequence lease_token;

-- What a change would send and did: request, calls, the target before and after. [personal]
create table change_body (
    change_id bigint primary key references change (id),
    request jsonb, calls jsonb, before jsonb, after jsonb
);

-- One writer per order: the lock row of an order, taken with a lease.
create table order_lease (
    instance text not null, order_key text not null, token bigint not null, holder text not null, until timestamptz not null,
    primary key (instance, order_key)
);

-- What could not be read; never dropped, reported as a finding. payload [personal].
create table quarantine (
    id bigint generated always as identity primary key,
    instance text not null, side text not null, kind text not null, source_id text not null,
    reason text not null, payload text, first_seen timestamptz not null default now(), last_seen timestamptz not null default now(),
    resolved_at timestamptz
);
create unique index quarantine_identity on quarantine (instance, side, kind, source_id);

-- Mails to be sent: written with the data, sent afterwards, kept until sent. body [personal].
create table mail (
    id bigint generated always as identity primary key,
    instance text, topic text not null, recipients text[] not null, subject text not null,
    html text not null, plain text not null, csv_name text, csv text, picture bytea,
    queued_at timestamptz not null default now(), sent_at timestamptz, attempts integer not null default 0, last_error text
);
create index mail_unsent on mail (queued_at) where sent_at is null;

-- What each run did, for pages, mails and the gate.
create table run (
    id bigint generated always as identity primary key,
    instance text not null, stage text not null, dag_run text, window_from timestamptz, window_to timestamptz,
    started_at timestamptz not null default now(), finished_at timestamptz, ok boolean, counts jsonb not null default '{}', message text
);
create index run_latest on run (instance, stage, started_at desc);
