"""Columns that the checks and the pages stand on, with their types: by table and PostgreSQL type."""

from __future__ import annotations

from magodoo.quality.checks import Check, Holds
from magodoo.vocabulary import Severity

_REQUIRED = {
    "document": {
        "text": "instance side kind source_id order_key number state currency",
        "bigint": "subtotal shipping discount adjustment tax untaxed grand_total version",
        "boolean": "active sound",
        "timestamp with time zone": "created_at updated_at deleted_at",
    },
    "line": {"text": "instance side kind source_id line_id item_key role", "bigint": "quantity untaxed tax"},
    "pair": {"text": "instance kind order_key magento_id odoo_id rule", "timestamp with time zone": "ended_at"},
    "finding": {
        "text": "instance type kind severity message order_key magento_id odoo_id",
        "bigint": "magento_amount odoo_amount",
        "timestamp with time zone": "first_seen resolved_at",
    },
    "change": {
        "text": "instance kind target order_key source_id state verdict request_hash", "bigint": "amount"
    },
}  # fmt: skip

REQUIRED_COLUMNS: dict[str, dict[str, str]] = {
    table: {column: type_ for type_, columns in by_type.items() for column in columns.split()}
    for table, by_type in _REQUIRED.items()
}
"""Type by column by table."""

_WANTED = ", ".join(
    f"('{table}', '{column}', '{type_}')"
    for table, columns in REQUIRED_COLUMNS.items()
    for column, type_ in columns.items()
)

SCHEMA_CHECKS = (
    Check(
        "columns_as_expected",
        "document",
        Severity.CRITICAL,
        Holds.SIDE,
        "Every required column is there and has its type.",
        "Somebody changed the staging tables by hand: put the schema back (docs/operations.md).",
        f"""select 'magento', 'schema', wanted.name || '.' || wanted.col, null::text, wanted.name || '.' || wanted.col, null::text,
            null::bigint, null::bigint, null::text, coalesce('is ' || there.data_type, 'is missing') || ', not ' || wanted.type as message
            from (values {_WANTED}) wanted (name, col, type) left join information_schema.columns there
                on there.table_schema = 'magodoo' and there.table_name = wanted.name and there.column_name = wanted.col
            where there.data_type is distinct from wanted.type and not exists (select 1 from {{batch}} where false)""",
    ),
)
