"""`python -m magodoo_devstack up | down | status | clean`: what the Makefile's targets run."""

from __future__ import annotations

import argparse
import os
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
    except KeyboardInterrupt:
        progress.console.print(f"interrupted; {runner.still_running(layout)}")
        return 130
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
            detail(f"also {swept} process{'' if swept == 1 else 'es'} that an earlier start had left")
    return 0


def status(layout: Layout, progress: Progress) -> int:
    """Exit status 0 when every program runs, or none: a stack that was stopped is no error."""
    state = State.load(layout.stack / "stack.json")
    statuses = runner.statuses(state) if state else {}
    if not state or not statuses:
        left = runner.marked(layout)
        progress.note(
            f"the stack is stopped{f', but {len(left)} of its processes run: make down' if left else '; make up starts it'}"
        )
        return 0
    table = Table("program", "state")
    for name, word in sorted(statuses.items()):
        table.add_row(name, word)
    progress.console.print(table)
    print_addresses(progress, state)
    return 0 if set(statuses.values()) == {"RUNNING"} else 1


def clean(layout: Layout, progress: Progress) -> int:
    lost = lifecycle.lost(layout)
    if lost and os.environ.get("YES") != "1":
        progress.note(
            f"make clean removes what magodoo keeps of your shop: {'; '.join(lost)}. The settings file stays."
        )
        if not sys.stdin.isatty() or input("Remove all of it? [y/N] ").strip().lower() not in ("y", "yes"):
            progress.note("nothing was removed; YES=1 make clean removes it")
            return 1
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
