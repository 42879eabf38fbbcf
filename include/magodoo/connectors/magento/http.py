"""HTTP calls to Magento: pooled, limited in time and size, redirects refused; only reads are retried."""

from __future__ import annotations

import logging
import math
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter
from urllib3.exceptions import NewConnectionError

from magodoo.connectors.magento.auth import LoginRefused, Nobody, RenewedToken, authenticator
from magodoo.connectors.magento.connection import AdminLogin, MagentoConnection
from magodoo.connectors.magento.replies import Garbled, MissingRight, error_of, json_of
from magodoo.connectors.magento.search import encode
from magodoo.errors import (
    FixConfiguration,
    MagodooError,
    OutcomeUnknown,
    TooLate,
    TransientError,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from magodoo.money import dump_json
from magodoo.timestamps import utc_now

log = logging.getLogger(__name__)

CHUNK = 64 * 1024
PATIENCE = 4  # read timeouts that a whole body may take, however steadily it arrives


@dataclass
class Stats:
    """Counters of a client: requests sent, seconds waited for answers, reads retried."""

    requests: int = 0
    seconds: float = 0.0
    retries: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, *, requests: int = 0, seconds: float = 0.0, retries: int = 0) -> None:
        """Add to the counters. Thread-safe."""
        with self._lock:
            self.requests += requests
            self.seconds += seconds
            self.retries += retries


@dataclass(frozen=True)
class Reply:
    """A valid answer: its parsed body and the UTC time at which the request started."""

    body: Any
    began_at: datetime


@dataclass(frozen=True)
class _Answer:
    status: int
    location: str
    body: bytes


class Http:
    """Calls to one Magento. Thread-safe."""

    def __init__(self, connection: MagentoConnection, sleep: Callable[[float], None] = time.sleep) -> None:
        self.stats = Stats()
        self.write_until = math.inf  # time.monotonic() after which no write is sent
        self._connection = connection
        self._sleep = sleep
        self._auth = authenticator(connection.auth, self._log_in)
        self._session = _session(connection)

    def read(self, path: str, query: Iterable[tuple[str, str]] = ()) -> Reply:
        """Send a GET, retried with backoff and jitter while the failure is transient. Raises the errors of `replies.error_of`."""
        return self._repeated(lambda: self._authorized("GET", path, query=query))

    def read_once(self, path: str, query: Iterable[tuple[str, str]] = (), *, anonymous: bool = False) -> Reply:
        """Send a GET without retries, for tests of the connection."""
        return self._call("GET", path, query=query, auth=Nobody() if anonymous else self._auth)

    def write(self, method: str, path: str, body: Any) -> Reply:
        """Send a POST, PUT or DELETE once.

        Raises Unreachable if nothing was sent, TooLate if it may not be sent any more, OutcomeUnknown if no valid answer arrived, FixDocument
        if it was refused.
        """
        return self._authorized(method, path, body=body)

    def text(self, address: str) -> str:
        """Return a short text outside the REST API, read without a login, or "" if it does not exist."""
        request = self._session.prepare_request(
            requests.Request("GET", self._connection.base_url + address, auth=Nobody())
        )
        answer = self._exchange(request, f"GET {address}", writing=False)
        return answer.body.decode("utf-8", "replace").strip() if answer.status == 200 else ""

    def close(self) -> None:
        """Close the HTTP session."""
        self._session.close()

    def _repeated(self, call: Callable[[], Reply]) -> Reply:
        def count(state: RetryCallState) -> None:
            self.stats.add(retries=1)
            log.info("read again in %.1f s: %s", state.upcoming_sleep, state.outcome and state.outcome.exception())

        connection = self._connection
        return Retrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(connection.attempts),
            wait=wait_exponential_jitter(
                multiplier=connection.first_wait, max=connection.longest_wait, jitter=connection.first_wait
            ),
            before_sleep=count,
            sleep=self._sleep,
            reraise=True,
        )(call)

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
            token = self._repeated(lambda: self._call("POST", _LOGIN, body=content, auth=Nobody(), writing=False)).body
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
        auth: Any,
        query: Iterable[tuple[str, str]] = (),
        body: Any = None,
        writing: bool | None = None,
    ) -> Reply:
        writing = method != "GET" if writing is None else writing
        call = f"{method} {path.lstrip('/')}"
        text = encode(query)
        address = self._connection.rest_url + path + (f"?{text}" if text else "")
        request = requests.Request(method, address, auth=auth)
        if body is not None:
            request.data = dump_json(body).encode()
            request.headers = {"Content-Type": "application/json"}
        prepared = self._session.prepare_request(request)  # logs in, if necessary, before anything is written
        began_at = utc_now()
        answer = self._exchange(prepared, call, writing)
        if 200 <= answer.status < 300:
            return Reply(json_of(answer.body, call=call, writing=writing), began_at)
        if 300 <= answer.status < 400:
            raise FixConfiguration(
                f"redirected to {_host(answer.location)}: not followed, the login must not reach another address",
                system="magento",
                call=call,
                hint="set the final address as the connection's base URL",
            )
        raise error_of(answer.status, answer.body, call=call, writing=writing)

    def _exchange(self, request: requests.PreparedRequest, call: str, writing: bool) -> _Answer:
        connection = self._connection
        timeout = connection.write_timeout if writing else connection.read_timeout
        settings = self._session.merge_environment_settings(
            request.url, dict(connection.proxies), True, connection.verify, None
        )
        began = time.monotonic()
        if writing and began >= self.write_until:
            raise TooLate(system="magento", call=call)
        # The error is raised outside the handler: its cause would contain the request and so the credentials.
        try:
            with self._session.send(
                request, timeout=(connection.connect_timeout, timeout), allow_redirects=False, **settings
            ) as response:
                body = b"".join(_bounded(response, connection.largest_body, began + timeout * PATIENCE))
                answer = _Answer(response.status_code, response.headers.get("Location", ""), body)
                problem: MagodooError | None = None
        except requests.RequestException as failure:
            problem = _failure(failure, call, writing)
        except _TooLong as failure:
            problem = _too_long(failure, call, writing)
        self.stats.add(requests=1, seconds=time.monotonic() - began)
        if problem:
            raise problem
        log.debug("%s: %s, %s bytes", call, answer.status, len(answer.body))
        return answer


_LOGIN = "/integration/admin/token"
_LOGIN_HINT = "check user and password; six failures lock the user; with two-factor login use an integration instead"


class _TooLong(Exception):
    """A body that exceeds its limit in bytes or in time."""

    def __init__(self, what: str, beginning: bytes) -> None:
        super().__init__(what)
        self.beginning = beginning


def _session(connection: MagentoConnection) -> requests.Session:
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=max(connection.parallel, 2), max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update({"Accept": "application/json", "User-Agent": connection.user_agent})
    session.cookies.set_policy(
        DefaultCookiePolicy(allowed_domains=[])
    )  # every answer sets a PHPSESSID that is not needed
    return session


def _bounded(response: requests.Response, largest: int, deadline: float) -> Iterator[bytes]:
    received, beginning = 0, b""
    for chunk in response.iter_content(CHUNK):
        received += len(chunk)
        beginning = beginning or chunk
        if received > largest:
            raise _TooLong(f"an answer of more than {largest} bytes", beginning)
        if time.monotonic() > deadline:
            raise _TooLong("an answer that does not end in time", beginning)
        yield chunk


def _too_long(failure: _TooLong, call: str, writing: bool) -> MagodooError:
    if writing:
        return OutcomeUnknown(f"the write got {failure}", system="magento", call=call)
    return Garbled(str(failure), failure.beginning, system="magento", call=call)


def _failure(failure: requests.RequestException, call: str, writing: bool) -> MagodooError:
    """Return the error for a failed exchange; it depends on whether anything can have arrived. The exception's text is not repeated."""
    where = {"system": "magento", "call": call}
    name = type(failure).__name__
    if _is_before_sending(failure):
        reason = "its TLS certificate is not trusted" if _causes(failure, ssl.SSLCertVerificationError) else name
        return Unreachable(f"the shop cannot be reached ({reason}); nothing was sent", **where)
    if isinstance(
        failure, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.exceptions.InvalidHeader
    ):
        return FixConfiguration(f"the shop's address cannot be used ({name})", **where)
    if writing:
        hint = "look for the document's marker before anything is sent again"
        return OutcomeUnknown(f"sent, and no sound answer ({name})", **where, hint=hint)
    if isinstance(failure, requests.exceptions.ContentDecodingError):
        return Garbled("a compressed answer that cannot be unpacked", b"", **where)
    if isinstance(failure, requests.Timeout):
        return Unavailable(f"no answer in time ({name})", **where)
    return Unreachable(f"the connection broke ({name})", **where)


def _is_before_sending(failure: requests.RequestException) -> bool:
    return isinstance(failure, requests.ConnectTimeout | requests.exceptions.ProxyError) or _causes(
        failure, NewConnectionError, ssl.SSLCertVerificationError
    )


def _causes(failure: BaseException, *kinds: type[BaseException]) -> bool:
    """Return whether one of these is in the chain of exceptions that `requests` and `urllib3` wrap around each other."""
    waiting: list[Any] = [failure]
    for _ in range(20):
        if not waiting:
            return False
        current = waiting.pop()
        if isinstance(current, kinds):
            return True
        if isinstance(current, BaseException):
            waiting += [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]
    return False


def _host(location: str) -> str:
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"
    except ValueError:
        return "an unreadable address"
