"""Add the order and the number of a record in quarantine: its documents wait for an order that exists."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, fill them for Magento orders, and create the index."""
    op.get_bind().exec_driver_sql("alter table quarantine add column order_key text, add column number text")
    op.get_bind().exec_driver_sql(
        "update quarantine set order_key = source_id where side = 'magento' and kind = 'order' and source_id ~ '^[0-9]{1,18}$'"
    )
    op.get_bind().exec_driver_sql(
        "create index quarantine_of_order on quarantine (instance, order_key) where resolved_at is null"
    )


def downgrade() -> None:
    """Drop the index and the columns."""
    op.get_bind().exec_driver_sql("drop index quarantine_of_order")
    op.get_bind().exec_driver_sql("alter table quarantine drop column order_key, drop column number")
