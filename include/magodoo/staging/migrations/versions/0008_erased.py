"""Orders whose customer was erased: what is read of them again is blanked again."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.get_bind().exec_driver_sql(
        "create table erased (instance text not null, order_key text not null, erased_at timestamptz not null default now(),"
        " primary key (instance, order_key))"
    )


def downgrade() -> None:
    """Drop the table."""
    op.get_bind().exec_driver_sql("drop table erased")
