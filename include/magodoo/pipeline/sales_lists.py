"""Write the sales lists: the rows of orders that were reconciled since these were last written.

The pages show them; findings, the gate and the load never read them. They are therefore written after the findings, in separate
transactions. Orders that are due are stored in table unlisted: a run that ends early leaves them to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from magodoo.staging import db, sales_lines

if TYPE_CHECKING:
    from magodoo.context import Context

BATCH = 5000  # orders per transaction


def run(context: Context) -> int:
    """Write the rows of all orders that are due, and of documents without an order. Returns the number of orders."""
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
        sales_lines.note_agreement(connection, instance, context.now())
    return orders


def due(context: Context) -> bool:
    """Return whether any rows are due."""
    with context.engine.connect() as connection:
        return sales_lines.is_due(connection, context.instance.id)
