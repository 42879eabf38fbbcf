"""Name Odoo records in requests, also before they exist, and resolve the names to ids right before the write.

Most of the ids were staged with the orders. Odoo confirms the staged ids in one call per model; the rest are requested
name by name.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import text

from magodoo.connectors.odoo.record_kinds import READINGS
from magodoo.domain.vocabulary import Kind, Side
from magodoo.ledger.changes import LeasedChange

if TYPE_CHECKING:
    from magodoo.context import Context


# The name of an external id's kind, by kind of document (contract of references: docs/explanation/matching.md#1-by-reference).
NAMES = {Kind.ORDER: "order", Kind.INVOICE: "inv", Kind.CREDIT_MEMO: "cm"}


class Reference(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Name an Odoo record in a request: by our external id, also before it exists, or by Odoo's own id."""

    external_id: str | None = None
    odoo_id: int | None = msgspec.field(default=None, name="id")

    @property
    def column(self) -> str:
        """Return the suffix of the `load` column that takes `cell`."""
        return "/id" if self.external_id else "/.id"

    @property
    def cell(self) -> str:
        """Return the external id, or the database id as text."""
        return self.external_id or str(self.odoo_id)

    def as_json(self) -> dict[str, Any]:
        """Return the reference as a request holds it."""
        return dict(msgspec.to_builtins(self))


LINES = "sale.order.line"

_SEEN = """
select kind, source_id, payload ->> 'external_id' as name, case when kind = 'order' then (
        select jsonb_object_agg(line ->> 'external_id', line -> 'id') from jsonb_path_query(payload::jsonb, '$.order_line[*]') line
        where coalesce(line ->> 'external_id', '') <> '') end as lines
from payload join document using (instance, side, kind, source_id)
where instance = :instance and side = :odoo and order_key = any(:orders) and kind = any(:kinds) and deleted_at is null"""


def resolve(
    context: Context, changes: Sequence[LeasedChange], references: Collection[Reference]
) -> dict[Reference, int]:
    """Return the Odoo ids of the records that requests of these changes name; missing records are left out."""
    names = sorted({each.external_id for each in references if each.external_id})
    found: dict[str, int] = {}
    if names:
        found = context.odoo.external_ids.find(names, _believed(context, {change.order_key for change in changes}))
    ids = {Reference(external_id=name): id for name, id in found.items()}
    return ids | {each: each.odoo_id for each in references if each.odoo_id}


def _believed(context: Context, order_keys: Collection[str]) -> dict[str, tuple[str, int]]:
    """Return (model, id) by external id, as the orders, invoices and credit notes of these orders were staged."""
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
