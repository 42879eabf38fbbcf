"""Alembic environment of the staging schema."""
