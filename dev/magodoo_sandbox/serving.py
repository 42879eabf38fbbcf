"""Serving an ASGI application with uvicorn, here or in a thread, with connections that a fault can cut."""

from __future__ import annotations

import asyncio
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
    """Closes the connection of a request at once, without an answer."""
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
    config = uvicorn.Config(
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
    return uvicorn.Server(config)


class Served:
    """An application served from a thread of this process: `with Served(app) as served: served.url`."""

    def __init__(self, app: Any, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn_server(app, "127.0.0.1", self.port)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
