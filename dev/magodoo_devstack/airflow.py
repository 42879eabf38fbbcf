"""Airflow's REST API, as far as starting and watching runs needs it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from magodoo.errors import FixConfiguration, MagodooError, Unavailable

FINISHED = frozenset({"success", "failed"})
# A busy machine answers late: reads are repeated, writes never.
ASK_AGAIN = Retry(total=3, connect=0, read=3, status=0, other=0, allowed_methods={"GET"}, backoff_factor=0.5)
COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


@dataclass(frozen=True)
class Run:
    """One run of a DAG; `seconds` is None until it has finished."""

    dag_id: str
    run_id: str
    state: str
    partition_key: str | None
    seconds: float | None

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


class RunFailed(MagodooError):
    """A run failed; the message holds the end of the failed task's log."""


class Api:
    """A client of one Airflow, logged in by name and password (SimpleAuthManager or FAB).

    Args:
        url: Airflow's address, for example http://localhost:8080
        user: login
        password: of that login
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self.login = {"username": user, "password": password}
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http", HTTPAdapter(max_retries=ASK_AGAIN))

    def wait_healthy(self, seconds: float = 120) -> None:
        """Wait until the database, the scheduler, the DAG processor and the triggerer are healthy.

        Raises:
            Unavailable: they are not, after `seconds`; the message names it.
        """
        deadline = time.monotonic() + seconds
        report: dict[str, Any] = {}
        while time.monotonic() < deadline:
            try:
                answer = self.session.get(f"{self.url}/api/v2/monitor/health", timeout=10)
                report = answer.json()
            except (requests.RequestException, ValueError):
                time.sleep(0.25)
                continue
            if all((report.get(name) or {}).get("status") == "healthy" for name in COMPONENTS):
                return
            time.sleep(0.25)
        raise Unavailable(f"Airflow at {self.url} is not healthy after {seconds:.0f} s: {report or 'no answer'}")

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request below /api/v2, logged in; the parsed answer, or None where it has no body.

        A GET without an answer is repeated: an api-server with one worker may not respond for a minute on a busy machine.

        Raises:
            FixConfiguration: Airflow refused it; its message is included.
            Unavailable: Airflow did not answer.
        """
        for last in (False, False, True):
            if "Authorization" not in self.session.headers:
                self._log_in()
            try:
                answer = self.session.request(method, f"{self.url}/api/v2/{path}", timeout=60, **options)
            except requests.Timeout as error:
                if last or method != "GET":
                    raise Unavailable(str(error), call=f"{method} {path}") from error
                continue
            except requests.RequestException as error:
                raise Unavailable(str(error), call=f"{method} {path}") from error
            if answer.status_code != 401 or last:
                break
            del self.session.headers["Authorization"]
        if not answer.ok:
            raise FixConfiguration(f"{answer.status_code} {answer.text[:500]}", call=f"{method} {path}")
        return answer.json() if answer.content else None

    def trigger(self, dag_id: str, partition_key: str | None = None, conf: dict[str, Any] | None = None) -> str:
        """Start a run and return its id."""
        body = {"logical_date": None, "conf": conf or {}, "partition_key": partition_key}
        return str(self.call("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def runs(self, dag_id: str, partition_key: str | None = None) -> list[Run]:
        """Return the DAG's runs, the newest first; with a key, only those of that partition."""
        listed = self.call("GET", f"dags/{dag_id}/dagRuns", params={"order_by": "-id", "limit": 100})["dag_runs"]
        runs = [
            Run(entry["dag_id"], entry["dag_run_id"], entry["state"], entry.get("partition_key"), entry.get("duration"))
            for entry in listed
        ]
        return [run for run in runs if partition_key is None or run.partition_key == partition_key]

    def run(self, dag_id: str, run_id: str) -> Run:
        """One run."""
        entry = self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")
        return Run(dag_id, run_id, entry["state"], entry.get("partition_key"), entry.get("duration"))

    def wait(
        self, dag_id: str, *, run_id: str | None = None, partition_key: str | None = None, seconds: float = 300
    ) -> Run:
        """Wait for a run, named by its id or by its partition, to succeed.

        Raises:
            RunFailed: it failed.
            Unavailable: it has not finished (or not begun) after `seconds`.
        """
        deadline = time.monotonic() + seconds
        found: Run | None = None
        while time.monotonic() < deadline:
            found = self.run(dag_id, run_id) if run_id else next(iter(self.runs(dag_id, partition_key)), None)
            if found and found.finished:
                if found.state == "failed":
                    raise RunFailed(self.describe_failure(found))
                return found
            time.sleep(0.3)
        raise Unavailable(
            f"{dag_id} {run_id or partition_key}: {found.state if found else 'no run'} after {seconds:.0f} s"
        )

    def describe_failure(self, run: Run, lines: int = 30) -> str:
        """Return what failed in a run: each failed task with the end of its log."""
        tasks = self.call("GET", f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances", params={"limit": 100})
        report = [f"{run.dag_id} {run.run_id} failed"]
        for task in tasks["task_instances"]:
            if task["state"] == "failed":
                tail = "\n".join(list(self._log(run, task))[-lines:])
                report.append(f"task {task['task_id']}:\n{tail}")
        return "\n".join(report)

    def dags(self) -> dict[str, dict[str, Any]]:
        """Every DAG of Airflow, by id."""
        return {entry["dag_id"]: entry for entry in self.call("GET", "dags", params={"limit": 100})["dags"]}

    def wait_for_dags(self, dag_ids: set[str], seconds: float = 60) -> None:
        """Wait until these DAGs have been parsed.

        Raises:
            FixConfiguration: some are missing after `seconds`; the message holds Airflow's import errors.
        """
        deadline = time.monotonic() + seconds
        missing = dag_ids
        while time.monotonic() < deadline:
            missing = dag_ids - self.dags().keys()
            if not missing:
                return
            time.sleep(0.5)
        problems = "; ".join(self.import_errors()) or "no import error"
        raise FixConfiguration(f"Airflow has no DAG {', '.join(sorted(missing))} after {seconds:.0f} s: {problems}")

    def import_errors(self) -> list[str]:
        """`<file>: <last line of the traceback>` of every DAG file that does not import."""
        listed = self.call("GET", "importErrors")["import_errors"]
        return [f"{entry['filename']}: {entry['stack_trace'].strip().splitlines()[-1]}" for entry in listed]

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.call("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def switch_on(self, dag_ids: Iterable[str], seconds: float = 120) -> None:
        """Let the scheduler run DAGs in turn: each when the first run of the one before works, at the latest after `seconds`.

        A schedule whose time has passed starts a run as soon as it is switched on. Many at once keep each other from the execution API.
        """
        for dag_id in dag_ids:
            due = self.call("GET", f"dags/{dag_id}")["next_dagrun_run_after"]
            self.unpause(dag_id)
            deadline = time.monotonic() + seconds
            while due and datetime.fromisoformat(due) <= datetime.now(UTC) and time.monotonic() < deadline:
                if self._works(dag_id):
                    break
                time.sleep(0.3)

    def _works(self, dag_id: str) -> bool:
        """Whether the newest run of a DAG has ended, or a task of it has begun."""
        run = next(iter(self.runs(dag_id)), None)
        if run is None or run.finished:
            return run is not None
        tasks = self.call("GET", f"dags/{dag_id}/dagRuns/{run.run_id}/taskInstances", params={"limit": 100})
        return any(task["state"] not in (None, "scheduled", "queued") for task in tasks["task_instances"])

    def set_pool(self, name: str, slots: int, description: str = "") -> None:
        """Create a pool or change its slots."""
        names = {entry["name"] for entry in self.call("GET", "pools", params={"limit": 100})["pools"]}
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if name in names:
            self.call("PATCH", f"pools/{name}", json={"pool": name, **{k: v for k, v in body.items() if k != "name"}})
        else:
            self.call("POST", "pools", json=body)

    def _log_in(self) -> None:
        try:
            answer = self.session.post(f"{self.url}/auth/token", json=self.login, timeout=30)
        except requests.RequestException as error:
            raise Unavailable(str(error), call="POST /auth/token") from error
        if not answer.ok:
            raise FixConfiguration(f"Airflow refused the login of {self.login['username']}: {answer.status_code}")
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _log(self, run: Run, task: dict[str, Any]) -> Iterator[str]:
        path = (
            f"dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task['task_id']}/logs/{max(task['try_number'], 1)}"
        )
        content = self.call("GET", path, params={"map_index": task["map_index"], "full_content": "true"})["content"]
        for entry in content:
            yield entry["event"] if isinstance(entry, dict) else str(entry)
            for problem in (entry.get("error_detail") or []) if isinstance(entry, dict) else []:
                yield f"{problem.get('exc_type')}: {problem.get('exc_value')}"
