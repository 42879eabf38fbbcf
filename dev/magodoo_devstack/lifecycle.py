"""Bringing the stack up and down."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from magodoo import staging
from magodoo.errors import FixConfiguration, MagodooError
from magodoo_devstack import ports, runner
from magodoo_devstack.airflow import Api
from magodoo_devstack.environment import ODOO_DATABASE, cluster_of, environment, odoo_of, write_logins
from magodoo_devstack.layout import Layout
from magodoo_devstack.programs import AIRFLOW, ODOO, programs
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State

STEPS = 4
HEALTHY_SECONDS = 600  # 180 were not enough on two cores with a load of 46
POOLS = {"magodoo_magento": 2, "magodoo_odoo": 2}


def up(layout: Layout, progress: Progress) -> State:
    """Start everything and return once Airflow is healthy; what runs already is not restarted.

    Raises:
        FixConfiguration: a part cannot be started; the message names its log.
    """
    with ports.taking_turns():
        return _up(layout, progress)


def _up(layout: Layout, progress: Progress) -> State:
    state = State.load(layout.stack / "stack.json")
    if state and runner.is_running(state):
        progress.note("the stack runs already")
        return state
    runner.stop(layout, state)
    state = _prepare(layout, progress, state)
    listed = programs(layout, state)
    cluster = cluster_of(layout, state)
    with progress.step("PostgreSQL"):
        cluster.create()
        runner.start(layout, state, listed)
        runner.start_programs(state, (program.name for program in listed if program.name not in (*AIRFLOW, ODOO)))
        if not cluster.wait(seconds=60):
            raise FixConfiguration("PostgreSQL does not answer.", hint=f"read {layout.log / 'postgres.log'}")
        cluster.create_database("airflow")
        cluster.create_database("magodoo")
    if state.odoo_build:
        with progress.step(f"Odoo {state.odoo_build}, over the same PostgreSQL"):
            _start_odoo(layout, state)
    with progress.step("databases of Airflow and of magodoo"), _failures_of(layout):
        migrate(layout, state)
    with progress.step("Airflow: api-server, scheduler, dag-processor, triggerer") as detail, _failures_of(layout):
        runner.start_programs(state, AIRFLOW)
        api(state).wait_healthy(seconds=HEALTHY_SECONDS)
        for name, slots in POOLS.items():
            api(state).set_pool(name, slots, "calls to an outside system at a time")
        _all_run(layout, state)
        detail(state.urls["airflow"])
    return state


def _start_odoo(layout: Layout, state: State) -> None:
    """Restore the demo's Odoo database into the stack's PostgreSQL, unless it is there already, and start Odoo."""
    cluster = cluster_of(layout, state)
    if not cluster.has_database(ODOO_DATABASE):
        cluster.restore(layout.odoo_dump, ODOO_DATABASE)
    runner.start_programs(state, (ODOO,))
    if not odoo_of(layout, state).answers(seconds=90):
        raise FixConfiguration("Odoo does not answer.", hint=f"read {layout.log / ODOO}.log")


def down(layout: Layout) -> int:
    """Stop everything, whatever was killed before; return how many processes the runner did not know."""
    return runner.stop(layout, State.load(layout.stack / "stack.json"))


def lost(layout: Layout) -> list[str]:
    """Return in words what `clean` would remove of a shop of one's own; nothing where there is only a demo's."""
    state = State.load(layout.stack / "stack.json")
    if (state and state.demo) or not layout.own_settings:
        return []
    kept = {
        layout.postgres: "the databases: staged documents, decisions, signed statements, and Airflow's connections with their keys and runs",
        layout.mail: "the mails in var/mail",
        layout.var / "data_docs": "the Data Docs",
        layout.airflow: "Airflow's task logs",
    }
    return [words for folder, words in kept.items() if folder.is_dir() and any(folder.iterdir())]


def clean(layout: Layout) -> None:
    """Stop everything and remove what it keeps; what others keep below `var` (a live Odoo, running tests) stays.

    Raises:
        FixConfiguration: another account made the files.
    """
    down(layout)
    for folder in layout.kept:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            raise FixConfiguration(
                f"{error.filename} cannot be removed.", hint="make clean as who started it"
            ) from None


def api(state: State) -> Api:
    """Return the REST API of the stack's Airflow, as admin."""
    return Api(state.urls["airflow"], "admin", state.secrets.admin)


def migrate(layout: Layout, state: State) -> None:
    """Bring Airflow's schema and the staging schema up to date, both at a time.

    Raises:
        FixConfiguration: one of them failed; its output is in the message.
    """
    with (layout.log / "migrate.log").open("ab") as out:
        airflow = subprocess.Popen(  # noqa: S603
            [layout.program("airflow"), "db", "migrate"],
            env=environment(layout, state), cwd=layout.checkout, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            staging.migrate(cluster_of(layout, state).url("magodoo"))
        finally:
            airflow.wait()
    if airflow.returncode:
        raise FixConfiguration("`airflow db migrate` failed.", hint=f"read {layout.log / 'migrate.log'}")


def _prepare(layout: Layout, progress: Progress, state: State | None) -> State:
    layout.make_var()
    with progress.step("ports and passwords") as detail:
        if state is None and (layout.postgres / "PG_VERSION").exists():
            raise FixConfiguration(
                f"{layout.postgres} is there, but the file with its password, {layout.stack / 'stack.json'}, is not.",
                hint="make clean",
            )
        state = state or State()
        state.settings = layout.demo_settings if state.demo else layout.own_settings
        absent = () if (layout.demo / "magento.json").exists() else ("magento", "odoo")
        for note in state.choose_ports(absent):
            detail(note)
        state.save(layout.stack / "stack.json")
        write_logins(layout, state)
    return state


def _all_run(layout: Layout, state: State) -> None:
    for name, word in runner.statuses(state).items():
        if word not in ("RUNNING", "STARTING"):
            raise FixConfiguration(f"{name} does not run: {word}.", hint=f"read {layout.log / name}.log")


@contextmanager
def _failures_of(layout: Layout) -> Iterator[None]:
    try:
        yield
    except MagodooError as error:
        raise FixConfiguration(str(error), hint=f"read the logs in {layout.log}") from error
