"""Names, assets and defaults that the DAG files share. Light: a DAG file is parsed without pandas, GX, a database or a network.

Assets trigger, work lists decide: an asset event only starts a run; what the run works on is stored in PostgreSQL.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from magodoo.errors import BadSettings
from magodoo.settings import Instance as Instance  # DAG files take it from here
from magodoo.settings.model import INSTANCE_ID
from magodoo.settings.read import read_with_problems
from magodoo_airflow.notify import TaskFailed
from magodoo_airflow.retries import RUN_TIMEOUT, RUN_TIMEOUTS

START = datetime(2024, 1, 1, tzinfo=UTC)
KEY_FORMAT = "%Y-%m-%dT%H:%M"

log = logging.getLogger(__name__)


def instances() -> Iterator[Instance]:
    """Yield the instances with valid settings; a broken entry removes only its own DAGs, and the reason is logged."""
    try:
        reading = read_with_problems()
    except BadSettings as unreadable:
        log.error("no instance has DAGs: %s", unreadable)
        return
    for problem in reading.problems:
        log.error("settings: %s", problem)
    yield from reading.settings.instances.values()


def names() -> list[str]:
    """Return the ids of all instances, broken entries included: their preflight says what is wrong. An id that is none is left out."""
    try:
        reading = read_with_problems()
    except BadSettings:  # logged by instances()
        return []
    broken = [problem.instance for problem in reading.problems if problem.instance]
    return [name for name in dict.fromkeys([*reading.settings.instances, *broken]) if re.fullmatch(INSTANCE_ID, name)]


def asset(instance: Instance, name: str) -> Asset:
    """Return an asset of the instance; `name`: magento_staged, odoo_staged, reconciled, checked."""
    return Asset(name=f"{name}__{instance.id}", uri=f"magodoo://{instance.id}/{name}")


def dag_defaults(instance: Instance | None, kind: str, *tags: str) -> dict[str, Any]:
    """Return the arguments that every DAG has in common. `kind` is its first tag, and what its runs' timeout goes by."""
    return {
        "start_date": START,
        "catchup": False,
        "max_active_runs": 1,
        "dagrun_timeout": RUN_TIMEOUTS.get(kind, RUN_TIMEOUT),
        "tags": ["magodoo", *([instance.id] if instance else []), kind, *tags],
        "is_paused_upon_creation": True,
        "default_args": {"on_failure_callback": TaskFailed(instance=instance.id if instance else "")},
        "deadline": _deadline(instance) if instance else None,
    }


def _deadline(instance: Instance) -> DeadlineAlert:
    """Return the alert for a late window, whether its tasks fail, hang or never start."""
    return DeadlineAlert(
        name="late window",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=instance.quality.late_minutes),
        callback=SyncCallback(
            "magodoo_airflow.deadlines.late_window",
            {"instance": instance.id, "minutes": instance.quality.late_minutes},
        ),
    )
