"""The whole stack on a real Airflow: runs are started and judged, what is killed comes back, nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from magodoo.errors import FixConfiguration
from magodoo_devstack import lifecycle, runner
from magodoo_devstack.airflow import Api, RunFailed
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State

DAGS = """
import time
from datetime import UTC, datetime
from airflow.sdk import dag, task

@dag(schedule=None)
def good():
    task(lambda: time.sleep(0.1), task_id="sleep")()

@dag(schedule=None)
def bad():
    @task
    def stumble():
        raise ValueError("order 100000042 has no store")
    stumble()

@dag(schedule="0 0 * * *", start_date=datetime(2024, 1, 1, tzinfo=UTC), catchup=False)
def daily():
    task(lambda: time.sleep(0.1), task_id="sleep")()

good(); bad(); daily()
"""

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Layout, State]]:
    layout = Layout(tmp_path_factory.mktemp("stack"))
    (layout.checkout / "dags").mkdir()
    (layout.checkout / "dags" / "small.py").write_text(DAGS)
    try:
        state = lifecycle.up(layout, Progress())
        lifecycle.api(state).wait_for_dags({"good", "bad", "daily"})
        lifecycle.api(state).switch_on(("good", "bad"))
        yield layout, state
    finally:
        lifecycle.down(layout)


@pytest.fixture
def api(stack: tuple[Layout, State]) -> Api:
    return lifecycle.api(stack[1])


def test_a_run_is_triggered_and_waited_for(api: Api) -> None:
    run = api.wait("good", run_id=api.trigger("good"), seconds=60)
    assert run.state == "success"
    assert api.runs("good")[0] == run


def test_a_failed_run_is_reported_with_the_end_of_its_log(api: Api) -> None:
    with pytest.raises(RunFailed, match="order 100000042 has no store"):
        api.wait("bad", run_id=api.trigger("bad"), seconds=60)


def test_the_next_dag_is_switched_on_when_the_run_of_the_one_before_works(api: Api) -> None:
    begun: list[str] = []

    def next_one() -> Iterator[str]:
        yield "daily"
        (run,) = api.runs("daily")
        tasks = api.call("GET", f"dags/daily/dagRuns/{run.run_id}/taskInstances")["task_instances"]
        begun.extend(task["start_date"] for task in tasks)
        yield "good"

    api.switch_on(next_one())
    assert len(begun) == 1 and begun[0]


def test_a_missing_dag_is_reported_with_the_import_errors(api: Api) -> None:
    with pytest.raises(FixConfiguration, match="no DAG absent"):
        api.wait_for_dags({"absent"}, seconds=0.5)


def test_a_pool_is_made_and_changed(api: Api) -> None:
    for slots in (3, 4):
        api.set_pool("doors", slots)
    assert [pool["slots"] for pool in api.call("GET", "pools")["pools"] if pool["name"] == "doors"] == [4]


def test_a_viewer_cannot_trigger(stack: tuple[Layout, State]) -> None:
    state = stack[1]
    with pytest.raises(FixConfiguration, match="403"):
        Api(state.urls["airflow"], "viewer", state.secrets.viewer).trigger("good")


def test_starting_twice_changes_nothing(stack: tuple[Layout, State]) -> None:
    layout, state = stack
    before = {process.pid for process in runner.marked(layout) if process.name() == "supervisord"}
    assert lifecycle.up(layout, Progress()).ports == state.ports
    assert {process.pid for process in runner.marked(layout) if process.name() == "supervisord"} == before


def test_a_killed_scheduler_comes_back_and_a_killed_runner_leaves_nothing(
    stack: tuple[Layout, State], api: Api
) -> None:
    layout, state = stack
    parent = next(process for process in runner.marked(layout) if process.name() == "supervisord")
    next(child for child in parent.children() if "scheduler" in child.cmdline()).kill()
    api.wait("good", run_id=api.trigger("good"), seconds=90)
    psutil.Process(parent.pid).kill()

    lifecycle.down(layout)

    assert runner.marked(layout) == []
    assert runner.statuses(state) == {}
    assert not any(str(Path(layout.checkout)) in " ".join(_command(process)) for process in psutil.process_iter())


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
