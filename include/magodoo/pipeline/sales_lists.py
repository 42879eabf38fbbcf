"""The story of the sales lists: the lines of the orders that were reconciled since they were last written.

The pages show them; findings, the gate and loading never look at them. So they are written after the findings, in transactions
of their own. Which orders that concerns stands in table unlisted: a run that ends before it comes here leaves them to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magodoo.staging import db, sales_lines

if TYPE_CHECKING:
    from magodoo.context import Context

BATCH = 5000  # orders in one transaction


def run(context: Context) -> int:
    """Write the lines of all orders that are out of date, and of documents without order; returns how many orders."""
    instance, orders = context.instance.id, 0
    while True:
        context.go_on()
        with context.engine.begin() as connection:
            db.keep(connection, "pair", "finding", "order_work", "listed", "unlisted")
            written = sales_lines.refresh_due(connection, instance, BATCH)
        orders += written
        if written < BATCH:
            break
    with context.engine.begin() as connection:
        sales_lines.refresh(connection, instance, (), without_order=True)
        sales_lines.note_agreement(connection, instance)
    return orders


def due(context: Context) -> bool:
    """Whether a run left lines out of date."""
    with context.engine.connect() as connection:
        return sales_lines.is_due(connection, context.instance.id)
