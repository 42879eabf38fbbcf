"""The base of all operators: open the instance's systems, call one function of `magodoo.pipeline`, translate its errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from magodoo_airflow.links import SalesPageLink
from magodoo_airflow.retries import STEP_RETRIES

if TYPE_CHECKING:
    from magodoo.context import Context as PipelineContext


class StepOperator(BaseOperator):
    """Run one step of the pipeline for one instance.

    :param instance: id of the instance in the settings file (templated).

    An error that only a person can fix (settings, rights, a broken invariant) fails the task at once, without retries;
    a transient one is retried with backoff (`magodoo_airflow.retries`). The return value is the step's counts (a small dict of numbers).
    """

    template_fields: Sequence[str] = ("instance",)
    operator_extra_links: tuple[Any, ...] = (SalesPageLink(),)
    ui_color = "#eef4fb"
    needs: ClassVar[tuple[str, ...]] = ()  # the sides this step talks to: "magento", "odoo"

    def __init__(self, *, instance: str, **kwargs: Any) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance = instance
        self._opened: PipelineContext | None = None

    def execute(self, context: Any) -> Any:
        """Run the step and return its counts."""
        return self.run_in_context(context, lambda pipeline: self.run_step(pipeline, context))

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Do the work of this operator; subclasses call one function of `magodoo.pipeline`."""
        raise AirflowFailException(f"{type(self).__name__} implements no run_step")

    def run_in_context(self, context: Any, run_step: Callable[[PipelineContext], Any]) -> Any:
        """Open the context, run `run_step`, send metrics, and return its counts. The class of an error decides about retries."""
        from magodoo.domain.log_labels import labelled
        from magodoo.errors import MagodooError
        from magodoo_airflow import metrics
        from magodoo_airflow.hooks.context import open_context

        began = time.monotonic()
        try:
            with (
                labelled(instance=self.instance, window=str(context.get("partition_key") or "")),
                open_context(self.instance, needs=self.needs, dag_run=str(context["run_id"])) as pipeline,
            ):
                self._opened = pipeline
                counts = run_step(pipeline)
                metrics.of_step(pipeline, self.task_type_name, counts, time.monotonic() - began)
        except MagodooError as problem:
            metrics.of_failure(self.instance, self.task_type_name, problem)
            raise
        finally:
            self._opened = None
        self.log.info("[%s] %s: %s", self.instance, self.task_id, counts)
        return counts

    @property
    def task_type_name(self) -> str:
        """Return the stage in metrics: the task's id, without its instance."""
        return self.task_id.replace(".", "_")

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return the lineage for OpenLineage: the systems read and the staging tables written, and the counts."""
        from magodoo_airflow.lineage import of_step

        return of_step(self, task_instance)

    def on_kill(self) -> None:
        """Stop after the current call; leased changes are taken over by the next run when the lease expires."""
        if self._opened is not None:
            self._opened.stop()
