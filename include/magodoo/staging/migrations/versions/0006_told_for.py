"""Add change.told_for: the reason of the last notification.

A change can need a person twice: it waits, is approved, and fails.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and fill it for changes that were notified."""
    op.get_bind().exec_driver_sql("alter table change add column told_for text")
    op.get_bind().exec_driver_sql(
        "update change set told_for = case when state = 'failed' then 'failed' else 'waiting' end where told_at is not null"
    )


def downgrade() -> None:
    """Drop the column."""
    op.get_bind().exec_driver_sql("alter table change drop column told_for")
