"""An instance with recipients, and rows of findings and changes for it, for the tests of mails."""

from __future__ import annotations

from sqlalchemy import Engine, text

from magodoo.settings import Instance

US = Instance(
    id="us",
    magento_connection="m",
    odoo_connection="o",
    recipients={"accounting": ("books@example.com",), "warehouse": ("stock@example.com",)},
    magento_admin_url="https://shop.example.com/admin",
    odoo_url="https://odoo.example.com",
)
UI = "https://airflow.example.com"


def found(engine: Engine, type_: str = "total_mismatch", **more: object) -> int:
    """Inserts a finding, by default an invoice that differs by 41.20 USD, and returns its id."""
    return _insert(engine, "finding", {
        "instance": "us", "type": type_, "severity": "critical", "kind": "invoice", "order_key": "1", "order_number": "000000001", "magento_id": "7",
        "magento_number": "000000007", "odoo_id": "70", "odoo_number": "INV/2026/00007", "magento_amount": 1_000_000, "odoo_amount": 1_412_000,
        "difference": 412_000, "currency": "USD", "message": "Totals differ.", "who": "accounting", "next_step": "Compare.",
    } | more)  # fmt: skip


def planned(engine: Engine, **more: object) -> int:
    """Inserts a change, by default an invoice of 100.00 USD that waits for approval, and returns its id."""
    return _insert(engine, "change", {
        "instance": "us", "kind": "odoo_invoice", "target": "odoo", "step": 2, "order_key": "1", "order_number": "000000001", "document_kind": "invoice",
        "source_id": "7", "source_number": "000000007", "request_hash": "h", "checked_hash": "h", "verdict": "released", "approval": "waiting",
        "approval_reason": "the first writes", "currency": "USD", "amount": 1_000_000,
    } | more)  # fmt: skip


def _insert(engine: Engine, table: str, values: dict[str, object]) -> int:
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    with engine.begin() as connection:
        statement = text(f"insert into {table} ({columns}) values ({places}) returning id")
        return int(connection.execute(statement, values).scalar_one())
