"""Register the connection types *Magento 2* and *Odoo* and the links on tasks with Airflow."""

from __future__ import annotations

from typing import Any

import magodoo


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as the entry point `apache_airflow_provider` requires it."""
    return {
        "package-name": "magodoo",
        "name": "magodoo (Magento 2 and Odoo)",
        "description": magodoo.__doc__,
        "versions": [magodoo.__version__],
        "connection-types": [
            {
                "hook-class-name": "magodoo_airflow.hooks.magento.MagentoHook",
                "hook-name": "Magento 2",
                "connection-type": "magento",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "port"],
                    "relabeling": {
                        "host": "Shop address (https://shop.example.com)",
                        "login": "Admin user, or OAuth consumer key",
                        "password": "Integration token, admin password, or OAuth consumer secret",
                    },
                    "placeholders": {"host": "https://shop.example.com"},
                },
                "conn-fields": {
                    "auth": _choice("Authentication", ["bearer", "oauth1", "admin"], "oauth1"),
                    "access_token": _secret("OAuth access token"),
                    "access_token_secret": _secret("OAuth access token secret"),
                    "store_code": _text("Store code in the path (empty: none)"),
                    "page_size": _number("Rows per page", 100),
                    "verify": _text("File of the CA that signed the shop's certificate (empty: a public one)"),
                },
            },
            {
                "hook-class-name": "magodoo_airflow.hooks.odoo.OdooHook",
                "hook-name": "Odoo",
                "connection-type": "odoo",
                "ui-field-behaviour": {
                    "hidden-fields": ["port"],
                    "relabeling": {
                        "host": "Server address (https://books.example.com)",
                        "schema": "Database",
                        "login": "Login (for Odoo 18 and earlier)",
                        "password": "API key",
                    },
                    "placeholders": {"host": "https://books.example.com"},
                },
                "conn-fields": {
                    "company_id": _number("Company id", 1),
                    "ca_bundle": _text("File of the CA that signed the server's certificate (empty: a public one)"),
                },
            },
        ],
        "extra-links": [
            "magodoo_airflow.links.SalesPageLink",
            "magodoo_airflow.links.ChangesLink",
            "magodoo_airflow.links.DataDocsLink",
        ],
    }


def _text(label: str) -> dict[str, Any]:
    return {"label": label, "schema": {"type": ["string", "null"]}}


def _secret(label: str) -> dict[str, Any]:
    return {"label": label, "schema": {"type": ["string", "null"], "format": "password"}}


def _number(label: str, default: int) -> dict[str, Any]:
    return {"label": label, "schema": {"type": ["integer", "null"], "default": default}}


def _choice(label: str, values: list[str], default: str) -> dict[str, Any]:
    return {"label": label, "schema": {"type": ["string", "null"], "enum": values, "default": default}}
