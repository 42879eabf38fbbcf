"""The process runner: supervisor starts, restarts and stops programs; processes that it lost are found by their mark."""

from __future__ import annotations

import configparser
import contextlib
import os
import shlex
import subprocess
import time
import xmlrpc.client
from collections.abc import Iterable
from typing import Any

import psutil

from magodoo.errors import FixConfiguration
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import MARK, Layout
from magodoo_devstack.programs import Program
from magodoo_devstack.state import State


def start(layout: Layout, state: State, programs: list[Program]) -> None:
    """Start the runner itself; no program runs before `start_programs`.

    Raises:
        FixConfiguration: it did not start; its output is in the message.
    """
    layout.make_var()
    for folder in (layout.stack, layout.log, layout.mail, layout.airflow):
        folder.mkdir(parents=True, exist_ok=True)
    layout.mail.chmod(0o700)
    file = layout.stack / "supervisord.conf"
    file.touch(mode=0o600)
    file.chmod(0o600)  # also one that was there: it holds the keys of the programs
    with file.open("w") as out:
        _configuration(state, programs).write(out)
    done = subprocess.run(  # noqa: S603
        [layout.program("supervisord"), "-c", str(file)],
        env=environment(layout, state), cwd=layout.checkout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    deadline = time.monotonic() + 10
    while done.returncode == 0 and time.monotonic() < deadline:
        if is_running(state):
            return
        time.sleep(0.05)
    log = layout.log / "supervisord.log"
    raise FixConfiguration(f"supervisord did not start: {done.stderr or done.stdout}", hint=f"read {log}")


def start_programs(state: State, names: Iterable[str]) -> None:
    """Start programs, all at once; the caller checks whether they are ready."""
    for name in names:
        supervisor(state).startProcess(name, False)


def stop_programs(state: State, names: Iterable[str]) -> None:
    """Stop programs, all at once, without waiting for their end; they stay stopped until `start_programs`."""
    for name in names:
        supervisor(state).stopProcess(name, False)


def statuses(state: State) -> dict[str, str]:
    """Supervisor's state by program name: RUNNING, STARTING, BACKOFF, FATAL, ..."""
    if not is_running(state):
        return {}
    listed: Any = supervisor(state).getAllProcessInfo()
    return {entry["name"]: entry["statename"] for entry in listed}


def pid(state: State, name: str) -> int:
    """Return the process id of a program; 0 while it does not run."""
    info: Any = supervisor(state).getProcessInfo(name)
    return int(info["pid"])


def is_running(state: State) -> bool:
    """Return whether the runner answers."""
    if "supervisor" not in state.ports:
        return False
    try:
        answer: Any = supervisor(state).getState()
    except (OSError, xmlrpc.client.Error):
        return False
    return bool(answer["statename"] == "RUNNING")


def stop(layout: Layout, state: State | None, seconds: float = 45) -> int:
    """Stop every process of this checkout's stack, including those that the runner lost; return how many of these there were."""
    if state and is_running(state):
        _shut_down(state)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(_is_runner(process) for process in marked(layout)):
            time.sleep(0.1)
    return _sweep(layout)


def _is_runner(process: psutil.Process) -> bool:
    """Also False if it ended after it was listed."""
    try:
        return process.name() == "supervisord"
    except psutil.Error:
        return False


def _shut_down(state: State) -> None:
    """Stop all programs at a time, and PostgreSQL, which the others need, after them with the runner.

    The runner's own shutdown alone would stop one program after the other.
    """
    server = supervisor(state)
    for name, word in statuses(state).items():
        if name != "postgres" and word in ("RUNNING", "STARTING"):
            with contextlib.suppress(OSError, xmlrpc.client.Error):
                server.stopProcess(name, False)
    with contextlib.suppress(OSError, xmlrpc.client.Error):
        server.shutdown()


def still_running(layout: Layout) -> str:
    """Return in words what of this checkout's stack still runs."""
    number = len(marked(layout))
    if not number:
        return "nothing runs"
    return f"{number} process{'' if number == 1 else 'es'} of the stack still run{'s' if number == 1 else ''}: make down stops them"


def marked(layout: Layout) -> list[psutil.Process]:
    """Every process that carries this checkout's mark, or works inside its database folder, except our own line."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in own and _is_ours(process, layout)]


def _is_ours(process: psutil.Process, layout: Layout) -> bool:
    """PostgreSQL's children overwrite their environment with their title, but never leave the data folder."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get(MARK) == layout.mark or process.cwd() == str(layout.postgres)
    except (psutil.Error, OSError):
        return False


def _sweep(layout: Layout) -> int:
    swept: set[int] = set()
    for round_, patience in enumerate((8.0, 3.0, 3.0)):
        left = marked(layout)
        if not left:
            break
        swept |= {process.pid for process in left}
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate() if round_ == 0 else process.kill()
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(_is_ours(process, layout) for process in left):
            time.sleep(0.1)
    return len(swept)


def supervisor(state: State) -> Any:
    """Return the runner's own calls, as supervisor documents them."""
    address = f"http://magodoo:{state.secrets.supervisor}@127.0.0.1:{state.ports['supervisor']}/RPC2"
    return xmlrpc.client.ServerProxy(address).supervisor


def _configuration(state: State, programs: list[Program]) -> configparser.RawConfigParser:
    """Paths are relative to the checkout, where the runner starts: supervisor does not accept a percent sign in them."""
    configuration = configparser.RawConfigParser()
    configuration.read_dict(
        {
            "supervisord": {
                "logfile": "var/log/supervisord.log",
                "pidfile": "var/stack/supervisord.pid",
                "childlogdir": "var/log",
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
            # not a socket file: a deep checkout would exceed the length that a socket's path may have
            "inet_http_server": {
                "port": f"127.0.0.1:{state.ports['supervisor']}",
                "username": "magodoo",
                "password": state.secrets.supervisor,
            },
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
            **{f"program:{program.name}": _section(program) for program in programs},
        }
    )
    return configuration


def _section(program: Program) -> dict[str, object]:
    group = str(program.whole_group).lower()
    return {
        "command": shlex.join(program.command).replace("%", "%%"),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": 2,
        "startretries": 10,
        "priority": program.order,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_seconds,
        "stopasgroup": group,
        "killasgroup": group,
        "redirect_stderr": "true",
        "stdout_logfile": f"var/log/{program.name}.log",
        **({"environment": ",".join(_variable(*pair) for pair in program.variables)} if program.variables else {}),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": 2,
    }


def _variable(name: str, value: str) -> str:
    escaped = value.replace("%", "%%").replace('"', '\\"')
    return f'{name}="{escaped}"'
