"""Run the migrations on the connection that `staging.migrate` passes to Alembic."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table="alembic_version", version_table_schema="magodoo"
)
with context.begin_transaction():
    context.run_migrations()
