"""Mark documents as `was_paid` that were paid before this was recorded, so that reversed payments of them are found."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Set `was_paid` on Odoo documents that are paid in full."""
    op.get_bind().exec_driver_sql(
        "update document set details = coalesce(details, '{}') || '{\"was_paid\": true}'"
        " where side = 'odoo' and kind in ('invoice', 'credit_memo') and active and status = 'paid' and open_amount = 0"
        " and grand_total > 0 and captured_amount >= grand_total"
    )


def downgrade() -> None:
    """Keep the marks: an older release does not read them."""
