"""Read one record and what belongs to it: a document with its counterpart, a finding, a change, a quarantined record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from magodoo.domain.vocabulary import Rule

Row = dict[str, Any]


@dataclass(frozen=True)
class DocumentPage:
    """A document with all that its page shows.

    Attributes:
        head: The document itself.
        sides: It and its counterpart by side.
        candidates: Possible counterparts.
        group: The shipments of the other side with which one without a pair is compared (table shipment_group).
    """

    head: Row
    sides: dict[str, Row]
    pair: Row | None = None
    lines: list[LinePair] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)
    payloads: list[Row] = field(default_factory=list)
    family: list[Row] = field(default_factory=list)
    candidates: list[Row] = field(default_factory=list)
    group: Row | None = None


@dataclass(frozen=True)
class LinePair:
    """One order item, shipping, discount or adjustment on either side."""

    magento: Row | None
    odoo: Row | None

    @property
    def any(self) -> Row:
        """Return the line of Magento, else that of Odoo."""
        return self.magento or self.odoo or {}

    def differs(self, part: str) -> bool:
        """Return whether both sides have the line and this column differs."""
        return bool(self.magento and self.odoo and self.magento[part] != self.odoo[part])


def document(connection: Connection, instance: str, side: str, kind: str, source_id: str) -> DocumentPage | None:
    """Return a document with everything that belongs to it; None when it is not staged."""
    known = {"instance": instance, "side": side, "kind": kind, "source_id": source_id}
    head = _one(connection, f"select * from document where {_DOCUMENT}", known)
    if head is None:
        return None
    own = "magento_id" if side == "magento" else "odoo_id"
    pair = _one(
        connection,
        f"select * from pair where instance = :instance and kind = :kind and ended_at is null and {own} = :source_id",
        known,
    )
    ids = {"magento": pair["magento_id"], "odoo": pair["odoo_id"]} if pair else {side: source_id}
    sides, lines = {}, {}
    for name, identity in ids.items():
        where = {**known, "side": name, "source_id": identity}
        found = head if name == side else _one(connection, f"select * from document where {_DOCUMENT}", where)
        if found:
            sides[name] = found
            lines[name] = _all(
                connection, f"select * from line where {_DOCUMENT} order by role, item_key, line_id", where
            )
    both = {
        **known,
        "magento": ids.get("magento"),
        "odoo": ids.get("odoo"),
        "order": head["order_key"],
        "ids": list(ids.values()),
    }
    group = _one(connection, _GROUP, known) if pair is None else None
    return DocumentPage(
        head, sides, pair,
        lines=_paired(lines.get("magento", []), lines.get("odoo", [])),
        findings=_all(connection, _FINDINGS, both),
        changes=_all(connection, _CHANGES, both),
        payloads=_all(connection, _PAYLOADS, both),
        family=_all(connection, _FAMILY, both) if head["order_key"] else [],
        candidates=_all(connection, _CANDIDATES, both) if pair is None and group is None and head["order_key"] else [],
        group=group,
    )  # fmt: skip


_DOCUMENT = "instance = :instance and side = :side and kind = :kind and source_id = :source_id"
_FINDINGS = """select * from finding where instance = :instance and kind = :kind and (order_key = :order or :order is null)
    and (magento_id = :magento or odoo_id = :odoo) order by resolved_at desc nulls first, id"""
_CHANGES = """select * from change where instance = :instance and document_kind = :kind and source_id = any(:ids)
    and (order_key = :order or :order is null) order by id desc limit 50"""
_PAYLOADS = """select side, payload, request_began_at from payload where instance = :instance and kind = :kind
    and (side = 'magento' and source_id = :magento or side = 'odoo' and source_id = :odoo) order by side"""
# The other documents of the order, so that a reader finds its order and shipments from an invoice.
_FAMILY = """select kind, side, source_id, number, magento_number, odoo_number, match, total, currency, instance,
    magento_id is null or odoo_id is null as alone from listed
    where instance = :instance and order_key = :order and not (kind = :kind and (magento_id = :magento or odoo_id = :odoo)) order by
    array_position(array['order', 'invoice', 'shipment', 'credit_memo'], kind), date"""
_GROUP = """select counterparts, same_goods from shipment_group
    where instance = :instance and side = :side and source_id = :source_id and :kind = 'shipment'"""
_CANDIDATES = """select d.* from document d where d.instance = :instance and d.order_key = :order and d.kind = :kind and d.side <> :side
    and d.deleted_at is null and not exists (select 1 from pair p where p.instance = d.instance and p.kind = d.kind and p.ended_at is null
        and case d.side when 'magento' then p.magento_id else p.odoo_id end = d.source_id) order by d.created_at limit 10"""


def _paired(magento: list[Row], odoo: list[Row]) -> list[LinePair]:
    """Return the lines in pairs: by role and order item, and lines without an item in their order."""
    waiting: dict[tuple[str, str], list[Row]] = {}
    for line in odoo:
        waiting.setdefault((line["role"], line["item_key"] or ""), []).append(line)
    pairs = []
    for line in magento:
        others = waiting.get((line["role"], line["item_key"] or ""), [])
        pairs.append(LinePair(line, others.pop(0) if others else None))
    return pairs + [LinePair(None, line) for others in waiting.values() for line in others]


def finding(connection: Connection, finding_id: int) -> Row | None:
    """Return a finding with the change planned for it, or None."""
    return _one(
        connection,
        "select f.*, c.kind as change_kind, c.state as change_state, c.verdict as change_verdict, c.approval as change_approval"
        " from finding f left join change c on c.id = f.change_id where f.id = :id",
        {"id": finding_id},
    )


def change(connection: Connection, change_id: int) -> Row | None:
    """Return a change with its requests, its findings, and other changes for the same document; None when there is none."""
    found = _one(
        connection,
        "select c.*, b.request, b.calls, b.before, b.after from change c left join change_body b on b.change_id = c.id where c.id = :id",
        {"id": change_id},
    )
    if found is None:
        return None
    found["findings"] = _all(connection, "select * from finding where change_id = :id order by id", {"id": change_id})
    found["others"] = _all(
        connection,
        "select * from change where instance = :instance and kind = :kind and source_id = :source_id and id <> :id order by id desc limit 20",
        found,
    )
    return found


def quarantined(connection: Connection, quarantine_id: int) -> Row | None:
    """Return a quarantined record, or None."""
    return _one(connection, "select * from quarantine where id = :id", {"id": quarantine_id})


def preflights(connection: Connection, instances: list[str]) -> list[Row]:
    """Return the latest preflight of each instance."""
    return _all(
        connection,
        "select distinct on (instance) * from preflight where instance = any(:instances) order by instance, checked_at desc, id desc",
        {"instances": instances},
    )


def confirmed_pair(connection: Connection, pair_id: int) -> Row | None:
    """Return an active match that a person confirmed, or None."""
    return _one(
        connection,
        "select * from pair where id = :id and ended_at is null and rule = :rule",
        {"id": pair_id, "rule": Rule.CONFIRMED.value},
    )


def instances_of_changes(connection: Connection, change_ids: list[int]) -> dict[int, str]:
    """Return the instance of each change by id."""
    rows = _all(connection, "select id, instance from change where id = any(:ids)", {"ids": change_ids})
    return {row["id"]: row["instance"] for row in rows}


def _all(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[Row]:
    return [dict(row) for row in connection.execute(text(statement), dict(values)).mappings()]


def _one(connection: Connection, statement: str, values: Mapping[str, Any]) -> Row | None:
    found = _all(connection, statement, values)
    return found[0] if found else None
