"""Make the monthly statement of one instance and queue its email."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from magodoo_airflow.operators.step import StepOperator

if TYPE_CHECKING:
    from magodoo.context import Context as PipelineContext


class StatementOperator(StepOperator):
    """Make and store the statement of a month, and queue its email.

    :param instance: instance id (templated)
    :param month: year and month such as 2026-10; empty: the last month, and the signed ones before it (templated)

    Reads both systems, writes nothing to them. Returns counts: statements, those with something unexplained, mails.
    """

    template_fields: Sequence[str] = ("instance", "month")
    needs = ("magento", "odoo")

    def __init__(self, *, month: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.month = month

    def run_step(self, pipeline: PipelineContext, context: Any) -> Any:
        """Return the counts."""
        from magodoo.pipeline import statement

        return statement.run(pipeline, self.month.strip() or None)
