"""The two protocols of Odoo behind one interface: JSON-2 (19 and later) and JSON-RPC (18 and earlier). Discovered automatically.

A transport sends one call and returns its plain result; it retries nothing. Every failure is an error of `magodoo.errors`: for a call that
may write, a broken answer is OutcomeUnknown, and what was certainly not done is Unreachable or Unavailable.
"""

from __future__ import annotations

import itertools
import math
import os
from typing import Any, Protocol

from tenacity import wait_random_exponential

from magodoo import __version__
from magodoo.connectors.failures import Failure, failure
from magodoo.connectors.http import HttpSession
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.connectors.odoo.refusals import refusal, unclassified
from magodoo.connectors.odoo.versions import OF_RECORDS, POSITIONAL, Version
from magodoo.errors import FixConfiguration, Unauthorized, Unreadable
from magodoo.money import parse_json

LONGEST_WAIT = 8.0
"""Maximum seconds between two attempts of a read."""


NEVER_OF_ODOO = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses of what stands before Odoo, whatever their body says (docs/facts/odoo-19.0.md#1)."""


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
        until: float = math.inf,
    ) -> Any:
        """Return the method's result as plain values, fractions as Decimal; None where Odoo returns nothing."""
        ...


def open_session(connection: OdooConnection) -> HttpSession:
    """Return the session that both protocols use."""
    # Otherwise than for Magento, the environment's certificates go before the connection's.
    environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return HttpSession(
        "odoo",
        connection,
        {"User-Agent": f"magodoo/{__version__}", "Content-Type": "application/json"},
        connections=max(8, connection.parallel_reads),
        wait=wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT),
        verify=environment or connection.ca_bundle or True,
    )


class Json2:
    """POST /json/2/<model>/<method> with named arguments (docs/facts/odoo-19.0.md#1)."""

    name = "JSON-2"

    def __init__(self, session: HttpSession, connection: OdooConnection, version: Version) -> None:
        self._session, self.version = session, version
        self._url = f"{connection.url}/json/2"
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
        until: float = math.inf,
    ) -> Any:
        """Return the method's result. See `Transport.call`."""
        label = f"{model}.{method}"
        body = {**arguments, "context": context}
        if ids is not None:
            body["ids"] = ids
        answer = self._session.exchange(
            "POST", f"{self._url}/{model}/{method}", body, headers=self._headers, call=label, write=write, until=until
        )
        if answer.media == "application/json" and answer.status == 200:
            return self._session.decoded(answer.body, call=label, write=write)
        if answer.media == "application/json" and answer.status not in NEVER_OF_ODOO:
            content = parsed_or_none(answer.body)
            if isinstance(content, dict) and isinstance(content.get("name"), str):
                raise refusal(content["name"], content.get("message", ""), call=label, write=write)
        raise unclassified(answer.status, answer.media, call=label, write=write)


class JsonRpc:
    """POST /jsonrpc, always answered with 200 (docs/facts/odoo-19.0.md#2); positional arguments where old versions require them."""

    name = "JSON-RPC"

    def __init__(self, session: HttpSession, connection: OdooConnection, version: Version) -> None:
        self._session, self._connection, self.version = session, connection, version
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
        until: float = math.inf,
    ) -> Any:
        """Return the method's result. See `Transport.call`."""
        label = f"{model}.{method}"
        named = dict(arguments)
        records = [] if ids is None and method in OF_RECORDS else ids
        positional: list[Any] = [] if records is None else [records]
        positional += [named.pop(name) for name in POSITIONAL.get(method, ()) if name in named]
        connection = self._connection
        target = [connection.database, self._authenticated(), connection.api_key, model, method, positional]
        return self.service(
            "object", "execute_kw", [*target, {**named, "context": context}], label, write=write, until=until
        )

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

    def service(
        self, service: str, method: str, arguments: list[Any], label: str, *, write: bool, until: float = math.inf
    ) -> Any:
        """Send one JSON-RPC call and return its result; None for an answer without `result` (docs/facts/odoo-19.0.md#2)."""
        parameters = {"service": service, "method": method, "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "id": next(self._numbers), "params": parameters}
        answer = self._session.exchange(
            "POST", f"{self._connection.url}/jsonrpc", body, call=label, write=write, until=until
        )
        if answer.status != 200 or answer.media != "application/json":
            raise unclassified(answer.status, answer.media, call=label, write=write)
        content = self._session.decoded(answer.body, call=label, write=write)
        if not isinstance(content, dict):
            raise failure(Failure.NOT_JSON, "odoo", call=label, write=write, message="an answer that is no JSON-RPC")
        if "error" not in content:
            return content.get("result")
        data = content["error"].get("data") if isinstance(content["error"], dict) else None
        if isinstance(data, dict) and isinstance(data.get("name"), str):
            raise refusal(data["name"], str(data.get("message", "")), call=label, write=write)
        raise failure(Failure.NOT_JSON, "odoo", call=label, write=write, message="a JSON-RPC error without its name")


def parsed_or_none(body: bytes) -> Any:
    """Return the value of an error's body, or None where it cannot be parsed: then its status decides."""
    try:
        return parse_json(body)
    except Unreadable:
        return None


def discover(session: HttpSession, connection: OdooConnection) -> Transport:
    """Return the transport of this server: JSON-2 where it is available, otherwise JSON-RPC."""
    answer = session.exchange("GET", f"{connection.url}/web/version", call="version", write=False)
    if answer.status == 200 and answer.media == "application/json":
        content = session.decoded(answer.body, call="version", write=False)
        version = Version.parsed(content.get("version") if isinstance(content, dict) else None)
        if version.major >= 19:
            return Json2(session, connection, version)
    elif answer.status in NEVER_OF_ODOO:
        raise unclassified(answer.status, answer.media, call="version", write=False)
    rpc = JsonRpc(session, connection, Version(0))
    series = rpc.service("common", "version", [], "version", write=False)
    rpc.version = Version.parsed(series.get("server_serie") if isinstance(series, dict) else None)
    return rpc
