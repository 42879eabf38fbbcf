"""The sales pages under a crowd: what is refused at once, what is never kept waiting, and what a slow reader holds."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pages_double
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages_double import Person
from pages_sales import keep_statement, staged_sales
from sqlalchemy import Engine, text

from magodoo.timestamps import utc_now
from magodoo_airflow.pages import connection, exports, limits
from magodoo_airflow.pages.exports import download
from magodoo_airflow.pages.limits import DOWNLOADS, EXPORTS, LARGEST_FORM, PAGES, PageLimit

FILES = (
    "/list/orders.csv", "/list/invoices.csv", "/findings.csv", "/changes.csv", "/statement/us/2026-10/statement.csv",
    "/statement/us/2026-10/statement.pdf", "/statement/us/2026-10/documents.csv",
)  # fmt: skip
DEADLINE = 15  # seconds, before a test that hangs is ended


@pytest.fixture(scope="module")
def sales(module_staging_url: str) -> Iterator[Engine]:
    with staged_sales(module_staging_url) as engine:
        with engine.begin() as connection:
            keep_statement(connection, utc_now())
        yield engine


@pytest.fixture
def browser(sales: Engine, module_staging_url: str, tmp_path: Path) -> Iterator[Any]:
    with pages_double.client(tmp_path, module_staging_url, "user") as opened:
        yield opened


class SlowReader:
    """Asks for a path as a server would, takes the first message of the body, and no more until it is told to."""

    def __init__(self, browser: Any, path: str) -> None:
        self.app = browser.app
        self.path = path
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.messages: list[dict[str, Any]] = []
        self.thread = threading.Thread(target=lambda: asyncio.run(self.read()), daemon=True)

    def __enter__(self) -> SlowReader:
        self.thread.start()
        assert self.begun.wait(DEADLINE)
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> bytes:
        self.goes_on.set()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()
        return b"".join(message.get("body", b"") for message in self.messages)

    async def read(self) -> None:
        async def receive() -> dict[str, Any]:
            if not asked:
                asked.append(True)
                return {"type": "http.request", "body": b"", "more_body": False}
            await asyncio.sleep(DEADLINE)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.messages.append(message)
            if message["type"] == "http.response.body" and not self.goes_on.is_set():
                self.begun.set()
                while not self.goes_on.is_set():
                    await asyncio.sleep(0.01)

        asked: list[bool] = []
        await self.app(scope_of("GET", self.path), receive, send)


def scope_of(method: str, path: str) -> dict[str, Any]:
    headers = [(b"host", b"testserver"), (b"x-role", b"user"), (b"content-type", b"application/x-www-form-urlencoded")]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": f"/magento{path}",
        "raw_path": f"/magento{path}".encode(), "query_string": b"", "root_path": "", "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }  # fmt: skip


def in_use() -> int:
    return connection.engine().pool.checkedout() + connection.export_engine().pool.checkedout()  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", FILES)
def test_a_slow_reader_of_a_file_holds_no_connection_and_no_transaction(browser: Any, sales: Engine, path: str) -> None:
    whole = browser.get(path)
    assert whole.status_code == 200
    with SlowReader(browser, path) as slow:
        assert in_use() == 0
        assert browser.get("/").status_code == 200
        with sales.connect() as other:
            open_ones = "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
            assert other.execute(text(open_ones)).scalar_one() == 0
        body = slow.finish()
    assert len(body) == int(whole.headers["content-length"])
    assert body == whole.content


def test_more_slow_readers_than_there_are_places_keep_nobody_from_a_page(browser: Any) -> None:
    readers = [SlowReader(browser, "/list/orders.csv") for _ in range(DOWNLOADS)]
    try:
        for slow in readers:
            slow.__enter__()
        refused = browser.get("/list/orders.csv")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        assert "Try again in 30 seconds" in refused.text
        for path in ("/", "/list/orders", "/changes"):
            assert browser.get(path).status_code == 200
    finally:
        for slow in readers:
            slow.finish()
    assert browser.get("/list/orders.csv").status_code == 200


def waiting_for(engine: Engine, number: int) -> None:
    """Wait until so many queries wait for a lock."""
    deadline = time.monotonic() + DEADLINE
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as outside:
        while outside.execute(text(waiting)).scalar_one() < number:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize(("path", "most"), [("/findings", PAGES), ("/", PAGES), ("/findings.csv", EXPORTS)])
def test_what_is_beyond_the_limit_is_refused_at_once_and_the_others_are_served(
    browser: Any, sales: Engine, path: str, most: int
) -> None:
    with ThreadPoolExecutor(most + 20) as crowd:
        with sales.begin() as lock:
            lock.execute(text("lock table finding in access exclusive mode"))
            admitted = [crowd.submit(browser.get, path) for _ in range(most)]
            waiting_for(sales, most)
            beyond = [crowd.submit(browser.get, path) for _ in range(20 if most == PAGES else PAGES - most)]
            refused = [each.result(DEADLINE) for each in beyond]  # while the lock is held
        assert [each.result(DEADLINE).status_code for each in admitted] == [200] * most
    assert {each.status_code for each in refused} == {503}
    assert {each.headers["retry-after"] for each in refused} == {"2" if most == PAGES else "30"}
    assert all("content-security-policy" in each.headers for each in refused)
    assert browser.get(path).status_code == 200


def test_pages_go_on_while_files_are_made(browser: Any, sales: Engine) -> None:
    with ThreadPoolExecutor(EXPORTS) as crowd:
        with sales.begin() as lock:
            lock.execute(text("lock table finding in access exclusive mode"))
            made = [crowd.submit(browser.get, "/findings.csv") for _ in range(EXPORTS)]
            waiting_for(sales, EXPORTS)
            assert browser.get("/changes").status_code == 200
        assert [each.result(DEADLINE).status_code for each in made] == [200] * EXPORTS


def test_an_export_that_fails_gives_its_place_back(
    browser: Any, sales: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LONGEST_EXPORT", "50ms")
    for _ in range(DOWNLOADS + EXPORTS):
        with sales.begin() as lock:
            lock.execute(text("lock table finding in access exclusive mode"))
            assert "This took too long" in browser.get("/findings.csv").text
    monkeypatch.setattr(connection, "LONGEST_EXPORT", "10min")
    assert browser.get("/findings.csv").status_code == 200
    assert in_use() == 0


def test_a_file_that_is_never_sent_gives_its_place_back(browser: Any) -> None:
    def parts() -> Any:
        yield b"x" * (exports.IN_MEMORY + 1)

    for _ in range(DOWNLOADS + 1):
        download(parts(), "text/plain", "never.txt")


def test_without_room_for_the_file_the_answer_says_so(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "IN_MEMORY", 1)
    monkeypatch.setattr("tempfile.tempdir", "/proc/no-such-folder")
    answer = browser.get("/list/orders.csv")
    assert answer.status_code == 507
    assert "no room for this file" in answer.text


def test_a_reader_who_stalls_loses_the_place(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "STALLED", 0.05)
    slow = SlowReader(browser, "/list/orders.csv")
    with pytest.raises(TimeoutError):
        asyncio.run(slow.read())
    assert browser.get("/list/orders.csv").status_code == 200


def test_forms_that_arrive_slowly_keep_nobody_from_a_page(browser: Any) -> None:
    async def never() -> dict[str, Any]:
        begun.release()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answers.append(message)

    async def crowd() -> None:
        nonlocal ended
        ended = asyncio.Event()
        slow = [
            asyncio.create_task(browser.app(scope_of("POST", "/changes/approve"), never, send))
            for _ in range(3 * PAGES)
        ]
        while begun.waiting < 3 * PAGES:
            await asyncio.sleep(0.01)
        answer = await asyncio.to_thread(browser.get, "/changes")
        ended.set()
        await asyncio.gather(*slow)
        assert answer.status_code == 200

    class Begun:
        waiting = 0

        def release(self) -> None:
            self.waiting += 1

    begun, answers, ended = Begun(), [], asyncio.Event()
    asyncio.run(crowd())
    assert {message["status"] for message in answers if message["type"] == "http.response.start"} == {408}


def test_a_form_that_is_too_large_or_too_slow_is_refused(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert browser.post("/changes/approve", content=b"x" * (LARGEST_FORM + 1)).status_code == 413
    monkeypatch.setattr(limits, "SLOWEST_FORM", 0.05)
    answers: list[Any] = []

    async def never() -> dict[str, Any]:
        await asyncio.sleep(DEADLINE)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answers.append(message)

    asyncio.run(browser.app(scope_of("POST", "/changes/approve"), never, send))
    assert answers[0]["status"] == 408


def test_a_form_that_breaks_off_is_not_carried_out(staging_url: str, tmp_path: Path) -> None:
    with staged_sales(staging_url) as engine, pages_double.client(tmp_path, staging_url, "user") as browser:
        person = Person(browser, engine)
        body = f"token={person.token}&reason=because&more=".encode()

        def app_with(messages: list[dict[str, Any]]) -> int:
            answers: list[Any] = []

            async def receive() -> dict[str, Any]:
                return messages.pop(0) if messages else {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                answers.append(message)

            asyncio.run(browser.app(scope_of("POST", "/change/1/reject"), receive, send))
            return int(answers[0]["status"])

        assert app_with([{"type": "http.request", "body": body, "more_body": True}]) == 408
        assert person.one("select state from change where id = 1").state == "planned"
        assert app_with([{"type": "http.request", "body": body, "more_body": False}]) == 303
        assert person.one("select approval from change where id = 1").approval == "rejected"


@given(cuts=st.lists(st.binary(max_size=40), max_size=8))
def test_a_form_arrives_whole_however_it_is_cut(cuts: list[bytes]) -> None:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in cuts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    read: list[bytes] = []

    async def app(scope: Any, receive: Callable[[], Any], send: Any) -> None:
        read.append((await receive())["body"])

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        raise AssertionError(message)

    asyncio.run(PageLimit(app)(scope_of("POST", "/changes/approve"), receive, send))
    assert read == [b"".join(cuts)]
