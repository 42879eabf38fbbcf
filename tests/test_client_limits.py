"""What both clients spare the systems: few calls at a time, connections used again, pauses that grow and differ."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity.nap

from magodoo.connectors.magento import MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import MagodooError

AT_A_TIME = 3
VERSION = {"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]}
Client = Callable[["Server"], None]


class Server:
    """Answers everything with the same status, keeps its connections open, and counts what is under way."""

    def __init__(self, status: int = 200) -> None:
        self.calls = self.now = self.most = self.connections = 0
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                with lock:
                    outer.connections += 1

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                is_version = self.path.endswith("/web/version")
                with lock:
                    outer.calls += not is_version
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                time.sleep(0.1)
                with lock:
                    outer.now -= 1
                empty = {"items": [], "total_count": 0} if "/rest/" in self.path else []
                body = json.dumps(VERSION if is_version else empty if status == 200 else {"message": "away"}).encode()
                self.send_response(200 if is_version else status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def server(**options: Any) -> Server:
        made.append(Server(**options))
        return made[-1]

    yield server
    for one in made:
        one.http.shutdown()
        one.http.server_close()


def many_of_magento(server: Server) -> None:
    connection = {"base_url": server.url, "token": "t", "page_size": 2, "parallel": AT_A_TIME, "attempts": 1}
    list(MagentoClient(MagentoConnection.from_mapping(connection)).by_ids("invoice", list(range(1, 41))))


def many_of_odoo(server: Server) -> None:
    client = OdooClient.connect(OdooConnection(server.url, "odoo", "k", 1, parallel_reads=AT_A_TIME, attempts=1))
    client.rpc.in_parallel(
        lambda number: client.rpc.call("res.users", "search", domain=[["id", "=", number]]), range(20)
    )


@pytest.mark.parametrize("many", [many_of_magento, many_of_odoo])
def test_concurrent_calls_never_exceed_the_limit_of_the_connection(many: Client, serve: Callable[..., Server]) -> None:
    server = serve()
    many(server)
    assert server.calls >= 20
    assert 1 < server.most <= AT_A_TIME


@pytest.mark.parametrize("many", [many_of_magento, many_of_odoo])
def test_connections_are_reused(many: Client, serve: Callable[..., Server]) -> None:
    server = serve()
    many(server)
    assert server.connections <= AT_A_TIME + 1  # one more: the version is asked before the others begin


def patience_of_magento(server: Server) -> list[float]:
    pauses: list[float] = []
    connection = MagentoConnection.from_mapping(
        {"base_url": server.url, "token": "t", "attempts": 5, "longest_wait": 60}
    )
    with pytest.raises(MagodooError):
        MagentoClient(connection, sleep=pauses.append).store_views()
    return pauses


def patience_of_odoo(server: Server) -> list[float]:
    pauses: list[float] = []
    client = OdooClient.connect(OdooConnection(server.url, "odoo", "k", 1, attempts=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=pauses.append))
        with pytest.raises(MagodooError):
            client.rpc.call("res.users", "search", domain=[])
    return pauses


@pytest.mark.parametrize("patience", [patience_of_magento, patience_of_odoo])
def test_retry_pauses_grow_and_differ_between_clients(
    patience: Callable[[Server], list[float]], serve: Callable[..., Server]
) -> None:
    server = serve(status=503)
    several = [patience(server) for _ in range(8)]
    assert {len(pauses) for pauses in several} == {4}
    assert len({tuple(pauses) for pauses in several}) == len(several)
    on_average = [sum(each) / len(several) for each in zip(*several, strict=True)]
    assert on_average[-1] > on_average[0]
    assert all(0 <= pause <= 2 ** (number + 1) for pauses in several for number, pause in enumerate(pauses))
    assert any(earlier < later for pauses in several for earlier, later in pairwise(pauses))
