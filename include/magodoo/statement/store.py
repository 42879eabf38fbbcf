"""The stored statements: the only module that reads and writes tables statement, statement_document and statement_filing.

A statement that nobody approved is replaced when it is made again. It is prepared by one person and approved (signed) by another. An
approved one is frozen (a database trigger refuses every change); a later statement of its month is stored beside it, and the difference is
shown as *changes after sign-off*. Approving that one too revises the month: it gets the next version, with a reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from magodoo import decision_log
from magodoo.decision_log import Decision
from magodoo.domain import labels
from magodoo.errors import FixDocument
from magodoo.money import dump_json, parse_json
from magodoo.statement import summary
from magodoo.statement.documents import OF_MONTH, bounds
from magodoo.statement.periods import Month
from magodoo.statement.statement import Statement, hash_of

Row = dict[str, Any]
LEAST_SAID = 3  # letters of a note or reason


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
    version: int
    verdict: str
    prepared_by: str | None
    prepared_at: datetime | None
    prepared_hash: str | None
    notes: Mapping[str, str] | None

    @property
    def intact(self) -> bool:
        """Return whether the body still has the hash with which it was stored."""
        return hash_of(dump_json(self.body)) == self.hash

    @property
    def prepared(self) -> bool:
        """Return whether a person prepared it as it stands now."""
        return self.prepared_hash == self.hash


def keep(connection: Connection, instance: str, month: date, made: Statement, now: datetime, dag_run: str) -> int:
    """Store a statement, replacing the unsigned one of its month. Returns its id."""
    values = {
        "instance": instance, "month": month, "now": now, "dag_run": dag_run, "body": made.text, "hash": made.hash,
        "figures_hash": made.figures_hash, "unexplained": made.unexplained, "verdict": summary.verdict(made.body), "over": made.body["over"],
    }  # fmt: skip
    statement_id = int(connection.execute(text(_KEEP), values).scalar_one())
    connection.execute(text("delete from statement_document where statement_id = :id"), {"id": statement_id})
    connection.execute(text(_DOCUMENTS), {"id": statement_id, "rows": dump_json(made.documents)})
    return statement_id


_KEEP = """
    insert into statement (instance, month, made_at, dag_run, body, hash, figures_hash, unexplained, verdict, over)
    values (:instance, :month, :now, :dag_run, :body, :hash, :figures_hash, :unexplained, :verdict, :over)
    on conflict (instance, month) where signed_at is null do update set made_at = excluded.made_at, dag_run = excluded.dag_run,
        body = excluded.body, hash = excluded.hash, figures_hash = excluded.figures_hash, unexplained = excluded.unexplained,
        verdict = excluded.verdict, over = excluded.over
    returning id"""
_DOCUMENTS = """
    insert into statement_document (statement_id, side, kind, source_id, number, order_number, day, currency, net, tax, line)
    select :id, side, kind, source_id, number, order_number, day, currency, net, tax, line from jsonb_to_recordset(cast(:rows as jsonb))
        as r (side text, kind text, source_id text, number text, order_number text, day date, currency text, net bigint, tax bigint, line text)"""


def prepare(connection: Connection, statement_id: int, hash_seen: str, who: str, now: datetime) -> None:
    """Record that a person prepared a statement as they saw it. Raises FixDocument with the reason when it may not be prepared."""
    kept = _as_seen(connection, statement_id, hash_seen)
    if not kept.body["over"]:
        raise FixDocument("The month was not over when this statement was made: make it again, then prepare it.")
    with _logged(connection, Decision.PREPARE, who, statement_id):
        connection.execute(
            text("update statement set prepared_by = :who, prepared_at = :now, prepared_hash = hash where id = :id"),
            {"id": statement_id, "who": who, "now": now},
        )


def sign(connection: Connection, statement_id: int, hash_seen: str, who: str, note: str, now: datetime,
         notes: Mapping[str, str] | None = None) -> None:  # fmt: skip
    """Approve a statement in the name of a person, as they saw it.

    `notes` holds, by the keys of `to_note`, what the person says of each. Raises FixDocument with the reason when it may not be approved.
    """
    kept = _as_seen(connection, statement_id, hash_seen)
    frozen = signed(connection, kept.instance, kept.month)
    said = len(note.strip()) >= LEAST_SAID
    if frozen is not None and frozen.figures_hash == kept.figures_hash:
        raise FixDocument("The statement of this month was signed before, and its figures are the same.")
    if frozen is not None and not said:
        raise FixDocument(
            f"The statement of this month was signed before: signing it again makes version {frozen.version + 1}. Say in the note why it is revised."
        )
    if not kept.body["over"]:
        raise FixDocument("The month was not over when this statement was made: make it again, then sign.")
    _two_people(kept, who)
    if kept.unexplained and not said:
        raise FixDocument("Part of it is unexplained or cannot be read: say in a note why you sign all the same.")
    given = {key: words.strip()[:1000] for key, words in (notes or {}).items()}
    without = [named for key, named in to_note(kept.body).items() if len(given.get(key, "")) < LEAST_SAID]
    if without:
        more = f" and {len(without) - 3} more" if len(without) > 3 else ""
        raise FixDocument(f"Say in a note why you sign in spite of {', '.join(without[:3])}{more}.")
    with _logged(connection, Decision.SIGN, who, statement_id):
        connection.execute(
            text("update statement set signed_by = :who, signed_at = :now, note = :note, notes = cast(:notes as jsonb), version = :version"
                 " where id = :id"),
            {
                "id": statement_id, "who": who, "now": now, "note": note.strip()[:1000] or None, "version": frozen.version + 1 if frozen else 1,
                "notes": dump_json({key: given[key] for key in to_note(kept.body)}),
            },
        )  # fmt: skip


def _logged(connection: Connection, decision: Decision, who: str, statement_id: int) -> AbstractContextManager[None]:
    columns, number = "version hash prepared_by signed_by", "to_char(month, 'YYYY-MM')"
    return decision_log.of_rows(connection, decision, who, "statement", [statement_id], columns, number)


def to_note(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what the approver has to note on, as shown, by its key: each open critical finding and each record that cannot be read."""
    annexes = body["annexes"]
    found = {
        f"finding {row['id']}": f"{labels.in_sentence(row['type'])} of order {row['order_number'] or 'unknown'}"
        for row in annexes.get("critical", ())
    }
    unreadable = {
        f"unreadable {row['side']} {row['kind']} {row['source_id']}":
            f"the {labels.in_sentence(row['side'])} {labels.in_sentence(row['kind'])} with id {row['source_id']}, which cannot be read"
        for row in annexes.get("unreadable", ())
    }  # fmt: skip
    return found | unreadable


def _as_seen(connection: Connection, statement_id: int, hash_seen: str) -> Kept:
    """Return a statement that is not signed, locked until the transaction ends. Raises FixDocument unless it has this hash."""
    kept = by_id(connection, statement_id, lock=True)
    if kept is None or kept.signed_at is not None:
        raise FixDocument("This statement is signed already, or is no longer there: open the page again.")
    if kept.hash != hash_seen:
        raise FixDocument("The statement was made again meanwhile: read it as it is now, then sign.")
    return kept


def _two_people(kept: Kept, who: str) -> None:
    """Raise FixDocument unless another person prepared the statement; one person does both where the settings said so when it was made."""
    if not kept.body.get("separate_duties", True):
        return
    if not kept.prepared:
        raise FixDocument("Nobody has prepared this statement as it stands: one person prepares it, another signs.")
    if kept.prepared_by == who:
        raise FixDocument(
            "You prepared this statement: another person has to sign it, or `separate_duties: false` says that the house has one person."
        )


def file(connection: Connection, statement_id: int, who: str, reference: str, now: datetime) -> None:
    """Record where an approved statement was filed. Raises FixDocument for one that is not approved, and without a reference."""
    kept = by_id(connection, statement_id)
    if kept is None or kept.signed_at is None:
        raise FixDocument("Only a signed statement can be filed.")
    if len(reference.strip()) < LEAST_SAID:
        raise FixDocument("Say where it was filed: the return and its receipt, or the folder.")
    connection.execute(
        text("insert into statement_filing (statement_id, filed_at, filed_by, reference) values (:id, :now, :who, :reference)"),
        {"id": statement_id, "now": now, "who": who, "reference": reference.strip()[:1000]},
    )  # fmt: skip
    filed = decision_log.Entry(
        kept.instance,
        "statement",
        f"{kept.id}",
        f"{kept.month:%Y-%m}",
        {},
        {"version": kept.version, "hash": kept.hash},
    )
    decision_log.record(connection, Decision.FILE, who, [filed])


def filings(connection: Connection, statement_id: int) -> list[Row]:
    """Return where a statement was filed, the first one first: filed_at, filed_by, reference."""
    statement = text("select filed_at, filed_by, reference from statement_filing where statement_id = :id order by id")
    return [dict(row) for row in connection.execute(statement, {"id": statement_id}).mappings()]


def by_id(connection: Connection, statement_id: int, *, lock: bool = False) -> Kept | None:
    """Return a statement by id, with `lock` locked until the transaction ends; None when there is none."""
    return _one(connection, f"where id = :id {'for update' if lock else ''}", {"id": statement_id})


def signed(connection: Connection, instance: str, month: date, version: int | None = None) -> Kept | None:
    """Return the approved statement of a month in a version, the newest without one; None when there is none."""
    return _one(
        connection,
        "where instance = :instance and month = :month and signed_at is not null and (cast(:version as integer) is null or version = :version)"
        " order by version desc limit 1",
        {"instance": instance, "month": month, "version": version},
    )  # fmt: skip


def latest(connection: Connection, instance: str, month: date) -> Kept | None:
    """Return the unsigned statement of a month, or None."""
    return _one(
        connection,
        "where instance = :instance and month = :month and signed_at is null",
        {"instance": instance, "month": month},
    )


@dataclass(frozen=True)
class MonthRow:
    """One month with a statement: the newest approved one, and the one made since, each None when there is none."""

    instance: str
    month: date
    signed: Row | None
    latest: Row | None

    @property
    def changed(self) -> bool:
        """Return whether the figures made since differ from the approved ones."""
        return bool(self.signed and self.latest and self.signed["figures_hash"] != self.latest["figures_hash"])

    @property
    def shown(self) -> Row:
        """Return the approved statement, else the latest."""
        found = self.signed or self.latest
        assert found is not None
        return found

    @property
    def state(self) -> str:
        """Return the state of the month in words: the furthest that it has come, and "changed since" as long as it has."""
        if self.signed is None:
            return self._unsigned(self.shown)
        if self.changed:
            assert self.latest is not None
            prepared = f"; revision prepared by {self.latest['prepared_by']}" if self.latest["prepared"] else ""
            return f"changed since {self.signed['signed_by']} approved it{prepared}"
        if self.signed["filed"]:
            return "filed"
        return f"{'revised' if self.signed['version'] > 1 else 'approved'} by {self.signed['signed_by']}"

    @staticmethod
    def _unsigned(latest: Row) -> str:
        if not latest["over"]:
            return "not over"
        return f"prepared by {latest['prepared_by']}" if latest["prepared"] else "made"


def months(connection: Connection, instances: Sequence[str]) -> list[MonthRow]:
    """Return one row per month with a statement, newest first."""
    found: dict[tuple[str, date], dict[bool, Row]] = defaultdict(dict)
    for row in connection.execute(text(_MONTHS), {"instances": list(instances)}).mappings():
        found[row["instance"], row["month"]][row["signed_at"] is not None] = dict(row)
    return [MonthRow(*place, rows.get(True), rows.get(False)) for place, rows in found.items()]


# Of several approved versions the newest comes last, and stays.
_MONTHS = """
    select s.id, s.instance, s.month, s.made_at, s.unexplained, s.verdict, s.over, s.version, s.signed_by, s.signed_at, s.prepared_by,
        coalesce(s.prepared_hash = s.hash, false) as prepared, s.figures_hash,
        exists (select 1 from statement_filing f where f.statement_id = s.id) as filed
    from statement s where s.instance = any(:instances) order by s.month desc, s.instance, s.version"""


def signed_since(connection: Connection, instance: str, month: date) -> list[date]:
    """Return the signed months from `month` on; they are checked for later changes."""
    statement = text(
        "select distinct month from statement where instance = :instance and month >= :month and signed_at is not null order by month"
    )
    return list(connection.scalars(statement, {"instance": instance, "month": month}))


def mailed(connection: Connection, statement_id: int) -> None:
    """Record that the present figures were mailed."""
    connection.execute(text("update statement set mailed_hash = figures_hash where id = :id"), {"id": statement_id})


def documents(connection: Connection, statement_id: int) -> Iterator[Row]:
    """Yield one row per document behind a statement, ordered by kind, side, day and number; they may not fit into memory."""
    return _documents(connection, "order by kind desc, side, day, number, source_id", {"id": statement_id})


def documents_by_line(connection: Connection, statement_id: int) -> Iterator[Row]:
    """Yield the same rows, those of one currency, kind and line together."""
    return _documents(
        connection, "order by currency, kind desc, line, side, day, number, source_id", {"id": statement_id}
    )


def documents_of(connection: Connection, statement_id: int, currency: str, kind: str, line: str) -> Iterator[Row]:
    """Yield the rows behind one figure: those of a line, or for the line `magento` or `odoo` all of that side; by day and number."""
    where = "and currency = :currency and kind = :kind and (line = :line or side = :line) order by day, number, side, source_id"
    return _documents(connection, where, {"id": statement_id, "currency": currency, "kind": kind, "line": line})


def _documents(connection: Connection, and_order: str, values: Mapping[str, Any]) -> Iterator[Row]:
    statement = (
        "select side, kind, source_id, number, order_number, day, currency, net, tax, net + tax as total, line from statement_document"
        f" where statement_id = :id {and_order}"
    )
    yield from map(dict, connection.execute(text(statement).execution_options(yield_per=2000), dict(values)).mappings())


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
        "select id, instance, month, made_at, body, hash, figures_hash, unexplained, mailed_hash, signed_by, signed_at, note, version, verdict,"
        f" prepared_by, prepared_at, prepared_hash, notes from statement {where}"
    )
    row = connection.execute(text(statement), dict(values)).mappings().one_or_none()
    return Kept(**{**row, "body": parse_json(row["body"])}) if row else None
