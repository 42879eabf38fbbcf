"""The client of Airflow's REST API beside a server that answers late."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from magodoo.errors import Unavailable
from magodoo.stack import airflow


class Late(BaseHTTPRequestHandler):
    """Gives a login at once, and its first answer to anything else too late."""

    heard: list[str]

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b'{"access_token": "t"}'
        if self.path != "/auth/token":
            self.heard.append(self.command)
            time.sleep(0.6 if len(self.heard) == 1 else 0)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client does not wait any longer
            self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    monkeypatch.setattr(Late, "heard", [], raising=False)
    monkeypatch.setattr(airflow, "PATIENCE", 0.3)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Late)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_what_only_asks_is_asked_again(late: ThreadingHTTPServer) -> None:
    api = airflow.Api(f"http://127.0.0.1:{late.server_port}", "admin", "secret")
    assert api.call("GET", "dags") == {"access_token": "t"}
    assert Late.heard == ["GET", "GET"]


def test_what_changes_something_is_said_once(late: ThreadingHTTPServer) -> None:
    api = airflow.Api(f"http://127.0.0.1:{late.server_port}", "admin", "secret")
    with pytest.raises(Unavailable):
        api.call("POST", "dags/x/dagRuns", json={})
    assert Late.heard == ["POST"]
