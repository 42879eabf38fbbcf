"""Compose the address of a server from the fields of an Airflow connection."""

from __future__ import annotations

from typing import Any


def base_url(connection: Any) -> str:
    """Return the address in a connection's host field, with its port; https unless another scheme is given."""
    host = (connection.host or "").rstrip("/")
    if "://" not in host:
        host = f"{(connection.schema if connection.schema in ('http', 'https') else None) or 'https'}://{host}"
    scheme, _, rest = host.partition("://")
    name, slash, path = rest.partition("/")
    port = f":{connection.port}" if connection.port and ":" not in name else ""
    return f"{scheme}://{name}{port}{slash}{path}"
