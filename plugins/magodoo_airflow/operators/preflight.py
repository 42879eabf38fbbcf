"""Check an instance before it may write, with the table of checks in the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from magodoo_airflow.retries import STEP_RETRIES


class PreflightOperator(BaseOperator):
    """Check one instance, log the table of checks, and fail when there are errors.

    :param instance: instance id (templated)

    Returns the number of checks by status. Nothing is written to Magento or Odoo; the result decides whether `apply` may run.
    """

    template_fields: Sequence[str] = ("instance",)
    ui_color = "#eef4fb"

    def __init__(self, *, instance: str, **kwargs: Any) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance = instance

    def execute(self, context: Any) -> dict[str, int]:
        """Return the number of checks by status. Raises AirflowFailException when there are errors."""
        from magodoo.preflight.results import Status, table
        from magodoo.settings.read import read_with_problems
        from magodoo_airflow.preflight import examine

        lines = examine(self.instance, read_with_problems())
        self.log.info("[%s] preflight\n%s", self.instance, table(lines))
        counts = {status.value: sum(line.status is status for line in lines) for status in Status}
        if counts[Status.ERROR]:
            named = "; ".join(f"{line.name}: {line.found}" for line in lines if line.status is Status.ERROR)
            raise AirflowFailException(f"[{self.instance}] errors keep `apply` from running: {named}")
        return counts
