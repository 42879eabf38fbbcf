"""`make explain ORDER=000000012`: the account of an order, from the staging database in use or from the local stack's."""

from __future__ import annotations

import os
import sys

from magodoo.reconcile import explain
from magodoo_devstack import runner
from magodoo_devstack.environment import cluster_of
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State


def main() -> int:
    layout = Layout.here()
    state = State.load(layout.stack / "stack.json")
    if explain.VARIABLE not in os.environ:
        if state is None or not runner.is_running(state):
            print(
                f"The local stack does not run. Next: make up, or name a database in {explain.VARIABLE}",
                file=sys.stderr,
            )
            return 1
        os.environ[explain.VARIABLE] = cluster_of(layout, state).url("magodoo")
    return explain.main()


if __name__ == "__main__":
    sys.exit(main())
