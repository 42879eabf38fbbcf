"""The database over HTTP: one ASGI application with faults and control routes, and ways to run it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magodoo_sandbox.faults import Faults, Rule
from magodoo_sandbox.odoo import transport
from magodoo_sandbox.odoo.control import control
from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.transport import Answer
from magodoo_sandbox.serving import Served, cut, send_half

# `conflict` loses against a concurrent write, nothing is done; `conflict_after` loses against one that did the same.
KINDS = ("conflict", "conflict_after", "database_down")
READS = {
    "read",
    "search",
    "search_read",
    "search_count",
    "web_search_read",
    "web_read",
    "fields_get",
    "get_external_id",
}
_HEADERS = {"Server": "Werkzeug/3.1.3 Python/3.11.7"}


class Call:
    """The parts of a request that faults and the log use: `path` names model and method for JSON-RPC too."""

    def __init__(self, path: str, body: bytes) -> None:
        self.path, self.rpc = path, path == "/jsonrpc"
        self.request: Any = None
        sent = _understood(body) if self.rpc or path.startswith("/json/2/") else {}
        self.asked: Any = sent
        self.ids, self.data = sent.get("ids"), sent.get("data")
        if self.rpc:
            self._read_params(sent)
        self.method = self.path.rpartition("/")[2]

    def _read_params(self, sent: dict[str, Any]) -> None:
        self.request, self.asked = sent.get("id"), sent.get("params")
        args = (self.asked or {}).get("args") or []
        if len(args) > 4:
            self.path = f"/jsonrpc/{args[3]}/{args[4]}"
            positional = args[5] if len(args) > 5 else []
            self.ids = positional[0] if positional else None
            self.data = positional[1] if len(positional) > 1 else (args[6] if len(args) > 6 else {}).get("data")

    @property
    def rows(self) -> int:
        return len(self.data) if isinstance(self.data, list) else 0

    @property
    def question(self) -> str:
        """Equal for two requests with the same content."""
        return f"{self.path} {self.asked!r}"


def _understood(body: bytes) -> dict[str, Any]:
    try:
        sent = transport.parse(body) if body else {}
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


class OdooApp:
    """The ASGI application. Requests run one after another: every call is a transaction of its own."""

    def __init__(self, db: OdooDatabase, key: str = "", reset: Callable[[], OdooDatabase] | None = None) -> None:
        self.db, self.key, self.reset = db, key, reset
        self.faults = Faults(KINDS)
        self.log: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path, body = scope["path"], await request.body()
        if path.startswith("/__sandbox__/"):
            status, value = control(self, path.removeprefix("/__sandbox__/"), request, body)
            await Response(transport.to_json(value), status, media_type="application/json")(scope, receive, send)
            return
        call = Call(path, body)
        rules = self.faults.striking(request.method, call.path)
        if "latency" in rules:
            await rules["latency"].pass_time()
        answer = self._respond(request, path, body, call, rules)
        self._record(request.method, call, answer.status, rules)
        if "cut_before" in rules or "cut_after" in rules:
            cut(scope)
            return
        headers = {**_HEADERS, "Content-Type": answer.kind, **answer.headers}
        if "truncate" in rules:
            await send_half(scope, send, answer.status, headers, answer.content)
            return
        await Response(answer.content, answer.status, headers)(scope, receive, send)

    def _respond(self, request: Request, path: str, body: bytes, call: Call, rules: dict[str, Rule]) -> Answer:
        before = self._strike_before(call, rules)
        if before is not None:
            return before
        stale = self.faults.remembered(call.question) if "stale" in rules and call.method in READS else None
        if stale is not None:
            return _again(stale, call)
        answer = transport.handle(self.db, request.method, path, request.headers, body)
        if call.method in READS:
            self.faults.remember(call.question, answer.status, answer.content)
        if "conflict_after" in rules:
            return _conflicting(call)
        return _fault(rules["status_after"].status) if "status_after" in rules else answer

    def _strike_before(self, call: Call, rules: dict[str, Rule]) -> Answer | None:
        if "cut_before" in rules:
            return Answer(0, "", b"")
        if "status" in rules:
            return _fault(rules["status"].status)
        if "database_down" in rules:
            return transport.rpc_database_down(call.request) if call.rpc else transport.no_database()
        return _conflicting(call) if "conflict" in rules else None

    def _record(self, method: str, call: Call, status: int, rules: dict[str, Rule]) -> None:
        entry = {"method": method, "path": call.path, "status": status, "at": time.time(), "faults": sorted(rules)}
        self.log.append(entry | {"ids": call.ids})
        self.counts[f"{method} {call.path}"] += 1
        for rule in rules.values():
            rule.ended += 1


def _conflicting(call: Call) -> Answer:
    if call.rpc:
        return transport.rpc_conflicting(call.request, call.method, call.rows)
    return transport.conflicting(call.method, call.rows)


def _again(remembered: tuple[int, bytes], call: Call) -> Answer:
    """Return an earlier answer, under the number of this request."""
    status, content = remembered
    if call.rpc:
        content = transport.to_json({**transport.parse(content), "id": call.request})
    return Answer(status, "application/json; charset=utf-8", content)


def _fault(status: int) -> Answer:
    """Return the answer of a proxy in front of Odoo: Odoo itself sends neither 429 nor 502."""
    titles = {429: "429 Too Many Requests", 502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable"}
    title = titles.get(status, "504 Gateway Time-out" if status == 504 else f"{status} Internal Server Error")
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><h1>{title}</h1></body>\r\n</html>\r\n"
    return Answer(status, "text/html", page.encode(), {"Retry-After": "1"} if status == 429 else {})


class RunningSandbox:
    """A database served from a thread of this process, for tests: `with RunningSandbox(db) as sandbox: sandbox.url`.

    Without a database it provisions one with the keys `sync-key` and `admin-key`. `app` gives the log without HTTP.
    """

    def __init__(self, db: OdooDatabase | None = None, *, port: int = 0, key: str = "test") -> None:
        if db is None:
            db = OdooDatabase()
            db.provision()
        self.db = db
        self.app = OdooApp(db, key)
        self._served = Served(self.app, port)
        self.url, self.port = self._served.url, self._served.port

    @property
    def faults(self) -> Faults:
        return self.app.faults

    def start(self) -> RunningSandbox:
        self._served.start()
        return self

    def stop(self) -> None:
        self._served.stop()

    def __enter__(self) -> RunningSandbox:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
