"""Create table decision: what people decided, as a log to which rows are only added."""

from pathlib import Path

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its triggers."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop it, with all that it records."""
    op.get_bind().exec_driver_sql("drop table decision; drop function decision_is_frozen")
