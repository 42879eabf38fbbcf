"""Check instances before they may write: one mapped task per instance, with the table of checks in its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

ALL = "all"


class ChosenInstancesOperator(BaseOperator):
    """Return the ids of the chosen instances, broken entries of the settings file included.

    :param instance: an instance id or "all" (templated)
    """

    template_fields: Sequence[str] = ("instance",)

    def __init__(self, *, instance: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance = instance

    def execute(self, context: Any) -> list[str]:
        """Return the ids. Raises AirflowFailException for an unknown instance."""
        from magodoo.errors import BadSettings
        from magodoo.settings.read import read_with_problems
        from magodoo_airflow.preflight import names

        try:
            known = names(read_with_problems())
        except BadSettings as problem:
            raise AirflowFailException(str(problem)) from problem
        if self.instance not in (ALL, *known):
            raise AirflowFailException(
                f"there is no instance {self.instance!r}: choose {ALL} or one of {', '.join(known)}"
            )
        return known if self.instance == ALL else [self.instance]


class PreflightOperator(BaseOperator):
    """Check one instance, log the table of checks, and fail when there are errors.

    :param instance: instance id (templated)

    Returns the number of checks by status. Nothing is written to Magento or Odoo; the result decides whether `apply` may run.
    """

    template_fields: Sequence[str] = ("instance",)
    ui_color = "#eef4fb"

    def __init__(self, *, instance: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance = instance

    def execute(self, context: Any) -> dict[str, int]:
        """Return the number of checks by status. Raises AirflowFailException when there are errors."""
        from magodoo.errors import MagodooError
        from magodoo.preflight.results import Status, table
        from magodoo.settings.read import read_with_problems
        from magodoo_airflow.preflight import examine

        try:
            lines = examine(self.instance, read_with_problems())
        except MagodooError as problem:
            raise AirflowFailException(f"[{self.instance}] {problem}") from problem
        self.log.info("[%s] preflight\n%s", self.instance, table(lines))
        counts = {status.value: sum(line.status is status for line in lines) for status in Status}
        if counts[Status.ERROR]:
            named = "; ".join(f"{line.name}: {line.found}" for line in lines if line.status is Status.ERROR)
            raise AirflowFailException(f"[{self.instance}] errors keep `apply` from running: {named}")
        return counts
