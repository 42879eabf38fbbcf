"""Erase a customer everywhere: `python -m magodoo_airflow.erase --email ann@example.com`, what `make erase` runs.

A command and not a DAG, because the conf and the logs of a DAG run would keep the email address.
"""

from __future__ import annotations

import argparse
import getpass
import sys

from magodoo.errors import MagodooError


def main() -> int:
    """Print counts, never the name. Returns 1 when nobody was found or a change of theirs is being written, else 0."""
    parser = argparse.ArgumentParser(
        prog="make erase", description="Erase a customer from staging, ledger, mails and Data Docs."
    )
    parser.add_argument("--email", default="")
    parser.add_argument("--customer-id", default="", help="Magento's")
    parser.add_argument("--order", action="append", default=[], help="an order number; may be repeated")
    chosen = parser.parse_args()
    from magodoo.pipeline import upkeep
    from magodoo.settings.read import read_with_problems
    from magodoo.timestamps import utc_now
    from magodoo_airflow.connections import find_connections_as_servers_do
    from magodoo_airflow.hooks.context import staging_engine

    find_connections_as_servers_do()
    try:
        settings = read_with_problems().settings
        engine = staging_engine(settings)
        who = getpass.getuser()
        named = {"email": chosen.email, "customer_id": chosen.customer_id, "orders": chosen.order}
        counts = upkeep.erase_customer(engine, settings, **named, who=who, now=utc_now())
    except MagodooError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(
        ", ".join(f"{name} {number}" for name, number in counts.items() if number)
        or "no order of that customer was found"
    )
    return 0 if counts["orders"] else 1


if __name__ == "__main__":
    sys.exit(main())
