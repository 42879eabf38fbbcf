"""Adds up what mapped tasks counted; its event wakes the next DAG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from airflow.sdk import BaseOperator

from magodoo_airflow.links import SalesPageLink


class SummaryOperator(BaseOperator):
    """Sums the counts of mapped tasks (none when nothing was due; a skipped task counted nothing).

    :param counts: a list of dicts of numbers (templated); what is no number is left out
    """

    template_fields: Sequence[str] = ("instance", "counts")
    operator_extra_links = (SalesPageLink(),)

    def __init__(self, *, instance: str, counts: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance, self.counts = instance, counts

    def execute(self, context: Any) -> dict[str, int]:
        total: Counter[str] = Counter()
        for counted in self.counts if isinstance(self.counts, Iterable) else []:
            total.update({name: number for name, number in (counted or {}).items() if isinstance(number, int)})
        self.log.info("[%s] %s", self.instance, dict(total) or "nothing was due")
        return dict(total)
