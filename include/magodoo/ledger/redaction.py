"""Redact calls for a task's log: personal data of the customer is hidden, as erasure does not reach Airflow's logs.

The page of a change shows the whole call, from a table that erasure blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MASK = "(masked)"
PERSONAL = frozenset({"email", "phone", "mobile", "street", "street2", "zip", "city", "vat"})
_OF_A_PARTNER = PERSONAL | {"name"}  # elsewhere a name is a product's or a document's


def redacted(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of one call, {system, method, path or model, body}: non-empty personal fields are replaced by MASK."""
    personal = _OF_A_PARTNER if call.get("model") == "res.partner" else PERSONAL
    return {**call, "body": _redacted(call.get("body"), personal)}


def _redacted(value: Any, personal: frozenset[str]) -> Any:
    if isinstance(value, list | tuple):
        return [_redacted(each, personal) for each in value]
    if not isinstance(value, Mapping):
        return value
    found = {key: MASK if key in personal and each else _redacted(each, personal) for key, each in value.items()}
    if {"fields", "data"} <= value.keys():  # a `load` table
        hidden = [name in personal for name in value["fields"]]
        found["data"] = [
            [MASK if hide and cell else cell for hide, cell in zip(hidden, row, strict=True)] for row in value["data"]
        ]
    return found
