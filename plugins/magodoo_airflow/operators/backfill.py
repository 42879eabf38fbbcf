"""The steps that only a backfill has: validate the form and cut the window, report the progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from magodoo.errors import BadSettings
from magodoo.timestamps import utc_now
from magodoo_airflow.links import SalesPageLink
from magodoo_airflow.retries import STEP_RETRIES

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from magodoo.settings import Settings


class BackfillChunksOperator(BaseOperator):
    """Validate the form of a backfill and return its chunks as `conf` for the triggered runs; an invalid form fails without retry.

    :param instance, start, end, hours, documents: the form's fields (templated)
    """

    template_fields: Sequence[str] = ("instance", "start", "end", "hours", "documents")

    def __init__(
        self, *, instance: str, start: str, end: str, hours: int | str, documents: list[str] | str, **kwargs: Any
    ) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance, self.start, self.end, self.hours, self.documents = instance, start, end, hours, documents

    def execute(self, context: Any) -> list[dict[str, Any]]:
        """Return the chunks as `{"from": iso, "to": iso, "documents": [...]}`, oldest first."""
        from magodoo.pipeline import backfill
        from magodoo.pipeline.window import Window, from_conf
        from magodoo.settings.read import read_with_problems

        settings = read_with_problems().settings
        try:
            cut = backfill.chunks(
                settings,
                self.instance,
                self.start,
                self.end,
                hours=int(self.hours),
                documents=list(self.documents),
                now=utc_now(),
            )
        except (BadSettings, ValueError, TypeError) as problem:
            raise AirflowFailException(f"The form cannot be used: {problem}") from None
        whole = Window(from_conf(cut[0]).begin, from_conf(cut[-1]).end)
        with (
            _staging(settings) as engine,
            backfill.begun(engine, self.instance, str(context["run_id"]), whole) as progress,
        ):
            progress["chunks"] = len(cut)
        self.log.info("[%s] %d chunks from %s to %s", self.instance, len(cut), self.start, self.end)
        return cut


class BackfillProgressOperator(BaseOperator):
    """Record that a chunk is done and report the backfill's progress: in the log, the return value and the mapped task's name.

    :param instance: instance id (templated)
    :param chunk: one of the chunks that BackfillChunksOperator returned (templated)
    """

    template_fields: Sequence[str] = ("instance", "chunk")
    operator_extra_links = (SalesPageLink(),)

    def __init__(self, *, instance: str, chunk: Any, **kwargs: Any) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance, self.chunk, self.progress = instance, chunk, ""

    @property
    def label(self) -> str:
        """Return the chunk's window, and once it is done the progress of the backfill."""
        return f"{self.chunk['from'][:16]} to {self.chunk['to'][:16]}{self.progress}"

    def execute(self, context: Any) -> dict[str, int]:
        """Return the counts of `magodoo.pipeline.backfill.progress`."""
        from magodoo.pipeline import backfill
        from magodoo.pipeline.window import from_conf
        from magodoo.settings.read import read_with_problems

        with _staging(read_with_problems().settings) as engine:
            counts = backfill.chunk_done(engine, self.instance, str(context["run_id"]), from_conf(self.chunk))
        self.progress = (
            f": {counts['chunks_done']} of {counts['chunks']} chunks, {counts['documents_read']} documents,"
            f" {counts['findings_new']} findings, {counts['changes_planned']} changes"
        )
        self.log.info("[%s] backfill: %s", self.instance, counts)
        return counts


class BackfillReportOperator(BaseOperator):
    """Report what a backfill did: chunks, documents read and changed, findings and changes.

    :param instance: instance id (templated)
    """

    template_fields: Sequence[str] = ("instance",)
    operator_extra_links = (SalesPageLink(),)

    def __init__(self, *, instance: str, **kwargs: Any) -> None:
        super().__init__(**STEP_RETRIES | kwargs)
        self.instance = instance

    def execute(self, context: Any) -> dict[str, int]:
        """Return the counts of `magodoo.pipeline.backfill.progress`."""
        from magodoo.pipeline.backfill import progress
        from magodoo.settings.read import read_with_problems

        with _staging(read_with_problems().settings) as engine, engine.connect() as connection:
            counts = progress(connection, self.instance, str(context["run_id"]))
        self.log.info("[%s] backfill: %s", self.instance, counts)
        return counts


@contextmanager
def _staging(settings: Settings) -> Iterator[Engine]:
    from magodoo_airflow.hooks.context import staging_engine

    engine = staging_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()
