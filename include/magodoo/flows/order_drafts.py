"""Write drafts of orders again that an earlier attempt left, so that its next one does not stumble over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from magodoo.domain.kinds import ChangeKind
from magodoo.errors import FixDocument
from magodoo.flows.load_tables import Table, fit
from magodoo.ledger.changes import Changes, LeasedChange

if TYPE_CHECKING:
    from magodoo.connectors.odoo.client import OdooClient
    from magodoo.context import Context

_CELLS = ("product_uom_qty", "price_unit", "discount", "tax_ids/.id", "extra_tax_data")


def renew(
    context: Context, kind: ChangeKind, stale: Mapping[int, LeasedChange[Any]]
) -> tuple[dict[int, Mapping[str, Any]], dict[int, FixDocument]]:
    """Write the lines of these drafts (by Odoo's id) as their changes ask for now.

    Returns the drafts as they are then, and by id why one could not be written. A quotation whose import was done may have been edited
    since: it is left alone, and is in neither.
    """
    if not stale:
        return {}, {}
    with context.engine.connect() as connection:
        sources = [change.source_id for change in stale.values()]
        done = Changes(connection, context.instance.id).done(kind, sources)
    renewed, refused = [], {}
    for target, change in stale.items():
        if change.source_id in done:
            continue
        try:
            _rewrite(context.odoo, target, change.request.load)
        except FixDocument as problem:
            refused[target] = problem
        else:
            renewed.append(target)
    rows = context.odoo.documents.by_ids("order", renewed).rows if renewed else []
    return {row["id"]: row for row in rows}, refused


def _rewrite(client: OdooClient, order: int, table: Table) -> None:
    """Write quantities, prices and taxes of a draft's lines. Raises FixDocument where Odoo refuses them, as when a line is gone."""
    wanted = [index for index, name in enumerate(table.fields) if name.removeprefix("order_line/") in _CELLS]
    wanted.insert(0, table.fields.index("order_line/id"))
    fields = (".id", *(table.fields[index] for index in wanted))
    rows = tuple(
        ("" if number else str(order), *(row[index] for index in wanted)) for number, row in enumerate(table.rows)
    )
    fitted = fit(client, Table(table.model, fields, rows))
    client.orders.rewrite(fitted.fields, fitted.rows)
