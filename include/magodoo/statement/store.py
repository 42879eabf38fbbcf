"""The stored statements: the only module that reads and writes tables statement and statement_document.

An unsigned statement is replaced when it is made again. A signed one is frozen (a database trigger refuses every change); a later
statement of its month is stored beside it, and the difference is shown as *changes after sign-off*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from magodoo.errors import FixDocument
from magodoo.money import dump_json, parse_json
from magodoo.statement.documents import OF_MONTH, bounds
from magodoo.statement.periods import Month
from magodoo.statement.statement import Statement, hash_of

Row = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A stored statement: the columns of table statement, `body` parsed."""

    id: int
    instance: str
    month: date
    made_at: datetime
    body: Row
    hash: str
    figures_hash: str
    unexplained: bool
    mailed_hash: str | None
    signed_by: str | None
    signed_at: datetime | None
    note: str | None

    @property
    def intact(self) -> bool:
        """Return whether the body still has the hash with which it was stored."""
        return hash_of(dump_json(self.body)) == self.hash


def keep(connection: Connection, instance: str, month: date, made: Statement, now: datetime, dag_run: str) -> int:
    """Store a statement, replacing the unsigned one of its month. Returns its id."""
    values = {
        "instance": instance, "month": month, "now": now, "dag_run": dag_run, "body": made.text, "hash": made.hash,
        "figures_hash": made.figures_hash, "unexplained": made.unexplained,
    }  # fmt: skip
    statement_id = int(connection.execute(text(_KEEP), values).scalar_one())
    connection.execute(text("delete from statement_document where statement_id = :id"), {"id": statement_id})
    connection.execute(text(_DOCUMENTS), {"id": statement_id, "rows": dump_json(made.documents)})
    return statement_id


_KEEP = """
    insert into statement (instance, month, made_at, dag_run, body, hash, figures_hash, unexplained)
    values (:instance, :month, :now, :dag_run, :body, :hash, :figures_hash, :unexplained)
    on conflict (instance, month) where signed_at is null do update set made_at = excluded.made_at, dag_run = excluded.dag_run,
        body = excluded.body, hash = excluded.hash, figures_hash = excluded.figures_hash, unexplained = excluded.unexplained
    returning id"""
_DOCUMENTS = """
    insert into statement_document (statement_id, side, kind, source_id, number, order_number, day, currency, net, tax, line)
    select :id, side, kind, source_id, number, order_number, day, currency, net, tax, line from jsonb_to_recordset(cast(:rows as jsonb))
        as r (side text, kind text, source_id text, number text, order_number text, day date, currency text, net bigint, tax bigint, line text)"""


def sign(connection: Connection, statement_id: int, hash_seen: str, who: str, note: str, now: datetime) -> None:
    """Sign a statement, identified also by the hash that the person saw. Raises FixDocument with the reason when it may not be signed."""
    kept = by_id(connection, statement_id, lock=True)
    if kept is None or kept.signed_at is not None:
        raise FixDocument("This statement is signed already, or is no longer there: open the page again.")
    if signed(connection, kept.instance, kept.month) is not None:
        raise FixDocument(
            "The statement of this month was signed before; what came later shows as changes after sign-off."
        )
    if kept.hash != hash_seen:
        raise FixDocument("The statement was made again meanwhile: read it as it is now, then sign.")
    if not kept.body["over"]:
        raise FixDocument("The month was not over when this statement was made: make it again, then sign.")
    if kept.unexplained and len(note.strip()) < 3:
        raise FixDocument("Part of it is unexplained or cannot be read: say in a note why you sign all the same.")
    connection.execute(
        text("update statement set signed_by = :who, signed_at = :now, note = :note where id = :id"),
        {"id": statement_id, "who": who, "now": now, "note": note.strip()[:1000] or None},
    )


def by_id(connection: Connection, statement_id: int, *, lock: bool = False) -> Kept | None:
    """Return a statement by id, with `lock` locked until the transaction ends; None when there is none."""
    return _one(connection, f"where id = :id {'for update' if lock else ''}", {"id": statement_id})


def signed(connection: Connection, instance: str, month: date) -> Kept | None:
    """Return the signed statement of a month, or None."""
    return _one(
        connection,
        "where instance = :instance and month = :month and signed_at is not null",
        {"instance": instance, "month": month},
    )


def latest(connection: Connection, instance: str, month: date) -> Kept | None:
    """Return the unsigned statement of a month, or None."""
    return _one(
        connection,
        "where instance = :instance and month = :month and signed_at is null",
        {"instance": instance, "month": month},
    )


def months(connection: Connection, instances: Sequence[str]) -> list[Row]:
    """Return one row per month with a statement, newest first.

    Keys: instance, month, signed_id, signed_by, signed_at, latest_id, made_at, unexplained, changed (the latest figures differ from the signed).
    """
    rows = connection.execute(text(_MONTHS), {"instances": list(instances)}).mappings()
    return [dict(row) for row in rows]


_MONTHS = """
    select instance, month, max(id) filter (where signed_at is not null) as signed_id, max(signed_by) as signed_by, max(signed_at) as signed_at,
        max(id) filter (where signed_at is null) as latest_id, max(made_at) as made_at,
        coalesce(bool_or(unexplained) filter (where signed_at is not null), bool_or(unexplained)) as unexplained,
        count(distinct figures_hash) > 1 and count(signed_at) > 0 as changed
    from statement where instance = any(:instances) group by instance, month order by month desc, instance"""


def signed_since(connection: Connection, instance: str, month: date) -> list[date]:
    """Return the signed months from `month` on; they are checked for later changes."""
    statement = text(
        "select month from statement where instance = :instance and month >= :month and signed_at is not null order by month"
    )
    return list(connection.scalars(statement, {"instance": instance, "month": month}))


def mailed(connection: Connection, statement_id: int) -> None:
    """Record that the present figures were mailed."""
    connection.execute(text("update statement set mailed_hash = figures_hash where id = :id"), {"id": statement_id})


def documents(connection: Connection, statement_id: int) -> Iterator[Row]:
    """Yield one row per document behind a statement, ordered by kind, side, day and number; they may not fit into memory."""
    rows = connection.execute(
        text("select side, kind, source_id, number, order_number, day, currency, net, tax, net + tax as total, line from statement_document"
             " where statement_id = :id order by kind desc, side, day, number, source_id").execution_options(yield_per=2000),
        {"id": statement_id},
    ).mappings()  # fmt: skip
    yield from map(dict, rows)


def changes(connection: Connection, frozen: Kept, month: Month) -> list[Row]:
    """Return one row per document of a signed month that was added, removed or changed since, as staged now.

    Keys: side, kind, source_id, number, order_number, currency, total_before, total_after (units of 1/10000, None: absent), line_before,
    line_after. `line_after` is from the statement made since; None when the document changed after it or none was made.
    """
    values = {**bounds(frozen.instance, month), "frozen": frozen.id, "month": month.first}
    return [dict(row) for row in connection.execute(text(_CHANGES), values).mappings()]


_CHANGES = f"""
    with frozen as (select * from statement_document where statement_id = :frozen),
    made_since as (
        select d.* from statement_document d join statement s on s.id = d.statement_id
        where s.instance = :instance and s.month = :month and s.signed_at is null),
    of_month as ({OF_MONTH}),
    staged as (
        select d.side, d.kind, d.source_id, d.number, d.order_key, d.currency, d.grand_total - d.tax as net, d.tax
        from of_month join document d on d.instance = :instance and d.side = of_month.side and d.kind = of_month.kind
            and d.source_id = of_month.source_id)
    select coalesce(a.side, b.side) as side, coalesce(a.kind, b.kind) as kind, coalesce(a.source_id, b.source_id) as source_id,
        coalesce(b.number, a.number) as number, coalesce(a.order_number, r.number, '') as order_number,
        coalesce(b.currency, a.currency) as currency, a.net + a.tax as total_before, b.net + b.tax as total_after,
        a.line as line_before, case when (c.net, c.tax, c.currency) = (b.net, b.tax, b.currency) then c.line end as line_after
    from frozen a full join staged b using (side, kind, source_id)
    left join made_since c on c.side = b.side and c.kind = b.kind and c.source_id = b.source_id
    left join document r on r.instance = :instance and r.side = 'magento' and r.kind = 'order' and r.source_id = b.order_key
    where (a.net, a.tax, a.currency) is distinct from (b.net, b.tax, b.currency) or c.line <> a.line
    order by 2 desc, 1, 4"""


def moved_lines(frozen: Mapping[str, Any], now: Mapping[str, Any]) -> list[Row]:
    """Return the totals that differ between two bodies: currency, kind, line, before, after (units of 1/10000)."""
    found = []
    before, after = _totals(frozen), _totals(now)
    for place in sorted(before.keys() | after.keys()):
        if before.get(place, 0) != after.get(place, 0):
            currency, kind, line = place
            found.append(
                {"currency": currency, "kind": kind, "line": line, "before": before.get(place, 0), "after": after.get(place, 0)}
            )  # fmt: skip
    return found


def _totals(body: Mapping[str, Any]) -> dict[tuple[str, str, str], int]:
    sums: dict[tuple[str, str, str], int] = {}
    for row in body["rows"]:
        lines = {name: row[name] for name in ("magento", "odoo", "ledger")} | row["steps"]
        lines |= {f"ledger:{name}": one for name, one in row["ledger_steps"].items()}
        sums |= {(row["currency"], row["kind"], line): one["total"] for line, one in lines.items()}
    return sums


def _one(connection: Connection, where: str, values: Mapping[str, Any]) -> Kept | None:
    statement = (
        "select id, instance, month, made_at, body, hash, figures_hash, unexplained, mailed_hash, signed_by, signed_at, note from statement "
        + where
    )
    row = connection.execute(text(statement), dict(values)).mappings().one_or_none()
    return Kept(**{**row, "body": parse_json(row["body"])}) if row else None
