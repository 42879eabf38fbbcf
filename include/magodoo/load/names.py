"""Odoo ids of the records that requests name, without asking Odoo for each name.

Staging saw most of them when it read the orders; Odoo confirms what staging believes in one call per model, and is asked
for the rest name by name (`magodoo.odoo.external_ids`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from magodoo.load.ledger import LeasedChange
from magodoo.odoo.kinds import READINGS
from magodoo.vocabulary import Side

if TYPE_CHECKING:
    from magodoo.pipeline.context import Context

LINES = "sale.order.line"

_SEEN = """
select kind, source_id, payload ->> 'external_id' as name, case when kind = 'order' then (
        select jsonb_object_agg(line ->> 'external_id', line -> 'id') from jsonb_path_query(payload::jsonb, '$.order_line[*]') line
        where coalesce(line ->> 'external_id', '') <> '') end as lines
from payload join document using (instance, side, kind, source_id)
where instance = :instance and side = :odoo and order_key = any(:orders) and kind = any(:kinds) and deleted_at is null"""


def resolve(
    context: Context, changes: Sequence[LeasedChange], references: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Odoo ids of the records that requests of these changes name, by `name_of`; what does not exist is left out."""
    names = sorted({str(reference["external_id"]) for reference in references if reference.get("external_id")})
    found: dict[str, int] = {}
    if names:
        found = context.books.by_external_ids(names, _believed(context, {change.order_key for change in changes}))
    return found | {name_of(reference): int(reference["id"]) for reference in references if reference.get("id")}


def name_of(reference: Mapping[str, Any]) -> str:
    """One text for a reference: its external id, or the id itself."""
    return str(reference.get("external_id") or reference["id"])


def _believed(context: Context, order_keys: Collection[str]) -> dict[str, tuple[str, int]]:
    """What the staged orders, invoices and credit notes of these orders were named when they were read."""
    values = {
        "instance": context.instance.id, "odoo": Side.ODOO.value, "orders": list(order_keys),
        "kinds": ["order", "invoice", "credit_memo"],
    }  # fmt: skip
    believed: dict[str, tuple[str, int]] = {}
    with context.engine.connect() as connection:
        for kind, source_id, name, lines in connection.execute(text(_SEEN), values):
            if name:
                believed[name] = (READINGS[kind].model, int(source_id))
            believed |= {name: (LINES, line) for name, line in (lines or {}).items()}
    return believed
