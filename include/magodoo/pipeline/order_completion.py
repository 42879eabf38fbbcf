"""Read orders by key with all their documents of one side, regardless of timestamps; mark deleted documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from magodoo.domain.vocabulary import Kind, Side
from magodoo.errors import FixConfiguration
from magodoo.extract.reading import Batch, MagentoSource, OdooSource, Source
from magodoo.pipeline.pages import note_moved, page, store
from magodoo.staging import completeness, deletion, quarantine

if TYPE_CHECKING:
    from magodoo.context import Context

MOST_LOOKED_AT = 500  # quarantined records that are read again per run
COMMITTED_WITHIN = timedelta(
    minutes=1
)  # a timestamp is that of the transaction's start; longer transactions are found by the nightly refresh
MOST_GONE = 20  # deletions accepted in one batch of orders regardless of their share
FOREIGN = "odoo-"  # prefix of the order key of an Odoo document without a known Magento order


def read(context: Context, side: Side, order_keys: Sequence[str]) -> int:
    """Read these orders on one side and stage them; mark documents as deleted that no longer exist. Returns the number of documents read."""
    if not order_keys:
        return 0
    began = context.now()
    count = _read_magento(context, order_keys) if side is Side.MAGENTO else _read_odoo(context, order_keys)
    source = source_of(context, side)
    with context.engine.connect() as connection:
        unseen = deletion.not_seen_since(connection, context.instance.id, side.value, order_keys, began)
        refused = quarantine.not_seen_since(connection, context.instance.id, side.value, order_keys, began)
    gone = {Kind(kind): _gone(context, source, Kind(kind), ids) for kind, ids in unseen.items()}
    _mark(context, side, gone, count, began)
    for kind, ids in refused.items():
        _release_gone(context, source, Kind(kind), [each for each in ids if each.isdecimal()])
    return count


def _release_gone(context: Context, source: Source, kind: Kind, ids: Sequence[str]) -> None:
    """Close the quarantine of records that no longer exist, so that their orders do not wait for them."""
    there = source.existing(kind, ids) if ids else set()
    with context.engine.begin() as connection:
        quarantine.release(
            connection,
            context.instance.id,
            source.side.value,
            kind.value,
            [each for each in ids if each not in there],
            context.now(),
        )


def retry_unreadable(context: Context) -> int:
    """Read the quarantined records of Odoo again: a lifted record rule or a restored customer changes no timestamp.

    Records that no longer exist are released. Returns the number of documents that can be read again.
    """
    source, instance = OdooSource(context.instance, context.odoo), context.instance
    count = 0
    for kind in source.kinds:
        with context.engine.connect() as connection:
            ids = quarantine.open_ids(connection, instance.id, source.side.value, kind.value, MOST_LOOKED_AT)
        own = [each for each in ids if each.isdecimal()]
        gone = _gone(context, source, kind, own) if own else []
        with context.engine.connect() as connection:
            gone += _found_by_name(context, source, [each for each in ids if not each.isdecimal()])
            still = set(quarantine.open_ids(connection, instance.id, source.side.value, kind.value, MOST_LOOKED_AT))
        count += len(set(own) - still - set(gone))
        if gone:
            with context.engine.begin() as connection:
                closed = quarantine.release(connection, instance.id, source.side.value, kind.value, gone, context.now())
                note_moved(connection, instance, source.side, kind.value, closed)
    return count


def with_edited_contacts(context: Context, since: datetime) -> int:
    """Read known orders again whose customer or contacts were edited in Odoo since: that changes no timestamp of the order.

    Returns the number of orders; beyond MOST_LOOKED_AT the nightly refresh finds them.
    """
    source = OdooSource(context.instance, context.odoo)
    edited, last = context.odoo.documents.orders_of_edited_contacts(since, MOST_LOOKED_AT)
    if last is None:
        return 0
    with context.engine.connect() as connection:
        known = completeness.read_before(
            connection, context.instance.id, list(map(str, edited)), last + COMMITTED_WITHIN
        )
    return _stage(context, source.side, source.by_ids(Kind.ORDER, known)) if known else 0


def _found_by_name(context: Context, source: OdooSource, names: Sequence[str]) -> list[str]:
    """Stage those of our orders, known by external id only, that can be read now. Returns the ids that need no quarantine any more."""
    keys = {name.rsplit("_", 1)[1]: name for name in names if name.rpartition("_")[2].isdecimal()}
    if not keys:
        return []
    batch = source.orders_of_ours(sorted(keys))
    _stage(context, source.side, [batch])
    return sorted(set(keys.values()) - {each.source_id for each in batch.unread})


def _gone(context: Context, source: Source, kind: Kind, ids: Sequence[str]) -> list[str]:
    """Return the ids of documents that no longer exist, among those that reading by order did not return.

    The others are staged, or quarantined where they exist and may not be read.
    """
    batches = list(source.by_ids(kind, ids))
    _stage(context, source.side, batches)
    unread = {each.source_id for batch in batches for each in batch.unread}
    there = source.existing(kind, [each for each in ids if source.record_of(kind, each) not in unread])
    return [each for each in ids if each not in there and source.record_of(kind, each) not in unread]


def _mark(context: Context, side: Side, gone: Mapping[Kind, Sequence[str]], read: int, began: datetime) -> None:
    """Mark documents as deleted. Raises FixConfiguration when they are suspiciously many.

    A missing right hides records without an error (docs/facts/odoo-19.0.md#3).
    """
    total = sum(map(len, gone.values()))
    if total > MOST_GONE and total > read:
        raise FixConfiguration(
            f"{total} of {total + read} documents seem to be deleted in {side.value}", system=side.value, call="existing_ids",
            hint="check that the user still sees all documents of the company; nothing was marked",
        )  # fmt: skip
    for kind, ids in gone.items():
        if ids:
            with context.engine.begin() as connection:
                deletion.mark_deleted(connection, context.instance, side.value, kind.value, ids, began, context.now())


def _read_magento(context: Context, order_keys: Sequence[str]) -> int:
    source = MagentoSource(context.instance, context.magento)
    ids = [key for key in order_keys if not key.startswith(FOREIGN)]
    foreign = [key for key in order_keys if key.startswith(FOREIGN)]
    count = 0
    if ids:
        for kind in source.kinds:
            count += _stage(context, source.side, source.by_orders(kind, ids))
    if foreign:
        with context.engine.connect() as connection:
            prefix = context.instance.odoo.order_number_prefix
            numbers = completeness.claimed_numbers(connection, context.instance.id, foreign, prefix)
        if numbers:
            count += _stage(context, source.side, [source.by_numbers(numbers, context.now())])
    return count


def _read_odoo(context: Context, order_keys: Sequence[str]) -> int:
    """Read the sales orders by number and id, then their documents, then invoices that name only the order's number."""
    source = OdooSource(context.instance, context.odoo)
    prefix = context.instance.odoo.order_number_prefix
    with context.engine.connect() as connection:
        numbers = [f"{prefix}{number}" for number in completeness.numbers(connection, context.instance.id, order_keys)]
        known = completeness.own_ids(connection, context.instance.id, "odoo", "order", order_keys)
    count = _stage(context, source.side, [source.orders_named(numbers)] if numbers else [])
    count += _stage(context, source.side, source.by_ids(Kind.ORDER, known) if known else [])
    with context.engine.connect() as connection:
        absent = completeness.without_sales_order(connection, context.instance.id, order_keys)
    nameless = [key for key in absent if not key.startswith(FOREIGN)]
    count += _stage(context, source.side, [source.orders_of_ours(nameless)] if nameless else [])
    with context.engine.connect() as connection:
        own = completeness.own_ids(connection, context.instance.id, "odoo", "order", order_keys)
    for kind in source.kinds[1:]:
        count += _stage(context, source.side, source.by_orders(kind, own) if own else [])
    for kind in (Kind.INVOICE, Kind.CREDIT_MEMO):
        count += _stage(context, source.side, [source.documents_named(kind, numbers)] if numbers else [])
    return count


def _stage(context: Context, side: Side, batches: Iterable[Batch]) -> int:
    count = 0
    for batch in batches:
        context.go_on()
        store(context, side, [page(batch)])
        count += len(batch.documents)
    return count


def source_of(context: Context, side: Side) -> Source:
    """Return the source of documents of this side. Raises InvariantError when the context has no client for it."""
    if side is Side.MAGENTO:
        return MagentoSource(context.instance, context.magento)
    return OdooSource(context.instance, context.odoo)
