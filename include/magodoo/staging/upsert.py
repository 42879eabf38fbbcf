"""Documents into staging: payload, canonical row, lines and work list in the caller's transaction.

The content hash decides: what is unchanged only moves `request_began_at`; what changed gets a new version and makes its order
due. A read that began earlier than the staged one never replaces it. Odoo bumps write_date for reasons that change nothing
(facts odoo-19.0 4), so stamps are not content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from magodoo.extract.canonical import DOCUMENT_COLUMNS, LINE_COLUMNS, CanonicalDocument
from magodoo.settings import Instance
from magodoo.staging import erasure, statistics, work
from magodoo.staging.copying import copy_rows, encoded, encoded_row, json_text
from magodoo.staging.resolve import resolve

KEY = ("instance", "side", "kind", "source_id")
_STAMPS = re.compile(r'"(?:updated_at|write_date|__last_update)":(?:"[^"]*"|false|null),?')
_VOLATILE = ("updated_at", "request_began_at")
_CONTENT = tuple(column for column in DOCUMENT_COLUMNS if column not in _VOLATILE)
_INCOMING = (*_CONTENT, *_VOLATILE, "payload", "hash", "fate")
_INCOMING_LINE = (*KEY, *LINE_COLUMNS)
_SET = ", ".join(
    f"{column} = excluded.{column}" for column in DOCUMENT_COLUMNS if column not in KEY and column != "order_key"
)
_SAME_KEY = " and ".join(f"{{0}}.{column} = {{1}}.{column}" for column in KEY)


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
    work.one_writer(connection, instance.id)
    distinct = _latest(documents)
    if not distinct:
        return Staged()
    _copy(connection, distinct)
    fates = _decide(connection)
    _touch(connection)
    _write(connection)
    work.bump_incoming(connection)
    statistics.keep(connection, "document", "line", "payload")
    statistics.learn_kinds(connection)
    resolve(connection, instance)
    erasure.keep_erased(connection)
    connection.execute(text("truncate incoming_document, incoming_line"))
    return Staged(len(distinct), fates.get("changed", 0), fates.get("same", 0), fates.get("stale", 0))


def content_hash(content: Sequence[str], lines: Sequence[str], payload: str) -> str:
    """Hash of what a document says, without the times at which it was written or read."""
    parts = "\x1f".join((*content, *lines, _STAMPS.sub("", payload), ""))
    digest = hashlib.blake2b(parts.encode("utf-8", "replace"), digest_size=16)
    return digest.hexdigest()


def _latest(documents: Iterable[CanonicalDocument]) -> list[CanonicalDocument]:
    """One per key, the latest read: a page may show a document twice when it changes while pages are read."""
    latest: dict[tuple[str, str, str], CanonicalDocument] = {}
    for document in documents:
        known = latest.get(document.key)
        if known is None or known.request_began_at <= document.request_began_at:
            latest[document.key] = document
    return list(latest.values())


def _copy(connection: Connection, documents: Sequence[CanonicalDocument]) -> None:
    connection.execute(
        text(f"""
        create temp table if not exists incoming_document on commit delete rows as
            select {", ".join(f"d.{column}" for column in (*_CONTENT, *_VOLATILE))}, p.payload, p.hash, ''::text as fate
            from document d, payload p with no data""")
    )
    connection.execute(
        text(f"""
        create temp table if not exists incoming_line on commit delete rows as
            select {", ".join(_INCOMING_LINE)} from line with no data""")
    )
    rows, lines = [], []
    for document in documents:
        content = [encoded(getattr(document, column)) for column in _CONTENT]
        own = [encoded(getattr(document, column)) for column in KEY]
        own_lines = [
            "\t".join(own) + "\t" + encoded_row(getattr(line, column) for column in LINE_COLUMNS)
            for line in document.lines
        ]
        payload = json_text(document.payload)
        digest = content_hash(content, own_lines, payload)
        volatile = [encoded(getattr(document, column)) for column in _VOLATILE]
        rows.append("\t".join([*content, *volatile, encoded(payload), digest, "changed"]))
        lines += own_lines
    copy_rows(connection, "incoming_document", _INCOMING, rows)
    copy_rows(connection, "incoming_line", _INCOMING_LINE, lines)
    connection.execute(text("analyze incoming_document"))


def _decide(connection: Connection) -> dict[str, int]:
    connection.execute(
        text(f"""
        update incoming_document i set fate = case
                when d.request_began_at > i.request_began_at then 'stale'
                when p.hash = i.hash and d.deleted_at is null then 'same'
                else 'changed' end
        from document d left join payload p using ({", ".join(KEY)})
        where {_SAME_KEY.format("d", "i")}""")
    )
    rows = connection.execute(text("select fate, count(*) from incoming_document group by fate")).all()
    return {fate: count for fate, count in rows}


def _touch(connection: Connection) -> None:
    connection.execute(
        text(f"""
        update document d set request_began_at = i.request_began_at, updated_at = i.updated_at, staged_at = now()
        from incoming_document i where i.fate = 'same' and {_SAME_KEY.format("d", "i")}""")
    )


def _write(connection: Connection) -> None:
    columns = ", ".join(DOCUMENT_COLUMNS)
    connection.execute(
        text(f"""
        insert into document ({columns}, version)
            select {columns}, nextval('content_version') from incoming_document where fate = 'changed'
        on conflict (instance, side, kind, source_id) do update set {_SET},
            order_key = coalesce(excluded.order_key, document.order_key),
            version = excluded.version, staged_at = now(), deleted_at = null, resolved_at = null""")
    )
    connection.execute(
        text("""
        insert into payload (instance, side, kind, source_id, payload, hash, request_began_at)
            select instance, side, kind, source_id, payload, hash, request_began_at
            from incoming_document where fate = 'changed'
        on conflict (instance, side, kind, source_id) do update set payload = excluded.payload, hash = excluded.hash,
            request_began_at = excluded.request_began_at""")
    )
    connection.execute(
        text(f"""
        delete from line l using incoming_document i where i.fate = 'changed' and {_SAME_KEY.format("l", "i")}""")
    )
    line_columns = ", ".join(_INCOMING_LINE)
    connection.execute(
        text(f"""
        insert into line ({line_columns})
            select {", ".join(f"l.{column}" for column in _INCOMING_LINE)} from incoming_line l
            join incoming_document i on {_SAME_KEY.format("l", "i")} where i.fate = 'changed'""")
    )
