"""Checks on what the reconciliation wrote: pairs, findings, changes, and the totals of both sides."""

from __future__ import annotations

from magodoo.domain.vocabulary import Severity
from magodoo.quality.checks import Check, Holds, document_row

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
