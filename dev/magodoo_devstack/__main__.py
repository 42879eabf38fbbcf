"""`python -m magodoo_devstack up | down | status | clean`: what the Makefile's targets run."""

from __future__ import annotations

import argparse
import sys

from rich.table import Table

from magodoo.errors import MagodooError
from magodoo_devstack import lifecycle, runner
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress
from magodoo_devstack.state import State


def main() -> int:
    parser = argparse.ArgumentParser(prog="magodoo_devstack", description=__doc__)
    parser.add_argument("what", choices=("up", "down", "status", "clean"))
    what = parser.parse_args().what
    layout, progress = Layout.here(), Progress()
    try:
        return {"up": up, "down": down, "status": status, "clean": clean}[what](layout, progress)
    except MagodooError as error:
        progress.console.print(f"[red]{what}:[/red] {error}", markup=True)
        return 1


def up(layout: Layout, progress: Progress) -> int:
    progress.steps = lifecycle.STEPS
    print_addresses(progress, lifecycle.up(layout, progress))
    return 0


def down(layout: Layout, progress: Progress) -> int:
    with progress.step("stopping the stack") as detail:
        swept = lifecycle.down(layout)
        if swept:
            detail(f"{swept} processes had lost their runner")
    return 0


def status(layout: Layout, progress: Progress) -> int:
    """Exit status 0 when every program runs."""
    state = State.load(layout.stack / "stack.json")
    statuses = runner.statuses(state) if state else {}
    if not state or not statuses:
        left = runner.marked(layout)
        progress.note(f"the stack does not run{f', but {len(left)} of its processes do: make down' if left else ''}")
        return 3
    table = Table("program", "state")
    for name, word in sorted(statuses.items()):
        table.add_row(name, word)
    progress.console.print(table)
    print_addresses(progress, state)
    return 0 if set(statuses.values()) == {"RUNNING"} else 1


def clean(layout: Layout, progress: Progress) -> int:
    with progress.step("stopping the stack and removing var/"):
        lifecycle.clean(layout)
    return 0


def print_addresses(progress: Progress, state: State) -> None:
    """Print the addresses and logins."""
    table = Table.grid(padding=(0, 2))
    table.add_row("Airflow", state.urls["airflow"])
    table.add_row("", f"login admin, password {state.secrets.admin}")
    table.add_row("", f"login viewer, password {state.secrets.viewer}")
    table.add_row("Sales pages", f"{state.urls['airflow']}/plugin/magento-sales")
    table.add_row("Data Docs", "var/data_docs")
    table.add_row("Mails", "var/mail")
    table.add_row("Logs", "var/log")
    progress.console.print(table)


if __name__ == "__main__":
    sys.exit(main())
