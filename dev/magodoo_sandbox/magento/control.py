"""The control routes: faults, the request log, deletion, reset and a dump, for tests and the demo.

They need the header `X-Sandbox-Key`. A real Magento has no such routes.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from magodoo_sandbox.magento.store import DOCUMENTS

if TYPE_CHECKING:
    from magodoo_sandbox.magento.server import MagentoApp

Answer = tuple[int, Any]


def control(app: MagentoApp, name: str, request: Request, body: bytes) -> Answer:
    """Status and JSON value of a control call."""
    if not hmac.compare_digest(request.headers.get("x-sandbox-key", "").encode(), app.key.encode()):
        return 403, {"message": "X-Sandbox-Key is missing or wrong"}
    try:
        sent = json.loads(body) if body else {}
    except ValueError:
        return 400, {"message": "not JSON"}
    commands = {
        ("GET", "faults"): _list_faults,
        ("POST", "faults"): _add_fault,
        ("DELETE", "faults"): _clear_faults,
        ("GET", "log"): _show_log,
        ("DELETE", "log"): _clear_log,
        ("POST", "delete"): _delete,
        ("POST", "reset"): _reset,
        ("GET", "state"): _show_state,
        ("POST", "run"): _run,
    }
    command = commands.get((request.method, name.strip("/")))
    return command(app, sent) if command else (404, {"message": f"no such control route: {request.method} {name}"})


def _list_faults(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    return 200, [rule.shown() for rule in app.faults.rules]


def _add_fault(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    try:
        return 200, app.faults.add(**sent).shown()
    except (TypeError, ValueError) as problem:
        return 400, {"message": str(problem)}


def _clear_faults(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    app.faults.clear()
    return 200, True


def _show_log(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    return 200, {"requests": [{**entry, "at": str(entry["at"])} for entry in app.log], "counts": dict(app.counts)}


def _clear_log(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    app.log.clear()
    app.counts.clear()
    return 200, True


def _delete(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    """{"kind": "invoices", "entity_id": 7}: the row is gone without a trace."""
    if sent.get("kind") not in DOCUMENTS:
        return 400, {"message": f"kind is one of {', '.join(DOCUMENTS)}"}
    return 200, app.shop.tables.delete(sent["kind"], int(sent.get("entity_id", 0)))


def _reset(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    """Back to the state that the server started with; faults and log are cleared, tokens keep working."""
    if app.reset is None:
        return 400, {"message": "this server was started without a state to go back to"}
    accounts = app.shop.accounts
    app.shop = app.reset()
    app.shop.accounts = accounts
    app.faults.clear()
    return _clear_log(app, sent)


def _show_state(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    """All documents as stored, private columns included."""
    return 200, app.shop.dump()


_OPERATIONS = (
    "place_order",
    "invoice",
    "ship",
    "add_track",
    "refund",
    "refund_invoice",
    "cancel",
    "hold",
    "unhold",
    "comment",
    "authorize",
    "capture",
)


def _run(app: MagentoApp, sent: dict[str, Any]) -> Answer:
    """{"do": "refund", "with": {"order_id": 7}}: one of Magento's operations, as a person in the admin panel."""
    if sent.get("do") not in _OPERATIONS:
        return 400, {"message": f"do is one of {', '.join(_OPERATIONS)}"}
    arguments = dict(sent.get("with") or {})
    if "items" in arguments:
        arguments["items"] = {int(item): qty for item, qty in arguments["items"].items()}
    if "lines" in arguments:
        arguments["lines"] = [tuple(line) for line in arguments["lines"]]
    return 200, getattr(app.shop, sent["do"])(**arguments)
