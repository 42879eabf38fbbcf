"""The window of an Airflow run, from its type, partition key and conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from magodoo.pipeline.window import Window
    from magodoo.settings import Instance


def window_of(context: Any, instance: Instance) -> Window | None:
    """Return the window that this run must read; None: from the watermark on.

    Only a backfill has a window: Airflow's own (run type backfill: the partition of its key) or a `conf` with `from` and
    `to`. A manual or scheduled run reads from the watermark, with or without a partition key. Raises BadSettings for an invalid window.
    """
    from magodoo.pipeline.window import from_conf, from_partition

    dag_run = context["dag_run"]
    conf = dag_run.conf or {}
    if conf.get("from") or conf.get("to"):
        return from_conf(conf)
    key = context.get("partition_key") or getattr(dag_run, "partition_key", None)
    if _is_backfill(dag_run.run_type) and key:
        return from_partition(key, instance.schedule)
    return None


def _is_backfill(run_type: Any) -> bool:
    """Return whether it is a backfill. The type is an enum: servers format it as its value, tasks as `DagRunType.BACKFILL`."""
    return str(getattr(run_type, "value", run_type)) == "backfill"


def kinds_of(context: Any) -> list[str] | None:
    """Return the kinds of documents named by the conf of a backfill's run; None: all."""
    named = (context["dag_run"].conf or {}).get("documents")
    return [str(kind) for kind in named] if named else None
