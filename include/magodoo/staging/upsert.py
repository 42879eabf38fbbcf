"""Documents into staging: payload, canonical row, lines and work list in the caller's transaction.

The content hash decides: what is unchanged only moves `request_began_at`; what changed gets a new version and makes its order
due. A read that began earlier than the staged one never replaces it. Odoo bumps write_date for reasons that change nothing
(facts odoo-19.0 4), so stamps are not content.

New documents, payloads and lines go into their tables by COPY, after the old ones of a changed document were taken away; only
changed documents pass through a temporary table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from magodoo.copying import copy_rows
from magodoo.extract.canonical import CanonicalDocument
from magodoo.settings import Instance
from magodoo.staging import erasure, insertion, pending, shares, statistics, work
from magodoo.staging.prepared import DOCUMENT, INCOMING, KEY, LINE, PAYLOAD, Prepared, prepare
from magodoo.staging.resolve import names_of, resolve, shop_is_known
from magodoo.vocabulary import Kind, Side

# That it was paid once stays with a document: only so is money seen that goes away again. So does what Magento said once (`since`).
_DETAILS = """i.details || case when d.details ? 'was_paid' then '{"was_paid": true}'::jsonb else '{}'::jsonb end
    || case when d.details ? 'since' then jsonb_build_object('since', d.details -> 'since') else '{}'::jsonb end"""
_SET = ", ".join(
    f"{column} = {_DETAILS if column == 'details' else f'i.{column}'}"
    for column in DOCUMENT if column not in KEY and column != "order_key"
)  # fmt: skip
_SAME_KEY = " and ".join(f"{{0}}.{column} = {{1}}.{column}" for column in KEY)
_Fates = dict[tuple[str, str, str], str]


@dataclass(frozen=True)
class Staged:
    """What became of the documents of one `stage` call."""

    read: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0

    def __add__(self, other: Staged) -> Staged:
        return Staged(
            self.read + other.read,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.stale + other.stale,
        )


def stage(connection: Connection, instance: Instance, documents: Iterable[CanonicalDocument]) -> Staged:
    """Upsert documents of one instance and find their orders; nothing is committed here.

    One writer at a time per instance, until the transaction ends: keep it short, ask no other system inside it.
    """
    documents = list(documents)
    with shares.without_left_behind(connection, instance, documents):
        return write(connection, instance, prepare(documents))


def write(connection: Connection, instance: Instance, documents: Sequence[Prepared]) -> Staged:
    """The same for documents that were prepared before, one per key."""
    work.one_writer(connection, instance.id)
    if not documents:
        return Staged()
    pending.begin(connection)
    known = _known(connection, documents)
    new = [document for document in documents if document.key not in known]
    changed = [document for document in documents if known.get(document.key) == "changed"]
    same = sum(fate == "same" for fate in known.values())
    if same:
        _touch(connection)
    if changed:
        _replace(connection, changed)
        work.bump_changed(connection)
    insertion.insert(connection, new, names_of(instance), shop_is_known=_shop_is_known(connection, instance, new))
    statistics.keep(connection, "document", "line", "payload")
    statistics.learn_kinds(connection)
    resolve(connection, instance)
    erasure.keep_erased(connection, instance.id)
    return Staged(len(documents), len(new) + len(changed), same, len(known) - len(changed) - same)


def _shop_is_known(connection: Connection, instance: Instance, new: Sequence[Prepared]) -> bool:
    return any(document.key[:2] == (Side.MAGENTO, Kind.ORDER) for document in new) or shop_is_known(
        connection, instance.id
    )


def _known(connection: Connection, documents: Sequence[Prepared]) -> _Fates:
    """Table `incoming`: key, hash, times and fate of each document. Returns the fates of those that are staged already."""
    connection.execute(
        text("""
        create temp table if not exists incoming (instance text, side text, kind text, source_id text,
            updated_at timestamptz, request_began_at timestamptz, hash text, fate text) on commit delete rows""")
    )
    connection.execute(text("delete from incoming"))
    copy_rows(connection, "incoming", INCOMING, [f"{document.incoming}\tnew" for document in documents])
    connection.execute(text("analyze incoming"))
    rows = connection.execute(
        text(f"""
        update incoming i set fate = case
                when d.request_began_at > i.request_began_at then 'stale'
                when p.hash = i.hash and d.deleted_at is null then 'same'
                else 'changed' end
        from document d left join payload p using ({", ".join(KEY)})
        where {_SAME_KEY.format("d", "i")} returning d.side, d.kind, d.source_id, i.fate""")
    )
    return {(side, kind, source_id): fate for side, kind, source_id, fate in rows}


def _touch(connection: Connection) -> None:
    connection.execute(
        text(f"""
        update document d set request_began_at = i.request_began_at, updated_at = i.updated_at, staged_at = now()
        from incoming i where i.fate = 'same' and {_SAME_KEY.format("d", "i")}""")
    )


def _replace(connection: Connection, documents: Sequence[Prepared]) -> None:
    """Changed documents keep their row and, where none is told, their order; lines and payload make room for the new ones."""
    insertion.fill(connection, documents)
    connection.execute(
        text(f"""
        update document d set {_SET}, order_key = coalesce(i.order_key, d.order_key), version = nextval('content_version'),
            staged_at = now(), deleted_at = null, resolved_at = null
        from incoming_document i where {_SAME_KEY.format("d", "i")}""")
    )
    for table in ("line", "payload"):
        connection.execute(text(f"delete from {table} l using incoming_document i where {_SAME_KEY.format('l', 'i')}"))
    copy_rows(connection, "payload", PAYLOAD, [document.payload for document in documents])
    copy_rows(connection, "line", LINE, [line for document in documents for line in document.lines])
