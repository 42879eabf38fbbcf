"""Create the first schema: payloads, documents, lines, work queue, pairs, findings and ledger, from the SQL file beside."""

from pathlib import Path

from alembic import op
from alembic.util import CommandError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    # The driver itself, not text(): the file has colons of its own.
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Refuse: there is no schema before the first one. Raises CommandError."""
    raise CommandError("there is no schema before the first one: drop the schema magodoo to remove it")
