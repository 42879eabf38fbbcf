"""Add change.told_at: when a person was notified by e-mail that a change waits for them."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.get_bind().exec_driver_sql("alter table change add column told_at timestamptz")


def downgrade() -> None:
    """Drop the column."""
    op.get_bind().exec_driver_sql("alter table change drop column told_at")
