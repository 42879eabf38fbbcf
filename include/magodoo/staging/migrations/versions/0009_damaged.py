"""The documents that a check on the document alone would name, found without reading the others (magodoo.quality.checks_of_staging)."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Each part stands word for word in one of the checks: PostgreSQL then sees that the index has every row which the check asks for.
# Apart, as it cannot estimate sums and would take the other index for a large one.
DAMAGED = {
    "document_incomplete": """state = '' and not (side = 'magento' and kind = 'shipment')
        or kind in ('order', 'invoice', 'credit_memo') and currency !~ '^[A-Z][A-Z][A-Z]$'
        or not sound or updated_at is null or created_at is null""",
    "document_unequal": """subtotal + shipping + discount + adjustment + tax <> grand_total
        or untaxed + tax <> grand_total or abs(grand_total) > 10000000000000""",
}


def upgrade() -> None:
    for name, condition in DAMAGED.items():
        op.get_bind().exec_driver_sql(f"create index {name} on document (instance) where {condition}")


def downgrade() -> None:
    for name in DAMAGED:
        op.get_bind().exec_driver_sql(f"drop index {name}")
