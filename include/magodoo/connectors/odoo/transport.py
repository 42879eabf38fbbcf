"""The two protocols of Odoo behind one interface: JSON-2 (19 and later) and JSON-RPC (18 and earlier). Discovered automatically.

A transport sends one call and returns its plain result; it retries nothing. Every failure is an error of `magodoo.errors`: for a call that
may write, a broken answer is OutcomeUnknown, and what was certainly not done is Unreachable or Unavailable.
"""

from __future__ import annotations

import itertools
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.refusals import refusal, unclassified
from magodoo.connectors.odoo.versions import OF_RECORDS, POSITIONAL, Version
from magodoo.errors import (
    FixConfiguration,
    MagodooError,
    OutcomeUnknown,
    Unauthorized,
    Unavailable,
    Unreachable,
    Unreadable,
)
from magodoo.money import dump_json, parse_json

LARGEST_ANSWER = 64 * 1024 * 1024
"""Maximum bytes of an answer; pages are far smaller (500 invoices with lines: 1 MB)."""

_CHUNK = 256 * 1024
_POOL = 8


class Transport(Protocol):
    """Calls to one Odoo database. `name` is "JSON-2" or "JSON-RPC"."""

    name: str
    version: Version

    def call(
        self,
        model: str,
        method: str,
        ids: list[int] | None,
        context: dict[str, Any],
        arguments: dict[str, Any],
        *,
        write: bool,
    ) -> Any:
        """Return the method's result as plain values, fractions as Decimal; None where Odoo returns nothing."""
        ...


class Wire:
    """The HTTP layer of both transports: one pooled session, limits, and errors of broken exchanges."""

    def __init__(self, connection: OdooConnection) -> None:
        self._connection = connection
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"magodoo/{_version_of_magodoo()}"
        self._session.headers["Content-Type"] = "application/json"
        # The key is the only credential: neither ~/.netrc nor a cookie of another database may replace it.
        self._session.auth = _as_it_is
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        if connection.ca_bundle:
            self._session.verify = connection.ca_bundle
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=max(_POOL, connection.parallel_reads), max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def exchange(
        self, verb: str, path: str, body: Any, *, headers: dict[str, str] | None = None, call: str, write: bool
    ) -> tuple[int, str, bytes]:
        """Return (status, media type, body) of one exchange. Redirects are refused: they would carry the key to another address."""
        limit = self._connection.write_timeout if write else self._connection.read_timeout
        try:
            with self._session.request(
                verb,
                self._connection.url + path,
                data=None if body is None else dump_json(body).encode(),
                headers=headers,
                timeout=(self._connection.connect_timeout, limit),
                allow_redirects=False,
                stream=True,
            ) as answer:
                media = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                if answer.is_redirect or 300 <= answer.status_code < 400:
                    raise self._redirected(answer, call)
                return answer.status_code, media, _limited(answer, call, write)
        except requests.RequestException as problem:
            raise failed_exchange(problem, call, write) from None

    def close(self) -> None:
        """Close the HTTP session."""
        self._session.close()

    def _redirected(self, answer: requests.Response, call: str) -> FixConfiguration:
        target = urlsplit(answer.headers.get("Location", ""))
        own = urlsplit(self._connection.url)
        where = "another host" if target.netloc and target.netloc != own.netloc else "another address"
        return FixConfiguration(
            f"the server redirects to {where}; that is not followed, because the API key would go there",
            system="odoo",
            call=call,
            hint="enter Odoo's final address in the connection",
        )


class Json2:
    """POST /json/2/<model>/<method> with named arguments (docs/facts/odoo-19.0.md#1)."""

    name = "JSON-2"

    def __init__(self, wire: Wire, connection: OdooConnection, version: Version) -> None:
        self._wire, self.version = wire, version
        self._headers = {"Authorization": f"bearer {connection.api_key}", "X-Odoo-Database": connection.database}

    def call(
        self,
        model: str,
        method: str,
        ids: list[int] | None,
        context: dict[str, Any],
        arguments: dict[str, Any],
        *,
        write: bool,
    ) -> Any:
        """Return the method's result. See `Transport.call`."""
        label = f"{model}.{method}"
        body = {**arguments, "context": context}
        if ids is not None:
            body["ids"] = ids
        status, media, text = self._wire.exchange(
            "POST", f"/json/2/{model}/{method}", body, headers=self._headers, call=label, write=write
        )
        if media != "application/json":
            raise unclassified(status, media, call=label, write=write)
        answer = _parsed(text, label, write)
        if status == 200:
            return answer
        if isinstance(answer, dict) and isinstance(answer.get("name"), str):
            raise refusal(answer["name"], answer.get("message", ""), call=label, write=write)
        raise unclassified(status, media, call=label, write=write)


class JsonRpc:
    """POST /jsonrpc, always answered with 200 (docs/facts/odoo-19.0.md#2); positional arguments where old versions require them."""

    name = "JSON-RPC"

    def __init__(self, wire: Wire, connection: OdooConnection, version: Version) -> None:
        self._wire, self._connection, self.version = wire, connection, version
        self._numbers = itertools.count(1)
        self._user: int | None = None

    def call(
        self,
        model: str,
        method: str,
        ids: list[int] | None,
        context: dict[str, Any],
        arguments: dict[str, Any],
        *,
        write: bool,
    ) -> Any:
        """Return the method's result. See `Transport.call`."""
        label = f"{model}.{method}"
        named = dict(arguments)
        records = [] if ids is None and method in OF_RECORDS else ids
        positional: list[Any] = [] if records is None else [records]
        positional += [named.pop(name) for name in POSITIONAL.get(method, ()) if name in named]
        connection = self._connection
        target = [connection.database, self._authenticated(), connection.api_key, model, method, positional]
        return self.service("object", "execute_kw", [*target, {**named, "context": context}], label, write=write)

    def _authenticated(self) -> int:
        """Return the user's id, read once per connection."""
        if self._user is None:
            connection = self._connection
            if not connection.login:
                raise FixConfiguration(
                    "this Odoo speaks only JSON-RPC, which needs a login",
                    system="odoo",
                    hint="add `login` to the connection",
                )
            credentials = [connection.database, connection.login, connection.api_key, {}]
            user = self.service("common", "authenticate", credentials, "authenticate", write=False)
            if not isinstance(user, int) or isinstance(user, bool):
                raise Unauthorized("login or API key is wrong", system="odoo", call="authenticate", hint="check both")
            self._user = user
        return self._user

    def service(self, service: str, method: str, arguments: list[Any], label: str, *, write: bool) -> Any:
        """Send one JSON-RPC call and return its result; None for an answer without `result` (docs/facts/odoo-19.0.md#2)."""
        parameters = {"service": service, "method": method, "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "id": next(self._numbers), "params": parameters}
        status, media, text = self._wire.exchange("POST", "/jsonrpc", body, call=label, write=write)
        if status != 200 or media != "application/json":
            raise unclassified(status, media, call=label, write=write)
        answer = _parsed(text, label, write)
        if not isinstance(answer, dict):
            raise _unreadable("an answer that is no JSON-RPC", label, write)
        if "error" not in answer:
            return answer.get("result")
        raise rpc_refusal(answer["error"], label, write)


def discover(wire: Wire, connection: OdooConnection) -> Transport:
    """Return the transport of this server: JSON-2 where it is available, otherwise JSON-RPC."""
    status, media, text = wire.exchange("GET", "/web/version", None, call="version", write=False)
    if status == 200 and media == "application/json":
        answer = _parsed(text, "version", write=False)
        version = Version.parsed(answer.get("version") if isinstance(answer, dict) else None)
        if version.major >= 19:
            return Json2(wire, connection, version)
    elif status in (429, 502, 503, 504):
        raise Unavailable(f"HTTP {status}", system="odoo", call="version")
    rpc = JsonRpc(wire, connection, Version(0))
    answer = rpc.service("common", "version", [], "version", write=False)
    rpc.version = Version.parsed(answer.get("server_serie") if isinstance(answer, dict) else None)
    return rpc


def _limited(answer: requests.Response, call: str, write: bool) -> bytes:
    """Return the body. Raises Unreadable or OutcomeUnknown when it exceeds `LARGEST_ANSWER`."""
    parts, size = [], 0
    for chunk in answer.iter_content(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST_ANSWER:
            raise _unreadable(f"an answer of more than {LARGEST_ANSWER >> 20} MB", call, write)
    return b"".join(parts)


def _parsed(text: bytes, call: str, write: bool) -> Any:
    try:
        return parse_json(text)
    except Unreadable as problem:
        raise _unreadable(str(problem), call, write) from None


def _unreadable(what: str, call: str, write: bool) -> MagodooError:
    """Return the error for an invalid answer: Unreadable for a read, OutcomeUnknown for a write."""
    return (OutcomeUnknown if write else Unreadable)(what, system="odoo", call=call)


def rpc_refusal(error: Any, call: str, write: bool) -> MagodooError:
    """Return the error for the `error` of a JSON-RPC answer; one without its name is an invalid answer."""
    data = error.get("data") if isinstance(error, dict) else None
    if isinstance(data, dict) and isinstance(data.get("name"), str):
        return refusal(data["name"], str(data.get("message", "")), call=call, write=write)
    return _unreadable("a JSON-RPC error without its name", call, write)


def failed_exchange(problem: requests.RequestException, call: str, write: bool) -> MagodooError:
    """Return the error for an exchange without an answer. Texts of `requests` contain host and URL: only the exception's type is named."""
    kind = type(problem).__name__
    if isinstance(problem, requests.exceptions.SSLError):
        return FixConfiguration("TLS could not be verified", system="odoo", call=call, hint="check the certificate")
    if isinstance(problem, requests.ConnectTimeout | requests.exceptions.ProxyError) or _never_connected(problem):
        return Unreachable(f"no connection ({kind})", system="odoo", call=call)
    if isinstance(problem, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return FixConfiguration("the URL cannot be used", system="odoo", call=call)
    kinds: type[MagodooError] = OutcomeUnknown if write else Unreachable
    return kinds(f"the answer did not arrive ({kind})", system="odoo", call=call)


def _never_connected(problem: requests.RequestException) -> bool:
    """Return whether the connection was refused or the name unknown: nothing was sent."""
    inner = problem.args[0] if problem.args else None
    reason = getattr(inner, "reason", inner)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _version_of_magodoo() -> str:
    try:
        return metadata.version("magodoo")
    except metadata.PackageNotFoundError:
        return "0"
