"""The chain of DAGs, run through Airflow's API as its own scheduler would run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from magodoo.stack.airflow import Api

EXTRACTS = ("magento_extract", "odoo_extract")
STAGES = ("sales_reconcile", "sales_quality", "sales_load")
KEY_FORMAT = "%Y-%m-%dT%H:%M"


class Chain:
    """All instances' DAGs of one Airflow.

    Args:
        api: that Airflow, logged in as somebody who may trigger
        instances: ids of the instances in the settings file
    """

    def __init__(self, api: Api, instances: list[str], seconds: float = 600) -> None:
        self.api = api
        self.instances = instances
        self.seconds = seconds
        self._keys = _keys()

    def switch_on(self) -> None:
        """Wait until the DAGs are parsed, and unpause every one of them."""
        wanted = {f"{name}__{id_}" for id_ in self.instances for name in (*EXTRACTS, *STAGES, "sales_refresh")}
        self.api.wait_for_dags(wanted)
        for dag_id, dag in self.api.dags().items():
            if dag["is_paused"]:
                self.api.unpause(dag_id)

    def run(self, tell: Callable[[str], None] = lambda _: None) -> str:
        """Run extract, reconcile, quality and load once for all instances; return the partition's key.

        Raises:
            RunFailed: one of the runs failed; the message holds the end of the failed task's log.
            Unavailable: one of them did not finish in time.
        """
        key = next(self._keys)
        for instance in self.instances:
            for name in EXTRACTS:
                self.api.trigger(f"{name}__{instance}", partition_key=key)
        for name in (*EXTRACTS, *STAGES):
            for instance in self.instances:
                run = self.api.wait(f"{name}__{instance}", partition_key=key, seconds=self.seconds)
                tell(f"{name.rsplit('_', 1)[1]} {run.seconds or 0:.0f} s")
        return key

    def refresh(self) -> None:
        """Re-read open and recent orders whatever their timestamps say; raises as `run` does."""
        started = {
            f"sales_refresh__{instance}": self.api.trigger(f"sales_refresh__{instance}", partition_key=next(self._keys))
            for instance in self.instances
        }
        for dag_id, run_id in started.items():
            self.api.wait(dag_id, run_id=run_id, seconds=self.seconds)


def _keys() -> Iterator[str]:
    """Partitions that the schedule does not reach: it runs the latest quarter of an hour, never yesterday's."""
    moment = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    while True:
        yield moment.strftime(KEY_FORMAT)
        moment += timedelta(minutes=15)
