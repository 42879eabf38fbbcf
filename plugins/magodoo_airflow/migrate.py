"""`python -m magodoo_airflow.migrate`: brings the staging database that the settings name to its newest schema."""

from __future__ import annotations

from airflow.models import Connection

from magodoo.settings import read_settings
from magodoo.staging import migrate


def main() -> None:
    connection = Connection.get_connection_from_secrets(read_settings().staging_connection)  # noqa: AIR311
    migrate(connection.get_uri())


if __name__ == "__main__":
    main()
