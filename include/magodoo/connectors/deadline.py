"""A deadline over a whole exchange: connecting, headers and body. When it passes, the socket is shut down, whichever thread waits for it.

A socket's own timeout counts from byte to byte, so an answer that drips never reaches it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_current = threading.local()


class Watch:
    """One exchange of this thread, as a context manager. Afterwards `expired` and `has_sent` say how it went.

    `has_sent` is whether a byte of the request may have left: what a proxy did with it does not matter. `before_sending` is called
    when the connection is there and the first byte is next; what it raises ends the exchange.
    """

    def __init__(self, seconds: float, before_sending: Callable[[], None] = lambda: None) -> None:
        self.expired = self.has_sent = False
        self.before_sending = before_sending
        self._ends_at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _current.watch = self
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.watch = None
        self._timer.cancel()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets = []

    def remaining(self) -> float:
        """Return the seconds that are left, at least a thousandth: a socket takes 0 for "never wait"."""
        return max(0.001, self._ends_at - time.monotonic())

    def follow(self, connection: socket.socket) -> None:
        """Include a socket. A duplicate is kept: TLS takes the original over, and a closed one's number may be used again."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))
            if self.expired:
                self._shut()

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            self._shut()

    def _shut(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):  # the other side was faster
                each.shutdown(socket.SHUT_RDWR)


def watch_connections(adapter: HTTPAdapter) -> None:
    """Let the deadlines reach all connections of an adapter, through proxies too."""
    _watch_pools(adapter.poolmanager)
    proxied = adapter.proxy_manager_for

    def proxy_manager_for(proxy: str, **options: Any) -> PoolManager:
        manager: PoolManager = proxied(proxy, **options)
        _watch_pools(manager)
        return manager

    adapter.proxy_manager_for = proxy_manager_for  # type: ignore[method-assign]


def _watch_pools(manager: PoolManager) -> None:
    if manager.pool_classes_by_scheme is not _POOLS:
        manager.pool_classes_by_scheme = _POOLS  # type: ignore[assignment]


class _Watched(HTTPConnection):
    """A connection that reports its sockets, and that it sends a request, to the watch of its thread."""

    _is_request = False

    def _new_conn(self) -> socket.socket:
        watch: Watch | None = getattr(_current, "watch", None)
        if watch and isinstance(self.timeout, int | float):
            self.timeout = min(self.timeout, watch.remaining())
        connection = super()._new_conn()
        if watch:
            watch.follow(connection)
        return connection

    def request(self, *arguments: Any, **options: Any) -> None:
        """Send a request."""
        watch: Watch | None = getattr(_current, "watch", None)
        if watch and self.sock is not None:
            watch.follow(self.sock)
        self._is_request = True
        try:
            super().request(*arguments, **options)
        finally:
            self._is_request = False

    def send(self, data: Any) -> None:
        """Send bytes: of a request, or of a tunnel through a proxy."""
        if self._is_request:
            if self.sock is None:
                self.connect()
            watch: Watch | None = getattr(_current, "watch", None)
            if watch and not watch.has_sent:
                watch.before_sending()
                watch.has_sent = True
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same with TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


_POOLS: Mapping[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}
