"""The pages in Airflow's navigation. Light: every Airflow process imports this; only the api-server imports the app itself."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

PREFIX = "/magento"
VIEWS = (
    ("Sales", "sales", ""),
    ("Invoices", "invoices", "list/invoices"),
    ("Shipments", "shipments", "list/shipments"),
    ("Credit Memos", "credit-memos", "list/credit_memos"),
    ("Findings", "findings", "findings"),
    ("Changes", "changes", "changes"),
    ("Statement", "statement", "statement"),
)


def address(path: str) -> str:
    """Return the path of a page in the browser: below the path of `[api] base_url`, which a reverse proxy may have set."""
    base = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    return f"{base}{PREFIX}/{path}"


def external_views() -> list[dict[str, Any]]:
    """Return the entries of the category *Magento*."""
    return [
        {
            "name": name,
            "href": address(path),
            "destination": "nav",
            "category": "Magento",
            "url_route": f"magento-{route}",
            "nav_top_level": False,
        }
        for name, route, path in VIEWS
    ]


def fastapi_apps() -> list[dict[str, Any]]:
    """Return the app in the api-server, else nothing: it needs FastAPI, SQLAlchemy and Airflow's login."""
    if not _is_api_server():
        return []
    from magodoo_airflow.pages.app import app

    return [{"app": app, "url_prefix": PREFIX, "name": "magodoo sales pages"}]


def _is_api_server() -> bool:
    """Return whether this process serves HTTP: `airflow api-server`, `airflow standalone`, gunicorn, or uvicorn itself."""
    return any(
        word in argument
        for argument in sys.argv
        for word in ("api-server", "api_server", "api_fastapi", "standalone", "uvicorn")
    )
