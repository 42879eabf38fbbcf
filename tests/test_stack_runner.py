"""The process runner: restarts what dies, and leaves nothing behind whatever was killed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from magodoo_devstack import runner
from magodoo_devstack.layout import Layout
from magodoo_devstack.programs import Program, programs
from magodoo_devstack.state import State

FORKS = "import os, time; os.fork(); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Layout, State]]:
    layout, state = Layout(tmp_path), State()
    state.choose_ports()
    programs = [
        Program("forks", (sys.executable, "-c", FORKS)),
        Program("stubborn", (sys.executable, "-c", STUBBORN), stop_seconds=1),
    ]
    runner.start(layout, state, programs)
    runner.start_programs(state, ["forks", "stubborn"])
    wait_until(lambda: len(runner.marked(layout)) == 4)
    yield layout, state
    runner.stop(layout, state)


def test_a_killed_program_is_started_again(started: tuple[Layout, State]) -> None:
    layout, state = started
    victim = next(process for process in runner.marked(layout) if STUBBORN in process.cmdline())
    victim.kill()
    wait_until(lambda: any(STUBBORN in p.cmdline() and p.pid != victim.pid for p in runner.marked(layout)))
    assert set(runner.statuses(state)) == {"forks", "stubborn"}


def test_stopping_ends_every_process_and_its_children(started: tuple[Layout, State]) -> None:
    layout, state = started
    runner.stop(layout, state)
    assert runner.marked(layout) == []
    assert runner.statuses(state) == {}


@pytest.mark.parametrize("victims", ["supervisord", "all"])
def test_stopping_finds_processes_whose_runner_was_killed(started: tuple[Layout, State], victims: str) -> None:
    layout, state = started
    parent = next(process for process in runner.marked(layout) if process.name() == "supervisord")
    for process in [parent, *(parent.children() if victims == "all" else [])]:
        process.kill()

    swept = runner.stop(layout, state)

    assert swept >= 1
    assert runner.marked(layout) == []


def test_the_sweep_spares_other_checkouts(
    started: tuple[Layout, State], tmp_path_factory: pytest.TempPathFactory
) -> None:
    layout, _ = started
    assert runner.stop(Layout(tmp_path_factory.mktemp("other")), None) == 0
    assert len(runner.marked(layout)) == 4


def test_a_path_may_contain_a_percent_sign_and_a_blank(tmp_path: Path) -> None:
    checkout = tmp_path / "50% of my work"
    checkout.mkdir()
    layout, state = Layout(checkout), State()
    state.choose_ports()
    runner.start(layout, state, [Program("one", (sys.executable, "-c", STUBBORN, "100%"), stop_signal="KILL")])
    runner.start_programs(state, ["one"])
    wait_until(lambda: any("100%" in process.cmdline() for process in runner.marked(layout)))
    runner.stop(layout, state)
    assert runner.marked(layout) == []


def wait_until(true: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not come true")


def test_no_secret_is_on_a_command_line_and_what_is_kept_is_closed(tmp_path: Path) -> None:
    layout, state = Layout(tmp_path), State()
    state.choose_ports()
    layout.demo.mkdir(parents=True)
    layout.var.chmod(0o755)
    (layout.demo / "magento.json").touch()
    layout.make_var()
    assert layout.var.stat().st_mode & 0o777 == 0o700
    secrets = [value for value in state.secrets.model_dump().values() if value]
    started = programs(layout, state)
    assert {"sandbox-magento", "sandbox-odoo"} <= {each.name for each in started}
    for each in started:
        assert not [word for word in each.command if any(value in word for value in secrets)], each.name
