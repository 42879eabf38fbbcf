"""`idle`: what a scheduled run of the whole chain costs when nothing was changed for longer than the overlap, through a running Airflow with the sandboxes.

Requests per side are those that the sandboxes received; task seconds are Airflow's own of every task of the five DAGs, starting
their processes included.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import requests

from bench.contest import CHECKOUT, VAR, median, tell
from bench.entry import Entry, write
from magodoo.settings import read_settings
from magodoo_devstack import lifecycle
from magodoo_devstack.airflow import Api
from magodoo_devstack.demo import story
from magodoo_devstack.demo.chain import EXTRACTS, STAGES, Chain
from magodoo_devstack.demo.shop import instances
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State

SIZES = {"quick": 40, "full": 300}
SIDES = ("magento", "odoo")


def measure(orders: int, runs: int) -> Entry:
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR) as folder:
        layout = Layout(Path(folder))
        (layout.checkout / "dags").symlink_to(CHECKOUT / "dags")
        try:
            _, state = story.run(layout, Progress(), orders=orders, seed=12)
            chain = Chain(lifecycle.api(state), instances(layout))
            _rest(chain, state)
            found = [idle_run(chain, state) for _ in range(runs)]
        finally:
            lifecycle.down(layout)
    return Entry(None, None, _summary(found), {}, orders, runs)


def _rest(chain: Chain, state: State) -> None:
    """Measure a run, the overlap, and a run: what was written last is read once more after the overlap, and from then on known for sure."""
    assert state.settings is not None
    overlap = max(
        max(each.magento_overlap_seconds, each.odoo_overlap_seconds)
        for each in read_settings(state.settings).instances.values()
    )
    idle_run(chain, state)
    tell(f"  waiting for {overlap} seconds, the overlap")
    time.sleep(overlap + 5)
    idle_run(chain, state)


def idle_run(chain: Chain, state: State) -> dict[str, Any]:
    """One run of the chain once nothing of it runs: requests by side, task seconds by DAG and task, what was changed."""
    chain.settle()
    for side in SIDES:
        _log(state, side, "DELETE")
    key = chain.run()
    chain.settle()
    asked = {side: _log(state, side, "GET")["requests"] for side in SIDES}
    seconds = task_seconds(chain.api, chain.instances, key)
    found = {
        "requests": {side: len(entries) for side, entries in asked.items()},
        "paths": {side: dict(Counter(f"{each['method']} {each['path']}" for each in entries)) for side, entries in asked.items()},
        "tasks": seconds,
        "task_seconds": round(sum(seconds.values()), 2),
    }  # fmt: skip
    tell(f"  {key}: {found['requests']}, {found['task_seconds']} s of tasks")
    return found


def task_seconds(api: Api, names: list[str], key: str) -> dict[str, float]:
    """Seconds of each task that ran for this partition, `dag.task`."""
    took: dict[str, float] = {}
    for dag_id in (f"{name}__{instance}" for name in (*EXTRACTS, *STAGES) for instance in names):
        for run in api.runs(dag_id, key):
            listed = api.call("GET", f"dags/{dag_id}/dagRuns/{run.run_id}/taskInstances", params={"limit": 100})
            for task in listed["task_instances"]:
                if task["duration"] is not None:
                    name = f"{dag_id}.{task['task_id']}"
                    took[name] = round(took.get(name, 0) + task["duration"], 3)
    return took


def _log(state: State, side: str, method: str) -> Any:
    answer = requests.request(
        method, f"{state.urls[side]}/__sandbox__/log", headers={"X-Sandbox-Key": state.secrets.control}, timeout=60
    )
    answer.raise_for_status()
    return answer.json()


def _summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the most requests of any run; the median of the seconds."""
    names = sorted({name for run in found for name in run["tasks"]})
    return {
        "requests": {side: max(run["requests"][side] for run in found) for side in SIDES},
        "task_seconds": median([run["task_seconds"] for run in found]),
        "tasks": {name: median([run["tasks"].get(name, 0.0) for run in found]) for name in names},
        "paths": found[-1]["paths"],
    }


def main(size: str, runs: int, documents: int | None) -> None:
    write("idle", measure(documents or SIZES[size], runs))
