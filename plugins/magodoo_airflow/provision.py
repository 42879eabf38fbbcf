"""Show what an Odoo lacks of what the settings name, and make it on a yes: `python -m magodoo_airflow.provision`, what `make provision` runs.

What is missing is read with the daily connection. It is made with a second key, which is asked for, used once and kept nowhere. Accounts,
journals and payment terms are agreed to apart from the rest. Each yes is in the log of decisions, before anything is made.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from magodoo import decision_log
from magodoo.connectors.odoo.client import OdooClient
from magodoo.decision_log import Decision, Entry
from magodoo.discovery.proposals import count
from magodoo.errors import BadSettings, MagodooError
from magodoo.provisioning import lacking, making
from magodoo.provisioning.lacking import Decides, Plan, Record
from magodoo.settings import Instance, Settings
from magodoo.settings.read import read_with_problems
from magodoo_airflow import asking
from magodoo_airflow.connections import find_connections_as_servers_do

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

FIELDS = "ir.model.fields"
QUESTIONS = {
    Decides.ACCOUNTING: "accounts, journals and payment terms (accounting decides)",
    Decides.IT: "products, pricelists and fields (IT decides)",
}


def main() -> int:
    """Print what is missing, and make what is agreed to. Returns 1 when something was refused or not possible, else 0."""
    parser = argparse.ArgumentParser(prog="make provision", description="Show what Odoo lacks, and make it on a yes.")
    parser.add_argument(
        "--instance", default=os.environ.get("INSTANCE", ""), help="default: the only one of the settings"
    )
    parser.add_argument(
        "--list",
        action="store_true",
        default=os.environ.get("LIST") == "1",
        help="show what was made, and how to take it back",
    )
    parser.add_argument(
        "--ask", action="store_true", help="read the answers from standard input, though it is no terminal"
    )
    chosen = parser.parse_args()
    find_connections_as_servers_do()
    try:
        with ExitStack() as opened:
            settings = read_with_problems().settings
            instance = _instance(settings, chosen.instance)
            daily = opened.enter_context(_daily(instance))
            if chosen.list:
                return _show_made(settings, instance, daily)
            return _run(settings, instance, daily, ask=chosen.ask)
    except MagodooError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; make provision shows what is still missing", file=sys.stderr)
        return 130


def _instance(settings: Settings, name: str) -> Instance:
    known = ", ".join(sorted(settings.instances)) or "none that can be read"
    if name in settings.instances:
        return settings.instances[name]
    if not name and len(settings.instances) == 1:
        return next(iter(settings.instances.values()))
    message = f"there is no instance {name!r}" if name else "which instance?"
    raise BadSettings(message, hint=f"INSTANCE=... with one of: {known}")


@contextmanager
def _daily(instance: Instance) -> Iterator[OdooClient]:
    """Open the connection of every day. Raises BadSettings that says how to make it."""
    from airflow.sdk.exceptions import AirflowException

    from magodoo_airflow.hooks.odoo import OdooHook

    try:
        client = OdooHook(instance.odoo_connection, company_id=instance.odoo.company_id).get_conn()
    except AirflowException:
        raise BadSettings(
            f"Airflow has no connection {instance.odoo_connection}",
            hint="make up, then make init keeps it there, or create it in Admin, Connections",
        ) from None
    with client:
        yield client


def _run(settings: Settings, instance: Instance, daily: OdooClient, *, ask: bool) -> int:
    plan = lacking.plan(daily, instance)
    _show(plan, instance)
    if not plan.records:
        return 0
    agreed = [
        record for decides in Decides if _is_agreed(decides, plan.of(decides), ask=ask) for record in plan.of(decides)
    ]
    if not agreed:
        print("Nothing was made. YES=1 make provision makes it, or do it by hand as said above.")
        return 0
    with _log(settings) as engine, _administrator(instance, daily) as client:
        _record(engine, instance, agreed)
        print("Making it:")
        results = list(_made(making.make(client, agreed)))
    refused = [result for result in results if result.problem]
    print(f"{len(results) - len(refused)} made, {len(refused)} not. Revoke the key now: nothing needs it any more.")
    print("Next: make preflight. LIST=1 make provision shows what was made, and how to take each back.")
    return 1 if refused else 0


def _is_agreed(decides: Decides, records: Sequence[Record], *, ask: bool) -> bool:
    """Return whether a person says yes to all records of accounting, or of IT. Without a person to ask it is a dry run."""
    if not records or not (ask or sys.stdin.isatty() or os.environ.get("YES") == "1"):
        return False
    return asking.agreed(f"Make {count(len(records), 'record')}: {QUESTIONS[decides]}?", default=False)


def _show(plan: Plan, instance: Instance) -> None:
    if not plan.records and not plan.by_hand:
        print(f"{instance.id}: Odoo lacks nothing of what the settings name.")
        return
    for decides in Decides:
        records = plan.of(decides)
        if records:
            print(f"Missing, {QUESTIONS[decides]}:")
        for record in records:
            print(f"  {record.what}")
            values = ", ".join(f"{name} {value!r}" for name, value in record.values.items())
            print(f"    {record.model}: {values}")
            print(f"    by hand: {record.clicks}")
    if plan.by_hand:
        print("For a person, never made:")
        for what, how in plan.by_hand:
            print(f"  {what}\n    {how}")


@contextmanager
def _log(settings: Settings) -> Iterator[Engine]:
    """Open the staging database, where each yes is recorded. Raises BadSettings where it is not reached: then nothing is made."""
    from airflow.sdk.exceptions import AirflowException
    from sqlalchemy.exc import SQLAlchemyError

    from magodoo_airflow.hooks.context import staging_engine

    try:
        engine = staging_engine(settings)
        with engine.connect() as connection:
            connection.exec_driver_sql("select 1 from decision limit 1")
    except (AirflowException, SQLAlchemyError) as problem:
        raise BadSettings(
            f"nothing was made: the log of decisions is not reached ({type(problem).__name__})",
            hint="make up, then once more",
        ) from None
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _administrator(instance: Instance, daily: OdooClient) -> Iterator[OdooClient]:
    """Open the same company with a key of more rights, which is asked for."""
    known = {
        "url": daily.connection.url,
        "database": daily.connection.database,
        "company_id": str(instance.odoo.company_id),
    }
    why = " of an administrator of Odoo, used once and kept nowhere"
    client, _ = asking.odoo(why=why, variable="ODOO_ADMIN_KEY", **known)
    with client:
        if client.installation.database_uuid() != daily.installation.database_uuid():
            raise BadSettings("the key belongs to another database than the connection of every day: nothing was made")
        yield client


def _record(engine: Engine, instance: Instance, agreed: Iterable[Record]) -> None:
    """Log each yes with the values agreed to, before anything is made."""
    entries = [
        Entry(instance.id, record.model, record.external_id, record.what, {}, dict(record.values)) for record in agreed
    ]
    with engine.begin() as connection:
        decision_log.record(connection, Decision.PROVISION, getpass.getuser(), entries)


def _made(results: Iterable[making.Made]) -> Iterator[making.Made]:
    for result in results:
        if result.problem:
            print(f"  not made: {result.record.what}: {result.problem}\n    by hand: {result.record.clicks}")
        else:
            print(f"  {result.record.what} ({result.record.external_id})\n    take it back: {result.record.undo}")
        yield result


def _show_made(settings: Settings, instance: Instance, daily: OdooClient) -> int:
    """Print every record that was agreed to and is there, with its external id, who agreed and how to take it back."""
    with _log(settings) as engine, engine.connect() as connection:
        rows = decision_log.of_kind(connection, Decision.PROVISION, instance.id)
    names = list(dict.fromkeys(row["about_id"] for row in rows if row["about"] != FIELDS))
    there = daily.external_ids.find(names, hidden={}) if names else {}
    for row in rows:  # a restricted user may not look up fields, and sees whether one is there all the same
        if row["about"] == FIELDS and daily.rpc.has_field("stock.picking", row["after"]["name"]):
            there[row["about_id"]] = 0
    seen: set[Any] = set()
    for row in rows:
        if row["about_id"] in there and row["about_id"] not in seen:
            seen.add(row["about_id"])
            when = f"{row['at']:%Y-%m-%d %H:%M} UTC"
            print(f"{row['number']} ({row['about']}, {row['about_id']}), agreed to by {row['who']} {when}")
            print(f"  take it back: {lacking.undo(row['about'], row['after'])}")
    if not seen:
        print(f"{instance.id}: nothing that provisioning made is there.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
