"""What a transaction has to look at: the documents that it staged, and those that wait since an earlier one.

Temporary table pending. A new Magento document, and an Odoo document whose order is plain, is written complete and needs no second
look itself (`insertion`); it stands here for the sake of the others, whose order or items it may be.
"""

from __future__ import annotations

from sqlalchemy import Connection, text


def begin(connection: Connection) -> None:
    """Make the table, or empty what an earlier call of the same transaction left."""
    connection.execute(
        text("""
        create temp table if not exists pending (side text, kind text, source_id text, primary key (side, kind, source_id))
            on commit delete rows""")
    )
    connection.execute(text("delete from pending"))


def add_waiting(connection: Connection, instance: str) -> None:
    """Add the documents that nobody has resolved: changed ones, and those that came before the shop was known."""
    connection.execute(
        text("""
        insert into pending (side, kind, source_id)
            select side, kind, source_id from document where instance = :instance and resolved_at is null
        on conflict do nothing"""),
        {"instance": instance},
    )
    connection.execute(text("analyze pending"))


def is_empty(connection: Connection) -> bool:
    """Whether there is nothing to look at."""
    return not connection.execute(text("select exists (select 1 from pending)")).scalar_one()
