"""Index the documents that a check on single documents would name (`magodoo.quality.catalogue`)."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Each part is copied literally from one of the checks, so that PostgreSQL can prove that the index has every row of the check.
# Two indexes, as PostgreSQL cannot estimate sums and would take a combined index for a large one.
DAMAGED = {
    "document_incomplete": """state = '' and not (side = 'magento' and kind = 'shipment')
        or kind in ('order', 'invoice', 'credit_memo') and currency !~ '^[A-Z][A-Z][A-Z]$'
        or not sound or updated_at is null or created_at is null""",
    "document_unequal": """subtotal + shipping + discount + adjustment + tax <> grand_total
        or untaxed + tax <> grand_total or abs(grand_total) > 10000000000000""",
}


def upgrade() -> None:
    """Create the indexes."""
    for name, condition in DAMAGED.items():
        op.get_bind().exec_driver_sql(f"create index {name} on document (instance) where {condition}")


def downgrade() -> None:
    """Drop the indexes."""
    for name in DAMAGED:
        op.get_bind().exec_driver_sql(f"drop index {name}")
