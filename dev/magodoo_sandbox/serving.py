"""Serving an ASGI application with uvicorn, here or in a thread, with connections that a fault can cut."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import threading
import time
from typing import Any

import uvicorn
from starlette.types import Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_transports: dict[Any, asyncio.Transport] = {}  # by client and server address


def secret(name: str) -> str:
    """Return the variable MAGODOO_SANDBOX_<name> of the environment; ends the program with a message when it is not set."""
    variable = f"MAGODOO_SANDBOX_{name}"
    if not os.environ.get(variable):
        raise SystemExit(f"set the variable {variable}: see the text at the top of this program's __main__.py")
    return os.environ[variable]


class CuttableProtocol(H11Protocol):
    """uvicorn's own protocol, remembering each client's connection so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _transports[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


def cut(scope: Scope) -> None:
    """Close the connection of a request at once, without an answer."""
    transport = _transports.get((scope["client"], scope["server"]))
    if transport is not None:
        transport.abort()


async def send_half(scope: Scope, send: Send, status: int, headers: dict[str, str], content: bytes) -> None:
    """Announces the whole content, sends its first half, and closes the connection."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
    transport = _transports.get((scope["client"], scope["server"]))
    if transport is not None:
        transport.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def uvicorn_server(app: Any, host: str, port: int) -> uvicorn.Server:
    return uvicorn.Server(_configuration(app, host, port))


def _configuration(app: Any, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=CuttableProtocol,
        loop="asyncio",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,  # nginx's default: a stopped client finds its connection still open
    )


class _PromptServer(uvicorn.Server):
    """A server that ends when it is asked to. uvicorn's looks every 0.1 s, and then sleeps for 0.1 s: in tests, which start thousands, minutes."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Tell the server from another thread to end; requests that it works on are answered first."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        ticks = itertools.cycle(range(10))
        while not await self.on_tick(next(ticks)):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(0.002)


class Served:
    """An application served from a thread of this process: `with Served(app) as served: served.url`."""

    def __init__(self, app: Any, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = _PromptServer(_configuration(app, "127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.end()
        self._thread.join(timeout=10)
