"""The administrator of a live Odoo, as the clerks of the seed speak to Odoo."""

from __future__ import annotations

from typing import Any

from magodoo.connectors.odoo.client import OdooClient


class Administrator:
    """Calls to the live Odoo as its administrator, as `Books` makes them."""

    def __init__(self, client: OdooClient) -> None:
        self.client = client

    def call(self, model: str, method: str, ids: Any = None, *, context: Any = None, **arguments: Any) -> Any:
        own = {key: value for key, value in (context or {}).items() if key != "allowed_company_ids"}
        named = {"ids": ids} if ids is not None else {}
        return self.client.rpc.write_call(model, method, **named, context=own, **arguments)
