"""Addresses that no document, list or file can have are refused before anything is looked up: neither the database nor the file system takes them.

Plain ASGI, as in `security_headers.py`.
"""

from __future__ import annotations

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from magodoo_airflow.pages.rendering import problem

LONGEST_PART, LONGEST_PATH = 255, 2000  # bytes of a path and of one part of it, as file systems count: no key is longer


class ReadableAddress:
    """Answer 400 for a NUL or a lone surrogate in path or query, 404 for a name that is too long."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        refused = _refusal(Request(scope)) if scope["type"] == "http" else None
        if refused is None:
            await self.app(scope, receive, send)
            return
        answer = problem(Request(scope), *refused)
        await answer(scope, receive, send)


def _refusal(request: Request) -> tuple[int, str] | None:
    path, values = request.scope["path"], [text for pair in request.query_params.multi_items() for text in pair]
    if any("\0" in text or not _is_storable(text) for text in (path, *values)):
        return 400, "The address of this page is damaged: it holds a character that no text may hold."
    if len(path.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_PART for part in path.split("/")):
        return 404, "There is no such page: a part of the address is longer than any name."
    return None


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
