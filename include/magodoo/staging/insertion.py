"""New documents into their tables, complete at once: a row that is written and then updated costs its indexes twice.

A Magento document takes what its order says (`inherit`), an Odoo document the order that its external id or its own sales order
names. Where the order is not plain, `resolve` looks for it afterwards, which `resolved_at` null says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from magodoo.copying import copy_rows
from magodoo.staging import inherit, work
from magodoo.staging.prepared import DOCUMENT, KEY, LINE, PAYLOAD, Prepared
from magodoo.vocabulary import Kind, Side


def _statement(order_key: str, joined: str = "", **completed: str) -> str:
    """Rows of incoming_document (`i`) into `document`; they are pending, and their orders are due."""
    known = f"case when :shop_is_known then {order_key} end"
    values = {name: f"i.{name}" for name in DOCUMENT} | completed | {"order_key": f"coalesce({known}, i.order_key)"}
    due = (
        "select instance, order_key, max(version) from written where order_key is not null group by instance, order_key"
    )
    return f"""
        with written as (
            insert into document ({", ".join(DOCUMENT)}, version, resolved_at)
            select {", ".join(values[name] for name in DOCUMENT)}, nextval('content_version'),
                case when {known} is not null then now() end
            from incoming_document i {joined}
            returning instance, side, kind, source_id, order_key, version),
        due as ({work.BUMP.format(select=due)})
        insert into pending (side, kind, source_id) select side, kind, source_id from written"""


_OF_COMPANY = (
    f"case when i.company_currency = '' then coalesce({inherit.COMPANY_CURRENCY}, '') else i.company_currency end"
)
_FROM_ORDER = {
    name: f"case when o.source_id is null then i.{name} else {taken} end"
    for name, taken in inherit.of_order("i", "o").items()
}
_HIS_ORDER = """left join document {0} on {0}.instance = i.instance and {0}.side = '{1}' and {0}.kind = 'order'
    and {0}.source_id = i.{2}"""

# In this order, by side and whether they are orders: what belongs to an order is completed from it.
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
    for name, taken in inherit.of_order_line("l", "i").items()
}
_LINES = f"""
    insert into line ({", ".join(LINE)}) select {", ".join(_LINE_VALUES[name] for name in LINE)}
    from incoming_line l join incoming_document d using ({", ".join(KEY)})
    left join line i on {inherit.SAME_ITEM.format(order_key="d.order_key")}"""


def insert(
    connection: Connection, documents: Sequence[Prepared], names: Mapping[str, Any], *, shop_is_known: bool
) -> None:
    """Documents that are not staged yet; `names` are those of `resolve`. Before the shop is known no order is looked for."""
    groups: dict[tuple[str, bool], list[Prepared]] = {}
    for document in documents:
        side, kind, _ = document.key
        groups.setdefault((side, kind == Kind.ORDER), []).append(document)
    copy_rows(connection, "payload", PAYLOAD, [document.payload for document in documents])
    for group, statement in _STATEMENTS.items():
        if found := groups.get(group):
            fill(connection, found)
            connection.execute(text(statement), {**names, "shop_is_known": shop_is_known})
            lines = [line for document in found for line in document.lines]
            if group == (Side.MAGENTO, False):
                _incoming(connection, "line", LINE, lines)
                connection.execute(text(_LINES))
            else:
                copy_rows(connection, "line", LINE, lines)


def fill(connection: Connection, documents: Sequence[Prepared]) -> None:
    """Temporary table incoming_document: these documents, and nothing else."""
    _incoming(connection, "document", DOCUMENT, [document.document for document in documents])


def _incoming(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Temporary table incoming_document or incoming_line: these rows, and nothing else."""
    name = f"incoming_{table}"
    connection.execute(
        text(f"""
        create temp table if not exists {name} on commit delete rows as
            select {", ".join(columns)} from {table} with no data""")
    )
    connection.execute(text(f"delete from {name}"))
    copy_rows(connection, name, columns, rows)
    connection.execute(text(f"analyze {name} (source_id)"))
