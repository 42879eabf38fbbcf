"""The queries behind the pages. Values are always bound; identifiers come from `lists.py` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from magodoo_airflow.pages.lists import Column, Listing

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """What a list is filtered, sorted and paged by; all of it stands in the address."""

    instance: str = ""
    match: str = ""
    status: str = ""
    since: str = ""
    until: str = ""
    search: str = ""
    sort: str = ""
    direction: str = "desc"
    after: str = ""


_FROM = """
    from document d
    left join lateral (select p.magento_id, p.odoo_id, p.rule from pair p where p.instance = d.instance and p.kind = d.kind and p.ended_at is null
        and case d.side when 'magento' then p.magento_id else p.odoo_id end = d.source_id limit 1) p on true
    left join document m on m.instance = d.instance and m.side = 'magento' and m.kind = d.kind
        and m.source_id = case d.side when 'magento' then d.source_id else p.magento_id end
    left join document o on o.instance = d.instance and o.side = 'odoo' and o.kind = d.kind
        and o.source_id = case d.side when 'odoo' then d.source_id else p.odoo_id end
    left join document r on r.instance = d.instance and r.side = 'magento' and r.kind = 'order' and r.source_id = d.order_key
    cross join lateral (select case
        when exists (select 1 from finding f where f.instance = d.instance and f.resolved_at is null and f.severity <> 'info' and f.kind = d.kind
            and (f.magento_id = m.source_id or f.odoo_id = o.source_id) and p.rule is not null) then 'differs'
        when p.rule is not null then 'matched'
        when d.side = 'magento' then 'missing in Odoo' else 'missing in Magento' end as match_state) s
    where d.kind = :kind and d.deleted_at is null and d.order_key is not null
        and (d.side = :lead or (p.rule is null and (d.side = 'magento' or d.active)))"""


def rows(connection: Connection, listing: Listing, wanted: Wanted, *, limit: int | None = PAGE) -> list[dict[str, Any]]:
    """One page of a list (or all of it, for the CSV): a dict per row with the columns, `side`, `kind`, `source_id`, `key`."""
    sort = next((column for column in listing.columns if column.key == wanted.sort), None)
    order = f"({sort.sql})::text" if sort and sort.type in ("text", "state") else sort.sql if sort else "d.created_at"
    up = wanted.direction == "asc"
    values: dict[str, Any] = {"kind": listing.kind, "lead": listing.lead}
    where = _conditions(wanted, values)
    if wanted.after and "|" in wanted.after:
        value, _, last = wanted.after.rpartition("|")
        values |= {"after": value, "last": last}
        where += (
            f" and (coalesce(({order})::text, ''), d.source_id) {'>' if up else '<'} (:after, :last)"
            if sort and sort.type in ("text", "state")
            else (f" and ({order}, d.source_id) {'>' if up else '<'} (cast(:after as {_cast(sort)}), :last)")
        )
    selected = ", ".join(f"{column.sql} as {column.key}" for column in listing.columns)
    direction = "asc" if up else "desc"
    statement = f"""select d.side as side, d.kind as kind, d.source_id as source_id, d.instance as of_instance, d.currency as row_currency,
        ({order})::text as sort_value, {selected} {_FROM} {where}
        order by {order} {direction} nulls last, d.source_id {direction} {"limit :limit" if limit else ""}"""
    if limit:
        values["limit"] = limit + 1
    return [dict(row) for row in connection.execute(text(statement), values).mappings()]


def sums(connection: Connection, listing: Listing, wanted: Wanted) -> list[dict[str, Any]]:
    """Per currency: the number of rows and the sum of each summed column; currencies are never added."""
    values: dict[str, Any] = {"kind": listing.kind, "lead": listing.lead}
    where = _conditions(wanted, values)
    summed = [column for column in listing.columns if column.key in listing.sums]
    selected = ", ".join(f"sum({column.sql}) as {column.key}" for column in summed)
    statement = f"select d.currency as currency, count(*) as n, {selected} {_FROM} {where} group by d.currency order by d.currency"
    return [dict(row) for row in connection.execute(text(statement), values).mappings()]


def _conditions(wanted: Wanted, values: dict[str, Any]) -> str:
    where = ""
    for name, condition in (
        ("instance", "d.instance = :instance"),
        ("match", "s.match_state = :match"),
        ("status", "coalesce(case when o.state = 'posted' then o.status end, m.status, o.state, m.state) = :status"),
        ("since", "d.created_at >= cast(:since as date)"),
        ("until", "d.created_at < cast(:until as date) + 1"),
    ):
        value = getattr(wanted, name)
        if value:
            values[name] = value
            where += f" and {condition}"
    if wanted.search:
        values["search"] = f"%{wanted.search.replace('%', '').replace('_', chr(92) + '_')}%"
        where += """ and (d.number ilike :search or m.number ilike :search or o.number ilike :search or r.number ilike :search
            or r.customer_name ilike :search or r.customer_email ilike :search or o.customer_name ilike :search)"""
    return where


def _cast(column: Column | None) -> str:
    return {"money": "bigint", "quantity": "bigint", "date": "date"}.get(
        column.type if column else "moment", "timestamptz"
    )


def document(connection: Connection, instance: str, side: str, kind: str, source_id: str) -> dict[str, Any] | None:
    """Everything about one document: both sides, lines, findings, changes, raw payloads. None when it is not staged."""
    values = {"instance": instance, "side": side, "kind": kind, "source_id": source_id}
    head = _one(
        connection,
        "select * from document where instance = :instance and side = :side and kind = :kind and source_id = :source_id",
        values,
    )
    if head is None:
        return None
    pair = _one(
        connection,
        "select * from pair where instance = :instance and kind = :kind and ended_at is null"
        " and case :side when 'magento' then magento_id else odoo_id end = :source_id",
        values,
    )
    ids = {"magento": pair["magento_id"], "odoo": pair["odoo_id"]} if pair else {side: source_id}
    sides = {
        name: _one(
            connection,
            "select * from document where instance = :instance and side = :side and kind = :kind and source_id = :id",
            {**values, "side": name, "id": ids[name]},
        )
        for name in ids
    }
    lines = {
        name: _all(
            connection,
            "select * from line where instance = :instance and side = :side and kind = :kind and source_id = :id order by role, item_key, line_id",
            {**values, "side": name, "id": ids[name]},
        )
        for name in ids
    }
    found = _all(
        connection,
        "select * from finding where instance = :instance and kind = :kind and (magento_id = :magento or odoo_id = :odoo) order by resolved_at nulls first, id",
        {**values, "magento": ids.get("magento"), "odoo": ids.get("odoo")},
    )
    changes = _all(
        connection,
        "select c.*, b.calls from change c left join change_body b on b.change_id = c.id where c.instance = :instance and c.document_kind = :kind"
        " and c.source_id = any(:sources) order by c.id desc limit 50",
        {**values, "sources": list(ids.values())},
    )
    payloads = _all(
        connection,
        "select side, payload from payload where instance = :instance and kind = :kind and (side, source_id) in (select * from unnest(cast(:sides as text[]), cast(:sources as text[])))",
        {**values, "sides": list(ids), "sources": list(ids.values())},
    )
    return {
        "head": head,
        "pair": pair,
        "sides": sides,
        "lines": lines,
        "findings": found,
        "changes": changes,
        "payloads": payloads,
    }


def overview(connection: Connection, instance: str) -> dict[str, Any]:
    """The numbers of the first page for one instance."""
    values = {"instance": instance}
    return {
        "kinds": _all(
            connection,
            """select d.kind, count(*) filter (where paired) as matched, count(*) filter (where not paired and d.side = 'magento') as missing_in_odoo,
                count(*) filter (where not paired and d.side = 'odoo') as missing_in_magento,
                (select count(distinct coalesce(f.magento_id, f.odoo_id)) from finding f where f.instance = :instance and f.kind = d.kind
                    and f.resolved_at is null and f.severity <> 'info' and f.magento_id is not null and f.odoo_id is not null) as differing
            from (select d.kind, d.side, exists (select 1 from pair p where p.instance = d.instance and p.kind = d.kind and p.ended_at is null
                    and case d.side when 'magento' then p.magento_id else p.odoo_id end = d.source_id) as paired
                from document d where d.instance = :instance and d.order_key is not null and d.deleted_at is null and d.active) d
            where d.side = 'magento' or not paired group by d.kind order by d.kind""",
            values,
        ),
        "findings": _all(
            connection,
            """select type, severity, count(*) as n, min(first_seen) as oldest, currency, sum(abs(coalesce(difference, odoo_amount, magento_amount, 0))) as stake
            from finding where instance = :instance and resolved_at is null and coalesce(muted_until, now()) <= now()
            group by type, severity, currency order by severity, n desc""",
            values,
        ),
        "changes": _all(
            connection,
            """select kind, state, verdict, approval, count(*) as n from change where instance = :instance and state <> 'superseded'
            group by 1, 2, 3, 4 order by 1, 2""",
            values,
        ),
        "runs": _all(
            connection,
            "select distinct on (stage) * from run where instance = :instance order by stage, started_at desc",
            values,
        ),
        "quarantine": _one(
            connection,
            "select count(*) as n from quarantine where instance = :instance and resolved_at is null",
            values,
        ),
        "days": _all(
            connection,
            """select day::date as day, (select count(*) from finding where instance = :instance and severity <> 'info' and first_seen < day + interval '1 day'
                and (resolved_at is null or resolved_at >= day + interval '1 day')) as open
            from generate_series(current_date - 29, current_date, interval '1 day') day order by day""",
            values,
        ),
    }


def findings(connection: Connection, wanted: Mapping[str, str], *, limit: int = 200) -> list[dict[str, Any]]:
    """Findings, open ones unless `state=all`; filters type, severity, kind, instance, search; newest first after `after` (an id)."""
    where, values = "true", dict[str, Any](limit=limit + 1)
    if wanted.get("state") == "muted":
        where += " and resolved_at is null and muted_until > now()"
    elif wanted.get("state") != "all":
        where += " and resolved_at is null and coalesce(muted_until, now()) <= now()"
    for name in ("instance", "type", "severity", "kind", "who"):
        if wanted.get(name):
            where += f" and {name} = :{name}"
            values[name] = wanted[name]
    if wanted.get("search"):
        where += " and (order_number ilike :search or magento_number ilike :search or odoo_number ilike :search)"
        values["search"] = f"%{wanted['search']}%"
    if wanted.get("after", "").isdigit():
        where += " and id < :after"
        values["after"] = int(wanted["after"])
    return _all(connection, f"select * from finding where {where} order by id desc limit :limit", values)


def changes(connection: Connection, wanted: Mapping[str, str], *, limit: int = 200) -> list[dict[str, Any]]:
    """The ledger; filters instance, kind, state, verdict, approval, search; newest first after `after` (an id)."""
    where, values = "state <> 'superseded'", dict[str, Any](limit=limit + 1)
    for name in ("instance", "kind", "state", "verdict", "approval"):
        if wanted.get(name):
            where += f" and {name} = :{name}"
            values[name] = wanted[name]
    if wanted.get("search"):
        where += " and (order_number ilike :search or source_number ilike :search or target_number ilike :search)"
        values["search"] = f"%{wanted['search']}%"
    if wanted.get("after", "").isdigit():
        where += " and id < :after"
        values["after"] = int(wanted["after"])
    return _all(connection, f"select * from change where {where} order by id desc limit :limit", values)


def _all(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(statement), dict(values)).mappings()]


def _one(connection: Connection, statement: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    found: Sequence[dict[str, Any]] = _all(connection, statement, values)
    return found[0] if found else None
