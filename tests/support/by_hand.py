"""What a person does with DAG runs in Airflow (clear, trigger, stop, backfill), and what must stay as it was."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import requests
from sqlalchemy import Engine, text

from magodoo_devstack.airflow import Api, Run
from magodoo_devstack.demo.chain import EXTRACTS, STAGES, Chain
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State

INSTANCE = "us"
BACKFILL = f"sales_backfill__{INSTANCE}"
CHAIN = tuple(f"{name}__{INSTANCE}" for name in (*EXTRACTS, *STAGES))
PATIENCE = 600
_STATE = {
    "documents": "select side, kind, count(*), sum(grand_total) from document where deleted_at is null group by 1, 2",
    "pairs": "select kind, magento_id, odoo_id from pair where ended_at is null",
    "findings": "select type, kind, coalesce(part, ''), coalesce(order_number, ''), coalesce(magento_number, ''),"
    " coalesce(odoo_number, '') from finding where resolved_at is null",
    "changes": "select kind, state, source_id from change where state <> 'superseded'",
    "watermarks": "select side, kind, stamp from watermark",
}


class Hand:
    """One person at the UI of a stack that runs the demo."""

    def __init__(self, layout: Layout, api: Api, database: Engine) -> None:
        self.layout, self.api, self.database = layout, api, database
        state = State.load(layout.stack / "stack.json")
        assert state is not None
        self.state: State = state
        self.chain = Chain(api, [INSTANCE], seconds=PATIENCE)

    def end_state(self) -> dict[str, Any]:
        """What is in staging and in both systems once nothing of the chain runs."""
        self.chain.settle()
        with self.database.connect() as connection:
            found: dict[str, Any] = {
                name: sorted(map(str, connection.execute(text(query)))) for name, query in _STATE.items()
            }
        for side in ("magento", "odoo"):
            found[f"writes to {side}"] = self._writes(side)
        return found

    def _writes(self, side: str) -> int:
        answer = requests.get(
            f"{self.state.urls[side]}/__sandbox__/log",
            headers={"X-Sandbox-Key": self.state.secrets.control},
            timeout=60,
        )
        done = [
            entry for entry in answer.json()["requests"] if entry["status"] == 200
        ]  # preflight asks for what is refused
        paths = [(entry["method"], str(entry["path"]).rsplit("/", 1)[-1]) for entry in done]
        if side == "magento":
            return sum(method != "GET" for method, _ in paths)
        return sum(name.startswith(("load", "write", "create", "unlink", "action_", "button_")) for _, name in paths)

    def clear(self, dag_id: str, run_id: str, tasks: Sequence[str] = (), *, only_failed: bool = False) -> int:
        """Clear a run's tasks (all without names) with what follows them; returns how many."""
        body = {
            "dry_run": False, "dag_run_id": run_id, "only_failed": only_failed, "reset_dag_runs": True,
            "task_ids": list(tasks) or None, "include_downstream": bool(tasks),
        }  # fmt: skip
        return len(self.api.call("POST", f"dags/{dag_id}/clearTaskInstances", json=body)["task_instances"])

    def stop(self, dag_id: str, run_id: str) -> None:
        """Mark a run as failed."""
        self.api.call("PATCH", f"dags/{dag_id}/dagRuns/{run_id}", json={"state": "failed"})

    def last_good(self, dag_id: str) -> Run:
        return next(run for run in self.api.runs(dag_id) if run.state == "success")

    def ran(self, dag_id: str, task_id: str) -> Run:
        """The first run in which this task did something."""
        for run in reversed(self.api.runs(dag_id)):
            if self.states(dag_id, run.run_id).get(task_id) == "success":
                return run
        raise AssertionError(f"{dag_id}.{task_id} never ran")

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        """State by task; of a mapped one, that of its last index."""
        listed = self.api.call("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 100})
        return {task["task_id"]: task["state"] for task in listed["task_instances"]}

    def wait_for_state(self, dag_id: str, run_id: str, task_id: str, wanted: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := self.states(dag_id, run_id).get(task_id)) != wanted:
            assert time.monotonic() < deadline, f"{dag_id}.{task_id} is {found}"
            time.sleep(0.3)

    def wait_for_chunk(self, dag_id: str, run_id: str, chunk: int) -> str:
        """Until a chunk of a backfill is done; the name of its mapped task, which logs the progress."""
        deadline = time.monotonic() + PATIENCE
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        while True:
            listed = self.api.call("GET", path, params={"limit": 100})["task_instances"]
            found = [one for one in listed if (one["task_id"], one["map_index"]) == ("chunk.progress", chunk)]
            if found and found[0]["state"] == "success":
                return str(found[0]["rendered_map_index"])
            assert time.monotonic() < deadline, f"chunk {chunk}: {found}"
            time.sleep(0.3)

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.api.call("GET", path, params={"deserialize": "true"})["value"]

    def page(self, path: str) -> str:
        """A sales page, asked for as the API's user."""
        answer = self.api.session.get(f"{self.api.url}/magento/{path}", timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return answer.text

    def log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """The log of a task's first try."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/1"
        content = self.api.call("GET", path, params={"full_content": "true"})["content"]
        return "\n".join(entry["event"] if isinstance(entry, dict) else str(entry) for entry in content)

    def backfill(self, dag_id: str, first: datetime, last: datetime) -> int:
        """Airflow's own backfill, from the UI; returns its id."""
        body = {
            "dag_id": dag_id, "from_date": first.isoformat(), "to_date": last.isoformat(), "reprocess_behavior": "completed",
            "max_active_runs": 4,
        }  # fmt: skip
        return int(self.api.call("POST", "backfills", json=body)["id"])

    def backfill_by_command(self, dag_id: str, first: datetime, last: datetime) -> None:
        """`airflow backfill create`."""
        command = [
            self.layout.program("airflow"), "backfill", "create", "--dag-id", dag_id, "--from-date", first.isoformat(),
            "--to-date", last.isoformat(), "--reprocess-behavior", "completed",
        ]  # fmt: skip
        done = subprocess.run(
            command, env=environment(self.layout, self.state), cwd=self.layout.checkout, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]

    def wait_for_backfill(self, dag_id: str, keys: Sequence[str]) -> None:
        """Until the backfill's run of every key has ended well, and Airflow has noticed: a DAG has one backfill at a time."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            runs = {run.partition_key: run.state for run in self.api.runs(dag_id) if run.run_id.startswith("backfill")}
            assert "failed" not in runs.values(), runs
            listed = self.api.call("GET", "backfills", params={"dag_id": dag_id})["backfills"]
            if all(runs.get(key) == "success" for key in keys) and all(each["completed_at"] for each in listed):
                return
            time.sleep(0.5)
        raise AssertionError(f"{dag_id}: {runs} after {PATIENCE} s")
