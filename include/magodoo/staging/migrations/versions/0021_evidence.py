"""Add the evidence of what was written, which is kept longer than requests and names."""

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop it, with what was kept."""
    op.get_bind().exec_driver_sql("alter table change drop column evidence")
