"""`crowd`: 200 viewers misbehave on the sales pages while the chain runs; how fast the execution API of the tasks answers meanwhile.

A demo stack on the sandboxes, its tasks served by one api-server, the viewers by another (`--apps core`), as docker-compose.yaml has it.
A second crowd then goes to the server of the tasks itself, as in a stack with one server: what the limits of the pages do alone.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests
from sqlalchemy import text

from bench.contest import CHECKOUT, VAR, WrongResult, tell
from bench.entry import Entry, write
from magodoo import staging
from magodoo.errors import MagodooError
from magodoo_devstack import lifecycle, ports
from magodoo_devstack.airflow import Api
from magodoo_devstack.demo import story
from magodoo_devstack.demo.chain import EXTRACTS, STAGES, Chain
from magodoo_devstack.demo.shop import instances
from magodoo_devstack.environment import cluster_of, environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State

SECONDS = {"quick": 60, "full": 180}  # of each crowd
ORDERS = 40
FINDINGS = 60_000  # resolved ones, so that a CSV is larger than what the sockets hold
MEGABYTE = 2**20
PATIENCE = 1800  # seconds for one run of a DAG beside the crowd
# How many viewers do what.
CROWD = {
    "ask again and again": 60,
    "read a CSV at 1 KB/s": 60,
    "leave before the answer": 40,
    "send a form at a byte a second": 40,
}
PAGES = (
    "/",
    "/list/orders",
    "/list/invoices",
    "/findings?tab=all",
    "/changes",
    "/runs",
    "/findings?tab=all&search=difference",
)


def measure(seconds: int) -> Entry:
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR) as folder:
        layout = Layout(Path(folder))
        for name in ("dags", "plugins"):
            (layout.checkout / name).symlink_to(CHECKOUT / name)
        try:
            _, state = story.run(layout, Progress(), orders=ORDERS, seed=12)
            chain = Chain(lifecycle.api(state), instances(layout), seconds=PATIENCE)
            chain.settle()
            _fill(layout, state, chain.instances[0])
            with _server_of_pages(layout, state) as (address, process):
                own = _under(Crowd(address, _token(state, "viewer"), seconds), layout, state, process, chain)
            server = _server_of_all(state)
            shared = _under(Crowd(state.urls["airflow"], _token(state, "viewer"), seconds), layout, state, server, None)
        finally:
            lifecycle.down(layout)
    return Entry(None, None, {"own_server": own, "shared_server": shared, "crowd": CROWD}, {}, sum(CROWD.values()), 1)


def _fill(layout: Layout, state: State, instance: str) -> None:
    engine = staging.connect(cluster_of(layout, state).url("magodoo"))
    with engine.begin() as connection:
        connection.execute(
            text("""insert into finding (instance, type, severity, kind, order_key, order_number, message, first_seen, resolved_at)
                select :instance, 'total_mismatch', 'warning', 'invoice', 'none-' || n, n::text, repeat('A difference of long ago. ', 8), now(), now()
                from generate_series(1, :number) n"""),
            {"instance": instance, "number": FINDINGS},
        )
    engine.dispose()


@contextmanager
def _server_of_pages(layout: Layout, state: State) -> Iterator[tuple[str, psutil.Process]]:
    port = ports.any_free()
    with (layout.log / "pages.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603
            [layout.program("airflow"), "api-server", "--apps", "core", "--port", f"{port}"],
            env=environment(layout, state) | {"AIRFLOW__API__PORT": f"{port}"},
            cwd=layout.checkout, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        Api(address, "admin", state.secrets.admin).wait_healthy(300)
        yield address, psutil.Process(server.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _server_of_all(state: State) -> psutil.Process:
    (found,) = {
        each.pid
        for each in psutil.net_connections("tcp")
        if each.status == "LISTEN" and each.laddr.port == state.ports["airflow"]
    }
    return psutil.Process(found)


def _token(state: State, user: str) -> str:
    login = {"username": user, "password": getattr(state.secrets, user)}
    answer = requests.post(f"{state.urls['airflow']}/auth/token", json=login, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _under(crowd: Crowd, layout: Layout, state: State, server: psutil.Process, chain: Chain | None) -> dict[str, Any]:
    """Return what is measured while the crowd is there. With a chain, it runs until the crowd has gone, and its failed tasks are counted."""
    health, admin, memory, held = Answers(), Answers(), [], []
    ended = threading.Event()
    engine = staging.connect(cluster_of(layout, state).url("magodoo"))
    administrator = {"Authorization": f"Bearer {_token(state, 'admin')}", "Accept": "text/html"}
    seen: list[str] = []
    failed: list[str] = []

    def watch(answers: Answers, url: str, headers: dict[str, str], pause: float) -> None:
        while not ended.wait(pause):
            answers.ask(url, headers)

    def measured() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not ended.wait(2):
                memory.append(_memory(server))
                held.append(int(connection.execute(text(_CONNECTIONS)).scalar_one()))

    def runs() -> None:
        try:
            while chain is not None and not ended.is_set():
                seen.append(chain.run())
        except MagodooError as error:
            failed.append(str(error))

    _warm(crowd.address, administrator)
    watchers = [
        threading.Thread(target=watch, args=(health, f"{state.urls['airflow']}/execution/health", {}, 0.5)),
        threading.Thread(target=watch, args=(admin, f"{crowd.address}/magento/", administrator, 2)),
        threading.Thread(target=measured), threading.Thread(target=runs),
    ]  # fmt: skip
    for each in watchers:
        each.start()
    before = _memory(server)
    asyncio.run(crowd.misbehave())
    ended.set()
    for each in watchers:
        each.join()
    engine.dispose()
    if failed or not health.seconds or (chain is not None and not seen):
        raise WrongResult(f"under the crowd: {failed or 'nothing was measured'}")
    found = {
        "health_slowest_seconds": round(max(health.seconds), 2), "health_answers": dict(health.kinds),
        "health_refused": health.kinds.total() - health.kinds["200"],
        "page_of_an_administrator": dict(admin.kinds), "page_slowest_seconds": round(max(admin.seconds), 2),
        "answers_of_the_crowd": dict(sorted(crowd.kinds.items())),
        "memory_mb_before": before, "memory_mb_largest": max(memory), "memory_mb_last": memory[-1],
        "memory_growth": round(max(memory[len(memory) // 2 :]) / max(memory[: len(memory) // 2]), 2),
        "connections_in_transaction": max(held),
    }  # fmt: skip
    if chain is not None:
        found |= {"chain_runs": len(seen), **_tasks(chain, seen)}
    tell(f"  {found}")
    return found


_CONNECTIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
)


@dataclass
class Answers:
    """How long answers took, and how they ended."""

    seconds: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)

    def ask(self, url: str, headers: dict[str, str]) -> None:
        began = time.monotonic()
        try:
            kind = str(requests.get(url, headers=headers, timeout=120, allow_redirects=False).status_code)
        except requests.RequestException as error:
            kind = type(error).__name__
        self.seconds.append(time.monotonic() - began)
        self.kinds[kind] += 1


@dataclass
class Crowd:
    """Viewers who misbehave for some seconds, each in a connection of its own; `kinds` counts how their answers began."""

    address: str
    token: str
    seconds: int
    kinds: Counter[str] = field(default_factory=Counter)

    async def misbehave(self) -> None:
        """Send all of CROWD at once, and go when the seconds are over."""
        ways = (self._ask, self._read_slowly, self._leave, self._send_slowly)
        viewers = [self._again(way, n) for way, number in zip(ways, CROWD.values(), strict=True) for n in range(number)]
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*viewers), self.seconds)

    async def _again(self, way: Callable[[int], Awaitable[None]], n: int) -> None:
        while True:
            try:
                await way(n)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.kinds[type(error).__name__] += 1
                await asyncio.sleep(0.5)
            n += 1

    async def _ask(self, n: int) -> None:
        async with self._opened("GET", PAGES[n % len(PAGES)]) as (reader, _):
            await self._begun(reader)
            await reader.read()
        await asyncio.sleep(0.1)

    async def _read_slowly(self, n: int) -> None:
        async with self._opened("GET", "/findings.csv?tab=all") as (reader, _):
            await self._begun(reader)
            while await reader.read(1024):
                await asyncio.sleep(1)
        await asyncio.sleep(1)

    async def _leave(self, n: int) -> None:
        async with self._opened("GET", PAGES[n % len(PAGES)]):
            await asyncio.sleep(0.05)
        self.kinds["left"] += 1
        await asyncio.sleep(0.2)

    async def _send_slowly(self, n: int) -> None:
        async with self._opened("POST", "/changes/approve", "Content-Length: 1000", FORM) as (reader, writer):
            answered = asyncio.create_task(self._begun(reader))
            while not answered.done():
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(1)
            await answered

    @asynccontextmanager
    async def _opened(
        self, method: str, path: str, *headers: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        place = urlsplit(self.address)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2048)
        lines = (
            f"{method} /magento{path} HTTP/1.1", f"Host: {place.netloc}", f"Authorization: Bearer {self.token}", "Accept: text/html",
            "Connection: close", *headers,
        )  # fmt: skip
        try:
            writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            await writer.drain()
            yield reader, writer
        finally:
            writer.transport.abort()

    async def _begun(self, reader: asyncio.StreamReader) -> None:
        status = await reader.readuntil(b"\r\n")
        self.kinds[status.split(b" ")[1].decode()] += 1


FORM = "Content-Type: application/x-www-form-urlencoded"


def _warm(address: str, headers: dict[str, str]) -> None:
    """Ask for each page once, so that templates are compiled and the pools filled before memory is compared."""
    for page in PAGES:
        requests.get(f"{address}/magento{page}", headers=headers, timeout=120).raise_for_status()


def _memory(server: psutil.Process) -> int:
    """MB of the process and its children, without what they share."""
    total = 0
    for each in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += each.memory_full_info().uss
    return round(total / MEGABYTE)


def _tasks(chain: Chain, keys: list[str]) -> dict[str, int]:
    """How many tasks of these runs ended in which way, and how many needed a second try."""
    found: Counter[str] = Counter()
    for dag_id in (f"{name}__{instance}" for name in (*EXTRACTS, *STAGES) for instance in chain.instances):
        for run in (run for key in keys for run in chain.api.runs(dag_id, key)):
            tasks = chain.api.call("GET", f"dags/{dag_id}/dagRuns/{run.run_id}/taskInstances", params={"limit": 100})
            for task in tasks["task_instances"]:
                found[f"tasks_{task['state']}"] += 1
                found["tasks_tried_again"] += task["try_number"] > 1
    return {"tasks_failed": found["tasks_failed"], **found}


def main(size: str, runs: int, documents: int | None) -> None:
    write("crowd", measure(SECONDS[size]))
