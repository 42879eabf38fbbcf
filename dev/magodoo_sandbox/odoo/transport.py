"""HTTP without a socket: JSON-2 and classic JSON-RPC, with Odoo's status codes and bodies (docs/facts/odoo-19.0.md#1 and #2)."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.errors import AccessDenied, DatabaseError, HttpError, UserError, describe
from magodoo_sandbox.odoo.loading import conflict, serialization_failure

_JSON, _HTML = "application/json; charset=utf-8", "text/html; charset=utf-8"
_NO_DATABASE = """<!DOCTYPE html>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>No database is selected and the requested URL was not found in the server-wide controllers.</p>
<p>Please verify the hostname, <a href=/web/login>login</a> and try again.</p>

<!-- Alternatively, use the X-Odoo-Database header. -->
"""
_WRONG_TYPE = """<!doctype html>
<html lang=en>
<title>415 Unsupported Media Type</title>
<h1>Unsupported Media Type</h1>
<p>Request inferred type is compatible with [&#39;http&#39;] but &#39;/json/2/&lt;__model__&gt;/&lt;__method__&gt;&#39; is type=&#39;json2&#39;.<br><br>Please verify the Content-Type request header and try again.</p>
"""  # noqa: E501
_NOT_FOUND = """<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.</p>
"""
_JSON2_SINCE = 19
_UNAUTHENTICATED = "User not authenticated, use an API Key with a Bearer Authorization header."
_REFUSED = 'connection to server at "127.0.0.1", port 5432 failed: {reason}\n'


@dataclass
class Answer:
    """Status, content type, content and further headers."""

    status: int
    kind: str
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


def to_json(value: Any) -> bytes:
    return json.dumps(value, default=float, separators=(",", ":"), ensure_ascii=False).encode()


def parse(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def handle(db: OdooDatabase, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """One request. Header names are lower case."""
    has_json2 = db.series >= _JSON2_SINCE
    if path in ("/web/version", "/json/version") and has_json2:
        return Answer(200, _JSON, to_json({"version_info": _info(db), "version": f"{db.series}.0"}))
    if path == "/web/health":
        return Answer(200, _JSON, to_json({"status": "pass"}))
    if path == "/jsonrpc" and method == "POST":
        return _answer_rpc(db, body)
    if not has_json2 or (path != "/json/2" and not path.startswith("/json/2/")):
        return Answer(404, _HTML, _NOT_FOUND.encode())
    if headers.get("x-odoo-database", db.name) != db.name:
        return no_database()
    return _answer_json2(db, method, path, headers, body)


def no_database() -> Answer:
    """Return an unknown database, and also a PostgreSQL that is down (docs/facts/odoo-19.0.md#1)."""
    return Answer(404, _HTML, _NO_DATABASE.encode())


def refuse(problem: Exception) -> Answer:
    """Return the answer of JSON-2 to an error."""
    status, body = describe(problem)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Answer(status, _JSON, to_json({**body, "debug": _trace(problem)}), headers)


def conflicting(method: str, rows: int) -> Answer:
    """Return what the loser of two concurrent writes gets: load() answers 200 with ids false (docs/facts/odoo-19.0.md#6)."""
    return Answer(200, _JSON, to_json(serialization_failure(rows))) if method == "load" else refuse(conflict())


def rpc_conflicting(request: Any, method: str, rows: int) -> Answer:
    """Return the same over JSON-RPC."""
    return rpc_result(request, serialization_failure(rows)) if method == "load" else rpc_error(request, conflict())


def rpc_database_down(request: Any) -> Answer:
    reason = "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?"
    return rpc_error(request, DatabaseError("OperationalError", _REFUSED.format(reason=reason)))


def rpc_result(request: Any, result: Any) -> Answer:
    """Return a method that returns nothing gives an answer without `result` (docs/facts/odoo-19.0.md#2)."""
    answer = {"jsonrpc": "2.0", "id": request}
    return Answer(200, _JSON, to_json(answer if result is None else {**answer, "result": result}))


def rpc_error(request: Any, problem: Exception) -> Answer:
    _, body = describe(problem)
    error = {"code": 0, "message": "Odoo Server Error", "data": {**body, "debug": _trace(problem)}}
    return Answer(200, _JSON, to_json({"jsonrpc": "2.0", "id": request, "error": error}))


# JSON-2


def _answer_json2(db: OdooDatabase, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    try:
        parts = path.removeprefix("/json/2").strip("/").split("/")
        if method != "POST" or len(parts) != 2:
            raise HttpError(404, "Did you mean POST /json/2/<model>/<method>?")
        if not headers.get("content-type", "").startswith("application/json"):
            return Answer(415, _HTML, _WRONG_TYPE.encode())
        uid = _authenticate(db, headers.get("authorization", ""))
        arguments = _arguments(body)
        context, ids = arguments.pop("context", None), arguments.pop("ids", None)
        context = context if isinstance(context, dict) else {}
        return Answer(200, _JSON, to_json(db.call(parts[0], parts[1], ids, uid, context, **arguments)))
    except Exception as problem:  # every error of a call has its answer; nothing is swallowed
        return refuse(problem)


def _authenticate(db: OdooDatabase, authorization: str) -> int:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise HttpError(401, _UNAUTHENTICATED)
    try:
        return db.login(key.strip())
    except AccessDenied:
        raise HttpError(401, "Invalid apikey") from None


def _arguments(body: bytes) -> dict[str, Any]:
    """Named arguments; a body that is no object counts as none (docs/facts/odoo-19.0.md#1 [212])."""
    if not body:
        return {}
    try:
        sent = parse(body)
    except ValueError as problem:
        raise HttpError(400, f"could not parse the body as json: {problem}") from None
    return sent if isinstance(sent, dict) else {}


# JSON-RPC: always 200, the error is in the body


def _answer_rpc(db: OdooDatabase, body: bytes) -> Answer:
    try:
        request = parse(body)
        params = request["params"]
        service, method, args = params["service"], params["method"], list(params.get("args") or [])
    except (ValueError, KeyError, TypeError):
        return Answer(400, _HTML, b"Invalid JSON data")
    try:
        return rpc_result(request.get("id"), _dispatch(db, service, method, args))
    except Exception as problem:  # every error of a call has its answer; nothing is swallowed
        return rpc_error(request.get("id"), problem)


def _dispatch(db: OdooDatabase, service: str, method: str, args: list[Any]) -> Any:
    if service == "common" and method == "version":
        name = f"{db.series}.0"
        return {"server_version": name, "server_version_info": _info(db), "server_serie": name, "protocol_version": 1}
    if service == "common" and method in ("authenticate", "login"):
        _require_database(db, args[0])
        return db.check_password(args[1], args[2]) or False
    if service == "object" and method in ("execute_kw", "execute"):
        _require_database(db, args[0])
        if not db.may_use(int(args[1]), str(args[2])):
            raise AccessDenied("Access Denied")
        if method == "execute":
            return db.execute_kw(int(args[1]), args[3], args[4], args[5:], {})
        return db.execute_kw(int(args[1]), args[3], *_as_of_19(db, int(args[1]), args[4], *_padded(args[5:])))
    raise UserError(f"Method not found: {service}.{method}")


def _info(db: OdooDatabase) -> list[Any]:
    return [db.series, 0, 0, "final", 0, ""]


def _as_of_19(
    db: OdooDatabase, uid: int, method: str, args: list[Any], named: dict[str, Any]
) -> tuple[str, list[Any], dict[str, Any]]:
    """Return the call with which the models answer what an older version is asked about rights (docs/facts/odoo-versions.md#1) and accuracies."""
    if db.series == 18 and method == "has_access" and not args:
        raise IndexError("tuple index out of range")
    if db.series < 18 and method == "check_access_rights":
        return "has_access", [[], *args], {name: value for name, value in named.items() if name != "raise_exception"}
    if db.series < 18 and method == "has_group":
        return method, [[uid], *args], named
    if method == "precision_get" and args[:1] == [[]]:
        return method, args[1:], named
    return method, args, named


def _padded(args: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    return (list(args[0]) if args else [], dict(args[1]) if len(args) > 1 else {})


def _require_database(db: OdooDatabase, name: str) -> None:
    if name != db.name:
        reason = f'FATAL:  database "{name}" does not exist'
        raise DatabaseError("OperationalError", _REFUSED.format(reason=reason))


def _trace(problem: Exception) -> str:
    return "".join(traceback.format_exception(problem))
