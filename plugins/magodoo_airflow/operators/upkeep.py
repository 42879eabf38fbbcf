"""The daily upkeep, which belongs to no single instance."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator

from magodoo_airflow.retries import STEP_RETRIES


class UpkeepOperator(BaseOperator):
    """Run the daily upkeep of all instances: digest emails, retention, old Data Docs. Returns counts."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**STEP_RETRIES | kwargs)

    def execute(self, context: Any) -> dict[str, int]:
        """Return the counts of `magodoo.pipeline.upkeep.run`."""
        from magodoo.pipeline import upkeep
        from magodoo.settings.read import read_with_problems
        from magodoo.timestamps import utc_now
        from magodoo_airflow.hooks.context import staging_engine

        settings = read_with_problems().settings  # a broken entry leaves out only its own instance
        counts = upkeep.run(staging_engine(settings), settings, utc_now())
        self.log.info("%s", counts)
        return counts
