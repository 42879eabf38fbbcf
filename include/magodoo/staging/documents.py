"""Stage documents: payload, canonical row, lines and work queue, in the caller's transaction.

Owner of tables payload, document and line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import Kind, Side
from magodoo.extract.canonical import DOCUMENT_COLUMNS, LINE_COLUMNS, CanonicalDocument
from magodoo.pg_copy import copy_rows, encoded, encoded_row, escaped_json, json_text
from magodoo.settings import Instance
from magodoo.staging import db, deletion, line_linking
from magodoo.staging.order_linking import magento_is_staged, names_of, resolve
from magodoo.staging.work_queue import BUMP, WorkQueue

KEY = ("instance", "side", "kind", "source_id")
INCOMING = (*KEY, "updated_at", "request_began_at", "hash", "fate")
PAYLOAD = (*KEY, "payload", "hash", "request_began_at")
LINE = (*KEY, *LINE_COLUMNS)
_VOLATILE = ("updated_at", "request_began_at")
_CONTENT = tuple(column for column in DOCUMENT_COLUMNS if column not in (*KEY, *_VOLATILE))
DOCUMENT = (*KEY, *_CONTENT, *_VOLATILE)
_STAMPS = re.compile(r'"(?:updated_at|write_date|__last_update)":(?:"[^"]*"|false|null),?')
_key, _content, _volatile, _line = (attrgetter(*names) for names in (KEY, _CONTENT, _VOLATILE, LINE_COLUMNS))


@dataclass(frozen=True, slots=True)
class Prepared:
    """One document as rows in COPY text format.

    Attributes:
        key: side, kind and source id.
        incoming: row of temporary table `incoming`, without its fate.
        document: row of table document, without its version.
        lines: rows of table line.
        payload: row of table payload.
    """

    key: tuple[str, str, str]
    incoming: str
    document: str
    lines: list[str]
    payload: str


def prepare(documents: Iterable[CanonicalDocument]) -> list[Prepared]:
    """Return the documents as COPY rows, one per key: the version that was read last.

    A page may contain a document twice if it changes while pages are read.
    """
    latest: dict[tuple[str, str, str], CanonicalDocument] = {}
    for document in documents:
        known = latest.get(document.key)
        if known is None or known.request_began_at <= document.request_began_at:
            latest[document.key] = document
    return [_prepared(document) for document in latest.values()]


def _prepared(document: CanonicalDocument) -> Prepared:
    own = encoded_row(_key(document)) + "\t"
    content = encoded_row(_content(document))
    lines = [own + encoded_row(_line(line)) for line in document.lines]
    payload = json_text(document.payload)
    digest = content_hash((own, content), lines, payload)
    updated, began = (encoded(moment) for moment in _volatile(document))
    return Prepared(
        document.key,
        f"{own}{updated}\t{began}\t{digest}",
        f"{own}{content}\t{updated}\t{began}",
        lines,
        f"{own}{escaped_json(payload)}\t{digest}\t{began}",
    )


def content_hash(content: Sequence[str], lines: Sequence[str], payload: str) -> str:
    """Return the BLAKE2b hash (hex) of a document's content, without the times at which it was written or read."""
    parts = "\x1f".join((*content, *lines, _STAMPS.sub("", payload), ""))
    digest = hashlib.blake2b(parts.encode("utf-8", "replace"), digest_size=16)
    return digest.hexdigest()


def begin(connection: Connection) -> None:
    """Create the temporary table `pending`, or empty what an earlier call in the same transaction left."""
    connection.execute(
        text("""
        create temp table if not exists pending (side text, kind text, source_id text, primary key (side, kind, source_id))
            on commit delete rows""")
    )
    connection.execute(text("delete from pending"))


def add_waiting(connection: Connection, instance: str) -> None:
    """Add to `pending` the documents that are not resolved: changed ones, and those read before any Magento order was."""
    connection.execute(
        text("""
        insert into pending (side, kind, source_id)
            select side, kind, source_id from document where instance = :instance and resolved_at is null
        on conflict do nothing"""),
        {"instance": instance},
    )
    connection.execute(text("analyze pending"))


def is_empty(connection: Connection) -> bool:
    """Return whether no document is pending."""
    return not connection.execute(text("select exists (select 1 from pending)")).scalar_one()


def _statement(order_key: str, joined: str = "", **completed: str) -> str:
    """Return the SQL that writes rows of incoming_document (`i`) into `document`, adds them to `pending` and their orders to the queue."""
    known = f"case when :shop_is_known then {order_key} end"
    values = {name: f"i.{name}" for name in DOCUMENT} | completed | {"order_key": f"coalesce({known}, i.order_key)"}
    due = (
        "select instance, order_key, max(version) from written where order_key is not null group by instance, order_key"
    )
    return f"""
        with written as (
            insert into document ({", ".join(DOCUMENT)}, version, resolved_at)
            select {", ".join(values[name] for name in DOCUMENT)}, nextval('content_version'),
                case when {known} is not null then cast(:now as timestamptz) end
            from incoming_document i {joined}
            returning instance, side, kind, source_id, order_key, version),
        due as ({BUMP.format(select=due)})
        insert into pending (side, kind, source_id) select side, kind, source_id from written"""


_OF_COMPANY = (
    f"case when i.company_currency = '' then coalesce({line_linking.COMPANY_CURRENCY}, '') else i.company_currency end"
)
_FROM_ORDER = {
    name: f"case when o.source_id is null then i.{name} else {taken} end"
    for name, taken in line_linking.of_order("i", "o").items()
}
_HIS_ORDER = """left join document {0} on {0}.instance = i.instance and {0}.side = '{1}' and {0}.kind = 'order'
    and {0}.source_id = i.{2}"""

# By side and whether they are orders. Executed in this order, as documents are completed from their order.
_STATEMENTS = {
    (Side.MAGENTO, True): _statement("i.order_key"),
    (Side.ODOO, True): _statement("substring(i.reference from :our_order)", company_currency=_OF_COMPANY),
    (Side.MAGENTO, False): _statement("i.order_key", _HIS_ORDER.format("o", "magento", "order_key"), **_FROM_ORDER),
    (Side.ODOO, False): _statement(
        "s.order_key", _HIS_ORDER.format("s", "odoo", "own_order_id"), company_currency=_OF_COMPANY
    ),
}

_LINE_VALUES = {name: f"l.{name}" for name in LINE} | {
    name: f"case when i.source_id is null then l.{name} else {taken} end"
    for name, taken in line_linking.of_order_line("l", "i").items()
}
_LINES = f"""
    insert into line ({", ".join(LINE)}) select {", ".join(_LINE_VALUES[name] for name in LINE)}
    from incoming_line l join incoming_document d using ({", ".join(KEY)})
    left join line i on {line_linking.SAME_ITEM.format(order_key="d.order_key")}"""


def insert(
    connection: Connection, documents: Sequence[Prepared], names: Mapping[str, Any], *, magento_is_staged: bool
) -> None:
    """Insert documents that are not staged yet. `names` are those of `names_of`, and `now`.

    Orders are not searched while `magento_is_staged` is false: no Magento order is staged yet.
    """
    groups: dict[tuple[str, bool], list[Prepared]] = {}
    for document in documents:
        side, kind, _ = document.key
        groups.setdefault((side, kind == Kind.ORDER), []).append(document)
    copy_rows(connection, "payload", PAYLOAD, [document.payload for document in documents])
    for group, statement in _STATEMENTS.items():
        if found := groups.get(group):
            fill(connection, found)
            connection.execute(text(statement), {**names, "shop_is_known": magento_is_staged})
            lines = [line for document in found for line in document.lines]
            if group == (Side.MAGENTO, False):
                _incoming(connection, "line", LINE, lines)
                connection.execute(text(_LINES))
            else:
                copy_rows(connection, "line", LINE, lines)


def fill(connection: Connection, documents: Sequence[Prepared]) -> None:
    """Fill the temporary table incoming_document with exactly these documents."""
    _incoming(connection, "document", DOCUMENT, [document.document for document in documents])


def _incoming(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Fill the temporary table incoming_document or incoming_line with exactly these rows."""
    name = f"incoming_{table}"
    connection.execute(
        text(f"""
        create temp table if not exists {name} on commit delete rows as
            select {", ".join(columns)} from {table} with no data""")
    )
    connection.execute(text(f"delete from {name}"))
    copy_rows(connection, name, columns, rows)
    connection.execute(text(f"analyze {name} (source_id)"))


# A document keeps `was_paid`, so that a reversed payment is found, and `since`, what Magento had when both sides last agreed.
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
    """Counts of the documents of one `stage` call: read, changed or new, unchanged, and older than what is staged."""

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


def stage(connection: Connection, instance: Instance, documents: Iterable[CanonicalDocument], now: datetime) -> Staged:
    """Upsert documents of one instance, find their orders and return counts. Commits nothing.

    Holds the staging lock of the instance until the transaction ends: keep the transaction short, and call no other
    system inside it.
    """
    documents = list(documents)
    with deletion.without_left_behind(connection, instance, documents, now):
        return write(connection, instance, prepare(documents), now)


def write(connection: Connection, instance: Instance, documents: Sequence[Prepared], now: datetime) -> Staged:
    """Do what `stage` does with documents that `prepare` returned, one per key."""
    queue = WorkQueue(connection, instance.id)
    queue.one_writer()
    if not documents:
        return Staged()
    begin(connection)
    known = _known(connection, documents)
    new = [document for document in documents if document.key not in known]
    changed = [document for document in documents if known.get(document.key) == "changed"]
    same = sum(fate == "same" for fate in known.values())
    if same:
        _touch(connection, now)
    if changed:
        _replace(connection, changed, now)
        queue.bump_changed()
    names = names_of(instance) | {"now": now}
    insert(connection, new, names, magento_is_staged=_magento_is_staged(connection, instance, new))
    db.keep(connection, "document", "line", "payload")
    db.learn_kinds(connection)
    resolve(connection, instance, now)
    _keep_erased(connection, instance.id)
    return Staged(len(documents), len(new) + len(changed), same, len(known) - len(changed) - same)


def _magento_is_staged(connection: Connection, instance: Instance, new: Sequence[Prepared]) -> bool:
    return any(document.key[:2] == (Side.MAGENTO, Kind.ORDER) for document in new) or magento_is_staged(
        connection, instance.id
    )


def _known(connection: Connection, documents: Sequence[Prepared]) -> _Fates:
    """Fill the temporary table `incoming` and return the fates of those documents that are staged already.

    A fate is `stale` (a later version is staged), `same` or `changed`.
    """
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


def _touch(connection: Connection, now: datetime) -> None:
    connection.execute(
        text(f"""
        update document d set request_began_at = i.request_began_at, updated_at = i.updated_at, staged_at = :now
        from incoming i where i.fate = 'same' and {_SAME_KEY.format("d", "i")}"""),
        {"now": now},
    )


def _replace(connection: Connection, documents: Sequence[Prepared], now: datetime) -> None:
    """Replace the content, lines and payload of changed documents.

    They keep their row and, if the new version names no order, their order.
    """
    fill(connection, documents)
    connection.execute(
        text(f"""
        update document d set {_SET}, order_key = coalesce(i.order_key, d.order_key), version = nextval('content_version'),
            staged_at = :now, deleted_at = null, resolved_at = null
        from incoming_document i where {_SAME_KEY.format("d", "i")}"""),
        {"now": now},
    )
    connection.execute(text(f"delete from line l using incoming_document i where {_SAME_KEY.format('l', 'i')}"))
    connection.execute(text(f"delete from payload p using incoming_document i where {_SAME_KEY.format('p', 'i')}"))
    copy_rows(connection, "payload", PAYLOAD, [document.payload for document in documents])
    copy_rows(connection, "line", LINE, [line for document in documents for line in document.lines])


# Personal data


_PERSON = ("customer_name", "customer_email", "customer_phone", "ship_to_name")
_BLANKED = (
    "".join(f"{column} = null, " for column in _PERSON)
    + "customer_key = case when customer_key like '%@%' then null else customer_key end,"  # an id is a number and stays
    + " details = details - 'customer_id'"
)


def erase(connection: Connection, instance: str, order_keys: Sequence[str]) -> dict[str, int]:
    """Blank who bought in the documents and payloads of these orders; return row counts by table."""
    return _blank(connection, "instance = :instance and order_key = any(:orders)", instance, order_keys)


def _keep_erased(connection: Connection, instance: str) -> None:
    """Blank what was just written of orders that are erased."""
    erased = text("select order_key from erased where instance = :instance limit 1")
    if connection.execute(erased, {"instance": instance}).first() is not None:
        _blank(connection, f"(instance, order_key) in ({_INCOMING_ERASED})", instance)


_INCOMING_ERASED = f"""select distinct e.instance, e.order_key from incoming i join document d using ({", ".join(KEY)})
    join erased e on e.instance = d.instance and e.order_key = d.order_key"""


def _blank(connection: Connection, which: str, instance: str, order_keys: Sequence[str] = ()) -> dict[str, int]:
    statements = {
        "payload": f"""update payload set payload = null where payload is not null
            and (instance, side, kind, source_id) in (select instance, side, kind, source_id from document where {which})""",
        "document": f"update document set {_BLANKED} where {which}",
    }
    values = {"instance": instance, "orders": list(order_keys)}
    return {table: connection.execute(text(statement), values).rowcount for table, statement in statements.items()}


def forget(connection: Connection, before: datetime) -> int:
    """Delete what a side sent, where the request began before this time; return how many payloads."""
    statement = "update payload set payload = null where payload is not null and request_began_at < :before"
    return connection.execute(text(statement), {"before": before}).rowcount
