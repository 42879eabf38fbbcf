"""What of a record in quarantine names an order: nothing is made for that order while the record cannot be read."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        "alter table quarantine add own_orders text[] not null default '{}', add reference text, add other_references text[] not null default '{}'"
    )


def downgrade() -> None:
    op.get_bind().exec_driver_sql("alter table quarantine drop own_orders, drop reference, drop other_references")
