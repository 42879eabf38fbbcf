"""Checks on what was read: the staged documents and lines of either side, and the extraction itself.

Conditions on a document alone are written exactly as the partial indexes `document_incomplete` and `document_unequal` (migration
0009) state them, so that PostgreSQL reads only the damaged documents.
"""

from __future__ import annotations

from magodoo.domain.vocabulary import Severity
from magodoo.quality.checks import Check, Holds, document_row

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
        "d.created_at > now() + interval '1 day'",
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
            from {batch} where instance = {instance} and last_success_at < now() - interval '{max_age} minutes'""",
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
                    and created_at >= current_date - 1 and created_at < current_date) yesterday,
                (select count(*) / 4.0 as n from {batch} where instance = {instance} and side = 'magento' and kind = 'order'
                    and created_at::date in (current_date - 8, current_date - 15, current_date - 22, current_date - 29)) usual
            where usual.n >= 10 and yesterday.n < usual.n * {volume_share}""",
    ),
)
