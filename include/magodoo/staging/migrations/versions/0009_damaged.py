"""The documents that a check on the document alone would name, found without reading the others (magodoo.quality.staged)."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Each part stands word for word in one of the checks: PostgreSQL then sees that the index has every row which the check asks for.
DAMAGED = """state = '' and not (side = 'magento' and kind = 'shipment')
    or kind in ('order', 'invoice', 'credit_memo') and currency !~ '^[A-Z][A-Z][A-Z]$'
    or subtotal + shipping + discount + adjustment + tax <> grand_total
    or untaxed + tax <> grand_total
    or not sound
    or updated_at is null
    or created_at is null
    or abs(grand_total) > 10000000000000"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(f"create index document_damaged on document (instance) where {DAMAGED}")


def downgrade() -> None:
    op.get_bind().exec_driver_sql("drop index document_damaged")
