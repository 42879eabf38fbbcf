"""The sandbox Magento over HTTP: one ASGI application, its control routes under /__sandbox__/, and ways to run it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from decimal import InvalidOperation
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from magodoo_sandbox.faults import Rule
from magodoo_sandbox.magento import render
from magodoo_sandbox.magento.auth import authenticate
from magodoo_sandbox.magento.calls import Call
from magodoo_sandbox.magento.control import control
from magodoo_sandbox.magento.criteria import parse_query
from magodoo_sandbox.magento.faults import GATEWAY_PAGE, MAINTENANCE_PAGE, Faults
from magodoo_sandbox.magento.refusals import Crash, Refusal
from magodoo_sandbox.magento.routes import answer, strip_store
from magodoo_sandbox.magento.shop import MagentoShop
from magodoo_sandbox.serving import Served, cut, send_half

_JSON, _HTML, _TEXT = "application/json; charset=utf-8", "text/html; charset=UTF-8", "text/plain;charset=UTF-8"
_HEADERS = {
    "Server": "nginx/1.22.1",
    "Expires": "Thu, 19 Nov 1981 08:52:00 GMT",
    "Pragma": "no-cache",
    "Cache-Control": "no-store",
}
_CRASHED = "An error has happened during application run. See exception log for details.\n"
_ERROR_PAGE = (
    b"<!doctype html>\n<html><head><title>There has been an error processing your request</title></head></html>\n"
)
_REASONS = {502: "502 Bad Gateway", 504: "504 Gateway Time-out"}


class MagentoApp:
    """The ASGI application. Requests run one after another, so writes to one order never overlap."""

    def __init__(self, shop: MagentoShop, key: str = "", reset: Callable[[], MagentoShop] | None = None) -> None:
        self.shop, self.key, self.reset = shop, key, reset
        self.faults = Faults(lambda: self.shop.copy())
        self.log: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        path = scope.get("raw_path", scope["path"].encode()).decode("ascii").partition("?")[0]
        body = await request.body()
        if path.startswith("/__sandbox__/"):
            status, value = control(self, path.removeprefix("/__sandbox__/"), request, body)
            await Response(render.to_json(value), status, media_type="application/json")(scope, receive, send)
            return
        rules = self.faults.striking(request.method, path)
        if "latency" in rules:
            await rules["latency"].pass_time()
        status, kind, content = self._respond(request, path, body, rules)
        self._record(request.method, path, str(request.url.query), status, rules)
        if "cut_before" in rules or "cut_after" in rules:
            cut(scope)
            return
        headers = {**_HEADERS, "Content-Type": kind, "Set-Cookie": "PHPSESSID=sandbox; path=/; HttpOnly; SameSite=Lax"}
        if "truncate" in rules:
            await send_half(scope, send, status, headers, content)
            return
        await Response(b"" if request.method == "HEAD" else content, status, headers)(scope, receive, send)

    def _respond(self, request: Request, path: str, body: bytes, rules: dict[str, Rule]) -> tuple[int, str, bytes]:
        if "cut_before" in rules:
            return 0, _JSON, b""
        if "maintenance" in rules:
            return 503, _HTML, MAINTENANCE_PAGE.encode()
        if "status" in rules:
            return _fault(rules["status"].status)
        shop = self.faults.replica(rules["stale"]) if "stale" in rules and request.method == "GET" else None
        sent = request.method, path, request.url.query, dict(request.headers), body
        status, kind, content = self.handle(*sent, shop=shop)
        return _fault(rules["status_after"].status) if "status_after" in rules else (status, kind, content)

    def handle(
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        *,
        shop: MagentoShop | None = None,
    ) -> tuple[int, str, bytes]:
        """Status, content type and body of one call, without HTTP around it. `path` is still percent-encoded.

        `shop` answers instead of the current one: a replica that lags behind.
        """
        shop = shop or self.shop
        accept = headers.get("accept", "*/*")
        if "json" not in accept and "*/*" not in accept and "xml" not in accept:
            return 500, _HTML, _ERROR_PAGE
        try:
            inner = strip_store(shop, path)
            url = f"http://{headers.get('host', '')}{path}"
            caller = authenticate(self.shop.accounts, method, url, query, headers)
            value = answer(shop, caller, Call(method, inner, parse_query(query), headers, body))
            return 200, _JSON, render.to_json(value)
        except Refusal as refusal:
            if "xml" in accept and "json" not in accept:
                return refusal.status, "application/xml; charset=utf-8", _xml(refusal).encode()
            return refusal.status, _JSON, render.to_json(refusal.body())
        except (Crash, InvalidOperation):  # a damaged row, on which PHP would fail
            return 500, _TEXT, _CRASHED.encode()

    def _record(self, method: str, path: str, query: str, status: int, rules: dict[str, Rule]) -> None:
        entry = {"method": method, "path": path, "query": query, "status": status, "at": time.time()}
        self.log.append(entry | {"faults": sorted(rules)})
        self.counts[f"{method} {path}"] += 1
        for rule in rules.values():
            rule.ended += 1


def _fault(status: int) -> tuple[int, str, bytes]:
    if status in _REASONS:
        return status, "text/html", GATEWAY_PAGE.format(title=_REASONS[status]).encode()
    if status == 503:
        return 503, _HTML, MAINTENANCE_PAGE.encode()
    if status == 429:
        return 429, _JSON, b'{"message":"Too Many Requests"}'
    return status, _TEXT, _CRASHED.encode()


def _xml(refusal: Refusal) -> str:
    return f'<?xml version="1.0"?>\n<response>\n  <message>{refusal.message}</message>\n</response>\n'


class RunningSandbox:
    """A shop served from a thread of this process, for tests: `with RunningSandbox(shop) as sandbox: sandbox.url`.

    `token` is a bearer with every right; `app` gives faults and the request log without HTTP.
    """

    def __init__(self, shop: MagentoShop | None = None, *, port: int = 0, key: str = "test") -> None:
        self.shop = shop or MagentoShop()
        self.token = self.shop.accounts.add_integration().access_token
        self.app = MagentoApp(self.shop, key)
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


def serve_in_thread(shop: MagentoShop, port: int = 0) -> tuple[str, Callable[[], None]]:
    """Serve the shop from a thread; returns its URL and the function that stops it."""
    running = RunningSandbox(shop, port=port).start()
    return running.url, running.stop
