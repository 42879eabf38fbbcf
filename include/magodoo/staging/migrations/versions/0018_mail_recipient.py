"""Create table mail_recipient: the state of a mail for each recipient, in place of one state for all of them."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, give every recipient the state of the mail, and drop that."""
    op.get_bind().exec_driver_sql(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Give every mail one state again: it was sent when no recipient waits and one was reached."""
    bind = op.get_bind()
    bind.exec_driver_sql(
        "alter table mail add column sent_at timestamptz, add column attempts integer not null default 0, add column last_error text"
    )
    bind.exec_driver_sql(
        "update mail set sent_at = r.sent_at, attempts = r.attempts, last_error = r.last_error from (select mail_id,"
        " case when bool_and(sent_at is not null or given_up_at is not null) then max(sent_at) end as sent_at,"
        " max(attempts) as attempts, max(last_error) as last_error from mail_recipient group by mail_id) r where r.mail_id = mail.id"
    )
    bind.exec_driver_sql("create index mail_unsent on mail (queued_at) where sent_at is null")
    bind.exec_driver_sql("drop table mail_recipient")
