"""One HTTP session for both systems: connections, limits, redirects and repeated reads.

Every exchange has one deadline, from connecting to the last byte of the body; then its socket is shut down, whichever thread waits for it.
A system that asks for a pause (`Retry-After`) gets it, and one that fails time after time is left alone for a while.

A read is repeated while its failure is a TransientError (`HttpSession.repeated`). A read that tests the connection, and every write, is
sent once: after a write that may have happened, the ledger searches for its result before anything is sent again.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity
from requests.adapters import HTTPAdapter

from magodoo.connectors.deadline import Watch, watch_connections
from magodoo.connectors.failures import BEFORE_ANYTHING_IS_SENT, FAILURES, Failure, System, failure, failure_of, is_html
from magodoo.errors import Away, TooLate, TransientError, Unreadable
from magodoo.money import dump_json, parse_json
from magodoo.timestamps import uptime, utc_now

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]

CHUNK = 64 * 1024
PATIENCE = 4
"""Read timeouts that a whole read may take, however steadily it arrives. A write has one: the lease counts on that."""
LONGEST_WAIT_ASKED = 60.0
"""Seconds of `Retry-After` that are waited for; with more the system is away, and its run ends."""
LONGEST_AWAY = 86_400.0
"""Seconds at which a longer `Retry-After` is cut off."""
FAILURES_IN_A_ROW = 8
"""Failures without a sound answer between them after which a system is left alone; at least two reads' attempts."""
PAUSE = 60.0
"""Seconds for which it is left alone."""


@dataclass
class Stats:
    """Counters of a session: requests sent, seconds waited for answers, reads retried."""

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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What every call to a system may take: seconds, attempts of a read, bytes of an answer (a longer one is aborted).

    A read ends after `read_timeout` seconds without a byte, and after `PATIENCE` times that in all; a write after `write_timeout` in all.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    write_timeout: float = 120.0
    attempts: int = 4
    largest_body: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer that arrived whole, and the UTC time at which its request started."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    began_at: datetime

    @property
    def media(self) -> str:
        """Return the media type, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class _Availability:
    """When a system may be called again: after the pause that it asked for, or after one that its failures in a row earned. Thread-safe."""

    def __init__(self, system: System, most: int) -> None:
        self._system, self._most, self._lock = system, most, threading.Lock()
        self._failures = 0
        self._resume = self._asked_until = -math.inf  # time.monotonic()
        self._reason = ""

    def wait(self, call: str) -> float:
        """Return the seconds to wait before a call. Raises Away while the system is left alone."""
        with self._lock:
            now = time.monotonic()
            if now < self._resume:
                raise self._away(call, now)
            return max(0.0, self._asked_until - now)

    def failed(self) -> None:
        """Count a call without a sound answer."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._most:
                self._resume = max(self._resume, time.monotonic() + PAUSE)
                self._reason = f"{self._failures} calls in a row failed"

    def sound(self) -> None:
        """Forget the failures: the system answers."""
        with self._lock:
            self._failures = 0

    def asked(self, status: int, seconds: float, call: str) -> Away | None:
        """Note a pause that the system asked for. Return the error that ends the run, if the pause is too long to be waited for."""
        with self._lock:
            now = time.monotonic()
            if seconds <= LONGEST_WAIT_ASKED:
                self._asked_until = max(self._asked_until, now + seconds)
                return None
            self._resume = max(self._resume, now + min(seconds, LONGEST_AWAY))
            self._reason = f"it answered {status} and asked to be left alone"
            return self._away(call, now)

    def _away(self, call: str, now: float) -> Away:
        until = utc_now() + timedelta(seconds=self._resume - now)
        return Away(f"away until {until:%Y-%m-%d %H:%M:%S} UTC: {self._reason}", system=self._system, call=call)


def _retry_after(value: str, now: datetime) -> float:
    """Return the seconds of a `Retry-After`, a number or a date; 0 for what is neither or over."""
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError, IndexError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _is_failure(status: int, body: bytes) -> bool:
    """Return whether an answer says that the system as a whole is not well: busy, a gateway's error, a page instead of data."""
    return status in (408, 425, 429) or status > 500 or (status in (200, 404, 500) and is_html(body))


class HttpSession:
    """Calls to one system, one exchange at a time in each thread. Thread-safe."""

    def __init__(
        self,
        system: System,
        limits: Limits,
        headers: Mapping[str, str],
        *,
        connections: int,  # kept open between calls
        wait: tenacity.wait.wait_base,  # between the attempts of a read
        verify: bool | str = True,
        proxies: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = tenacity.sleep,
    ) -> None:
        self.stats = Stats()
        self._system, self._limits = system, limits
        self._availability = _Availability(system, max(FAILURES_IN_A_ROW, 2 * limits.attempts))
        self._wait, self._sleep = wait, sleep
        self._verify, self._proxies = verify, proxies or {}
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
        watch_connections(adapter)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.headers.update(headers)
        # The connection holds the only credential: neither ~/.netrc nor a cookie may replace it.
        self._session.auth = lambda request: request
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def repeated(self, read: Callable[[], Result]) -> Result:
        """Return the result of a read, which is called again, after growing pauses, while it raises a TransientError.

        A system that is away is not asked again.
        """

        def note(state: tenacity.RetryCallState) -> None:
            self.stats.add(retries=1)
            log.info("read again in %.1f s: %s", state.upcoming_sleep, state.outcome and state.outcome.exception())

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda problem: isinstance(problem, TransientError) and not isinstance(problem, Away)
            ),
            stop=tenacity.stop_after_attempt(self._limits.attempts),
            wait=self._wait,
            before_sleep=note,
            sleep=self._sleep,
            reraise=True,
        )(read)

    def exchange(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        call: str,
        write: bool,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        until: float = math.inf,
        redirects: bool = False,
    ) -> Answer:
        """Send one request, `body` as JSON, and return the answer, regardless of its status.

        `call` names the call in errors, without host or secrets. No redirect is followed: it raises FixConfiguration, or is
        returned as the answer if `redirects` is set.

        Raises:
            TooLate: a write that was not sent, because `uptime()` has reached `until`; looked at when the first byte is next.
            Away: not sent, or certainly not done: the system asked to be left alone, or failed too often in a row.
            MagodooError: see `FAILURES`.
        """
        if pause := self._availability.wait(call):
            log.info("%s: the system asked for a pause of %.1f s", call, pause)
            self._sleep(pause)
        content = None if body is None else dump_json(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = requests.Request(method, url, {**kind, **(headers or {})}, data=content, auth=auth)
        raw, name, largest = b"", "", self._limits.largest_body
        try:
            prepared = self._session.prepare_request(request)  # logs in, where that is necessary
        except requests.RequestException as problem:
            what, name = failure_of(problem), type(problem).__name__
        else:

            def in_time() -> None:
                if write and uptime() >= until:
                    raise TooLate(system=self._system, call=call)

            in_time()
            try:
                answer = self._send(prepared, write=write, before_sending=in_time)
            except _Failed as problem:
                what, name, raw = problem.args
            else:
                log.debug("%s: %s, %s bytes", call, answer.status, len(answer.body))
                self._note(answer, call=call, write=write)
                if 300 <= answer.status < 400 and not redirects:
                    host, elsewhere = _target(url, answer.headers)
                    raise failure(
                        Failure.REDIRECTED, self._system, call=call, write=write, host=host, elsewhere=elsewhere
                    )
                return answer
        # Raised outside the handlers: a cause or context would hold the request, and so the credentials.
        result = failure(
            what, self._system, call=call, write=write, raw=raw, name=name, bytes=largest, megabytes=largest >> 20
        )
        if issubclass(FAILURES[what, self._system][False].error, TransientError):
            self._availability.failed()
        raise result

    def _note(self, answer: Answer, *, call: str, write: bool) -> None:
        """Note what an answer says about the system. Raises Away if it asks for a long pause and the call certainly did nothing."""
        if _is_failure(answer.status, answer.body):
            self._availability.failed()
        else:
            self._availability.sound()
        asked = answer.headers.get("Retry-After", "") if answer.status in (429, 503) else ""
        if seconds := _retry_after(asked, utc_now()):
            away = self._availability.asked(answer.status, seconds, call)
            # A write that a proxy answered with 503 may have reached the system.
            if away and (not write or answer.status == 429):
                raise away

    def decoded(self, body: bytes, *, call: str, write: bool) -> Any:
        """Return the value of a JSON body, fractions as Decimal. Raises the error of EMPTY, HTML or NOT_JSON; a key may not be there twice."""
        try:
            return parse_json(body, keys_are_unique=True)
        except Unreadable as problem:
            reason = str(problem)
        what = Failure.HTML if is_html(body) else Failure.NOT_JSON if body else Failure.EMPTY
        raise failure(what, self._system, call=call, write=write, raw=body[:100_000], problem=reason)

    def _send(self, request: requests.PreparedRequest, *, write: bool, before_sending: Callable[[], None]) -> Answer:
        """Return the answer. Raises _Failed, which holds nothing of the request."""
        timeout = self._limits.write_timeout if write else self._limits.read_timeout
        began, began_at = time.monotonic(), utc_now()
        parts: list[bytes] = []
        what: Failure | None = None
        name, is_answered = "", False
        with Watch(timeout if write else timeout * PATIENCE, before_sending) as watch:
            try:
                options = self._session.merge_environment_settings(
                    str(request.url), dict(self._proxies), True, self._verify, None
                )
                with self._session.send(
                    request, timeout=(self._limits.connect_timeout, timeout), allow_redirects=False, **options
                ) as response:
                    is_answered = not watch.expired
                    size = 0
                    for chunk in response.iter_content(CHUNK):
                        parts.append(chunk)
                        size += len(chunk)
                        if size > self._limits.largest_body:
                            what = Failure.TOO_LARGE
                            break
            except requests.RequestException as problem:
                what, name = failure_of(problem), type(problem).__name__
            finally:
                self.stats.add(requests=1, seconds=time.monotonic() - began)
            if watch.expired:  # whatever the socket's end looked like: a broken connection, or the end of the answer
                what, name = Failure.TOO_SLOW if is_answered else Failure.TIMED_OUT, "deadline"
                if not watch.has_sent:
                    what = Failure.NOT_CONNECTED
            elif watch.has_sent and what in BEFORE_ANYTHING_IS_SENT:
                what = Failure.BROKEN  # a proxy that closes the connection looks as if it had not been reached
        if what is not None:
            raise _Failed(what, name, parts[0] if parts else b"") from None
        return Answer(response.status_code, response.headers, b"".join(parts), began_at)


class _Failed(Exception):
    """An exchange without a whole answer; the arguments are the failure, the name of its exception, and the body's beginning."""


def _target(url: str, headers: Mapping[str, str]) -> tuple[str, str]:
    """Return where an answer redirects to, without path and query: the host, and whether it is another one."""
    try:
        target = urlsplit(headers.get("Location", ""))
        host = f"{target.scheme}://{target.hostname}" if target.hostname else "another path"
    except ValueError:
        return "an unreadable address", "another address"
    is_other = target.netloc and target.netloc != urlsplit(url).netloc
    return host, "another host" if is_other else "another address"
