"""Read and write the tables pair, finding and shipment_group. Owner of these tables.

Nothing here commits: the caller does. What concerns one instance is a method of `Pairs` or `Findings`; what names its rows by
id, or concerns every instance, is a function.

A finding is identified by type, kind, order, documents and part: first_seen is kept, last_seen moves, resolved_at is set when it
is no longer found on an order just reconciled, and a finding that occurs again is reopened.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import pandas as pd
from more_itertools import chunked
from sqlalchemy import Connection, text

from magodoo import decision_log
from magodoo.decision_log import Decision
from magodoo.domain.vocabulary import Kind, Rule
from magodoo.erasing import erase_words
from magodoo.pg_copy import copy_rows, json_text
from magodoo.reconcile import catalogue
from magodoo.reconcile.finding import Finding

_FINDING_TYPES = {
    **dict.fromkeys(("type", "severity", "kind", "order_key", "order_number", "magento_id", "odoo_id"), "text"),
    **dict.fromkeys(("magento_number", "odoo_number", "part", "magento_value", "odoo_value", "currency"), "text"),
    **dict.fromkeys(("magento_amount", "odoo_amount", "difference", "change_id"), "bigint"),
    **dict.fromkeys(("message", "effect", "who", "next_step", "no_change_reason"), "text"),
}
_IDENTITY = ("type", "kind", "order_key", "magento_id", "odoo_id", "part")
_BATCH = 5000


class Pairs:
    """Read and write the pairs and shipment groups of one instance, in one transaction."""

    def __init__(self, connection: Connection, instance: str) -> None:
        self.connection, self.instance = connection, instance

    def read(self, order_keys: Collection[str]) -> pd.DataFrame:
        """Return the active pairs of orders, and ended ones that lost a document.

        One row per pair: kind, order_key, magento_id, odoo_id, rule (text), ended_at (UTC or None).
        """
        rows = self.connection.execute(
            text(
                """select p.kind, p.order_key, p.magento_id, p.odoo_id, p.rule, p.ended_at from pair p
                where p.instance = :instance and p.order_key = any(:orders) and (p.ended_at is null or exists (
                    select 1 from document d where d.instance = p.instance and d.kind = p.kind and d.deleted_at is not null
                    and (d.side, d.source_id) in (('magento', p.magento_id), ('odoo', p.odoo_id))))
                order by p.id"""
            ),
            {"instance": self.instance, "orders": list(order_keys)},
        ).all()
        columns = ["kind", "order_key", "magento_id", "odoo_id", "rule", "ended_at"]
        return pd.DataFrame([tuple(row) for row in rows], columns=columns)

    def write(self, order_keys: Collection[str], pairs: pd.DataFrame, now: datetime) -> int:
        """Make the active pairs of these orders exactly these, and return how many there are.

        Missing ones are ended; those that remain keep their row.
        """
        self.connection.execute(
            text(
                "create temp table if not exists matched (kind text, order_key text, magento_id text, odoo_id text, rule text)"
                " on commit drop"
            )
        )
        self.connection.execute(text("truncate matched"))
        names = ["kind", "order_key", "magento_id", "odoo_id", "rule"]
        columns = [pairs[name].astype(object).tolist() for name in names]
        rows = ["\t".join(map(str, values)) for values in zip(*columns, strict=True)]
        copy_rows(self.connection, "matched", names, rows)
        self.connection.execute(text("analyze matched"))
        same = "m.kind = p.kind and m.magento_id = p.magento_id and m.odoo_id = p.odoo_id"
        where = {"instance": self.instance, "orders": list(order_keys), "now": now}
        # Three statements, as PostgreSQL plans an OR over both tables as a nested loop.
        for gone in (
            "p.order_key = any(:orders)",
            "(p.kind, p.magento_id) in (select kind, magento_id from matched)",
            "(p.kind, p.odoo_id) in (select kind, odoo_id from matched)",
        ):
            self.connection.execute(
                text(
                    f"""update pair p set ended_at = :now where p.instance = :instance and p.ended_at is null and {gone}
                    and not exists (select 1 from matched m where {same})"""
                ),
                where,
            )
        self.connection.execute(
            text(
                f"""update pair p set rule = m.rule, order_key = m.order_key from matched m
                where p.instance = :instance and p.ended_at is null and {same} and (p.rule, p.order_key) <> (m.rule, m.order_key)"""
            ),
            where,
        )
        self.connection.execute(
            text(
                f"""insert into pair (instance, kind, order_key, magento_id, odoo_id, rule)
                select :instance, m.kind, m.order_key, m.magento_id, m.odoo_id, m.rule from matched m
                where not exists (select 1 from pair p where p.instance = :instance and p.ended_at is null and {same})
                order by m.kind, m.magento_id"""
            ),
            where,
        )
        return len(rows)

    def write_groups(self, order_keys: Collection[str], groups: Sequence[Mapping[str, str | bool]]) -> None:
        """Make the shipment groups of these orders exactly these; `groups` has the columns of the table except the instance."""
        self.connection.execute(
            text("delete from shipment_group where instance = :instance and order_key = any(:orders)"),
            {"instance": self.instance, "orders": list(order_keys)},
        )
        for part in chunked(groups, _BATCH):
            self.connection.execute(
                text(
                    """insert into shipment_group select :instance, g.* from jsonb_to_recordset(cast(:rows as jsonb))
                    as g(order_key text, side text, source_id text, counterparts text, same_goods boolean)"""
                ),
                {"instance": self.instance, "rows": json_text(part)},
            )

    def add(self, pairs: Sequence[Mapping[str, str]]) -> None:
        """Store the pairs that writing made: kind, order_key, magento_id and odoo_id of each. A document that has a pair keeps it."""
        self.connection.execute(
            text(
                """insert into pair (instance, kind, order_key, magento_id, odoo_id, rule)
                select :instance, kind, order_key, magento_id, odoo_id, :rule from jsonb_to_recordset(cast(:rows as jsonb))
                    as written (kind text, order_key text, magento_id text, odoo_id text) on conflict do nothing"""
            ),
            {"instance": self.instance, "rows": json_text(pairs), "rule": Rule.LEDGER.value},
        )

    def confirm(
        self,
        kind: Kind,
        order_key: str,
        magento_id: str,
        odoo_id: str,
        who: str,
        now: datetime,
    ) -> None:
        """Store a person's decision that two documents are counterparts, and end their other pairs.

        The caller must make the order due.
        """
        words = {
            "instance": self.instance,
            "kind": kind.value,
            "order": order_key,
            "magento": magento_id,
            "odoo": odoo_id,
            "who": who,
            "now": now,
        }
        self.connection.execute(
            text(
                """update pair set ended_at = :now where instance = :instance and kind = :kind and ended_at is null
                and (magento_id = :magento or odoo_id = :odoo)"""
            ),
            words,
        )
        self.connection.execute(
            text(
                """insert into pair (instance, kind, order_key, magento_id, odoo_id, rule, confirmed_by)
                values (:instance, :kind, :order, :magento, :odoo, :rule, :who)"""
            ),
            {**words, "rule": Rule.CONFIRMED.value},
        )
        pair = {"kind": kind.value, "magento_id": magento_id, "odoo_id": odoo_id, "rule": Rule.CONFIRMED.value}
        entry = decision_log.Entry(self.instance, "pair", f"{magento_id} {odoo_id}", kind.value, {}, pair)
        decision_log.record(self.connection, Decision.MATCH, who, [entry])


class Findings:
    """Read and write the findings of one instance, in one transaction."""

    def __init__(self, connection: Connection, instance: str) -> None:
        self.connection, self.instance = connection, instance

    def write(
        self,
        order_keys: Collection[str],
        findings: Sequence[Finding],
        change_ids: Mapping[tuple[str, str], int],
        now: datetime,
    ) -> dict[str, int]:
        """Write the findings of these orders and of records without order; resolve those that were not found again.

        `change_ids` holds ledger ids by (change kind, source id). Returns the counts new, seen, reopened and resolved.
        """
        rows = [_row(finding, change_ids) for finding in sorted(findings, key=lambda each: each.key)]
        written: list[Any] = []
        for part in chunked(rows, _BATCH):
            batch = {"instance": self.instance, "now": now, "rows": json_text(part)}
            written += self.connection.execute(text(_UPSERT), batch).all()
        resolved = self.connection.execute(
            text(
                """update finding set resolved_at = :now, change_id = null where instance = :instance and resolved_at is null
                and (order_key is null or order_key = any(:orders)) and id <> all(:seen)"""
            ),
            {"instance": self.instance, "now": now, "orders": list(order_keys), "seen": [row.id for row in written]},
        ).rowcount
        fresh = sum(row.is_new for row in written)
        back = sum(row.is_back for row in written)
        return {"new": fresh, "seen": len(written) - fresh - back, "reopened": back, "resolved": int(resolved)}

    def unsettled(self) -> list[str]:
        """Return the keys of orders with an open finding that no change resolves, sorted.

        What such a finding waits for may have arrived without changing a timestamp.
        """
        return list(
            self.connection.execute(
                text(
                    "select distinct order_key from finding where instance = :instance and resolved_at is null"
                    " and change_id is null and order_key is not null order by 1"
                ),
                {"instance": self.instance},
            ).scalars()
        )


_COLUMNS = ", ".join(_FINDING_TYPES)
_RECORD = ", ".join(f"{name} {type_}" for name, type_ in _FINDING_TYPES.items())
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in _FINDING_TYPES if name not in _IDENTITY)
_BACK = "finding.resolved_at is not null"
_UPSERT = f"""
    with incoming as (select * from jsonb_to_recordset(cast(:rows as jsonb)) as f({_RECORD})),
    before as (
        select b.id, b.resolved_at is not null as was_resolved from finding b join incoming i on b.instance = :instance
            and b.type = i.type and b.kind = i.kind and coalesce(b.order_key, '') = coalesce(i.order_key, '')
            and coalesce(b.magento_id, '') = coalesce(i.magento_id, '') and coalesce(b.odoo_id, '') = coalesce(i.odoo_id, '')
            and b.part = i.part),
    written as (
        insert into finding (instance, first_seen, last_seen, {_COLUMNS})
        select :instance, :now, :now, {_COLUMNS} from incoming
        on conflict (instance, type, kind, coalesce(order_key, ''), coalesce(magento_id, ''), coalesce(odoo_id, ''), part)
        do update set {_CHANGED}, last_seen = :now, resolved_at = null,
            reopened = finding.reopened + cast({_BACK} as integer),
            reopened_at = case when {_BACK} then :now else finding.reopened_at end,
            mailed_at = case when {_BACK} then null else finding.mailed_at end
        returning id)
    select w.id, b.id is null as is_new, coalesce(b.was_resolved, false) as is_back
    from written w left join before b on b.id = w.id"""


def _row(finding: Finding, change_ids: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    known = catalogue.of(finding.type)
    change = change_ids.get(finding.change) if finding.change else None
    return {
        "type": finding.type.value,
        "severity": finding.severity.value,
        "kind": finding.kind.value,
        "order_key": finding.order_key,
        "order_number": finding.order_number,
        "magento_id": finding.magento_id,
        "odoo_id": finding.odoo_id,
        "magento_number": finding.magento_number,
        "odoo_number": finding.odoo_number,
        "part": finding.part,
        "magento_value": finding.magento_value,
        "odoo_value": finding.odoo_value,
        "magento_amount": finding.magento_amount,
        "odoo_amount": finding.odoo_amount,
        "difference": finding.difference,
        "currency": finding.currency,
        "message": finding.message,
        "effect": known.effect,
        "who": finding.who or known.who,
        "next_step": finding.advice,
        "change_id": change,
        "no_change_reason": None if change else finding.no_change_reason,
    }


def mute(connection: Connection, finding_id: int, who: str, reason: str, until: datetime) -> None:
    """Mute a finding until a date (UTC). Lists show it as muted, and it is reported again afterwards."""
    with _logged(connection, Decision.MUTE, who, finding_id):
        connection.execute(
            text("update finding set muted_until = :until, muted_by = :who, muted_reason = :reason where id = :id"),
            {"id": finding_id, "who": who, "reason": reason, "until": until},
        )


def unmute(connection: Connection, finding_id: int, who: str) -> None:
    """Report a muted finding again."""
    with _logged(connection, Decision.UNMUTE, who, finding_id):
        connection.execute(
            text("update finding set muted_until = null, muted_by = null, muted_reason = null where id = :id"),
            {"id": finding_id},
        )


def _logged(connection: Connection, decision: Decision, who: str, finding_id: int) -> AbstractContextManager[None]:
    columns, number = "type muted_until magento_amount odoo_amount currency", "order_number"
    return decision_log.of_rows(connection, decision, who, "finding", [finding_id], columns, number)


def mailed(connection: Connection, finding_ids: Collection[int], now: datetime) -> None:
    """Record that these findings were mailed."""
    connection.execute(
        text("update finding set mailed_at = :now where id = any(:ids)"), {"now": now, "ids": list(finding_ids)}
    )


def erase(connection: Connection, words: Sequence[str]) -> int:
    """Blank the words in the texts of every finding; return how many rows changed."""
    texts = ("message", "effect", "next_step", "magento_value", "odoo_value", "no_change_reason", "part")
    return erase_words(connection, "finding", texts, words)


def separate(connection: Connection, pair_id: int, who: str, now: datetime) -> None:
    """End a pair that a person rejected. A match by reference is found again until the reference is corrected."""
    statement = text("update pair set ended_at = :now where id = :id and ended_at is null")
    with decision_log.of_rows(connection, Decision.UNDO, who, "pair", [pair_id], _PAIR, "kind"):
        connection.execute(statement, {"id": pair_id, "now": now})


_PAIR = "kind magento_id odoo_id rule ended_at"
