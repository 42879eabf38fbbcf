"""HTTP calls to Magento's REST API: logged in, a refused token renewed once; only reads are retried."""

from __future__ import annotations

import copy
import logging
import math
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from requests.auth import AuthBase
from tenacity import wait_exponential_jitter

from magodoo.connectors.http import HttpSession, Stats
from magodoo.connectors.magento.auth import LoginRefused, RenewedToken, authenticator
from magodoo.connectors.magento.connection import AdminLogin, MagentoConnection
from magodoo.connectors.magento.replies import MissingRight, error_of
from magodoo.connectors.magento.search import encode
from magodoo.errors import MagodooError, Unauthorized

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reply:
    """A valid answer: its parsed body and the UTC time at which the request started."""

    body: Any
    began_at: datetime


class Http:
    """Calls to one Magento. Thread-safe."""

    def __init__(self, connection: MagentoConnection, sleep: Callable[[float], None] = time.sleep) -> None:
        self._write_until = math.inf
        self._connection = connection
        self._auth = authenticator(connection.auth, self._log_in)
        self._session = _session(connection, sleep)

    @property
    def stats(self) -> Stats:
        """Return the counters of the requests."""
        return self._session.stats

    def read(self, path: str, query: Iterable[tuple[str, str]] = ()) -> Reply:
        """Send a GET, retried with backoff and jitter while the failure is transient. Raises the errors of `replies.error_of`."""
        return self._session.repeated(lambda: self._authorized("GET", path, query=query))

    def read_once(self, path: str, query: Iterable[tuple[str, str]] = (), *, anonymous: bool = False) -> Reply:
        """Send a GET without retries, for tests of the connection."""
        return self._call("GET", path, query=query, auth=None if anonymous else self._auth)

    def write(self, method: str, path: str, body: Any) -> Reply:
        """Send a POST, PUT or DELETE once.

        Raises Unreachable if nothing was sent, TooLate if it may not be sent any more, OutcomeUnknown if no valid answer arrived, FixDocument
        if it was refused.
        """
        return self._authorized(method, path, body=body)

    def text(self, address: str) -> str:
        """Return a short text outside the REST API, read without a login, or "" if it does not exist."""
        answer = self._session.exchange(
            "GET", self._connection.base_url + address, call=f"GET {address}", write=False, redirects=True
        )
        return answer.body.decode("utf-8", "replace").strip() if answer.status == 200 else ""

    def until(self, moment: float) -> Http:
        """Return these calls, in the same session, for writes up to a moment (`uptime()`): later ones raise TooLate."""
        bounded = copy.copy(self)
        bounded._write_until = moment
        return bounded

    def close(self) -> None:
        """Close the HTTP session."""
        self._session.close()

    def _authorized(self, method: str, path: str, **content: Any) -> Reply:
        """Send a call. A refused token is renewed once; a refused token and a missing right raise different errors."""
        try:
            return self._call(method, path, auth=self._auth, **content)
        except LoginRefused:
            raise
        except (MissingRight, Unauthorized) as refusal:
            problem: MagodooError = refusal
        if isinstance(self._auth, RenewedToken):
            self._auth.forget()
            try:
                return self._call(method, path, auth=self._auth, **content)
            except (MissingRight, Unauthorized) as refusal:
                problem = refusal
        raise self._explained(problem)

    def _explained(self, problem: MagodooError) -> MagodooError:
        """Return Unauthorized instead of a missing right where the list of orders is refused too: every 401 is alike (docs/facts/magento-2.4.7.md#1)."""
        if not isinstance(problem, MissingRight):
            return problem
        try:
            self.read_once("/orders", [("searchCriteria[pageSize]", "1"), ("fields", "items[entity_id]")])
        except (MissingRight, Unauthorized):
            return Unauthorized(
                "the token is unknown, expired or lacks every right",
                system="magento",
                call=problem.call,
                hint=f"check the token; if it is right, grant {problem.resource} and Magento_Sales::actions_view",
            )
        except MagodooError:
            return problem
        return problem

    def _log_in(self, login: AdminLogin) -> str:
        content = {"username": login.username, "password": login.password}
        try:
            token = self._session.repeated(
                lambda: self._call("POST", _LOGIN, body=content, auth=None, writing=False)
            ).body
        except Unauthorized as refusal:
            raise LoginRefused(refusal.args[0], system="magento", call=refusal.call, hint=_LOGIN_HINT) from None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise LoginRefused("the login was answered without a token", system="magento", call="POST admin/token")
        return token

    def _call(
        self,
        method: str,
        path: str,
        *,
        auth: AuthBase | None,
        query: Iterable[tuple[str, str]] = (),
        body: Any = None,
        writing: bool | None = None,
    ) -> Reply:
        writing = method != "GET" if writing is None else writing
        call = f"{method} {path.lstrip('/')}"
        text = encode(query)
        address = self._connection.rest_url + path + (f"?{text}" if text else "")
        answer = self._session.exchange(
            method, address, body, call=call, write=writing, auth=auth, until=self._write_until
        )
        if 200 <= answer.status < 300:
            return Reply(self._session.decoded(answer.body, call=call, write=writing), answer.began_at)
        raise error_of(answer.status, answer.body, call=call, writing=writing)


_LOGIN = "/integration/admin/token"
_LOGIN_HINT = "check user and password; six failures lock the user; with two-factor login use an integration instead"


def _session(connection: MagentoConnection, sleep: Callable[[float], None]) -> HttpSession:
    return HttpSession(
        "magento",
        connection,
        {"Accept": "application/json", "User-Agent": connection.user_agent},
        connections=max(connection.parallel, 2),
        wait=wait_exponential_jitter(
            multiplier=connection.first_wait, max=connection.longest_wait, jitter=connection.first_wait
        ),
        verify=connection.verify,
        proxies=connection.proxies,
        sleep=sleep,
    )
