"""`python -m magodoo_devstack.run module [argument ...]`: run a module with the connections of the stack that runs in this checkout.

An environment that has connections of its own is left as it is; so is one beside which no stack runs.
"""

from __future__ import annotations

import os
import runpy
import sys

from magodoo_devstack import runner
from magodoo_devstack.environment import environment
from magodoo_devstack.layout import Layout
from magodoo_devstack.state import State


def main() -> None:
    """Put the stack's connections into the environment, then run the module as `python -m` does."""
    use_the_running_stack()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def use_the_running_stack() -> None:
    """Take the environment of the stack (`make up`), unless the caller's environment has connections or a metadata database."""
    if any(name.startswith(("AIRFLOW_CONN_", "AIRFLOW__DATABASE__")) for name in os.environ):
        return
    layout = Layout.here()
    state = State.load(layout.stack / "stack.json")
    if state is not None and runner.is_running(state):  # else its ports may be somebody else's by now
        os.environ.update(environment(layout, state))


if __name__ == "__main__":
    main()
