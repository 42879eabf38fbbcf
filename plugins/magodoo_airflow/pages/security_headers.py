"""The security headers of every response: only the app's own styles and scripts run, only Airflow may frame the pages, nothing is cached.

Plain ASGI: Starlette's `BaseHTTPMiddleware` would go on waiting for a reader whose download was given up.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """Give each request a nonce for its scripts, `request.state.nonce`, and its response the headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope["state"] = {**scope.get("state", {}), "nonce": nonce}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), nonce, scope["path"])
            await send(message)

        await self.app(scope, receive, with_headers)


def _add(headers: MutableHeaders, nonce: str, path: str) -> None:
    headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'self'; script-src 'nonce-{nonce}'; img-src 'self' data:; font-src 'self';"
        " form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cache-Control"] = "no-cache" if "/static/" in path else "no-store"
