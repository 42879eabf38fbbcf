"""`python -m magodoo_sandbox.odoo --port 8069 --provision`: serve until stopped.

Its secrets are variables of the environment, as everybody on the machine may read a command line: `MAGODOO_SANDBOX_KEY` (X-Sandbox-Key
of the control routes), `MAGODOO_SANDBOX_SYNC_KEY` and `MAGODOO_SANDBOX_ADMIN_KEY` (the API keys of the users sync and admin).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import OdooApp
from magodoo_sandbox.serving import secret, uvicorn_server


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="magodoo_sandbox.odoo", description="A small Odoo 19 that behaves as recorded."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--state", type=Path, help="a file written by OdooDatabase.save_file()")
    start.add_argument(
        "--provision", action="store_true", help="a database prepared for the pipeline, without documents"
    )
    parser.add_argument(
        "--series",
        type=int,
        default=19,
        choices=range(16, 21),
        help="the version that it answers and behaves as (default 19)",
    )
    options = parser.parse_args()
    key, sync, admin = secret("KEY"), secret("SYNC_KEY"), secret("ADMIN_KEY")

    def open_database() -> OdooDatabase:
        if not options.state:
            db = OdooDatabase()
            db.provision()
        else:
            db = OdooDatabase.load_file(options.state)
        db.series = options.series
        db.give_keys(sync=sync, admin=admin)
        return db

    uvicorn_server(OdooApp(open_database(), key, open_database), options.host, options.port).run()


if __name__ == "__main__":
    main()
