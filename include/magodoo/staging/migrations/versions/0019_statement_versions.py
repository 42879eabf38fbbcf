"""Let a month have several approved statements, each prepared by one person and approved by another, and filed."""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Take them away. Raises when a month was revised: its second statement has no place in the older schema."""
    op.get_bind().exec_driver_sql(
        "drop table statement_filing; drop function statement_filing_is_frozen; drop index statement_signed;"
        " alter table statement drop column verdict, drop column over, drop column version, drop column notes, drop column prepared_by,"
        " drop column prepared_at, drop column prepared_hash;"
        " create unique index statement_signed on statement (instance, month) where signed_at is not null"
    )
