"""Run a preflight: `python -m magodoo_airflow.preflight [instance ...]`, what `make preflight` and the DAG `preflight` run.

Airflow's connections are found as its servers find them: `AIRFLOW_CONN_*`, a secrets backend, the metadata database.
"""

from __future__ import annotations

import argparse
import smtplib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from magodoo.errors import BadSettings, FixConfiguration, MagodooError
from magodoo.preflight.results import CheckLine, Status, has_errors, table
from magodoo.settings.read import Reading, read_with_problems
from magodoo.timestamps import utc_now
from magodoo_airflow.connections import find_connections_as_servers_do

if TYPE_CHECKING:
    from magodoo.context import Context
    from magodoo.preflight.subject import Subject

Client = TypeVar("Client")


def main() -> int:
    """Print the table of checks. Returns 1 when there are errors or nothing could be checked, else 0."""
    parser = argparse.ArgumentParser(prog="make preflight", description="Examine instances before they may write.")
    parser.add_argument("instances", nargs="*", metavar="instance", help="default: all of the settings file")
    chosen = parser.parse_args().instances
    find_connections_as_servers_do()
    try:
        reading = read_with_problems()
        lines = [line for name in chosen or names(reading) for line in examine(name, reading)]
    except MagodooError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(table(lines) if lines else "the settings name no instance")
    return 1 if has_errors(lines) or not lines else 0


def permit(pipeline: Context) -> None:
    """Let an instance write: before its first `apply`, and after its settings, Odoo's version or one of its systems changed, a preflight is run.

    Raises FixConfiguration with the failed checks. An instance that only observes needs no permission.
    """
    from magodoo.preflight import results, systems

    if not pipeline.instance.mode.any_apply:
        return
    with pipeline.engine.connect() as connection:
        passed = results.passed(connection, pipeline.instance)
    changed = systems.upgraded(pipeline.engine, pipeline.instance, pipeline.odoo_client, pipeline.now())
    if passed and not changed and not _stops(pipeline):
        return
    wrong = [line for line in examine(pipeline.instance.id, read_with_problems()) if line.status is Status.ERROR]
    if wrong:
        found = "; ".join(f"{line.name}: {line.found}" for line in wrong)
        raise FixConfiguration(f"nothing is written: {found}", hint="mend this; the DAG `preflight` shows every check")
    if stopped := _stops(pipeline):
        raise FixConfiguration(f"nothing is written: {'; '.join(stopped)}", hint="run the DAG `preflight`")


def _stops(pipeline: Context) -> list[str]:
    """Return why the systems of a run may not be written to, and remember those that may."""
    from magodoo.preflight import systems

    clients = (pipeline.magento_client, pipeline.odoo_client)
    return systems.stops(pipeline.engine, pipeline.instance, *clients, pipeline.now())


def names(reading: Reading) -> list[str]:
    """Return the ids of all instances in the settings file, broken ones included."""
    broken = [problem.instance for problem in reading.problems if problem.instance]
    return list(dict.fromkeys([*reading.settings.instances, *broken]))


def examine(name: str, reading: Reading) -> list[CheckLine]:
    """Return the check lines of one instance. Raises BadSettings when the staging connection is missing."""
    from magodoo.pipeline import preflight

    lines = [
        CheckLine(name, "Settings", Status.ERROR, str(problem), "mend this line of the settings file")
        for problem in reading.problems
        if problem.instance in (name, None)
    ]
    if name in reading.settings.instances:
        with opened(name, reading) as subject:
            return [*lines, *preflight.run(subject)]
    known = ", ".join(sorted(reading.settings.instances)) or "none"
    return lines or [CheckLine(name, "Settings", Status.ERROR, "there is no such instance", f"choose one of: {known}")]


@contextmanager
def opened(name: str, reading: Reading) -> Iterator[Subject]:
    """Open the instance with its systems as a Subject.

    A Magento or Odoo connection that is missing or incomplete is recorded in `unopened`. Raises BadSettings without staging connection.
    """
    from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

    from magodoo.preflight.subject import Subject
    from magodoo_airflow.hooks.context import staging_engine
    from magodoo_airflow.hooks.magento import MagentoHook
    from magodoo_airflow.hooks.odoo import OdooHook

    settings, instance = reading.settings, reading.settings.instances[name]
    unopened: dict[str, tuple[str, str]] = {}
    ids = {"magento": instance.magento_connection, "odoo": instance.odoo_connection}

    def client(system: str, make: Callable[[], Client]) -> Client | None:
        try:
            return make()
        except AirflowNotFoundException:
            why = f"Airflow has no connection {ids[system]}"
            unopened[system] = (
                why,
                "make init asks for it and keeps it; or create it in Admin, Connections, and press Test",
            )
        except (AirflowException, MagodooError) as problem:
            unopened[system] = (str(problem), f"correct the Airflow connection {ids[system]}")
        return None

    try:
        engine = staging_engine(settings)
    except AirflowException as problem:
        raise BadSettings(
            str(problem), hint=f"make up, or create the connection {settings.staging_connection} in your own Airflow"
        ) from None
    try:
        yield Subject(
            settings=settings,
            instance=instance,
            engine=engine,
            magento_client=client("magento", MagentoHook(instance.magento_connection).get_conn),
            odoo_client=client(
                "odoo", OdooHook(instance.odoo_connection, company_id=instance.odoo.company_id).get_conn
            ),
            reach_smtp=lambda: reach_smtp(settings.smtp.connection),
            now=utc_now,
            unopened=unopened,
        )
    finally:
        engine.dispose()


def reach_smtp(connection: str) -> str:
    """Open Airflow's SMTP connection, with its TLS and login, and return `host:port`. Raises FixConfiguration."""
    from airflow.sdk.exceptions import AirflowException

    from magodoo_airflow.hooks.smtp import smtp_client

    try:
        with smtp_client(connection) as (_, hook):
            return f"{hook.host}:{hook.port}"
    except (AirflowException, smtplib.SMTPException, OSError) as problem:
        raise FixConfiguration(f"{type(problem).__name__}: {problem}") from None


__all__: Sequence[str] = ("examine", "main", "names", "reach_smtp")

if __name__ == "__main__":
    sys.exit(main())
