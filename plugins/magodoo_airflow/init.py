"""Draft the settings of an instance from both systems: `python -m magodoo_airflow.init`, what `make init` runs. Both are only read.

Where Airflow runs, its connections are used; what it lacks is asked for, and kept there on a yes. Without an Airflow the keys are asked
for and forgotten. A file that describes the instance already is never changed: then it is said what both systems have that it does not.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from magodoo.connectors.magento.client import MagentoClient
from magodoo.connectors.odoo.client import OdooClient
from magodoo.discovery import books, draft, proposals, shop
from magodoo.discovery.draft import Answers
from magodoo.discovery.proposals import Proposal, count
from magodoo.errors import BadSettings, MagodooError
from magodoo.settings import Instance
from magodoo.settings.model import INSTANCE_ID
from magodoo.settings.read import FILE_VARIABLE, read_with_problems, settings_file
from magodoo.settings.undecided import open_lines
from magodoo.timestamps import utc_now
from magodoo_airflow import asking, connections

DAYS = 90
SHOWN = timedelta(days=7)
"""The month of so long ago begins with the cut-over that is proposed: a first look should show more than a day."""


def main() -> int:
    """Ask, read both systems, write the draft or say what is new. Returns 1 when something was not possible, else 0."""
    parser = argparse.ArgumentParser(
        prog="make init", description="Draft the settings of an instance from both systems."
    )
    parser.add_argument("--instance", default=os.environ.get("INSTANCE", ""), help="id of the instance, permanent")
    parser.add_argument("--magento-url", default="", help="default: MAGENTO_URL, else asked for")
    parser.add_argument("--odoo-url", default="", help="default: ODOO_URL, else asked for")
    parser.add_argument("--magento-connection", default="", help="id of the Airflow connection (magento_<instance>)")
    parser.add_argument("--odoo-connection", default="", help="id of the Airflow connection (odoo_<instance>)")
    parser.add_argument("--books-from", default=os.environ.get("BOOKS_FROM", ""), help="cut-over, local: 2026-01-31")
    parser.add_argument("--time-zone", default=os.environ.get("TIME_ZONE", ""), help="IANA name")
    parser.add_argument("--days", type=int, default=DAYS, help="orders of so many days are read (%(default)s)")
    parser.add_argument(
        "--file", type=Path, default=settings_file(), help=f"default: ${FILE_VARIABLE}, else magodoo.yaml"
    )
    chosen = parser.parse_args()
    try:
        with ExitStack() as opened:
            return _run(chosen, opened)
    except MagodooError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing was written", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace, opened: ExitStack) -> int:
    name = _instance_id(chosen.instance)
    known = known_instance(chosen.file, name)
    ids = {
        "magento": chosen.magento_connection or (known.magento_connection if known else f"magento_{name}"),
        "odoo": chosen.odoo_connection or (known.odoo_connection if known else f"odoo_{name}"),
    }
    company = known.odoo.company_id if known else None
    magento = opened.enter_context(_magento(ids["magento"], chosen.magento_url))
    odoo = opened.enter_context(_odoo(ids["odoo"], chosen.odoo_url, company))
    print("Reading both systems. Nothing is written to either.", flush=True)
    if known:
        print(_look(magento, odoo, known, chosen.days).news(known, chosen.file))
        return 0
    reader = Instance(id=name, magento_connection=ids["magento"], odoo_connection=ids["odoo"])
    seen = _look(magento, odoo, reader, chosen.days)
    seen = replace(seen, answers=_answers(chosen, name, ids, seen.sold))
    text = seen.draft()
    file = chosen.file if not chosen.file.exists() else chosen.file.with_name(f"{chosen.file.stem}.{name}.yaml")
    write_new(file, text)
    print(_summary(file, text, seen.found))
    if file != chosen.file:
        print(
            f"{chosen.file} has other instances and was not changed: copy the block `{name}:` under its `instances:`."
        )
    return 0


@dataclass(frozen=True)
class Look:
    """What was read of both systems, and what the settings should say of it."""

    sold: shop.Shop
    kept: books.Books
    found: list[Proposal]
    answers: Answers | None = None

    def draft(self) -> str:
        """Return the text of a settings file. The answers must be there."""
        assert self.answers is not None, "a draft is made of the answers"
        return draft.text(self.answers, self.sold, self.kept, self.found)

    def news(self, instance: Instance, file: Path) -> str:
        """Return what both systems have that the file does not, as text for a person."""
        text = file.read_text(encoding="utf-8")
        new, left = draft.news(self.found, instance, text), open_lines(text)
        lines = [f"Both systems have nothing that {file} does not have."]
        if new:
            lines = [f"{count(len(new), 'line')} that {file} does not have, by section:"]
            for section in dict.fromkeys(proposal.section for proposal in new):
                lines += ["", f"{section or 'instance'}:"]
                lines += [line for each in new if each.section == section for line in draft.rendered(each, "  ")]
            lines += [
                "",
                f"{file} was not changed. Next: copy what you want to have, decide the open lines, then make settings",
            ]
        if left:
            lines.append(f"{count(len(left), 'line is', 'lines are')} still open in {file}: make settings lists them.")
        return "\n".join(lines)


def look(magento: MagentoClient, odoo: OdooClient, answers: Answers, known: Instance | None) -> Look:
    """Return what both systems hold for an instance of these answers, or for one that the settings have. Raises what reading raises."""
    fresh = Instance(
        id=answers.instance, magento_connection=answers.magento_connection, odoo_connection=answers.odoo_connection
    )
    return replace(_look(magento, odoo, known or fresh, DAYS), answers=answers)


def _look(magento: MagentoClient, odoo: OdooClient, instance: Instance, days: int) -> Look:
    sold = shop.read_shop(magento, instance, utc_now(), days)
    kept = books.read_books(odoo, sold.skus)
    unread = f", {sold.unread:,} unread" if sold.unread else ""
    since = f"{sold.since:%Y-%m-%d}"
    print(f"  {count(sold.orders, 'order')} of Magento since {since}{unread}; Odoo {kept.version}, {kept.company}")
    return Look(sold, kept, proposals.proposals(sold, kept))


def write_new(file: Path, text: str) -> None:
    """Write a file that must not be there yet. Raises BadSettings."""
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise BadSettings(f"{file} is there already, and is not overwritten", hint="move it away, or use it") from None
    except OSError as problem:
        raise BadSettings(
            f"{file} cannot be written: {problem.strerror}", hint="name another file with --file"
        ) from None


def _instance_id(given: str) -> str:
    name = given or asking.ask("Id of the instance, permanent: small letters and digits", default="us")
    if not re.fullmatch(INSTANCE_ID, name):
        raise BadSettings(
            f"{name!r} is no id of an instance", hint="use up to 16 small letters and digits, a letter first"
        )
    return name


def known_instance(file: Path, name: str) -> Instance | None:
    """Return the instance as the file has it. Raises BadSettings where it is there and cannot be read."""
    if not file.exists():
        return None
    reading = read_with_problems(file)
    broken = [str(problem) for problem in reading.problems if problem.instance == name]
    if broken:
        raise BadSettings(f"{file}: {'; '.join(broken)}", hint="correct it first (make settings)")
    return reading.settings.instances.get(name)


@contextmanager
def _magento(connection: str, url: str) -> Iterator[MagentoClient]:
    if not url and connections.is_airflow_there() and connections.exists(connection):
        from magodoo_airflow.hooks.magento import MagentoHook

        client = MagentoHook(connection).get_conn()
        print(f"Magento: Airflow's connection {connection}")
    else:
        client, fields = asking.magento(url)
        _offer_to_keep(connection, "magento", fields)
    with client:
        yield client


@contextmanager
def _odoo(connection: str, url: str, company: int | None) -> Iterator[OdooClient]:
    if not url and connections.is_airflow_there() and connections.exists(connection):
        from magodoo_airflow.hooks.odoo import OdooHook

        client = OdooHook(connection, **({"company_id": company} if company else {})).get_conn()
        print(f"Odoo: Airflow's connection {connection}")
    else:
        client, fields = asking.odoo(url, **({"company_id": str(company)} if company else {}))
        _offer_to_keep(connection, "odoo", fields)
    with client:
        yield client


def _offer_to_keep(connection: str, kind: str, fields: dict[str, str]) -> None:
    """Keep what was asked for as a connection of Airflow, where one runs that lacks it and a person agrees."""
    if not connections.may_be_kept() or connections.exists(connection):
        return
    if asking.agreed(f"  Keep this as connection {connection} in Airflow, encrypted?", default=True):
        connections.keep(connection, asking.airflow_fields(kind, fields))


def _answers(chosen: argparse.Namespace, name: str, ids: dict[str, str], sold: shop.Shop) -> Answers:
    zones = [store.time_zone for store in sorted(sold.stores, key=lambda store: -store.orders) if store.time_zone]
    asked = chosen.time_zone or asking.ask("Time zone of the company's accounting", default=next(iter(zones), "UTC"))
    there = zone(asked)
    first = (utc_now().astimezone(ZoneInfo(there)).date() - SHOWN).replace(day=1)
    day = chosen.books_from or asking.ask(
        "Cut-over: the first day of orders that magodoo keeps (a past one for a first look)", default=f"{first}"
    )
    return Answers(name, ids["magento"], ids["odoo"], cut_over(day), there)


def zone(given: str) -> str:
    """Return the IANA name of a time zone. Raises BadSettings."""
    if given not in available_timezones():
        raise BadSettings(f"unknown time zone {given!r}", hint="use an IANA name such as Europe/Berlin")
    return given


def cut_over(given: str) -> datetime:
    """Return a local date or date-time as a naive datetime. Raises BadSettings."""
    try:
        return datetime.fromisoformat(given).replace(tzinfo=None)
    except ValueError:
        raise BadSettings(f"{given!r} is no date", hint="write year, month and day: 2026-01-31") from None


def _summary(file: Path, text: str, found: list[Proposal]) -> str:
    """Return what is settled, what is open and the next command, for a person."""
    undecided = open_lines(text)
    settled = sum(bool(proposal.text) and not proposal.is_open for proposal in found)
    lines = [f"\n{file}: {settled} settled, {len(undecided)} open", *(f"  {line}" for line in draft.summary(found))]
    lines += [f"  line {number} is open: {setting}" for number, setting in undecided]
    step = (
        f"decide the open lines in {file} (each names its choices), then make settings"
        if undecided
        else "make settings"
    )
    return "\n".join([*lines, f"Next: {step}; then make provision shows what Odoo lacks."])


if __name__ == "__main__":
    sys.exit(main())
