"""`python -m magodoo_devstack.demo`: what `make demo` runs.

Exit status 0 only if found = planted, nothing failed and the last run changed nothing.
"""

from __future__ import annotations

import argparse
import sys

from rich.markup import escape

from magodoo.errors import MagodooError
from magodoo_devstack import runner
from magodoo_devstack.__main__ import print_addresses
from magodoo_devstack.demo import story
from magodoo_devstack.layout import Layout
from magodoo_devstack.progress import Progress


def main() -> int:
    parser = argparse.ArgumentParser(prog="magodoo_devstack.demo", description=__doc__)
    parser.add_argument("--orders", type=int, default=300, help="size of the shop")
    parser.add_argument("--seed", type=int, default=7, help="another number, another shop")
    parser.add_argument("--odoo", choices=("sandbox", "live"), default="sandbox", help="live: a real Odoo 19")
    given = parser.parse_args()
    layout, progress = Layout.here(), Progress()
    try:
        live = given.odoo == "live"
        summary, state = story.run(layout, progress, orders=given.orders, seed=given.seed, live=live)
    except KeyboardInterrupt:
        progress.console.print(f"interrupted; {runner.still_running(layout)}")
        return 130
    except MagodooError as error:
        progress.console.print(f"[red]demo:[/red] {escape(str(error))}")
        if runner.marked(layout):
            progress.note("what has started still runs: look around in var/log, or stop it with make down")
        return 1
    summary.show(progress.console)
    print_addresses(progress, state)
    progress.console.print(summary.verdict())
    return 0 if summary.good else 1


if __name__ == "__main__":
    sys.exit(main())
