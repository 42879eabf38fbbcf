"""A reverse proxy as small as one can be: it passes every request on as it is, and says who asked."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "date", "server"}


@contextmanager
def serving(port: int) -> Iterator[str]:
    """The address of a proxy before 127.0.0.1:`port`; the path is kept, as in Airflow's own example for nginx."""

    class Proxy(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            inner = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            forwarded = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}
            try:
                inner.request(self.command, self.path, body, {**kept, **forwarded})
                answer = inner.getresponse()
                content = answer.read()
            except OSError as problem:  # what is behind is not up
                self.send_error(502, str(problem))
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", f"{len(content)}")
            self.end_headers()
            self.wfile.write(content)
            inner.close()

        do_GET = do_POST = do_PATCH = do_HEAD = _pass_on

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def wait(url: str, seconds: float) -> None:
    """Until an address answers with 200. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    session = requests.Session()
    session.trust_env = False
    while time.monotonic() < deadline:
        try:
            if session.get(url, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            pass  # not up yet
        time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer")
