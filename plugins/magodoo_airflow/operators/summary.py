"""Sum the counts of mapped tasks; the asset event of the summary triggers the next DAG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from airflow.sdk import BaseOperator

from magodoo_airflow.links import SalesPageLink
from magodoo_airflow.retries import STEP_RETRIES


class SummaryOperator(BaseOperator):
    """Sum the counts of mapped tasks (none when nothing was due; a skipped task counts as nothing).

    :param counts: a list of dicts of numbers (templated); other values are left out
    """

    template_fields: Sequence[str] = ("instance", "counts")
    operator_extra_links = (SalesPageLink(),)

    def __init__(self, *, instance: str, counts: Any, **kwargs: Any) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance, self.counts = instance, counts

    def execute(self, context: Any) -> dict[str, int]:
        """Return the sums by name."""
        total: Counter[str] = Counter()
        for counted in self.counts if isinstance(self.counts, Iterable) else []:
            total.update({name: number for name, number in (counted or {}).items() if isinstance(number, int)})
        self.log.info("[%s] %s", self.instance, dict(total) or "nothing was due")
        return dict(total)


class LoadedOperator(SummaryOperator):
    """Sum the counts of the writers, and email at once what failed, was refused or waits for a person."""

    def execute(self, context: Any) -> dict[str, int]:
        """Return the sums by name."""
        from magodoo.pipeline import load
        from magodoo_airflow.hooks.context import open_context
        from magodoo_airflow.notify import send_waiting

        total = super().execute(context)
        with open_context(self.instance, needs=(), dag_run=str(context["run_id"])) as pipeline:
            load.queue_mails(pipeline)
        self.log.info("mails: %s", send_waiting(self.instance))
        return total
