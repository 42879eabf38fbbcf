"""Find the Magento order of each staged Odoo document.

An Odoo order belongs to the Magento order that our external id names; else to that of a confirmed match; else to the
only Magento order of the instance whose number is among its references and that agrees in customer or total.

Other Odoo documents take the key of their own order; else of what our external id names; else of their parent; else, if
their own order is not staged, of their own references: the number of an order, or of a Magento document of the same
total.

A document that carries our external id or a number shaped like one of this instance, although no such Magento document
exists, gets the key `odoo-<id>` or the claimed id, and `details.without_order`. All others keep order_key null: they
are *not Magento*.

Processes documents with `resolved_at` null, and those that a new Magento document may concern (table `pending`). Runs
under the staging lock (`WorkQueue.one_writer`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from magodoo.settings import Instance
from magodoo.staging import documents, since
from magodoo.staging.completeness import ORDER_NUMBER
from magodoo.staging.line_linking import inherit, name_items, note_open
from magodoo.staging.master_data import MasterData
from magodoo.staging.work_queue import WorkQueue

NUMBER_SHAPES = "magento.order_number"  # rows of table master that hold the shapes of order numbers
AGREEING_TOTAL = 200  # units: two cents, the largest gap that rounding alone makes on one order


def resolve(connection: Connection, instance: Instance, now: datetime) -> int:
    """Write the order_key of every pending document and the item_key of its lines; return how many keys changed.

    The caller has called `documents.begin`. Documents whose order `documents.insert` has set are not resolved again,
    but their items are.
    """
    documents.add_waiting(connection, instance.id)
    if documents.is_empty(connection):  # most of what an overlap or a refresh reads is staged as it is already
        return 0
    names = names_of(instance) | {"now": now}
    _learn_shapes(connection, names)
    inherit(connection, instance.id)
    if not magento_is_staged(connection, instance.id):
        return 0
    changed = _find(connection, names) if _odoo_is_staged(connection, names) else 0
    _clear_found(connection, names)
    connection.execute(
        text("update document set resolved_at = :now where instance = :instance and resolved_at is null"), names
    )
    since.keep(connection, instance.id)
    return changed


def _find(connection: Connection, names: dict[str, Any]) -> int:
    """Find the order of each Odoo document that waits for one, then the items of all pending ones; return how many keys changed."""
    connection.execute(
        text("""
        create temp table if not exists resolving (kind text, source_id text, order_key text, own_claim boolean,
            primary key (kind, source_id)) on commit delete rows""")
    )
    connection.execute(text("delete from resolving"))
    _find_for_orders(connection, names)
    changed = _apply(connection, names)
    _note_mirrors(connection, names)
    _find_for_documents(connection, names)
    changed += _apply(connection, names)
    connection.execute(
        text("""
        insert into resolving (kind, source_id, own_claim) select kind, source_id, false from pending where side = 'odoo'
        on conflict do nothing""")
    )
    name_items(connection, names["instance"])
    note_open(connection, names["instance"])
    return changed


# The order of a document is in quarantine: named by its id, or by the number that an Odoo document carries.
_WAITS = """exists (select 1 from quarantine q where q.instance = d.instance and q.side = 'magento' and q.kind = 'order'
    and q.resolved_at is null and (q.source_id = d.order_key or d.side = 'odoo' and d.order_key like 'odoo-%' and q.number = any(array(
        select substr(word, length(:prefix) + 1) from unnest(d.other_references) word where starts_with(word, :prefix)))))"""


def mark_without_order(connection: Connection, instance: Instance, order_keys: Sequence[str]) -> int:
    """Mark the documents of these keys as `without_order` and return how many keys changed.

    Keys whose Magento order is staged are skipped. So are those whose order exists and is in quarantine: their
    documents wait for it, and lose the mark.
    """
    where = {"instance": instance.id, "keys": list(order_keys), "prefix": instance.odoo.order_number_prefix}
    marked = connection.execute(
        text(f"""
        update document d set details = details || '{{"without_order": true}}'
        where d.instance = :instance and d.order_key = any(:keys) and not details ? 'without_order' and not exists (
            select 1 from document o where o.instance = d.instance and o.side = 'magento' and o.kind = 'order'
                and o.source_id = d.order_key) and not {_WAITS}
        returning d.order_key"""),
        where,
    ).scalars()
    waiting = connection.execute(
        text(f"""
        update document d set details = details - 'without_order'
        where d.instance = :instance and d.order_key = any(:keys) and details ? 'without_order' and {_WAITS}
        returning d.order_key"""),
        where,
    ).scalars()
    keys = sorted({*marked, *waiting})
    WorkQueue(connection, instance.id).bump(keys)
    return len(keys)


def names_of(instance: Instance) -> dict[str, Any]:
    """Return the bind parameters of an instance that the statements of this package share."""
    module = re.escape(instance.odoo.prefix)
    return {
        "instance": instance.id,
        "prefix": instance.odoo.order_number_prefix,
        "prefix_of_ids": f"{instance.odoo.prefix}.",
        "our_order": rf"^{module}\.order_{instance.id}_(\d+)$",
        "our_document": rf"^(?:{module}\.)?(?:inv|cm|ship)_{instance.id}_(\d+)$",
        "agreeing": AGREEING_TOTAL,
        "shapes": NUMBER_SHAPES,
        "looks_like_a_number": ORDER_NUMBER,
    }


_SHAPE = "left({number}, 1) || ':' || length(split_part({number}, '-', 1))"


def _learn_shapes(connection: Connection, names: dict[str, Any]) -> None:
    """Store the shapes of this instance's order numbers: first character and length, without the `-1` of an edited order."""
    shapes = text(f"select distinct {_SHAPE.format(number='m.number')} from {_PENDING_ORDERS}")
    MasterData(connection, names["instance"], names["now"]).learn(
        NUMBER_SHAPES, connection.scalars(shapes, names).all()
    )


def magento_is_staged(connection: Connection, instance: str) -> bool:
    """Return whether a Magento order of the instance was ever staged.

    Before that no document can be resolved, or called foreign.
    """
    known = text("select exists (select 1 from master where instance = :instance and model = :shapes)")
    return bool(connection.execute(known, {"instance": instance, "shapes": NUMBER_SHAPES}).scalar_one())


def _odoo_is_staged(connection: Connection, names: dict[str, Any]) -> bool:
    """Return whether any document of Odoo is staged; during the first reading of Magento none is."""
    there = text("select exists (select 1 from document where instance = :instance and side = 'odoo')")
    return bool(connection.execute(there, names).scalar_one())


_PENDING_ORDERS = """pending p join document m on p.side = 'magento' and p.kind = 'order'
    and m.instance = :instance and m.side = p.side and m.kind = p.kind and m.source_id = p.source_id"""

_PENDING_NUMBERS = f"array(select :prefix || m.number from {_PENDING_ORDERS})"

_PENDING_DOCUMENTS = """
    array(select n.number from pending p join document n on p.side = 'magento' and p.kind in ('invoice', 'credit_memo')
        and n.instance = :instance and n.side = p.side and n.kind = p.kind and n.source_id = p.source_id)"""

_UNRESOLVED = "(o.order_key is null or o.order_key like 'odoo-%' or o.details ? 'without_order')"

_ORDER_BY_REFERENCE = """
    (select case when count(*) = 1 then min(m.source_id) end from document m
     where m.instance = o.instance and m.side = 'magento' and m.kind = 'order' and m.deleted_at is null
       and m.number = any(array(select substr(word, length(:prefix) + 1) from unnest(o.other_references) word
                                where starts_with(word, :prefix)))
       and ({agreement}))"""

# Magento numbers orders and documents independently: one number may be an order's and another order's invoice's. Then the
# customer decides; otherwise the document stays unresolved.
_ORDER_OF_DOCUMENT = """
    (select case when count(*) = 1 then min(source_id)
                 when count(*) filter (where same_customer) = 1 then min(source_id) filter (where same_customer) end
     from (
        select m.source_id, {customer} as same_customer from document m
        where m.instance = o.instance and m.side = 'magento' and m.kind = 'order' and m.deleted_at is null
            and m.number = any(array(select substr(word, length(:prefix) + 1) from unnest(o.other_references) word
                                     where starts_with(word, :prefix)))
            and ({agreement})
        union
        select m.source_id, {customer} from document n
        join document m on m.instance = n.instance and m.side = 'magento' and m.kind = 'order' and m.source_id = n.order_key
            and m.deleted_at is null
        where n.instance = o.instance and n.side = 'magento' and n.kind = o.kind and n.deleted_at is null
            and n.number = any(o.other_references) and n.currency = o.currency
            and abs(n.grand_total - o.grand_total) <= :agreeing and (:prefix = '' or {customer})
     ) named)"""

# It names no sales order, or one that is not staged: from before the cut-over and not changed since.
_NO_ORDER_OF_ITS_OWN = """not exists (select 1 from document s where s.instance = o.instance and s.side = 'odoo' and s.kind = 'order'
    and s.source_id = o.own_order_id)"""

_SAME_CUSTOMER = "m.customer_email = o.customer_email"
_SAME_TOTAL = "(m.currency = o.currency and abs(m.grand_total - o.grand_total) <= :agreeing)"
_SAME_DOCUMENT = """exists (select 1 from document n where n.instance = m.instance and n.side = 'magento' and n.kind = o.kind
    and n.order_key = m.source_id and n.currency = o.currency and abs(n.grand_total - o.grand_total) <= :agreeing)"""


def _find_for_orders(connection: Connection, names: dict[str, Any]) -> None:
    """Find the Magento order of Odoo orders that are pending, or unresolved with a reference to a new Magento order."""
    found = _ORDER_BY_REFERENCE.format(agreement=f"{_SAME_CUSTOMER} or {_SAME_TOTAL}")
    connection.execute(
        text(f"""
        with candidate as (
            select source_id from document
                where instance = :instance and side = 'odoo' and kind = 'order' and resolved_at is null
            union
            select o.source_id from document o where o.instance = :instance and o.side = 'odoo' and o.kind = 'order'
                and {_UNRESOLVED} and o.other_references && {_PENDING_NUMBERS})
        insert into resolving (kind, source_id, order_key, own_claim)
        select o.kind, o.source_id, coalesce(
            substring(o.reference from :our_order),
            (select p.order_key from pair p where p.instance = o.instance and p.kind = 'order' and p.odoo_id = o.source_id
                and p.ended_at is null and p.confirmed_by is not null),
            case when not o.details ? 'intercompany' then {found} end), ({_claims_an_order()}) and not o.details ? 'intercompany'
        from candidate join document o on o.instance = :instance and o.side = 'odoo' and o.kind = 'order'
            and o.source_id = candidate.source_id"""),
        names,
    )


def _note_mirrors(connection: Connection, names: dict[str, Any]) -> None:
    """Mark intercompany orders that carry a number like ours as `without_order`, so that each is reported once.

    They belong to the order whose goods they bring, whatever their number, customer or total (docs/business-rules.md#deliveries).
    """
    connection.execute(
        text(f"""
        update document o set details = details || '{{"without_order": true}}', version = nextval('content_version')
        from resolving r where r.kind = 'order' and o.instance = :instance and o.side = 'odoo' and o.kind = 'order'
            and o.source_id = r.source_id and o.order_key is null and o.details ? 'intercompany' and not o.details ? 'without_order'
            and ({_claims_an_order()})"""),
        names,
    )


def _find_for_documents(connection: Connection, names: dict[str, Any]) -> None:
    """Find the order of documents that are pending, whose order was just found, or whose Magento counterpart is new."""
    agreement = f"{_SAME_CUSTOMER} or {_SAME_TOTAL} or {_SAME_DOCUMENT}"
    found = _ORDER_OF_DOCUMENT.format(agreement=agreement, customer=f"coalesce({_SAME_CUSTOMER}, false)")
    connection.execute(
        text(f"""
        with candidate as (
            select kind, source_id from document
                where instance = :instance and side = 'odoo' and kind <> 'order' and resolved_at is null
            union
            select o.kind, o.source_id from (select source_id from resolving where kind = 'order'
                    union select source_id from pending where side = 'odoo' and kind = 'order') r
                join document o on o.instance = :instance and o.side = 'odoo' and o.kind <> 'order' and o.own_order_id = r.source_id
            union
            select o.kind, o.source_id from document o where o.instance = :instance and o.side = 'odoo'
                and o.kind in ('invoice', 'credit_memo') and {_UNRESOLVED}
                and (o.other_references && {_PENDING_NUMBERS} or o.other_references && {_PENDING_DOCUMENTS})
            union
            select o.kind, o.source_id from pending p join document o on o.instance = :instance and o.side = 'odoo'
                and o.kind = p.kind and o.reference in (
                    :prefix_of_ids || case p.kind when 'invoice' then 'inv' when 'credit_memo' then 'cm' else 'ship' end
                        || '_' || :instance || '_' || p.source_id,
                    'ship_' || :instance || '_' || p.source_id)
                where p.side = 'magento' and p.kind <> 'order' and {_UNRESOLVED})
        insert into resolving (kind, source_id, order_key, own_claim)
        select o.kind, o.source_id, coalesce(
            (select s.order_key from document s where s.instance = o.instance and s.side = 'odoo' and s.kind = 'order'
                and s.source_id = o.own_order_id),
            (select n.order_key from document n where n.instance = o.instance and n.side = 'magento' and n.kind = o.kind
                and n.source_id = substring(o.reference from :our_document)),
            (select r.order_key from document r where r.instance = o.instance and r.side = 'odoo' and r.source_id = o.parent_id
                and r.kind = case o.kind when 'credit_memo' then 'invoice' else 'shipment' end),
            case when {_NO_ORDER_OF_ITS_OWN} and o.kind in ('invoice', 'credit_memo') then {found} end),
            {_NO_ORDER_OF_ITS_OWN} and (coalesce(o.reference ~ :our_document, false) or {_claims_an_order()})
        from candidate join document o on o.instance = :instance and o.side = 'odoo' and o.kind = candidate.kind
            and o.source_id = candidate.source_id"""),
        names,
    )


def _claims_an_order() -> str:
    """Return the SQL condition that an Odoo record names an order of this instance: by external id or the number's shape."""
    word = "substr(word, length(:prefix) + 1)"
    return f"""coalesce(o.reference ~ :our_order, false) or exists (
        select 1 from unnest(o.other_references) word
        join master n on n.instance = o.instance and n.model = :shapes and n.key = {_SHAPE.format(number=word)}
        where starts_with(word, :prefix) and {word} ~ :looks_like_a_number)"""


def _apply(connection: Connection, names: dict[str, Any]) -> int:
    """Write the keys that were found and return how many changed.

    Makes the old and the new order of a moved document due, and removes its mark `without_order`.
    """
    connection.execute(text("analyze resolving"))
    connection.execute(
        text("""
        update resolving set order_key = 'odoo-' || source_id where order_key is null and own_claim""")
    )
    moved = connection.execute(
        text("""
        with found as (
            select d.kind, d.source_id, d.order_key as before, r.order_key as after,
                d.order_key is distinct from r.order_key as moved
            from document d join resolving r using (kind, source_id)
            where d.instance = :instance and d.side = 'odoo'
                and (d.order_key is distinct from r.order_key or d.resolved_at is null)),
        written as (
            update document d set order_key = f.after, resolved_at = :now,
                version = case when f.moved then nextval('content_version') else d.version end,
                details = case when f.moved then d.details - 'without_order' else d.details end
            from found f where d.instance = :instance and d.side = 'odoo' and d.kind = f.kind and d.source_id = f.source_id)
        select before, after from found where moved"""),
        names,
    ).all()
    WorkQueue(connection, names["instance"]).bump(sorted({key for pair in moved for key in pair if key is not None}))
    return len(moved)


def _clear_found(connection: Connection, names: dict[str, Any]) -> None:
    """Remove the mark `without_order` from documents whose order is staged now."""
    connection.execute(
        text("""
        update document d set details = d.details - 'without_order' from pending p
        where p.side = 'magento' and p.kind = 'order'
            and d.instance = :instance and d.order_key = p.source_id and d.details ? 'without_order'"""),
        names,
    )
