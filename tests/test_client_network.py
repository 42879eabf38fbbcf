"""What both clients keep on the wire: proxies are used, certificates are checked, an endless page is cut off unread."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from magodoo import errors
from magodoo.connectors.magento import MagentoClient, MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection

MEGABYTE = 1024 * 1024
VERSION = b'{"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]}'


def ask_magento(url: str, ca: str = "") -> None:
    connection = {"base_url": url, "token": "secret-token-1", "attempts": 1, **({"verify": ca} if ca else {})}
    MagentoClient(MagentoConnection.from_mapping(connection)).store_views()


def ask_odoo(url: str, ca: str = "") -> None:
    connection = OdooConnection(url, "odoo", "secret-key-1", 1, attempts=1, ca_bundle=ca)
    OdooClient.connect(connection).rpc.call("res.users", "search", domain=[])


CLIENTS = pytest.mark.parametrize("ask", [ask_magento, ask_odoo])
Ask = Callable[..., None]


class Server:
    """Answers every request alike and remembers whom it was asked for; as a proxy it is asked for whole addresses."""

    def __init__(self, body: bytes = b"[]", megabytes: int = 0) -> None:
        self.asked: list[str] = []
        self.agents: list[str] = []
        self.sent = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append(self.path)
                outer.agents.append(self.headers["User-Agent"])
                is_version = self.path.endswith("/web/version")
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(VERSION if is_version else body)
                for _ in range(0 if is_version else megabytes):
                    self.wfile.write(b"x" * MEGABYTE)
                    outer.sent += MEGABYTE

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                """Silent."""

            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, ssl.SSLError):
                    self.close_connection = True

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    @contextmanager
    def serving(self, scheme: str = "http") -> Iterator[str]:
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"{scheme}://127.0.0.1:{self.http.server_port}"
        finally:
            self.http.shutdown()
            self.http.server_close()


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@CLIENTS
def test_the_proxy_of_the_environment_is_used(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Server()
    with proxy.serving() as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        ask("http://system.invalid")
    assert proxy.asked
    assert all(address.startswith("http://system.invalid/") for address in proxy.asked)
    assert all(agent.startswith("magodoo/") for agent in proxy.agents)


@CLIENTS
def test_a_host_excluded_from_the_proxy_is_contacted_directly(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    server, proxy = Server(), Server()
    with server.serving() as url, proxy.serving() as other:
        monkeypatch.setenv("HTTP_PROXY", other)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        ask(url)
    assert server.asked
    assert proxy.asked == []


def test_the_proxy_of_a_magento_connection_is_used() -> None:
    proxy = Server()
    with proxy.serving() as url:
        connection = MagentoConnection.from_mapping(
            {"base_url": "http://shop.invalid", "token": "secret-token-1", "proxies": {"http": url}}
        )
        MagentoClient(connection).store_views()
    assert [address.split("?")[0] for address in proxy.asked] == ["http://shop.invalid/rest/V1/store/storeViews"]


@CLIENTS
def test_an_untrusted_certificate_is_refused(ask: Ask, tmp_path: Path) -> None:
    server, authority = Server(), certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    with server.serving("https") as url:
        with pytest.raises(errors.MagodooError) as refused:
            ask(url)
        assert server.asked == [], "nothing is said to a server that may be another"
        assert "secret" not in str(refused.value)
        ask(url, str(authority))
    assert server.asked


@CLIENTS
def test_a_page_of_100_mb_is_cut_off_at_the_limit(ask: Ask) -> None:
    server = Server(b"[" + b" ", megabytes=100)
    with server.serving() as url, pytest.raises(errors.MagodooError):
        ask(url)
    assert 60 * MEGABYTE < server.sent < 80 * MEGABYTE, "the limit is 64 MB; the rest is never taken from the wire"


def certified(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "authority.pem"
    plain = serialization.NoEncryption()
    encoding = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(encoding)
    )
    return file
