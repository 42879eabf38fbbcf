"""Add change.series_day: the date of a change in its journal's numbering, so that documents are posted by date."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and fill it for open changes."""
    op.get_bind().exec_driver_sql("alter table change add column series_day date")
    op.get_bind().exec_driver_sql(
        "update change set series_day = case when (b.request ->> 'dated_today')::boolean then date '9999-12-31'"
        " else nullif(b.request ->> 'date', '')::date end from change_body b where b.change_id = change.id"
        " and change.kind in ('odoo_invoice', 'odoo_credit_note') and change.state in ('planned', 'approved', 'leased', 'uncertain')"
    )


def downgrade() -> None:
    """Drop the column."""
    op.get_bind().exec_driver_sql("alter table change drop column series_day")
