"""A server that gives what another one gave before, at hardly any cost: what is measured is then who reads, not the sandbox.

`python -m bench.recorded PORT URL`: an answer that is not known yet is fetched from URL and kept in memory, whatever the login.
Every request may be answered later than it could be, as a real Magento takes its time: `PUT /__pace__` with `{"orders": 1.0, ...}`
(seconds by the last part of the path; empty: at once).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from bench.contest import CHECKOUT

# Seconds per page of 100 rows of a Magento 2.4.7 on two cores, one reader: docs/facts/magento-2.4.7-more.md#8.
MAGENTO_PACE = {"orders": 0.9, "invoices": 0.13, "shipments": 0.12, "creditmemos": 0.14}


class Recorded:
    """The answers by path and query, and how long each list takes."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._answers: dict[str, bytes] = {}
        self._pace: dict[str, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self._answer(head.decode("latin-1"), reader))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the reader has gone
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader) -> bytes:
        request, *rest = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = request.split(" ")
        if method == "PUT":
            self._pace = json.loads(body)
            return _framed(b"{}")
        await asyncio.sleep(self._pace.get(urlsplit(target).path.rpartition("/")[2], 0))
        if target not in self._answers:
            self._answers[target] = _framed(await asyncio.to_thread(self._fetch, target, headers["authorization"]))
        return self._answers[target]

    def _fetch(self, target: str, authorization: str) -> bytes:
        asked = urllib.request.Request(f"{self._source}{target}", headers={"Authorization": authorization})  # noqa: S310
        with urllib.request.urlopen(asked, timeout=600) as answer:  # noqa: S310
            found: bytes = answer.read()
        return found


def _framed(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@contextmanager
def recorded(source: str) -> Iterator[str]:
    """Yield the URL of such a server in a process of its own."""
    from magodoo_sandbox.serving import free_port

    port = free_port()
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "bench.recorded", str(port), source], cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None and server.stdout.readline(), "it says when it is ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def pace(url: str, seconds: Mapping[str, float]) -> None:
    """Make the server as slow as this from now on."""
    body = json.dumps(seconds).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/__pace__", body, method="PUT"), timeout=60):  # noqa: S310
        pass


async def _main(port: int, source: str) -> None:
    async with await asyncio.start_server(Recorded(source).serve, "127.0.0.1", port, limit=2**20) as server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
