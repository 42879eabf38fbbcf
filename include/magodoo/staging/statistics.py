"""Keeps PostgreSQL's statistics near the truth while tables are filled: a first load outruns autovacuum.

With plans made for empty tables a chunk of 5,000 orders is compared row by row with itself: 7 s where 0.1 s suffice.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

# What statements join and choose by; the texts and amounts are left to autovacuum, as they cost the most.
_COLUMNS = {
    "document": "instance, side, kind, source_id, order_key, own_order_id, number, reference, active, deleted_at, resolved_at, grand_total",
    "line": "instance, side, kind, source_id, line_id, item_key, own_item_id, role, is_money",
    "payload": "instance, side, kind, source_id",
}


def keep(connection: Connection, *tables: str) -> None:
    """Analyse those of these tables that have doubled since they were analysed; what another transaction analyses is left to it."""
    grown = connection.execute(
        text("""
        select relname from pg_class where oid = any(cast(:tables as regclass[]))
            and pg_relation_size(oid) / 8192 > 2 * relpages + 20"""),
        {"tables": list(tables)},
    ).scalars()
    for table in grown:
        _analyze(connection, table)


def learn_kinds(connection: Connection) -> None:
    """Analyse documents and lines when a kind or side comes in that the statistics do not know.

    What they do not know is planned as if there were none of it: each row of a batch is then looked for among all of its kind.
    """
    unknown = connection.execute(
        text("""
        select exists (select 1 from (select distinct side, kind from incoming) i
            where not exists (select 1 from pg_stats where schemaname = current_schema and tablename = 'document'
                    and attname = 'kind' and i.kind = any(cast(cast(most_common_vals as text) as text[])))
                or not exists (select 1 from pg_stats where schemaname = current_schema and tablename = 'document'
                    and attname = 'side' and i.side = any(cast(cast(most_common_vals as text) as text[]))))
            and pg_relation_size('document') > 20 * 8192""")
    ).scalar_one()
    if unknown:
        _analyze(connection, "document", "line")


def _analyze(connection: Connection, *tables: str) -> None:
    wanted = ", ".join(f"{table} ({_COLUMNS[table]})" if table in _COLUMNS else table for table in tables)
    connection.execute(text(f"analyze (skip_locked) {wanted}"))
