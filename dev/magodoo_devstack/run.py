"""`python -m magodoo_devstack.run [--needed] module [argument ...]`: run a module with the connections of the stack that runs in this checkout.

An environment that has connections of its own is left as it is; so is one beside which no stack runs, unless one is `--needed`.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from magodoo_devstack import runner
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State


def main() -> None:
    """Put the stack's connections into the environment, then run the module as `python -m` does."""
    there = use_the_running_stack()
    del sys.argv[0]
    if sys.argv[0] == "--needed":
        del sys.argv[0]
        if not there:
            print("The local stack does not run. Next: make up", file=sys.stderr)
            sys.exit(1)
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except KeyboardInterrupt:
        print(f"\ninterrupted; {runner.still_running(Layout.here())}", file=sys.stderr)
        sys.exit(130)


def use_the_running_stack() -> bool:
    """Take the environment of the stack (`make up`), unless the caller's environment has an Airflow; return whether there is one."""
    if any(name.startswith(("AIRFLOW_CONN_", "AIRFLOW__DATABASE__")) for name in os.environ):
        return True
    layout = Layout.here()
    state = State.load(layout.stack / "stack.json")
    if state is not None and runner.is_running(state):  # else its ports may be somebody else's by now
        os.environ.update(environment(layout, state))
        return True
    home = Path(os.environ.get("AIRFLOW_HOME", Path.home() / "airflow"))
    return (home / "airflow.cfg").exists()


if __name__ == "__main__":
    main()
