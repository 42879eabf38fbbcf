"""Migrate the staging database that the settings name to the newest schema: `python -m magodoo_airflow.migrate`."""

from __future__ import annotations

from airflow.models import Connection

from magodoo.settings import read_settings
from magodoo.staging import migrate


def main() -> None:
    """Run the migrations."""
    connection = Connection.get_connection_from_secrets(read_settings().staging_connection)  # noqa: AIR311
    migrate(connection.get_uri())


if __name__ == "__main__":
    main()
