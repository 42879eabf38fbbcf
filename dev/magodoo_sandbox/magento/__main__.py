"""`python -m magodoo_sandbox.magento --port 8080 --state shop.json`: serve a shop until stopped.

Its secrets are variables of the environment, as everybody on the machine may read a command line: `MAGODOO_SANDBOX_KEY` (X-Sandbox-Key
of the control routes), `MAGODOO_SANDBOX_TOKEN` (a bearer token with every right) and, if it is set, `MAGODOO_SANDBOX_ADMIN`
(USER:PASSWORD of an administrator who may ask for a token).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from magodoo_sandbox.magento.server import MagentoApp
from magodoo_sandbox.magento.shop import MagentoShop
from magodoo_sandbox.serving import secret, uvicorn_server


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="magodoo_sandbox.magento", description="A small Magento that behaves as recorded."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--state", type=Path, help="a file written by MagentoShop.dump()")
    start.add_argument("--empty", action="store_true", help="a shop with one store and nothing in it")
    options = parser.parse_args()
    key, token = secret("KEY"), secret("TOKEN")

    def open_shop() -> MagentoShop:
        return MagentoShop.load(options.state) if options.state else MagentoShop()

    shop = open_shop()
    shop.accounts.add_integration(token)
    if admin := os.environ.get("MAGODOO_SANDBOX_ADMIN"):
        username, _, password = admin.partition(":")
        shop.accounts.add_admin(username, password)
    uvicorn_server(MagentoApp(shop, key, open_shop), options.host, options.port).run()


if __name__ == "__main__":
    main()
