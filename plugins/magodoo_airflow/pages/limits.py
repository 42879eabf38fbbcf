"""How much of the api-server the pages may take: what comes beyond it is answered with 503 and Retry-After at once.

The process also serves Airflow's own interface and, unless it has a server of its own, the execution API of the tasks. All of them
share 40 threads and the connections to Airflow's database, so pages that wait for each other would keep the tasks waiting.
"""

from __future__ import annotations

from threading import BoundedSemaphore

import anyio
from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from magodoo_airflow.pages.rendering import problem

PAGES = 8  # at once, in each process of the api-server
EXPORTS = 2  # files being made at once
DOWNLOADS = 10  # files being sent at once
LARGEST_FORM = 256 * 1024
SLOWEST_FORM = 20  # seconds until the whole form has arrived
PAGE_AGAIN, EXPORT_AGAIN = 2, 30  # seconds, for Retry-After


class Busy(HTTPException):
    """Raised when no further export is taken; answered with 503 and Retry-After."""

    def __init__(self, why: str, seconds: int) -> None:
        super().__init__(503, f"{why} Try again in {seconds} seconds.", {"Retry-After": str(seconds)})


class PageLimit:
    """Serve at most PAGES requests at once. A request counts from its last byte until its response begins.

    So neither a form that arrives slowly nor a reader who takes the response slowly keeps others out. Styles and icons are not counted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.places = BoundedSemaphore(PAGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        if scope["type"] != "http" or "/static/" in scope["path"]:
            await self.app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            form = await _whole(receive)
            if isinstance(form, int):
                refused = problem(Request(scope), form, "The form is too large, or took too long to arrive.")
                await refused(scope, receive, send)
                return
            receive = _again(form, receive)
        if not self.places.acquire(blocking=False):
            busy = Busy(f"{PAGES} pages are being made at once already.", PAGE_AGAIN)
            refused = problem(Request(scope), busy.status_code, busy.detail, busy.headers)
            await refused(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        counted = True

        def leave() -> None:
            nonlocal counted
            if counted:
                counted = False
                self.places.release()

        async def sent(message: Message) -> None:
            leave()
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            leave()


async def _whole(receive: Receive) -> bytes | int:
    """Return the body of the request; for one that is too large or too slow, the status to refuse it with."""
    body = bytearray()
    with anyio.move_on_after(SLOWEST_FORM):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            if len(body) > LARGEST_FORM:
                return 413
            if not message.get("more_body", False):
                return bytes(body)
    return 408


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once, and then what the server has to say."""
    given = False

    async def next_message() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message
