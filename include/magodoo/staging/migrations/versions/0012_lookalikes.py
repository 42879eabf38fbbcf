"""Index totals only of Odoo documents without an order, where duplicate candidates are looked up (`staging/frames.py`).

Nearly every document has its order when it is written, so this index costs it nothing.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the index of all totals."""
    op.get_bind().exec_driver_sql("drop index document_by_total")
    op.get_bind().exec_driver_sql(
        "create index document_lookalike on document (instance, kind, grand_total)"
        " where side = 'odoo' and order_key is null and deleted_at is null"
    )


def downgrade() -> None:
    """Restore the index of all totals."""
    op.get_bind().exec_driver_sql("drop index document_lookalike")
    op.get_bind().exec_driver_sql(
        "create index document_by_total on document (instance, side, kind, grand_total) where active and deleted_at is null"
    )
