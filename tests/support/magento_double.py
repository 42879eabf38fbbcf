"""A tiny Magento for tests of the client: recorded documents behind the measured list rules, and faults on demand."""

from __future__ import annotations

import copy
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.money import dump_json

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings" / "magento-client"
DOCUMENTS: dict[str, Any] = json.loads((RECORDINGS / "documents.json").read_text(), parse_float=Decimal)
REPLIES: dict[str, Any] = json.loads((RECORDINGS / "replies.json").read_text())
ROUTES = {"orders": "order", "invoices": "invoice", "shipments": "shipment", "creditmemos": "credit_memo"}
JSON = "application/json; charset=utf-8"


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # the connection ends after half of the body
    drop: bool = False  # the connection ends without an answer
    delay: float = 0.0


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))


def recorded(name: str) -> Answer:
    reply = REPLIES[name]
    return Answer(reply["status"], reply["body"].encode(), reply["content_type"])


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, dump_json(value).encode())


class Shop:
    """Rows per list, and what goes wrong: `faults` are answered first, one per request; `poison` breaks its page."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]] | None = None) -> None:
        self.rows = rows if rows is not None else {kind: copy.deepcopy(DOCUMENTS[kind]) for kind in ROUTES.values()}
        self.faults: list[Answer | None] = []
        self.poison: dict[int, Answer] = {}
        self.most_rows: int | None = None
        self.caps_at: int | None = None
        self.hidden: set[int] = set()
        self.sent_as: Callable[[dict[str, Any]], Any] = lambda row: row
        self.on_list: Callable[[Asked], None] = lambda asked: None
        self.writes: Callable[[Asked], Answer] = lambda asked: json_answer("51")
        self.asked: list[Asked] = []
        self.url = ""

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        fault = self.faults.pop(0) if self.faults else None
        if fault:
            return fault
        if asked.method != "GET":
            return self.writes(asked)
        kind = ROUTES.get(asked.path.rsplit("/V1/", 1)[-1])
        if kind is None:
            return recorded("write_B_unknown_route")
        self.on_list(asked)
        return self.list(self.rows[kind], asked.parameters)

    def list(self, rows: list[dict[str, Any]], parameters: dict[str, str]) -> Answer:
        size, page = int(parameters["searchCriteria[pageSize]"]), int(parameters["searchCriteria[currentPage]"])
        if self.most_rows and size > self.most_rows:
            limit = {"message": "Maximum SearchCriteria pageSize is %max", "parameters": {"max": self.most_rows}}
            return json_answer(limit, 400)
        size = min(size, self.caps_at or size)
        for number in range(10):
            place = f"searchCriteria[filter_groups][{number}][filters][0]"
            if f"{place}[field]" not in parameters:
                break
            name, value = parameters[f"{place}[field]"], parameters[f"{place}[value]"]
            if not any(name in row for row in rows) and rows and name not in ("store_id", "entity_id"):
                return recorded("get_filter_unknown_field")
            rows = [row for row in rows if holds(row.get(name), parameters[f"{place}[condition_type]"], value)]
        for number in reversed(range(2)):
            name = parameters.get(f"searchCriteria[sortOrders][{number}][field]")
            if name:
                rows = sorted(rows, key=lambda row, name=name: row[name])
        shown = rows[(page - 1) * size : page * size]
        for row in shown:
            if row["entity_id"] in self.poison:
                return self.poison[row["entity_id"]]
        sent = [self.sent_as(copy.deepcopy(row)) for row in shown if row["entity_id"] not in self.hidden]
        if parameters.get("fields", "").startswith("items[entity_id]"):
            sent = [{"entity_id": row["entity_id"]} for row in shown] or None
        return json_answer({"items": sent, "search_criteria": {}, "total_count": len(rows)})


def holds(actual: Any, condition: str, wanted: str) -> bool:
    if actual is None:
        return False
    if condition == "in":
        return str(actual) in wanted.split(",")
    value: Any = int(wanted) if isinstance(actual, int) else wanted
    return {
        "eq": actual == value,
        "gt": actual > value,
        "gteq": actual >= value,
        "lt": actual < value,
        "lteq": actual <= value,
    }[condition]


def invoice(number: int, updated_at: str, **changes: Any) -> dict[str, Any]:
    """A sound invoice with this id and stamp."""
    row = copy.deepcopy(DOCUMENTS["invoice"][0])
    return row | {"entity_id": number, "increment_id": f"{number:09}", "updated_at": updated_at} | changes


@contextmanager
def served(shop: Shop) -> Iterator[Shop]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            body = json.loads(content) if content else None
            answer = shop.answer(Asked(self.command, parts.path, parts.query, dict(self.headers), body))
            time.sleep(answer.delay)
            if answer.drop:
                self.close_connection = True
                return
            self.send_response(answer.status)
            headers = {"Content-Type": answer.content_type, "Set-Cookie": "PHPSESSID=abc; path=/"} | answer.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
            self.close_connection = self.close_connection or answer.cut

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            return

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()


def client_of(shop: Shop, **changes: Any) -> MagentoClient:
    """A client that does not really wait between repetitions."""
    settings: dict[str, Any] = {
        "base_url": shop.url,
        "auth": BearerToken("secret-token-1"),
        "read_timeout": 5.0,
    } | changes
    return MagentoClient(MagentoConnection(**settings), sleep=lambda seconds: None)


def ids_of(pages: Any) -> list[int]:
    return [row["entity_id"] for page in pages for row in page.rows]


def quarantined_of(pages: Any) -> list[Any]:
    return [entry for page in pages for entry in page.quarantined]


def without_host(text: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", "shop", text)
