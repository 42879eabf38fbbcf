"""Add what of a record in quarantine names an order: nothing is written for that order while it cannot be read."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.get_bind().exec_driver_sql(
        "alter table quarantine add own_orders text[] not null default '{}', add reference text, add other_references text[] not null default '{}'"
    )


def downgrade() -> None:
    """Drop the columns."""
    op.get_bind().exec_driver_sql("alter table quarantine drop own_orders, drop reference, drop other_references")
