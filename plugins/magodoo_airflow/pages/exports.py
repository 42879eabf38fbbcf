"""Files to download: made whole in a temporary file, in one transaction that has ended before the first byte is sent.

A reader who takes the file slowly keeps a file, no connection and no thread. The length is sent first, so that a browser notices a
file that breaks off.
"""

from __future__ import annotations

import logging
import tempfile
import weakref
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import BoundedSemaphore
from typing import BinaryIO, cast

import anyio
from fastapi import HTTPException
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from magodoo_airflow.pages.limits import DOWNLOADS, EXPORT_AGAIN, EXPORTS, Busy

CSV = "text/csv; charset=utf-8"
CHUNK = 64 * 1024
IN_MEMORY = 1024 * 1024  # bytes; larger files are on disk
STALLED = 60  # seconds without taking a chunk, until the download is ended
LONGEST_DOWNLOAD = 1800  # seconds

_log = logging.getLogger(__name__)
_making = BoundedSemaphore(EXPORTS)
_sending = BoundedSemaphore(DOWNLOADS)


def download(parts: Generator[bytes, None, None], media_type: str, name: str) -> Response:
    """Return the response that sends these parts as one file.

    Raises:
        Busy: when so many files are being made or sent that no further one is taken; at once.
    """
    with ExitStack() as stack:
        stack.enter_context(closing(parts))
        stack.enter_context(_place(_sending, "So many files are being downloaded that no further one is made."))
        file = cast("BinaryIO", stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY)))
        try:
            with _place(_making, "So many files are being made that no further one is begun."):
                for part in parts:
                    file.write(part)
        except OSError as full:
            _log.exception("an export could not be written to %s", tempfile.gettempdir())
            raise HTTPException(507, f"The api-server has no room for this file ({full.strerror}).") from full
        return _Download(file, media_type, name, stack.pop_all())


@contextmanager
def _place(places: BoundedSemaphore, none: str) -> Iterator[None]:
    if not places.acquire(blocking=False):
        raise Busy(none, EXPORT_AGAIN)
    try:
        yield
    finally:
        places.release()


class _Download(Response):
    """Sends a file that was made, once; a reader who stalls is disconnected. `held` is closed when it ends, or is never sent."""

    def __init__(self, file: BinaryIO, media_type: str, name: str, held: ExitStack) -> None:
        super().__init__(media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
        self.file = file
        self.headers["Content-Length"] = str(file.tell())
        self.end = weakref.finalize(self, held.close)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file. Raises TimeoutError for a reader who is too slow, which makes the server close the connection."""
        try:
            self.file.seek(0)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            with anyio.fail_after(LONGEST_DOWNLOAD):
                while part := await run_in_threadpool(self.file.read, CHUNK):
                    with anyio.fail_after(STALLED):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.end()
