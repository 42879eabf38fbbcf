"""What a new user meets on the way: each stumble of the first hour is one sentence that says what to do, and loses nothing."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import requests

from magodoo.connectors.failures import Failure, failure_of
from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.magento.connection import MagentoConnection
from magodoo.connectors.odoo.client import OdooClient
from magodoo.connectors.odoo.connection import OdooConnection
from magodoo.errors import BadSettings
from magodoo.pipeline import statement
from magodoo.preflight.results import Outcome, Status, count
from magodoo.settings import Instance, read_settings
from magodoo.staging import connect
from magodoo_devstack import __main__ as stack
from magodoo_devstack import lifecycle, run, runner
from magodoo_devstack.demo import story
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State

CHECKOUT = Path(__file__).resolve().parents[1]
OWN = "instances:\n  us:\n    magento_connection: m\n    odoo_connection: o\n"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout that keeps the data of a stack that was stopped."""
    monkeypatch.delenv("MAGODOO_SETTINGS", raising=False)
    monkeypatch.delenv("YES", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    made = Layout(tmp_path)
    made.make_var()
    for folder in (made.postgres, made.mail):
        folder.mkdir(parents=True)
        (folder / "kept").write_text("kept")
    return made


def state(layout: Layout, *, demo: bool = False) -> State:
    made = State(demo=demo)
    made.choose_ports()
    made.save(layout.stack / "stack.json")
    return made


def test_make_clean_names_what_would_be_lost_and_needs_a_yes(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (layout.checkout / "magodoo.yaml").write_text(OWN)
    state(layout)
    assert stack.clean(layout, Progress()) == 1
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    for lost in ("decisions", "signed statements", "connections with their keys", "the mails", "YES=1 make clean"):
        assert lost in told, lost
    assert (layout.postgres / "kept").exists()
    monkeypatch.setenv("YES", "1")
    assert stack.clean(layout, Progress()) == 0
    assert not layout.postgres.exists() and (layout.checkout / "magodoo.yaml").exists()


def test_make_clean_asks_for_nothing_after_a_demo(layout: Layout) -> None:
    (layout.checkout / "magodoo.yaml").write_text(OWN)
    state(layout, demo=True)
    assert lifecycle.lost(layout) == [] and stack.clean(layout, Progress()) == 0
    assert not layout.postgres.exists()


def test_the_status_of_a_stopped_stack_is_no_error(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert stack.status(layout, Progress()) == 0
    assert "the stack is stopped; make up starts it" in capsys.readouterr().out


def test_down_does_not_frighten(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for swept, said in ((18, "also 18 processes that an earlier start had left"), (1, "also 1 process that")):
        monkeypatch.setattr(lifecycle, "down", lambda _, number=swept: number)
        assert stack.down(layout, Progress()) == 0
        told = capsys.readouterr().out
        assert said in told and "lost" not in told


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Path]:
    """A module that waits, found by name as those of the product are."""
    (tmp_path / "waits.py").write_text("import time\nprint('begun', flush=True)\ntime.sleep(60)\n")
    yield tmp_path


def test_an_interrupted_command_ends_in_one_line_that_says_what_still_runs(waiting: Path) -> None:
    command = [sys.executable, "-m", "magodoo_devstack.run", "waits"]
    given = {**os.environ, "PYTHONPATH": str(waiting)}
    process = subprocess.Popen(
        command, cwd=waiting, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    (line,) = told.strip().splitlines()
    assert re.fullmatch(
        r"interrupted; (nothing runs|\d+ process(es)? of the stack still runs?: make down stops them)", line
    )


def test_an_interrupted_start_says_so_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "up", interrupted)
    monkeypatch.setattr(runner, "marked", lambda _: [None] * 3)
    monkeypatch.setattr("sys.argv", ["stack", "up"])
    assert stack.main() == 130
    assert capsys.readouterr().out.strip() == "interrupted; 3 processes of the stack still run: make down stops them"


def test_a_command_that_needs_the_stack_names_make_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in list(os.environ):
        if name.startswith("AIRFLOW"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setattr(Layout, "here", classmethod(lambda cls: cls(tmp_path)))
    monkeypatch.setattr("sys.argv", ["run", "--needed", "magodoo_airflow.preflight"])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "The local stack does not run. Next: make up\n"


def test_no_sandbox_is_announced_where_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magodoo_devstack.ports.is_free", lambda port: port > 9100 or port == 5433)
    told = " ".join(State().choose_ports(("magento", "odoo")))
    assert "airflow listens on" in told and "magento" not in told and "odoo" not in told
    assert "magento listens on" in " ".join(State().choose_ports())


def test_the_address_in_mails_follows_the_port_that_was_chosen(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    made = state(layout)
    made.urls["airflow"] = "http://localhost:8081"
    given = environment(layout, made)
    monkeypatch.setenv("MAGODOO_UI_URL", given["MAGODOO_UI_URL"])
    file = layout.checkout / "magodoo.yaml"
    file.write_text(OWN)
    assert read_settings(file).ui_url == "http://localhost:8081"
    file.write_text(f"ui_url: https://airflow.example.com\n{OWN}")
    assert read_settings(file).ui_url == "https://airflow.example.com"


def test_a_stack_that_starts_without_settings_finds_those_that_are_drafted_later(layout: Layout) -> None:
    assert environment(layout, state(layout))["MAGODOO_SETTINGS"] == str(layout.checkout / "magodoo.yaml")
    assert environment(layout, state(layout, demo=True))["MAGODOO_SETTINGS"] == str(layout.demo_settings)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("system", ["magento", "odoo"])
@pytest.mark.parametrize(
    ("host", "said"),
    [
        (
            "http://no-such-name.invalid",
            "the name of its server is unknown here; nothing was sent Next: check the spelling",
        ),
        ("http://127.0.0.1:{closed}", "its server refuses the connection; nothing was sent Next: check the port"),
    ],
)
def test_a_server_that_is_not_reached_is_said_by_its_cause(system: str, host: str, said: str) -> None:
    url = host.format(closed=closed_port())
    if system == "magento":
        fields = {"base_url": url, "token": "x", "attempts": 1}
        with MagentoClient(MagentoConnection.from_mapping(fields)) as magento:
            told = str(magento.test_connection(writes=False))
    else:
        with OdooClient.connect(OdooConnection(url, "db", "key", 1, attempts=1)) as odoo:
            told = str(odoo.test_connection())
    assert said in told and "ConnectionError" not in told


def test_a_server_that_does_not_answer_in_time_is_said_so() -> None:
    assert failure_of(requests.ConnectTimeout()) is Failure.CONNECTING_TOOK_TOO_LONG
    assert failure_of(requests.exceptions.ProxyError(socket.gaierror())) is Failure.NOT_CONNECTED, (
        "it is the proxy's name"
    )


def test_a_missing_scheme_is_named_with_what_to_write() -> None:
    with pytest.raises(BadSettings, match="write https:// before the name"):
        MagentoConnection.from_mapping({"base_url": "shop.example.com", "token": "x"})
    with pytest.raises(BadSettings, match="write https:// before the name"):
        OdooConnection("books.example.com", "db", "key", 1)


def test_a_line_of_preflight_has_no_full_stop_and_counts_in_singular_and_plural() -> None:
    outcome = Outcome()
    outcome.warn("The login works, but lacks these resources: a.", "grant it.")
    outcome.warn("another", "do it")
    line = outcome.line("us", "x")
    assert (line.status, line.found, line.todo) == (
        Status.WARNING,
        "The login works, but lacks these resources: a; another",
        "grant it; do it",
    )
    assert Outcome("Connected.").line("us", "x").found == "Connected"
    assert [count(number, "mail waits", "mails wait") for number in (1, 2)] == ["1 mail waits", "2 mails wait"]


def test_no_check_of_preflight_counts_without_its_noun() -> None:
    """A number before a plural noun is wrong for one: such words go through `count`."""
    for file in (CHECKOUT / "include" / "magodoo" / "preflight").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"\{(?:len\([^}]*\)|number|count)\} [a-zA-Z]+s\b", text), file.name


def test_make_erase_takes_every_name_that_erasing_knows() -> None:
    done = subprocess.run(
        ["make", "-n", "erase", "EMAIL=a@example.com", "CUSTOMER=12", "ORDERS=1 2"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '--email "a@example.com" --customer-id "12" --order 1 --order 2' in done.stdout


def test_pages_and_product_agree_on_the_way_to_the_sales_pages() -> None:
    from magodoo_airflow.pages.navigation import external_views

    first = external_views()[0]
    way = f"*Plugins*, *{first['category']}*, *{first['name']}*"
    for page in ("README.md", "docs/tutorial.md"):
        assert way in (CHECKOUT / page).read_text(encoding="utf-8"), page


def test_the_parts_of_the_demo_add_up_to_the_whole() -> None:
    seconds = story.parts(70.0, 1000.0, 1020.5, 1061.0, 1200.0)
    assert seconds == {"install": 70.0, "seed": 20.5, "start": 40.5, "chain": 139.0, "total": 270.0}


@pytest.mark.parametrize(
    ("cut_over", "months"),
    [("2026-11-06", ["2026-11"]), ("2026-12-01", []), ("2026-11-30 23:59", ["2026-11"]), (None, ["2026-11"])],
)
def test_no_statement_is_made_of_a_month_before_the_cut_over(
    staging_url: str, cut_over: str | None, months: list[str]
) -> None:
    fields = {"id": "us", "magento_connection": "m", "odoo_connection": "o"} | (
        {"books_from": cut_over} if cut_over else {}
    )
    engine = connect(staging_url)
    context = SimpleNamespace(
        instance=Instance.model_validate(fields), engine=engine, now=lambda: datetime(2026, 12, 2, 6, tzinfo=UTC)
    )
    assert [str(month) for month in statement.due_months(cast(Any, context))] == months
    engine.dispose()


def test_a_step_that_takes_long_is_seen_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(every=0.05)
    with progress.step("waiting"):
        time.sleep(0.3)
    told = capsys.readouterr().out
    assert told.count("waiting ...") >= 3 and "waiting ... 0 s" in told
