"""Odoo invoices of several orders are few and looked for often."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        "create index document_consolidated on document (instance) where details ? 'consolidated'"
    )


def downgrade() -> None:
    op.get_bind().exec_driver_sql("drop index document_consolidated")
