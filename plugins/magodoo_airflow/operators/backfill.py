"""The steps of a backfill that are its own: checking the form, cutting the window, telling what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from magodoo_airflow.links import SalesPageLink


class BackfillChunksOperator(BaseOperator):
    """Checks the form of a backfill and returns its chunks as `conf` for the runs that it triggers; a bad form fails at once.

    :param instance, start, end, hours, documents: the form's fields (templated)
    """

    template_fields: Sequence[str] = ("instance", "start", "end", "hours", "documents")

    def __init__(
        self, *, instance: str, start: str, end: str, hours: int | str, documents: list[str] | str, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.instance, self.start, self.end, self.hours, self.documents = instance, start, end, hours, documents

    def execute(self, context: Any) -> list[dict[str, Any]]:
        from magodoo.errors import BadSettings
        from magodoo.pipeline.backfill import chunks
        from magodoo.settings.read import read_with_problems

        try:
            cut = chunks(
                read_with_problems().settings,
                self.instance,
                self.start,
                self.end,
                hours=int(self.hours),
                documents=list(self.documents),
                now=datetime.now(UTC),
            )
        except BadSettings as problem:
            raise AirflowFailException(str(problem)) from problem
        self.log.info("[%s] %d chunks from %s to %s", self.instance, len(cut), self.start, self.end)
        return cut


class BackfillReportOperator(BaseOperator):
    """Tells what a backfill did: chunks, documents read and changed, findings and changes.

    :param instance: instance id (templated)
    :param chunks: what BackfillChunksOperator returned (templated)
    """

    template_fields: Sequence[str] = ("instance", "chunks")
    operator_extra_links = (SalesPageLink(),)

    def __init__(self, *, instance: str, chunks: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.instance, self.chunks = instance, chunks

    def execute(self, context: Any) -> dict[str, int]:
        from magodoo.pipeline.backfill import report
        from magodoo.settings.read import read_with_problems
        from magodoo_airflow.hooks.context import staging_engine

        engine = staging_engine(read_with_problems().settings)
        with engine.connect() as connection:
            counts = report(connection, self.instance, list(self.chunks), context["dag_run"].start_date)
        engine.dispose()
        self.log.info("[%s] backfill: %s", self.instance, counts)
        return counts
