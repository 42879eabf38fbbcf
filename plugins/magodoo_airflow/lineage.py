"""The lineage of a task for OpenLineage, where its provider is installed and switched on ([openlineage] of airflow.cfg)."""

from __future__ import annotations

from typing import Any

READS = {  # operator -> systems read, tables read, tables written, systems written
    "ExtractOperator": ((), ("document", "payload", "line", "watermark")),
    "RefreshOperator": ((), ("document", "payload", "line")),
    "ReconcileOperator": (("document", "line", "pair", "master"), ("pair", "finding", "change", "listed")),
    "QualityOperator": (("document", "finding", "change"), ("change", "mail")),
}
LEDGER = (("change", "change_body", "document"), ("change", "document", "pair"))


def of_step(operator: Any, task_instance: Any) -> Any:
    """Return an OperatorLineage: inputs and outputs as datasets, the task's counts as a run facet."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import Dataset
    from openlineage.client.facet_v2 import RunFacet

    instance = operator.instance
    reads, writes = READS.get(type(operator).__name__, LEDGER if hasattr(operator, "kind") else ((), ()))

    def system(side: str) -> Dataset:
        return Dataset(namespace=f"{side}://{instance}", name="sales documents")

    def table(name: str) -> Dataset:
        return Dataset(namespace="postgres://magodoo_staging", name=f"magodoo.{name}")

    sides = (operator.side,) if hasattr(operator, "side") else ()
    target = (operator.kind.target.value,) if hasattr(operator, "kind") else ()
    counts = task_instance.xcom_pull(task_ids=operator.task_id) if task_instance is not None else None
    facet = RunFacet().with_additional_properties(
        magodoo_instance=instance, counts=counts if isinstance(counts, dict) else {}
    )
    return OperatorLineage(
        inputs=[*map(system, sides), *map(table, reads)],
        outputs=[*map(table, writes), *map(system, target)],
        run_facets={"magodoo": facet},
    )
