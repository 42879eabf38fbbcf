"""What goes wrong on the wire, in every place, for every kind of call to either system: it ends in time, and says what is certain."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from certificates import self_signed
from magento_double import Answer as ShopAnswer
from magento_double import Shop, client_of, ids_of, invoice, quarantined_of, served

from magodoo import errors
from magodoo.connectors import http
from magodoo.connectors.magento import BearerToken, MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection

READ, WRITE, BODY = 0.15, 0.4, 200_000  # seconds, seconds, bytes
DEADLINE = READ * http.PATIENCE
DRIP = 0.03
VERSION = b'{"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Script = Callable[["Wire"], None]


class Wire:
    """One connection to the server: what a fault sends."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self) -> None:
        while True:
            time.sleep(DRIP)
            self.send(b"1")

    def hang(self) -> None:
        self.connection.settimeout(20)
        while self.connection.recv(1000):
            pass

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def whole(status: str, body: bytes = b"", headers: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n".encode()
    return head + headers + b"\r\n" + body


def times(*steps: Callable[[Wire], Any]) -> Script:
    def script(wire: Wire) -> None:
        for step in steps:
            step(wire)

    return script


def sends(data: bytes) -> Callable[[Wire], None]:
    return lambda wire: wire.send(data)


BODY_BEGINS = HEAD + b"Content-Length: 100000\r\n\r\n["
ASK_LATER = b"Retry-After: 3600\r\n"
FAULTS: dict[tuple[str, str], Script] = {
    ("drip", "headers"): times(sends(HEAD + b"X-Slow: "), Wire.drip),
    ("drip", "body"): times(sends(BODY_BEGINS), Wire.drip),
    ("cut", "headers"): times(sends(HEAD), Wire.reset),
    ("cut", "body"): times(sends(BODY_BEGINS), Wire.reset),
    ("hang", "headers"): times(sends(HEAD), Wire.hang),
    ("hang", "body"): times(sends(BODY_BEGINS), Wire.hang),
    ("429", "headers"): sends(whole("429 Busy", headers=ASK_LATER)),
    ("429", "body"): sends(whole("429 Busy", b'{"message": "busy", "name": "busy"}')),
    ("503", "headers"): sends(whole("503 Away", headers=ASK_LATER)),
    ("503", "body"): sends(whole("503 Away", b'{"name": "Away", "message": "away"}')),
    ("truncated", "headers"): sends(HEAD),
    ("truncated", "body"): sends(whole("200 OK", b'[{"id": 1, "na')),
    ("over-long", "headers"): sends(HEAD + b"X-Long: " + b"x" * 100_000 + b"\r\n\r\n[]"),
    ("over-long", "body"): sends(HEAD + b"\r\n[" + b" " * (BODY * 2)),
}
UNREADABLE = {("truncated", "headers"), ("truncated", "body"), ("over-long", "body")}


class Server:
    """Does the same to every request, besides the one for Odoo's version; counts the requests."""

    def __init__(self, script: Script) -> None:
        self.asked: list[str] = []
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            stream = connection.makefile("rb")
            first = stream.readline().decode()
            length = 0
            while (line := stream.readline().lower()) not in (b"\r\n", b""):
                length = int(line.split(b":")[1]) if line.startswith(b"content-length:") else length
            stream.read(length)
            stream.close()
            if "/web/version" in first:
                connection.sendall(whole("200 OK", VERSION, b"Connection: close\r\n"))
                return
            self.asked.append(first)
            self._script(Wire(connection))


@pytest.fixture
def serving() -> Iterator[Callable[[Script], Server]]:
    servers: list[Server] = []

    def start(script: Script) -> Server:
        servers.append(Server(script))
        return servers[-1]

    yield start
    for each in servers:
        each.close()


def magento(
    url: str, attempts: int = 1, sleep: Callable[[float], None] = lambda seconds: None, **options: Any
) -> MagentoClient:
    limits = {"read_timeout": READ, "write_timeout": WRITE, "connect_timeout": 1.0, "largest_body": BODY}
    connection = MagentoConnection(
        base_url=url, auth=BearerToken("t"), attempts=attempts, page_size=2, parallel=3, **(limits | options)
    )
    return MagentoClient(connection, sleep=sleep)


def odoo(url: str, attempts: int = 1) -> OdooClient:
    return OdooClient.connect(
        OdooConnection(
            url, "odoo", "k", 1, attempts=attempts, read_timeout=READ, write_timeout=WRITE, connect_timeout=1.0,
            largest_body=BODY, parallel_reads=3,
        )
    )  # fmt: skip


def parallel_reads(client: OdooClient) -> None:
    client.rpc.in_parallel(
        lambda number: client.rpc.call("res.users", "search", domain=[["id", "=", number]]), range(6)
    )


CALLS_OF: dict[tuple[str, str], Callable[[Any], object]] = {
    ("magento", "read"): lambda client: client.store_views(),
    ("magento", "write"): lambda client: client.comment_order(1, "text"),
    ("magento", "parallel read"): lambda client: list(client.by_ids("invoice", range(1, 13))),
    ("odoo", "read"): lambda client: client.rpc.call("res.users", "search", domain=[]),
    ("odoo", "write"): lambda client: client.rpc.write_call("res.partner", "write", ids=[1], vals={}),
    ("odoo", "parallel read"): parallel_reads,
}
CLIENTS: dict[str, Callable[..., Any]] = {"magento": magento, "odoo": odoo}


def ask(system: str, call: str, url: str) -> None:
    CALLS_OF[system, call](CLIENTS[system](url))


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(("system", "call"), CALLS_OF)
@pytest.mark.parametrize(("fault", "place"), FAULTS)
def test_a_call_ends_in_time_and_says_what_is_certain(
    serving: Callable[[Script], Server], fault: str, place: str, system: str, call: str
) -> None:
    server = serving(FAULTS[fault, place])
    began = time.monotonic()
    with pytest.raises(errors.MagodooError) as caught:
        ask(system, call, server.url)
    took = time.monotonic() - began
    if call == "write":
        assert len(server.asked) == 1
        assert isinstance(caught.value, errors.TransientError if fault == "429" else errors.OutcomeUnknown)
        assert took < WRITE + 1
    else:
        # The server closes after its answer: a request of another thread that is under way then sees a broken connection.
        unreadable = (errors.Unreadable, errors.Unavailable, *([errors.Unreachable] if call == "parallel read" else []))
        expected = unreadable if (fault, place) in UNREADABLE else errors.TransientError
        assert isinstance(caught.value, expected)
        assert (
            took < 4 * DEADLINE + 1
        )  # two rounds of three threads; Magento's client asks once more whether the shop is there
    if fault in ("429", "503") and place == "headers" and not isinstance(caught.value, errors.OutcomeUnknown):
        assert isinstance(caught.value, errors.Away)


# Deadlines


@pytest.mark.parametrize("system", ["magento", "odoo"])
@pytest.mark.parametrize("call", ["read", "write"])
def test_a_handshake_that_drips_ends_at_the_deadline(system: str, call: str) -> None:
    """No TLS socket exists yet that could be closed."""

    class Dripping(Server):
        def answer(self, connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.recv(1000)
                wire = Wire(connection)
                wire.send(b"\x16\x03\x03\x40\x00")  # a record of 16 kB
                wire.drip()

    server = Dripping(lambda wire: None)
    began = time.monotonic()
    with pytest.raises(errors.TransientError):  # of a write, too: nothing of it was sent
        ask(system, call, server.url.replace("http:", "https:"))
    assert time.monotonic() - began < DEADLINE + 1
    server.close()


def test_a_steady_answer_may_take_longer_than_the_pause_between_two_bytes_may(
    serving: Callable[[Script], Server],
) -> None:
    def slowly(wire: Wire) -> None:
        wire.send(HEAD + b"Content-Length: 10\r\n\r\n")
        for byte in b"[       ] ":
            time.sleep(READ / 5)
            wire.send(bytes([byte]))

    assert magento(serving(slowly).url).store_views() == []


def test_no_thread_and_no_socket_is_left_after_a_call(serving: Callable[[Script], Server]) -> None:
    server = serving(sends(whole("200 OK", b"[]", b"Connection: close\r\n")))
    client = magento(server.url)
    descriptors = Path("/proc/self/fd")
    client.store_views()
    time.sleep(0.1)
    before = len(list(descriptors.iterdir())), threading.active_count()
    for _ in range(20):
        client.store_views()
    time.sleep(0.1)
    assert len(list(descriptors.iterdir())) <= before[0] + 2
    assert threading.active_count() <= before[1] + 1


# What may have been sent is never certain


def test_a_write_that_a_proxy_took_and_dropped_is_unknown(serving: Callable[[Script], Server]) -> None:
    """`requests` reports such a connection as a proxy that was not reached."""
    proxy = serving(lambda wire: None)
    client = magento("http://shop.invalid", proxies={"http": proxy.url})
    with pytest.raises(errors.OutcomeUnknown):
        client.comment_order(1, "text")
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("system", ["magento", "odoo"])
def test_a_write_whose_answer_has_an_impossible_length_is_unknown(
    serving: Callable[[Script], Server], system: str
) -> None:
    server = serving(sends(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]"))
    with pytest.raises(errors.OutcomeUnknown):
        ask(system, "write", server.url)


@pytest.mark.parametrize("system", ["magento", "odoo"])
@pytest.mark.parametrize("call", ["read", "write"])
def test_an_untrusted_certificate_is_a_fault_of_the_configuration_and_not_tried_again(
    tmp_path: Path, system: str, call: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    class Untrusted(Server):
        def answer(self, connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                super().answer(context.wrap_socket(connection, server_side=True))

    server = Untrusted(sends(b""))
    url = server.url.replace("http:", "https:")
    shop, books = magento(url, attempts=4), odoo(url, attempts=4)
    with pytest.raises(errors.FixConfiguration, match=r"certificate is not trusted; nothing was sent.* Next: check"):
        CALLS_OF[system, call](shop if system == "magento" else books)
    server.close()
    assert (server.asked, shop.stats.retries, books.stats.retries) == ([], 0, 0)


# Pauses that a system asks for


def script_of(*answers: bytes) -> Script:
    left = list(answers)
    return lambda wire: wire.send(left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_short_retry_after_is_waited_for_before_the_next_call(serving: Callable[[Script], Server], form: str) -> None:
    value = "7" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=50), usegmt=True)
    close = b"Connection: close\r\n"
    busy = whole("429 Busy", headers=close + f"Retry-After: {value}\r\n".encode())
    server = serving(script_of(busy, whole("200 OK", b"[]", close)))
    pauses: list[float] = []
    client = magento(server.url, attempts=2, sleep=pauses.append)
    assert client.store_views() == []
    assert 5 < max(pauses) <= 50


@pytest.mark.parametrize("status", ["429 Busy", "503 Away"])
def test_a_long_retry_after_ends_the_run_and_names_the_time(serving: Callable[[Script], Server], status: str) -> None:
    server = serving(sends(whole(status, headers=b"Connection: close\r\nRetry-After: 3600\r\n")))
    client = magento(server.url, attempts=4)
    with pytest.raises(errors.Away, match=r"away until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: it answered") as caught:
        client.store_views()
    named = datetime.fromisoformat(re.findall(r"until (.*) UTC", str(caught.value))[0]).replace(tzinfo=UTC)
    assert abs((named - datetime.now(UTC)).total_seconds() - 3600) < 60
    with pytest.raises(errors.Away):
        client.comment_order(1, "text")
    assert len(server.asked) == 1


@pytest.mark.parametrize("value", [b"soon", b"-5", b"0", b"Mon, 01 Jan 2001 00:00:00 GMT", b"\xff"])
def test_an_unusable_retry_after_is_ignored(serving: Callable[[Script], Server], value: bytes) -> None:
    server = serving(sends(whole("503 Away", headers=b"Connection: close\r\nRetry-After: " + value + b"\r\n")))
    with pytest.raises(errors.Unavailable):
        magento(server.url, attempts=2).store_views()
    assert len(server.asked) == 2


# A system that fails time after time


@pytest.mark.parametrize("system", ["magento", "odoo"])
def test_after_failures_in_a_row_calls_fail_at_once_until_the_pause_is_over(
    serving: Callable[[Script], Server], system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = b"Connection: close\r\n"
    answers = [whole("503 Away", headers=close)]
    server = serving(lambda wire: wire.send(answers[0]))
    monkeypatch.setattr(http, "PAUSE", 0.3)
    client = CLIENTS[system](server.url)

    def read() -> object:
        return CALLS_OF[system, "read"](client)

    def write() -> object:
        return CALLS_OF[system, "write"](client)

    for number in range(http.FAILURES_IN_A_ROW):
        with pytest.raises(errors.OutcomeUnknown if number % 2 else errors.Unavailable):
            write() if number % 2 else read()
    for call in (read, write):
        with pytest.raises(errors.Away, match="8 calls in a row failed"):
            call()
    assert len(server.asked) == http.FAILURES_IN_A_ROW
    time.sleep(0.3)
    answers[0] = whole("200 OK", b"[]", close)
    assert read() == []
    answers[0] = whole("503 Away", headers=close)
    with pytest.raises(errors.Unavailable):  # it is counted from the beginning
        read()


def test_a_shop_that_fails_on_large_pages_only_is_not_taken_for_one_that_is_away() -> None:
    with served(Shop({"order": [], "invoice": [invoice(n, "2026-11-22 09:00:00") for n in range(1, 41)]})) as shop:

        def busy(asked: Any) -> ShopAnswer:
            asked_for = int(asked.parameters["searchCriteria[pageSize]"])
            return ShopAnswer(504) if asked_for > 2 and "eq" not in asked.query else listed(asked)

        listed = shop.answer
        shop.answer = busy  # type: ignore[method-assign]
        assert len(ids_of(client_of(shop, page_size=100, attempts=4).changed("invoice", None))) == 40  # fmt: skip


# What an answer says


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"{", b'{"name": "builtins.ValueError", "message": "x"}'])
@pytest.mark.parametrize("system", ["magento", "odoo"])
def test_the_status_is_looked_at_before_the_body(
    serving: Callable[[Script], Server], system: str, status: int, body: bytes
) -> None:
    server = serving(sends(whole(f"{status} x", body)))
    with pytest.raises(errors.Unavailable):
        ask(system, "read", server.url)
    with pytest.raises(errors.Unavailable if status == 429 else errors.OutcomeUnknown):
        ask(system, "write", server.url)


def test_a_document_with_a_key_that_is_there_twice_is_quarantined_and_the_others_are_read() -> None:
    with served(Shop({"invoice": [invoice(n, f"2026-11-22 09:00:0{n}") for n in range(1, 6)]})) as shop:

        def twice(asked: Any) -> ShopAnswer:
            answer = listed(asked)
            answer.body = re.sub(rb'"entity_id":3,', b'"entity_id":3,"grand_total":1,"grand_total":2,', answer.body)
            return answer

        listed = shop.answer
        shop.answer = twice  # type: ignore[method-assign]
        pages = list(client_of(shop).changed("invoice", None))
    assert ids_of(pages) == [1, 2, 4, 5]
    (bad,) = quarantined_of(pages)
    assert bad.source_id == 3
    assert "is there twice" in bad.reason


def test_odoo_s_answer_with_a_key_that_is_there_twice_is_unreadable(serving: Callable[[Script], Server]) -> None:
    server = serving(sends(whole("200 OK", json.dumps([1])[:-1].encode() + b', {"id": 1, "id": 2}]')))
    with pytest.raises(errors.Unreadable, match="the key 'id' is there twice"):
        ask("odoo", "read", server.url)
