"""Create tables statement and statement_document, and the PDF columns of mail, from the SQL file beside."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and columns."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop the tables, their trigger functions and the columns."""
    op.get_bind().exec_driver_sql(
        "drop table statement_document; drop table statement;"
        " drop function statement_is_frozen; drop function statement_document_is_frozen;"
        " alter table mail drop column pdf_name, drop column pdf"
    )
