"""An HTTP server that answers with what a test says: the answers and the accidents that Odoo's clients meet."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

VERSION = {"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]}


@dataclass
class Answer:
    """One answer; `cut` bytes of the body are kept back before the connection is closed, `silent` closes it at once."""

    body: Any = None
    status: int = 200
    media: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: int = 0
    silent: bool = False

    def text(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (
            self.body.encode()
            if isinstance(self.body, str) and "html" in self.media
            else json.dumps(self.body).encode()
        )


@dataclass
class Asked:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: Any


Script = Callable[[Asked], Answer]


class OdooDouble:
    """Answers `answers` in turn, then the last one again; a version request is answered by itself."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Answer | Script] = []
        self.version: Answer = Answer(VERSION)
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.reply(double.version)

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.path, dict(self.headers), json.loads(text))
                double.asked.append(asked)
                step = double.answers.pop(0) if len(double.answers) > 1 else double.answers[0]
                self.reply(step if isinstance(step, Answer) else step(asked))

            def reply(self, answer: Answer) -> None:
                time.sleep(answer.delay)
                self.close_connection = True
                if answer.silent:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                text = answer.text()
                self.send_response(answer.status)
                for name, value in {"Content-Type": answer.media, "Connection": "close", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text[: len(text) - answer.cut])

            def log_message(self, *_: object) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
