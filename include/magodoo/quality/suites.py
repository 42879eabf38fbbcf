"""Run the checks with Great Expectations, one suite per table, and build the Data Docs.

Great Expectations takes seconds to import: import this module inside a task, never at DAG top level.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import great_expectations as gx
from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.checkpoint.actions import ValidationAction
from great_expectations.expectations.metadata_types import FailureSeverity
from sqlalchemy import Connection, Engine

from magodoo.domain import labels
from magodoo.errors import InvariantError
from magodoo.pg_sessions import SCHEMA, seen_by_all
from magodoo.quality.catalogue import ALL_CHECKS
from magodoo.quality.checks import COLUMNS, REQUIRED_COLUMNS, Check, Holds
from magodoo.settings import Instance

WORK_MEMORY = "64MB"  # PostgreSQL's work_mem for one step of one check: the ids of a million documents fit in
_URL_VARIABLE = "MAGODOO_GX_STAGING_URL"  # GX stores the name, not the address with its password


class ExpectNoRows(gx.expectations.UnexpectedRowsExpectation):
    """Expect that a SELECT returns no rows, and count those that it returns.

    The expectation of Great Expectations itself runs every SELECT twice, since it fetches the rows too.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"observed_value": count}}


@dataclass(frozen=True)
class Failure:
    """A check that found rows. `rows`: one dict per document, with the keys COLUMNS; amounts are Decimal."""

    check: Check
    rows: list[dict[str, Any]]

    @property
    def line(self) -> str:
        """Return the failure on one line: `own_arithmetic: 2 documents (invoice 000000012 of order 000000010, ...)`."""
        named = ", ".join(_named(row) for row in self.rows[:3]) + (", ..." if len(self.rows) > 3 else "")
        return f"{self.check.name}: {len(self.rows)} ({named})"


def run(
    engine: Engine, instance: Instance, docs: Path | None, now: datetime, checks: Sequence[Check] = ALL_CHECKS
) -> list[Failure]:
    """Run the checks with Great Expectations and return those that failed, each with every row that it found.

    Data Docs are built in the folder `docs` when one is given. Raises InvariantError when a check's SELECT cannot run.
    """
    failed = _expect(engine, instance, checks, docs, now)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"set local work_mem = '{WORK_MEMORY}'")
        return found(connection, instance, [check for check in checks if check.name in failed], now)


def found(connection: Connection, instance: Instance, checks: Sequence[Check], now: datetime) -> list[Failure]:
    """Return the checks that fail, each with every row, by running their SELECTs directly: no Great Expectations, no Data Docs."""
    failures = (Failure(check, _rows(connection, instance, check, now)) for check in checks)
    return [failure for failure in failures if failure.rows]


def _expect(engine: Engine, instance: Instance, checks: Sequence[Check], docs: Path | None, now: datetime) -> set[str]:
    """Run the suites and return the names of the checks that failed. Raises InvariantError when a check's SELECT cannot run."""
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    own = seen_by_all(engine.url, work_mem=WORK_MEMORY)
    os.environ[_URL_VARIABLE] = own.render_as_string(hide_password=False)
    os.environ["TQDM_DISABLE"] = "1"
    context = gx.get_context(mode="file", project_root_dir=docs / "gx") if docs else gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    source = context.data_sources.add_postgres("staging", connection_string=f"${{{_URL_VARIABLE}}}")
    validations = [_validation(context, source, table, group, instance, now) for table, group in _by_table(checks)]
    actions: list[ValidationAction] = [UpdateDataDocsAction(name="data_docs")] if docs else []
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name="all", validation_definitions=validations, actions=actions, result_format="SUMMARY")
    )
    outcome = checkpoint.run()
    failed: set[str] = set()
    for result in outcome.run_results.values():
        failed |= {_name_of(item) for item in result.results if not item.success}
    if docs:
        _publish(docs)
    return failed


def _validation(
    context: Any, source: Any, table: str, checks: Iterable[Check], instance: Instance, now: datetime
) -> Any:
    batch = source.add_table_asset(table, table_name=table).add_batch_definition_whole_table(table)
    suite = gx.ExpectationSuite(name=table)
    if table in REQUIRED_COLUMNS:
        for column in sorted(REQUIRED_COLUMNS[table]):
            suite.add_expectation(
                gx.expectations.ExpectColumnToExist(
                    column=column, severity=FailureSeverity.CRITICAL, meta={"check": f"column_{column}"}
                )
            )
    for check in checks:
        suite.add_expectation(
            ExpectNoRows(
                description=check.meaning,
                unexpected_rows_query=check.sql(instance, now),
                severity=FailureSeverity(check.severity.value),
                meta={"check": check.name, "remedy": check.remedy, "holds": check.holds.value},
            )
        )
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=table, data=batch, suite=context.suites.add(suite))
    )


def _by_table(checks: Sequence[Check]) -> list[tuple[str, list[Check]]]:
    grouped: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        grouped[check.table].append(check)
    return sorted(grouped.items())


def _name_of(item: Any) -> str:
    name = str(item.expectation_config.meta["check"])
    raised = _exceptions(item.exception_info)
    if raised:
        raise InvariantError(f"check {name} could not run: {raised[0]}")
    return name


def _exceptions(info: dict[str, Any]) -> list[str]:
    """Return the messages of what was raised. Great Expectations records them flat, or one record per metric."""
    records = [info] if "raised_exception" in info else [record for record in info.values() if isinstance(record, dict)]
    return [str(record["exception_message"]) for record in records if record.get("raised_exception")]


def _publish(docs: Path) -> None:
    """Move the site up from deep inside the Great Expectations project to `docs`, and delete the project."""
    site = docs / "gx" / "gx" / "uncommitted" / "data_docs" / "local_site"
    for part in site.iterdir():
        older = docs / part.name  # from the same run, when its task was cleared
        if older.is_dir():
            shutil.rmtree(older)
        shutil.move(str(part), docs / part.name)
    shutil.rmtree(docs / "gx")


def _rows(connection: Connection, instance: Instance, check: Check, now: datetime) -> list[dict[str, Any]]:
    found = connection.exec_driver_sql(check.sql(instance, now, batch=f"{SCHEMA}.{check.table}"))
    return [_row(dict(zip(COLUMNS, row, strict=True))) for row in found]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    for side in ("magento_amount", "odoo_amount"):
        row[side] = None if row[side] is None else Decimal(row[side]) / 10_000
    return row


def _named(row: dict[str, Any]) -> str:
    order = f" of order {row['order_number']}" if row["order_number"] else ""
    return (
        f"{row['side']} {labels.in_sentence(row['kind'])} {row['number'] or row['source_id']}{order}: {row['message']}"
    )


def holding(failures: Iterable[Failure], holds: Holds) -> list[Failure]:
    """Return the failures whose check holds `holds`."""
    return [failure for failure in failures if failure.check.holds is holds]
