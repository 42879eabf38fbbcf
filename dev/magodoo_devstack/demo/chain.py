"""The chain of DAGs, run through Airflow's API as its own scheduler would run it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from magodoo.errors import Unavailable
from magodoo_devstack.airflow import Api, Run

EXTRACTS = ("magento_extract", "odoo_extract")
STAGES = ("sales_reconcile", "sales_quality", "sales_load")
REFRESH = "sales_refresh"
LOST_WAKE_UPS = 3  # consecutive lost wake-ups; more are not a coincidence
KEY_FORMAT = "%Y-%m-%dT%H:%M"


class Chain:
    """All instances' DAGs of one Airflow.

    Args:
        api: that Airflow, logged in as somebody who may trigger
        instances: ids of the instances in the settings file
        seconds: how long a run may take
        wake_up_seconds: how long reconcile may take to begin when both extracts have ended
    """

    def __init__(self, api: Api, instances: list[str], seconds: float = 600, wake_up_seconds: float = 20) -> None:
        self.api = api
        self.instances = instances
        self.seconds = seconds
        self.wake_up_seconds = wake_up_seconds
        self._keys = _keys()

    def switch_on(self) -> None:
        """Wait until the chain's DAGs are parsed, and switch them on in turn; the refresh is switched on later."""
        chain = self._dag_ids(*STAGES, *EXTRACTS)
        self.api.wait_for_dags({*chain, *self._dag_ids(REFRESH)})
        self.api.switch_on(chain)

    def switch_on_the_rest(self) -> None:
        """Switch on all other DAGs in turn; the scheduler runs the daily ones at once."""
        self.api.switch_on(dag_id for dag_id, dag in self.api.dags().items() if dag["is_paused"])

    def settle(self) -> None:
        """Wait until no DAG of the chain runs: the 15-minute schedule may have started a run.

        Raises:
            Unavailable: something still runs after the chain's timeout.
        """
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            active = [
                dag for dag in self._dag_ids(*EXTRACTS, *STAGES) if not all(r.finished for r in self.api.runs(dag))
            ]
            if not active:
                return
            time.sleep(0.3)
        raise Unavailable(f"{', '.join(active)} still run after {self.seconds:.0f} s")

    def run_first(self, report: Callable[[str], None] = lambda _: None) -> str:
        """Wait for the run that the scheduler starts by itself when the extracts are switched on; as `run` otherwise.

        Both extracts must have the same partition: a schedule interval may have ended between the two.
        """
        extracts = self._dag_ids(*EXTRACTS)
        keys = {run.partition_key if (run := self._scheduled(dag_id)) else None for dag_id in extracts}
        key = keys.pop()
        return self.run(report) if keys or key is None else self._follow(key, report)

    def run(self, report: Callable[[str], None] = lambda _: None) -> str:
        """Run extract, reconcile, quality and load once for all instances; return the partition's key.

        Raises:
            RunFailed: one of the runs failed; the message holds the end of the failed task's log.
            Unavailable: one of them did not finish in time.
        """
        return self._follow(self._trigger(), report)

    def refresh(self) -> None:
        """Re-read open and recent orders regardless of their timestamps; raises as `run` does.

        Switching the DAG on makes the scheduler run it at once.
        """
        dag_ids = self._dag_ids(REFRESH)
        self.api.switch_on(dag_ids)
        for dag_id in dag_ids:
            run = self._scheduled(dag_id)
            run_id = run.run_id if run else self.api.trigger(dag_id, partition_key=self._free_key())
            self.api.wait(dag_id, run_id=run_id, seconds=self.seconds)

    def _trigger(self) -> str:
        key = self._free_key()
        for dag_id in self._dag_ids(*EXTRACTS):
            self.api.trigger(dag_id, partition_key=key)
        return key

    def _free_key(self) -> str:
        """Return the next partition that no run has: another chain of the same Airflow may have used the first ones."""
        used = {run.partition_key for dag_id in self._dag_ids(*EXTRACTS, REFRESH) for run in self.api.runs(dag_id)}
        return next(key for key in self._keys if key not in used)

    def _follow(self, key: str, report: Callable[[str], None]) -> str:
        """Wait for every stage of a partition.

        Airflow 3.3 loses the wake-up when both extracts end within some milliseconds (apache/airflow issue 71070). It
        only delays: reconcile works from the work list, so the next scheduled run, or here the next partition, processes the orders.
        """
        self._wait(key, EXTRACTS, report)
        for _ in range(LOST_WAKE_UPS):
            if self._woken(key):
                break
            report("reconcile did not begin by itself, so it is triggered once more")
            key = self._trigger()
            self._wait(key, EXTRACTS, report)
        self._wait(key, STAGES, report)
        return key

    def _wait(self, key: str, names: tuple[str, ...], report: Callable[[str], None]) -> None:
        for dag_id in self._dag_ids(*names):
            run = self.api.wait(dag_id, partition_key=key, seconds=self.seconds)
            report(f"{dag_id.partition('__')[0].replace('_', ' ')} {run.seconds or 0:.0f} s")

    def _woken(self, key: str) -> bool:
        """Whether reconcile has begun for all instances; it does within a second, on a busy machine within ten."""
        waiting = set(self._dag_ids(STAGES[0]))
        deadline = time.monotonic() + self.wake_up_seconds
        while True:
            waiting = {dag_id for dag_id in waiting if not self.api.runs(dag_id, key)}
            if not waiting or time.monotonic() > deadline:
                return not waiting
            time.sleep(0.3)

    def _dag_ids(self, *names: str) -> list[str]:
        return [f"{name}__{instance}" for name in names for instance in self.instances]

    def _scheduled(self, dag_id: str, seconds: float = 10) -> Run | None:
        """Return the run that the scheduler has made by itself, once it has."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run = next((run for run in self.api.runs(dag_id) if run.run_id.startswith("scheduled")), None)
            if run:
                return run
            time.sleep(0.2)
        return None


def _keys() -> Iterator[str]:
    """Partitions that the schedule does not use: it runs the latest 15 minutes, never yesterday's."""
    moment = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while True:
        yield moment.strftime(KEY_FORMAT)
        moment += timedelta(minutes=15)
