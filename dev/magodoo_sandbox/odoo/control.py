"""The control routes: faults, the request log, deletion, the clock, calls as a person, reset and a dump.

They need the header `X-Sandbox-Key`. A real Odoo has no such routes.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from magodoo_sandbox.odoo.errors import describe
from magodoo_sandbox.odoo.transport import parse

if TYPE_CHECKING:
    from magodoo_sandbox.odoo.server import OdooApp

Answer = tuple[int, Any]


def control(app: OdooApp, name: str, request: Request, body: bytes) -> Answer:
    """Status and JSON value of a control call."""
    if not hmac.compare_digest(request.headers.get("x-sandbox-key", "").encode(), app.key.encode()):
        return 403, {"message": "X-Sandbox-Key is missing or wrong"}
    try:
        sent = parse(body) if body else {}
    except ValueError:
        return 400, {"message": "not JSON"}
    commands = {
        ("GET", "faults"): _list_faults,
        ("POST", "faults"): _add_fault,
        ("DELETE", "faults"): _clear_faults,
        ("GET", "log"): _show_log,
        ("DELETE", "log"): _clear_log,
        ("POST", "delete"): _delete,
        ("POST", "clock"): _set_clock,
        ("POST", "reset"): _reset,
        ("GET", "state"): _show_state,
        ("POST", "run"): _run,
    }
    command = commands.get((request.method, name.strip("/")))
    return command(app, sent) if command else (404, {"message": f"no such control route: {request.method} {name}"})


def _list_faults(app: OdooApp, sent: dict[str, Any]) -> Answer:
    return 200, [rule.shown() for rule in app.faults.rules]


def _add_fault(app: OdooApp, sent: dict[str, Any]) -> Answer:
    try:
        options: dict[str, Any] = {k: float(v) if k in ("seconds", "probability") else v for k, v in sent.items()}
        return 200, app.faults.add(**options).shown()
    except (TypeError, ValueError) as problem:
        return 400, {"message": str(problem)}


def _clear_faults(app: OdooApp, sent: dict[str, Any]) -> Answer:
    app.faults.clear()
    return 200, True


def _show_log(app: OdooApp, sent: dict[str, Any]) -> Answer:
    return 200, {"requests": app.log, "counts": dict(app.counts)}


def _clear_log(app: OdooApp, sent: dict[str, Any]) -> Answer:
    app.log.clear()
    app.counts.clear()
    return 200, True


def _delete(app: OdooApp, sent: dict[str, Any]) -> Answer:
    """{"model": "account.move", "ids": [7]}: the records are gone without a trace, regardless of their state."""
    model = app.db.models.get(sent.get("model", ""))
    if model is None:
        return 400, {"message": "no such model"}
    with app.db.lock:
        env = app.db.env("admin")
        ids = [record for record in sent.get("ids") or [] if record in model.rows]
        for record in ids:
            for name in model.owned:
                model.comodel(model.fields[name]).erase(env, model.get(model.rows[record], name))
        model.erase(env, ids)
    return 200, ids


def _set_clock(app: OdooApp, sent: dict[str, Any]) -> Answer:
    """{"now": "2026-11-22T10:00:00+00:00"}, or null for the real clock."""
    app.db.now = datetime.fromisoformat(sent["now"]) if sent.get("now") else None
    return 200, True


def _reset(app: OdooApp, sent: dict[str, Any]) -> Answer:
    """Back to the state that the server started with; faults and log are cleared."""
    if app.reset is None:
        return 400, {"message": "this server was started without a state to go back to"}
    app.db = app.reset()
    app.faults.clear()
    return _clear_log(app, sent)


def _show_state(app: OdooApp, sent: dict[str, Any]) -> Answer:
    return 200, app.db.dump()


def _run(app: OdooApp, sent: dict[str, Any]) -> Answer:
    """{"model": .., "method": .., "ids": [..], "user": "admin", "with": {..}}: a call as a person makes it."""
    options = {key: sent[key] for key in ("ids", "user", "context") if key in sent}
    try:
        return 200, app.db.call(sent.get("model", ""), sent.get("method", ""), **options, **sent.get("with", {}))
    except Exception as problem:  # returned to the caller
        status, body = describe(problem)
        return status, body
