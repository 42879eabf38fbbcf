"""`python -m magodoo_sandbox.odoo --port 8069 --provision --key K --sync-key S --admin-key A`: serve until stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from magodoo_sandbox.odoo.database import OdooDatabase
from magodoo_sandbox.odoo.server import OdooApp
from magodoo_sandbox.serving import uvicorn_server


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
    parser.add_argument("--key", required=True, help="the X-Sandbox-Key of the control routes")
    parser.add_argument("--sync-key", required=True, help="the API key of the user sync")
    parser.add_argument("--admin-key", required=True, help="the API key of the user admin")
    parser.add_argument(
        "--series",
        type=int,
        default=19,
        choices=range(16, 21),
        help="the version that it answers and behaves as (default 19)",
    )
    options = parser.parse_args()

    def open_database() -> OdooDatabase:
        if not options.state:
            db = OdooDatabase()
            db.provision()
        else:
            db = OdooDatabase.load_file(options.state)
        db.series = options.series
        db.give_keys(sync=options.sync_key, admin=options.admin_key)
        return db

    uvicorn_server(OdooApp(open_database(), options.key, open_database), options.host, options.port).run()


if __name__ == "__main__":
    main()
