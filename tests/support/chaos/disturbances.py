"""What happens to the stack while documents are written, each under the name that it is counted as.

A disturbance acts, waits where it needs to, and takes itself back. It returns whether it struck.
"""

from __future__ import annotations

import contextlib
import random
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator

import psutil
import psycopg2

from chaos.stage import SCHEDULER, Stage
from magodoo.errors import MagodooError
from magodoo_devstack import runner

Disturbance = Callable[[Stage, random.Random], bool]
MONTH = 31  # days
CLOCKS = (-3600, -300, -60, 60, 300, 3600)  # seconds
NO_SPACE = b"No space left on device"
FOUND_WITHIN = 30  # seconds in which a task that is to be killed must show itself


def _kill_program(name: str) -> Disturbance:
    def strike(stage: Stage, dice: random.Random) -> bool:
        return kill(runner.pid(stage.state, name))

    return strike


def _kill_executor(stage: Stage, dice: random.Random) -> bool:
    """A process of the executor, while a task of its runs; that task goes on without it, or ends."""
    return kill(_soon(lambda: [each.pid for each in _executors(stage) if each.children()], dice))


def _kill_task(stage: Stage, dice: random.Random) -> bool:
    """The process of a task."""
    return kill(_soon(lambda: [task.pid for each in _executors(stage) for task in each.children()], dice))


def _kill_connection(stage: Stage, dice: random.Random) -> bool:
    """The server process of a connection to our database; PostgreSQL then ends all connections and recovers."""

    def connections() -> list[int]:
        with contextlib.suppress(psycopg2.Error):
            connection = stage.cluster.connect("postgres")
            with contextlib.closing(connection), connection.cursor() as cursor:
                cursor.execute(
                    "select pid from pg_stat_activity where datname = 'magodoo' and backend_type = 'client backend'"
                )
                return [pid for (pid,) in cursor.fetchall()]
        return []

    return kill(_soon(connections, dice))


def _restart_database(stage: Stage, dice: random.Random) -> bool:
    """As an administrator does: all connections are ended, and the server is away for some seconds."""
    server = runner.supervisor(stage.state)
    with contextlib.suppress(xmlrpc.client.Fault):  # it does not run, or starts
        server.stopProcess("postgres")
    time.sleep(dice.uniform(0, 6))
    with contextlib.suppress(xmlrpc.client.Fault):
        server.startProcess("postgres", False)
    return True


def fill_disk(stage: Stage, dice: random.Random) -> bool:
    """The database's disk has no byte left for a while. It struck if PostgreSQL says so: what it has reserved may last longer."""
    log = stage.layout.log / "postgres.log"
    before = log.read_bytes().count(NO_SPACE)
    stage.disk.fill()
    time.sleep(dice.uniform(5, 20))
    stage.disk.free()
    return log.read_bytes().count(NO_SPACE) > before


def _move_clock(stage: Stage, dice: random.Random) -> bool:
    """The clock of the scheduler and its tasks is moved against that of the database and of the other processes, and back."""
    stage.clocks.skew = dice.choice(CLOCKS)
    stage.clocks.apply()
    time.sleep(dice.uniform(5, 30))
    stage.clocks.skew = 0
    stage.clocks.apply()
    return True


def _second_scheduler(stage: Stage, dice: random.Random) -> bool:
    """A second one for the rest of the round."""
    stage.start_a_second_scheduler()
    return True


KILLED = {
    "api-server killed": _kill_program("airflow-api-server"),
    "scheduler killed": _kill_program(SCHEDULER),
    "DAG processor killed": _kill_program("airflow-dag-processor"),
    "triggerer killed": _kill_program("airflow-triggerer"),
    "PostgreSQL killed": _kill_program("postgres"),
    "executor's process killed": _kill_executor,
    "task killed": _kill_task,
    "database connection's process killed": _kill_connection,
}
DURING: dict[str, Disturbance] = {
    **KILLED,
    "PostgreSQL restarted": _restart_database,
    "database's disk filled and freed": fill_disk,
    "clock of scheduler and tasks moved": _move_clock,
    "second scheduler": _second_scheduler,
}


# Before a round, when nothing runs


def pause_a_month(stage: Stage, dice: random.Random, live: Callable[[], None]) -> bool:
    """All DAGs are off while both systems live for a month; `live` is called on some of its days."""
    stage.chain.settle()
    stage.pause(True)
    days = set(dice.sample(range(MONTH), 4))
    for day in range(MONTH):
        stage.clocks.theirs += 86400
        stage.clocks.set(stage.made)
        if day in days:
            live()
    stage.clocks.ours += MONTH * 86400
    stage.clocks.apply()
    time.sleep(3)  # until every process has read it
    stage.api.wait_healthy(240)
    stage.pause(False)
    return True


def restore_a_backup(stage: Stage, dice: random.Random, live: Callable[[], None]) -> bool:
    """Our database becomes what it was some rounds ago, while documents were written; Airflow's and both systems stay."""
    if len(stage.backups) < 2:
        return False
    stage.chain.settle()
    stage.pause(True)
    stage.cluster.drop_database("magodoo")
    stage.cluster.restore(dice.choice(stage.backups[:-1]), "magodoo")
    stage.pause(False)
    live()
    return True


BEFORE = {"all DAGs paused for a month": pause_a_month, "old backup restored": restore_a_backup}


def back_up(stage: Stage) -> None:
    """Dump our database as it is at this moment; the disturbances of others may prevent it."""
    file = stage.layout.var / f"backup-{len(stage.backups)}.dump"
    with contextlib.suppress(MagodooError):
        stage.cluster.dump("magodoo", file)
        stage.backups.append(file)


def plan(rounds: int, dice: random.Random) -> Iterator[tuple[str, list[str]]]:
    """What happens in each round: before it ("" for nothing) and during it, one to three at a time; every kind equally often."""
    during, before = _bag(list(DURING), dice), _bag(list(BEFORE), dice)
    for number in range(1, rounds + 1):
        yield next(before) if number % 5 == 0 else "", [next(during) for _ in range(dice.choice((1, 2, 2, 3)))]


def _bag(names: list[str], dice: random.Random) -> Iterator[str]:
    while True:
        yield from dice.sample(names, len(names))


def _executors(stage: Stage) -> Iterable[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(runner.pid(stage.state, SCHEDULER)).children()
    return []


def _soon(find: Callable[[], list[int]], dice: random.Random) -> int:
    """One of the processes that `find` finds, as soon as there is one; 0 when none shows itself."""
    deadline = time.monotonic() + FOUND_WITHIN
    while time.monotonic() < deadline:
        with contextlib.suppress(psutil.NoSuchProcess):
            if found := find():
                time.sleep(dice.uniform(0, 1.5))
                return dice.choice(found)
        time.sleep(0.1)
    return 0


def kill(pid: int) -> bool:
    """SIGKILL. Whether there was such a process."""
    if not pid:
        return False
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return False
    return True
