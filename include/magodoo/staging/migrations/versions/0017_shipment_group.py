"""Create table shipment_group: shipments compared as a group, as the other side split the goods into other parcels."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop the table."""
    op.get_bind().exec_driver_sql("drop table shipment_group")
