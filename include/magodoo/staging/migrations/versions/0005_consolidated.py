"""Index Odoo invoices of several orders: they are few and are often looked up."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.get_bind().exec_driver_sql(
        "create index document_consolidated on document (instance) where details ? 'consolidated'"
    )


def downgrade() -> None:
    """Drop the index."""
    op.get_bind().exec_driver_sql("drop index document_consolidated")
