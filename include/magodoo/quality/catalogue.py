"""List every check of the suites: on the staged documents, and on the results of reconciling."""

from __future__ import annotations

from magodoo.domain.vocabulary import Severity
from magodoo.quality.checks import SCHEMA_CHECKS, Check, Holds, document_row

_LIVE = "d.instance = {instance} and d.deleted_at is null"


def _documents(
    name: str, where: str, message: str, *, meaning: str, remedy: str, severity: Severity = Severity.CRITICAL
) -> Check:
    holds = Holds.DOCUMENT if severity is Severity.CRITICAL else Holds.NOTHING
    select = f"select {document_row(message)} from {{batch}} d where {_LIVE} and ({where})"
    return Check(name, "document", severity, holds, meaning, remedy, select)


DOCUMENT_CHECKS = (
    _documents(
        "number_present",
        "d.number = ''",
        "'has no number'",
        meaning="Every document has a number that a person can look up.",
        remedy="Open the document in its system by its id.",
    ),
    _documents(
        "state_present",
        # which has none (docs/facts/magento-2.4.7.md#5)
        "d.state = '' and not (d.side = 'magento' and d.kind = 'shipment')",
        "'has no state'",
        meaning="Every document has a state.",
        remedy="Open the document; a module may have removed its state.",
        severity=Severity.WARNING,
    ),
    _documents(
        "currency_present",
        "d.kind in ('order', 'invoice', 'credit_memo') and d.currency !~ '^[A-Z][A-Z][A-Z]$'",
        "'currency ' || quote_literal(d.currency)",
        meaning="Every document with money has an ISO currency.",
        remedy="Read the currency on the document; it must be a three-letter code.",
    ),
    _documents(
        "parts_add_up",
        "d.subtotal + d.shipping + d.discount + d.adjustment + d.tax <> d.grand_total",
        "'parts give ' || round((d.subtotal + d.shipping + d.discount + d.adjustment + d.tax) / 10000.0, 4)",
        meaning="Subtotal, shipping, discount, adjustment and tax add up to the grand total.",
        remedy="Compare the document's parts in its system: one of them was changed or is missing.",
    ),
    _documents(
        "untaxed_and_tax",
        "d.untaxed + d.tax <> d.grand_total",
        "'untaxed and tax give ' || round((d.untaxed + d.tax) / 10000.0, 4)",
        meaning="Untaxed amount and tax add up to the grand total.",
        remedy="Compare the document's tax in its system.",
    ),
    _documents(
        "own_arithmetic",
        # An amount that is in the total but in no field is added when the document is written, or its order gets the finding `unmapped`.
        "not d.sound and not exists (select 1 from line l where l.instance = d.instance and l.side = d.side and l.kind = d.kind"
        " and l.source_id = d.source_id and l.role = 'extra')",
        "coalesce(nullif(d.details ->> 'flaw', ''), 'its own parts do not add up')",
        meaning="A document's header equals its own lines.",
        remedy="See the finding `arithmetic` of this document.",
    ),
    _documents(
        "has_lines",
        "d.kind in ('invoice', 'credit_memo') and d.grand_total <> 0 and d.active and not exists (select 1 from line l where"
        " l.instance = d.instance and l.side = d.side and l.kind = d.kind and l.source_id = d.source_id)",
        "'has an amount and no lines'",
        meaning="A document with an amount has lines.",
        remedy="Open the document: it was made without lines, or its lines were deleted.",
    ),
    _documents(
        "lines_equal_header",
        "d.side = 'magento' and d.kind in ('invoice', 'credit_memo') and exists (select 1 from (select kind, source_id,"
        " sum(untaxed + tax) as total from line where instance = {instance} and side = 'magento' and kind in ('invoice',"
        " 'credit_memo') group by 1, 2) l where l.kind = d.kind and l.source_id = d.source_id and l.total <> d.grand_total)",
        "'its lines give another sum'",
        meaning="The lines of a Magento document add up to its grand total.",
        remedy="Compare the lines with the header in Magento.",
    ),
    _documents(
        "order_staged",
        "d.kind in ('invoice', 'shipment', 'credit_memo') and d.side = 'magento' and not exists (select 1 from document o where"
        " o.instance = d.instance and o.side = 'magento' and o.kind = 'order' and o.source_id = d.own_order_id)",
        "'its order ' || coalesce(d.own_order_id, '?') || ' is not there'",
        meaning="Every Magento document has its order.",
        remedy="See the finding `without_order`: the order was deleted, or belongs to another store.",
    ),
    _documents(
        "quantities_not_negative",
        "exists (select 1 from line l where l.instance = d.instance and l.side = d.side and l.kind = d.kind"
        " and l.source_id = d.source_id and l.role = 'item' and d.side = 'magento' and l.quantity < 0)",
        "'has a negative quantity'",
        meaning="No line of a Magento document has a negative quantity.",
        remedy="Open the document and correct the line.",
    ),
    _documents(
        "stamped",
        "d.updated_at is null or d.created_at is null",
        "'has no creation or change time'",
        meaning="Every document says when it was made and changed.",
        remedy="Without these times a change may be missed: let the nightly refresh read it, and look why they are gone.",
    ),
    _documents(
        "not_in_the_future",
        "d.created_at > {now} + interval '1 day'",
        "'made in the future: ' || d.created_at",
        meaning="No document was made in the future.",
        remedy="Check the clock of the database server.",
        severity=Severity.WARNING,
    ),
    _documents(
        "amount_plausible",
        "abs(d.grand_total) > 10000000000000",
        "'an amount of this size is damage'",
        meaning="No single document is above a thousand million.",
        remedy="Open the document.",
    ),
    Check(
        "number_unique",
        "document",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "A Magento number stands once per store and kind.",
        "Two documents with one number: find out which is the real one.",
        f"""select {document_row("'this number stands ' || twice.n || ' times'")} from {{batch}} d join (
            select same.kind, same.store_id, same.number, count(*) as n from (
                select kind, number from document where instance = {{instance}} and side = 'magento'
                group by 1, 2 having count(*) > 1) seen
            join document same on same.instance = {{instance}} and same.side = 'magento' and same.kind = seen.kind
                and same.number = seen.number and same.deleted_at is null and same.number <> ''
            group by 1, 2, 3 having count(*) > 1) twice
            on twice.kind = d.kind and twice.store_id is not distinct from d.store_id and twice.number = d.number
            where {_LIVE} and d.side = 'magento'""",
    ),
)

LINE_CHECKS = (
    Check(
        "line_has_document",
        "line",
        Severity.CRITICAL,
        Holds.SIDE,
        "Every staged line belongs to a staged document.",
        "The staging tables are damaged: restore them, or read the window again with a backfill.",
        """select l.side, l.kind, l.source_id, null::text, ''::text, null::text, null::bigint, null::bigint, null::text,
            'line ' || l.line_id || ' has no document' as message
            from {batch} l where l.instance = {instance} and not exists (select 1 from document d where d.instance = l.instance
                and d.side = l.side and d.kind = l.kind and d.source_id = l.source_id)""",
    ),
    Check(
        "line_amounts",
        "line",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "An item line of a Magento invoice or credit memo names the order item that it is for.",
        "Without it the line cannot be matched: open the document.",
        """select l.side, l.kind, l.source_id, d.order_key, d.number, null::text, d.grand_total, null::bigint, d.currency,
            'line ' || l.line_id || ' names no order item' as message
            from {batch} l join document d using (instance, side, kind, source_id)
            where l.instance = {instance} and d.deleted_at is null and l.side = 'magento' and l.role = 'item' and coalesce(l.item_key, '') = ''""",
    ),
)

EXTRACT_CHECKS = (
    Check(
        "extract_recent",
        "watermark",
        Severity.CRITICAL,
        Holds.SIDE,
        "Each side was read successfully a short time ago.",
        "Look at the extract DAG of this side; the next successful run heals it.",
        """select side, 'extract', kind, null::text, side || ' ' || kind, null::text, null::bigint, null::bigint, null::text,
            'last successful read ' || to_char(last_success_at, 'YYYY-MM-DD HH24:MI') || ' UTC' as message
            from {batch} where instance = {instance} and last_success_at < {now} - interval '{max_age} minutes'""",
    ),
    Check(
        "extract_complete",
        "watermark",
        Severity.CRITICAL,
        Holds.SIDE,
        "As many rows were read as the source said it has.",
        "Run the extract again; if it stays, a page of the source cannot be read: see the quarantine.",
        """select side, 'extract', kind, null::text, side || ' ' || kind, null::text, null::bigint, null::bigint, null::text,
            rows_read || ' rows read of ' || coalesce(source_count::text, '?') as message
            from {batch} where instance = {instance} and not complete""",
    ),
    Check(
        "quarantine_empty",
        "quarantine",
        Severity.WARNING,
        Holds.NOTHING,
        "No document was set aside because it could not be read.",
        "Open the document in its system; it is read again at the next change or by the nightly refresh.",
        """select side, kind, source_id, null::text, source_id, null::text, null::bigint, null::bigint, null::text, reason as message
            from {batch} where instance = {instance} and resolved_at is null""",
    ),
    Check(
        "volume_as_usual",
        "document",
        Severity.WARNING,
        Holds.NOTHING,
        "Yesterday brought about as many orders as the same weekday of the weeks before.",
        "A quiet day, or a source that stopped delivering: look at the shop.",
        """select 'magento', 'order', ''::text, null::text, 'orders of yesterday', null::text, null::bigint, null::bigint, null::text,
            yesterday.n || ' orders, usually ' || round(usual.n, 1) as message
            from (select count(*) as n from {batch} where instance = {instance} and side = 'magento' and kind = 'order'
                    and created_at >= {now}::date - 1 and created_at < {now}::date) yesterday,
                (select count(*) / 4.0 as n from {batch} where instance = {instance} and side = 'magento' and kind = 'order'
                    and created_at::date in ({now}::date - 8, {now}::date - 15, {now}::date - 22, {now}::date - 29)) usual
            where usual.n >= 10 and yesterday.n < usual.n * {volume_share}""",
    ),
)

# One row per matched document of either side, and per shipment that is compared within a group. Joined as a table, because a
# CASE over two columns cannot use an index and is evaluated row by row.
_MATCHED = """(select instance, kind, 'magento' as side, magento_id as source_id from pair where ended_at is null
    union all select instance, kind, 'odoo', odoo_id from pair where ended_at is null
    union all select g.instance, 'shipment', g.side, g.source_id from shipment_group g where not exists (
        select 1 from pair t where t.instance = g.instance and t.kind = 'shipment' and t.ended_at is null
        and case g.side when 'magento' then t.magento_id else t.odoo_id end = g.source_id))"""
_SAME = "p.instance = d.instance and p.kind = d.kind and p.side = d.side and p.source_id = d.source_id"

# Documents of reconciled orders that have neither a pair nor an open finding that names them.
_UNANSWERED = f"""d.instance = {{instance}} and d.deleted_at is null and d.active and d.order_key is not null
    and d.kind in ('invoice', 'shipment', 'credit_memo')
    and exists (select 1 from order_work w where w.instance = d.instance and w.order_key = d.order_key
        and w.reconciled_version >= w.staged_version and w.scope = 'in_scope')
    and not exists (select 1 from {_MATCHED} p where {_SAME})
    and not exists (select 1 from finding f where f.instance = d.instance and f.resolved_at is null
        and (f.order_key = d.order_key or f.order_key is null)
        and (f.kind = d.kind or f.type in ('corrected_in_odoo', 'ambiguous', 'deleted'))
        and (case d.side when 'magento' then f.magento_id else f.odoo_id end = d.source_id
             or f.type in ('corrected_in_odoo', 'ambiguous')))"""

PAIR_CHECKS = (
    Check(
        "pair_documents_exist",
        "pair",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "Both documents of a match are staged.",
        "One was deleted: see the finding `deleted`.",
        """select 'magento', p.kind, p.magento_id, p.order_key, p.magento_id, null::text, null::bigint, null::bigint, null::text,
            'matched with Odoo ' || p.odoo_id || ', but one of them is not staged' as message
            from {batch} p
            left join document d on d.instance = p.instance and d.side = 'magento' and d.kind = p.kind and d.source_id = p.magento_id
            left join document o on o.instance = p.instance and o.side = 'odoo' and o.kind = p.kind and o.source_id = p.odoo_id
            where p.instance = {instance} and p.ended_at is null and (d.source_id is null or o.source_id is null)""",
    ),
    Check(
        "pair_same_order",
        "pair",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "Both documents of a match belong to the same order.",
        "End the match on the document's page and let it be matched anew.",
        f"""select {document_row("'matched with Odoo ' || o.number || ' of order ' || coalesce(o.order_key, '?')")}
            from {{batch}} p join document d on d.instance = p.instance and d.side = 'magento' and d.kind = p.kind and d.source_id = p.magento_id
            join document o on o.instance = p.instance and o.side = 'odoo' and o.kind = p.kind and o.source_id = p.odoo_id
            where p.instance = {{instance}} and p.ended_at is null and o.order_key is distinct from d.order_key
                and not o.details ? 'consolidated'""",
    ),
    Check(
        "difference_explained",
        "pair",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "Every matched pair with different totals has a finding that says so.",
        "Run the reconciliation of this order again; if it stays, report it: it is a fault of magodoo.",
        """select d.side, d.kind, d.source_id, d.order_key, d.number, null::text, d.grand_total, o.grand_total, d.currency,
            'totals differ and no finding says so' as message
            from {batch} p join document d on d.instance = p.instance and d.side = 'magento' and d.kind = p.kind and d.source_id = p.magento_id
            join document o on o.instance = p.instance and o.side = 'odoo' and o.kind = p.kind and o.source_id = p.odoo_id
            join order_work w on w.instance = p.instance and w.order_key = p.order_key and w.reconciled_version >= w.staged_version
            where p.instance = {instance} and p.ended_at is null and p.kind in ('invoice', 'credit_memo') and d.deleted_at is null
                and o.deleted_at is null and o.active and w.scope = 'in_scope' and not o.details ? 'consolidated'
                and round(d.grand_total, -2) <> round(o.grand_total, -2)
                and not exists (select 1 from finding f where f.instance = p.instance and f.resolved_at is null and f.kind = p.kind
                    and f.magento_id = p.magento_id)
                and not exists (select 1 from finding f where f.instance = p.instance and f.resolved_at is null and f.kind = p.kind
                    and f.odoo_id = p.odoo_id)""",
    ),
)

RESULT_CHECKS = (
    Check(
        "every_document_answered",
        "document",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "Every document of a reconciled order is matched, or an open finding says why not.",
        "Run the reconciliation of this order again; if it stays, report it: it is a fault of magodoo.",
        f"""select {document_row("'is neither matched nor explained'")} from {{batch}} d where {_UNANSWERED}""",
    ),
    Check(
        "totals_explained",
        "document",
        Severity.CRITICAL,
        Holds.SIDE,
        "The two sides' totals agree as they would stand after the planned changes, but for what findings explain.",
        "See which documents `every_document_answered` names.",
        f"""select d.side, d.kind, ''::text, null::text, d.kind || ' ' || d.currency, null::text,
            sum(d.grand_total) filter (where d.side = 'magento'), sum(d.grand_total) filter (where d.side = 'odoo'), d.currency,
            count(*) || ' documents are not explained' as message
            from {{batch}} d where {_UNANSWERED} and d.kind <> 'shipment' group by d.side, d.kind, d.currency having sum(d.grand_total) <> 0""",
    ),
    Check(
        "unmatched_share",
        "document",
        Severity.WARNING,
        Holds.NOTHING,
        "Most documents of the last 30 days are matched.",
        "At the start this is usual: let `apply` work through it, or settle the findings.",
        f"""select side, kind, ''::text, null::text, side || ' ' || kind, null::text, null::bigint, null::bigint, null::text,
            unmatched || ' of ' || all_of_them || ' without a counterpart' as message from (
                select d.side, d.kind, count(*) as all_of_them, count(*) filter (where p.source_id is null) as unmatched
                from {{batch}} d left join {_MATCHED} p on {_SAME} where d.instance = {{instance}} and d.active and d.deleted_at is null
                    and d.order_key is not null and d.kind in ('invoice', 'shipment', 'credit_memo') and d.created_at > {{now}} - interval '30 days'
                group by 1, 2) counted
            where unmatched > all_of_them * {{max_unmatched}} and all_of_them >= 10""",
    ),
)

FINDING_CHECKS = (
    Check(
        "statuses_agree",
        "finding",
        Severity.WARNING,
        Holds.NOTHING,
        "No matched documents differ in their status.",
        "See each finding's next step; most are settled by a planned change.",
        """select case when magento_id is null then 'odoo' else 'magento' end, kind, coalesce(magento_id, odoo_id), order_key,
            coalesce(magento_number, odoo_number), order_number, magento_amount, odoo_amount, currency, message
            from {batch} where instance = {instance} and resolved_at is null and type in ('status_mismatch', 'cancelled_in_odoo')
                and coalesce(muted_until, {now}) <= {now}""",
    ),
    Check(
        "totals_agree",
        "finding",
        Severity.WARNING,
        Holds.NOTHING,
        "No matched documents differ in their totals, taxes or currency.",
        "See each finding's next step.",
        """select case when magento_id is null then 'odoo' else 'magento' end, kind, coalesce(magento_id, odoo_id), order_key,
            coalesce(magento_number, odoo_number), order_number, magento_amount, odoo_amount, currency, message
            from {batch} where instance = {instance} and resolved_at is null
                and type in ('total_mismatch', 'tax_mismatch', 'currency_mismatch') and coalesce(muted_until, {now}) <= {now}""",
    ),
    Check(
        "finding_has_document",
        "finding",
        Severity.CRITICAL,
        Holds.NOTHING,
        "Every open finding names a document that is staged or quarantined.",
        "The staging tables are damaged: restore them, or read the window again with a backfill.",
        """select 'magento', f.kind, f.magento_id, f.order_key, f.magento_number, f.order_number, f.magento_amount, f.odoo_amount,
            f.currency, 'finding ' || f.type || ' names a document that is not staged' as message
            from {batch} f where f.instance = {instance} and f.resolved_at is null and f.type not in ('quarantined', 'unmapped')
                and f.magento_id is not null and not exists (select 1 from document d where d.instance = f.instance
                    and d.side = 'magento' and d.kind = f.kind and d.source_id = f.magento_id)""",
    ),
)

CHANGE_CHECKS = (
    Check(
        "change_equals_source",
        "change",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "A planned invoice or credit note has the amount of the document that it is made from.",
        "The document changed after it was planned: the next reconciliation plans it anew.",
        f"""select {document_row("'planned with ' || round(c.amount / 10000.0, 2)")}
            from {{batch}} c join document d on d.instance = c.instance and d.source_id = c.source_id and d.kind = c.document_kind
                and d.side = case c.target when 'odoo' then 'magento' else 'odoo' end
            where c.instance = {{instance}} and c.state in ('planned', 'approved')
                and c.kind in ('odoo_invoice', 'odoo_credit_note', 'magento_invoice', 'magento_credit_memo')
                and abs(c.amount - d.grand_total) > 50""",
    ),
    Check(
        "change_has_source",
        "change",
        Severity.CRITICAL,
        Holds.DOCUMENT,
        "Every planned change is made from a document that still exists.",
        "The document was deleted: the next reconciliation withdraws the change.",
        """select case c.target when 'odoo' then 'magento' else 'odoo' end, c.document_kind, c.source_id, c.order_key, c.source_number,
            c.order_number, null::bigint, null::bigint, c.currency, 'planned ' || c.kind || ', but its source is not staged' as message
            from {batch} c where c.instance = {instance} and c.state in ('planned', 'approved') and not exists (
                select 1 from document d where d.instance = c.instance and d.kind = c.document_kind and d.source_id = c.source_id
                    and d.side = case c.target when 'odoo' then 'magento' else 'odoo' end and d.deleted_at is null)""",
    ),
)

ALL_CHECKS: tuple[Check, ...] = (
    *SCHEMA_CHECKS, *DOCUMENT_CHECKS, *LINE_CHECKS, *EXTRACT_CHECKS, *PAIR_CHECKS, *RESULT_CHECKS, *FINDING_CHECKS, *CHANGE_CHECKS,
)  # fmt: skip
