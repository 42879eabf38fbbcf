"""What the stack remembers: ports that are free, secrets that nobody else can read."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from magodoo_devstack import ports
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import MARK, Layout
from magodoo_devstack.state import PREFERRED, State


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_a_port_in_use_is_reported_and_another_one_is_taken() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        chosen = ports.choose(port)
    assert chosen != port


def test_no_two_services_get_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("magodoo_devstack.state.PREFERRED", dict.fromkeys(PREFERRED, 18080))
    state = State()
    told = state.choose_ports()
    assert len(set(state.ports.values())) == len(PREFERRED)
    assert all("18080" in line for line in told)


def test_two_stacks_that_start_at_once_take_turns() -> None:
    """Each would find the same ports free; a process of its own plays the second stack."""
    ask = "from magodoo_devstack import ports\nwith ports.taking_turns(): print('mine', flush=True)"
    with ports.taking_turns():
        second = subprocess.Popen([sys.executable, "-c", ask], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=1.5)
    assert second.communicate(timeout=10)[0] == b"mine\n"


def test_only_the_owner_can_read_the_passwords(layout: Layout) -> None:
    file = layout.stack / "stack.json"
    State().save(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_saved_state_is_read_again(layout: Layout) -> None:
    state = State()
    state.choose_ports()
    state.save(layout.stack / "stack.json")
    assert State.load(layout.stack / "stack.json") == state


def test_two_stacks_have_no_secret_in_common() -> None:
    first, second = State().secrets.model_dump(), State().secrets.model_dump()
    assert not set(first.values()) & set(second.values())


def test_the_environment_carries_the_mark_and_nothing_foreign_of_airflow(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "SequentialExecutor")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    state = State()
    state.choose_ports()
    given = environment(layout, state)
    assert given[MARK] == layout.mark
    assert given["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "PYTHONDONTWRITEBYTECODE" not in given


def test_a_settings_file_named_by_the_caller_takes_precedence(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAGODOO_SETTINGS", raising=False)
    assert layout.own_settings is None
    (layout.checkout / "magodoo.yaml").write_text("instances: {}\n")
    assert layout.own_settings == layout.checkout / "magodoo.yaml"
    monkeypatch.setenv("MAGODOO_SETTINGS", "/elsewhere/shop.yaml")
    assert layout.own_settings == Path("/elsewhere/shop.yaml")
