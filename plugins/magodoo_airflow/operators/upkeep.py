"""Steps that belong to no single instance: cutting a backfill into chunks, the daily upkeep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException


class BackfillChunksOperator(BaseOperator):
    """Checks the form of a backfill and returns its chunks as `conf` for the runs that it triggers.

    :param instance, start, end, hours: the form's fields (templated)
    """

    template_fields: Sequence[str] = ("instance", "start", "end", "hours")

    def __init__(self, *, instance: str, start: str, end: str, hours: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance, self.start, self.end, self.hours = instance, start, end, hours

    def execute(self, context: Any) -> list[dict[str, str]]:
        from magodoo.errors import BadSettings
        from magodoo.pipeline.backfill import chunks
        from magodoo.settings import read_settings

        try:
            cut = chunks(
                read_settings(), self.instance, self.start, self.end, hours=int(self.hours), now=datetime.now(UTC)
            )
        except BadSettings as problem:
            raise AirflowFailException(str(problem)) from problem
        self.log.info("[%s] %d chunks from %s to %s", self.instance, len(cut), self.start, self.end)
        return cut


class UpkeepOperator(BaseOperator):
    """The daily upkeep of all instances: digest mails, retention, old Data Docs. Returns counts."""

    def execute(self, context: Any) -> dict[str, int]:
        from magodoo.pipeline import upkeep
        from magodoo.settings import read_settings
        from magodoo_airflow.hooks.context import staging_engine

        settings = read_settings()
        counts = upkeep.run(staging_engine(settings), settings)
        self.log.info("%s", counts)
        return counts
