"""What was paid before the evidence was kept says so: money that goes away again from these documents is seen, too."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        "update document set details = coalesce(details, '{}') || '{\"was_paid\": true}'"
        " where side = 'odoo' and kind in ('invoice', 'credit_memo') and active and status = 'paid' and open_amount = 0"
        " and grand_total > 0 and captured_amount >= grand_total"
    )


def downgrade() -> None:
    """What is known of the past stays: an older release does not read it."""
